//! From statistics to utilities: how much more a bin is worth seeing than the average bin.

use super::config::{CurriculumConfig, Signal};
use super::state::{AxisState, BinState};
use marionette_base::statistics::Moments;

/// Effective samples at which a bin's own mean counts half and the axis mean the other half.
const SMALL_BIN: f64 = 20.0;

/// How many times what noise alone would show the bins must differ by before an axis moves at all.
///
/// The positive-part James-Stein estimator is the same with (K − 3) / (K − 1) here. A larger value
/// costs a real effect little, and keeps axes without an effect still: with six bins noise alone
/// exceeds 1.5 in 2 of 10 updates, and then by little.
const EVIDENCE: f64 = 1.5;

/// The moments whose deviation and count say how certain a bin's signal is.
pub(super) fn moments(signal: Signal, bin: &BinState) -> &Moments {
    match signal {
        Signal::Difficulty => &bin.rank,
        Signal::Error => &bin.error,
        Signal::Progress => &bin.recent_error,
        Signal::Learnability => &bin.learnability,
    }
}

/// A bin's signal; none before its first sample.
pub(super) fn value(signal: Signal, bin: &BinState) -> Option<f64> {
    match signal {
        Signal::Progress => Some((bin.recent_error.mean()? - bin.error.mean()?).abs()),
        _ => moments(signal, bin).mean(),
    }
}

/// The utility of every bin of an axis, around 0: how far its signal lies from the axis mean, in
/// standard deviations of the signal over samples, shrunk to what the evidence supports.
///
/// The scale is the deviation of single samples, not of the bins. The bins of an axis without an
/// effect differ only by noise, and dividing by the noise would make it as large as an effect.
pub(super) fn utilities(config: &CurriculumConfig, axis: &AxisState) -> Vec<f64> {
    let signal = config.signal;
    let mut pooled = Moments::default();
    for bin in &axis.bins {
        pooled.merge(moments(signal, bin));
    }
    let deviation = pooled.deviation();
    // Effective samples and signal; a bin without samples has no weight.
    let estimate = |bin: &BinState| match value(signal, bin) {
        Some(value) => (moments(signal, bin).effective(), value),
        None => (0.0, 0.0),
    };
    let bins: Vec<(f64, f64)> = axis.bins.iter().map(estimate).collect();
    let total: f64 = bins.iter().map(|(n, _)| n).sum();
    if total <= 0.0 || deviation <= 1e-9 {
        return vec![0.0; bins.len()];
    }
    let mean = bins.iter().map(|(n, value)| n * value).sum::<f64>() / total;
    // Squared deviations over squared standard errors: bins − 1 on average if the bins do not
    // differ.
    let spread: f64 = bins.iter().map(|(n, value)| n * ((value - mean) / deviation).powi(2)).sum();
    let noise = EVIDENCE * (bins.iter().filter(|(n, _)| *n > 0.0).count() as f64 - 1.0);
    let credit = if spread > noise { 1.0 - noise / spread } else { 0.0 };
    let utility =
        |&(n, value): &(f64, f64)| credit * n / (n + SMALL_BIN) * (value - mean) / deviation;
    bins.iter().map(|bin| if bin.0 > 0.0 { utility(bin) } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(means: &[f64], n: usize) -> AxisState {
        let bin = |mean: &f64| {
            let mut bin = BinState::default();
            for i in 0..n {
                bin.rank.add(1.0, mean + if i % 2 == 0 { 0.3 } else { -0.3 });
            }
            bin
        };
        AxisState { bins: means.iter().map(bin).collect(), ..AxisState::default() }
    }

    #[test]
    fn a_clear_difference_counts_in_sample_deviations() {
        let utilities =
            utilities(&CurriculumConfig::default(), &axis(&[0.4, 0.5, 0.5, 0.5, 0.6], 10_000));
        assert!((utilities[4] - 0.1 / 0.3).abs() < 0.02, "{utilities:?}");
        assert!((utilities[0] + utilities[4]).abs() < 1e-9);
    }

    #[test]
    fn differences_within_the_noise_count_nothing() {
        assert_eq!(
            utilities(&CurriculumConfig::default(), &axis(&[0.49, 0.5, 0.5, 0.5, 0.51], 100)),
            [0.0; 5]
        );
        assert_eq!(utilities(&CurriculumConfig::default(), &axis(&[0.5; 6], 0)), [0.0; 6]);
    }
}
