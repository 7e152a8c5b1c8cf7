//! What the trainer reports about a batch after it has learned from it.

use crate::{AXES, Hardness, SampleStream};
use serde::{Deserialize, Serialize};

/// What the trainer found for one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleFeedback {
    /// The sample's index.
    pub index: u64,
    /// The stream that the sample belongs to.
    pub stream: SampleStream,
    /// The hardness at which the sample was taken.
    pub hardness: Hardness,
    /// Per axis, the steered stream's density at that hardness over the uniform stream's, in the
    /// policy with which the sample was taken.
    pub propensity: [f32; AXES],
    /// Base loss, minus the target's entropy where the loss has one (0 is perfect).
    pub loss: f32,
    /// Mean distance between predicted and true keypoints, in torso lengths.
    pub error: f32,
    /// AFL difficulty score in [0, 1].
    pub difficulty: f32,
}

/// What the trainer found for one batch. A batch whose step was skipped sends feedback without
/// samples; otherwise the generator would wait for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// The batch's index in the run.
    pub batch: u64,
    /// One entry per sample, in the batch's order; empty for a skipped step.
    pub samples: Vec<SampleFeedback>,
}
