//! The learning rate as a function of the step.

use serde::{Deserialize, Serialize};

/// A linear warm-up from 0, then half a cosine down to a final value (Loshchilov and Hutter 2017,
/// arXiv 1608.03983, Eq. 5).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CosineSchedule {
    /// The greatest rate, reached at the end of the warm-up.
    pub peak: f64,
    /// The rate from the last step on.
    pub floor: f64,
    /// Steps of the warm-up; the first has the rate `peak / warmup_steps`.
    pub warmup_steps: u64,
    /// Steps in all, warm-up included.
    pub total_steps: u64,
}

impl CosineSchedule {
    /// The rate of step `step`, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let span = self.total_steps.saturating_sub(self.warmup_steps + 1).max(1);
        let progress = ((step - self.warmup_steps) as f64 / span as f64).min(1.0);
        self.floor
            + (self.peak - self.floor) * (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_its_floor() {
        let schedule = CosineSchedule { peak: 1.0, floor: 0.1, warmup_steps: 10, total_steps: 111 };
        let close = |step, expected: f64| {
            assert!((schedule.rate(step) - expected).abs() < 1e-12, "step {step}")
        };
        close(0, 0.1);
        close(4, 0.5);
        close(9, 1.0);
        close(10, 1.0);
        close(60, 0.55);
        close(110, 0.1);
        close(1_000_000, 0.1);
        assert!((10..110).all(|step| schedule.rate(step) > schedule.rate(step + 1)));
    }

    #[test]
    fn degenerate_lengths_give_finite_rates() {
        for (warmup_steps, total_steps) in [(0, 0), (0, 1), (5, 5), (9, 3)] {
            let schedule = CosineSchedule { peak: 1.0, floor: 0.0, warmup_steps, total_steps };
            assert!((0..20).all(|step| (0.0..=1.0).contains(&schedule.rate(step))));
        }
    }
}
