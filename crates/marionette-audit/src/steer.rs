//! Where the next pictures are drawn: toward what fails.

use crate::row::{Row, is_given};
use marionette_stream::{AXES, AxisDistribution, Hardness, Policy, StreamMix};

/// Equal parts of an axis that are told apart.
const BINS: usize = 5;
/// Pictures' weight of an average failure that every part begins with.
const PRIOR: f64 = 20.0;
/// How sharply the search turns to what fails: the power of a part's rate of failure.
const SHARPNESS: f32 = 6.0;
/// The least share of an axis' average part that each part keeps.
const LEAST: f32 = 0.1;

/// What is known of failures along the axes.
///
/// The distribution of each axis is moved toward that of the failures, as in the cross-entropy
/// method (Rubinstein 1999), with pictures weighed so that they stand for the uniform population.
#[derive(Clone, Debug, PartialEq)]
pub struct Steering {
    mix: StreamMix,
    /// Per axis and part: weight of the pictures, and of their failures.
    tallies: [[[f64; 2]; BINS]; AXES],
    /// Which keypoints the model has given so far.
    known: Vec<bool>,
    pictures: u64,
}

impl Steering {
    /// Nothing is known yet; `uniform` is the share of pictures in which every axis is even.
    pub fn new(uniform: f32) -> Self {
        Steering {
            mix: StreamMix { uniform, steered: 1.0 - uniform },
            tallies: [[[0.0; 2]; BINS]; AXES],
            known: Vec::new(),
            pictures: 0,
        }
    }

    /// Adds a batch of pictures. Keypoints that the model never gave are none that it misses.
    pub fn add(&mut self, rows: &[Row]) {
        let keypoints = rows.first().map_or(0, |row| row.keypoints.len());
        self.known.resize(keypoints.max(self.known.len()), false);
        for (k, known) in self.known.iter_mut().enumerate() {
            *known |= is_given(rows, k);
        }
        for row in rows {
            let failure = row.failure(&self.known);
            for (axis, tallies) in self.tallies.iter_mut().enumerate() {
                let [weight, failed] = &mut tallies[bin_of(row.hardness[axis])];
                *weight += row.weight();
                *failed += row.weight() * failure;
            }
            self.pictures += 1;
        }
    }

    /// The policy by which the next pictures are drawn.
    pub fn policy(&self) -> Policy {
        Policy {
            version: self.pictures,
            axes: self.tallies.each_ref().map(distribution),
            ..Policy::initial(self.mix, BINS)
        }
    }
}

fn bin_of(hardness: f32) -> usize {
    ((hardness * BINS as f32) as usize).min(BINS - 1)
}

fn distribution(tallies: &[[f64; 2]; BINS]) -> AxisDistribution {
    let [weight, failed] =
        [0, 1].map(|column| tallies.iter().map(|tally| tally[column]).sum::<f64>());
    if failed <= 0.0 {
        return AxisDistribution::uniform(BINS);
    }
    let average = failed / weight;
    let rates =
        tallies.map(|[weight, failed]| ((failed + PRIOR * average) / (weight + PRIOR)) as f32);
    let sharp = rates.map(|rate| (rate / average as f32).powf(SHARPNESS));
    let sum: f32 = sharp.iter().sum();
    let even = LEAST / BINS as f32;
    AxisDistribution {
        probabilities: sharp.iter().map(|p| even + (1.0 - LEAST) * p / sum).collect(),
    }
}

/// The density of a picture's hardness in the mixture of both streams over the uniform one's;
/// `steered` says which axes the scene leaves to the policy.
pub fn density(policy: &Policy, hardness: &Hardness, steered: &[bool; AXES]) -> f64 {
    let axes = policy.propensity(hardness);
    let product: f64 =
        (0..AXES).filter(|axis| steered[*axis]).map(|axis| f64::from(axes[axis])).product();
    let uniform = f64::from(policy.mix.uniform);
    uniform + (1.0 - uniform) * product
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_base::random::stream;
    use rand::Rng;

    /// Fails the more often the harder the second axis is; the others do not matter.
    fn failure(hardness: &Hardness) -> f64 {
        f64::from(hardness[1]).powi(2)
    }

    #[test]
    fn the_search_turns_to_what_fails_and_weights_undo_it() {
        let mut steering = Steering::new(0.3);
        let mut rng = stream(3, 0, 0, "test");
        let (mut sum, mut weights, mut failed) = (0.0, 0.0, 0.0);
        let count = 6400;
        for _ in 0..count / 64 {
            let policy = steering.policy();
            let draw = || {
                let draws: Hardness = std::array::from_fn(|_| rng.random());
                let uniform = rng.random::<f32>() < policy.mix.uniform;
                let hardness = if uniform { draws } else { policy.steered(&draws, &mut rng) };
                let density = density(&policy, &hardness, &[true; AXES]);
                Row::for_test(hardness, density, failure(&hardness))
            };
            let rows: Vec<Row> = std::iter::repeat_with(draw).take(64).collect();
            for row in &rows {
                sum += row.weight() * row.failure(&[true; 1000]);
                weights += row.weight();
                failed += row.failure(&[true; 1000]);
            }
            steering.add(&rows);
        }
        // A third of the uniform population fails.
        assert!((sum / weights - 1.0 / 3.0).abs() < 0.02, "{}", sum / weights);
        assert!((weights / f64::from(count) - 1.0).abs() < 0.05, "{weights}");
        assert!(failed / f64::from(count) > 0.5, "{failed}");
        let policy = steering.policy();
        let [matters, not] = [1, 0].map(|axis| &policy.axes[axis].probabilities);
        assert!(matters[4] > 3.0 * matters[0] && matters[0] >= LEAST / BINS as f32);
        assert!(not.iter().all(|p| (p - 0.2).abs() < 0.06), "{not:?}");
    }

    #[test]
    fn keypoints_that_were_never_given_do_not_steer() {
        let mut row = Row::for_test([0.5; AXES], 1.0, 1.0);
        let mut steering = Steering::new(0.5);
        steering.add(std::slice::from_ref(&row));
        assert_ne!(steering.policy().axes[0], AxisDistribution::uniform(BINS));
        row.keypoints.iter_mut().for_each(|keypoint| keypoint.place = None);
        let mut steering = Steering::new(0.5);
        steering.add(&[row]);
        assert_eq!(steering.policy().axes[0], AxisDistribution::uniform(BINS));
    }

    #[test]
    fn without_failures_every_axis_stays_even() {
        let mut steering = Steering::new(0.5);
        steering.add(&[Row::for_test([0.5; AXES], 1.0, 0.0)]);
        assert_eq!(steering.policy().axes[0], AxisDistribution::uniform(BINS));
    }
}
