//! Whether each condition of a rule makes more difference within the rule than elsewhere.
//!
//! Two factors that add up are two findings. A rule has both only where they are worse together
//! than each alone would say: where the one's gain within the other is greater than without it.

use crate::{sample::Sample, term::Term};

/// Deviations by which a condition's gain, and its gain beyond that elsewhere, must be above 0: in
/// a rule of two conditions, and in longer ones, of which there are more to choose from.
const CLEAR: [f64; 2] = [3.0, 3.7];

/// Whether every condition of a rule adds to the others, in the direction of `sign`.
pub(crate) fn every_condition_adds(
    sample: &Sample,
    values: &[f64],
    rule: &[Term],
    sign: f64,
) -> bool {
    rule.len() < 2
        || (0..rule.len()).all(|left_out| {
            let others: Vec<Term> =
                (0..).zip(rule).filter(|(i, _)| *i != left_out).map(|(_, term)| *term).collect();
            adds(sample, values, &others, rule[left_out], sign)
        })
}

fn adds(sample: &Sample, values: &[f64], others: &[Term], term: Term, sign: f64) -> bool {
    let with = sample.mask(&[term]);
    let within = sample.mask(others);
    // Cells: 0 neither, 1 the condition alone, 2 the others alone, 3 both.
    let cell = |row: usize| usize::from(with[row]) + 2 * usize::from(within[row]);
    let mut cells = [[0.0f64; 2]; 4];
    for (row, value) in values.iter().enumerate() {
        let weight = sample.weight(row);
        let sums = &mut cells[cell(row)];
        sums[0] += weight;
        sums[1] += weight * value;
    }
    if cells[2][0] <= 0.0 || cells[3][0] <= 0.0 {
        return false;
    }
    let mut contrasts = vec![[0.0, 0.0, -1.0, 1.0]];
    if cells[0][0] > 0.0 && cells[1][0] > 0.0 {
        contrasts.push([1.0, -1.0, -1.0, 1.0]);
    }
    let means = cells.map(|[weight, sum]| if weight > 0.0 { sum / weight } else { 0.0 });
    contrasts.into_iter().all(|contrast| {
        let difference: f64 = contrast.iter().zip(means).map(|(by, mean)| by * mean).sum();
        let mut of_pictures = vec![0.0; sample.pictures.len()];
        for (row, value) in values.iter().enumerate() {
            let of = cell(row);
            if contrast[of] != 0.0 {
                let share = sample.weight(row) / cells[of][0];
                of_pictures[sample.picture_of[row] as usize] +=
                    contrast[of] * share * (value - means[of]);
            }
        }
        let variance: f64 = of_pictures.iter().map(|value| value * value).sum();
        sign * difference > CLEAR[usize::from(others.len() > 1)] * variance.sqrt()
    })
}
