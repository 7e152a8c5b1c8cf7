//! An ONNX file as the runtime reads it.

use crate::error::ModelError;
use marionette_base::atomic_file::read_file;
use prost::Message;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};
use tract_onnx::{
    Onnx,
    pb::{GraphProto, ModelProto, ValueInfoProto, tensor_shape_proto, type_proto},
    prelude::*,
};

/// The largest file that is read, bytes: as large as such a message may be. Larger networks keep
/// their weights in files beside it.
const LARGEST: u64 = 2 << 30;

/// How much of what the runtime says is shown, letters.
const LONGEST: usize = 300;

/// An ONNX file.
pub struct OnnxFile {
    path: PathBuf,
    proto: ModelProto,
    runtime: Onnx,
}

/// What a file takes: the type of its values, and its sides where they are fixed.
#[derive(Debug)]
pub struct Source {
    pub name: String,
    pub kind: DatumType,
    pub sides: Vec<Option<usize>>,
}

/// A file that is ready to run.
pub struct Plan {
    path: PathBuf,
    plan: Arc<TypedRunnableModel>,
}

/// Something that a file gave.
#[derive(Clone, Debug)]
pub struct Given {
    pub name: String,
    pub sides: Vec<usize>,
    pub values: Vec<f32>,
}

impl OnnxFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, is no ONNX file, or needs operators that the runtime lacks.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let bytes = read_file(path, LARGEST)?;
        let none = |found: String| ModelError::NoOnnx { path: path.to_owned(), found };
        let proto = ModelProto::decode(bytes.as_slice())
            .map_err(|error| none(format!("is no ONNX file or only a part of one: {error}")))?;
        let Some(graph) = &proto.graph else {
            return Err(none("is no ONNX file: it has no graph".to_owned()));
        };
        let runtime = tract_onnx::onnx()
            .with_ignore_value_info(true)
            .with_ignore_output_shapes(true)
            .with_ignore_output_types(true);
        let mut missing = BTreeSet::new();
        missing_operators(graph, &runtime, &mut missing);
        if !missing.is_empty() {
            let operators = missing.into_iter().collect::<Vec<_>>().join(", ");
            return Err(ModelError::Operators { path: path.to_owned(), operators });
        }
        if let Some(name) = undefined(graph) {
            return Err(none(format!("is damaged: nothing in it gives its output \"{name}\"")));
        }
        Ok(OnnxFile { path: path.to_owned(), proto, runtime })
    }

    /// The file's texts by key.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let entries = self.proto.metadata_props.iter();
        entries.map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }

    /// What the file takes, but for constants.
    ///
    /// # Errors
    /// If something of it is no tensor, or of an unknown type.
    pub fn sources(&self) -> Result<Vec<Source>, ModelError> {
        let Some(graph) = &self.proto.graph else { return Ok(Vec::new()) };
        let constants: HashSet<&str> =
            graph.initializer.iter().map(|constant| constant.name.as_str()).collect();
        let inputs = graph.input.iter().filter(|input| !constants.contains(input.name.as_str()));
        let unknown = |input: &ValueInfoProto| ModelError::NoOnnx {
            path: self.path.clone(),
            found: format!("has an input \"{}\" that is no tensor of a known type", input.name),
        };
        inputs.map(|input| source(input).ok_or_else(|| unknown(input))).collect()
    }

    /// The file made ready for an input of this type and shape.
    ///
    /// # Errors
    /// If the runtime cannot do it.
    pub fn plan(&self, kind: DatumType, shape: &[usize]) -> Result<Plan, ModelError> {
        let folder = self.path.parent().and_then(Path::to_str);
        let plan = guarded(|| {
            let parsed = self.runtime.parse(&self.proto, folder)?;
            if !parsed.unresolved_inputs.is_empty() {
                return Err(TractError::msg(format!(
                    "nothing in it gives {}",
                    parsed.unresolved_inputs.join(", ")
                )));
            }
            let fact = InferenceFact::dt_shape(kind, shape);
            parsed.model.with_input_fact(0, fact)?.into_optimized()?.into_runnable()
        });
        let plan = plan.map_err(|found| ModelError::Runtime { path: self.path.clone(), found })?;
        Ok(Plan { path: self.path.clone(), plan })
    }

    /// The names of what the file gives.
    pub fn outputs(&self) -> Vec<String> {
        let outputs = self.proto.graph.iter().flat_map(|graph| &graph.output);
        outputs.map(|output| output.name.clone()).collect()
    }
}

