//! Many numbers in few: quantiles, histograms, grids.

use serde::Serialize;

/// Where most of some numbers lie; all NaN where there are none, which is null in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f32,
    /// 5th percentile.
    pub p5: f32,
    /// Median.
    pub p50: f32,
    /// 95th percentile.
    pub p95: f32,
}

impl Spread {
    /// The spread of `values`; those that are not finite are left out. Percentiles lie between the
    /// two nearest values.
    pub fn of(values: impl IntoIterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f32::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return Spread { mean: f32::NAN, p5: f32::NAN, p50: f32::NAN, p95: f32::NAN };
        };
        let quantile = |share: f32| {
            let place = share * last as f32;
            let below = (place as usize).min(last);
            let above = (below + 1).min(last);
            sorted[below] + (sorted[above] - sorted[below]) * (place - below as f32)
        };
        let mean = sorted.iter().copied().map(f64::from).sum::<f64>() / sorted.len() as f64;
        Spread { mean: mean as f32, p5: quantile(0.05), p50: quantile(0.5), p95: quantile(0.95) }
    }
}

/// Equal bins of [`low`, `high`] and how many values fell into each. Values beyond count in the
/// outermost bin, those that are not finite nowhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower end of the first bin.
    pub low: f32,
    /// Upper end of the last bin.
    pub high: f32,
    /// How many values fell into each bin.
    pub counts: Vec<u32>,
}

impl Histogram {
    /// The histogram of `values` over [`low`, `high`] in `bins` bins, at least one.
    pub fn of(values: impl IntoIterator<Item = f32>, [low, high]: [f32; 2], bins: usize) -> Self {
        let mut counts = vec![0; bins.max(1)];
        for bin in values.into_iter().filter_map(|value| bin_of(value, [low, high], bins.max(1))) {
            counts[bin] += 1;
        }
        Histogram { low, high, counts }
    }
}

/// A histogram of points in the plane: equal cells of [0, `high`] both ways, row by row from y = 0.
/// Points beyond count in the outermost cells, those that are not finite nowhere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// Upper end of the last column and row; the first begin at 0.
    pub high: f32,
    /// Cells a side.
    pub side: usize,
    /// How many points fell into each cell, `side` times `side`.
    pub counts: Vec<u32>,
}

impl Grid {
    /// The grid of `points` over [0, `high`] with `side` cells a side, at least one.
    pub fn of(points: impl IntoIterator<Item = [f32; 2]>, high: f32, side: usize) -> Self {
        let side = side.max(1);
        let mut counts = vec![0; side * side];
        for [x, y] in points {
            if let (Some(column), Some(row)) =
                (bin_of(x, [0.0, high], side), bin_of(y, [0.0, high], side))
            {
                counts[row * side + column] += 1;
            }
        }
        Grid { high, side, counts }
    }
}

/// The one of `bins` equal bins of [`low`, `high`] that `value` falls into; `None` where it is not
/// finite.
pub(super) fn bin_of(value: f32, [low, high]: [f32; 2], bins: usize) -> Option<usize> {
    let share = (value - low) / (high - low);
    share.is_finite().then(|| ((share * bins as f32).max(0.0) as usize).min(bins - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_by_hand() {
        // 0, 1 ... 20: the 5th percentile is 1, the 95th 19.
        let spread = Spread::of((0..=20).rev().map(|v| v as f32).chain([f32::NAN, f32::INFINITY]));
        assert_eq!(spread, Spread { mean: 10.0, p5: 1.0, p50: 10.0, p95: 19.0 });
        // Halfway between two values.
        assert_eq!(Spread::of([2.0, 5.0]).p50, 3.5);
        assert_eq!(Spread::of([7.0]), Spread { mean: 7.0, p5: 7.0, p50: 7.0, p95: 7.0 });
        assert!(Spread::of([]).mean.is_nan() && Spread::of([]).p95.is_nan());
    }

    #[test]
    fn bins_hold_their_lower_end_and_what_lies_beyond() {
        let histogram =
            Histogram::of([-3.0, 0.0, 0.24, 0.25, 0.5, 0.99, 1.0, 9.0, f32::NAN], [0.0, 1.0], 4);
        assert_eq!(histogram.counts, [3, 1, 1, 3]);
        assert_eq!(Histogram::of([0.5], [0.0, 1.0], 0).counts, [1]);
        // No bin of an interval without width can be told.
        assert_eq!(Histogram::of([0.5], [1.0, 1.0], 2).counts, [0, 0]);
    }

    #[test]
    fn grids_go_row_by_row() {
        let grid =
            Grid::of([[0.1, 0.1], [1.9, 0.1], [0.1, 1.9], [5.0, 5.0], [f32::NAN, 0.0]], 2.0, 2);
        assert_eq!(grid.counts, [1, 1, 1, 1]);
    }
}
