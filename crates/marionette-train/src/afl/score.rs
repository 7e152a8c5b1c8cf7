//! From the critic's values to difficulty scores and sample weights.

use super::config::{AflConfig, Mode};
use super::input::CriticInput;
use marionette_base::random;
use marionette_base::statistics::{RunningMoments, effective_share};
use rand::seq::SliceRandom;

/// The deviation of the gap below which it says nothing and every difficulty is 1/2.
const SMALLEST_DEVIATION: f64 = 1e-6;

/// The scores of a batch, taken before the critic's update on it (Alg. 2). All per-sample vectors
/// are `[B]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// How hard each sample is, in (0, 1): the paper's σ(-d(t(y'))), or the calibrated σ of the
    /// standardised gap.
    pub difficulty: Vec<f32>,
    /// What to multiply each sample's loss with; of mean 1 except in paper mode, where it is the
    /// difficulty.
    pub weights: Vec<f32>,
    /// The raw score σ(-d(t(y'))), never permuted.
    pub raw: Vec<f32>,
    /// The paired gap z = d(t(y)) - d(t(y')), brought to all keypoints by
    /// [`AflConfig::labelled_power`]; never permuted.
    pub gap: Vec<f32>,
    /// One minus the mean existence of a sample's labelled keypoints in the prediction: how far its
    /// maps are spread. The same for all unless existence is soft.
    pub blur: Vec<f32>,
    /// The step the scores were taken in.
    pub step: u64,
    pub(super) moments: RunningMoments,
    /// What the critic was shown: targets, then predictions.
    pub(super) inputs: [CriticInput; 2],
}

impl Scores {
    /// The share of raw scores inside (0.05, 0.95): near 0, the critic saturates and the paper's
    /// weight is a constant.
    pub fn raw_unsaturated_share(&self) -> f32 {
        let inside = self.raw.iter().filter(|&&score| score > 0.05 && score < 0.95).count();
        inside as f32 / self.raw.len().max(1) as f32
    }

    /// The effective sample size (Σw)²/Σw² as a share of the batch.
    pub fn effective_share(&self) -> f32 {
        effective_share(&self.weights)
    }
}

/// The raw scores σ(-d(t(y'))) of Eq. 4, from the critic's values on predictions.
pub fn raw_scores(on_prediction: &[f32]) -> Vec<f32> {
    on_prediction.iter().map(|&value| sigmoid(-f64::from(value)) as f32).collect()
}

/// Calibrated difficulties: σ of each gap's distance from the running mean in running deviations,
/// clipped to ±`gap_clip`.
pub fn calibrated_scores(gap: &[f32], moments: &RunningMoments, gap_clip: f64) -> Vec<f32> {
    let (mean, deviation) = moments.mean_and_deviation();
    if deviation < SMALLEST_DEVIATION {
        return vec![0.5; gap.len()];
    }
    gap.iter()
        .map(|&z| sigmoid(((f64::from(z) - mean) / deviation).clamp(-gap_clip, gap_clip)) as f32)
        .collect()
}

/// The weights of samples of these difficulties at `step` of `total_steps` (the ramp's length
/// follows from it).
///
/// Calibrated: w = s^γ / mean(s^γ), clipped, brought back to mean 1 (which may move the largest a
/// little past the clip), then ramped in as 1 + ramp (w - 1).
pub fn weights(config: &AflConfig, difficulty: &[f32], step: u64, total_steps: u64) -> Vec<f32> {
    match config.mode {
        Mode::Paper => difficulty.to_vec(),
        Mode::Off => vec![1.0; difficulty.len()],
        Mode::Calibrated | Mode::Loss => {
            let [low, high] = config.clip;
            let focal: Vec<f64> =
                difficulty.iter().map(|&s| f64::from(s).powf(config.gamma)).collect();
            let clipped: Vec<f64> =
                mean_one(&focal).into_iter().map(|w| w.clamp(low, high)).collect();
            let total = total_steps as f64;
            let ramp = ramp(step as f64 - config.start * total, config.ramp * total);
            mean_one(&clipped).into_iter().map(|w| (1.0 + ramp * (w - 1.0)) as f32).collect()
        }
    }
}

/// `values` divided by their mean.
fn mean_one(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value / mean).collect()
}

/// How far the weights are in `step` steps after they began to differ: all the way after `length`
/// steps.
fn ramp(step: f64, length: f64) -> f64 {
    if length > 0.0 { (step / length).clamp(0.0, 1.0) } else { f64::from(step >= 0.0) }
}

