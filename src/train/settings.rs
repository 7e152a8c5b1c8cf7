//! What a trainer needs to be told.

use crate::{
    afl::AflConfig,
    curriculum::CurriculumConfig,
    optim::{AdamWSettings, CosineSchedule},
    scene::HardnessAxis,
};
use serde::{Deserialize, Serialize};

/// `[optimizer]`: the network's AdamW and its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Highest learning rate, reached at the end of the warm-up.
    pub learning_rate: f64,
    /// Learning rate at the last step, as a share of the highest.
    pub final_rate: f64,
    /// Share of all steps over which the learning rate rises.
    pub warmup: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Largest global norm of a step's gradients; larger ones are scaled down to it.
    pub clip_norm: f64,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        OptimizerConfig {
            learning_rate: 2e-3,
            final_rate: 0.01,
            warmup: 0.05,
            weight_decay: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip_norm: 5.0,
        }
    }
}

impl OptimizerConfig {
    /// The optimizer's own settings.
    pub fn adamw(&self) -> AdamWSettings {
        let OptimizerConfig { beta1, beta2, epsilon, weight_decay, .. } = *self;
        AdamWSettings { beta1, beta2, epsilon, weight_decay }
    }

    /// The learning rate over a run of `steps` steps.
    pub fn schedule(&self, steps: u64) -> CosineSchedule {
        CosineSchedule {
            peak: self.learning_rate,
            floor: self.learning_rate * self.final_rate,
            warmup_steps: (self.warmup * steps as f64).round() as u64,
            total_steps: steps,
        }
    }
}

/// Everything that decides what a trainer learns from the batches it gets.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSettings {
    /// The run's seed.
    pub seed: u64,
    /// Steps of the whole run: the schedules' length.
    pub steps: u64,
    /// The network's name.
    pub model: String,
    /// The base loss's name.
    pub loss: String,
    /// Whether samples are flipped left to right at random.
    pub flip: bool,
    /// The pipeline's depth in batches: how many policy snapshots a checkpoint has to hold.
    pub lag: usize,
    /// The network's optimizer.
    pub optimizer: OptimizerConfig,
    /// Adversarial focal loss.
    pub afl: AflConfig,
    /// The controller.
    pub curriculum: CurriculumConfig,
    /// The axes that the controller may move.
    pub steered_axes: Vec<HardnessAxis>,
}
