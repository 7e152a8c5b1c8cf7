//! Statistics: ranks and rank correlation, moments that forget, the effective sample size.

use serde::{Deserialize, Serialize};

/// Spearman's rank correlation, with ties at their average rank. `None` where it is not defined:
/// for fewer than two pairs, for slices of different length, for a constant side, and if any value
/// is NaN.
pub fn spearman(a: &[f32], b: &[f32]) -> Option<f32> {
    if a.len() != b.len() || a.len() < 2 || a.iter().chain(b).any(|value| value.is_nan()) {
        return None;
    }
    let middle = (a.len() as f64 - 1.0) / 2.0;
    let [a, b] = [a, b]
        .map(|values| ranks(values).into_iter().map(|rank| rank - middle).collect::<Vec<_>>());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = (dot(&a, &a) * dot(&b, &b)).sqrt();
    (scale > 0.0).then(|| (dot(&a, &b) / scale) as f32)
}

/// Spearman's partial rank correlation of `a` and `b`: what is left of it once each is freed of what
/// goes with `given`. `None` where one of the three correlations is not defined, or `given` leaves
/// nothing.
pub fn partial_spearman(a: &[f32], b: &[f32], given: &[f32]) -> Option<f32> {
    let [ab, ag, bg] = [(a, b), (a, given), (b, given)].map(|(x, y)| spearman(x, y));
    let (ab, ag, bg) = (f64::from(ab?), f64::from(ag?), f64::from(bg?));
    let left = ((1.0 - ag * ag) * (1.0 - bg * bg)).sqrt();
    (left > 1e-9).then(|| ((ab - ag * bg) / left) as f32)
}

/// The area under the ROC curve: the probability that a value that is `positive` is higher than one
/// that is not, ties counting half. `None` where all or none are, and where a value is NaN.
pub fn auroc(values: &[f32], positive: &[bool]) -> Option<f32> {
    if values.len() != positive.len() || values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let positives = positive.iter().filter(|positive| **positive).count() as f64;
    let negatives = values.len() as f64 - positives;
    let ranks = ranks(values);
    let sum: f64 = ranks.iter().zip(positive).filter(|(_, p)| **p).map(|(rank, _)| rank).sum();
    let above = sum - positives * (positives - 1.0) / 2.0;
    (positives > 0.0 && negatives > 0.0).then(|| (above / (positives * negatives)) as f32)
}

/// The 0-based rank of every value, equal values at the average of their ranks.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&i, &j| values[i] == values[j]) {
        let rank = first as f64 + (tied.len() as f64 - 1.0) / 2.0;
        tied.iter().for_each(|&index| ranks[index] = rank);
        first += tied.len();
    }
    ranks
}

/// The effective sample size of a weighted batch as a share of the batch size B, (Σw)²/Σw² / B. It
/// is 1 for equal weights, 1/B if one sample has all the weight, and 0 for an empty batch or one
/// without weight.
pub fn effective_share(weights: &[f32]) -> f32 {
    let sum: f64 = weights.iter().map(|&w| f64::from(w)).sum();
    let squares: f64 = weights.iter().map(|&w| f64::from(w).powi(2)).sum();
    if squares > 0.0 { (sum * sum / squares / weights.len() as f64) as f32 } else { 0.0 }
}

/// Exponentially weighted mean and deviation of a stream of batches, with bias correction: after
/// the first batch they equal that batch's own.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningMoments {
    mean: f64,
    square: f64,
    weight: f64,
}

impl RunningMoments {
    /// These moments after one more batch. Older batches keep a share `decay` of their weight. An
    /// empty batch or one with a NaN or an infinity changes nothing.
    #[must_use]
    pub fn after(self, batch: &[f32], decay: f64) -> Self {
        if batch.is_empty() || batch.iter().any(|value| !value.is_finite()) {
            return self;
        }
        let mean_of = |f: fn(f64) -> f64| {
            batch.iter().map(|&v| f(f64::from(v))).sum::<f64>() / batch.len() as f64
        };
        let blend = |old: f64, new: f64| decay * old + (1.0 - decay) * new;
        Self {
            mean: blend(self.mean, mean_of(|v| v)),
            square: blend(self.square, mean_of(|v| v * v)),
            weight: blend(self.weight, 1.0),
        }
    }

    /// (mean, standard deviation) so far; (0, 0) before the first batch.
    pub fn mean_and_deviation(&self) -> (f64, f64) {
        if self.weight == 0.0 {
            return (0.0, 0.0);
        }
        let mean = self.mean / self.weight;
        (mean, (self.square / self.weight - mean * mean).max(0.0).sqrt())
    }
}

