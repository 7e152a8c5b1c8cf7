//! The controller's state, which goes into checkpoints.

use super::config::CurriculumConfig;
use marionette_base::statistics::Moments;
use marionette_stream::{AXES, Hardness};
use serde::{Deserialize, Serialize};

/// The statistics of one bin of one axis, from uniform and steered samples only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BinState {
    /// Logit of the bin's probability, before the guards.
    pub theta: f64,
    /// Samples counted since the start.
    pub count: u64,
    /// Difficulty rank within the batch, in [0, 1].
    pub rank: Moments,
    /// Raw difficulty score, in [0, 1].
    pub difficulty: Moments,
    /// Keypoint error, in torso lengths, over [`CurriculumConfig::memory`].
    pub error: Moments,
    /// The same over [`CurriculumConfig::recent`].
    pub recent_error: Moments,
    /// p(1 − p) of the hit rate.
    pub learnability: Moments,
    /// Updates in a row that the bin was among the highest errors and did not progress.
    pub stalled: u32,
}

impl BinState {
    /// Whether the bin counts as unlearnable for now.
    pub(super) fn is_unlearnable(&self, config: &CurriculumConfig) -> bool {
        self.stalled >= config.unlearnable_after
    }
}

/// The bins of one axis, from everyday to extreme, and how far it reaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AxisState {
    /// One per bin.
    pub bins: Vec<BinState>,
    /// How far the axis reaches by the signal, in [0, 1].
    pub reach: f64,
    /// What was seen of late at the edge of the reach.
    pub edge: BinState,
    /// What was seen of late further in.
    pub inside: BinState,
}

/// A sample held for replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayState {
    /// Index of the sample.
    pub origin: u64,
    /// The attempt that was accepted.
    pub attempt: u32,
    /// The hardness that it was sampled at.
    pub hardness: Hardness,
    /// Difficulty rank in [0, 1]; every replay moves it halfway to the rank found then.
    pub priority: f64,
    /// Replays so far.
    pub uses: u32,
    /// The controller's version when the sample was last seen.
    pub seen: u64,
    /// Keypoint error when it was admitted, in torso lengths.
    pub error: f64,
    /// Keypoint error of its replays, in torso lengths.
    pub replayed_error: Moments,
}

/// Everything the controller carries from one batch to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControllerState {
    /// Batches fed back, skipped ones included.
    pub version: u64,
    /// Batches that held at least one usable sample.
    pub learned: u64,
    /// Statistics and logits per axis, in
    /// [`HardnessAxis::ALL`](marionette_stream::HardnessAxis::ALL) order.
    pub axes: [AxisState; AXES],
    /// Hard samples, highest priority first.
    pub replay: Vec<ReplayState>,
    /// Moving loss of the uniform, steered and replay streams.
    pub losses: [Moments; 3],
    /// How much of θ takes effect, in (0, 1]; below 1 while steered samples are too hard for the
    /// network.
    pub temper: f64,
}

impl ControllerState {
    /// The controller before any feedback.
    pub fn new(config: &CurriculumConfig) -> Self {
        ControllerState {
            version: 0,
            learned: 0,
            axes: std::array::from_fn(|_| AxisState {
                bins: vec![BinState::default(); config.bins],
                reach: config.frontier.start,
                edge: BinState::default(),
                inside: BinState::default(),
            }),
            replay: Vec::new(),
            losses: [Moments::default(); 3],
            temper: 1.0,
        }
    }

    /// The moving loss of the steered stream over that of the uniform one; none before both have
    /// one.
    pub fn band_ratio(&self) -> Option<f64> {
        let (uniform, steered) = (self.losses[0].mean()?, self.losses[1].mean()?);
        (uniform > 0.0).then(|| steered / uniform).filter(|ratio| ratio.is_finite())
    }
}
