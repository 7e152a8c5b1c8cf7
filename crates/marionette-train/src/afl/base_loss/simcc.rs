//! SimCC: a keypoint's column and row as two classifications.

use crate::afl::loss::BaseLoss;
use candle_core::{D, Result, Tensor};
use marionette_nn::{
    heatmap::{Activation, HeatmapTargets},
    softmax::log_softmax,
};

/// Keeps logarithms finite; a normal number in f32.
const TINY: f64 = 1e-30;

/// The divergence of the softmax's marginals over columns and over rows from those of the target,
/// in nats, summed (Li et al. 2022, arXiv 2107.03332, with Gaussian labels). There two linear heads
/// give the two distributions; here they are the two marginals of one map, so the same networks
/// learn it.
#[derive(Debug, Clone, Copy)]
pub struct SimCc;

/// The divergence of `found` from `wanted` along the last dimension, both probabilities.
fn divergence(found: &Tensor, wanted: &Tensor) -> Result<Tensor> {
    let surprise = (wanted.maximum(TINY)?.log()? - found.maximum(TINY)?.log()?)?;
    (wanted * surprise)?.sum(D::Minus1)
}

impl BaseLoss for SimCc {
    fn name(&self) -> &'static str {
        "simcc"
    }

    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        let found = log_softmax(output)?.exp()?.reshape(output.shape())?;
        let mass = targets.mass.detach().maximum(TINY)?.unsqueeze(2)?.unsqueeze(3)?;
        let wanted = targets.heatmaps.detach().broadcast_div(&mass)?;
        let along = |axis: usize| divergence(&found.sum(axis)?, &wanted.sum(axis)?);
        along(2)? + along(3)?
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}
