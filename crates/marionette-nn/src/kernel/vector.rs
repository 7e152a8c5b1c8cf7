//! Whole vectors in and out of slices.

use pulp::Simd;

/// The vector that begins at `x[at]`.
#[inline(always)]
pub fn get<S: Simd>(x: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&x[at..at + S::F32_LANES]).0[0]
}

/// Writes a vector from `x[at]` on.
#[inline(always)]
pub fn put<S: Simd>(x: &mut [f32], at: usize, value: S::f32s) {
    S::as_mut_simd_f32s(&mut x[at..at + S::F32_LANES]).0[0] = value;
}

/// `value` times `factor`.
#[inline(always)]
pub fn scale<S: Simd>(simd: S, value: S::f32s, factor: f32) -> S::f32s {
    simd.mul_f32s(value, simd.splat_f32s(factor))
}

/// `value` times `factor`, plus `term`.
#[inline(always)]
pub fn scale_add<S: Simd>(simd: S, value: S::f32s, factor: f32, term: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(value, simd.splat_f32s(factor), term)
}

/// Up to a vector of values from the beginning of `x`; zeros beyond its end.
#[inline(always)]
pub fn load<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    if x.len() >= S::F32_LANES {
        S::as_simd_f32s(&x[..S::F32_LANES]).0[0]
    } else {
        simd.partial_load_f32s(x)
    }
}

/// Writes up to a vector of values to the beginning of `x`.
#[inline(always)]
pub fn store<S: Simd>(simd: S, x: &mut [f32], value: S::f32s) {
    if x.len() >= S::F32_LANES {
        S::as_mut_simd_f32s(&mut x[..S::F32_LANES]).0[0] = value;
    } else {
        simd.partial_store_f32s(x, value);
    }
}
