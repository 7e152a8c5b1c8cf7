//! How clearly the loss in a rule differs from the loss outside: a score test by pictures.
//!
//! The difference of the two weighted means is a sum over pictures, and so is its variance, with
//! the residuals from the mean of all (as if there were no difference). So a rule of few pictures,
//! all of them missed, does not look certain, and keypoints of one picture do not count as
//! independent ones.

use crate::sample::Sample;

/// Deviations by which an effect is lowered before rules are compared.
const CHANCE: f64 = 2.0;

/// What a picture adds for the keypoints that a rule takes: weighted keypoints and residuals,
/// squared residuals, residuals times those of the whole picture, then the picture itself, its
/// weight, its squared weight, and nothing (so that there are eight).
pub(crate) type Sums = [f64; 8];

/// A quantity of the keypoints that rules are to tell apart: losses, or what is left of them.
pub(crate) struct Target {
    /// All keypoints' weight.
    weight: f64,
    /// Residual of each keypoint.
    residuals: Vec<f64>,
    /// Sum of the residuals of each picture.
    of_pictures: Vec<f64>,
    /// Their squares with the squared weights, all together.
    square: f64,
}

/// How a rule differs from the rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    /// Mean inside less mean outside.
    pub effect: f64,
    /// The effect over its deviation.
    pub z: f64,
    /// Share of the weighted keypoints.
    pub support: f64,
    /// Pictures in which the rule holds for a keypoint.
    pub pictures: f64,
    /// Their effective number (Kish).
    pub effective: f64,
}

impl Score {
    /// How much a rule tells apart: the correlation of holding with the loss, but for the loss's
    /// deviation, with the effect lowered to where it could still be by chance. Below 0 for rules
    /// with lower losses.
    pub fn worth(&self) -> f64 {
        let sure = (1.0 - CHANCE / self.z.abs()).max(0.0);
        (self.support * (1.0 - self.support)).sqrt() * self.effect * sure
    }
}

impl Target {
    pub fn new(sample: &Sample, values: &[f64]) -> Self {
        let rows = || values.iter().enumerate();
        let weight: f64 = rows().map(|(row, _)| sample.weight(row)).sum();
        let sum: f64 = rows().map(|(row, value)| sample.weight(row) * value).sum();
        let mean = if weight > 0.0 { sum / weight } else { 0.0 };
        let residuals: Vec<f64> = values.iter().map(|value| value - mean).collect();
        let mut of_pictures = vec![0.0; sample.pictures.len()];
        for (residual, picture) in residuals.iter().zip(&sample.picture_of) {
            of_pictures[*picture as usize] += residual;
        }
        let both = of_pictures.iter().zip(&sample.weights);
        let square = both.map(|(sum, weight)| (sum * weight).powi(2)).sum();
        Self { weight, residuals, of_pictures, square }
    }

    /// What each picture adds for those of its keypoints that pass.
    pub fn sums(&self, sample: &Sample, takes: impl Fn(usize) -> bool) -> Vec<Sums> {
        let mut inside = vec![[0.0f64; 2]; sample.pictures.len()];
        for (row, picture) in sample.picture_of.iter().enumerate() {
            if takes(row) {
                let of = &mut inside[*picture as usize];
                of[0] += 1.0;
                of[1] += self.residuals[row];
            }
        }
        let pictures = inside.into_iter().zip(&self.of_pictures).zip(&sample.weights);
        pictures
            .map(|(([count, sum], all), weight)| {
                if count == 0.0 {
                    return [0.0; 8];
                }
                let (w, ww) = (*weight, weight * weight);
                [w * count, w * sum, ww * sum * sum, ww * sum * all, 1.0, w, ww, 0.0]
            })
            .collect()
    }

    /// The score of a rule with these sums; `None` if it takes nothing or leaves nothing.
    pub fn score(&self, sums: &Sums) -> Option<Score> {
        let [inside, sum, squares, products, pictures, weight, weight_squared, _] = *sums;
        let outside = self.weight - inside;
        if inside <= 0.0 || outside <= self.weight * 1e-9 || weight_squared <= 0.0 {
            return None;
        }
        let slope = 1.0 / inside + 1.0 / outside;
        let variance = slope * slope * squares - 2.0 * slope / outside * products
            + self.square / (outside * outside);
        let effect = sum * slope;
        let z = if variance > 0.0 { effect / variance.sqrt() } else { 0.0 };
        let effective = weight * weight / weight_squared;
        Some(Score { effect, z, support: inside / self.weight, pictures, effective })
    }

    /// The score of the keypoints in `mask`.
    pub fn score_of(&self, sample: &Sample, mask: &[bool]) -> Option<Score> {
        let mut all = [0.0; 8];
        for sums in self.sums(sample, |row| mask[row]) {
            add(&mut all, &sums);
        }
        self.score(&all)
    }
}

/// Adds a picture.
pub(crate) fn add(sums: &mut Sums, picture: &Sums) {
    sums.iter_mut().zip(picture).for_each(|(sum, value)| *sum += value);
}

/// The probability that a standard normal number is above `z`.
pub(crate) fn upper_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - upper_tail(-z);
    }
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    if z < 2.5 {
        // 1/2 - density * (z + z^3/3 + z^5/(3*5) + ...)
        let (mut term, mut sum) = (z, 0.0);
        for odd in (3..120).step_by(2) {
            sum += term;
            term *= z * z / f64::from(odd);
        }
        0.5 - density * sum
    } else {
        // density / (z + 1/(z + 2/(z + 3/...)))
        let fraction = (1..60).rev().fold(z, |below, k| z + f64::from(k) / below);
        density / fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        let tails = [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457),
            (1.959_963_984_540_054, 0.025),
            (2.499_999, 0.006_209_682_9),
            (2.500_001, 0.006_209_647_8),
            (4.0, 3.167_124_183_311_998e-5),
            (8.0, 6.220_960_574_271_785e-16),
        ];
        for (z, tail) in tails {
            assert!((upper_tail(z) / tail - 1.0).abs() < 1e-6, "{z}: {}", upper_tail(z));
        }
        assert!((upper_tail(-1.0) + upper_tail(1.0) - 1.0).abs() < 1e-12);
    }
}
