//! The controller on made-up feedback.

use super::simulation::{STEPS, World, run};
use super::*;
use marionette_stream::{AXES, Freedom, HardnessAxis, Policy, SampleStream, StreamMix};
use marionette_stream::{Feedback, SampleFeedback};
use proptest::prelude::*;

const ALL: [HardnessAxis; AXES] = HardnessAxis::ALL;

/// A batch of `world` under the initial policy.
fn batch(config: &CurriculumConfig, world: &World, batch: u64) -> Feedback {
    let policy = Policy::initial(config.mix, config.bins);
    let samples =
        (0..world.batch).map(|j| world.feedback(&policy, batch * world.batch + j, batch)).collect();
    Feedback { batch, samples }
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
    let config = CurriculumConfig { memory: f64::NAN, mix, ..CurriculumConfig::default() };
    let keys: Vec<_> = config.validate().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["memory", "recent", "mix.steered", "mix"]);
}

#[test]
fn a_skipped_batch_advances_the_version_and_nothing_else() {
    let config = CurriculumConfig::default();
    let mut state = run(&config, &ALL, &World::new(6), 109, |_, _| {});
    let before = state.clone();
    observe(&config, &ALL, &mut state, &Feedback { batch: 109, samples: Vec::new() }, STEPS);
    assert!(state == ControllerState { version: 110, ..before.clone() });
    assert_eq!(policy(&config, &state, STEPS).version, 110);
    assert_eq!(policy(&config, &state, STEPS).axes, policy(&config, &before, STEPS).axes);
}

#[test]
fn samples_that_hold_no_numbers_never_enter_the_statistics() {
    let config = CurriculumConfig::default();
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
    let config = CurriculumConfig::default();
    let mut state = run(&config, &ALL, &World::new(8), 30, |_, _| {});
    let before = state.clone();
    let mut feedback = batch(&config, &World::new(8), 30);
    feedback.samples.iter_mut().for_each(|sample| sample.loss = f32::NAN);
    observe(&config, &ALL, &mut state, &feedback, STEPS);
    assert!(state == ControllerState { version: 31, ..before });
}

#[test]
fn a_state_read_back_continues_bit_for_bit() {
    let config = CurriculumConfig::default();
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
        let config = CurriculumConfig { steering, ..CurriculumConfig::default() };
        let state = run(&config, &ALL, &world, 1500, |_, _| {});
        summary(&config, &state, STEPS).axes[0]
            .bins
            .iter()
            .map(|bin| bin.mean_error.unwrap())
            .collect::<Vec<_>>()
    };
    for (steered, uniform) in errors(true).into_iter().zip(errors(false)) {
        assert!((steered / uniform - 1.0).abs() < 0.1, "{steered} against {uniform}");
    }
}

