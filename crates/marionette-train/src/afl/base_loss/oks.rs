//! One minus the object keypoint similarity of decoded coordinates.

use super::smooth_l1::soft_argmax;
use crate::afl::loss::BaseLoss;
use candle_core::{D, DType, Device, Result, Tensor};
use marionette_nn::heatmap::{Activation, HeatmapTargets};

/// 1 − exp(−d² / (2 s² κ²)) per keypoint: d is its distance from the mean position under the
/// softmax over cells, κ is twice its OKS sigma, and s² the area of the box around the sample's
/// labelled keypoints, at least a cell (the similarity of COCO, there with the area of the mask; as
/// a loss in Maji et al. 2022, arXiv 2204.06806).
///
/// Far from the truth it is flat: it is for networks that find keypoints already.
#[derive(Debug, Clone)]
pub struct Oks {
    /// OKS sigma per keypoint.
    sigmas: Vec<f32>,
}

impl Oks {
    /// The loss for keypoints of these OKS sigmas.
    pub fn new(sigmas: &[f32]) -> Self {
        Oks { sigmas: sigmas.to_vec() }
    }
}

/// The area of the box around each sample's labelled keypoints, cells², at least 1: `[B, 1]`.
fn areas(targets: &HeatmapTargets) -> Result<Tensor> {
    let mask = targets.mask.unsqueeze(D::Minus1)?;
    // A place beyond every other for those without a label.
    let beyond = mask.affine(-1e6, 1e6)?;
    let high = targets.coordinates.broadcast_sub(&beyond)?.max(1)?;
    let low = targets.coordinates.broadcast_add(&beyond)?.min(1)?;
    let sides = (high - low)?.maximum(1.0)?;
    (sides.narrow(1, 0, 1)? * sides.narrow(1, 1, 1)?)?.detach().contiguous()
}

impl BaseLoss for Oks {
    fn name(&self) -> &'static str {
        "oks"
    }

    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        let squared = (soft_argmax(output)? - &targets.coordinates)?.sqr()?.sum(D::Minus1)?;
        let scale: Vec<f64> =
            self.sigmas.iter().map(|sigma| 8.0 * f64::from(*sigma).powi(2)).collect();
        let scale = Tensor::from_vec(scale, (1, self.sigmas.len()), &Device::Cpu)?
            .to_dtype(if output.dtype() == DType::F64 { DType::F64 } else { DType::F32 })?
            .to_device(output.device())?;
        let spread = areas(targets)?.broadcast_mul(&scale)?;
        (squared / spread)?.neg()?.exp()?.affine(-1.0, 1.0)
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}
