//! Tensors in safetensors files, bit for bit and always in the same bytes.

use super::error::WeightsError;
use candle_core::{DType, Device, Tensor, safetensors::Load};
use marionette_base::atomic_file::{read_file, write_atomic};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::Path};

/// The largest file of weights that is read, bytes. `resnet50`'s are fifty times smaller.
pub(super) const LARGEST: u64 = 8 << 30;

/// The content of a file of weights.
#[derive(Debug)]
pub struct Weights {
    /// The tensors by name, on the CPU.
    pub tensors: BTreeMap<String, Tensor>,
    /// The metadata in its header.
    pub metadata: BTreeMap<String, String>,
}

/// Writes `tensors` and `metadata` to a safetensors file, whole or not at all. The same content
/// gives the same bytes.
///
/// # Errors
/// If a tensor is neither F16, F32, F64, U8, U32 nor I64, or the file cannot be written; naming
/// the file.
pub fn write_weights(
    path: &Path,
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), WeightsError> {
    let bytes = encode(tensors, metadata)
        .map_err(|message| WeightsError::Content { path: path.to_owned(), message })?;
    Ok(write_atomic(path, &bytes)?)
}

/// Reads a safetensors file.
///
/// # Errors
/// If the file is missing, truncated or no safetensors file; the message names it and what
/// was found.
pub fn read_weights(path: &Path) -> Result<Weights, WeightsError> {
    let damaged = |found: String| WeightsError::Damaged { path: path.to_owned(), found };
    let bytes = read_file(path, LARGEST)?;
    let (tensors, metadata) = decode(&bytes).map_err(damaged)?;
    Ok(Weights { tensors, metadata })
}

/// The bytes of a safetensors file. (The crate's own writer puts metadata in the order of a hash
/// map, which changes from run to run.)
///
/// # Errors
/// If a tensor has a type that a safetensors file cannot hold.
pub fn encode(
    tensors: &BTreeMap<String, Tensor>,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>, String> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    // The widest types first, so that all values are aligned.
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype().size_in_bytes()));
    let mut data = Vec::new();
    for (name, tensor) in sorted {
        let begin = data.len();
        let dtype =
            append(&mut data, tensor).map_err(|message| format!("tensor `{name}`: {message}"))?;
        let entry =
            json!({"dtype": dtype, "shape": tensor.dims(), "data_offsets": [begin, data.len()]});
        if header.insert(name.clone(), entry).is_some() {
            return Err(format!("tensor `{name}`: that name belongs to the metadata"));
        }
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let length = (text.len() as u64).to_le_bytes();
    Ok([&length, text.as_slice(), &data].concat())
}

fn append(data: &mut Vec<u8>, tensor: &Tensor) -> Result<Dtype, String> {
    let dtype = match tensor.dtype() {
        DType::F16 => Dtype::F16,
        DType::F32 => Dtype::F32,
        DType::F64 => Dtype::F64,
        DType::U8 => Dtype::U8,
        DType::U32 => Dtype::U32,
        DType::I64 => Dtype::I64,
        other => {
            return Err(format!(
                "is {other:?}; only F16, F32, F64, U8, U32 and I64 have a place in a file"
            ));
        }
    };
    tensor.write_bytes(data).map_err(|error| error.to_string())?;
    Ok(dtype)
}

/// The tensors and the metadata of a safetensors file's bytes, or what was found instead of one.
///
/// # Errors
/// If they are no safetensors file.
pub fn decode(
    bytes: &[u8],
) -> Result<(BTreeMap<String, Tensor>, BTreeMap<String, String>), String> {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(format!("is {} bytes long, too short for a safetensors file", bytes.len()));
    };
    let length = u64::from_le_bytes(*length);
    if length > rest.len() as u64 {
        return Err(format!(
            "is {} bytes long where its header alone would be {length}: truncated, or no \
             safetensors file",
            bytes.len()
        ));
    }
    let whole = |error: safetensors::SafeTensorError| {
        format!("is truncated, or no safetensors file: {error}")
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(whole)?;
    let file = SafeTensors::deserialize(bytes).map_err(whole)?;
    let load = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        let tensor = view
            .load(&Device::Cpu)
            .map_err(|error| format!("holds a tensor `{name}` of no use: {error}"))?;
        Ok((name.to_owned(), tensor))
    };
    let tensors = file.iter().map(load).collect::<Result<_, String>>()?;
    Ok((
        tensors,
        header
            .metadata()
            .iter()
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    ))
}
