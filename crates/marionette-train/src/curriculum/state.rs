//! The controller's state, which goes into checkpoints.

use super::config::CurriculumConfig;
use super::effects::EffectSums;
use marionette_base::statistics::Moments;
use marionette_stream::AXES;
use serde::{Deserialize, Serialize};

/// The statistics of one bin of one axis, from uniform and steered samples only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BinState {
    /// Samples counted since the start.
    pub count: u64,
    /// Difficulty rank within the batch, in [0, 1].
    pub rank: Moments,
    /// Raw difficulty score, in [0, 1].
    pub difficulty: Moments,
    /// Keypoint error, in torso lengths, over [`CurriculumConfig::memory`].
    pub error: Moments,
}

/// The bins of one axis, from everyday to extreme, and how far it reaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AxisState {
    /// One per bin.
    pub bins: Vec<BinState>,
    /// How far the axis reaches by the signal, in [0, 1].
    pub reach: f64,
    /// Batches fed back when all of the axis was open for the first time.
    pub opened: Option<u64>,
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
    /// Moving loss of the uniform and the steered stream.
    pub losses: [Moments; 2],
    /// What says how much each axis matters.
    pub effects: EffectSums,
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
                opened: None,
            }),
            losses: [Moments::default(); 2],
            effects: EffectSums::default(),
        }
    }
}
