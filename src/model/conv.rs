//! 2-D convolution with quick gradients on the CPU.
//!
//! candle's own CPU convolution has a backward pass that is several times slower than its arithmetic. Here all three
//! directions are matrix products over unfolded patches (Chellapilla et al. 2006, "High performance convolutional
//! neural networks for document processing"). Work is cut by sample and by a fixed number of cells, never by thread,
//! and partial sums are added in order, so the result has the same bits for any number of threads.

use super::{
    cpu::{Matrix, multiply, slice, tensor_slice},
    unfold::{Geometry, with_scratch},
};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// The weight gradient is summed in at most this many parts, each over consecutive samples.
const GRADIENT_PARTS: usize = 16;
/// Samples in a part, at least: a part costs a buffer as large as the weight.
const SAMPLES_PER_PART: usize = 4;

/// Convolution of `x` [B, C, H, W] with the square kernels `weight` [O, C, k, k]: [B, O, H', W'], where
/// H' = (H + 2 `padding` - k) / `stride` + 1.
///
/// # Errors
/// If the shapes do not fit, a size or the stride is zero, or (on the CPU) the values are not `f32`.
pub fn conv2d(x: &Tensor, weight: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    if x.device().is_cpu() {
        x.contiguous()?.apply_op2(&weight.contiguous()?, Conv2d { stride, padding })
    } else {
        x.conv2d(weight, padding, stride, 1, 1)
    }
}

struct Conv2d {
    stride: usize,
    padding: usize,
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let g = Geometry::new(x_layout.shape(), weight_layout.shape(), self.stride, self.padding)?;
        let y = forward(&g, slice(x, x_layout)?, slice(weight, weight_layout)?);
        Ok((CpuStorage::F32(y), Shape::from((g.batch, g.outputs, g.out_height, g.out_width))))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let g = Geometry::new(x.shape(), weight.shape(), self.stride, self.padding)?;
        let dy = dy.contiguous()?;
        let ((x_storage, x_layout), (w_storage, w_layout), (dy_storage, dy_layout)) =
            (x.storage_and_layout(), weight.storage_and_layout(), dy.storage_and_layout());
        let x_values = tensor_slice(&x_storage, x_layout)?;
        let weight_values = tensor_slice(&w_storage, w_layout)?;
        let dy_values = tensor_slice(&dy_storage, dy_layout)?;
        // The first layer's input is an image, which wants no gradient.
        let dx = if x.track_op() {
            Some(Tensor::from_vec(input_gradient(&g, weight_values, dy_values)?, x.shape(), x.device())?)
        } else {
            None
        };
        let dweight = if weight.track_op() {
            Some(Tensor::from_vec(weight_gradient(&g, x_values, dy_values), weight.shape(), x.device())?)
        } else {
            None
        };
        Ok((dx, dweight))
    }
}

/// Y = W · unfold(X), sample by sample.
fn forward(g: &Geometry, x: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut y = vec![0.0; g.batch * g.out_len()];
    y.par_chunks_mut(g.out_len()).zip(x.par_chunks(g.in_len())).for_each(|(y, x)| {
        with_scratch(|scratch| {
            scratch.pad(g, x);
            for rows in g.row_blocks() {
                let cells = rows.len() * g.out_width;
                let patches = scratch.unfold(g, rows.clone());
                let (weight, patches) = (Matrix::rows(weight, g.taps()), Matrix::rows(patches, cells));
                let y = &mut y[rows.start * g.out_width..];
                multiply((g.outputs, g.taps(), cells), weight, patches, y, g.out_cells(), false);
            }
        });
    });
    y
}

