//! A made-up run: the closed loop with its lag, and a network, figures and critic that are a few
//! formulas.

use super::*;
use marionette_base::random::stream;
use marionette_stream::{AXES, Hardness, HardnessAxis, Policy, SampleStream};
use marionette_stream::{Feedback, SampleFeedback};
use rand::Rng;
use rand_distr::StandardNormal;
use std::collections::VecDeque;

/// Batches between a policy and the batch sampled with it.
pub const LAG: usize = 3;
/// The length of a run, batches, as far as schedules go.
pub const STEPS: u64 = 1000;

/// The figures and the critic of a made-up run.
#[derive(Clone)]
pub struct World {
    /// Seed of every random value.
    pub seed: u64,
    /// What hardness 1 adds to the logarithm of the error, per axis.
    pub effect: [f64; AXES],
    /// Correlation of the difficulty score with the logarithm of the error.
    pub insight: f64,
    /// Whether scores are shuffled within each batch.
    pub permuted: bool,
    /// Batches over which the error falls to 1/e of what can be learned.
    pub learning: f64,
    /// Samples per batch.
    pub batch: u64,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let effect = [0.7, 0.5, 0.4, 0.4, 0.3, 0.2, 0.1, 0.0];
        World { seed, effect, insight: 0.3, permuted: false, learning: 1000.0, batch: 32 }
    }

    /// The trainer's feedback on a sample taken with `policy`.
    pub fn feedback(&self, policy: &Policy, index: u64, batch: u64) -> SampleFeedback {
        let mut random = stream(self.seed, index, 0, "world");
        let mut normal = stream(self.seed, index, 0, "noise").sample_iter(StandardNormal);
        let mut normal = || -> f64 { normal.next().unwrap_or(0.0) };
        let sampled = policy.mix.stream_of(index);
        let draws: Hardness = std::array::from_fn(|_| random.random());
        let hardness = match sampled {
            SampleStream::Uniform | SampleStream::Focused => draws,
            SampleStream::Steered => policy.steered(&draws, &mut random),
        };
        let shift: f64 =
            self.effect.iter().zip(&hardness).map(|(e, h)| e * (f64::from(*h) - 0.5)).sum();
        let noise = 0.5 * normal();
        let spread = (self.effect.iter().map(|e| e * e / 12.0).sum::<f64>() + 0.25).sqrt();
        let z = (shift + noise) / spread;
        let score = self.insight * z + (1.0 - self.insight * self.insight).sqrt() * normal();
        let unlearned = 0.15 + 0.85 * (-(batch as f64) / self.learning).exp();
        let error = unlearned * (shift + noise).exp();
        SampleFeedback {
            index,
            stream: sampled,
            hardness,
            propensity: policy.propensity(&hardness),
            loss: (3.0 * error) as f32,
            error: error as f32,
            difficulty: (1.0 / (1.0 + (-score).exp())) as f32,
        }
    }
}

/// Exchanges the scores of a batch at random.
fn permute(samples: &mut [SampleFeedback], seed: u64, batch: u64) {
    let mut random = stream(seed, batch, 0, "permute");
    for i in (1..samples.len()).rev() {
        let j = random.random_range(0..=i);
        let score = samples[i].difficulty;
        samples[i].difficulty = samples[j].difficulty;
        samples[j].difficulty = score;
    }
}

/// Runs the loop for `batches`, `alter` having the last word on every batch's feedback.
pub fn run(
    config: &CurriculumConfig,
    steered: &[HardnessAxis],
    world: &World,
    batches: u64,
    alter: impl Fn(&mut SampleFeedback, u64),
) -> ControllerState {
    let mut state = ControllerState::new(config);
    let mut policies = VecDeque::from(vec![policy(config, &state, STEPS); LAG]);
    for batch in 0..batches {
        policies.push_back(policy(config, &state, STEPS));
        let Some(current) = policies.pop_front() else { break };
        let indices = batch * world.batch..(batch + 1) * world.batch;
        let mut samples: Vec<_> =
            indices.map(|index| world.feedback(&current, index, batch)).collect();
        samples.iter_mut().for_each(|sample| alter(sample, batch));
        if world.permuted {
            permute(&mut samples, world.seed, batch);
        }
        observe(config, steered, &mut state, &Feedback { batch, samples }, STEPS);
    }
    state
}

#[test]
fn real_scores_tell_the_axes_apart_and_permuted_ones_do_not() {
    let config = CurriculumConfig::default();
    let spread = |world: &World| {
        let state = run(&config, &HardnessAxis::ALL, world, STEPS, |_, _| {});
        let effects = state.effects.effects();
        let mean = effects.iter().sum::<f64>() / AXES as f64;
        (effects.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / AXES as f64).sqrt()
    };
    for insight in [0.2, 0.3, 0.4] {
        let (mut real, mut permuted) = (0.0, 0.0);
        for seed in 0..8 {
            let world = World { insight, ..World::new(seed) };
            real += spread(&world) / 8.0;
            permuted += spread(&World { permuted: true, ..world }) / 8.0;
        }
        println!(
            "insight {insight}: effects spread by {real:.3}, of permuted scores {permuted:.4}"
        );
        let least = if insight < 0.25 { 1.5 } else { 2.5 };
        assert!(real > least * permuted, "insight {insight}: {real} against {permuted}");
    }
}
