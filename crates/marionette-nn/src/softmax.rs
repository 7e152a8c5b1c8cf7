//! Softmax over the cells of heatmaps, as candle operations.

use super::cpu::{slice, tensor_slice};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::kernel::softmax;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, D, DType, Layout, Result, Shape, Tensor, bail,
};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, Device};

/// Smaller probabilities and masses are raised to this, so that their logarithms stay finite. It is
/// a normal number in f32.
const TINY: f64 = 1e-30;

/// Whether our own kernels for the CPU compute it.
fn is_ours(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// Whether our own kernels compute it, the CPU's or those for CUDA.
fn has_kernels(x: &Tensor) -> bool {
    is_ours(x) || cfg!(feature = "cuda") && x.device().is_cuda() && x.dtype() == DType::F32
}

/// log softmax over every map's cells, `[B, K, h, w]` to `[B, K, h w]`.
///
/// # Errors
/// If the shape does not fit.
pub fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let logits = logits.flatten_from(2)?;
    if is_ours(&logits) {
        return logits.contiguous()?.apply_op1(LogSoftmax);
    }
    // The shift cancels out, so it needs no gradient.
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

/// The softmax of every map of `logits` `[B, K, h, w]`, times its target's `mass` `[B, K]`: a
/// perfect prediction equals the target. No gradient flows through it.
///
/// # Errors
/// If the shapes do not fit.
pub fn softmax_times_mass(logits: &Tensor, mass: &Tensor) -> Result<Tensor> {
    let (logits, mass) = (logits.detach(), mass.detach());
    if has_kernels(&logits) {
        return logits.contiguous()?.apply_op2_no_bwd(&mass.contiguous()?, &SoftmaxTimes);
    }
    log_softmax(&logits)?.exp()?.broadcast_mul(&mass.unsqueeze(2)?)?.reshape(logits.shape())
}

/// The Kullback-Leibler divergence, in nats, of the softmax of every map of `logits` from its map
/// of `targets`, both `[B, K, h, w]`, the latter divided by its sum: `[B, K]`, 0 where a target is
/// empty. Gradients flow to the logits alone.
///
/// # Errors
/// If the shapes do not fit.
pub fn divergence(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let (logits, targets) = (logits.flatten_from(2)?, targets.detach().flatten_from(2)?);
    if has_kernels(&logits) {
        return logits.contiguous()?.apply_op2(&targets.contiguous()?, Divergence);
    }
    let mass = targets.sum_keepdim(D::Minus1)?.maximum(TINY)?;
    let wanted = targets.broadcast_div(&mass)?;
    let surprise = (wanted.maximum(TINY)?.log()? - log_softmax(&logits.unsqueeze(3)?)?)?;
    (wanted * surprise)?.sum(D::Minus1)
}

fn new_tensor(values: Vec<f32>, like: &Tensor) -> Result<Tensor> {
    Tensor::from_vec(values, like.shape(), like.device())
}

struct LogSoftmax;

impl CustomOp1 for LogSoftmax {
    fn name(&self) -> &'static str {
        "log-softmax"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, layout)?;
        let mut y = vec![0.0; x.len()];
        softmax::log_softmax(x, layout.shape().dims3()?.2, &mut y);
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dy = dy.contiguous()?;
        let ((y_storage, y_layout), (dy_storage, dy_layout)) =
            (y.storage_and_layout(), dy.storage_and_layout());
        let mut dx = vec![0.0; x.elem_count()];
        let (y_values, dy_values) =
            (tensor_slice(&y_storage, y_layout)?, tensor_slice(&dy_storage, dy_layout)?);
        softmax::log_softmax_gradient(y_values, dy_values, x.dim(D::Minus1)?, &mut dx);
        new_tensor(dx, x).map(Some)
    }
}

struct SoftmaxTimes;

