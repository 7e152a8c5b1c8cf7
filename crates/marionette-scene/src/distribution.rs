//! Named distributions, as scene files write them.

use marionette_base::{
    random::weighted,
    toml_file::{exact, exact_rows},
};
use rand::Rng;
use rand_distr::{Beta, Distribution as _, LogNormal, Normal};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The greatest number in a distribution, either way, and the greatest value that is sampled. With
/// larger ones, sums and squares of what is sampled would overflow.
const MOST: f32 = 1e6;
/// The shapes that a beta distribution may have. Those of extreme ones cannot be sampled.
const BETA_SHAPES: RangeInclusive<f32> = 0.01..=1000.0;

/// A one-dimensional distribution, written in a scene file as `{ NAME = PARAMETERS }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// `{ constant = value }`.
    Constant(f32),
    /// `{ uniform = [low, high] }`.
    Uniform(#[serde(deserialize_with = "exact")] [f32; 2]),
    /// `{ normal = [mean, deviation] }`.
    Normal(#[serde(deserialize_with = "exact")] [f32; 2]),
    /// `{ truncated_normal = [mean, deviation, low, high] }`: a normal, sampled again while outside
    /// [low, high].
    TruncatedNormal(#[serde(deserialize_with = "exact")] [f32; 4]),
    /// `{ log_normal = [mean, deviation] }` of the logarithm.
    LogNormal(#[serde(deserialize_with = "exact")] [f32; 2]),
    /// `{ beta = [alpha, beta, low, high] }`, stretched from [0, 1] to [low, high].
    Beta(#[serde(deserialize_with = "exact")] [f32; 4]),
    /// `{ choice = [[value, weight], ...] }`.
    Choice(#[serde(deserialize_with = "exact_rows")] Vec<[f32; 2]>),
}

impl Distribution {
    /// What is wrong with the parameters; `None` if nothing is.
    pub fn complaint(&self) -> Option<String> {
        let numbers: &[f32] = match self {
            Distribution::Constant(value) => std::slice::from_ref(value),
            Distribution::Uniform(p) | Distribution::Normal(p) | Distribution::LogNormal(p) => p,
            Distribution::TruncatedNormal(p) | Distribution::Beta(p) => p,
            Distribution::Choice(pairs) => pairs.as_flattened(),
        };
        if let Some(bad) = numbers.iter().find(|v| !v.is_finite()) {
            return Some(format!("holds {bad}; every number must be finite"));
        }
        if let Some(bad) = numbers.iter().find(|v| v.abs() > MOST) {
            return Some(format!("holds {bad}; give numbers from -{MOST} to {MOST}"));
        }
        match self {
            Distribution::Uniform([low, high]) if low > high => {
                Some(format!("uniform = [{low}, {high}] has low above high; give the lower first"))
            }
            Distribution::Normal([_, deviation]) | Distribution::LogNormal([_, deviation])
                if *deviation < 0.0 =>
            {
                Some(format!("the deviation is {deviation}; it must be 0 or more"))
            }
            Distribution::TruncatedNormal([mean, deviation, low, high]) => {
                if low > high {
                    Some(format!(
                        "truncated_normal has low {low} above high {high}; give the lower first"
                    ))
                } else if *deviation <= 0.0 {
                    Some(format!("the deviation is {deviation}; it must be above 0"))
                } else if *mean < low - 2.0 * deviation
                    || *mean > high + 2.0 * deviation
                    || low == high
                {
                    Some(format!(
                        "[{low}, {high}] holds next to nothing of a normal at {mean} with \
                         deviation {deviation}"
                    ))
                } else {
                    None
                }
            }
            Distribution::Beta([a, b, low, high]) => {
                if *a <= 0.0 || *b <= 0.0 {
                    Some(format!("beta has shapes {a} and {b}; both must be above 0"))
                } else if ![a, b].iter().all(|shape| BETA_SHAPES.contains(shape)) {
                    let (least, most) = (BETA_SHAPES.start(), BETA_SHAPES.end());
                    Some(format!("beta has shapes {a} and {b}; give {least} to {most}"))
                } else if low > high {
                    Some(format!("beta has low {low} above high {high}; give the lower first"))
                } else {
                    None
                }
            }
            Distribution::Choice(pairs) => {
                let total: f32 = pairs.iter().map(|pair| pair[1]).sum();
                (pairs.iter().any(|pair| pair[1] < 0.0) || total <= 0.0).then(|| {
                    "choice needs pairs [value, weight] with weights of 0 or more, not all 0"
                        .to_owned()
                })
            }
            _ => None,
        }
    }

    /// Samples a value from -1e6 to 1e6. The parameters have been checked by
    /// [`Distribution::complaint`] when the scene was read.
    pub fn sample(&self, rng: &mut impl Rng) -> f32 {
        let value = match self {
            Distribution::Constant(value) => *value,
            Distribution::Uniform([low, high]) => low + (high - low) * rng.random::<f32>(),
            Distribution::Normal([mean, deviation]) => {
                Normal::new(*mean, *deviation).map_or(*mean, |normal| normal.sample(rng))
            }
            Distribution::LogNormal([mean, deviation]) => LogNormal::new(*mean, *deviation)
                .map_or(mean.exp(), |log_normal| log_normal.sample(rng)),
            Distribution::TruncatedNormal([mean, deviation, low, high]) => {
                let Ok(normal) = Normal::new(*mean, *deviation) else {
                    return mean.clamp(*low, *high);
                };
                // The check at load forbids intervals so thin that this fails in practice. The
                // clamp bounds the loop.
                (0..1000)
                    .map(|_| normal.sample(rng))
                    .find(|v| (*low..=*high).contains(v))
                    .unwrap_or(mean.clamp(*low, *high))
            }
            Distribution::Beta([a, b, low, high]) => {
                let share = Beta::new(*a, *b).map_or(0.5, |beta| beta.sample(rng));
                low + (high - low) * share
            }
            Distribution::Choice(pairs) => {
                weighted(rng, pairs.iter().map(|pair| pair[1])).map_or(0.0, |index| pairs[index][0])
            }
        };
        value.clamp(-MOST, MOST)
    }
}

/// A physical parameter whose distribution goes from everyday to extreme with its axis' hardness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Distribution at hardness 0.
    pub easy: Distribution,
    /// Distribution at hardness 1; the same as `easy` if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard: Option<Distribution>,
}

impl Ramp {
    /// Always `value`.
    pub fn constant(value: f32) -> Self {
        Ramp { easy: Distribution::Constant(value), hard: None }
    }

    /// Samples a value at `hardness` in [0, 1]: a blend of one value of each end, both from the
    /// same random numbers.
    ///
    /// Sharing the random numbers keeps the spread of the blend: halfway, two independent values
    /// would partly average out.
    pub fn sample(&self, rng: &mut (impl Rng + Clone), hardness: f32) -> f32 {
        let Some(hard) = &self.hard else { return self.easy.sample(rng) };
        let easy = self.easy.sample(&mut rng.clone());
        easy + (hard.sample(rng) - easy) * hardness
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_base::random::stream;

    #[test]
    fn samples_have_the_named_moments() {
        let moments = |distribution: &Distribution| {
            let mut rng = stream(7, 0, 0, "moments");
            let n = 20_000;
            let values: Vec<f64> =
                (0..n).map(|_| f64::from(distribution.sample(&mut rng))).collect();
            let mean = values.iter().sum::<f64>() / f64::from(n);
            (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n)).sqrt())
        };
        for (distribution, mean, deviation) in [
            (Distribution::Constant(2.0), 2.0, 0.0),
            (Distribution::Uniform([1.0, 3.0]), 2.0, 2.0 / 12f64.sqrt()),
            (Distribution::Normal([1.0, 0.5]), 1.0, 0.5),
            (Distribution::LogNormal([0.0, 0.25]), (0.03125f64).exp(), 0.2578),
            (Distribution::TruncatedNormal([0.0, 1.0, -1.0, 1.0]), 0.0, 0.5396),
            (Distribution::Beta([2.0, 6.0, 0.0, 4.0]), 1.0, 4.0 * 0.14434),
            (Distribution::Choice(vec![[0.0, 1.0], [4.0, 3.0]]), 3.0, 3f64.sqrt()),
        ] {
            let (found_mean, found_deviation) = moments(&distribution);
            assert!(
                (found_mean - mean).abs() < 0.03,
                "{distribution:?}: mean {found_mean}, not {mean}"
            );
            assert!(
                (found_deviation - deviation).abs() < 0.03,
                "{distribution:?}: {found_deviation}, not {deviation}"
            );
            assert_eq!(distribution.complaint(), None);
        }
    }

    #[test]
    fn whatever_a_file_may_ask_for_is_finite() {
        let numbers = [-1e6, -1.0, -1e-38, 0.0, 1e-38, 0.01, 1.0, 1000.0, 1e6];
        let pairs = || numbers.into_iter().flat_map(|a| numbers.map(|b| [a, b]));
        let distributions = pairs().flat_map(|[a, b]| {
            [
                Distribution::Uniform([a, b]),
                Distribution::Normal([a, b]),
                Distribution::LogNormal([a, b]),
                Distribution::TruncatedNormal([a, b, -1e6, 1e6]),
                Distribution::Beta([a, b, -1e6, 1e6]),
                Distribution::Choice(vec![[a, 1e6], [b, 1e6]]),
            ]
        });
        let mut rng = stream(1, 0, 0, "extremes");
        for distribution in distributions.filter(|d| d.complaint().is_none()) {
            let ramp = Ramp { easy: distribution, hard: Some(Distribution::Constant(-1e6)) };
            for _ in 0..100 {
                let value = ramp.sample(&mut rng, 0.5);
                assert!(value.abs() <= 1e6, "{ramp:?} gives {value}");
            }
        }
        for (distribution, found) in [
            (Distribution::Constant(2e6), "holds 2000000; give numbers"),
            (Distribution::Beta([1e-30, 1.0, 0.0, 1.0]), "beta has shapes"),
        ] {
            assert!(distribution.complaint().is_some_and(|said| said.starts_with(found)));
        }
    }

    #[test]
    fn a_ramp_goes_from_easy_to_hard_and_keeps_its_spread() {
        let ramp = Ramp {
            easy: Distribution::Uniform([0.0, 1.0]),
            hard: Some(Distribution::Uniform([10.0, 11.0])),
        };
        for hardness in [0.0, 0.5, 1.0] {
            let values: Vec<f32> =
                (0..2000).map(|i| ramp.sample(&mut stream(1, i, 0, "ramp"), hardness)).collect();
            let low = values.iter().copied().fold(f32::INFINITY, f32::min);
            let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert!(
                (low - 10.0 * hardness).abs() < 0.01 && (high - low - 1.0).abs() < 0.01,
                "[{low}, {high}]"
            );
        }
    }
}
