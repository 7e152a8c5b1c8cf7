//! The layers that networks are made of.

use super::{
    Parameters,
    conv::conv2d,
    norm::{ChannelStatistics, Source, batch_norm, channel_statistics},
};
use candle_core::{Result, Tensor, Var};

/// How much of a running statistic one batch replaces, as in PyTorch.
const MOMENTUM: f32 = 0.1;

/// A convolution with square kernels, padded so that stride 1 keeps the size.
pub struct Conv {
    weight: Var,
    bias: Option<Var>,
    stride: usize,
}

impl Conv {
    /// A convolution without bias (batch norm follows it), named `name`.
    ///
    /// Its initial values are normal with the deviation √(2 / (k²·outputs)), which keeps the size of gradients behind a
    /// rectifier (He et al. 2015, arXiv 1502.01852, Eq. 14).
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn new(
        parameters: &mut Parameters,
        name: &str,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self> {
        let deviation = (2.0 / (outputs * kernel * kernel) as f64).sqrt();
        let weight = parameters.normal(&format!("{name}.weight"), (outputs, inputs, kernel, kernel), deviation)?;
        Ok(Self { weight, bias: None, stride })
    }

    /// The layer that ends a network: a stride of 1, with a bias, and small initial values (deviation 0.001, as in Xiao
    /// et al. 2018, "Simple baselines for human pose estimation and tracking", arXiv 1804.06208), so that all heatmaps
    /// start flat.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn head(parameters: &mut Parameters, name: &str, inputs: usize, outputs: usize, kernel: usize) -> Result<Self> {
        let weight = parameters.normal(&format!("{name}.weight"), (outputs, inputs, kernel, kernel), 0.001)?;
        let bias = parameters.constant(&format!("{name}.bias"), outputs, 0.0)?;
        Ok(Self { weight, bias: Some(bias), stride: 1 })
    }

    /// [B, C, H, W] to [B, O, H', W'].
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = conv2d(x, &self.weight, self.stride, self.weight.dim(3)? / 2)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(&bias.reshape((1, (), 1, 1))?),
            None => Ok(y),
        }
    }
}

/// Batch norm with running statistics.
pub struct BatchNorm {
    weight: Var,
    bias: Var,
    running_mean: Var,
    running_var: Var,
}

impl BatchNorm {
    /// Batch norm over `channels`, named `name`; it starts as the identity.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn new(parameters: &mut Parameters, name: &str, channels: usize) -> Result<Self> {
        Ok(Self {
            weight: parameters.constant(&format!("{name}.weight"), channels, 1.0)?,
            bias: parameters.constant(&format!("{name}.bias"), channels, 0.0)?,
            running_mean: parameters.buffer(&format!("{name}.running_mean"), channels, 0.0)?,
            running_var: parameters.buffer(&format!("{name}.running_var"), channels, 1.0)?,
        })
    }

    /// [B, C, H, W] normalised; by the batch's statistics, which then move the running ones, if `train`.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        self.normalise(x, train, false)
    }

    /// The same, then max(·, 0).
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn forward_relu(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        self.normalise(x, train, true)
    }

    fn normalise(&self, x: &Tensor, train: bool, relu: bool) -> Result<Tensor> {
        if train {
            let statistics = channel_statistics(x)?;
            self.track(&statistics)?;
            batch_norm(x, &self.weight, &self.bias, &statistics, Source::Batch, relu)
        } else {
            let (mean, variance) = (self.running_mean.to_vec1()?, self.running_var.to_vec1()?);
            let statistics = ChannelStatistics { mean, variance, count: 0 };
            batch_norm(x, &self.weight, &self.bias, &statistics, Source::Running, relu)
        }
    }

    fn track(&self, batch: &ChannelStatistics) -> Result<()> {
        // One overflowing batch, whose step the trainer skips, must not spoil the running statistics for ever.
        if batch.mean.iter().chain(&batch.variance).any(|value| !value.is_finite()) {
            return Ok(());
        }
        for (running, batch) in [(&self.running_mean, &batch.mean), (&self.running_var, &batch.unbiased_variance())] {
            let mut values: Vec<f32> = running.to_vec1()?;
            for (value, batch) in values.iter_mut().zip(batch) {
                *value += MOMENTUM * (batch - *value);
            }
            running.set(&Tensor::from_vec(values, running.shape(), running.device())?)?;
        }
        Ok(())
    }
}
