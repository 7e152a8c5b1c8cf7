//! Computes a network with candle's own operations, for devices other than the CPU. The tests
//! compare the CPU's engine with it.
//!
//! Candle 0.11 lacks the gradient of some operations, or gets it wrong. They are composed of
//! others: upsampling, pooling with overlapping windows, grouped transposed convolution.

use super::{
    engine::EPSILON,
    features::Features,
    graph::{ConvLayer, Graph, Layer, MapSize},
};
use crate::kernel::{norm::Statistics, pool::PoolShape, resize::ResizeShape};
use candle_core::{D, Device, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Module};

/// What a pass gives.
pub struct Output {
    /// The network's result [B, K, h, w].
    pub y: Tensor,
    /// The map that the last layer read.
    pub features: Tensor,
    /// The batch's statistics of every layer with a norm, in order, where it used them.
    pub statistics: Vec<Statistics>,
}

impl Output {
    /// [`Output::features`] as values.
    ///
    /// # Errors
    /// If the device fails.
    pub fn features(&self) -> Result<Features> {
        let (_, channels, height, width) = self.features.dims4()?;
        let values = self.features.detach().permute((0, 2, 3, 1))?.flatten_all()?.to_vec1()?;
        Ok(Features { values, size: MapSize { channels, height, width } })
    }
}

/// The network's result for `x` [B, C, H, W]. `buffers` holds the running statistics. Without it
/// batch norm takes the statistics of the batch.
///
/// # Errors
/// If the shapes, types or devices do not fit.
pub fn forward(
    graph: &Graph,
    x: &Tensor,
    parameters: &Tensor,
    buffers: Option<&Tensor>,
) -> Result<Output> {
    let mut maps = vec![x.clone()];
    let mut statistics = Vec::new();
    for layer in &graph.layers {
        let map = match layer {
            Layer::Conv(layer) => {
                let shortcut = layer.shortcut.map(|map| &maps[map.0]);
                conv(layer, &maps[layer.input.0], shortcut, parameters, buffers, &mut statistics)?
            }
            Layer::Pool { input, shape, max } => pool(shape, &maps[input.0], *max)?,
            Layer::Resize { input, shape } => resize(shape, &maps[input.0])?,
        };
        maps.push(map);
    }
    let features = maps[graph.features().0].clone();
    Ok(Output { y: maps.pop().unwrap_or_else(|| x.clone()), features, statistics })
}

fn conv(
    layer: &ConvLayer,
    x: &Tensor,
    shortcut: Option<&Tensor>,
    parameters: &Tensor,
    buffers: Option<&Tensor>,
    statistics: &mut Vec<Statistics>,
) -> Result<Tensor> {
    let shape = &layer.shape;
    let weight = layer.weight.view(parameters)?;
    let bias = layer.bias.as_ref().map(|bias| bias.view(parameters)).transpose()?;
    let per_channel = |values: Tensor| values.reshape((1, (), 1, 1));
    let mut y = if layer.transposed {
        let y = transposed(layer, x, &weight)?;
        match bias {
            Some(bias) => y.broadcast_add(&per_channel(bias)?)?,
            None => y,
        }
    } else {
        let config = Conv2dConfig {
            padding: shape.padding,
            stride: shape.stride,
            dilation: shape.dilation,
            groups: shape.groups,
            cudnn_fwd_algo: None,
        };
        Conv2d::new(weight, bias, config).forward(x)?
    };
    if let Some(norm) = &layer.norm {
        let (mean, variance) = match buffers {
            Some(buffers) => {
                (per_channel(norm.mean.view(buffers)?)?, per_channel(norm.variance.view(buffers)?)?)
            }
            None => {
                let mean = channel_mean(&y)?;
                let variance = channel_mean(&y.broadcast_sub(&mean)?.sqr()?)?;
                let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
                statistics.push(Statistics { mean: values(&mean)?, variance: values(&variance)? });
                (mean, variance)
            }
        };
        y = y
            .broadcast_sub(&mean)?
            .broadcast_div(&(variance + f64::from(EPSILON))?.sqrt()?)?
            .broadcast_mul(&per_channel(norm.weight.view(parameters)?)?)?
            .broadcast_add(&per_channel(norm.bias.view(parameters)?)?)?;
    }
    if let Some(shortcut) = shortcut {
        y = (y + shortcut)?;
    }
    if layer.relu { y.relu() } else { Ok(y) }
}

