//! Convolutions, and their gradients as other convolutions.

use crate::{graph::ConvLayer, kernel::shape::ConvShape};
use candle_core::{Result, Tensor};

/// The layer's convolution alone.
pub fn convolve(layer: &ConvLayer, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if layer.transposed {
        return transposed(layer, x, weight);
    }
    let ConvShape { padding, stride, dilation, groups, .. } = layer.shape;
    x.conv2d(weight, padding, stride, dilation, groups)
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

/// The gradient of the weight, of the shape that the weight has.
pub fn weight_gradient(
    layer: &ConvLayer,
    x: &Tensor,
    weight: &Tensor,
    dy: &Tensor,
) -> Result<Tensor> {
    let ConvShape { kernel, padding, dilation, stride, .. } = layer.shape;
    by_group(layer, [x, weight, dy], 0, |[x, _, dy]| {
        // A transposed convolution is the input gradient of the plain one from `dy` to `x`.
        let (x, dy) = if layer.transposed { (dy, x) } else { (x, dy) };
        let (x, dy) = (x.transpose(0, 1)?, dy.transpose(0, 1)?);
        let all = x.conv2d(&dy, padding, dilation, stride, 1)?.transpose(0, 1)?;
        // Of rows and columns that no stride reaches come more values than the kernel has.
        all.narrow(2, 0, kernel)?.narrow(3, 0, kernel)
    })
}

/// The gradient of the input `x`.
pub fn input_gradient(
    layer: &ConvLayer,
    x: &Tensor,
    weight: &Tensor,
    dy: &Tensor,
) -> Result<Tensor> {
    let ConvShape { height, width, kernel, padding, dilation, stride, .. } = layer.shape;
    let reach = dilation * (kernel - 1);
    by_group(layer, [x, weight, dy], 1, |[_, weight, dy]| {
        if layer.transposed {
            return dy.conv2d(weight, padding, stride, dilation, 1);
        }
        if stride == 1 {
            // candle multiplies matrices for a convolution, but goes value by value for a
            // transposed one. What a kernel makes of the border alone says nothing of the input.
            let border = padding.saturating_sub(reach);
            let inner =
                |dy: &Tensor, side: usize| dy.narrow(side, border, dy.dim(side)? - 2 * border);
            let dy = inner(&inner(dy, 2)?, 3)?;
            return dy.conv2d(&turned(weight)?, reach.saturating_sub(padding), 1, dilation, 1);
        }
        // More rows or columns than that come of those that no stride reaches.
        let missing = |side: usize, made: usize| {
            (side + 2 * padding).saturating_sub((made - 1) * stride + reach + 1)
        };
        let most = missing(height, dy.dim(2)?).max(missing(width, dy.dim(3)?));
        let dx = dy.conv_transpose2d(weight, padding, most, stride, dilation)?;
        dx.narrow(2, 0, height)?.narrow(3, 0, width)
    })
}

/// What `f` makes of x, weight and dy of every group of channels, one after the other along
/// `dimension`.
fn by_group(
    layer: &ConvLayer,
    tensors: [&Tensor; 3],
    dimension: usize,
    f: impl Fn([&Tensor; 3]) -> Result<Tensor>,
) -> Result<Tensor> {
    let groups = layer.shape.groups;
    if groups == 1 {
        return f(tensors);
    }
    let part = |tensor: &Tensor, dimension: usize, group: usize| {
        let count = tensor.dim(dimension)? / groups;
        tensor.narrow(dimension, group * count, count)?.contiguous()
    };
    let [x, weight, dy] = tensors;
    let made = (0..groups)
        .map(|group| f([&part(x, 1, group)?, &part(weight, 0, group)?, &part(dy, 1, group)?]));
    Tensor::cat(&made.collect::<Result<Vec<_>>>()?, dimension)
}

/// A weight with inputs and outputs exchanged and every kernel turned by half a turn.
fn turned(weight: &Tensor) -> Result<Tensor> {
    let exchanged = weight.transpose(0, 1)?.contiguous()?;
    let kernels = exchanged.flatten_from(2)?;
    let count = kernels.dim(2)?;
    let backwards = Tensor::from_iter((0..count as u32).rev(), weight.device())?;
    kernels.index_select(&backwards, 2)?.reshape(exchanged.shape())
}
