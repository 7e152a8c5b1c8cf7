//! From a batch's feedback to the statistics of every axis and bin.

use super::{
    config::CurriculumConfig,
    state::{BinState, ControllerState},
};
use marionette_base::statistics::rank_shares;
use marionette_stream::SampleFeedback;
use marionette_stream::{SampleStream, StreamMix};

/// Greatest importance weight: one rare sample must not decide for its bin.
const MAX_WEIGHT: f64 = 3.0;

/// Whether feedback can be used. A NaN or an infinity in one field makes the other fields doubtful
/// as well.
fn is_usable(sample: &SampleFeedback) -> bool {
    let in_unit = |value: &f32| (0.0..=1.0).contains(value);
    sample.hardness.iter().all(in_unit)
        && sample.propensity.iter().all(|density| density.is_finite() && *density >= 0.0)
        && sample.loss.is_finite()
        && sample.difficulty.is_finite()
        && sample.error.is_finite()
        && sample.error >= 0.0
}

/// The feedback that may enter the statistics. Focused samples were drawn for more than an axis'
/// hardness, so they say nothing of axes.
pub(super) fn usable(samples: &[SampleFeedback]) -> Vec<&SampleFeedback> {
    let of_axes = |sample: &&SampleFeedback| sample.stream != SampleStream::Focused;
    samples.iter().filter(of_axes).filter(|sample| is_usable(sample)).collect()
}

/// How much a sample counts on an axis, so that uniform and steered samples together estimate what
/// uniform ones would: the uniform density over that of the mixture the sample came from.
fn importance(mix: &StreamMix, propensity: f32) -> f64 {
    let (uniform, steered) = (f64::from(mix.uniform), f64::from(mix.steered));
    let weight = (uniform + steered) / (uniform + steered * f64::from(propensity));
    weight.min(MAX_WEIGHT)
}

/// Fades the statistics by one batch and adds the batch's samples.
pub(super) fn gather(
    config: &CurriculumConfig,
    state: &mut ControllerState,
    samples: &[&SampleFeedback],
) {
    let (keep, keep_recent) = ((-1.0 / config.memory).exp(), (-1.0 / config.recent).exp());
    for axis in &mut state.axes {
        axis.bins.iter_mut().for_each(|bin| fade(bin, keep));
    }
    for (losses, stream) in
        state.losses.iter_mut().zip([SampleStream::Uniform, SampleStream::Steered])
    {
        losses.fade(keep_recent);
        for sample in samples.iter().filter(|sample| sample.stream == stream) {
            losses.add(1.0, f64::from(sample.loss));
        }
    }
    state.effects.add(keep, config.signal, samples);
    let scores: Vec<f32> = samples.iter().map(|sample| sample.difficulty).collect();
    for (sample, rank) in samples.iter().zip(rank_shares(&scores)) {
        for (axis, axis_state) in state.axes.iter_mut().enumerate() {
            let bins = axis_state.bins.len();
            let weight = importance(&config.mix, sample.propensity[axis]);
            let bin = ((sample.hardness[axis] * bins as f32) as usize).min(bins - 1);
            add(&mut axis_state.bins[bin], weight, rank, sample);
        }
    }
}

fn fade(bin: &mut BinState, keep: f64) {
    for moments in [&mut bin.rank, &mut bin.difficulty, &mut bin.error] {
        moments.fade(keep);
    }
}

fn add(bin: &mut BinState, weight: f64, rank: f64, sample: &SampleFeedback) {
    bin.count += 1;
    bin.rank.add(weight, rank);
    bin.difficulty.add(weight, f64::from(sample.difficulty));
    bin.error.add(weight, f64::from(sample.error));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn importance_is_the_ratio_of_uniform_to_mixture_and_capped() {
        let mix = StreamMix { uniform: 1.0 / 3.0, steered: 2.0 / 3.0 };
        assert!((importance(&mix, 1.0) - 1.0).abs() < 1e-6);
        assert!((importance(&mix, 3.0) - 1.0 / (1.0 / 3.0 + 2.0)).abs() < 1e-6);
        assert!((importance(&StreamMix { uniform: 0.1, steered: 0.9 }, 0.0) - 3.0).abs() < 1e-9);
    }
}
