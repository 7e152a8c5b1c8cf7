//! From values to places in a plot, and the values that are written beside it.

/// A part of an axis of values, laid over a part of a plot.
#[derive(Clone, Copy)]
pub struct Scale {
    /// Values at both ends.
    pub values: [f64; 2],
    /// Places of these ends, SVG units.
    pub places: [f64; 2],
}

impl Scale {
    /// The place of `value`.
    pub fn at(&self, value: f64) -> f64 {
        let [low, high] = self.values;
        let [from, to] = self.places;
        from + (value - low) / (high - low) * (to - from)
    }
}

/// Round values from `low` to `high` or a little beyond, `about` steps of 1, 2 or 5 times a power
/// of ten.
pub fn ticks(low: f64, high: f64, about: f64) -> Vec<f64> {
    let width = (high - low).max(1e-9 * high.abs()).max(1e-12);
    let power = 10f64.powf((width / about).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| width / step <= about)
        .unwrap_or(10.0 * power);
    let first = (low / step + 1e-6).floor();
    let last = (high / step - 1e-6).ceil().max(first + 1.0);
    (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect()
}

/// A tick as text: as many digits as its neighbours differ in.
pub fn tick_text(value: f64, step: f64) -> String {
    if value.abs() >= 10_000.0 {
        return format!("{}k", (value / 100.0).round() / 10.0);
    }
    let digits = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    if text.trim_start_matches('-').trim_matches(['0', '.']).is_empty() {
        return "0".to_owned();
    }
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_values() {
        let close = |found: Vec<f64>, wanted: &[f64]| {
            assert_eq!(found.len(), wanted.len(), "{found:?}");
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
        };
        close(ticks(0.0, 1.0, 4.0), &[0.0, 0.5, 1.0]);
        close(ticks(0.02, 0.457, 4.0), &[0.0, 0.2, 0.4, 0.6]);
        close(ticks(0.0, 1200.0, 4.0), &[0.0, 500.0, 1000.0, 1500.0]);
        close(ticks(-0.3, 0.3, 4.0), &[-0.4, -0.2, 0.0, 0.2, 0.4]);
        for value in [0.0, 3.0, -2.0, 1e9] {
            let same = ticks(value, value, 4.0);
            assert!(same.len() >= 2 && same.iter().all(|tick| tick.is_finite()), "{same:?}");
        }
    }

    #[test]
    fn ticks_are_written_as_short_as_they_differ() {
        assert_eq!(tick_text(0.2, 0.2), "0.2");
        assert_eq!(tick_text(0.0, 0.2), "0");
        assert_eq!(tick_text(-50.0, 50.0), "\u{2212}50");
        assert_eq!(tick_text(12_500.0, 2_500.0), "12.5k");
    }
}
