//! Small graphs that find the brightest pixels, written by hand.

use marionette_onnx::proto::{
    AttributeProto, Dimension, DimensionValue, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};
use prost::Message;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

fn whole(name: &str, value: i64) -> AttributeProto {
    let name = Some(name.to_owned());
    AttributeProto { name, i: Some(value), ints: vec![], r#type: Some(AttributeProto::INT) }
}

fn wholes(name: &str, values: &[i64]) -> AttributeProto {
    let name = Some(name.to_owned());
    let ints = values.to_vec();
    AttributeProto { name, i: None, ints, r#type: Some(AttributeProto::INTS) }
}

pub fn node(
    name: &str,
    operator: &str,
    inputs: &[&str],
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![name.to_owned()],
        name: Some(name.to_owned()),
        op_type: Some(operator.to_owned()),
        attribute,
    }
}

fn floats(name: &str, shape: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        dims: shape.to_vec(),
        data_type: Some(TensorProto::FLOAT),
        name: Some(name.to_owned()),
        raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    }
}

fn integers(name: &str, values: &[i64]) -> TensorProto {
    TensorProto {
        dims: vec![values.len() as i64],
        data_type: Some(TensorProto::INT64),
        name: Some(name.to_owned()),
        raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    }
}

/// A value of `kind`; sides of 0 are open.
pub fn value(name: &str, kind: i32, sides: &[i64]) -> ValueInfoProto {
    let side = |side: &i64| Dimension {
        value: Some(match side {
            0 => DimensionValue::DimParam("open".to_owned()),
            side => DimensionValue::DimValue(*side),
        }),
    };
    let shape = Some(TensorShapeProto { dim: sides.iter().map(side).collect() });
    let tensor_type = Some(TensorType { elem_type: Some(kind), shape });
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type }) }
}

/// A file with this graph.
pub struct Graph {
    pub input: ValueInfoProto,
    pub nodes: Vec<NodeProto>,
    pub constants: Vec<TensorProto>,
    pub outputs: Vec<&'static str>,
}

impl Graph {
    pub fn write(self, folder: &TempDir) -> PathBuf {
        let output = |name: &&str| value(name, TensorProto::FLOAT, &[]);
        let graph = GraphProto {
            node: self.nodes,
            name: Some("test".to_owned()),
            initializer: self.constants,
            input: vec![self.input],
            output: self.outputs.iter().map(output).collect(),
        };
        let opset = OperatorSetIdProto { domain: Some(String::new()), version: Some(17) };
        let model = ModelProto {
            ir_version: Some(8),
            producer_name: None,
            producer_version: None,
            doc_string: None,
            graph: Some(graph),
            opset_import: vec![opset],
            metadata_props: vec![],
        };
        let path = folder.path().join("test.onnx");
        fs::write(&path, model.encode_to_vec()).unwrap();
        path
    }
}

/// SimCC, twice as fine as its input [`batch`, 3, 48, 64]: keypoint k is at the brightest pixel of
/// channel k.
pub fn simcc(batch: i64) -> Graph {
    let finer = |name: &str, side: i64| {
        let mut values = vec![0.0; 2 * (side * side) as usize];
        for place in 0..side as usize {
            values[place * 2 * side as usize + 2 * place] = 1.0;
        }
        floats(name, &[side, 2 * side], &values)
    };
    let most = |name: &str, axis: i64| {
        node(name, "ReduceMax", &["images"], vec![wholes("axes", &[axis]), whole("keepdims", 0)])
    };
    Graph {
        input: value("images", TensorProto::FLOAT, &[batch, 3, 48, 64]),
        nodes: vec![
            most("columns", 2),
            most("rows", 3),
            node("simcc_x", "MatMul", &["columns", "finer_x"], vec![]),
            node("simcc_y", "MatMul", &["rows", "finer_y"], vec![]),
        ],
        constants: vec![finer("finer_x", 64), finer("finer_y", 48)],
        outputs: vec!["simcc_x", "simcc_y"],
    }
}

/// As [`simcc`] on an input [1, 32, 32, 3] of whole numbers: [1, 1, 3, 3] of y, x and score, as
/// MoveNet gives them, or if not `movenet` [1, 3, 3] of x, y and score.
pub fn triples(movenet: bool) -> Graph {
    const INT32: i32 = 6;
    let most = |name: &str, axes: &[i64]| {
        node(name, "ReduceMax", &["colors"], vec![wholes("axes", axes), whole("keepdims", 0)])
    };
    let mut nodes = vec![
        node("colors", "Cast", &["input"], vec![whole("to", 1)]),
        most("rows", &[2]),
        most("columns", &[1]),
        most("brightest", &[1, 2]),
        node("score", "Mul", &["brightest", "share"], vec![]),
    ];
    for (name, line) in [("y", "rows"), ("x", "columns")] {
        let best = format!("{name}.best");
        let (cast, middle) = (format!("{name}.cast"), format!("{name}.middle"));
        let attributes = vec![whole("axis", 1), whole("keepdims", 0)];
        nodes.push(node(&best, "ArgMax", &[line], attributes));
        nodes.push(node(&cast, "Cast", &[&best], vec![whole("to", 1)]));
        nodes.push(node(&middle, "Add", &[&cast, "half"], vec![]));
        nodes.push(node(name, "Mul", &[&middle, "side"], vec![]));
    }
    for name in ["y", "x", "score"] {
        nodes.push(node(&format!("{name}.last"), "Reshape", &[name, "shape"], vec![]));
    }
    let parts = if movenet {
        ["y.last", "x.last", "score.last"]
    } else {
        ["x.last", "y.last", "score.last"]
    };
    nodes.push(node("out", "Concat", &parts, vec![whole("axis", -1)]));
    let shape: &[i64] = if movenet { &[1, 1, 3, 1] } else { &[1, 3, 1] };
    Graph {
        input: value("input", INT32, &[1, 32, 32, 3]),
        nodes,
        constants: vec![
            floats("share", &[], &[1.0 / 255.0]),
            floats("half", &[], &[0.5]),
            floats("side", &[], &[1.0 / 32.0]),
            integers("shape", shape),
        ],
        outputs: vec!["out"],
    }
}

/// Maps as large as the input: the roots of its colours.
pub fn roots() -> Graph {
    Graph {
        input: value("images", TensorProto::FLOAT, &[0, 3, 16, 16]),
        nodes: vec![node("heatmaps", "Sqrt", &["images"], vec![])],
        constants: vec![],
        outputs: vec!["heatmaps"],
    }
}
