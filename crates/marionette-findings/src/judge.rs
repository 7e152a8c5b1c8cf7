//! What a rule's losses are: inside, outside, and what they carry of all.

use crate::{
    error::FindingsError,
    estimate::{Estimate, Resamples, total},
    rule::Rule,
    sample::Sample,
    table::Table,
};
use serde::{Deserialize, Serialize};

/// How a rule does on the pictures of a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Pictures in which the rule holds for a keypoint.
    pub pictures: usize,
    /// Their effective number (Kish), which unequal weights lower.
    pub effective: f64,
    /// The share of the weighted keypoints for which it holds.
    pub support: Estimate,
    /// The mean loss of these.
    pub inside: Estimate,
    /// How that differs from the rest; `None` if there is no rest, as where all pictures were drawn
    /// to fit the rule.
    pub contrast: Option<Contrast>,
}

/// How the losses in a rule differ from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// The mean loss of the rest.
    pub outside: Estimate,
    /// Inside less outside.
    pub effect: Estimate,
    /// What the rule's keypoints lose more than as many of the rest, as a share of all that is lost
    /// (support times effect over the mean absolute loss).
    pub carried: Estimate,
}

/// How `rule` does on `table`, such as one of freshly rendered pictures.
///
/// # Errors
/// If the rule names a factor or a category that is not in the table, or holds for no keypoint with
/// a weight.
pub fn check(table: &Table, rule: &Rule) -> Result<Judged, FindingsError> {
    let mask = table.holding(rule)?;
    let sample = Sample::new(table, |_| true);
    let resamples = Resamples::new(sample.pictures.len());
    judge(&sample, &resamples, &mask, &sample.losses()).ok_or_else(|| FindingsError::Nowhere {
        rule: rule.words(),
        pictures: sample.pictures.len(),
    })
}

/// How the keypoints of `mask` do by `values`: the losses, or what is left of them. `None` if they
/// have no weight.
pub(crate) fn judge(
    sample: &Sample,
    resamples: &Resamples,
    mask: &[bool],
    values: &[f64],
) -> Option<Judged> {
    // Of each picture, weighted: keypoints inside, their values, all keypoints, their values, and
    // what they lose.
    let mut entries: Vec<(u32, [f64; 5])> =
        (0..sample.pictures.len() as u32).map(|picture| (picture, [0.0; 5])).collect();
    let mut within = vec![false; entries.len()];
    for (row, loss) in sample.losses().into_iter().enumerate() {
        let picture = sample.picture_of[row] as usize;
        let (weight, inside) = (sample.weight(row), f64::from(u8::from(mask[row])));
        let value = weight * values[row];
        let add = [weight * inside, value * inside, weight, value, weight * loss.abs()];
        entries[picture].1.iter_mut().zip(add).for_each(|(sum, value)| *sum += value);
        within[picture] |= mask[row];
    }
    let weights = || within.iter().zip(&sample.weights).filter(|(is, _)| **is).map(|(_, w)| *w);
    let (sum, squares) = (weights().sum::<f64>(), weights().map(|w| w * w).sum::<f64>());
    let all = total(&entries);
    if all[0] <= 0.0 || squares <= 0.0 {
        return None;
    }
    let draws: Vec<[f64; 5]> = resamples.sums(&entries).collect();
    let estimate = |of: fn(&[f64; 5]) -> f64| Estimate::of_draws(of(&all), draws.iter().map(of));
    let contrast = (all[2] - all[0] > all[2] * 1e-9).then(|| Contrast {
        outside: estimate(outside),
        effect: estimate(effect),
        carried: estimate(|sums| {
            let lost = sums[0] * effect(sums);
            if sums[4] > 0.0 { lost / sums[4] } else { 0.0 }
        }),
    });
    Some(Judged {
        pictures: within.iter().filter(|is| **is).count(),
        effective: sum * sum / squares,
        support: estimate(|sums| sums[0] / sums[2]),
        inside: estimate(|sums| sums[1] / sums[0]),
        contrast,
    })
}

fn outside(sums: &[f64; 5]) -> f64 {
    (sums[3] - sums[1]) / (sums[2] - sums[0])
}

fn effect(sums: &[f64; 5]) -> f64 {
    sums[1] / sums[0] - outside(sums)
}
