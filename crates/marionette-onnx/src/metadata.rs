//! What readers and people are told about a file.

use crate::{file::OnnxOptions, head::Head, image::Input, proto::StringStringEntryProto};
use marionette_nn::ModelSpec;
use marionette_train::export::ModelCard;
use serde::Serialize;

/// The model card with what this file takes and gives.
#[derive(Serialize)]
struct OnnxCard<'a> {
    #[serde(flatten)]
    card: &'a ModelCard,
    onnx: Interface,
}

#[derive(Serialize)]
struct Interface {
    head: Head,
    input: Input,
    output: &'static str,
    /// How weights are kept.
    weights: &'static str,
}

/// The metadata of a file: the card under `marionette`, and what Ultralytics wants to know.
pub fn metadata(
    card: &ModelCard,
    spec: &ModelSpec,
    options: OnnxOptions,
) -> Vec<StringStringEntryProto> {
    let head = options.head;
    let weights = if options.quantized { "int8" } else { "float32" };
    let onnx = Interface { head, input: head.input(), output: head.output(), weights };
    let mut entries = vec![("marionette", json(&OnnxCard { card, onnx }))];
    if head == Head::Yolo {
        // Python literals, which lists of numbers and JSON's text are.
        let names = json(&card.keypoints.names);
        entries.extend([
            ("task", "pose".to_owned()),
            ("kpt_shape", format!("[{}, 3]", spec.keypoints)),
            ("kpt_names", format!("{{0: {names}}}")),
            ("names", format!("{{0: {}}}", json(&card.figure))),
            ("imgsz", format!("[{}, {}]", spec.input_height, spec.input_width)),
            ("stride", spec.stride.to_string()),
            ("batch", "1".to_owned()),
            ("channels", "3".to_owned()),
            ("end2end", "True".to_owned()),
        ]);
    }
    let entry = |(key, value): (&str, String)| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    entries.into_iter().map(entry).collect()
}

fn json(value: &impl Serialize) -> String {
    // Plain structs of numbers and text: nothing in them is without a place in JSON.
    serde_json::to_string(value).unwrap_or_default()
}
