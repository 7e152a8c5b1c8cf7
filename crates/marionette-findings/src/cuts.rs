//! Where numbers are cut, and all conditions that a rule may be made of.

use crate::{
    factor::{UNKNOWN, Values},
    sample::Sample,
    term::{Ask, Categories, Term},
};

/// Twentieths at which numbers are cut: tenths, and the last ones once more.
const TWENTIETHS: [u8; 11] = [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 19];

/// The most categories of one condition.
const MOST_TOGETHER: usize = 4;
/// The weight of an average loss that every category begins with, as a share of all.
const PRIOR: f64 = 0.01;

/// Where a factor's numbers are cut, ascending; none for categories. Numbers in 0 to 1 that fill
/// the range are cut at its tenths, others at their own deciles, rounded to two digits; both also
/// at the outermost twentieths.
pub(crate) fn cuts(sample: &Sample, factor: usize) -> Vec<f32> {
    let mut known = known_numbers(sample, factor);
    let quantiles = quantiles(&mut known, 20);
    let (Some(least), Some(most)) = (known.first(), known.last()) else { return Vec::new() };
    let tenths = least.0 >= 0.0
        && most.0 <= 1.0
        && quantiles.get(1).is_some_and(|cut| *cut < 0.3)
        && quantiles.get(17).is_some_and(|cut| *cut > 0.7);
    let at = |twentieth: u8| {
        if tenths {
            Some(f32::from(twentieth) / 20.0)
        } else {
            quantiles.get(usize::from(twentieth) - 1).map(|cut| two_digits(*cut))
        }
    };
    let mut cuts: Vec<f32> = TWENTIETHS.into_iter().filter_map(at).collect();
    cuts.dedup();
    // A cut that leaves nothing below it says nothing.
    cuts.retain(|cut| *cut > least.0 && *cut <= most.0);
    cuts
}

/// The known numbers of a factor with their weights; none for categories.
pub(crate) fn known_numbers(sample: &Sample, factor: usize) -> Vec<(f32, f64)> {
    let Values::Numbers { values, .. } = &sample.table.factors()[factor].values else {
        return Vec::new();
    };
    let entries = (0..sample.entries(factor)).map(|entry| sample.entry(factor, entry));
    let numbers = entries.map(|(entry, weight)| (values[entry], weight));
    numbers.filter(|(number, _)| !number.is_nan()).collect()
}

/// The weighted quantiles between so many parts of equal weight. Sorts the numbers.
pub(crate) fn quantiles(numbers: &mut [(f32, f64)], parts: u8) -> Vec<f32> {
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = numbers.iter().map(|(_, weight)| weight).sum();
    let mut reached = 0.0;
    let mut edges = Vec::new();
    for (number, weight) in numbers.iter() {
        reached += weight;
        while edges.len() + 1 < usize::from(parts)
            && reached >= all * (edges.len() + 1) as f64 / f64::from(parts)
        {
            edges.push(*number);
        }
    }
    edges
}

/// The number with two digits that is nearest.
pub(crate) fn two_digits(number: f32) -> f32 {
    // Through text, so that the number is the one that a reader would write.
    format!("{number:.1e}").parse().unwrap_or(number)
}

/// The conditions on several categories of one factor, which are among those with the highest
/// `values`; where `both_ways`, also those among the lowest. Of a split into two parts the best is
/// one in the order of the means (Breiman et al. 1984, section 4.2), and small parts are what people
/// understand.
pub(crate) fn sets_of(
    sample: &Sample,
    factor: usize,
    values: &[f64],
    both_ways: bool,
) -> Vec<Term> {
    let Values::Categories { names, entries } = &sample.table.factors()[factor].values else {
        return Vec::new();
    };
    let mut sums = vec![[0.0f64; 2]; names.len().min(usize::from(Categories::MOST))];
    let mut all = [0.0f64; 2];
    for (row, value) in values.iter().enumerate() {
        let weight = sample.weight(row);
        let own = sums.get_mut(usize::from(entries[sample.entry_of_row(factor, row)]));
        for sum in own.into_iter().chain([&mut all]) {
            sum[0] += weight;
            sum[1] += weight * value;
        }
    }
    // Rare ones are not put first by chance.
    let prior = PRIOR * all[0];
    let mean = if all[0] > 0.0 { all[1] / all[0] } else { 0.0 };
    let shrunk = |[weight, sum]: [f64; 2]| (sum + prior * mean) / (weight + prior);
    let mut order: Vec<u16> =
        (0..).zip(&sums).filter(|(_, sum)| sum[0] > 0.0).map(|(category, _)| category).collect();
    order.sort_by(|a, b| {
        let [a, b] = [a, b].map(|category| shrunk(sums[usize::from(*category)]));
        b.total_cmp(&a)
    });
    let sizes = 2..=MOST_TOGETHER.min(order.len().saturating_sub(1));
    let highest = sizes.clone().map(|size| order[..size].to_vec());
    let lowest = sizes.map(|size| order[order.len() - size..].to_vec()).filter(|_| both_ways);
    let sets: Vec<Vec<u16>> = highest.chain(lowest).collect();
    sets.into_iter().map(|set| Term { factor, ask: Ask::Among(Categories::of(set)) }).collect()
}

/// All conditions on one factor.
pub(crate) fn terms_of(sample: &Sample, factor: usize, cuts: &[f32]) -> Vec<Term> {
    let asks: Vec<Ask> = match &sample.table.factors()[factor].values {
        Values::Numbers { .. } => {
            cuts.iter().flat_map(|cut| [Ask::AtLeast(*cut), Ask::Below(*cut)]).collect()
        }
        Values::Categories { names, .. } => {
            (0..UNKNOWN).zip(names).map(|(category, _)| Ask::Is(category)).collect()
        }
    };
    asks.into_iter().map(|ask| Term { factor, ask }).collect()
}