/// Weighted sums of a quantity. Older values count less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    weight: f64,
    weight_squared: f64,
    sum: f64,
    sum_squared: f64,
}

impl Moments {
    /// Multiplies the weight of all values so far by `keep`.
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

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Moments) {
        self.weight += other.weight;
        self.weight_squared += other.weight_squared;
        self.sum += other.sum;
        self.sum_squared += other.sum_squared;
    }

    /// The weighted mean; `None` before the first value.
    pub fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// The weighted standard deviation; 0 before the first value.
    pub fn deviation(&self) -> f64 {
        let Some(mean) = self.mean() else { return 0.0 };
        (self.sum_squared / self.weight - mean * mean).max(0.0).sqrt()
    }

    /// The number of equally weighted values whose mean would be as certain (Kish's effective
    /// sample size).
    pub fn effective(&self) -> f64 {
        if self.weight_squared > 0.0 {
            self.weight * self.weight / self.weight_squared
        } else {
            0.0
        }
    }
}

/// The share of `all` that lies below `value`. Ties count half.
fn share_below(all: &[f32], value: f32) -> f64 {
    let below = all.iter().filter(|other| **other < value).count();
    let equal = all.iter().filter(|other| **other == value).count();
    (below as f64 + 0.5 * equal as f64) / all.len() as f64
}

/// The rank that `value` would have among `all`, in [0, 1]; the middle if there are none.
pub fn rank_among(all: &[f32], value: f32) -> f64 {
    if all.is_empty() { 0.5 } else { share_below(all, value) }
}

/// The rank of every value among them all as a share, from 0 (lowest) to 1 (highest); ties get
/// their average rank.
pub fn rank_shares(all: &[f32]) -> Vec<f64> {
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
    fn afl_spearman_by_hand() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 400.0]), Some(1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        // Ranks 1 2.5 2.5 4 against 1 3 2 4: covariance 4.5, squares 4.5 and 5.
        let expected = 4.5 / (4.5f32 * 5.0).sqrt();
        let tied = spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 3.0, 2.0, 4.0]).unwrap();
        assert!((tied - expected).abs() < 1e-6);
        assert_eq!(spearman(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), None);
        assert_eq!(spearman(&[1.0, f32::NAN], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[1.0], &[1.0]), None);
        assert_eq!(spearman(&[1.0, 2.0], &[1.0]), None);
    }

    #[test]
    fn afl_effective_share_by_hand() {
        assert_eq!(effective_share(&[2.0, 2.0, 2.0]), 1.0);
        assert_eq!(effective_share(&[0.0, 3.0, 0.0, 0.0]), 0.25);
        assert!((effective_share(&[1.0, 2.0]) - 0.9).abs() < 1e-6);
        assert_eq!(effective_share(&[]), 0.0);
    }

    #[test]
    fn afl_moments_are_unbiased_from_the_first_batch_and_ignore_nan() {
        let once = RunningMoments::default().after(&[1.0, 3.0], 0.9);
        let (mean, deviation) = once.mean_and_deviation();
        assert!((mean - 2.0).abs() < 1e-12 && (deviation - 1.0).abs() < 1e-12);
        // Weights 0.9 and 1 of the two batches' means 2 and 5.
        let (mean, _) = once.after(&[5.0], 0.9).mean_and_deviation();
        assert!((mean - (0.9 * 2.0 + 5.0) / 1.9).abs() < 1e-12);
        assert_eq!(once.after(&[f32::NAN, 1.0], 0.9), once);
    }

    #[test]
    fn rank_shares_run_from_zero_to_one_and_average_ties() {
        assert_eq!(rank_shares(&[0.3, 0.1, 0.9]), [0.5, 0.0, 1.0]);
        assert_eq!(rank_shares(&[0.2, 0.2, 0.7, 0.1, 0.2]), [0.5, 0.5, 1.0, 0.0, 0.5]);
        assert_eq!(rank_shares(&[4.0]), [0.5]);
        assert_eq!(rank_among(&[0.1, 0.2, 0.3, 0.4], 0.35), 0.75);
    }

    #[test]
    fn moments_forget() {
        let mut moments = Moments::default();
        assert_eq!((moments.mean(), moments.effective()), (None, 0.0));
        for value in [1.0, 3.0] {
            moments.add(2.0, value);
        }
        assert_eq!(
            (moments.mean(), moments.deviation(), moments.effective()),
            (Some(2.0), 1.0, 2.0)
        );
        moments.fade(0.5);
        assert_eq!((moments.mean(), moments.effective()), (Some(2.0), 2.0));
        moments.add(2.0, 6.0);
        assert_eq!(moments.mean(), Some(4.0));
    }
}
