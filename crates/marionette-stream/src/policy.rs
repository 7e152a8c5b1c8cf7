//! All that the sampler needs to know for a sample: an immutable snapshot of the curriculum.

use super::{
    axis::{AXES, Hardness, HardnessAxis},
    focus::Focus,
};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Which stream a sample belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleStream {
    /// Every axis uniform. The curriculum cannot move it, so runs can be compared by it.
    Uniform,
    /// Every axis from the policy's own distribution.
    Steered,
    /// Drawn for something that is wanted: the policy's [`Focus`].
    Focused,
}

impl SampleStream {
    /// As it is said.
    pub fn words(self) -> &'static str {
        match self {
            SampleStream::Uniform => "uniform",
            SampleStream::Steered => "steered",
            SampleStream::Focused => "focused",
        }
    }
}

/// The place of sample `index` between 0 and 1.
///
/// Fractional parts of multiples of the golden ratio fill [0, 1) evenly. So every batch holds all
/// streams in nearly their exact shares, and yet a sample's stream depends on its index alone.
fn place_of(index: u64) -> f64 {
    // floor(2^64 / golden ratio); the wrapping product is the fractional part, scaled to 64 bits.
    (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1u64 << 53) as f64
}

/// The shares of the uniform and the steered stream; they sum to 1. What is focused takes its share
/// from the steered one first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamMix {
    /// Share of [`SampleStream::Uniform`].
    pub uniform: f32,
    /// Share of [`SampleStream::Steered`].
    pub steered: f32,
}

impl Default for StreamMix {
    /// A few per cent suffice as a yardstick.
    fn default() -> Self {
        StreamMix { uniform: 0.05, steered: 0.95 }
    }
}

impl StreamMix {
    /// The stream of sample `index`.
    pub fn stream_of(&self, index: u64) -> SampleStream {
        let uniform = place_of(index) < f64::from(self.uniform);
        if uniform { SampleStream::Uniform } else { SampleStream::Steered }
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

    /// The probability of a hardness below `hardness`.
    fn cumulative(&self, hardness: f32) -> f32 {
        let bin = self.bin_of(hardness.clamp(0.0, 1.0));
        let below: f32 = self.probabilities[..bin].iter().sum();
        let within = hardness.clamp(0.0, 1.0) * self.bins() as f32 - bin as f32;
        below + self.probabilities[bin] * within
    }

    /// The density at `hardness` over that of the uniform distribution.
    fn density(&self, hardness: f32) -> f32 {
        self.probability_at(hardness) * self.bins() as f32
    }

    /// Kullback-Leibler divergence from the uniform distribution, in nats.
    pub fn kl_from_uniform(&self) -> f32 {
        let bins = self.bins() as f32;
        self.probabilities.iter().filter(|p| **p > 0.0).map(|p| p * (p * bins).ln()).sum()
    }
}

/// How many axes may be hard in one sample.
///
/// Some steered samples are level, equally hard in every respect: all axes have the same quantile of
/// their distributions. In the others the axes are independent, and each is free with some probability. A
/// free axis has its distribution's hardness; of one that is not free, it is only a share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freedom {
    /// Per axis, the probability that it is free in a sample that is not level.
    pub chance: [f32; AXES],
    /// What the hardness of an axis that is not free is multiplied with, above 0 and at most 1.
    pub rest: f32,
    /// The probability that a sample is level. It makes samples that are hard, or easy, all over more
    /// frequent.
    pub level: f32,
}

impl Default for Freedom {
    /// Every axis is always free, and independent of the others.
    fn default() -> Self {
        Freedom { chance: [1.0; AXES], rest: 1.0, level: 0.0 }
    }
}

/// A snapshot of the curriculum. Together with the run's seed and a sample's index it determines
/// that sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// How many batches of feedback the controller had seen when it published this snapshot.
    pub version: u64,
    /// Shares of both streams.
    pub mix: StreamMix,
    /// The steered stream's distribution per axis, in [`HardnessAxis::ALL`] order.
    pub axes: [AxisDistribution; AXES],
    /// How many of the steered stream's axes may be hard at once.
    pub freedom: Freedom,
    /// What a share of the samples is drawn for, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub focus: Option<Focus>,
}

impl Policy {
    /// The policy before any feedback: every axis uniform over `bins` bins.
    pub fn initial(mix: StreamMix, bins: usize) -> Self {
        Policy {
            version: 0,
            mix,
            axes: std::array::from_fn(|_| AxisDistribution::uniform(bins)),
            freedom: Freedom::default(),
            focus: None,
        }
    }

    /// Every axis even, in every sample: the population that figures are stated for.
    pub fn uniform() -> Self {
        Policy::initial(StreamMix { uniform: 1.0, steered: 0.0 }, 1)
    }

    /// The stream of sample `index`.
    pub fn stream_of(&self, index: u64) -> SampleStream {
        match &self.focus {
            Some(focus) if place_of(index) >= 1.0 - f64::from(focus.share) => SampleStream::Focused,
            _ => self.mix.stream_of(index),
        }
    }

    /// The distribution of one axis.
    pub fn axis(&self, axis: HardnessAxis) -> &AxisDistribution {
        &self.axes[axis as usize]
    }