/// dX: at stride 1 the convolution of dY with the kernels turned by half a turn and their two channel axes exchanged;
/// otherwise fold(Wᵀ · dY), the transpose of the forward pass.
fn input_gradient(g: &Geometry, weight: &[f32], dy: &[f32]) -> Result<Vec<f32>> {
    if g.stride == 1 && g.padding < g.kernel {
        let padding = g.kernel - 1 - g.padding;
        let dy_shape = Shape::from((g.batch, g.outputs, g.out_height, g.out_width));
        let turned_shape = Shape::from((g.channels, g.outputs, g.kernel, g.kernel));
        let back = Geometry::new(&dy_shape, &turned_shape, 1, padding)?;
        return Ok(forward(&back, dy, &turned(g, weight)));
    }
    let mut dx = vec![0.0; g.batch * g.in_len()];
    dx.par_chunks_mut(g.in_len()).zip(dy.par_chunks(g.out_len())).for_each(|(dx, dy)| {
        with_scratch(|scratch| {
            scratch.clear(g);
            for rows in g.row_blocks() {
                let cells = rows.len() * g.out_width;
                let weight = Matrix::rows(weight, g.taps()).transposed();
                let dy = Matrix::rows(&dy[rows.start * g.out_width..], g.out_cells());
                multiply((g.taps(), g.outputs, cells), weight, dy, scratch.patches(g.taps() * cells), cells, false);
                scratch.fold(g, rows);
            }
            scratch.crop(g, dx);
        });
    });
    Ok(dx)
}

/// `weight` [O, C, k, k] as [C, O, k, k] with every kernel reversed in both directions.
fn turned(g: &Geometry, weight: &[f32]) -> Vec<f32> {
    let area = g.kernel * g.kernel;
    let mut turned = vec![0.0; weight.len()];
    for (i, kernel) in weight.chunks_exact(area).enumerate() {
        let (output, channel) = (i / g.channels, i % g.channels);
        let target = &mut turned[(channel * g.outputs + output) * area..][..area];
        for (to, from) in target.iter_mut().zip(kernel.iter().rev()) {
            *to = *from;
        }
    }
    turned
}

/// dW = Σ over samples of dY · unfold(X)ᵀ.
fn weight_gradient(g: &Geometry, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let samples = g.batch.div_ceil(GRADIENT_PARTS).max(SAMPLES_PER_PART);
    let parts: Vec<Vec<f32>> = x
        .par_chunks(samples * g.in_len())
        .zip(dy.par_chunks(samples * g.out_len()))
        .map(|(x, dy)| {
            let mut sum = vec![0.0; g.outputs * g.taps()];
            for (x, dy) in x.chunks(g.in_len()).zip(dy.chunks(g.out_len())) {
                add_weight_gradient(g, x, dy, &mut sum);
            }
            sum
        })
        .collect();
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_else(|| vec![0.0; g.outputs * g.taps()]);
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
    total
}

