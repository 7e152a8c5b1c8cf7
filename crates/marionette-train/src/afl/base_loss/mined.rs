//! Other ways to let hard keypoints count more, to compare AFL with.

use super::cross_entropy::CrossEntropy;
use crate::afl::loss::{BaseLoss, mean_over_labelled};
use candle_core::{DType, Device, Result, Tensor};
use marionette_nn::heatmap::{Activation, HeatmapTargets};

/// The cross-entropy's mean, plus that of the half of a sample's labelled keypoints with the highest
/// (online hard keypoint mining; Chen et al. 2018, arXiv 1711.07319, with a sum over eight).
#[derive(Debug, Clone, Copy)]
pub struct HardKeypoints;

impl BaseLoss for HardKeypoints {
    fn name(&self) -> &'static str {
        "ohkm"
    }

    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        CrossEntropy.per_keypoint(output, targets)
    }

    fn per_sample(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        let losses = self.per_keypoint(output, targets)?;
        let half = upper_half(&losses, &targets.mask)?;
        mean_over_labelled(&losses, &targets.mask)? + mean_over_labelled(&losses, &half)?
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}

/// 1 for the half, rounded up, of each row's masked entries with the highest losses, else 0.
fn upper_half(losses: &Tensor, mask: &Tensor) -> Result<Tensor> {
    // On the CPU, because Metal has no f64.
    let as_rows =
        |tensor: &Tensor| tensor.detach().to_device(&Device::Cpu)?.to_dtype(DType::F64)?.to_vec2();
    let (losses, flags) = (as_rows(losses)?, as_rows(mask)?);
    let mut half = Vec::with_capacity(mask.elem_count());
    for (losses, flags) in losses.iter().zip(&flags) {
        let (losses, flags): (&Vec<f64>, &Vec<f64>) = (losses, flags);
        let mut order: Vec<usize> = (0..flags.len()).filter(|k| flags[*k] > 0.0).collect();
        order.sort_by(|a, b| losses[*b].total_cmp(&losses[*a]));
        order.truncate(order.len().div_ceil(2));
        half.extend((0..flags.len()).map(|k| f64::from(u8::from(order.contains(&k)))));
    }
    let half = Tensor::from_vec(half, mask.shape(), &Device::Cpu)?.to_dtype(mask.dtype())?;
    half.to_device(mask.device())
}

/// The cross-entropy L of each keypoint times (1 − exp(−L))², the focal loss of Lin et al. 2017
/// (arXiv 1708.02002) with γ = 2, where exp(−L) stands for the probability of the truth.
#[derive(Debug, Clone, Copy)]
pub struct Focal;

impl BaseLoss for Focal {
    fn name(&self) -> &'static str {
        "focal"
    }

    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        let losses = CrossEntropy.per_keypoint(output, targets)?;
        let missed = losses.neg()?.exp()?.affine(-1.0, 1.0)?;
        losses * missed.sqr()?
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}
