//! The controller on made-up feedback.

use super::simulation::{STEPS, World, divergences, run};
use super::*;
use marionette_stream::{AXES, Freedom, HardnessAxis, Policy, SampleStream, StreamMix};
use marionette_stream::{Feedback, SampleFeedback};
use proptest::prelude::*;

const ALL: [HardnessAxis; AXES] = HardnessAxis::ALL;
const OCCLUSION: usize = HardnessAxis::Occlusion as usize;

/// A world in which no axis matters, for tests that bring their own effect.
fn flat(seed: u64) -> World {
    World { effect: [0.0; AXES], insight: 0.0, ..World::new(seed) }
}

fn occlusion_bin(sample: &SampleFeedback) -> usize {
    ((sample.hardness[OCCLUSION] * 6.0) as usize).min(5)
}

fn occlusion(config: &CurriculumConfig, state: &ControllerState) -> Vec<f32> {
    policy(config, state, STEPS).axes[OCCLUSION].probabilities.clone()
}

/// A batch of `world` under the initial policy.
fn batch(config: &CurriculumConfig, world: &World, batch: u64) -> Feedback {
    let policy = Policy::initial(config.mix, config.bins);
    let samples =
        (0..world.batch).map(|j| world.feedback(&policy, batch * world.batch + j, batch)).collect();
    Feedback { batch, samples }
}

/// The usual settings of the policy that goes after the hardest bins.
fn hardest() -> CurriculumConfig {
    CurriculumConfig {
        policy: PolicyKind::Hardest,
        mix: StreamMix { uniform: 0.33, steered: 0.67 },
        ..CurriculumConfig::default()
    }
}

