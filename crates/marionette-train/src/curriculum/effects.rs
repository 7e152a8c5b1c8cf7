//! How much each axis matters: the signal's rise from hardness 0 to 1, all other axes being equal.
//!
//! Samples are drawn from a moving policy, often with several axes hard together. So the effects
//! come from one least-squares fit over all axes, not from means along one.

use super::config::Signal;
use marionette_base::statistics::rank_shares;
use marionette_stream::{AXES, SampleFeedback};
use nalgebra::{SMatrix, SVector};
use serde::{Deserialize, Serialize};

/// A constant and the axes.
const TERMS: usize = 1 + AXES;
/// How many samples' weight draws every effect to 0.
const RIDGE: f64 = 3.0;

/// The sums of the fit, over samples that fade with time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EffectSums {
    /// Products of the terms.
    products: [[f64; TERMS]; TERMS],
    /// Products of the terms with the signal.
    signal: [f64; TERMS],
}

impl EffectSums {
    /// Fades to a share of `keep` and adds the samples of one batch. The signal is their rank within
    /// the batch, for scores drift as the critic trains, and errors fall as the network does.
    pub(super) fn add(&mut self, keep: f64, signal: Signal, samples: &[&SampleFeedback]) {
        self.products
            .as_flattened_mut()
            .iter_mut()
            .chain(&mut self.signal)
            .for_each(|sum| *sum *= keep);
        let value = |sample: &&SampleFeedback| match signal {
            Signal::Error => sample.error,
            _ => sample.difficulty,
        };
        let values: Vec<f32> = samples.iter().map(value).collect();
        for (sample, rank) in samples.iter().zip(rank_shares(&values)) {
            let mut terms = [1.0; TERMS];
            for (term, hardness) in terms[1..].iter_mut().zip(sample.hardness) {
                *term = f64::from(hardness) - 0.5;
            }
            for (row, a) in terms.iter().enumerate() {
                for (column, b) in terms.iter().enumerate() {
                    self.products[row][column] += a * b;
                }
                self.signal[row] += a * (rank - 0.5);
            }
        }
    }

    /// Every axis' effect: what hardness 1 adds to the rank, in [0, 1], that hardness 0 has. It lies
    /// in [-1, 1], whatever a damaged checkpoint made of the sums.
    pub fn effects(&self) -> [f64; AXES] {
        let mut products =
            SMatrix::<f64, TERMS, TERMS>::from_row_slice(self.products.as_flattened());
        for term in 0..TERMS {
            products[(term, term)] += RIDGE;
        }
        let signal = SVector::<f64, TERMS>::from_column_slice(&self.signal);
        let fit = products.cholesky().map(|cholesky| cholesky.solve(&signal));
        let effect = |axis: usize| fit.map_or(0.0, |fit| fit[1 + axis]);
        std::array::from_fn(|axis| match effect(axis) {
            effect if effect.is_finite() => effect.clamp(-1.0, 1.0),
            _ => 0.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_that_make_no_sense_give_no_effect_beyond_1() {
        for value in [f64::NAN, f64::INFINITY, -1e308, 1e308] {
            let sums = EffectSums { products: [[value; TERMS]; TERMS], signal: [1e300; TERMS] };
            assert!(sums.effects().iter().all(|effect| (-1.0..=1.0).contains(effect)), "{value}");
        }
        let sums = EffectSums { signal: [f64::MAX; TERMS], ..EffectSums::default() };
        assert_eq!(sums.effects(), [1.0; AXES]);
    }
}
