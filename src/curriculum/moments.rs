//! Weighted moments that forget, and ranks.

use serde::{Deserialize, Serialize};

/// Weighted sums of a quantity, older ones counting less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    weight: f64,
    weight_squared: f64,
    sum: f64,
    sum_squared: f64,
}

impl Moments {
    /// Multiplies the weight of everything seen so far by `keep`.
    pub fn fade(&mut self, keep: f64) {
        self.weight *= keep;
        self.weight_squared *= keep * keep;
        self.sum *= keep;
        self.sum_squared *= keep;
    }

    /// Adds a value.
    pub fn add(&mut self, weight: f64, value: f64) {
        self.weight += weight;
        self.weight_squared += weight * weight;
        self.sum += weight * value;
        self.sum_squared += weight * value * value;
    }

    /// Adds everything another has seen.
    pub fn merge(&mut self, other: &Moments) {
        self.weight += other.weight;
        self.weight_squared += other.weight_squared;
        self.sum += other.sum;
        self.sum_squared += other.sum_squared;
    }

    /// The weighted mean; none before the first value.
    pub fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// The weighted standard deviation; 0 before the first value.
    pub fn deviation(&self) -> f64 {
        let Some(mean) = self.mean() else { return 0.0 };
        (self.sum_squared / self.weight - mean * mean).max(0.0).sqrt()
    }

    /// How many equally weighted values would give a mean as certain (Kish's effective sample size).
    pub fn effective(&self) -> f64 {
        if self.weight_squared > 0.0 { self.weight * self.weight / self.weight_squared } else { 0.0 }
    }
}

/// The share of `all` that lies below `value`, ties counting half.
fn share_below(all: &[f32], value: f32) -> f64 {
    let below = all.iter().filter(|other| **other < value).count();
    let equal = all.iter().filter(|other| **other == value).count();
    (below as f64 + 0.5 * equal as f64) / all.len() as f64
}

/// The rank that `value` would have among `all`, in [0, 1]; the middle if there are none.
pub(super) fn rank_among(all: &[f32], value: f32) -> f64 {
    if all.is_empty() { 0.5 } else { share_below(all, value) }
}

/// The rank of every value among them all, from 0 (lowest) to 1 (highest); ties get their average rank.
pub(super) fn ranks(all: &[f32]) -> Vec<f64> {
    let n = all.len() as f64;
    if n < 2.0 {
        return vec![0.5; all.len()];
    }
    // share_below is (rank + 1/2) / n for ranks counted from 0.
    all.iter().map(|value| (share_below(all, *value) * n - 0.5) / (n - 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_run_from_zero_to_one_and_average_ties() {
        assert_eq!(ranks(&[0.3, 0.1, 0.9]), [0.5, 0.0, 1.0]);
        assert_eq!(ranks(&[0.2, 0.2, 0.7, 0.1, 0.2]), [0.5, 0.5, 1.0, 0.0, 0.5]);
        assert_eq!(ranks(&[4.0]), [0.5]);
        assert_eq!(rank_among(&[0.1, 0.2, 0.3, 0.4], 0.35), 0.75);
    }

    #[test]
    fn moments_forget() {
        let mut moments = Moments::default();
        assert_eq!((moments.mean(), moments.effective()), (None, 0.0));
        for value in [1.0, 3.0] {
            moments.add(2.0, value);
        }
        assert_eq!((moments.mean(), moments.deviation(), moments.effective()), (Some(2.0), 1.0, 2.0));
        moments.fade(0.5);
        assert_eq!((moments.mean(), moments.effective()), (Some(2.0), 2.0));
        moments.add(2.0, 6.0);
        assert_eq!(moments.mean(), Some(4.0));
    }
}