fn add_weight_gradient(g: &Geometry, x: &[f32], dy: &[f32], sum: &mut [f32]) {
    with_scratch(|scratch| {
        scratch.pad(g, x);
        for rows in g.row_blocks() {
            let cells = rows.len() * g.out_width;
            let dy = Matrix::rows(&dy[rows.start * g.out_width..], g.out_cells());
            let patches = Matrix::rows(scratch.unfold(g, rows), cells).transposed();
            multiply((g.outputs, cells, g.taps()), dy, patches, sum, g.taps(), true);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;
    use candle_core::{Device, Var};
    use proptest::prelude::*;
    use rand::Rng;

    fn variable(name: &str, shape: &[usize]) -> Result<Var> {
        let mut random = random::stream(1, 0, 0, name);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.random_range(-1.0..1.0)).collect();
        Var::from_vec(values, shape, &Device::Cpu)
    }

    /// The output and both gradients of a weighted sum of the outputs, flattened.
    fn all_three(
        x: &Var,
        weight: &Var,
        convolve: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<[Vec<f32>; 3]> {
        let y = convolve(x, weight)?;
        let loss = (&y * variable("dy", y.dims())?.as_tensor())?.sum_all()?;
        let gradients = loss.backward()?;
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let gradient = |variable: &Var| gradients.get(variable).map_or_else(|| Ok(Vec::new()), values);
        Ok([values(&y)?, gradient(x)?, gradient(weight)?])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn output_and_gradients_match_candle(
            batch in 1usize..7,
            channels in 1usize..6,
            outputs in 1usize..6,
            height in 1usize..14,
            width in 1usize..24,
            kernel in prop::sample::select(vec![1usize, 3, 5, 7]),
            stride in 1usize..4,
            padding in 0usize..5,
        ) {
            prop_assume!(kernel <= height.min(width) + 2 * padding);
            // candle's own input gradient cannot do more padding than the kernel covers, nor rows and columns left over
            // in different numbers; finite differences test those.
            prop_assume!(padding < kernel);
            prop_assume!((height + 2 * padding - kernel) % stride == (width + 2 * padding - kernel) % stride);
            let x = variable("x", &[batch, channels, height, width]).unwrap();
            let weight = variable("weight", &[outputs, channels, kernel, kernel]).unwrap();
            let ours = all_three(&x, &weight, |x, weight| conv2d(x, weight, stride, padding)).unwrap();
            let stock = all_three(&x, &weight, |x, weight| x.conv2d(weight, padding, stride, 1, 1)).unwrap();
            for (what, (ours, stock)) in ["y", "dx", "dweight"].iter().zip(ours.iter().zip(&stock)) {
                prop_assert_eq!(ours.len(), stock.len());
                for (ours, stock) in ours.iter().zip(stock) {
                    prop_assert!((ours - stock).abs() < 1e-4 * (1.0 + stock.abs()), "{}: {} {}", what, ours, stock);
                }
            }
        }
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        // Odd sizes, several row blocks (of 2 rows), leftover input rows, and padding beyond the kernel.
        for (shape, kernel, stride, padding) in
            [([2, 2, 7, 9], 3, 2, 1), ([2, 2, 8, 8], 3, 2, 0), ([1, 1, 5, 255], 3, 1, 1), ([1, 2, 4, 5], 1, 1, 2)]
        {
            let variables = [variable("x", &shape)?, variable("weight", &[3, shape[1], kernel, kernel])?];
            let [x, weight] = &variables;
            let [_, dx, dweight] = all_three(x, weight, |x, weight| conv2d(x, weight, stride, padding))?;
            let loss = || -> Result<f64> {
                let y = conv2d(x, weight, stride, padding)?;
                let weighted = (&y * variable("dy", y.dims())?.as_tensor())?.to_dtype(candle_core::DType::F64)?;
                weighted.sum_all()?.to_scalar::<f64>()
            };
            for (variable, gradient) in variables.iter().zip([dx, dweight]) {
                let values = variable.flatten_all()?.to_vec1::<f32>()?;
                for i in (0..values.len()).step_by(values.len().div_ceil(25)) {
                    let shifted = |by: f32| {
                        let mut values = values.clone();
                        values[i] += by;
                        variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu)?)?;
                        loss()
                    };
                    // The output is linear in each value, so a large step costs no accuracy.
                    let slope = (shifted(0.5)? - shifted(-0.5)?) as f32;
                    shifted(0.0)?;
                    assert!((slope - gradient[i]).abs() < 1e-3, "{slope} {}", gradient[i]);
                }
            }
        }
        Ok(())
    }

    #[test]
    fn bits_do_not_depend_on_the_number_of_threads() -> Result<()> {
        for stride in [1, 2] {
            let (x, weight) = (variable("x", &[19, 8, 16, 16])?, variable("weight", &[9, 8, 3, 3])?);
            let run = |threads| -> Result<Vec<u32>> {
                let pool =
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(candle_core::Error::wrap)?;
                let results = pool.install(|| all_three(&x, &weight, |x, weight| conv2d(x, weight, stride, 1)))?;
                Ok(results.concat().into_iter().map(f32::to_bits).collect())
            };
            let alone = run(1)?;
            assert!(alone == run(2)? && alone == run(3)?);
        }
        Ok(())
    }

    #[test]
    fn an_image_gets_no_gradient_and_bad_shapes_are_refused() -> Result<()> {
        let (x, weight) = (variable("x", &[1, 2, 5, 5])?, variable("weight", &[3, 2, 3, 3])?);
        let image = x.as_detached_tensor();
        let gradients = conv2d(&image, &weight, 1, 1)?.sum_all()?.backward()?;
        assert!(gradients.get(&image).is_none() && gradients.get(&weight).is_some());
        // Not contiguous is fine.
        conv2d(&x.transpose(2, 3)?, &weight, 1, 1)?.sum_all()?.backward()?;
        for (x_shape, weight_shape, stride) in
            [([1, 3, 5, 5], [3, 2, 3, 3], 1), ([1, 2, 5, 5], [3, 2, 3, 5], 1), ([1, 2, 5, 5], [3, 2, 3, 3], 0)]
        {
            assert!(
                conv2d(&variable("x", &x_shape)?.into_inner(), &variable("w", &weight_shape)?.into_inner(), stride, 0)
                    .is_err()
            );
        }
        assert!(conv2d(&x, &variable("w", &[1, 2, 9, 9])?.into_inner(), 1, 1).is_err());
        Ok(())
    }
}
