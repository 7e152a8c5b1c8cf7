//! Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"), for
//! kernels whose scale a norm removes.
//!
//! A step goes along the orthogonal matrix that is nearest to the momentum, so that rare directions
//! of the gradient count as much as common ones. A network then learns more from the same number of
//! samples. Before a step every matrix is scaled to the norm of a matrix with rows of length 1, as
//! in the same author's `airbench`. So the rate alone decides how far a step turns a matrix.

use super::{
    gradients::check_shape,
    mean::{Mean, has_kernels},
};
use crate::{
    cpu::{slice, slice_mut},
    kernel::orthogonal::{COEFFICIENTS, ITERATIONS, TINY, orthogonalise},
    parameters::Matrix,
};
use candle_core::{CpuStorage, DType, InplaceOp3, Layout, Result, Tensor, Var};
use rayon::prelude::*;
use std::{collections::BTreeMap, ops::Range};

/// The optimizer of some matrices of one variable, and their momentum.
#[derive(Debug)]
pub struct Muon {
    variable: Var,
    matrices: Vec<Matrix>,
    /// As long as the variable; only the matrices' part of it is used.
    momentum: Tensor,
    kept: f64,
}

impl Muon {
    /// An optimizer of `matrices`, which are parts of the vector `variable`, in order and without
    /// overlap. The share `kept` of the momentum is kept from step to step.
    ///
    /// # Errors
    /// If a device cannot hold the momentum.
    pub fn new(variable: &Var, matrices: &[Matrix], kept: f64) -> Result<Self> {
        let momentum = variable.zeros_like()?.detach();
        Ok(Muon { variable: variable.clone(), matrices: matrices.to_vec(), momentum, kept })
    }

    /// One step of descent, of size `rate`, along the variable's `gradient` times `factor`.
    ///
    /// # Errors
    /// If the gradient has another shape than the variable.
    pub fn step(&mut self, gradient: &Tensor, factor: f64, rate: f64) -> Result<()> {
        check_shape("its variable", gradient, &self.momentum)?;
        let gradient = gradient.detach().contiguous()?;
        let gather = Mean { kept: self.kept, new: 1.0, factor, square: false };
        let turn = Turn { matrices: &self.matrices, gather, rate };
        if has_kernels(&gradient) {
            self.momentum.inplace_op2(&gradient, &gather)?;
        } else {
            self.momentum = gather.composed(&self.momentum, &gradient)?;
        }
        if gradient.device().is_cpu() && gradient.dtype() == DType::F32 {
            self.variable.inplace_op3(&self.momentum, &gradient, &turn)
        } else {
            let value = turn.composed(self.variable.as_tensor(), &self.momentum, &gradient)?;
            self.variable.set(&value)
        }
    }

    /// The momentum, all that a checkpoint needs. It does not follow further steps.
    ///
    /// # Errors
    /// If a device fails to copy.
    pub fn state(&self) -> Result<Tensor> {
        self.momentum.copy()
    }

    /// Continues from a `momentum`, which has the variable's shape.
    ///
    /// # Errors
    /// If a device fails to copy.
    pub fn load_state(&mut self, momentum: &Tensor) -> Result<()> {
        self.momentum = momentum.to_device(self.momentum.device())?.copy()?;
        Ok(())
    }
}

/// What a step does with every matrix: W ← √rows · W / |W| - rate · √max(1, rows / columns) ·
/// orthogonal(g + kept · m), where g + kept · m is Nesterov's momentum.
struct Turn<'a> {
    matrices: &'a [Matrix],
    gather: Mean,
    rate: f64,
}

impl Turn<'_> {
    fn rate(&self, rows: usize, columns: usize) -> f64 {
        self.rate * (rows as f64 / columns as f64).max(1.0).sqrt()
    }

    /// Matrices of one shape together: a card waits for every operation to be launched.
    fn composed(&self, value: &Tensor, momentum: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let ahead = self.gather.composed(momentum, gradient)?;
        let mut by_shape = BTreeMap::<[usize; 2], Vec<&Range<usize>>>::new();
        for Matrix { values, rows } in self.matrices {
            by_shape.entry([*rows, values.len() / rows]).or_default().push(values);
        }
        let mut turned = BTreeMap::new();
        for ([rows, columns], places) in by_shape {
            let stacked = |all: &Tensor| {
                let matrix = |place: &&Range<usize>| {
                    all.narrow(0, place.start, place.len())?.reshape((rows, columns))
                };
                Tensor::stack(&places.iter().map(matrix).collect::<Result<Vec<_>>>()?, 0)
            };
            let (matrices, ahead) = (stacked(value)?, stacked(&ahead)?);
            let norms = matrices.sqr()?.sum_keepdim((1, 2))?.sqrt()?.maximum(TINY)?;
            let kept = (matrices.broadcast_div(&norms)? * (rows as f64).sqrt())?;
            let all = (kept - (orthogonal(&ahead)? * self.rate(rows, columns))?)?;
            for (index, place) in places.into_iter().enumerate() {
                turned.insert(place.start, (place.end, all.get(index)?.flatten_all()?));
            }
        }
        let (mut parts, mut end) = (Vec::new(), 0);
        for (start, (after, matrix)) in turned {
            parts.push(value.narrow(0, end, start - end)?);
            parts.push(matrix);
            end = after;
        }
        parts.push(value.narrow(0, end, value.elem_count() - end)?);
        Tensor::cat(&parts, 0)
    }
}

