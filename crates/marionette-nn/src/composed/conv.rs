//! Convolutions, and their gradients as other convolutions.

use crate::{graph::ConvLayer, kernel::shape::ConvShape};
use candle_core::{Result, Tensor};

/// The layer's convolution alone.
pub fn convolve(layer: &ConvLayer, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let ConvShape { padding, stride, dilation, groups, .. } = layer.shape;
    if !layer.transposed {
        return x.conv2d(weight, padding, stride, dilation, groups);
    }
    // candle's transposed convolution has no groups.
    by_group(layer, [(x, 1), (weight, 0)], 1, |[x, weight]| {
        x.conv_transpose2d(weight, padding, 0, stride, dilation)
    })
}

/// The gradient of the weight, of the shape that the weight has.
pub fn weight_gradient(layer: &ConvLayer, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let ConvShape { kernel, padding, dilation, stride, .. } = layer.shape;
    by_group(layer, [(x, 1), (dy, 1)], 0, |[x, dy]| {
        // A transposed convolution is the input gradient of the plain one from `dy` to `x`.
        let (x, dy) = if layer.transposed { (dy, x) } else { (x, dy) };
        let (x, dy) = (x.transpose(0, 1)?, dy.transpose(0, 1)?);
        let all = x.conv2d(&dy, padding, dilation, stride, 1)?.transpose(0, 1)?;
        // Of rows and columns that no stride reaches come more values than the kernel has.
        all.narrow(2, 0, kernel)?.narrow(3, 0, kernel)
    })
}

/// The gradient of the input `x`.
pub fn input_gradient(layer: &ConvLayer, weight: &Tensor, dy: &Tensor) -> Result<Tensor> {
    let ConvShape { height, width, kernel, padding, dilation, stride, .. } = layer.shape;
    let reach = dilation * (kernel - 1);
    by_group(layer, [(weight, 0), (dy, 1)], 1, |[weight, dy]| {
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

/// What `f` makes of every group's part of two tensors, one after the other along `dimension`. The
/// groups of each lie along the dimension beside it.
fn by_group(
    layer: &ConvLayer,
    tensors: [(&Tensor, usize); 2],
    dimension: usize,
    f: impl Fn([&Tensor; 2]) -> Result<Tensor>,
) -> Result<Tensor> {
    let groups = layer.shape.groups;
    let [first, second] = tensors;
    if groups == 1 {
        return f([first.0, second.0]);
    }
    let part = |(tensor, along): (&Tensor, usize), group: usize| {
        let count = tensor.dim(along)? / groups;
        tensor.narrow(along, group * count, count)?.contiguous()
    };
    let made = (0..groups).map(|group| f([&part(first, group)?, &part(second, group)?]));
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