impl Plan {
    /// What the file gives for `input`, under the names `outputs`.
    ///
    /// # Errors
    /// If the runtime fails, or gives other values than real numbers.
    pub fn run(&self, input: Tensor, outputs: &[String]) -> Result<Vec<Given>, ModelError> {
        let run = || {
            let given = self.plan.run(tvec!(input.into_tvalue()))?;
            let given = given.iter().zip(outputs).map(|(tensor, name)| {
                let single = tensor.cast_to::<f32>()?;
                Ok(Given {
                    name: name.clone(),
                    sides: tensor.shape().to_vec(),
                    values: single.try_as_plain_ram()?.as_slice::<f32>()?.to_vec(),
                })
            });
            given.collect::<TractResult<Vec<_>>>()
        };
        guarded(run).map_err(|found| ModelError::Runtime { path: self.path.clone(), found })
    }
}

/// What the runtime made, or what it said. It is somebody else's, and may panic at a file that is
/// damaged where it does not look.
fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(error)) => Err(shortened(&format!("{error:#}"))),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(shortened(said.unwrap_or("it broke off")))
        }
    }
}

/// A text with its middle left out where it is long: the cause stands at its end.
fn shortened(text: &str) -> String {
    let letters: Vec<char> = text.chars().map(|c| if c == '\n' { ' ' } else { c }).collect();
    if letters.len() <= LONGEST {
        return letters.into_iter().collect();
    }
    let (first, last) = (&letters[..LONGEST / 2], &letters[letters.len() - LONGEST / 2..]);
    first.iter().chain(" ... ".chars().collect::<Vec<_>>().iter()).chain(last).collect()
}

/// Adds the operators of `graph` and the graphs within it that the runtime does not know.
fn missing_operators(graph: &GraphProto, runtime: &Onnx, missing: &mut BTreeSet<String>) {
    for node in &graph.node {
        if !runtime.op_register.0.contains_key(&node.op_type) {
            let domain = if node.domain.is_empty() { "" } else { ":" };
            missing.insert(format!("{}{domain}{}", node.domain, node.op_type));
        }
        for attribute in &node.attribute {
            for inner in attribute.g.iter().chain(&attribute.graphs) {
                missing_operators(inner, runtime, missing);
            }
        }
    }
}

/// The first output that nothing gives.
fn undefined(graph: &GraphProto) -> Option<&str> {
    let inputs = graph.input.iter().map(|input| &input.name);
    let constants = graph.initializer.iter().map(|constant| &constant.name);
    let results = graph.node.iter().flat_map(|node| &node.output);
    let known: HashSet<&String> = inputs.chain(constants).chain(results).collect();
    graph.output.iter().map(|output| &output.name).find(|name| !known.contains(name)).map(|n| &**n)
}

fn source(input: &ValueInfoProto) -> Option<Source> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    let kind = tract_onnx::pb::tensor_proto::DataType::try_from(tensor.elem_type).ok()?;
    let sides = tensor.shape.as_ref()?.dim.iter().map(|side| match side.value {
        Some(tensor_shape_proto::dimension::Value::DimValue(length)) => {
            usize::try_from(length).ok().filter(|length| *length > 0)
        }
        _ => None,
    });
    Some(Source { name: input.name.clone(), kind: kind.try_into().ok()?, sides: sides.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtime_may_fail_in_any_way() {
        let failed = guarded::<()>(|| Err(TractError::msg("no\nmore")));
        assert_eq!(failed, Err("no more".to_owned()));
        assert_eq!(guarded::<()>(|| panic!("broke {}", 1)), Err("broke 1".to_owned()));
        let long = shortened(&format!("first{}last", "x".repeat(900)));
        assert!(long.starts_with("first") && long.ends_with("last") && long.len() < 320);
    }
}
