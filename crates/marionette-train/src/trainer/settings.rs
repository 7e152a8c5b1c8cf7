//! The settings of a trainer.

use crate::{afl::AflConfig, curriculum::CurriculumConfig};
use marionette_nn::optim::{AdamWSettings, CosineSchedule, OptimizerSettings};
use marionette_stream::HardnessAxis;
use serde::{Deserialize, Serialize};

/// `[optimizer]`: Muon for the network's kernels between features, AdamW for everything else, and
/// their schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Highest learning rate of AdamW, reached at the end of the warm-up.
    pub learning_rate: f64,
    /// Learning rate at the last step, as a share of the highest.
    pub final_rate: f64,
    /// Share of all steps over which the learning rate rises.
    pub warmup: f64,
    /// Highest rate of Muon: what a step turns a kernel by, its filters being of length 1. With 0
    /// AdamW trains everything.
    pub matrix_rate: f64,
    /// Share of its momentum that Muon keeps from step to step.
    pub matrix_momentum: f64,
    /// AdamW's decoupled weight decay.
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
            matrix_rate: 0.01,
            matrix_momentum: 0.95,
            weight_decay: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip_norm: 5.0,
        }
    }
}

impl OptimizerConfig {
    /// AdamW's own settings.
    pub fn adamw(&self) -> AdamWSettings {
        let OptimizerConfig { beta1, beta2, epsilon, weight_decay, .. } = *self;
        AdamWSettings { beta1, beta2, epsilon, weight_decay }
    }

    /// The settings of both optimizers.
    pub fn settings(&self) -> OptimizerSettings {
        let (matrix_rate, matrix_momentum) =
            (self.matrix_rate / self.learning_rate, self.matrix_momentum);
        OptimizerSettings { adamw: self.adamw(), matrix_rate, matrix_momentum }
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

/// Which samples are flipped, left to right, before the network learns from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flips {
    /// None.
    None,
    /// A random half of them.
    Random,
    /// The network learns from every sample twice: as it was rendered, and flipped. A batch has
    /// twice as many rows as tiles.
    Both,
}

impl Flips {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Flips::None => "none",
            Flips::Random => "random",
            Flips::Both => "both",
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
    /// Which samples are flipped.
    pub flips: Flips,
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
