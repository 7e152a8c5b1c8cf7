//! The frontier: how far along each axis the steered stream reaches, and along how many axes at
//! once.
//!
//! What is rendered widens from the everyday to the extreme, as in automatic domain randomisation
//! (Akkaya et al. 2019, arXiv 1910.07113). There the network's success at the edge of a range says
//! when the range may grow; here every axis opens in time, the slower, the more it matters for the
//! signal.

use super::config::{CurriculumConfig, FrontierConfig, PolicyKind};
use super::state::ControllerState;
use marionette_stream::{AXES, AxisDistribution, Freedom, HardnessAxis};

/// Bins of a published distribution: fine enough for a reach to move smoothly.
const BINS: usize = 24;

/// An effect that is added to each in comparing axes: those below it are as good as noise.
const SMALL_EFFECT: f64 = 0.03;

/// The reach of every axis after `state`, in a run of `steps` steps.
pub(super) fn reaches(
    config: &CurriculumConfig,
    state: &ControllerState,
    steps: u64,
) -> [f64; AXES] {
    let FrontierConfig { start, open_by, pace: [_, slowest], .. } = config.frontier;
    let schedule = |open_by: f64| {
        let progress = state.version as f64 / steps.max(1) as f64;
        let opened = if open_by > 0.0 { (progress / open_by).min(1.0) } else { 1.0 };
        start + (1.0 - start) * opened
    };
    state.axes.each_ref().map(|axis| match config.policy {
        PolicyKind::Frontier => axis.reach.max(schedule((open_by * slowest).min(1.0))),
        _ => schedule(open_by),
    })
}

/// How much longer than [`FrontierConfig::open_by`] each axis takes to open: the longer, the more it
/// matters. All 1 while the critic has not learned for long enough to be listened to.
fn paces(
    config: &CurriculumConfig,
    steered: &[HardnessAxis],
    state: &ControllerState,
    steps: u64,
) -> [f64; AXES] {
    let frontier = &config.frontier;
    if (state.version as f64) < frontier.warmup * steps as f64 {
        return [1.0; AXES];
    }
    let weights = state.effects.effects().map(|effect| effect.max(0.0) + SMALL_EFFECT);
    let mean = steered.iter().map(|axis| weights[*axis as usize]).sum::<f64>()
        / steered.len().max(1) as f64;
    let [quickest, slowest] = frontier.pace;
    weights.map(|weight| (weight / mean).clamp(quickest, slowest))
}

/// Moves the reaches of the axes, once every [`CurriculumConfig::update_every`] batches.
pub(super) fn move_reaches(
    config: &CurriculumConfig,
    steered: &[HardnessAxis],
    state: &mut ControllerState,
    steps: u64,
) {
    let FrontierConfig { start, open_by, .. } = config.frontier;
    let share = config.update_every as f64 / steps.max(1) as f64;
    let paces = paces(config, steered, state, steps);
    for (axis, pace) in state.axes.iter_mut().zip(paces) {
        let step = if open_by > 0.0 { (1.0 - start) * share / (open_by * pace) } else { 1.0 };
        axis.reach = (axis.reach + step).min(1.0);
    }
    let (reaches, version) = (reaches(config, state, steps), state.version);
    for (axis, reach) in state.axes.iter_mut().zip(reaches) {
        axis.reach = reach;
        if reach >= 1.0 {
            axis.opened.get_or_insert(version);
        }
    }
}

/// The distribution of an axis that is free: even up to `reach`.
pub(super) fn distribution(reach: f64) -> AxisDistribution {
    let probability = |bin: usize| {
        let (low, high) = (bin as f64 / BINS as f64, (bin + 1) as f64 / BINS as f64);
        ((high.min(reach) - low).max(0.0) / reach) as f32
    };
    AxisDistribution { probabilities: (0..BINS).map(probability).collect() }
}

/// How many axes may be hard at once, when the axes reach as far as `reaches`.
pub(super) fn freedom(config: &CurriculumConfig, reaches: &[f64; AXES]) -> Freedom {
    let frontier = &config.frontier;
    let [few, many] = frontier.free;
    let open = reaches.iter().sum::<f64>() / AXES as f64;
    let chance = few + (many - few) * open;
    Freedom {
        chance: [chance as f32; AXES],
        rest: frontier.rest as f32,
        level: frontier.level as f32,
    }
}
