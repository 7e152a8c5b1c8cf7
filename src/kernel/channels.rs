//! Loops over pixels with one vector accumulator per few channels.

use pulp::Simd;

/// Up to a vector of values from the beginning of `x`; zeros beyond its end.
#[inline(always)]
pub fn load<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    if x.len() >= S::F32_LANES { S::as_simd_f32s(&x[..S::F32_LANES]).0[0] } else { simd.partial_load_f32s(x) }
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