#[test]
fn a_summary_holds_every_axis_and_survives_json() {
    let config = CurriculumConfig::default();
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

/// The usual settings, listened to from the first step on.
fn frontier() -> CurriculumConfig {
    let frontier = FrontierConfig { warmup: 0.0, ..FrontierConfig::default() };
    CurriculumConfig { frontier, ..CurriculumConfig::default() }
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
fn an_axis_opens_the_later_the_more_it_matters_whatever_else_is_hard_beside_it() {
    let effect = [2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let world = World { effect, insight: 0.7, ..World::new(21) };
    for signal in [Signal::Difficulty, Signal::Error] {
        let config = CurriculumConfig { signal, ..frontier() };
        let state = run(&config, &ALL, &world, STEPS, |_, _| {});
        let effects = state.effects.effects();
        assert!(effects[0] > 1.5 * effects[1] && effects[1] > 0.1, "{signal:?}: {effects:?}");
        assert!(effects[2..].iter().all(|effect| effect.abs() < 0.05), "{signal:?}: {effects:?}");
        let opened: Vec<f64> = summary(&config, &state, STEPS)
            .axes
            .iter()
            .map(|axis| axis.opened.unwrap() as f64 / STEPS as f64 / config.frontier.open_by)
            .collect();
        let [quickest, slowest] = config.frontier.pace;
        // Before anything is known of the axes their pace is that of the schedule.
        assert!(opened[0] > slowest - 0.15 && opened[0] < slowest + 0.02, "{signal:?}: {opened:?}");
        assert!(opened[1] > 1.1, "{signal:?}: {opened:?}");
        assert!(
            opened[2..].iter().all(|opened| (quickest - 0.02..0.85).contains(opened)),
            "{signal:?}: {opened:?}"
        );
    }
}

#[test]
fn a_signal_before_its_time_leaves_the_schedule_and_axes_that_are_held_count_for_nothing() {
    let world = World { insight: 0.7, ..World::new(22) };
    let late = FrontierConfig { warmup: 1.0, ..FrontierConfig::default() };
    let late = CurriculumConfig { frontier: late, ..CurriculumConfig::default() };
    let deaf = reaches(&late, &run(&late, &ALL, &world, 200, |_, _| {}));
    let schedule = CurriculumConfig { policy: PolicyKind::Ramp, ..late };
    let scheduled = reaches(&schedule, &run(&schedule, &ALL, &world, 200, |_, _| {}));
    assert!(deaf.iter().zip(&scheduled).all(|(a, b)| (a - b).abs() < 1e-9), "{deaf:?}");
    // Alone, an axis is of average effect.
    let view = HardnessAxis::View;
    let config = frontier();
    let alone = reaches(&config, &run(&config, &[view], &world, 200, |_, _| {}));
    assert!((alone[view as usize] - scheduled[0]).abs() < 1e-9, "{alone:?}, {scheduled:?}");
}

#[test]
fn a_free_axis_is_even_up_to_its_reach() {
    let settings = FrontierConfig { start: 0.5, open_by: 1.0, ..FrontierConfig::default() };
    let config = CurriculumConfig { policy: PolicyKind::Ramp, frontier: settings, ..frontier() };
    let state = ControllerState::new(&config);
    let axis = policy(&config, &state, STEPS).axes[2].clone();
    assert!(axis.probabilities[..12].iter().all(|p| (p - 1.0 / 12.0).abs() < 1e-6), "{axis:?}");
    assert!(axis.probabilities[12..].iter().all(|p| *p == 0.0), "{axis:?}");
    let even = CurriculumConfig { steering: false, ..config };
    assert_eq!(policy(&even, &state, STEPS), Policy::initial(even.mix, even.bins));
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
    let stream = prop::sample::select(vec![
        SampleStream::Uniform,
        SampleStream::Steered,
        SampleStream::Focused,
    ]);
    let numbers = prop::array::uniform4(any_value());
    (stream, prop::array::uniform8(any_value()), numbers).prop_map(
        |(stream, hardness, [loss, error, difficulty, propensity])| SampleFeedback {
            index: 0,
            stream,
            // Mostly one bin, where the fit knows least.
            hardness: hardness.map(|h| if h < 0.8 { 0.9 } else { h }),
            propensity: [propensity; AXES],
            loss,
            error,
            difficulty,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn reaches_stay_in_bounds_and_everything_opens_under_any_feedback(
        batches in prop::collection::vec(prop::collection::vec(any_sample(), 0..12), 1..60),
        signal in prop::sample::select(vec![Signal::Difficulty, Signal::Error]),
        bins in 5usize..=8,
    ) {
        let config = CurriculumConfig { signal, bins, update_every: 1, ..frontier() };
        let mut state = ControllerState::new(&config);
        let steps = batches.len() as u64;
        let mut before = vec![config.frontier.start; AXES];
        for (b, samples) in batches.into_iter().enumerate() {
            observe(&config, &ALL, &mut state, &Feedback { batch: b as u64, samples }, steps);
            let policy = policy(&config, &state, steps);
            prop_assert_eq!(policy.version, b as u64 + 1);
            for axis in &policy.axes {
                prop_assert!((axis.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                prop_assert!(axis.probabilities.iter().all(|p| *p >= 0.0));
            }
            let now: Vec<f64> =
                summary(&config, &state, steps).axes.iter().map(|axis| axis.reach).collect();
            prop_assert!(now.iter().zip(&before).all(|(now, before)| now >= before && *now <= 1.0));
            before = now;
        }
        prop_assert_eq!(before, vec![1.0; AXES]);
        // Everything stayed finite, or it would not read back.
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<ControllerState>(&text).unwrap(), state);
    }
}
