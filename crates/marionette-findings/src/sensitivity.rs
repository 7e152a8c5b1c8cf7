//! Which factors losses depend on, and which they do not.

use crate::{
    cuts::{known_numbers, quantiles, terms_of, two_digits},
    estimate::{Estimate, Resamples, total},
    factor::{Values, number_words},
    sample::Sample,
    table::Table,
};
use serde::{Deserialize, Serialize};

/// Levels of numbers.
const LEVELS: u8 = 5;

/// The fewest pictures of a level, and the least effective number of them.
const LEAST_PICTURES: usize = 30;
const LEAST_EFFECTIVE: f64 = 20.0;

/// How the loss depends on one factor, whatever else varies with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensitivity {
    /// The factor's name.
    pub factor: String,
    /// Its levels with enough pictures: categories, or bins of numbers.
    pub levels: Vec<Level>,
    /// The highest mean loss of a level less the lowest, and less what chance adds to that; `None`
    /// for fewer than two levels.
    pub range: Option<Estimate>,
    /// What that says.
    pub verdict: Verdict,
}

/// Keypoints with much the same value of a factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The category, or from where to where the numbers go.
    pub name: String,
    /// Their mean loss.
    pub loss: Estimate,
    /// Their share of the weighted keypoints.
    pub support: f64,
    /// Pictures that they are in.
    pub pictures: usize,
}

/// Whether losses depend on a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole interval of the range is below the threshold.
    Insensitive,
    /// The whole interval is above it.
    Sensitive,
    /// There are too few pictures to tell.
    Unknown,
}

/// How much the loss depends on each factor, the most certain dependence first. `threshold` is the
/// range of the mean loss over a factor's levels that matters, such as 0.05.
pub fn sensitivity(table: &Table, threshold: f64) -> Vec<Sensitivity> {
    let sample = Sample::new(table, |_| true);
    let losses = sample.losses();
    let resamples = Resamples::new(sample.pictures.len());
    let factors = 0..table.factors().len();
    let mut all: Vec<Sensitivity> = factors
        .map(|factor| {
            let (levels, range) = of_factor(&sample, &losses, &resamples, factor);
            let verdict = match range {
                Some(range) if range.high < threshold => Verdict::Insensitive,
                Some(range) if range.low > threshold => Verdict::Sensitive,
                _ => Verdict::Unknown,
            };
            Sensitivity { factor: table.factors()[factor].name.clone(), levels, range, verdict }
        })
        .collect();
    let low = |of: &Sensitivity| of.range.map_or(f64::NEG_INFINITY, |range| range.low);
    all.sort_by(|a, b| low(b).total_cmp(&low(a)));
    all
}

fn of_factor(
    sample: &Sample,
    losses: &[f64],
    resamples: &Resamples,
    factor: usize,
) -> (Vec<Level>, Option<Estimate>) {
    let everything: f64 = (0..losses.len()).map(|row| sample.weight(row)).sum();
    let (names, level_of) = levels(sample, factor);
    let mut levels = Vec::new();
    let mut draws: Vec<Vec<f64>> = Vec::new();
    for (level, name) in names.into_iter().enumerate() {
        // Pictures in ascending order, each with its weighted keypoints of this level, their losses
        // and its own weight.
        let mut by_picture = vec![[0.0f64; 2]; sample.pictures.len()];
        let mut within = vec![false; sample.pictures.len()];
        for (row, loss) in losses.iter().enumerate().filter(|(row, _)| level_of[*row] == level) {
            let picture = sample.picture_of[row] as usize;
            let weight = sample.weight(row);
            by_picture[picture][0] += weight;
            by_picture[picture][1] += weight * loss;
            within[picture] = true;
        }
        let entries: Vec<(u32, [f64; 2])> =
            (0..).zip(by_picture).filter(|(p, _)| within[*p as usize]).collect();
        let weights = entries.iter().map(|(picture, _)| sample.weights[*picture as usize]);
        let [sum, squares] = weights.fold([0.0; 2], |[sum, squares], w| [sum + w, squares + w * w]);
        if entries.len() < LEAST_PICTURES || sum * sum < LEAST_EFFECTIVE * squares || sum == 0.0 {
            continue;
        }
        let mean = |[weight, loss]: [f64; 2]| loss / weight;
        let all = total(&entries);
        let means: Vec<f64> = resamples.sums(&entries).map(mean).collect();
        let loss = Estimate::of_draws(mean(all), means.iter().copied());
        let support = all[0] / everything;
        levels.push(Level { name, loss, support, pictures: entries.len() });
        draws.push(means);
    }
    let range = (levels.len() > 1).then(|| range_of(&levels, &draws));
    (levels, range)
}

