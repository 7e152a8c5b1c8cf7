//! Where the time of a step goes.

use std::time::{Duration, Instant};

/// The operations of a step, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Normalised and flipped images, labels, target heatmaps.
    Input,
    /// The network's forward pass.
    Forward,
    /// Base loss per sample, weighted mean.
    Loss,
    /// Heatmaps, topologies and the critic's values: the scores.
    Score,
    /// From heatmaps to keypoints.
    Decode,
    /// The network's backward pass.
    Backward,
    /// The critic's own step.
    Critic,
    /// Gradient clipping, Muon and AdamW.
    Optimizer,
    /// Errors of every sample, statistics, controller.
    Judge,
}

impl Operation {
    /// All of them, in order.
    pub const ALL: [Operation; 9] = [
        Operation::Input,
        Operation::Forward,
        Operation::Loss,
        Operation::Score,
        Operation::Decode,
        Operation::Backward,
        Operation::Critic,
        Operation::Optimizer,
        Operation::Judge,
    ];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Input => "input",
            Operation::Forward => "forward",
            Operation::Loss => "loss",
            Operation::Score => "score",
            Operation::Decode => "decode",
            Operation::Backward => "backward",
            Operation::Critic => "critic",
            Operation::Optimizer => "optimizer",
            Operation::Judge => "judge",
        }
    }
}

/// A stopwatch that sums up the time of each operation. On a GPU operations are only queued, and
/// their time shows where their results are waited for.
#[derive(Clone, Debug)]
pub struct StepTimings {
    since: Instant,
    sums: [Duration; Operation::ALL.len()],
}

impl Default for StepTimings {
    fn default() -> Self {
        StepTimings { since: Instant::now(), sums: Default::default() }
    }
}

impl StepTimings {
    /// A step begins now.
    pub(super) fn begin(&mut self) {
        self.since = Instant::now();
    }

    /// All since the last call, or since the beginning of the step, was `operation`.
    pub(super) fn record(&mut self, operation: Operation) {
        let now = Instant::now();
        self.sums[operation as usize] += now - self.since;
        self.since = now;
    }

    /// The time that `operation` has taken in all steps so far.
    pub fn sum(&self, operation: Operation) -> Duration {
        self.sums[operation as usize]
    }
}
