//! Running means of gradients.

use crate::cpu::{slice, slice_mut};
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor};
use rayon::prelude::*;

/// Values that one task updates.
pub const PIECE: usize = 1 << 14;

/// A running mean or sum: m ← kept · m + new · g, g being `factor` times the gradient, or the
/// square of that.
#[derive(Clone, Copy)]
pub struct Mean {
    pub kept: f64,
    pub new: f64,
    pub factor: f64,
    pub square: bool,
}

impl Mean {
    /// The new value of `mean`, computed with candle's operations.
    pub fn composed(&self, mean: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        let gradient = (gradient * self.factor)?;
        let gradient = if self.square { gradient.sqr()? } else { gradient };
        (mean * self.kept)? + (gradient * self.new)?
    }
}

/// Whether there are kernels of ours for such values, that change them in place.
pub fn has_kernels(values: &Tensor) -> bool {
    let device = values.device();
    (device.is_cpu() || cfg!(feature = "cuda") && device.is_cuda()) && values.dtype() == DType::F32
}

impl InplaceOp2 for Mean {
    fn name(&self) -> &'static str {
        "running-mean"
    }

    fn cpu_fwd(
        &self,
        mean: &mut CpuStorage,
        ml: &Layout,
        gradient: &CpuStorage,
        gl: &Layout,
    ) -> Result<()> {
        let (mean, gradient) = (slice_mut(mean, ml)?, slice(gradient, gl)?);
        let (kept, new, factor) = (self.kept as f32, self.new as f32, self.factor as f32);
        mean.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE)).for_each(|(mean, gradient)| {
            for (mean, gradient) in mean.iter_mut().zip(gradient) {
                let gradient = gradient * factor;
                *mean =
                    kept * *mean + new * if self.square { gradient * gradient } else { gradient };
            }
        });
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        mean: &mut CudaStorage,
        ml: &Layout,
        gradient: &CudaStorage,
        gl: &Layout,
    ) -> Result<()> {
        crate::cuda::running_mean(self, (mean, ml), (gradient, gl))
    }
}
