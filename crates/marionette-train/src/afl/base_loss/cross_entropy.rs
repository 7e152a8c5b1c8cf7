//! Heatmap cross-entropy.

use crate::afl::loss::BaseLoss;
use candle_core::{Result, Tensor};
use marionette_nn::{
    heatmap::{Activation, HeatmapTargets},
    softmax::divergence,
};

/// The cross-entropy, in nats, of a keypoint's softmax over cells against its Gaussian normalised
/// to sum 1, minus that Gaussian's entropy (so it is the Kullback-Leibler divergence, and 0 is
/// perfect). The default.
#[derive(Debug, Clone, Copy)]
pub struct CrossEntropy;

impl BaseLoss for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        divergence(output, &targets.heatmaps)
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}
