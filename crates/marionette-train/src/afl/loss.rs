//! The interface of per-sample losses, and their weighting (Liu et al. 2022, Eq. 4).

use candle_core::{D, Result, Tensor};
use marionette_nn::heatmap::{Activation, HeatmapTargets};

/// A loss with one value per sample, for a network whose output is `[B, K, h, w]`.
pub trait BaseLoss: Send + Sync {
    /// Its name in a configuration.
    fn name(&self) -> &'static str;

    /// The loss of every keypoint, `[B, K]`, 0 for a perfect prediction. What stands for keypoints
    /// without a label does not count.
    ///
    /// # Errors
    /// If the shapes, types or devices do not fit.
    fn per_keypoint(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor>;

    /// The loss of every sample, `[B]`, averaged over its labelled keypoints (0 for a sample with
    /// none). No gradient reaches the output for a keypoint that is not labelled.
    ///
    /// # Errors
    /// If the shapes, types or devices do not fit.
    fn per_sample(&self, output: &Tensor, targets: &HeatmapTargets) -> Result<Tensor> {
        mean_over_labelled(&self.per_keypoint(output, targets)?, &targets.mask)
    }

    /// How the output of a network trained with this loss becomes heatmaps.
    fn activation(&self) -> Activation;

    /// The network's output as heatmaps `[B, K, h, w]` on the scale of the unit-peak targets, for
    /// the topology; `mass` (`[B, K]`) is the targets'. Detached.
    ///
    /// # Errors
    /// If the shapes, types or devices do not fit.
    fn heatmaps(&self, output: &Tensor, mass: &Tensor) -> Result<Tensor> {
        self.activation().heatmaps(&output.detach(), &mass.detach())
    }
}

/// The batch's loss, a scalar: each sample's loss times its weight, then the mean (Eq. 4). Both are
/// `[B]`; no gradient flows through the weights.
///
/// # Errors
/// If the shapes, types or devices do not fit.
pub fn weighted(per_sample: &Tensor, weights: &Tensor) -> Result<Tensor> {
    (per_sample * weights.detach())?.mean_all()
}

/// The mean of `per_keypoint` (`[B, K]`) over the keypoints whose mask is 1: `[B]`.
pub(super) fn mean_over_labelled(per_keypoint: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let labelled = mask.sum(D::Minus1)?.maximum(1.0)?;
    (per_keypoint * mask)?.sum(D::Minus1)? / labelled
}
