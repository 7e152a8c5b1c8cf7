//! The rectified sum that closes a residual block.

use super::cpu::{slice, tensor_slice};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

/// Values that one task handles.
const PIECE: usize = 1 << 14;

/// max(`a` + `b`, 0) for tensors of equal shape.
///
/// One operation instead of candle's sum and rectifier, whose backward passes go over the values eight times.
///
/// # Errors
/// If the shapes differ or, on the CPU, the values are not `f32`.
pub fn add_relu(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.device().is_cpu() { a.contiguous()?.apply_op2(&b.contiguous()?, AddRelu) } else { (a + b)?.relu() }
}

struct AddRelu;

impl CustomOp2 for AddRelu {
    fn name(&self) -> &'static str {
        "add-relu"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        if a_layout.shape() != b_layout.shape() {
            bail!("add_relu: shapes {:?} and {:?} differ", a_layout.shape(), b_layout.shape());
        }
        // NaN passes through, for the trainer to see.
        let y = map(slice(a, a_layout)?, slice(b, b_layout)?, |a, b| if a + b < 0.0 { 0.0 } else { a + b });
        Ok((CpuStorage::F32(y), a_layout.shape().clone()))
    }

    fn bwd(&self, _a: &Tensor, _b: &Tensor, y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let dy = dy.contiguous()?;
        let ((y_storage, y_layout), (dy_storage, dy_layout)) = (y.storage_and_layout(), dy.storage_and_layout());
        let (y_values, dy_values) = (tensor_slice(&y_storage, y_layout)?, tensor_slice(&dy_storage, dy_layout)?);
        let passed = map(y_values, dy_values, |y, dy| if y <= 0.0 { 0.0 } else { dy });
        let passed = Tensor::from_vec(passed, y.shape(), y.device())?;
        Ok((Some(passed.clone()), Some(passed)))
    }
}

fn map(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; a.len()];
    out.par_chunks_mut(PIECE).zip(a.par_chunks(PIECE)).zip(b.par_chunks(PIECE)).for_each(|((out, a), b)| {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = f(*a, *b);
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn add_relu_and_its_gradients_match_candle() -> Result<()> {
        let a = Var::new(&[1.0f32, -2.0, 3.0, -4.0], &Device::Cpu)?;
        let b = Var::new(&[0.5f32, 1.0, -4.0, 5.0], &Device::Cpu)?;
        let weight = Tensor::new(&[1.0f32, 2.0, 3.0, 4.0], &Device::Cpu)?;
        let ours = add_relu(&a, &b)?;
        let stock = (a.as_tensor() + b.as_tensor())?.relu()?;
        assert_eq!(ours.to_vec1::<f32>()?, stock.to_vec1::<f32>()?);
        let gradients = (ours * &weight)?.backward()?;
        for variable in [&a, &b] {
            let gradient = gradients.get(variable).map(Tensor::to_vec1::<f32>).transpose()?;
            assert_eq!(gradient, Some(vec![1.0, 0.0, 0.0, 4.0]));
        }
        Ok(())
    }
}
