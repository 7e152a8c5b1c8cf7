//! The guards: for any utilities a distribution keeps its floor, its cap and its greatest
//! divergence from uniform.

use super::config::CurriculumConfig;
use marionette_stream::AxisDistribution;

/// Room left below the divergence limit for rounding to 32 bits.
const ROUNDING: f64 = 1e-5;

/// The distribution of an axis whose bins have the logits `theta`.
///
/// Every guard pulls towards uniform by mixing, so none can undo another.
pub(super) fn distribution(config: &CurriculumConfig, theta: &[f64]) -> AxisDistribution {
    let uniform = 1.0 / theta.len() as f64;
    let greatest = theta.iter().copied().fold(f64::MIN, f64::max);
    let odds: Vec<f64> = theta.iter().map(|t| (t - greatest).exp()).collect();
    let sum: f64 = odds.iter().sum();
    let deviations: Vec<f64> = odds.iter().map(|o| o / sum - uniform).collect();

    let highest = deviations.iter().copied().fold(0.0, f64::max);
    let room = (config.cap - 1.0) * uniform;
    let mut share = 1.0 - config.floor;
    if share * highest > room {
        share = room / highest;
    }
    let share = within_divergence(config.max_kl - ROUNDING, &deviations, share);
    AxisDistribution {
        probabilities: deviations.iter().map(|d| (uniform + share * d) as f32).collect(),
    }
}

/// The greatest share, up to `share`, of `deviations` that leaves the divergence from uniform
/// within `limit` nats.
fn within_divergence(limit: f64, deviations: &[f64], share: f64) -> f64 {
    if divergence(deviations, share) <= limit {
        return share;
    }
    // The divergence grows with the share, being convex and least at 0.
    let (mut within, mut beyond) = (0.0, share);
    for _ in 0..60 {
        let middle = 0.5 * (within + beyond);
        if divergence(deviations, middle) <= limit {
            within = middle;
        } else {
            beyond = middle;
        }
    }
    within
}

/// Kullback-Leibler divergence from uniform of uniform + `share` · `deviations`, in nats.
fn divergence(deviations: &[f64], share: f64) -> f64 {
    let bins = deviations.len() as f64;
    let term = |d: &f64| {
        let p = 1.0 / bins + share * d;
        if p > 0.0 { p * (p * bins).ln() } else { 0.0 }
    };
    deviations.iter().map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn guards_hold_for_any_logits(
            theta in prop::collection::vec(-700.0f64..700.0, 5..=8),
            scale in 1e-3f64..1.0,
            floor in 0.0f64..=1.0,
            cap in 1.01f64..5.0,
            max_kl in 0.0f64..1.5,
        ) {
            let config = CurriculumConfig { floor, cap, max_kl, ..CurriculumConfig::default() };
            let theta: Vec<f64> = theta.iter().map(|t| t * scale).collect();
            let axis = distribution(&config, &theta);
            let bins = theta.len() as f32;
            prop_assert!((axis.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            for &p in &axis.probabilities {
                prop_assert!(p >= floor as f32 / bins - 1e-7);
                prop_assert!(p <= cap as f32 / bins + 1e-7);
            }
            prop_assert!(axis.kl_from_uniform() <= max_kl as f32 + 1e-6);
        }
    }

    #[test]
    fn order_is_kept_and_equal_logits_are_even() {
        let config = CurriculumConfig::default();
        let theta = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
        let steered = distribution(&config, &theta);
        assert!(steered.probabilities.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(distribution(&config, &[0.3; 6]), AxisDistribution::uniform(6));
    }
}