    /// The hardness of a steered sample, from `draws` in [0, 1), one per axis, and from `rng`, which
    /// nothing else may use.
    pub fn steered(&self, draws: &Hardness, rng: &mut impl Rng) -> Hardness {
        let level = rng.random::<f32>() < self.freedom.level;
        std::array::from_fn(|axis| {
            let hardness = self.axes[axis].quantile(draws[if level { 0 } else { axis }]);
            let free = rng.random::<f32>() < self.freedom.chance[axis];
            if level || free { hardness } else { self.freedom.rest * hardness }
        })
    }

    /// The probability that an axis has its distribution's hardness.
    fn whole(&self, axis: usize) -> f32 {
        let Freedom { chance, level, .. } = self.freedom;
        level + (1.0 - level) * chance[axis]
    }

    /// The distribution of one axis in the steered stream, free or not, over `bins` equal bins.
    pub fn marginal(&self, axis: HardnessAxis, bins: usize) -> AxisDistribution {
        let (distribution, rest) = (self.axis(axis), self.freedom.rest);
        let whole = self.whole(axis as usize);
        let below = |bin: usize| {
            let hardness = bin as f32 / bins as f32;
            whole * distribution.cumulative(hardness)
                + (1.0 - whole) * distribution.cumulative(hardness / rest)
        };
        AxisDistribution {
            probabilities: (0..bins).map(|bin| below(bin + 1) - below(bin)).collect(),
        }
    }

    /// Per axis, the steered stream's density at `hardness` over that of the uniform stream.
    pub fn propensity(&self, hardness: &Hardness) -> [f32; AXES] {
        let rest = self.freedom.rest;
        std::array::from_fn(|axis| {
            let (distribution, hardness) = (&self.axes[axis], hardness[axis]);
            let whole = self.whole(axis);
            let bound =
                if hardness < rest { distribution.density(hardness / rest) / rest } else { 0.0 };
            whole * distribution.density(hardness) + (1.0 - whole) * bound
        })
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
    fn freedom_bounds_axes_and_the_propensity_is_the_density() {
        let ramp = AxisDistribution { probabilities: vec![0.1, 0.2, 0.3, 0.4] };
        let freedom = Freedom { chance: [0.3; AXES], rest: 0.5, level: 0.4 };
        let policy = Policy {
            axes: std::array::from_fn(|_| ramp.clone()),
            freedom,
            ..Policy::initial(StreamMix::default(), 4)
        };
        let (n, mut counts, mut alike) = (40_000u32, [0u32; 8], 0u32);
        for index in 0..n {
            let mut rng = marionette_base::random::stream(7, index.into(), 0, "test");
            let draws = std::array::from_fn(|_| rng.random());
            let hardness = policy.steered(&draws, &mut rng);
            counts[(hardness[2] * 8.0) as usize] += 1;
            alike += u32::from(hardness[0] == hardness[5]);
        }
        for (bin, count) in counts.into_iter().enumerate() {
            let expected = policy.propensity(&[(bin as f32 + 0.5) / 8.0; AXES])[2] / 8.0;
            let found = count as f32 / n as f32;
            assert!((found - expected).abs() < 0.01, "bin {bin}: {found} against {expected}");
            let marginal = policy.marginal(HardnessAxis::ALL[2], 8).probabilities[bin];
            assert!((marginal - expected).abs() < 1e-6, "bin {bin}: {marginal}, {expected}");
        }
        assert!((alike as f32 / n as f32 - 0.4).abs() < 0.01, "{alike} of {n}");
        let initial = Policy::initial(StreamMix::default(), 4);
        assert_eq!(initial.propensity(&[0.7; AXES]), [1.0; AXES]);
    }

    #[test]
    fn every_batch_holds_the_streams_in_their_shares() {
        let mix = StreamMix { uniform: 0.25, steered: 0.75 };
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
    fn the_focus_takes_its_share_and_leaves_the_others_as_they_were() {
        let policy = Policy::initial(StreamMix { uniform: 0.25, steered: 0.75 }, 4);
        let focus = Focus { share: 0.5, wanted: Vec::new() };
        let focused = Policy { focus: Some(focus), ..policy.clone() };
        let streams: Vec<_> = (0..3200).map(|index| focused.stream_of(index)).collect();
        for (index, stream) in streams.iter().enumerate() {
            let before = policy.stream_of(index as u64);
            assert!(*stream == SampleStream::Focused || *stream == before);
        }
        let count = |wanted| streams.iter().filter(|stream| **stream == wanted).count();
        let counts =
            [SampleStream::Uniform, SampleStream::Steered, SampleStream::Focused].map(count);
        assert_eq!(counts.map(|count| (count as f32 / 32.0).round()), [25.0, 25.0, 50.0]);
        // A policy without one is written as it was before there were any.
        let text = serde_json::to_string(&policy).unwrap();
        assert!(!text.contains("focus"), "{text}");
        let text = serde_json::to_string(&focused).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), focused);
    }

    #[test]
    fn divergence_from_uniform_is_zero_only_there() {
        assert!(AxisDistribution::uniform(6).kl_from_uniform().abs() < 1e-6);
        let all_in_one = AxisDistribution { probabilities: vec![0.0, 1.0] };
        assert!((all_in_one.kl_from_uniform() - 2f32.ln()).abs() < 1e-6);
    }
}