impl CustomOp2 for SoftmaxTimes {
    fn name(&self) -> &'static str {
        "softmax-times-mass"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        mass: &CpuStorage,
        ml: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let cells = cells(xl, ml)?;
        let (x, mass) = (slice(x, xl)?, slice(mass, ml)?);
        let mut y = vec![0.0; x.len()];
        softmax::softmax_times(x, mass, cells, &mut y);
        Ok((CpuStorage::F32(y), xl.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        xl: &Layout,
        mass: &CudaStorage,
        ml: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let y = cuda::softmax_times((x, xl), (mass, ml), cells(xl, ml)?)?;
        Ok((y, xl.shape().clone()))
    }
}

/// The cells of each of the maps [B, K, h, w], of which every one has a mass.
fn cells(maps: &Layout, masses: &Layout) -> Result<usize> {
    let (batch, keypoints, height, width) = maps.shape().dims4()?;
    let found = masses.shape().elem_count();
    if found != batch * keypoints {
        bail!("softmax: expected {} masses, found {found}", batch * keypoints);
    }
    Ok(height * width)
}

struct Divergence;

impl CustomOp2 for Divergence {
    fn name(&self) -> &'static str {
        "divergence"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        target: &CpuStorage,
        tl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, keypoints, cells) = same_maps(xl, tl)?;
        let mut values = vec![0.0; batch * keypoints];
        softmax::divergence(slice(x, xl)?, slice(target, tl)?, cells, &mut values);
        Ok((CpuStorage::F32(values), Shape::from((batch, keypoints))))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        xl: &Layout,
        target: &CudaStorage,
        tl: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (batch, keypoints, cells) = same_maps(xl, tl)?;
        let values = cuda::divergence((x, xl), (target, tl), cells)?;
        Ok((values, Shape::from((batch, keypoints))))
    }

    fn bwd(
        &self,
        x: &Tensor,
        target: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        #[cfg(feature = "cuda")]
        if let Device::Cuda(device) = x.device() {
            let cells = x.dim(D::Minus1)?;
            return Ok((Some(cuda::divergence_gradient(device, x, target, &dy, cells)?), None));
        }
        let ((x_storage, x_layout), (t_storage, t_layout), (dy_storage, dy_layout)) =
            (x.storage_and_layout(), target.storage_and_layout(), dy.storage_and_layout());
        let (x_values, targets) =
            (tensor_slice(&x_storage, x_layout)?, tensor_slice(&t_storage, t_layout)?);
        let mut dx = vec![0.0; x.elem_count()];
        let dy_values = tensor_slice(&dy_storage, dy_layout)?;
        softmax::divergence_gradient(x_values, targets, dy_values, x.dim(D::Minus1)?, &mut dx);
        Ok((Some(new_tensor(dx, x)?), None))
    }
}

