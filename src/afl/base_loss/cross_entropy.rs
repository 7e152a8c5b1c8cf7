//! Heatmap cross-entropy.

use crate::afl::loss::{BaseLoss, mean_over_labelled};
use crate::model::heatmap::{Activation, HeatmapTargets, log_softmax};
use candle_core::{D, Result, Tensor};

/// The least probability and mass that are told from 0; normal in f32, so that logarithms stay finite.
const TINY: f64 = 1e-30;

/// The cross-entropy, in nats, of a keypoint's softmax over cells against its Gaussian normalised to sum 1, minus that
/// Gaussian's entropy (so it is the Kullback-Leibler divergence, and 0 is perfect). The default.
#[derive(Debug, Clone, Copy)]
pub struct CrossEntropy;

impl BaseLoss for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn per_sample(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        let mass = targets.mass.maximum(TINY)?.unsqueeze(D::Minus1)?;
        let wanted = targets.heatmaps.flatten_from(2)?.broadcast_div(&mass)?;
        let surprise = (wanted.maximum(TINY)?.log()? - log_softmax(output)?)?;
        mean_over_labelled(&(wanted * surprise)?.sum(D::Minus1)?, &targets.mask)
    }

    fn activation(&self) -> Activation {
        Activation::Softmax
    }
}
