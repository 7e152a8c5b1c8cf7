//! Takes out of the losses what is known of them already, so that the next rule says something new.

use crate::{
    cuts::terms_of,
    sample::Sample,
    term::{Ask, Term},
};

/// Takes the effect of a rule out of `values`: inside and outside then have the same mean. Of a
/// rule of one number, the whole run over that number goes, whatever its shape, as the rule says no
/// more of it than that it is there. `cuts` are those of every factor.
pub(crate) fn discount(sample: &Sample, values: &mut [f64], rule: &[Term], cuts: &[Vec<f32>]) {
    match rule {
        [Term { factor, ask: Ask::AtLeast(_) | Ask::Below(_) }] => {
            discount_factor(sample, values, *factor, &cuts[*factor]);
        }
        _ => {
            let cells: Vec<usize> = sample.mask(rule).into_iter().map(usize::from).collect();
            level(sample, values, &cells);
        }
    }
}

/// Takes the effect of a factor alone out of `values`: all its categories or bins then have the
/// same mean.
pub(crate) fn discount_factor(sample: &Sample, values: &mut [f64], factor: usize, cuts: &[f32]) {
    let cells = if cuts.is_empty() {
        let mut cells = vec![0; values.len()];
        for (category, term) in (1..).zip(terms_of(sample, factor, cuts)) {
            let mask = sample.mask(&[term]);
            cells.iter_mut().zip(mask).filter(|(_, is)| *is).for_each(|(cell, _)| *cell = category);
        }
        cells
    } else {
        sample.bins(factor, cuts)
    };
    level(sample, values, &cells);
}

/// Moves the values of every cell to the mean of all.
fn level(sample: &Sample, values: &mut [f64], cells: &[usize]) {
    let count = cells.iter().max().map_or(0, |most| most + 1);
    let mut sums = vec![[0.0f64; 2]; count];
    let mut all = [0.0f64; 2];
    for (row, (value, cell)) in values.iter().zip(cells).enumerate() {
        let weight = sample.weight(row);
        for sum in [&mut sums[*cell], &mut all] {
            sum[0] += weight;
            sum[1] += weight * value;
        }
    }
    let mean = |[weight, sum]: [f64; 2]| if weight > 0.0 { sum / weight } else { 0.0 };
    let middle = mean(all);
    let shifts: Vec<f64> =
        sums.into_iter().map(|sum| if sum[0] > 0.0 { middle - mean(sum) } else { 0.0 }).collect();
    values.iter_mut().zip(cells).for_each(|(value, cell)| *value += shifts[*cell]);
}