/// B, K and the cells of the maps [B, K, cells], of which every one has a target.
fn same_maps(maps: &Layout, targets: &Layout) -> Result<(usize, usize, usize)> {
    if maps.shape() != targets.shape() {
        bail!("divergence: expected targets {:?}, found {:?}", maps.shape(), targets.shape());
    }
    maps.shape().dims3()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use marionette_base::random;
    use proptest::prelude::*;
    use rand::Rng;

    fn values(name: &str, shape: [usize; 4], low: f32, high: f32) -> Result<Tensor> {
        let mut random = random::stream(1, 0, 0, name);
        let values: Vec<f32> =
            (0..shape.iter().product()).map(|_| random.random_range(low..high)).collect();
        Tensor::from_vec(values, &shape, &Device::Cpu)
    }

    /// A result and its gradient by the logits, in f32 by our kernels or in f64 by candle's own
    /// operations.
    fn both(
        dtype: DType,
        logits: &Tensor,
        other: &Tensor,
        f: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<[Vec<f64>; 2]> {
        let (logits, other) = (Var::from_tensor(&logits.to_dtype(dtype)?)?, other.to_dtype(dtype)?);
        let y = f(&logits, &other)?;
        let weight =
            Tensor::from_iter((0..y.elem_count()).map(|i| (i as f64).sin()), &Device::Cpu)?;
        let loss = (y.flatten_all()? * weight.to_dtype(dtype)?)?.sum_all()?;
        let gradients = loss.backward()?;
        let flat = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        Ok([flat(&y)?, gradients.get(&logits).map_or_else(|| Ok(Vec::new()), flat)?])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn our_kernels_match_candle(
            batch in 1usize..5,
            keypoints in 1usize..20,
            height in 1usize..9,
            width in 1usize..9,
            spread in 0.1f32..30.0,
        ) {
            let shape = [batch, keypoints, height, width];
            let logits = values("logits", shape, -spread, spread).unwrap();
            // Some cells are empty, and in small maps so are whole maps.
            let targets = values("targets", shape, -1.0, 1.0).unwrap().relu().unwrap();
            let functions: [fn(&Tensor, &Tensor) -> Result<Tensor>; 3] = [
                |logits, _| log_softmax(logits),
                divergence,
                |logits, targets| softmax_times_mass(logits, &targets.sum((2, 3))?),
            ];
            for f in functions {
                let ours = both(DType::F32, &logits, &targets, f).unwrap();
                let stock = both(DType::F64, &logits, &targets, f).unwrap();
                for (ours, stock) in ours.iter().zip(&stock) {
                    prop_assert_eq!(ours.len(), stock.len());
                    for (ours, stock) in ours.iter().zip(stock) {
                        prop_assert!((ours - stock).abs() < 1e-4 * (1.0 + stock.abs()), "{} {}", ours, stock);
                    }
                }
            }
        }
    }

    /// On the first CUDA device, without which it fails: `scripts/gpu-round` runs it where there is
    /// one.
    #[cfg(feature = "cuda")]
    #[test]
    fn a_card_finds_what_the_processor_finds() -> Result<()> {
        let shape = [3, 5, 16, 24];
        let targets = values("targets", shape, -1.0, 1.0)?.relu()?;
        let (logits, targets) = (values("logits", shape, -9.0, 9.0)?, targets);
        let found = |device: &Device| -> Result<[Vec<f32>; 3]> {
            let logits = Var::from_tensor(&logits.to_device(device)?)?;
            let targets = targets.to_device(device)?;
            let y = divergence(&logits, &targets)?;
            let gradients = (y.sqr()? * 0.5)?.sum_all()?.backward()?;
            let Some(gradient) = gradients.get(&logits) else { bail!("no gradient") };
            let times = softmax_times_mass(&logits, &targets.sum((2, 3))?)?;
            let flat = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
            Ok([flat(&y)?, flat(gradient)?, flat(&times)?])
        };
        for (card, expected) in found(&Device::new_cuda(0)?)?.iter().zip(found(&Device::Cpu)?) {
            for (card, expected) in card.iter().zip(&expected) {
                assert!(
                    (card - expected).abs() < 1e-4 * (1.0 + expected.abs()),
                    "{card} {expected}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let shape = [2, 3, 4, 5];
        let (logits, targets) =
            (values("logits", shape, -2.0, 2.0)?, values("targets", shape, 0.0, 1.0)?);
        let functions: [fn(&Tensor, &Tensor) -> Result<Tensor>; 2] =
            [|logits, _| log_softmax(logits), divergence];
        for f in functions {
            let [_, gradient] = both(DType::F32, &logits, &targets, f)?;
            let start = logits.flatten_all()?.to_vec1::<f32>()?;
            for i in (0..start.len()).step_by(7) {
                let loss = |by: f32| -> Result<f64> {
                    let mut moved = start.clone();
                    moved[i] += by;
                    let [y, _] = both(
                        DType::F32,
                        &Tensor::from_vec(moved, &shape, &Device::Cpu)?,
                        &targets,
                        f,
                    )?;
                    Ok(y.iter().enumerate().map(|(i, y)| y * (i as f64).sin()).sum())
                };
                const STEP: f32 = 0.02;
                let slope = (loss(STEP)? - loss(-STEP)?) / f64::from(2.0 * STEP);
                assert!((slope - gradient[i]).abs() < 1e-3, "{i}: {slope} {}", gradient[i]);
            }
        }
        Ok(())
    }
}