fn channel_mean(x: &Tensor) -> Result<Tensor> {
    x.mean_keepdim(0)?.mean_keepdim(2)?.mean_keepdim(D::Minus1)
}

/// Group by group, because candle's transposed convolution has no groups.
fn transposed(layer: &ConvLayer, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let shape = &layer.shape;
    let (channels, kernels) = (shape.group_outputs(), shape.outputs / shape.groups);
    let group = |group: usize| {
        let x = x.narrow(1, group * channels, channels)?.contiguous()?;
        let weight = weight.narrow(0, group * kernels, kernels)?.contiguous()?;
        x.conv_transpose2d(&weight, shape.padding, 0, shape.stride, shape.dilation)
    };
    Tensor::cat(&(0..shape.groups).map(group).collect::<Result<Vec<_>>>()?, 1)
}

/// Takes each place of the window from all windows at once, then the maximum or mean over the
/// places.
fn pool(shape: &PoolShape, x: &Tensor, max: bool) -> Result<Tensor> {
    let PoolShape { kernel, stride, padding, .. } = *shape;
    // No number is smaller, so the border is never a maximum.
    let outside = if max { f64::from(f32::MIN) } else { 0.0 };
    let padded = pad(&pad(x, 2, padding, outside)?, 3, padding, outside)?;
    let every = |x: &Tensor, dimension: usize, first: usize, count: usize| {
        let places: Vec<u32> = (0..count).map(|place| (first + place * stride) as u32).collect();
        x.index_select(&Tensor::from_vec(places, count, x.device())?, dimension)
    };
    let mut joined: Option<Tensor> = None;
    for ky in 0..kernel {
        for kx in 0..kernel {
            let place =
                every(&every(&padded, 2, ky, shape.out_height())?, 3, kx, shape.out_width())?;
            joined = Some(match joined {
                Some(joined) if max => joined.maximum(&place)?,
                Some(joined) => (joined + place)?,
                None => place,
            });
        }
    }
    let joined = joined.map_or_else(|| x.zeros_like(), Ok)?;
    if max { Ok(joined) } else { joined / (kernel * kernel) as f64 }
}

fn pad(x: &Tensor, dimension: usize, padding: usize, value: f64) -> Result<Tensor> {
    if padding == 0 {
        return Ok(x.clone());
    }
    let mut dims = x.dims().to_vec();
    dims[dimension] = padding;
    let border = Tensor::zeros(dims, x.dtype(), x.device())?.affine(0.0, value)?;
    Tensor::cat(&[&border, x, &border], dimension)
}

/// Along each side it is a product with a matrix of shares.
fn resize(shape: &ResizeShape, x: &Tensor) -> Result<Tensor> {
    let shares = |size: usize, device: &Device| {
        let places = shape.places(size);
        let mut matrix = vec![0f32; size * places.len()];
        for (out, between) in places.iter().enumerate() {
            for (place, share) in between {
                matrix[place * places.len() + out] += share;
            }
        }
        Tensor::from_vec(matrix, (size, places.len()), device)?.to_dtype(x.dtype())
    };
    let (columns, rows) = (shares(shape.width, x.device())?, shares(shape.height, x.device())?);
    let wide = x.contiguous()?.broadcast_matmul(&columns)?;
    wide.transpose(2, 3)?.contiguous()?.broadcast_matmul(&rows)?.transpose(2, 3)?.contiguous()
}
