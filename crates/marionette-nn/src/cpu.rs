//! Plain slices out of candle tensors, for the custom CPU operations.

use candle_core::{CpuStorage, Layout, Result, Storage, backend::BackendStorage, bail};

/// The values of a contiguous `f32` tensor, from the storage that a custom operation gets.
///
/// # Errors
/// If the layout is not contiguous or the values are not `f32`.
pub fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("expected a contiguous tensor, found {layout:?}"),
    }
}

/// The values of a contiguous `f32` tensor, to be changed, from the storage that an operation in
/// place gets.
///
/// # Errors
/// If the layout is not contiguous or the values are not `f32`.
pub fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (layout.contiguous_offsets(), storage) {
        (Some((start, end)), CpuStorage::F32(values)) => Ok(&mut values[start..end]),
        (None, _) => bail!("expected a contiguous tensor, found {layout:?}"),
        (_, other) => bail!("expected f32, found {:?}", other.dtype()),
    }
}

/// The values of a contiguous `f32` CPU tensor, from `Tensor::storage_and_layout`.
///
/// # Errors
/// If the tensor is not on the CPU, not contiguous or not `f32`.
pub fn tensor_slice<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => slice(storage, layout),
        _ => bail!("expected a tensor on the CPU"),
    }
}
