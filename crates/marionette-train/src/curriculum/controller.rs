//! The controller: feedback in, policy out.

use super::config::CurriculumConfig;
use super::state::ControllerState;
use super::{frontier, statistics};
use marionette_stream::Feedback;
use marionette_stream::{HardnessAxis, Policy};

/// Updates the state with the feedback of one batch. Axes not in `steered` are not the
/// curriculum's to move, though their statistics are kept.
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
    statistics::gather(config, state, &usable);
    state.learned += 1;
    if state.learned.is_multiple_of(config.update_every.max(1)) {
        frontier::move_reaches(config, steered, state, steps);
    }
}

/// The policy to sample with from here on, in a run of `steps` batches.
pub fn policy(config: &CurriculumConfig, state: &ControllerState, steps: u64) -> Policy {
    let initial = Policy::initial(config.mix, config.bins);
    if !config.steering {
        return Policy { version: state.version, ..initial };
    }
    let reaches = frontier::reaches(config, state, steps);
    Policy {
        version: state.version,
        axes: reaches.map(frontier::distribution),
        freedom: frontier::freedom(config, &reaches),
        ..initial
    }
}
