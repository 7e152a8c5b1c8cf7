//! Sets of tensors by name, as checkpoints hold them: taking a snapshot, and checking one before it
//! is loaded.

use candle_core::{Result, Tensor, Var};
use std::collections::BTreeMap;

/// Why a tensor cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// No tensor has this name.
    #[error("`{name}` is missing: expected {expected}")]
    Missing {
        /// The tensor's name.
        name: String,
        /// The type and shape that it should have.
        expected: String,
    },
    /// It has another shape or type than the one it is to replace.
    #[error("`{name}` does not fit: expected {expected}, found {found}")]
    Mismatch {
        /// The tensor's name.
        name: String,
        /// The type and shape that it should have.
        expected: String,
        /// The type and shape that it has.
        found: String,
    },
}

/// Copies of `variables`, by name: a snapshot that later training steps do not change.
///
/// # Errors
/// If the device fails to copy.
pub fn snapshot<'a>(
    variables: impl IntoIterator<Item = (&'a String, &'a Var)>,
) -> Result<BTreeMap<String, Tensor>> {
    let copy = |(name, variable): (&String, &Var)| {
        Ok((name.clone(), variable.as_detached_tensor().copy()?))
    };
    variables.into_iter().map(copy).collect()
}

/// The tensors of `found` that are to replace `own` ones, in the order of `own`. Others in `found`
/// are ignored.
///
/// # Errors
/// If one is missing or has another shape or type.
pub fn matching<'a, 'b>(
    own: impl IntoIterator<Item = (&'a String, &'a Tensor)>,
    found: &'b BTreeMap<String, Tensor>,
) -> std::result::Result<Vec<&'b Tensor>, Misfit> {
    let find = |(name, own): (&String, &Tensor)| {
        let expected = describe(own);
        match found.get(name) {
            None => Err(Misfit::Missing { name: name.clone(), expected }),
            Some(found) if describe(found) != expected => {
                Err(Misfit::Mismatch { name: name.clone(), expected, found: describe(found) })
            }
            Some(found) => Ok(found),
        }
    };
    own.into_iter().map(find).collect()
}

fn describe(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.dtype(), tensor.dims())
}

/// The bits of all values, by name: equal where two sets of tensors are the same to the last bit.
///
/// # Errors
/// Where a tensor is not of 32-bit floats.
pub fn bits(tensors: &BTreeMap<String, Tensor>) -> Result<Vec<(String, Vec<u32>)>> {
    let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    tensors.iter().map(|(name, tensor)| Ok((name.clone(), bits(values(tensor)?)))).collect()
}
