//! Where the time of a pass goes.

use std::time::{Duration, Instant};

/// What a pass through a network spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineOperation {
    /// Convolutions, with what follows them in the same pass over memory.
    Convolution,
    /// Gradients of the convolutions' inputs.
    InputGradient,
    /// Gradients of the weights.
    WeightGradient,
    /// Batch norm, shortcuts and rectifiers, both ways.
    Norm,
    /// Everything else: weights brought into order, pooling, upsampling.
    Other,
}

impl EngineOperation {
    /// All of them, in order.
    pub const ALL: [EngineOperation; 5] = [
        EngineOperation::Convolution,
        EngineOperation::InputGradient,
        EngineOperation::WeightGradient,
        EngineOperation::Norm,
        EngineOperation::Other,
    ];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            EngineOperation::Convolution => "convolution",
            EngineOperation::InputGradient => "input gradient",
            EngineOperation::WeightGradient => "weight gradient",
            EngineOperation::Norm => "norm",
            EngineOperation::Other => "other",
        }
    }
}

/// Sums up where time goes.
#[derive(Debug)]
pub struct Clock {
    since: Instant,
    sums: [Duration; EngineOperation::ALL.len()],
}

impl Default for Clock {
    fn default() -> Self {
        Self { since: Instant::now(), sums: Default::default() }
    }
}

impl Clock {
    /// Starts to measure.
    pub fn start(&mut self) {
        self.since = Instant::now();
    }

    /// Counts the time since the last lap for `operation`.
    pub fn lap(&mut self, operation: EngineOperation) {
        let now = Instant::now();
        self.sums[operation as usize] += now - self.since;
        self.since = now;
    }
    /// Moves the times so far to `times`.
    pub fn report(&mut self, times: &mut [Duration; EngineOperation::ALL.len()]) {
        for (time, spent) in times.iter_mut().zip(std::mem::take(&mut self.sums)) {
            *time += spent;
        }
    }
}
