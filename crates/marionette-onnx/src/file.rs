//! The file as a whole.

use crate::{
    body::body,
    draft::Draft,
    error::OnnxError,
    head::{self, Head},
    image::{Input, normalised},
    metadata::metadata,
    proto::{
        Dimension, DimensionValue, GraphProto, ModelProto, OperatorSetIdProto, TensorProto,
        TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
    },
};
use marionette_base::atomic_file::write_atomic;
use marionette_nn::HeatmapNetwork;
use marionette_train::export::ModelCard;
use prost::Message;
use std::path::Path;

/// The version of ONNX's operators that files need.
pub const OPSET: i64 = 17;
/// The version of the file format that came with them.
const IR_VERSION: i64 = 8;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnnxOptions {
    /// What it gives.
    pub head: Head,
    /// Whether weights are kept as whole numbers of eight bits, each output channel with a scale
    /// of its own. The file is a quarter as long; it computes in floating point all the same.
    pub quantized: bool,
}

/// Writes `network` with its `card` to an ONNX file, whole or not at all. The same network gives
/// the same bytes.
///
/// The input is `images` [B, 3, H, W], B of any size; [`Head::input`] says what is in it. Norms are
/// folded into the weights, and normalisation is a part of the graph. The card is among the
/// metadata under `marionette`, with the sections of [`ModelCard`] and one more, `onnx`, which says
/// what goes in and comes out.
///
/// # Errors
/// If the network has a layer that cannot be written, naming it, or the file cannot be written.
pub fn write_onnx(
    path: &Path,
    network: &HeatmapNetwork,
    card: &ModelCard,
    options: OnnxOptions,
) -> Result<(), OnnxError> {
    Ok(write_atomic(path, &encode_onnx(network, card, options)?.encode_to_vec())?)
}

/// What [`write_onnx`] writes.
///
/// # Errors
/// If the network has a layer that cannot be written, naming it.
pub fn encode_onnx(
    network: &HeatmapNetwork,
    card: &ModelCard,
    options: OnnxOptions,
) -> Result<ModelProto, OnnxError> {
    let (spec, head) = (network.spec(), options.head);
    let mut draft = Draft::default();
    let image = normalised(&mut draft, &head.input(), spec);
    let output = body(&mut draft, network, image, options.quantized)?;
    head::add(&mut draft, head, &output, card.activation, spec)?;

    let Input { name, channels, .. } = head.input();
    let (size, given) = ([3, spec.input_height, spec.input_width], head.shape(spec));
    let text =
        format!("{}: {name} {size:?} ({channels}) to {} {given:?}", spec.name, head.output());
    let graph = GraphProto {
        node: draft.nodes,
        name: Some(spec.name.clone()),
        initializer: draft.constants,
        input: vec![value(name, head, &size)],
        output: vec![value(head.output(), head, &given)],
    };
    Ok(ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("marionette".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        doc_string: Some(text),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: Some(String::new()),
            version: Some(OPSET),
        }],
        metadata_props: metadata(card, spec, options),
    })
}

