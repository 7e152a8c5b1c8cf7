//! Computes a network with candle's own operations and its own backward pass, to compare with.

use super::{
    Output,
    conv::convolve,
    resample::{pool, resize},
};
use crate::{
    engine::EPSILON,
    graph::{ConvLayer, Graph, Layer},
    kernel::norm::Statistics,
};
use candle_core::{D, Result, Tensor};

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
    let per_channel = |values: Tensor| values.reshape((1, (), 1, 1));
    let mut y = convolve(layer, x, &layer.weight.view(parameters)?)?;
    if let Some(bias) = &layer.bias {
        y = y.broadcast_add(&per_channel(bias.view(parameters)?)?)?;
    }
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