/// The range of the levels' losses.
///
/// The highest of several is higher by chance, and once more so in a draw of a draw: as much as
/// draws are above what was found, that is above the truth. But where levels are alike this takes
/// off too little, so the lower end is another: the range cannot be off by more than the range of
/// the levels' errors (as in Tukey's test of all pairs).
fn range_of(levels: &[Level], draws: &[Vec<f64>]) -> Estimate {
    let found = spread(levels.iter().map(|level| level.loss.value));
    let count = draws[0].len();
    let drawn: Vec<f64> =
        (0..count).map(|draw| spread(draws.iter().map(|means| means[draw]))).collect();
    let errors = (0..count).map(|draw| {
        let both = draws.iter().zip(levels);
        spread(both.map(|(means, level)| means[draw] - level.loss.value))
    });
    let most_error = Estimate::of_draws(0.0, errors).high;
    let excess = drawn.iter().sum::<f64>() / count as f64 - found;
    let value = (found - excess).max(0.0);
    let high = (Estimate::of_draws(found, drawn.into_iter()).high - excess).max(value);
    Estimate { value, low: (found - most_error).clamp(0.0, value), high }
}

/// The greatest less the least.
fn spread(values: impl Iterator<Item = f64>) -> f64 {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    values.for_each(|value| (least, most) = (least.min(value), most.max(value)));
    most - least
}

/// The levels' names, and each keypoint's level; one beyond them for unknown values.
fn levels(sample: &Sample, factor: usize) -> (Vec<String>, Vec<usize>) {
    if let Values::Categories { names, .. } = &sample.table.factors()[factor].values {
        let mut level_of = vec![names.len(); sample.rows.len()];
        for (level, term) in terms_of(sample, factor, &[]).into_iter().enumerate() {
            let mask = sample.mask(&[term]);
            level_of.iter_mut().zip(mask).filter(|(_, is)| *is).for_each(|(of, _)| *of = level);
        }
        return (names.clone(), level_of);
    }
    let mut known = known_numbers(sample, factor);
    let edges = edges(&mut known);
    let level_of = sample.bins(factor, &edges);
    let ends = |index: usize| edges.get(index).map(|edge| number_words(*edge));
    let names = (0..=edges.len()).map(|level| {
        let (from, to) = (level.checked_sub(1).and_then(ends), ends(level));
        match (from, to) {
            (Some(from), Some(to)) => format!("{from} to {to}"),
            (Some(from), None) => format!("at least {from}"),
            (None, Some(to)) => format!("below {to}"),
            (None, None) => "all".to_owned(),
        }
    });
    (names.collect(), level_of)
}

/// The edges between the levels of numbers: fifths of the range 0 to 1 if they fill it, their own
/// quantiles otherwise.
fn edges(known: &mut [(f32, f64)]) -> Vec<f32> {
    let mut edges = quantiles(known, LEVELS);
    let (Some(least), Some(most)) = (known.first(), known.last()) else { return Vec::new() };
    let fill = edges.first().is_some_and(|fifth| *fifth < 0.4)
        && edges.last().is_some_and(|fifth| *fifth > 0.6);
    if least.0 >= 0.0 && most.0 <= 1.0 && fill {
        edges = (1..LEVELS).map(|fifth| f32::from(fifth) / f32::from(LEVELS)).collect();
    }
    edges.iter_mut().for_each(|edge| *edge = two_digits(*edge));
    edges.dedup();
    edges.retain(|edge| *edge > least.0 && *edge <= most.0);
    edges
}
