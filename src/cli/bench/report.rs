//! Medians and spreads, in tables.

use serde::Serialize;
use std::fmt::{self, Display};

/// Repeated measurements of one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Their median.
    pub median: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// All of them, in the order in which they were made.
    pub values: Vec<f64>,
}

impl Spread {
    /// What `values`, at least one, come to.
    pub fn of(values: Vec<f64>) -> Self {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
        let (half, last) = (sorted.len() / 2, sorted.len().saturating_sub(1));
        let median = if sorted.len() % 2 == 1 {
            middle(half)
        } else {
            (middle(half.wrapping_sub(1)) + middle(half)) / 2.0
        };
        Spread { median, low: middle(0), high: middle(last), values }
    }

    /// `over` of each pair of values of `self` and `other`.
    pub fn with(&self, other: &Spread, over: impl Fn(f64, f64) -> f64) -> Spread {
        Spread::of(self.values.iter().zip(&other.values).map(|(a, b)| over(*a, *b)).collect())
    }
}

/// `median (low to high)`, with as many digits as the format asks for.
impl Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let Spread { median, low, high, .. } = self;
        write!(f, "{median:>8.digits$} ({low:.digits$} to {high:.digits$})")
    }
}

/// A line about the most memory that was in use.
pub fn memory_line(peak_bytes: Option<u64>) -> String {
    match peak_bytes {
        Some(bytes) => format!("Peak memory of the process meanwhile: {} MiB", bytes >> 20),
        None => "Peak memory: this system does not say (Linux does)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        let odd = Spread::of(vec![3.0, 1.0, 8.0]);
        assert_eq!((odd.low, odd.median, odd.high), (1.0, 3.0, 8.0));
        let even = Spread::of(vec![4.0, 1.0, 2.0, 10.0]);
        assert_eq!(even.median, 3.0);
        // Pair by pair, not median by median.
        assert_eq!(
            odd.with(&Spread::of(vec![1.0, 1.0, 2.0]), |a, b| a / b).values,
            [3.0, 1.0, 4.0]
        );
        assert_eq!(format!("{odd:.1}"), "     3.0 (1.0 to 8.0)");
    }
}