#[test]
fn the_defaults_are_valid_and_faults_name_their_key() {
    assert_eq!(CurriculumConfig::default().validate(), []);
    let config: CurriculumConfig =
        serde_json::from_str(r#"{"bins": 9, "signal": "error", "frontier": {"rest": 0.0}}"#)
            .unwrap();
    let faults = config.validate();
    assert_eq!(faults[0], ("bins".to_string(), "found 9, expected 5 to 8".to_string()));
    assert_eq!(faults[1].0, "frontier.rest");
    assert!(serde_json::from_str::<CurriculumConfig>(r#"{"binz": 6}"#).is_err());
    let mix = StreamMix { uniform: 0.5, steered: f32::NAN };
    let config = CurriculumConfig { eta: f64::NAN, mix, ..hardest() };
    let keys: Vec<_> = config.validate().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["eta", "mix.steered", "mix"]);
}

#[test]
fn a_fresh_controller_publishes_the_initial_policy() {
    let config = hardest();
    assert_eq!(
        policy(&config, &ControllerState::new(&config), STEPS),
        Policy::initial(config.mix, config.bins)
    );
}

#[test]
fn a_hard_bin_is_learned() {
    let config = hardest();
    let state = run(&config, &ALL, &flat(1), 600, |sample, _| {
        if occlusion_bin(sample) == 3 {
            sample.difficulty = 0.5 + 0.5 * sample.difficulty;
        }
    });
    let probabilities = occlusion(&config, &state);
    assert!(probabilities[3] > 2.0 / 6.0, "{probabilities:?}");
    let kl = divergences(&config, &state);
    assert!((0..AXES).all(|axis| axis == OCCLUSION || kl[axis] < 0.02), "{kl:?}");
}

#[test]
fn every_signal_steers_towards_what_it_should() {
    let settle = |signal, alter: fn(&mut SampleFeedback, u64)| {
        let config = CurriculumConfig { signal, ..hardest() };
        occlusion(&config, &run(&config, &ALL, &flat(4), 800, alter))
    };
    let raised: [(Signal, fn(&mut SampleFeedback, u64)); 4] = [
        (Signal::Difficulty, |sample, _| {
            sample.difficulty += if occlusion_bin(sample) == 2 { 0.3 } else { 0.0 }
        }),
        (Signal::Error, |sample, _| {
            sample.error *= if occlusion_bin(sample) == 2 { 1.5 } else { 1.0 }
        }),
        // Everything is learned already but the one bin, whose error falls.
        (Signal::Progress, |sample, batch| {
            sample.error =
                if occlusion_bin(sample) == 2 { 1.0 - 0.001 * batch as f32 } else { 0.1 };
        }),
        // The easy bins are always hit, the hard ones never.
        (Signal::Learnability, |sample, _| {
            sample.hit_rate = [1.0, 0.9, 0.5, 0.1, 0.0, 0.0][occlusion_bin(sample)]
        }),
    ];
    for (signal, alter) in raised {
        let probabilities = settle(signal, alter);
        assert!(probabilities[2] > 1.5 / 6.0, "{signal:?}: {probabilities:?}");
        assert!(
            (0..6).all(|bin| probabilities[bin] <= probabilities[2]),
            "{signal:?}: {probabilities:?}"
        );
    }
}

#[test]
fn locked_axes_stay_uniform_and_so_does_everything_without_steering() {
    let world = World::new(5);
    let config = hardest();
    let kl = divergences(&config, &run(&config, &[HardnessAxis::View], &world, 800, |_, _| {}));
    assert!(kl[HardnessAxis::View as usize] > 0.01);
    assert!(
        (0..AXES).all(|axis| axis == HardnessAxis::View as usize || kl[axis].abs() < 1e-6),
        "{kl:?}"
    );

    let config = CurriculumConfig { steering: false, ..config };
    let state = run(&config, &ALL, &world, 800, |_, _| {});
    assert_eq!(policy(&config, &state, STEPS).axes, Policy::initial(config.mix, config.bins).axes);
    let bins = &summary(&config, &state, STEPS).axes[0].bins;
    assert!(bins[5].mean_rank > bins[0].mean_rank);
}

#[test]
fn a_skipped_batch_advances_the_version_and_nothing_else() {
    let config = hardest();
    let mut state = run(&config, &ALL, &World::new(6), 109, |_, _| {});
    let before = state.clone();
    observe(&config, &ALL, &mut state, &Feedback { batch: 109, samples: Vec::new() }, STEPS);
    assert!(state == ControllerState { version: 110, ..before.clone() });
    assert_eq!(policy(&config, &state, STEPS).version, 110);
    assert_eq!(policy(&config, &state, STEPS).axes, policy(&config, &before, STEPS).axes);
}

#[test]
fn samples_that_hold_no_numbers_never_enter_the_statistics() {
    let config = hardest();
    let (mut clean, mut mixed) = (ControllerState::new(&config), ControllerState::new(&config));
    for b in 0..50 {
        let mut feedback = batch(&config, &World::new(7), b);
        observe(&config, &ALL, &mut clean, &feedback, STEPS);
        let first = feedback.samples[0].clone();
        feedback.samples.insert(3, SampleFeedback { difficulty: f32::NAN, ..first.clone() });
        feedback.samples.push(SampleFeedback { error: f32::INFINITY, ..first.clone() });
        feedback.samples.push(SampleFeedback { hardness: [f32::NAN; AXES], ..first.clone() });
        feedback.samples.push(SampleFeedback { propensity: [f32::NAN; AXES], ..first.clone() });
        feedback.samples.push(SampleFeedback { loss: f32::NAN, ..first.clone() });
        observe(&config, &ALL, &mut mixed, &feedback, STEPS);
    }
    assert!(mixed == clean);
}

#[test]
fn a_batch_of_nothing_but_nan_counts_as_skipped() {
    let config = hardest();
    let mut state = run(&config, &ALL, &World::new(8), 30, |_, _| {});
    let before = state.clone();
    let mut feedback = batch(&config, &World::new(8), 30);
    feedback.samples.iter_mut().for_each(|sample| sample.loss = f32::NAN);
    observe(&config, &ALL, &mut state, &feedback, STEPS);
    assert!(state == ControllerState { version: 31, ..before });
}

#[test]
fn a_state_read_back_continues_bit_for_bit() {
    let config = hardest();
    let world = World::new(12);
    let mut state = run(&config, &ALL, &world, 205, |_, _| {});
    let text = serde_json::to_string(&state).unwrap();
    let mut read: ControllerState = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    for b in 205..260 {
        assert_eq!(policy(&config, &read, STEPS), policy(&config, &state, STEPS));
        let feedback = batch(&config, &world, b);
        observe(&config, &ALL, &mut state, &feedback, STEPS);
        observe(&config, &ALL, &mut read, &feedback, STEPS);
        assert!(read == state, "batch {b}");
    }
}

#[test]
fn importance_weights_undo_the_steering() {
    // Steered towards hard poses or not, the mean error of each bin is the same: that of uniform
    // samples.
    let world =
        World { effect: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], insight: 0.6, ..World::new(13) };
    let errors = |steering| {
        let config = CurriculumConfig { steering, ..hardest() };
        let state = run(&config, &ALL, &world, 1500, |_, _| {});
        summary(&config, &state, STEPS).axes[0]
            .bins
            .iter()
            .map(|bin| bin.mean_error.unwrap())
            .collect::<Vec<_>>()
    };
    for (steered, uniform) in errors(true).into_iter().zip(errors(false)) {
        assert!((steered / uniform - 1.0).abs() < 0.05, "{steered} against {uniform}");
    }
}

#[test]
fn a_summary_holds_every_axis_and_survives_json() {
    let config = hardest();
    let summary = summary(&config, &run(&config, &ALL, &World::new(14), 100, |_, _| {}), STEPS);
    assert_eq!((summary.axes.len(), summary.axes[0].bins.len()), (8, 6));
    let bins = summary.axes[3].bins.iter();
    assert!(
        bins.clone().all(|bin| bin.mean_difficulty.is_some_and(|score| score > 0.0 && score < 1.0))
    );
    assert!(bins.map(|bin| bin.count).sum::<u64>() > 2000);
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<CurriculumSummary>(&text).unwrap(), summary);
}

