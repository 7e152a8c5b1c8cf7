//! A graph that is being written, node by node.

use crate::proto::{AttributeProto, NodeProto, TensorProto};

/// A graph that is being written. A node has one result, which has the node's name.
#[derive(Default)]
pub struct Draft {
    pub nodes: Vec<NodeProto>,
    pub constants: Vec<TensorProto>,
}

impl Draft {
    /// Adds a node called `name` and gives the name of its result.
    pub fn node(&mut self, name: &str, operator: &str, inputs: &[&str]) -> String {
        self.node_with(name, operator, inputs, Vec::new())
    }

    /// Adds a node with settings.
    pub fn node_with(
        &mut self,
        name: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.to_owned()],
            name: Some(name.to_owned()),
            op_type: Some(operator.to_owned()),
            attribute: attributes,
        });
        name.to_owned()
    }

    /// Adds a constant and gives its name.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, TensorProto::FLOAT, shape, bytes)
    }

    /// Adds a constant of a single value.
    pub fn float(&mut self, name: &str, value: f32) -> String {
        self.floats(name, &[], &[value])
    }

    /// Adds a constant of whole numbers.
    pub fn integers(&mut self, name: &str, shape: &[usize], values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, TensorProto::INT64, shape, bytes)
    }

    /// Adds a constant of a single whole number.
    pub fn integer(&mut self, name: &str, value: i64) -> String {
        self.integers(name, &[], &[value])
    }

    /// Adds a constant of bytes with a sign.
    pub fn bytes(&mut self, name: &str, shape: &[usize], values: &[i8]) -> String {
        let bytes = values.iter().map(|value| value.to_le_bytes()[0]).collect();
        self.constant(name, TensorProto::INT8, shape, bytes)
    }

    /// Gives `x` another shape: 0 keeps a side, -1 takes what is left.
    pub fn reshaped(&mut self, name: &str, x: &str, shape: &[i64]) -> String {
        let shape = self.integers(&format!("{name}.shape"), &[shape.len()], shape);
        self.node(name, "Reshape", &[x, &shape])
    }

    fn constant(&mut self, name: &str, data_type: i32, shape: &[usize], raw: Vec<u8>) -> String {
        self.constants.push(TensorProto {
            dims: shape.iter().map(|&side| side as i64).collect(),
            data_type: Some(data_type),
            name: Some(name.to_owned()),
            raw_data: Some(raw),
        });
        name.to_owned()
    }
}

/// A setting that is a whole number.
pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: Some(value),
        ints: Vec::new(),
        r#type: Some(AttributeProto::INT),
    }
}

/// A setting that is a list of whole numbers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        i: None,
        ints: values.to_vec(),
        r#type: Some(AttributeProto::INTS),
    }
}
