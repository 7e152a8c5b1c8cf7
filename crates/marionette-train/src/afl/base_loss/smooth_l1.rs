//! Smooth L1 on decoded coordinates.

use crate::afl::loss::BaseLoss;
use candle_core::{D, DType, Result, Tensor};
use marionette_nn::{
    heatmap::{Activation, HeatmapTargets},
    softmax::log_softmax,
};

/// Smooth L1 (Girshick 2015), in cells with its corner at one cell, between the keypoint and the
/// mean position under the softmax over cells (Sun et al. 2018), averaged over both axes.
#[derive(Debug, Clone, Copy)]
pub struct SmoothL1;

impl BaseLoss for SmoothL1 {
    fn name(&self) -> &'static str {
        "smooth_l1"
    }

    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        let distance = (soft_argmax(output)? - &targets.coordinates)?.abs()?;
        // One expression for both branches: d²/2 up to 1, d - 1/2 beyond.
        let near = distance.minimum(1.0)?;
        let loss = (&near * (&distance - near.affine(0.5, 0.0)?)?)?;
        loss.mean(D::Minus1)
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}

/// The mean (column, row) in cells under each keypoint's softmax: `[B, K, h, w]` to `[B, K, 2]`.
pub(super) fn soft_argmax(output: &Tensor) -> Result<Tensor> {
    let (batch, keypoints, height, width) = output.dims4()?;
    let probabilities = log_softmax(output)?.exp()?.reshape((batch * keypoints, height * width))?;
    let cells =
        (0..height).flat_map(|row| (0..width).flat_map(move |column| [column as f64, row as f64]));
    let positions = Tensor::from_iter(cells, &candle_core::Device::Cpu)?
        .reshape((height * width, 2))?
        .to_dtype(if output.dtype() == DType::F64 { DType::F64 } else { DType::F32 })?
        .to_device(output.device())?;
    probabilities.matmul(&positions)?.reshape((batch, keypoints, 2))
}