/// The usual settings of the frontier, in which every axis is always free.
fn frontier() -> CurriculumConfig {
    let frontier = FrontierConfig { warmup: 0.0, level: 0.0, ..FrontierConfig::default() };
    CurriculumConfig { policy: PolicyKind::Frontier, frontier, ..CurriculumConfig::default() }
}

fn reaches(config: &CurriculumConfig, state: &ControllerState) -> Vec<f64> {
    summary(config, state, STEPS).axes.iter().map(|axis| axis.reach).collect()
}

#[test]
fn the_schedule_opens_every_axis_in_time() {
    let config = CurriculumConfig { policy: PolicyKind::Ramp, ..frontier() };
    let reach = |version| {
        let state = ControllerState { version, ..ControllerState::new(&config) };
        reaches(&config, &state)[3]
    };
    let FrontierConfig { start, open_by, .. } = config.frontier;
    let open = (open_by * STEPS as f64) as u64;
    assert_eq!((reach(0), reach(open), reach(STEPS)), (start, 1.0, 1.0));
    assert!((reach(open / 2) - 0.5 * (start + 1.0)).abs() < 1e-9);
    // A run of no steps, and one that goes on past its end, are open too.
    let at_once = FrontierConfig { open_by: 0.0, ..config.frontier.clone() };
    let at_once = CurriculumConfig { frontier: at_once, ..config };
    assert_eq!(reaches(&at_once, &ControllerState::new(&at_once)), [1.0; AXES]);
}

