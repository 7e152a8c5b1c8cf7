//! Heatmap mean squared error.

use crate::afl::loss::BaseLoss;
use candle_core::{D, Result, Tensor};
use marionette_nn::heatmap::{Activation, HeatmapTargets};

/// The squared difference between the raw output and the unit-peak Gaussian, averaged over cells
/// and labelled keypoints: the paper's base loss.
#[derive(Debug, Clone, Copy)]
pub struct MeanSquaredError;

impl BaseLoss for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean_squared_error"
    }

    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        (output - &targets.heatmaps)?.sqr()?.flatten_from(2)?.mean(D::Minus1)
    }

    fn activation(&self) -> Activation {
        Activation::Identity
    }
}
