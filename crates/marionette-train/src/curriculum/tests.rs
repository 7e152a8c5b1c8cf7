//! The controller on made-up feedback.

use super::simulation::{World, divergences, run};
use super::*;
use marionette_stream::{AXES, HardnessAxis, Policy, SampleStream, StreamMix};
use marionette_stream::{Feedback, SampleFeedback};
use proptest::prelude::*;

const ALL: [HardnessAxis; AXES] = HardnessAxis::ALL;
/// The length of a run, batches.
const STEPS: u64 = 1000;
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

/// The usual settings, and a quarter of replays.
fn with_replay() -> CurriculumConfig {
    CurriculumConfig {
        mix: StreamMix { uniform: 0.25, steered: 0.5, replay: 0.25 },
        ..CurriculumConfig::default()
    }
}

/// The feedback on a replay of `origin`.
fn replayed(fresh: &SampleFeedback, index: u64, error: f32) -> SampleFeedback {
    let stream = SampleStream::Replay;
    SampleFeedback {
        index,
        stream,
        origin: Some(fresh.index),
        error,
        difficulty: 1.0,
        ..fresh.clone()
    }
}

#[test]
fn the_defaults_are_valid_and_faults_name_their_key() {
    assert_eq!(CurriculumConfig::default().validate(), []);
    let config: CurriculumConfig =
        serde_json::from_str(r#"{"bins": 9, "signal": "error", "replay": {"staleness": 1.0}}"#)
            .unwrap();
    let faults = config.validate();
    assert_eq!(faults[0], ("bins".to_string(), "found 9, expected 5 to 8".to_string()));
    assert_eq!(faults[1].0, "replay.staleness");
    assert!(serde_json::from_str::<CurriculumConfig>(r#"{"binz": 6}"#).is_err());
    let mix = StreamMix { uniform: 0.5, steered: f32::NAN, replay: 0.5 };
    let config = CurriculumConfig { eta: f64::NAN, mix, ..with_replay() };
    let keys: Vec<_> = config.validate().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["eta", "mix.steered", "mix"]);
}

#[test]
fn a_fresh_controller_publishes_the_initial_policy() {
    let config = with_replay();
    assert_eq!(
        policy(&config, &ControllerState::new(&config), STEPS),
        Policy::initial(config.mix, config.bins)
    );
}

#[test]
fn a_hard_bin_is_learned() {
    let config = with_replay();
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
fn an_unlearnable_bin_is_given_up_and_taken_back_when_it_progresses() {
    let config = CurriculumConfig { signal: Signal::Error, ..with_replay() };
    let hopeless = |progress: u64| {
        move |sample: &mut SampleFeedback, batch: u64| {
            if occlusion_bin(sample) == 5 {
                sample.error =
                    if batch < progress { 3.0 } else { 3.0 - 0.004 * (batch - progress) as f32 };
            }
        }
    };
    let at = |batches, progress| run(&config, &ALL, &flat(2), batches, hopeless(progress));
    let chased = at(150, u64::MAX);
    assert!(occlusion(&config, &chased)[5] > 1.8 / 6.0, "{:?}", occlusion(&config, &chased));
    let given_up = at(900, u64::MAX);
    assert!(summary(&config, &given_up, STEPS).axes[OCCLUSION].bins[5].unlearnable);
    let probabilities = occlusion(&config, &given_up);
    assert!((0.3 / 6.0..1.1 / 6.0).contains(&probabilities[5]), "{probabilities:?}");
    let revived = at(1200, 900);
    assert!(!summary(&config, &revived, STEPS).axes[OCCLUSION].bins[5].unlearnable);
    assert!(occlusion(&config, &revived)[5] > 1.5 / 6.0, "{:?}", occlusion(&config, &revived));
}

#[test]
fn a_bin_of_high_error_that_is_being_learned_is_not_given_up() {
    let config = with_replay();
    let world = World { effect: [1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], ..World::new(3) };
    for batches in [500, 1000, 2000, 4000] {
        let state = run(&config, &ALL, &world, batches, |_, _| {});
        let top = &summary(&config, &state, STEPS).axes[0].bins[5];
        assert!(!top.unlearnable && top.probability > 1.2 / 6.0, "after {batches}: {top:?}");
    }
}

#[test]
fn every_signal_steers_towards_what_it_should() {
    let settle = |signal, alter: fn(&mut SampleFeedback, u64)| {
        let config = CurriculumConfig { signal, ..with_replay() };
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
    let config = with_replay();
    let kl = divergences(&config, &run(&config, &[HardnessAxis::View], &world, 800, |_, _| {}));
    assert!(kl[HardnessAxis::View as usize] > 0.01);
    assert!(
        (0..AXES).all(|axis| axis == HardnessAxis::View as usize || kl[axis].abs() < 1e-6),
        "{kl:?}"
    );

    let config = CurriculumConfig { steering: false, ..config };
    let state = run(&config, &ALL, &world, 800, |_, _| {});
    assert_eq!(policy(&config, &state, STEPS).axes, Policy::initial(config.mix, config.bins).axes);
    assert!(!policy(&config, &state, STEPS).replay.is_empty());
    let bins = &summary(&config, &state, STEPS).axes[0].bins;
    assert!(bins[5].mean_rank > bins[0].mean_rank);
}

#[test]
fn a_skipped_batch_advances_the_version_and_nothing_else() {
    let config = with_replay();
    let mut state = run(&config, &ALL, &World::new(6), 109, |_, _| {});
    let before = state.clone();
    observe(&config, &ALL, &mut state, &Feedback { batch: 109, samples: Vec::new() }, STEPS);
    assert!(state == ControllerState { version: 110, ..before.clone() });
    assert_eq!(policy(&config, &state, STEPS).version, 110);
    assert_eq!(policy(&config, &state, STEPS).axes, policy(&config, &before, STEPS).axes);
}

#[test]
fn replayed_samples_and_those_that_hold_no_numbers_never_enter_the_statistics() {
    let config = with_replay();
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
        feedback.samples.push(replayed(&first, 1 << 40, 9.0));
        observe(&config, &ALL, &mut mixed, &feedback, STEPS);
    }
    assert!(mixed.axes == clean.axes);
    assert_eq!((&mixed.losses[..2], mixed.temper), (&clean.losses[..2], clean.temper));
    // Replays do have a moving loss of their own.
    assert!(mixed.losses[2].mean().is_some());
}

#[test]
fn a_batch_of_nothing_but_nan_counts_as_skipped() {
    let config = with_replay();
    let mut state = run(&config, &ALL, &World::new(8), 30, |_, _| {});
    let before = state.clone();
    let mut feedback = batch(&config, &World::new(8), 30);
    feedback.samples.iter_mut().for_each(|sample| sample.loss = f32::NAN);
    observe(&config, &ALL, &mut state, &feedback, STEPS);
    assert!(state == ControllerState { version: 31, ..before });
}

#[test]
fn a_replayed_sample_goes_after_its_uses_or_without_progress() {
    let config = with_replay();
    // The replays that the hardest sample of a batch survives, when each has `share` of its first
    // error.
    let replays = |share: f32| {
        let mut state = ControllerState::new(&config);
        let feedback = batch(&config, &World::new(9), 0);
        observe(&config, &ALL, &mut state, &feedback, STEPS);
        let origin = policy(&config, &state, STEPS).replay[0].origin;
        let first = feedback.samples[origin as usize].clone();
        assert!(feedback.samples.iter().all(|other| other.difficulty <= first.difficulty));
        (1..100)
            .find(|use_| {
                let samples = vec![replayed(&first, 1000 + use_, share * first.error)];
                observe(&config, &ALL, &mut state, &Feedback { batch: *use_, samples }, STEPS);
                policy(&config, &state, STEPS).replay.iter().all(|entry| entry.origin != origin)
            })
            .unwrap()
    };
    assert_eq!(replays(0.5), 5);
    assert_eq!(replays(1.0), 3);
    assert_eq!(replays(f32::NAN), 3);
}

#[test]
fn the_replay_list_is_bounded_ordered_and_favours_the_hard_and_the_unseen() {
    let config = with_replay();
    let state = run(&config, &ALL, &World::new(10), 300, |_, _| {});
    let replay = policy(&config, &state, STEPS).replay;
    assert_eq!(replay.len(), config.replay.size);
    assert!((replay.iter().map(|entry| f64::from(entry.weight)).sum::<f64>() - 1.0).abs() < 1e-5);
    assert!(replay.iter().all(|entry| entry.weight > 0.0));
    assert!(replay[0].weight > 4.0 * replay[255].weight);
    assert!(state.replay.windows(2).all(|pair| pair[0].priority >= pair[1].priority));

    // Of two neighbours in rank, the one not seen for longer weighs more.
    let mut state = state;
    (state.replay[100].seen, state.replay[101].seen) = (300, 0);
    let replay = policy(&config, &state, STEPS).replay;
    assert!(replay[101].weight > replay[100].weight);

    let config = CurriculumConfig { replay: ReplayConfig { size: 0, ..config.replay }, ..config };
    assert!(
        policy(&config, &run(&config, &ALL, &World::new(10), 50, |_, _| {}), STEPS)
            .replay
            .is_empty()
    );
}

#[test]
fn above_the_band_the_distributions_are_tempered_and_recover_below_it() {
    let config = with_replay();
    let steered_loss = |from: u64, to: u64| {
        move |sample: &mut SampleFeedback, batch: u64| {
            let hard = sample.stream == SampleStream::Steered && (from..to).contains(&batch);
            sample.loss = if hard { 4.0 } else { 1.0 };
        }
    };
    let world = World { insight: 0.5, ..World::new(11) };
    let free = run(&config, &ALL, &world, 1000, steered_loss(0, 0));
    let tempered = run(&config, &ALL, &world, 1000, steered_loss(500, 1000));
    assert_eq!(free.temper, 1.0);
    assert!(tempered.temper < 0.2, "{}", tempered.temper);
    assert!(divergences(&config, &tempered)[0] < 0.1 * divergences(&config, &free)[0]);
    let recovered = run(&config, &ALL, &world, 2000, steered_loss(500, 1000));
    assert_eq!(recovered.temper, 1.0);
    assert!(recovered.band_ratio().unwrap() < 1.01);
}

#[test]
fn a_state_read_back_continues_bit_for_bit() {
    let config = with_replay();
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
        let config = CurriculumConfig { steering, ..with_replay() };
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
    let config = with_replay();
    let summary = summary(&config, &run(&config, &ALL, &World::new(14), 100, |_, _| {}), STEPS);
    assert_eq!((summary.axes.len(), summary.axes[0].bins.len(), summary.replay), (8, 6, 256));
    let bins = summary.axes[3].bins.iter();
    assert!(
        bins.clone().all(|bin| bin.mean_difficulty.is_some_and(|score| score > 0.0 && score < 1.0))
    );
    assert!(bins.map(|bin| bin.count).sum::<u64>() > 2000);
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<CurriculumSummary>(&text).unwrap(), summary);
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
        SampleStream::Replay,
    ]);
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
                    origin: (stream == SampleStream::Replay).then_some(index / 2),
                    // Mostly one bin, so that the logits go as far as they can.
                    hardness: hardness.map(|h| if h < 0.8 { 0.9 } else { h }),
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
        let config = CurriculumConfig { signal, bins, update_every: 1, eta: 20.0, ..with_replay() };
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
            prop_assert!(policy.replay.iter().all(|entry| entry.weight > 0.0 && entry.weight.is_finite()));
        }
        // Everything stayed finite, or it would not read back.
        let text = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<ControllerState>(&text).unwrap(), state);
    }
}