/// A value of any number of images.
fn value(name: &str, head: Head, sides: &[usize]) -> ValueInfoProto {
    // Ultralytics takes a batch with a name to mean images of any size as well.
    let batch = (head != Head::Yolo).then(|| DimensionValue::DimParam("batch".to_owned()));
    let fixed = |side: &usize| Some(DimensionValue::DimValue(*side as i64));
    let sides = std::iter::once(batch).chain(sides.iter().map(fixed));
    let shape = TensorShapeProto { dim: sides.map(|value| Dimension { value }).collect() };
    let tensor = TensorType { elem_type: Some(TensorProto::FLOAT), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto { tensor_type: Some(tensor) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use marionette_nn::{
        ModelSpec, build,
        graph::{Builder, Conv, Interpolation, MapSize},
        heatmap::Activation,
    };
    use std::collections::HashSet;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const HEADS: [Head; 4] = [Head::Heatmaps, Head::Rtmlib, Head::Keypoints, Head::Yolo];

    fn card(spec: &ModelSpec, activation: Activation) -> ModelCard {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        let figure = marionette_figure::load_figure(Path::new(path)).unwrap();
        ModelCard::new(&figure, spec.clone(), activation)
    }

    fn encoded(name: &str, options: OnnxOptions) -> Result<ModelProto, Box<dyn std::error::Error>> {
        let network = build(name, 17, 1, &Device::Cpu)?;
        let card = card(network.spec(), Activation::Softmax);
        let bytes = encode_onnx(&network, &card, options)?.encode_to_vec();
        Ok(ModelProto::decode(bytes.as_slice())?)
    }

    #[test]
    fn every_node_reads_what_is_there_and_the_last_gives_the_result() -> Outcome {
        for name in marionette_nn::NETWORKS {
            for (head, quantized) in HEADS.into_iter().flat_map(|h| [(h, false), (h, true)]) {
                let model = encoded(name, OnnxOptions { head, quantized })?;
                assert_eq!((model.ir_version, model.opset_import[0].version), (Some(8), Some(17)));
                let graph = model.graph.ok_or("no graph")?;
                let mut known = HashSet::from(["images".to_owned()]);
                for constant in graph.initializer {
                    let name = constant.name.unwrap_or_default();
                    let size = match constant.data_type {
                        Some(TensorProto::FLOAT) => 4,
                        Some(TensorProto::INT8) => 1,
                        _ => 8,
                    };
                    let length = constant.raw_data.unwrap_or_default().len() as i64;
                    assert_eq!(length, size * constant.dims.iter().product::<i64>(), "{name}");
                    assert!(known.insert(name.clone()), "{name} twice");
                }
                for node in &graph.node {
                    for input in &node.input {
                        assert!(known.contains(input), "{node:?}");
                    }
                    assert!(known.insert(node.output[0].clone()), "{node:?} twice");
                }
                let last = graph.node.last().ok_or("no node")?;
                assert_eq!(graph.output[0].name.as_ref(), last.output.first());
                assert_eq!(last.output[0], head.output());
            }
        }
        Ok(())
    }

    fn sides(value: &ValueInfoProto) -> Vec<Option<i64>> {
        let tensor = value.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()).unwrap();
        let side = |side: &Dimension| match side.value {
            Some(DimensionValue::DimValue(length)) => Some(length),
            _ => None,
        };
        tensor.shape.as_ref().unwrap().dim.iter().map(side).collect()
    }

    #[test]
    fn any_number_of_images_goes_in_and_shapes_are_as_each_head_says() -> Outcome {
        for (head, expected) in [
            (Head::Heatmaps, vec![None, Some(17), Some(32), Some(32)]),
            (Head::Rtmlib, vec![None, Some(17), Some(128), Some(128)]),
            (Head::Keypoints, vec![None, Some(17), Some(3)]),
            (Head::Yolo, vec![None, Some(1), Some(57)]),
        ] {
            let graph = encoded("small", OnnxOptions { head, quantized: false })?.graph.unwrap();
            assert_eq!(sides(&graph.input[0]), [None, Some(3), Some(128), Some(128)]);
            assert_eq!(sides(&graph.output[0]), expected);
        }
        Ok(())
    }

    #[test]
    fn the_card_says_what_goes_in_and_is_still_a_card() -> Outcome {
        for head in HEADS {
            let model = encoded("nano", OnnxOptions { head, quantized: true })?;
            let text = |key: &str| {
                let entry = model.metadata_props.iter().find(|e| e.key.as_deref() == Some(key));
                entry.and_then(|entry| entry.value.as_deref())
            };
            let json = text("marionette").ok_or("no card")?;
            let spec = marionette_nn::spec("nano", 17)?;
            assert_eq!(ModelCard::parse(json), Ok(card(&spec, Activation::Softmax)));
            let json: serde_json::Value = serde_json::from_str(json)?;
            let (channels, name) = match head {
                Head::Rtmlib => ("BGR", "heatmaps for rtmlib"),
                Head::Heatmaps => ("RGB", "heatmaps"),
                Head::Keypoints => ("RGB", "keypoints"),
                Head::Yolo => ("RGB", "yolo"),
            };
            assert_eq!(json["onnx"]["input"]["channels"], channels);
            assert_eq!(
                (&json["onnx"]["head"], &json["onnx"]["weights"]),
                (&name.into(), &"int8".into())
            );
            assert_eq!(text("kpt_shape"), (head == Head::Yolo).then_some("[17, 3]"));
        }
        Ok(())
    }

    #[test]
    fn maps_that_may_be_negative_are_cut_off_at_zero() -> Outcome {
        let network = build("nano", 17, 1, &Device::Cpu)?;
        let options = OnnxOptions { head: Head::Heatmaps, quantized: false };
        for (activation, expected) in [(Activation::Softmax, "Mul"), (Activation::Identity, "Relu")]
        {
            let model = encode_onnx(&network, &card(network.spec(), activation), options)?;
            let graph = model.graph.ok_or("no graph")?;
            let maps = graph.node.iter().find(|node| node.output[0] == "maps");
            assert_eq!(maps.and_then(|node| node.op_type.as_deref()), Some(expected));
        }
        Ok(())
    }

    #[test]
    fn a_layer_that_cannot_be_written_is_named_and_nothing_is_written() -> Outcome {
        let refusal =
            |extra: &str, size: usize, head: Head| -> Result<String, Box<dyn std::error::Error>> {
                let input = MapSize { channels: 3, height: size, width: size };
                let mut layers = Builder::new(1, input);
                let mut x = layers.conv(layers.input(), Conv::new("first", 4, 3).norm("norm"))?;
                x = match extra {
                    "pool" => layers.pool(x, true, 2, 1, 1)?,
                    "mean" => layers.pool(x, false, 3, 1, 1)?,
                    "resize" => layers.resize(x, 2, Interpolation::Bilinear),
                    _ => x,
                };
                x = layers.conv(x, Conv::head("head", 17, 3))?;
                let map = layers.size(x);
                let spec = ModelSpec {
                    name: "own".to_owned(),
                    keypoints: 17,
                    input_width: size,
                    input_height: size,
                    heatmap_width: map.width,
                    heatmap_height: map.height,
                    stride: 1,
                    mean: [0.5; 3],
                    deviation: [0.25; 3],
                };
                let (graph, parameters) = layers.build(&Device::Cpu)?;
                let network = HeatmapNetwork::new(spec, graph, parameters)?;
                let card = card(network.spec(), Activation::Softmax);
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("own.onnx");
                let options = OnnxOptions { head, quantized: false };
                let refused = write_onnx(&path, &network, &card, options).err();
                assert_eq!(path.exists(), refused.is_none());
                Ok(refused.map(|error| error.to_string()).unwrap_or_default())
            };
        for (extra, operator) in [
            ("pool", "a max pooling of 2x2"),
            ("mean", "an average pooling of 3x3"),
            ("resize", "an upsampling by 2"),
        ] {
            let expected = format!(
                "layer 2 is {operator}, which cannot be written to an ONNX file; convolutions can"
            );
            assert_eq!(refusal(extra, 8, Head::Heatmaps)?, expected);
        }
        assert_eq!(refusal("", 8, Head::Keypoints)?, "");
        assert_eq!(refusal("", 2, Head::Heatmaps)?, "");
        let expected = "keypoints need heatmaps of at least 3x3 cells, and this network's have 2x2";
        for head in [Head::Rtmlib, Head::Keypoints, Head::Yolo] {
            assert_eq!(refusal("", 2, head)?, expected);
        }
        Ok(())
    }
}
