//! Estimates with 95 % intervals, by a bootstrap over pictures.
//!
//! Keypoints of one picture are alike, so pictures are drawn with replacement, each with all its
//! keypoints and its weight (Davison and Hinkley 1997, section 3.8).

use marionette_base::random;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Draws of the bootstrap.
const DRAWS: usize = 1000;

/// A number with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Estimate {
    /// The number with the other sign: a difference the other way round.
    #[must_use]
    pub fn negated(&self) -> Self {
        Self { value: -self.value, low: -self.high, high: -self.low }
    }

    /// 1 less the number: PCK, where losses are 1 for a miss and 0 otherwise.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { value: 1.0 - self.value, low: 1.0 - self.high, high: 1.0 - self.low }
    }

    /// Whether the interval lies above 0 or, for a `sign` below 0, below it.
    pub(crate) fn is_beyond_zero(&self, sign: f64) -> bool {
        if sign < 0.0 { self.high < 0.0 } else { self.low > 0.0 }
    }

    /// A value with the interval of what the draws gave. Those without a result are left out.
    pub(crate) fn of_draws(value: f64, draws: impl Iterator<Item = f64>) -> Self {
        let mut draws: Vec<f64> = draws.filter(|draw| draw.is_finite()).collect();
        if draws.is_empty() {
            return Self { value, low: value, high: value };
        }
        draws.sort_by(f64::total_cmp);
        let quantile = |share: f64| draws[((draws.len() - 1) as f64 * share).round() as usize];
        Self { value, low: quantile(0.025), high: quantile(0.975) }
    }
}

/// How often each picture comes in each draw.
pub(crate) struct Resamples {
    pictures: usize,
    /// Draw by draw.
    counts: Vec<u16>,
}

impl Resamples {
    pub fn new(pictures: usize) -> Self {
        let mut counts = vec![0u16; DRAWS * pictures];
        if pictures > 0 {
            for (draw, counts) in (0..).zip(counts.chunks_exact_mut(pictures)) {
                let mut rng = random::stream(0, draw, 0, "findings/bootstrap");
                for _ in 0..pictures {
                    let count = &mut counts[rng.random_range(0..pictures)];
                    *count = count.saturating_add(1);
                }
            }
        }
        Self { pictures, counts }
    }

    /// The sums of `columns` over the pictures of each draw; `entries` has a picture with its
    /// columns, and leaves out those that have none.
    pub fn sums<'s, const N: usize>(
        &'s self,
        entries: &'s [(u32, [f64; N])],
    ) -> impl Iterator<Item = [f64; N]> + 's {
        self.counts.chunks_exact(self.pictures.max(1)).map(move |counts| {
            let mut sums = [0.0; N];
            for (picture, columns) in entries {
                let count = f64::from(counts[*picture as usize]);
                sums.iter_mut().zip(columns).for_each(|(sum, column)| *sum += count * column);
            }
            sums
        })
    }
}

/// The sums of the columns over all pictures, each once.
pub(crate) fn total<const N: usize>(entries: &[(u32, [f64; N])]) -> [f64; N] {
    let mut sums = [0.0; N];
    for (_, columns) in entries {
        sums.iter_mut().zip(columns).for_each(|(sum, column)| *sum += column);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_its_deviation() {
        let entries: Vec<(u32, [f64; 1])> =
            (0..400u32).map(|i| (i, [f64::from(i % 2) / 400.0])).collect();
        let resamples = Resamples::new(400);
        let draws = resamples.sums(&entries).map(|[mean]| mean);
        let found = Estimate::of_draws(total(&entries)[0], draws);
        assert!((found.value - 0.5).abs() < 1e-12);
        // 1.96 deviations of 0.5 / sqrt(400).
        assert!((found.low - 0.451).abs() < 0.006 && (found.high - 0.549).abs() < 0.006);
    }
}
