//! The controller: feedback in, policy out.

use super::config::{CurriculumConfig, PolicyKind};
use super::guard::distribution;
use super::state::{AxisState, ControllerState};
use super::unlearnable::count_stalls;
use super::utility::utilities;
use super::{frontier, replay, statistics};
use marionette_base::statistics::rank_shares;
use marionette_stream::Feedback;
use marionette_stream::{Freedom, HardnessAxis, Policy};

/// The factor on the temper in one update while the steered stream is too hard. Below the band the
/// temper rises by the same factor.
const TEMPERING: f64 = 0.9;
/// The temper falls no lower, so that it recovers within a few dozen updates.
const LEAST_TEMPER: f64 = 0.05;
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
    if feedback.samples.is_empty() {
        return;
    }
    let fresh = statistics::fresh(&feedback.samples);
    let scores: Vec<f32> = fresh.iter().map(|sample| sample.difficulty).collect();
    let ranks = rank_shares(&scores);
    replay::update(
        &config.replay,
        &mut state.replay,
        &feedback.samples,
        &fresh,
        &ranks,
        state.version,
    );
    if !feedback.samples.iter().any(statistics::usable) {
        return;
    }
    statistics::gather_losses(config, state, &feedback.samples);
    statistics::gather(config, state, &fresh, steps);
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
    count_stalls(state);
    for axis in HardnessAxis::ALL {
        if config.steering && steered.contains(&axis) {
            move_logits(config, &mut state.axes[axis as usize]);
        }
    }
    // Only the upper edge tempers: steered samples that are no harder than uniform ones do no harm.
    match state.band_ratio() {
        Some(ratio) if ratio > config.band_high => {
            state.temper = (state.temper * TEMPERING).max(LEAST_TEMPER)
        }
        Some(ratio) if ratio < config.band_low => {
            state.temper = (state.temper / TEMPERING).min(1.0)
        }
        _ => {}
    }
}

/// θ ← inertia · θ + eta · (U − mean U), within ±[`THETA`]; an unlearnable bin does not count, and
/// its θ decays.
fn move_logits(config: &CurriculumConfig, axis: &mut AxisState) {
    let utilities = utilities(config, axis);
    let counted =
        || axis.bins.iter().zip(&utilities).filter(|(bin, _)| !bin.is_unlearnable(config));
    let mean = counted().map(|(_, utility)| utility).sum::<f64>() / counted().count().max(1) as f64;
    for (bin, utility) in axis.bins.iter_mut().zip(&utilities) {
        let gain = if bin.is_unlearnable(config) { 0.0 } else { utility - mean };
        bin.theta = (config.inertia * bin.theta + config.eta * gain).clamp(-THETA, THETA);
    }
}

/// The policy to sample with from here on, in a run of `steps` batches.
pub fn policy(config: &CurriculumConfig, state: &ControllerState, steps: u64) -> Policy {
    let reaches = frontier::reaches(config, state, steps);
    let by_reach = config.steering && config.policy != PolicyKind::Hardest;
    let axis = |axis: usize| {
        if by_reach {
            return frontier::distribution(config, reaches[axis]);
        }
        let theta: Vec<f64> = state.axes[axis].bins.iter().map(|bin| bin.theta).collect();
        distribution(config, &theta, if config.steering { state.temper } else { 0.0 })
    };
    Policy {
        version: state.version,
        mix: config.mix,
        axes: std::array::from_fn(axis),
        freedom: if by_reach { frontier::freedom(config, &reaches) } else { Freedom::default() },
        replay: replay::entries(&config.replay, &state.replay, state.version),
    }
}
