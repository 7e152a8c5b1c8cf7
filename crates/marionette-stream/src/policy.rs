//! All that the sampler needs to know for a sample: an immutable snapshot of the curriculum.

use super::axis::{AXES, Hardness, HardnessAxis};
use serde::{Deserialize, Serialize};

/// Which of the three streams a sample belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleStream {
    /// Every axis uniform. The curriculum cannot move it, so runs can be compared by it.
    Uniform,
    /// Every axis from the policy's own distribution.
    Steered,
    /// An earlier hard sample, rendered again with one to three of its randomizers sampled afresh.
    Replay,
}

/// The shares of the three streams; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamMix {
    /// Share of [`SampleStream::Uniform`].
    pub uniform: f32,
    /// Share of [`SampleStream::Steered`].
    pub steered: f32,
    /// Share of [`SampleStream::Replay`].
    pub replay: f32,
}

impl Default for StreamMix {
    /// No replay: with a quarter of replayed samples, `nano` learns less. See "What AFL and the
    /// curriculum give" in `docs/RESULTS.md`.
    fn default() -> Self {
        StreamMix { uniform: 0.5, steered: 0.5, replay: 0.0 }
    }
}

impl StreamMix {
    /// The stream of sample `index`.
    ///
    /// Fractional parts of multiples of the golden ratio fill [0, 1) evenly. So every batch holds
    /// the three streams in nearly their exact shares, and yet a sample's stream depends on its
    /// index alone.
    pub fn stream_of(&self, index: u64) -> SampleStream {
        // floor(2^64 / golden ratio); the wrapping product is the fractional part, scaled to 64
        // bits.
        let share = (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1u64 << 53) as f64;
        if share < f64::from(self.uniform) {
            SampleStream::Uniform
        } else if share < f64::from(self.uniform) + f64::from(self.steered) {
            SampleStream::Steered
        } else {
            SampleStream::Replay
        }
    }
}

/// A categorical distribution over equal bins of [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisDistribution {
    /// One probability per bin, summing to 1.
    pub probabilities: Vec<f32>,
}

impl AxisDistribution {
    /// The uniform distribution over `bins` bins.
    pub fn uniform(bins: usize) -> Self {
        AxisDistribution { probabilities: vec![1.0 / bins as f32; bins] }
    }

    /// How many bins there are.
    pub fn bins(&self) -> usize {
        self.probabilities.len()
    }

    /// The bin that `hardness` in [0, 1] falls into.
    pub fn bin_of(&self, hardness: f32) -> usize {
        ((hardness * self.bins() as f32) as usize).min(self.bins() - 1)
    }

    /// The probability of the bin that `hardness` falls into.
    pub fn probability_at(&self, hardness: f32) -> f32 {
        self.probabilities[self.bin_of(hardness)]
    }

    /// The hardness at quantile `u` in [0, 1): piecewise linear, uniform within a bin.
    pub fn quantile(&self, u: f32) -> f32 {
        let bins = self.bins() as f32;
        let mut below = 0.0;
        for (bin, &p) in self.probabilities.iter().enumerate() {
            if u < below + p {
                return (bin as f32 + ((u - below) / p).clamp(0.0, 0.999_999)) / bins;
            }
            below += p;
        }
        // Rounding left u at or above the sum of the probabilities.
        1.0
    }

    /// Mean hardness under the distribution.
    pub fn mean(&self) -> f32 {
        let bins = self.bins() as f32;
        self.probabilities.iter().enumerate().map(|(bin, p)| p * (bin as f32 + 0.5) / bins).sum()
    }

    /// Kullback-Leibler divergence from the uniform distribution, in nats.
    pub fn kl_from_uniform(&self) -> f32 {
        let bins = self.bins() as f32;
        self.probabilities.iter().filter(|p| **p > 0.0).map(|p| p * (p * bins).ln()).sum()
    }
}

/// An earlier sample to render again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayEntry {
    /// Index of the sample. It is never itself a replayed sample.
    pub origin: u64,
    /// The attempt at `origin` that was accepted (see the solvability rule).
    pub attempt: u32,
    /// The hardness at which `origin` was sampled.
    pub hardness: Hardness,
    /// Relative probability of being chosen, positive.
    pub weight: f32,
}

/// A snapshot of the curriculum. Together with the run's seed and a sample's index it determines
/// that sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// How many batches of feedback the controller had seen when it published this snapshot.
    pub version: u64,
    /// Shares of the three streams.
    pub mix: StreamMix,
    /// The steered stream's distribution per axis, in [`HardnessAxis::ALL`] order.
    pub axes: [AxisDistribution; AXES],
    /// Samples to replay. While it is empty, the replay stream is sampled like the steered one.
    pub replay: Vec<ReplayEntry>,
}

impl Policy {
    /// The policy before any feedback: every axis uniform over `bins` bins, nothing to replay.
    pub fn initial(mix: StreamMix, bins: usize) -> Self {
        Policy {
            version: 0,
            mix,
            axes: std::array::from_fn(|_| AxisDistribution::uniform(bins)),
            replay: Vec::new(),
        }
    }

    /// The distribution of one axis.
    pub fn axis(&self, axis: HardnessAxis) -> &AxisDistribution {
        &self.axes[axis as usize]
    }

    /// Per axis, the probability that the steered stream gives to the bin of `hardness`.
    pub fn propensity(&self, hardness: &Hardness) -> [f32; AXES] {
        std::array::from_fn(|axis| self.axes[axis].probability_at(hardness[axis]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_follow_the_probabilities() {
        let axis = AxisDistribution { probabilities: vec![0.5, 0.0, 0.25, 0.25] };
        let n = 10_000;
        let mut counts = [0usize; 4];
        for i in 0..n {
            counts[axis.bin_of(axis.quantile((i as f32 + 0.5) / n as f32))] += 1;
        }
        assert_eq!(counts, [5000, 0, 2500, 2500]);
        assert!(axis.quantile(0.999_999_9) <= 1.0);
    }

    #[test]
    fn every_batch_holds_the_streams_in_their_shares() {
        let mix = StreamMix { uniform: 0.25, steered: 0.5, replay: 0.25 };
        for batch in 0..100 {
            let uniform =
                (0..32).filter(|j| mix.stream_of(batch * 32 + j) == SampleStream::Uniform).count();
            assert!(
                (7..=9).contains(&uniform),
                "batch {batch} holds {uniform} uniform samples of 32"
            );
        }
    }

    #[test]
    fn divergence_from_uniform_is_zero_only_there() {
        assert!(AxisDistribution::uniform(6).kl_from_uniform().abs() < 1e-6);
        let all_in_one = AxisDistribution { probabilities: vec![0.0, 1.0] };
        assert!((all_in_one.kl_from_uniform() - 2f32.ln()).abs() < 1e-6);
    }
}
