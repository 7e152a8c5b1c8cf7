//! Plain slices out of candle tensors, and a checked matrix product, for the custom CPU operations.

use candle_core::{CpuStorage, Layout, Result, Storage, bail};

/// The values of a contiguous `f32` tensor, from the storage a custom operation is handed.
///
/// # Errors
/// If the layout is not contiguous or the values are not `f32`.
pub fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("expected a contiguous tensor, found {layout:?}"),
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

/// A matrix read from a slice: entry (r, c) is `data[r * row_stride + c * column_stride]`.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix whose rows start `row_stride` values apart.
    pub fn rows(data: &'a [f32], row_stride: usize) -> Self {
        Self { data, row_stride, column_stride: 1 }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self { data: self.data, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.data.len()
    }
}

/// `out = left · right`, or `out += left · right` when `accumulate`, for `left` [m, k] and `right` [k, n].
///
/// Row r of the result starts at `out[r * out_stride]`. Runs on the calling thread alone, so its bits depend on the
/// sizes and on the machine only.
///
/// # Panics
/// If a size is zero or a slice is too short for its matrix: the product reads and writes through raw pointers.
pub fn multiply(
    (m, k, n): (usize, usize, usize),
    left: Matrix,
    right: Matrix,
    out: &mut [f32],
    out_stride: usize,
    accumulate: bool,
) {
    assert!(m > 0 && k > 0 && n > 0, "empty matrix product");
    assert!(left.holds(m, k) && right.holds(k, n), "matrix product reads past its input");
    assert!(n <= out_stride && (m - 1) * out_stride + n <= out.len(), "matrix product writes past its output");
    // SAFETY: the assertions above bound every index that the product forms from the sizes and the strides, `out` is
    // exclusively borrowed and so overlaps neither input, and its rows do not overlap one another.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            accumulate,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1f32,
            1f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
