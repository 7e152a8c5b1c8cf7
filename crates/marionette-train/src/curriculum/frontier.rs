//! The frontier: how far along each axis the steered stream reaches, and along how many axes at
//! once.
//!
//! What is rendered widens from the everyday to the extreme, as in automatic domain randomisation
//! (Akkaya et al. 2019, arXiv 1910.07113). There the network's success at the edge of a range says
//! when the range may grow; here it is how much the signal at the edge exceeds that inside.

use super::config::{CurriculumConfig, PolicyKind};
use super::state::{AxisState, ControllerState};
use super::utility::{moments, value};
use marionette_base::statistics::Moments;
use marionette_stream::{AXES, AxisDistribution, Freedom, HardnessAxis};

/// Bins of a published distribution: fine enough for a reach to move smoothly.
const BINS: usize = 24;

/// Effective samples that edge and inside must both have before the reach moves by the signal.
const ENOUGH: f64 = 30.0;

/// A gap that is added to each in comparing axes: those below it are as good as noise, in standard
/// deviations.
const SMALL_GAP: f64 = 0.1;

/// The reach of every axis after `state`, in a run of `steps` steps.
pub(super) fn reaches(
    config: &CurriculumConfig,
    state: &ControllerState,
    steps: u64,
) -> [f64; AXES] {
    let frontier = &config.frontier;
    let progress = state.version as f64 / steps.max(1) as f64;
    let opened = if frontier.open_by > 0.0 { (progress / frontier.open_by).min(1.0) } else { 1.0 };
    let schedule = |share: f64| frontier.start + (1.0 - frontier.start) * share;
    state.axes.each_ref().map(|axis| match config.policy {
        // The floor lags behind the ramp, so that the signal can do both: go ahead and hold back.
        PolicyKind::Frontier => axis.reach.max(schedule(opened * opened)),
        _ => schedule(opened),
    })
}

/// How far the signal at the edge of `axis` lies above that further in, in standard deviations of
/// the signal over samples; `None` while too little has been seen.
fn gap(config: &CurriculumConfig, axis: &AxisState) -> Option<f64> {
    let signal = config.signal;
    let [edge, inside] = [&axis.edge, &axis.inside].map(|zone| moments(signal, zone));
    if edge.effective() < ENOUGH || inside.effective() < ENOUGH {
        return None;
    }
    let mut pooled = Moments::default();
    pooled.merge(edge);
    pooled.merge(inside);
    let above = value(signal, &axis.edge)? - value(signal, &axis.inside)?;
    Some(above / pooled.deviation().max(1e-9))
}

/// Whether the signal says that `axis` may reach farther: how far it moves, in steps.
fn step(config: &CurriculumConfig, axis: &AxisState) -> f64 {
    match gap(config, axis) {
        None => 0.0,
        Some(gap) if gap > config.frontier.fall_above => -1.0,
        Some(gap) if gap > config.frontier.rest_above => 0.0,
        Some(_) => 1.0,
    }
}

/// Whether the critic has learned for long enough to be listened to.
fn is_warm(config: &CurriculumConfig, state: &ControllerState, steps: u64) -> bool {
    state.version as f64 >= config.frontier.warmup * steps as f64
}

/// How much likelier than the average axis each is to be free, mean 1: the more, the harder its edge
/// is. All 1 before the signal is listened to, and without feedback.
fn leanings(config: &CurriculumConfig, state: &ControllerState, steps: u64) -> [f64; AXES] {
    let frontier = &config.frontier;
    let gaps = state.axes.each_ref().map(|axis| gap(config, axis).unwrap_or(0.0).max(0.0));
    let weights = gaps.map(|gap| gap + SMALL_GAP);
    let mean = weights.iter().sum::<f64>() / AXES as f64;
    let listens = config.policy == PolicyKind::Frontier && is_warm(config, state, steps);
    let lean = if listens { frontier.lean } else { 0.0 };
    weights.map(|weight| 1.0 + lean * (weight / mean - 1.0))
}

/// Moves the reaches of the `steered` axes, once every [`CurriculumConfig::update_every`] batches.
pub(super) fn move_reaches(
    config: &CurriculumConfig,
    steered: &[HardnessAxis],
    state: &mut ControllerState,
    steps: u64,
) {
    let listens = is_warm(config, state, steps);
    let length = config.update_every as f64 / (config.frontier.growth * steps.max(1) as f64);
    let reaches = reaches(config, state, steps);
    let version = state.version;
    for axis in HardnessAxis::ALL {
        let reach = reaches[axis as usize];
        let axis_state = &mut state.axes[axis as usize];
        let moves = listens && steered.contains(&axis);
        let change = if moves { step(config, axis_state) } else { 0.0 };
        axis_state.reach = (reach + length * change).clamp(config.frontier.start, 1.0);
        if axis_state.reach >= 1.0 {
            axis_state.opened.get_or_insert(version);
        }
    }
}

/// The distribution of an axis that is free, up to `reach`.
pub(super) fn distribution(config: &CurriculumConfig, reach: f64) -> AxisDistribution {
    let frontier = &config.frontier;
    let probe = if reach < 1.0 { frontier.probe } else { 0.0 };
    let edge = (1.0 - frontier.edge_width) * reach;
    let parts = [
        (1.0 - frontier.edge - probe, 0.0, reach),
        (frontier.edge, edge, reach),
        (probe, reach, 1.0),
    ];
    let probability = |bin: usize| {
        let (low, high) = (bin as f64 / BINS as f64, (bin + 1) as f64 / BINS as f64);
        let share = |(share, from, to): (f64, f64, f64)| {
            let within = (high.min(to) - low.max(from)).max(0.0);
            if to > from { share * within / (to - from) } else { 0.0 }
        };
        parts.map(share).into_iter().sum::<f64>() as f32
    };
    AxisDistribution { probabilities: (0..BINS).map(probability).collect() }
}

/// How many axes may be hard at once, when the axes reach as far as `reaches`.
pub(super) fn freedom(
    config: &CurriculumConfig,
    state: &ControllerState,
    reaches: &[f64; AXES],
    steps: u64,
) -> Freedom {
    let frontier = &config.frontier;
    let [few, many] = frontier.free;
    let open = reaches.iter().sum::<f64>() / AXES as f64;
    let chance = few + (many - few) * open;
    Freedom {
        chance: leanings(config, state, steps).map(|lean| (lean * chance).clamp(0.0, 1.0) as f32),
        rest: frontier.rest as f32,
        level: frontier.level as f32,
    }
}
