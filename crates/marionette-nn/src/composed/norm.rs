//! Batch norm, with the shortcut and the rectifier that follow it.

#[cfg(feature = "cuda")]
use crate::cuda;
use crate::engine::EPSILON;
#[cfg(feature = "cuda")]
use candle_core::Device;
use candle_core::{DType, Result, Tensor};

/// A norm's input, and by what it was normalised.
pub struct Norm {
    /// The convolution's result [B, C, h, w].
    pub raw: Tensor,
    /// The mean of every channel, then its variance, biased: [2 C].
    pub moments: Tensor,
    /// By what the normalised values of every channel are multiplied, then what is added: [2 C].
    pub affine: Tensor,
}

/// What comes back through a norm.
pub struct NormGradients {
    /// The gradient behind the rectifier, that of the shortcut.
    pub shortcut: Tensor,
    /// The gradient of the norm's input.
    pub raw: Tensor,
    /// That of [`Norm::affine`].
    pub affine: Tensor,
}

/// Half `half` of `values` [2 C] as [1, C, 1, 1].
fn half(values: &Tensor, half: usize) -> Result<Tensor> {
    let channels = values.elem_count() / 2;
    per_channel(&values.narrow(0, half * channels, channels)?)
}

/// `values` [C] as [1, C, 1, 1].
pub fn per_channel(values: &Tensor) -> Result<Tensor> {
    values.reshape((1, (), 1, 1))
}

/// The sum of every channel of `x` [B, C, h, w]: [1, C, 1, 1].
pub fn channel_sum(x: &Tensor) -> Result<Tensor> {
    x.sum_keepdim((0, 2, 3))
}

/// `gradient` where the rectified `y` is positive, else 0.
pub fn behind_rectifier(gradient: &Tensor, y: &Tensor) -> Result<Tensor> {
    gradient * y.gt(0f32)?.to_dtype(DType::F32)?
}

/// Mean and variance of every channel of `raw` [B, C, h, w]: [2 C].
pub fn moments(raw: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if let Device::Cuda(device) = raw.device() {
        return cuda::norm_moments(device, raw);
    }
    let count = (raw.elem_count() / raw.dim(1)?) as f64;
    let mean = (channel_sum(raw)? / count)?;
    let variance = (channel_sum(&raw.broadcast_sub(&mean)?.sqr()?)? / count)?;
    Tensor::cat(&[mean.flatten_all()?, variance.flatten_all()?], 0)
}

impl Norm {
    /// The result, which is rectified if `relu`.
    pub fn forward(&self, shortcut: Option<&Tensor>, relu: bool) -> Result<Tensor> {
        #[cfg(feature = "cuda")]
        if let Device::Cuda(device) = self.raw.device() {
            return cuda::norm_forward(device, self, shortcut, relu);
        }
        let y = self
            .raw
            .broadcast_sub(&half(&self.moments, 0)?)?
            .broadcast_mul(&(half(&self.affine, 0)? * self.inverse()?)?)?
            .broadcast_add(&half(&self.affine, 1)?)?;
        let y = match shortcut {
            Some(shortcut) => (y + shortcut)?,
            None => y,
        };
        if relu { y.relu() } else { Ok(y) }
    }

    /// One over the deviation of every channel.
    fn inverse(&self) -> Result<Tensor> {
        (half(&self.moments, 1)? + f64::from(EPSILON))?.sqrt()?.recip()
    }

    /// The gradients for that of the result `y`, where mean and variance are the batch's:
    /// dx = γ·r·(g - mean(g) - x̂·mean(g·x̂)) with x̂ = (x - m)·r, r = 1/√(variance + ε).
    pub fn backward(&self, gradient: &Tensor, y: &Tensor, relu: bool) -> Result<NormGradients> {
        #[cfg(feature = "cuda")]
        if let Device::Cuda(device) = self.raw.device() {
            return cuda::norm_backward(device, self, gradient, y, relu);
        }
        let count = (self.raw.elem_count() / self.raw.dim(1)?) as f64;
        let shortcut = if relu { behind_rectifier(gradient, y)? } else { gradient.clone() };
        let inverse = self.inverse()?;
        let normalised =
            self.raw.broadcast_sub(&half(&self.moments, 0)?)?.broadcast_mul(&inverse)?;
        let total = channel_sum(&shortcut)?;
        let product = channel_sum(&(&shortcut * &normalised)?)?;
        let raw = shortcut
            .broadcast_sub(&(&total / count)?)?
            .sub(&normalised.broadcast_mul(&(&product / count)?)?)?
            .broadcast_mul(&(half(&self.affine, 0)? * inverse)?)?;
        let affine = Tensor::cat(&[product.flatten_all()?, total.flatten_all()?], 0)?;
        Ok(NormGradients { shortcut, raw, affine })
    }
}
