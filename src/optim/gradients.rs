//! Gradients by variable name.

use candle_core::{Result, Tensor, Var, backprop::GradStore};
use std::collections::BTreeMap;

/// Gradients by the name of their variable, in the order of the names.
pub type Gradients = BTreeMap<String, Tensor>;

/// Takes the gradients of `variables` from a backward pass. A variable that the loss does not depend on has none.
pub fn collect(variables: &BTreeMap<String, Var>, mut store: GradStore) -> Gradients {
    variables.iter().filter_map(|(name, variable)| Some((name.clone(), store.remove(variable)?))).collect()
}

/// The Euclidean norm of all gradients together. It is not finite if and only if the step had better be skipped: some
/// gradient is NaN or infinite, or so large that its square is.
///
/// # Errors
/// If a device fails.
pub fn global_norm(gradients: &Gradients) -> Result<f64> {
    let mut total = 0.0;
    for gradient in gradients.values() {
        total += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(total.sqrt())
}

/// Scales all gradients down together so that their norm is at most `limit` (Pascanu et al. 2013, arXiv 1211.5063), and
/// returns the norm they had (`global_norm`). If that is not finite they stay as they are, and the caller skips the
/// step.
///
/// # Errors
/// If a device fails.
pub fn clip_to_norm(gradients: &mut Gradients, limit: f64) -> Result<f64> {
    let norm = global_norm(gradients)?;
    if norm.is_finite() && norm > limit {
        for gradient in gradients.values_mut() {
            *gradient = gradient.affine(limit / norm, 0.0)?;
        }
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn gradients(values: &[&[f32]]) -> Result<Gradients> {
        let named = |(i, values): (usize, &&[f32])| Ok((format!("g{i}"), Tensor::new(*values, &Device::Cpu)?));
        values.iter().enumerate().map(named).collect()
    }

    #[test]
    fn clipping_scales_all_gradients_to_the_limit_and_returns_the_norm_before() -> Result<()> {
        let mut small = gradients(&[&[3.0, 0.0], &[-4.0]])?;
        assert_eq!(clip_to_norm(&mut small, 10.0)?, 5.0);
        assert_eq!(small["g1"].to_vec1::<f32>()?, [-4.0]);
        assert_eq!(clip_to_norm(&mut small, 1.0)?, 5.0);
        assert!((global_norm(&small)? - 1.0).abs() < 1e-6);
        assert!((small["g0"].to_vec1::<f32>()?[0] - 0.6).abs() < 1e-6);
        Ok(())
    }

    #[test]
    fn a_gradient_that_is_not_finite_shows_in_the_norm_and_is_left_alone() -> Result<()> {
        for poison in [f32::NAN, f32::INFINITY] {
            let mut poisoned = gradients(&[&[3.0], &[poison]])?;
            assert!(!clip_to_norm(&mut poisoned, 1.0)?.is_finite());
            assert_eq!(poisoned["g0"].to_vec1::<f32>()?, [3.0]);
        }
        Ok(())
    }

    #[test]
    fn variables_without_a_gradient_are_left_out() -> Result<()> {
        let variable = || Var::new(&[2.0f32], &Device::Cpu);
        let variables = BTreeMap::from([("used".to_owned(), variable()?), ("unused".to_owned(), variable()?)]);
        let gradients = collect(&variables, variables["used"].sqr()?.sum_all()?.backward()?);
        assert_eq!(gradients.keys().collect::<Vec<_>>(), ["used"]);
        assert_eq!(gradients["used"].to_vec1::<f32>()?, [4.0]);
        Ok(())
    }
}
