//! Gradients by variable name.

use crate::cpu::tensor_slice;
use candle_core::{DType, Device, Result, Tensor, Var, backprop::GradStore, bail};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Gradients by the name of their variable, in the order of the names.
pub type Gradients = BTreeMap<String, Tensor>;

/// Takes the gradients of `variables` from a backward pass. A variable that the loss does not
/// depend on has none.
pub fn collect(variables: &BTreeMap<String, Var>, mut store: GradStore) -> Gradients {
    variables
        .iter()
        .filter_map(|(name, variable)| Some((name.clone(), store.remove(variable)?)))
        .collect()
}

/// Refuses the gradient of the variable `name` that has not the shape of what is kept of it.
pub(super) fn check_shape(name: &str, gradient: &Tensor, kept: &Tensor) -> Result<()> {
    if gradient.shape() == kept.shape() {
        return Ok(());
    }
    bail!("{name} has the shape {:?}, its gradient {:?}", kept.dims(), gradient.dims())
}

/// The Euclidean norm of all gradients together. It is not finite if some gradient is NaN or
/// infinite, or so large that its square is infinite. Such a step should be skipped.
///
/// # Errors
/// If a device fails.
pub fn global_norm(gradients: &Gradients) -> Result<f64> {
    let (mut total, mut elsewhere) = (0.0, Vec::new());
    for gradient in gradients.values() {
        if gradient.device().is_cpu() && gradient.dtype() == DType::F32 && gradient.is_contiguous()
        {
            let (storage, layout) = gradient.storage_and_layout();
            total += square_sum(tensor_slice(&storage, layout)?);
        } else {
            elsewhere.push(gradient.sqr()?.sum_all()?);
        }
    }
    if !elsewhere.is_empty() {
        // Together, because each has to be waited for, and on the CPU, because Metal has no f64.
        let sums = Tensor::stack(&elsewhere, 0)?.to_device(&Device::Cpu)?;
        total += sums.to_dtype(DType::F64)?.to_vec1::<f64>()?.iter().sum::<f64>();
    }
    Ok(total.sqrt())
}

/// Pieces are summed each on its own and then in order, for the same bits on any number of threads.
fn square_sum(values: &[f32]) -> f64 {
    const PIECE: usize = 1 << 14;
    const LANES: usize = 16;
    let piece = |values: &[f32]| {
        let mut lanes = [0f32; LANES];
        for chunk in values.chunks(LANES) {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                *lane += value * value;
            }
        }
        lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>()
    };
    values.par_chunks(PIECE).map(piece).collect::<Vec<f64>>().into_iter().sum()
}

/// The factor that brings gradients of norm `norm` to a norm of at most `limit` (Pascanu et al.
/// 2013, arXiv 1211.5063).
pub fn clip_factor(norm: f64, limit: f64) -> f64 {
    if norm > limit { limit / norm } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradients(values: &[&[f32]]) -> Result<Gradients> {
        let named = |(i, values): (usize, &&[f32])| {
            Ok((format!("g{i}"), Tensor::new(*values, &Device::Cpu)?))
        };
        values.iter().enumerate().map(named).collect()
    }

    #[test]
    fn the_norm_is_that_of_all_gradients_and_clipping_brings_it_to_the_limit() -> Result<()> {
        let both = gradients(&[&[3.0, 0.0], &[-4.0]])?;
        assert_eq!(global_norm(&both)?, 5.0);
        assert_eq!([clip_factor(5.0, 10.0), clip_factor(5.0, 1.0)], [1.0, 0.2]);
        let many: Vec<f32> = (0..100_001).map(|i| (i as f32 * 0.1).sin()).collect();
        let expected = many.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        assert!((global_norm(&gradients(&[&many])?)? - expected).abs() < 1e-5 * expected);
        Ok(())
    }

    #[test]
    fn a_gradient_that_is_not_finite_shows_in_the_norm() -> Result<()> {
        for poison in [f32::NAN, f32::INFINITY, 1e30] {
            assert!(!global_norm(&gradients(&[&[3.0], &[poison]])?)?.is_finite());
        }
        Ok(())
    }

    #[test]
    fn variables_without_a_gradient_are_left_out() -> Result<()> {
        let variable = || Var::new(&[2.0f32], &Device::Cpu);
        let variables =
            BTreeMap::from([("used".to_owned(), variable()?), ("unused".to_owned(), variable()?)]);
        let gradients = collect(&variables, variables["used"].sqr()?.sum_all()?.backward()?);
        assert_eq!(gradients.keys().collect::<Vec<_>>(), ["used"]);
        assert_eq!(gradients["used"].to_vec1::<f32>()?, [4.0]);
        Ok(())
    }
}
