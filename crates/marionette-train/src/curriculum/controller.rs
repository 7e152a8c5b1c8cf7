//! The controller: feedback in, policy out.

use super::config::{CurriculumConfig, PolicyKind};
use super::guard::distribution;
use super::state::{AxisState, ControllerState};
use super::utility::utilities;
use super::{frontier, statistics};
use marionette_stream::Feedback;
use marionette_stream::{AxisDistribution, Freedom, HardnessAxis, Policy};

/// θ stays within ±this. There the guards already limit the distribution. A larger θ would only
/// take longer to fall again when its bin is no longer worth it.
const THETA: f64 = 3.0;

/// Updates the state with the feedback of one batch. Axes not in `steered` are locked: they stay
/// uniform, though their statistics are kept.
///
/// Feedback must come in batch order, one per batch. A batch without samples (a skipped step) only
/// advances the version. `steps` is the length of the run, in batches.
pub fn observe(
    config: &CurriculumConfig,
    steered: &[HardnessAxis],
    state: &mut ControllerState,
    feedback: &Feedback,
    steps: u64,
) {
    state.version += 1;
    let usable = statistics::usable(&feedback.samples);
    if usable.is_empty() {
        return;
    }
    statistics::gather(config, state, &usable, steps);
    state.learned += 1;
    if state.learned.is_multiple_of(config.update_every.max(1)) {
        match config.policy {
            PolicyKind::Hardest => update(config, steered, state),
            _ => frontier::move_reaches(config, steered, state, steps),
        }
    }
}

/// Moves the distributions, once every [`CurriculumConfig::update_every`] batches.
fn update(config: &CurriculumConfig, steered: &[HardnessAxis], state: &mut ControllerState) {
    for axis in HardnessAxis::ALL {
        if config.steering && steered.contains(&axis) {
            move_logits(config, &mut state.axes[axis as usize]);
        }
    }
}

/// θ ← inertia · θ + eta · (U − mean U), within ±[`THETA`].
fn move_logits(config: &CurriculumConfig, axis: &mut AxisState) {
    let utilities = utilities(config, axis);
    let mean = utilities.iter().sum::<f64>() / utilities.len().max(1) as f64;
    for (bin, utility) in axis.bins.iter_mut().zip(&utilities) {
        let gain = utility - mean;
        bin.theta = (config.inertia * bin.theta + config.eta * gain).clamp(-THETA, THETA);
    }
}

/// The policy to sample with from here on, in a run of `steps` batches.
pub fn policy(config: &CurriculumConfig, state: &ControllerState, steps: u64) -> Policy {
    let reaches = frontier::reaches(config, state, steps);
    let by_reach = config.by_reach();
    let axis = |axis: usize| {
        if !config.steering {
            return AxisDistribution::uniform(config.bins);
        }
        if by_reach {
            return frontier::distribution(config, reaches[axis]);
        }
        let theta: Vec<f64> = state.axes[axis].bins.iter().map(|bin| bin.theta).collect();
        distribution(config, &theta)
    };
    Policy {
        version: state.version,
        mix: config.mix,
        axes: std::array::from_fn(axis),
        freedom: if by_reach {
            frontier::freedom(config, state, &reaches, steps)
        } else {
            Freedom::default()
        },
    }
}
