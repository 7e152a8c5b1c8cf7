//! Convolution of every channel with a kernel of its own, on whole vectors of channels.

use super::{
    shape::ConvShape,
    vector::{load, store},
};
use pulp::{Arch, Simd, WithSimd};

/// `weight` [C, 1, k, k] as [k, k, C].
pub fn pack(shape: &ConvShape, weight: &[f32], taps: &mut [f32]) {
    let area = shape.kernel * shape.kernel;
    for (index, value) in weight.iter().enumerate() {
        taps[index % area * shape.inputs + index / area] = *value;
    }
}

/// The gradient [k, k, C] as the gradient of the weight, [C, 1, k, k].
pub fn unpack_gradient(shape: &ConvShape, taps: &[f32], gradient: &mut [f32]) {
    let area = shape.kernel * shape.kernel;
    for (index, value) in gradient.iter_mut().enumerate() {
        *value = taps[index % area * shape.inputs + index / area];
    }
}

/// Adds Y of one image to `y`.
pub fn add_forward(shape: &ConvShape, x: &[f32], taps: &[f32], y: &mut [f32]) {
    Arch::new().dispatch(Visit { shape, direction: Direction::Forward { x, taps, y } });
}

/// Adds dX of one image to `dx`.
pub fn add_input_gradient(shape: &ConvShape, dy: &[f32], taps: &[f32], dx: &mut [f32]) {
    Arch::new().dispatch(Visit { shape, direction: Direction::InputGradient { dy, taps, dx } });
}

/// Adds dW of one image to `sum`, [k, k, C].
pub fn add_weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32], sum: &mut [f32]) {
    Arch::new().dispatch(Visit { shape, direction: Direction::WeightGradient { x, dy, sum } });
}

enum Direction<'a> {
    Forward { x: &'a [f32], taps: &'a [f32], y: &'a mut [f32] },
    InputGradient { dy: &'a [f32], taps: &'a [f32], dx: &'a mut [f32] },
    WeightGradient { x: &'a [f32], dy: &'a [f32], sum: &'a mut [f32] },
}

/// All three directions visit the same triples of input pixel, place of the kernel and output
/// pixel.
struct Visit<'a> {
    shape: &'a ConvShape,
    direction: Direction<'a>,
}

impl WithSimd for Visit<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let ConvShape {
            inputs: channels, height, width, kernel, stride, padding, dilation, ..
        } = *self.shape;
        let (out_height, out_width) = (self.shape.out_height(), self.shape.out_width());
        let inside = |out: usize, tap: usize, size: usize| {
            (out * stride + tap * dilation).checked_sub(padding).filter(|place| *place < size)
        };
        for out_y in 0..out_height {
            for ky in 0..kernel {
                let Some(in_y) = inside(out_y, ky, height) else { continue };
                for out_x in 0..out_width {
                    for kx in 0..kernel {
                        let Some(in_x) = inside(out_x, kx, width) else { continue };
                        let (input, tap) =
                            ((in_y * width + in_x) * channels, (ky * kernel + kx) * channels);
                        let output = (out_y * out_width + out_x) * channels;
                        match &mut self.direction {
                            Direction::Forward { x, taps, y } => {
                                add_product(
                                    simd,
                                    &x[input..],
                                    &taps[tap..],
                                    &mut y[output..][..channels],
                                );
                            }
                            Direction::InputGradient { dy, taps, dx } => {
                                add_product(
                                    simd,
                                    &dy[output..],
                                    &taps[tap..],
                                    &mut dx[input..][..channels],
                                );
                            }
                            Direction::WeightGradient { x, dy, sum } => {
                                add_product(
                                    simd,
                                    &x[input..],
                                    &dy[output..],
                                    &mut sum[tap..][..channels],
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn add_product<S: Simd>(simd: S, a: &[f32], b: &[f32], sum: &mut [f32]) {
    let (a, b) = (&a[..sum.len()], &b[..sum.len()]);
    for ((sum, a), b) in
        sum.chunks_mut(S::F32_LANES).zip(a.chunks(S::F32_LANES)).zip(b.chunks(S::F32_LANES))
    {
        let value = simd.mul_add_e_f32s(load(simd, a), load(simd, b), load(simd, sum));
        store(simd, sum, value);
    }
}