#[test]
fn a_reach_goes_ahead_where_the_edge_is_easy_and_holds_back_where_it_is_hard() {
    // Of all axes only the first matters, and very much so.
    let effect = [6.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let world = World { effect, insight: 0.9, ..World::new(21) };
    for signal in [Signal::Difficulty, Signal::Error] {
        let config = CurriculumConfig { signal, ..frontier() };
        let found = reaches(&config, &run(&config, &ALL, &world, 300, |_, _| {}));
        let FrontierConfig { start, open_by, .. } = config.frontier;
        let floor = start + (1.0 - start) * (0.3 / open_by).powi(2);
        assert!(found[0] < floor + 0.1, "{signal:?}: {found:?}, floor {floor}");
        assert!(found[1..].iter().all(|reach| *reach > floor + 0.2), "{signal:?}: {found:?}");
        // In the end the floor opens it all the same.
        let found = reaches(&config, &run(&config, &ALL, &world, STEPS, |_, _| {}));
        assert_eq!(found, [1.0; AXES]);
    }
}

#[test]
fn axes_that_are_not_steered_and_a_signal_before_its_time_leave_the_schedule() {
    let world = World { insight: 0.5, ..World::new(22) };
    let config = frontier();
    let found = reaches(&config, &run(&config, &[HardnessAxis::View], &world, 200, |_, _| {}));
    let view = HardnessAxis::View as usize;
    assert!((0..AXES).all(|axis| axis == view || found[axis] < found[view]), "{found:?}");
    let late = FrontierConfig { warmup: 1.0, ..config.frontier.clone() };
    let late = CurriculumConfig { frontier: late, ..config };
    let deaf = reaches(&late, &run(&late, &ALL, &world, 200, |_, _| {}));
    assert!(deaf.iter().all(|reach| *reach == deaf[0] && *reach < found[view]), "{deaf:?}");
}

#[test]
fn what_is_drawn_stays_within_the_reach_but_for_the_edge_and_the_probes() {
    let settings =
        FrontierConfig { start: 0.5, open_by: 1.0, edge: 0.3, probe: 0.1, ..frontier().frontier };
    let config = CurriculumConfig { policy: PolicyKind::Ramp, frontier: settings, ..frontier() };
    let state = ControllerState::new(&config);
    let axis = policy(&config, &state, STEPS).axes[2].clone();
    let share = |from: usize, to: usize| axis.probabilities[from..to].iter().sum::<f32>();
    // Of 24 bins, the edge is the last three of the first twelve.
    assert!((share(12, 24) - 0.1).abs() < 1e-6, "{axis:?}");
    assert!((share(9, 12) - (0.3 + 0.6 / 4.0)).abs() < 1e-6, "{axis:?}");
    assert!((share(0, 24) - 1.0).abs() < 1e-6, "{axis:?}");
    // Everything is open: nothing lies beyond.
    let axis = policy(&config, &ControllerState { version: STEPS, ..state }, STEPS).axes[2].clone();
    assert!((axis.probabilities[23] - (0.3 / 6.0 + 0.7 / 24.0)).abs() < 1e-6, "{axis:?}");
}

#[test]
fn axes_whose_edge_is_hard_are_free_more_often() {
    let effect = [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let world = World { effect, insight: 0.9, ..World::new(23) };
    let settings = FrontierConfig { lean: 1.0, free: [0.4, 0.4], ..frontier().frontier };
    let config = CurriculumConfig { frontier: settings, ..frontier() };
    let chances = |config: &CurriculumConfig, world: &World| {
        let state = run(config, &ALL, world, 300, |_, _| {});
        policy(config, &state, STEPS).freedom.chance
    };
    let found = chances(&config, &world);
    assert!(found[0] > 0.6 && found[1..].iter().all(|chance| *chance < 0.4), "{found:?}");
    let mean = found.iter().sum::<f32>() / AXES as f32;
    assert!((0.3..=0.41).contains(&mean), "{found:?}");
    let permuted = chances(&config, &World { permuted: true, ..world.clone() });
    assert!(permuted.iter().all(|chance| (0.15..0.65).contains(chance)), "{permuted:?}");
    let ramp = CurriculumConfig { policy: PolicyKind::Ramp, ..config };
    assert_eq!(chances(&ramp, &world), [0.4; AXES]);
}

#[test]
fn more_axes_are_free_the_farther_they_reach() {
    let free = [0.2, 0.6];
    let settings = FrontierConfig { start: 0.5, free, level: 0.25, ..frontier().frontier };
    let config = CurriculumConfig { frontier: settings, ..frontier() };
    let at = |version| {
        let state = ControllerState { version, ..ControllerState::new(&config) };
        policy(&config, &state, STEPS).freedom
    };
    assert!((at(0).chance[0] - 0.4).abs() < 1e-6 && (at(STEPS).chance[7] - 0.6).abs() < 1e-6);
    assert_eq!((at(0).level, at(0).rest), (0.25, 0.4));
    let even = CurriculumConfig { steering: false, ..config.clone() };
    assert_eq!(policy(&even, &ControllerState::new(&even), STEPS).freedom, Freedom::default());
}

fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => 0.0f32..=1.0,
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE, -1.0, 0.0, 1e30]),
    ]
}

fn any_sample() -> impl Strategy<Value = SampleFeedback> {
    let stream = prop::sample::select(vec![SampleStream::Uniform, SampleStream::Steered]);
    (
        stream,
        0..50u64,
        prop::array::uniform8(any_value()),
        prop::array::uniform4(any_value()),
        any_value(),
    )
        .prop_map(
            |(stream, index, hardness, [loss, error, hit_rate, difficulty], propensity)| {
                SampleFeedback {
                    index,
                    attempt: 0,
                    stream,
                    // Mostly one bin, so that the logits go as far as they can.
                    hardness: hardness.map(|h| if h < 0.8 { 0.9 } else { h }),
                    level: index.is_multiple_of(3),
                    propensity: [propensity; AXES],
                    loss,
                    error,
                    hit_rate,
                    difficulty,
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn guards_hold_under_any_feedback(
        batches in prop::collection::vec(prop::collection::vec(any_sample(), 0..12), 1..60),
        signal in prop::sample::select(vec![Signal::Difficulty, Signal::Error, Signal::Progress, Signal::Learnability]),
        bins in 5usize..=8,
    ) {
        let config = CurriculumConfig { signal, bins, update_every: 1, eta: 20.0, ..hardest() };
        let mut state = ControllerState::new(&config);
        for (b, samples) in batches.into_iter().enumerate() {
            observe(&config, &ALL, &mut state, &Feedback { batch: b as u64, samples }, STEPS);
            let policy = policy(&config, &state, STEPS);
            prop_assert_eq!(policy.version, b as u64 + 1);
            for axis in &policy.axes {
                prop_assert!((axis.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                prop_assert!(axis.probabilities.iter().all(|p| *p >= 0.3 / bins as f32 - 1e-7));
                prop_assert!(axis.probabilities.iter().all(|p| *p <= 3.0 / bins as f32 + 1e-7));
                prop_assert!(axis.kl_from_uniform() <= 0.5);
            }
        }
        // Everything stayed finite, or it would not read back.
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<ControllerState>(&text).unwrap(), state);
    }
}