/// `scores` in an order sampled from (`seed`, `step`).
pub fn permuted(mut scores: Vec<f32>, seed: u64, step: u64) -> Vec<f32> {
    scores.shuffle(&mut random::stream(seed, step, 0, "afl/permute"));
    scores
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default weights, if they begin with the run and ramp in over its first 15 %.
    fn from_the_start() -> AflConfig {
        AflConfig { start: 0.0, ramp: 0.15, ..AflConfig::default() }
    }

    fn mean(values: &[f32]) -> f32 {
        values.iter().sum::<f32>() / values.len() as f32
    }

    #[test]
    fn afl_weights_follow_gamma_and_have_mean_one() {
        let config = |gamma| AflConfig { gamma, ..from_the_start() };
        let difficulty = [0.2, 0.4, 0.6, 0.8];
        assert_eq!(weights(&config(1.0), &difficulty, 100, 100), [0.4, 0.8, 1.2, 1.6]);
        assert_eq!(weights(&config(0.0), &difficulty, 100, 100), [1.0; 4]);
        let squared = weights(&config(2.0), &difficulty, 100, 100);
        // 0.04 / 0.3 is below the clip.
        let expected = [0.25, 0.16 / 0.3, 0.36 / 0.3, 0.64 / 0.3];
        let total: f32 = expected.iter().sum();
        assert!(squared.iter().zip(expected).all(|(w, e)| (w - 4.0 * e / total).abs() < 1e-6));
        assert!((mean(&squared) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn afl_weights_are_clipped_above_and_of_mean_one() {
        let mut difficulty = vec![0.05; 99];
        difficulty.push(0.95);
        let weights = weights(&from_the_start(), &difficulty, 10, 10);
        assert!((mean(&weights) - 1.0).abs() < 1e-5);
        assert!(
            (weights[99] / weights[0] - 4.0 / (0.05 / 0.059)).abs() < 1e-3,
            "{:?}",
            &weights[98..]
        );
    }

    #[test]
    fn afl_weights_ramp_in_over_a_share_of_the_steps() {
        let at = |step| weights(&from_the_start(), &[0.25, 0.75], step, 1000);
        assert_eq!(at(0), [1.0, 1.0]);
        assert_eq!(at(75), [0.75, 1.25]);
        assert_eq!(at(150), [0.5, 1.5]);
        assert_eq!(at(999), [0.5, 1.5]);
        let late = |step| weights(&AflConfig::default(), &[0.25, 0.75], step, 1000);
        assert_eq!(
            (late(800), late(850), late(900)),
            (vec![1.0; 2], vec![0.75, 1.25], vec![0.5, 1.5])
        );
    }

    #[test]
    fn afl_weights_of_the_other_modes() {
        let mode = |mode| weights(&AflConfig { mode, ..from_the_start() }, &[0.25, 0.75], 0, 1000);
        assert_eq!(mode(Mode::Paper), [0.25, 0.75]);
        assert_eq!(mode(Mode::Off), [1.0, 1.0]);
        let config = AflConfig { mode: Mode::Loss, ramp: 0.0, ..from_the_start() };
        assert_eq!(weights(&config, &[1.0, 3.0], 0, 1000), [0.5, 1.5]);
    }

    #[test]
    fn afl_calibrated_scores_are_standardised_and_clipped() {
        let moments = RunningMoments::default().after(&[4.0, 6.0], 0.99);
        let scores = calibrated_scores(&[5.0, 6.0, 100.0, -100.0], &moments, 3.0);
        let expected = [0.5, sigmoid(1.0), sigmoid(3.0), sigmoid(-3.0)];
        assert!(scores.iter().zip(expected).all(|(s, e)| (f64::from(*s) - e).abs() < 1e-6));
        let constant = RunningMoments::default().after(&[2.0, 2.0], 0.99);
        assert_eq!(calibrated_scores(&[2.0, 3.0], &constant, 3.0), [0.5, 0.5]);
    }

    #[test]
    fn afl_permutation_keeps_the_values_and_depends_on_seed_and_step() {
        let scores: Vec<f32> = (0..32).map(|i| i as f32).collect();
        let shuffled = permuted(scores.clone(), 1, 2);
        assert_eq!(shuffled, permuted(scores.clone(), 1, 2));
        assert_ne!(shuffled, permuted(scores.clone(), 1, 3));
        assert_ne!(shuffled, permuted(scores.clone(), 2, 2));
        assert_ne!(shuffled, scores);
        let mut sorted = shuffled;
        sorted.sort_by(f32::total_cmp);
        assert_eq!(sorted, scores);
    }
}