/// [`orthogonalise`] of each of some matrices [N, rows, columns] with candle's operations, for any
/// device.
fn orthogonal(matrices: &Tensor) -> Result<Tensor> {
    let (_, rows, columns) = matrices.dims3()?;
    let norms = (matrices.sqr()?.sum_keepdim((1, 2))?.sqrt()? + TINY)?;
    let tall = rows > columns;
    let turn = |x: &Tensor| if tall { x.transpose(1, 2)?.contiguous() } else { Ok(x.clone()) };
    let mut x = turn(matrices)?.broadcast_div(&norms)?;
    let [a, b, c] = COEFFICIENTS;
    for _ in 0..ITERATIONS {
        let gram = x.matmul(&x.transpose(1, 2)?)?;
        let polynomial = ((&gram * b)? + (gram.matmul(&gram)? * c)?)?;
        x = ((&x * a)? + polynomial.matmul(&x)?)?;
    }
    turn(&x)
}

impl InplaceOp3 for Turn<'_> {
    fn name(&self) -> &'static str {
        "muon"
    }

    fn cpu_fwd(
        &self,
        value: &mut CpuStorage,
        layout: &Layout,
        momentum: &CpuStorage,
        momentum_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let (momentum, gradient) =
            (slice(momentum, momentum_layout)?, slice(gradient, gradient_layout)?);
        let (mut rest, mut start) = (slice_mut(value, layout)?, 0);
        let mut parts = Vec::with_capacity(self.matrices.len());
        for matrix in self.matrices {
            let (before, after) = std::mem::take(&mut rest).split_at_mut(matrix.values.end - start);
            parts.push((matrix, &mut before[matrix.values.start - start..]));
            (rest, start) = (after, matrix.values.end);
        }
        let (kept, factor) = (self.gather.kept as f32, self.gather.factor as f32);
        parts.into_par_iter().for_each(|(Matrix { values, rows }, value)| {
            let columns = values.len() / rows;
            let pairs = gradient[values.clone()].iter().zip(&momentum[values.clone()]);
            let mut ahead: Vec<f32> = pairs.map(|(g, m)| factor * g + kept * m).collect();
            orthogonalise(&mut ahead, *rows, columns);
            let norm = value.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            let (scale, rate) = ((*rows as f64).sqrt() / norm.max(TINY), self.rate(*rows, columns));
            value
                .iter_mut()
                .zip(&ahead)
                .for_each(|(value, ahead)| *value = scale as f32 * *value - rate as f32 * ahead);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn vector(count: usize, step: usize) -> Result<Tensor> {
        Tensor::from_iter((0..count).map(|i| ((i * step) % 97) as f32 / 50.0 - 0.9), &Device::Cpu)
    }

    /// Two wide matrices of one shape and a tall one, with values before, between and behind them.
    fn matrices() -> [Matrix; 3] {
        [(2..42, 4), (45..75, 10), (80..120, 4)].map(|(values, rows)| Matrix { values, rows })
    }

    #[test]
    fn the_kernels_and_candles_operations_agree() -> Result<()> {
        let (first, second) = (vector(130, 31)?, vector(130, 13)?);
        let variable = Var::from_tensor(&vector(130, 7)?)?;
        let mut muon = Muon::new(&variable, &matrices(), 0.9)?;
        muon.step(&first, 0.5, 0.1)?;
        muon.step(&second, 1.0, 0.1)?;

        let (gather, matrices) =
            (|factor| Mean { kept: 0.9, new: 1.0, factor, square: false }, matrices());
        let turn = |factor| Turn { matrices: &matrices, gather: gather(factor), rate: 0.1 };
        let momentum = gather(0.5).composed(&vector(130, 7)?.zeros_like()?, &first)?;
        let value = turn(0.5).composed(&vector(130, 7)?, &momentum, &first)?;
        let momentum = gather(1.0).composed(&momentum, &second)?;
        let value = turn(1.0).composed(&value, &momentum, &second)?;
        let (found, expected) = (variable.to_vec1::<f32>()?, value.to_vec1::<f32>()?);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() < 1e-4, "value {i}: {found} for {expected}");
        }
        let found = muon.state()?.to_vec1::<f32>()?;
        for (i, (found, expected)) in found.iter().zip(momentum.to_vec1::<f32>()?).enumerate() {
            assert!((found - expected).abs() < 1e-6, "momentum {i}: {found} for {expected}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_matrix_stays_and_a_step_turns_by_its_rate() -> Result<()> {
        let before = vector(130, 7)?;
        let variable = Var::from_tensor(&before)?;
        Muon::new(&variable, &matrices(), 0.95)?.step(&vector(130, 31)?, 1.0, 0.01)?;
        let (before, after) = (before.to_vec1::<f32>()?, variable.to_vec1::<f32>()?);
        for outside in [0..2, 42..45, 75..80, 120..130] {
            assert_eq!(before[outside.clone()], after[outside]);
        }
        for Matrix { values, rows } in matrices() {
            let norm =
                |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
            let (length, old) = ((rows as f32).sqrt(), &before[values.clone()]);
            let scale = length / norm(old);
            let moved: Vec<f32> = old
                .iter()
                .zip(&after[values.clone()])
                .map(|(old, new)| new - old * scale)
                .collect();
            let columns = values.len() / rows;
            let expected = 0.01
                * (rows as f32 / columns as f32).max(1.0).sqrt()
                * (rows.min(columns) as f32).sqrt();
            assert!(
                (0.6..1.3).contains(&(norm(&moved) / expected)),
                "{} for {expected}",
                norm(&moved)
            );
        }
        Ok(())
    }

    #[test]
    fn a_step_without_any_gradient_is_harmless() -> Result<()> {
        let variable = Var::from_tensor(&vector(130, 0)?.zeros_like()?)?;
        Muon::new(&variable, &matrices(), 0.95)?.step(&vector(130, 0)?.zeros_like()?, 1.0, 0.02)?;
        assert!(variable.to_vec1::<f32>()?.iter().all(|value| *value == 0.0));
        Ok(())
    }
}
