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
