//! Convolution over a batch, by the method that is fastest for its shape.
//!
//! Parts that are summed on their own are cut by sizes alone, never by the number of threads, and
//! all sums are added in order. So results have the same bits for any number of threads.

use super::{
    depthwise, direct, pack,
    product::Write,
    scratch::room,
    shape::ConvShape,
    winograd::{self, Tiling},
};
use rayon::prelude::*;

/// A weight gradient of at most this many values is summed in parts, each over consecutive images.
/// The parts of a larger one would take much memory; there the tasks divide the values instead of
/// the images.
const LARGEST_PART: usize = 400_000;
/// Parts, at most.
const PARTS: usize = 8;
/// Images in a part, at least.
const IMAGES_PER_PART: usize = 4;

/// How a convolution is computed.
#[derive(Clone, Copy, Debug)]
enum Method {
    Winograd(Tiling),
    Depthwise,
    Direct,
}

impl Method {
    fn new(shape: &ConvShape, tiling: Option<Tiling>) -> Self {
        match tiling {
            Some(tiling) => Method::Winograd(tiling),
            None if shape.is_depthwise() => Method::Depthwise,
            None => Method::Direct,
        }
    }

    fn forward(shape: &ConvShape) -> Self {
        Self::new(shape, Tiling::forward(shape))
    }

    fn input_gradient(shape: &ConvShape) -> Self {
        Self::new(shape, Tiling::input_gradient(shape))
    }
}

/// Weights in the order that the forward pass or the input gradient reads.
#[derive(Debug, Default)]
pub struct Weights(Vec<f32>);

impl Weights {
    /// Prepares `weight` [O, C / g, k, k] for [`forward`].
    pub fn for_forward(&mut self, shape: &ConvShape, weight: &[f32]) {
        self.prepare(shape, weight, Method::forward(shape), false);
    }

    /// Prepares `weight` [O, C / g, k, k] for [`input_gradient`].
    pub fn for_input_gradient(&mut self, shape: &ConvShape, weight: &[f32]) {
        self.prepare(shape, weight, Method::input_gradient(shape), true);
    }

    fn prepare(&mut self, shape: &ConvShape, weight: &[f32], method: Method, backward: bool) {
        let length = match &method {
            Method::Winograd(tiling) => tiling.weights_len(),
            _ => shape.weight_len(),
        };
        self.0.resize(length, 0.0);
        match &method {
            Method::Winograd(tiling) => winograd::weights(tiling, weight, backward, &mut self.0),
            Method::Depthwise => depthwise::pack(shape, weight, &mut self.0),
            Method::Direct if backward => pack::backward_taps(shape, weight, &mut self.0),
            Method::Direct => pack::forward_taps(shape, weight, &mut self.0),
        }
    }
}

/// Number of values of Y that [`forward`] computes at once and gives to `finish`; the last block
/// may be shorter. `notes` needs the same number of values for each block, at least one.
pub fn forward_block(shape: &ConvShape) -> usize {
    match Method::forward(shape) {
        Method::Winograd(tiling) => tiling.block_len(),
        _ => shape.out_len(),
    }
}

/// Number of values of dX that [`input_gradient`] computes at once and gives to `finish`; the last
/// block may be shorter.
pub fn input_gradient_block(shape: &ConvShape) -> usize {
    match Method::input_gradient(shape) {
        Method::Winograd(tiling) => tiling.block_len(),
        _ => shape.in_len(),
    }
}

/// How many notes belong to each block of `values`.
fn share_of_notes(notes: &[f32], values: &[f32], block: usize) -> usize {
    let blocks = values.len().div_ceil(block);
    // With fewer notes than blocks some would be left out.
    assert!(
        notes.len() >= blocks && notes.len().is_multiple_of(blocks),
        "{} notes for {blocks} blocks",
        notes.len()
    );
    notes.len() / blocks
}

/// Y [B, H', W', O] of `x` [B, H, W, C], set or added to. `finish` is called with each block's
/// index, its values and its share of `notes`, while the block is still in the cache.
pub fn forward(
    shape: &ConvShape,
    x: &[f32],
    weights: &Weights,
    y: &mut [f32],
    write: Write,
    notes: &mut [f32],
    finish: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    debug_assert_ne!(write, Write::Resume);
    let method = Method::forward(shape);
    let block = forward_block(shape);
    let notes = notes.par_chunks_mut(share_of_notes(notes, y, block));
    y.par_chunks_mut(block).zip(notes).enumerate().for_each(|(index, (y, notes))| {
        let image = index * shape.in_len()..(index + 1) * shape.in_len();
        match &method {
            Method::Winograd(tiling) => {
                winograd::forward_block(tiling, x, &weights.0, index, y, write);
            }
            Method::Depthwise => {
                if write == Write::Set {
                    y.fill(0.0);
                }
                depthwise::add_forward(shape, &x[image], &weights.0, y);
            }
            Method::Direct => direct::forward(shape, &x[image], &weights.0, y, write),
        }
        finish(index, y, notes);
    });
}

/// dX [B, H, W, C] of `dy` [B, H', W', O], set or added to. `finish` is called with each block's
/// index, its values and its share of `notes`, while the block is still in the cache.
pub fn input_gradient(
    shape: &ConvShape,
    dy: &[f32],
    weights: &Weights,
    dx: &mut [f32],
    write: Write,
    notes: &mut [f32],
    finish: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    debug_assert_ne!(write, Write::Resume);
    let method = Method::input_gradient(shape);
    let block = input_gradient_block(shape);
    let notes = notes.par_chunks_mut(share_of_notes(notes, dx, block));
    dx.par_chunks_mut(block).zip(notes).enumerate().for_each(|(index, (dx, notes))| {
        let image = index * shape.out_len()..(index + 1) * shape.out_len();
        match &method {
            Method::Winograd(tiling) => {
                winograd::forward_block(tiling, dy, &weights.0, index, dx, write);
            }
            Method::Depthwise => {
                if write == Write::Set {
                    dx.fill(0.0);
                }
                depthwise::add_input_gradient(shape, &dy[image], &weights.0, dx);
            }
            Method::Direct => direct::input_gradient(shape, &dy[image], &weights.0, dx, write),
        }
        finish(index, dx, notes);
    });
}

/// Memory for the weight gradient, kept from call to call.
#[derive(Debug, Default)]
pub struct GradientMemory {
    sums: Vec<f32>,
    x: Vec<f32>,
    dy: Vec<f32>,
}

/// dW [O, C / g, k, k] of `x` [B, H, W, C] and `dy` [B, H', W', O].
pub fn weight_gradient(
    shape: &ConvShape,
    x: &[f32],
    dy: &[f32],
    memory: &mut GradientMemory,
    gradient: &mut [f32],
) {
    let GradientMemory { sums, x: spread_x, dy: spread_dy } = memory;
    let method = Method::forward(shape);
    let length = match &method {
        Method::Winograd(tiling) => tiling.weights_len(),
        _ => shape.weight_len(),
    };
    let sums = if length <= LARGEST_PART {
        sum_in_parts(shape, &method, length, x, dy, sums)
    } else {
        let sums = room(sums, length);
        match &method {
            Method::Winograd(tiling) => {
                winograd::weight_gradient_by_place(tiling, x, dy, spread_x, spread_dy, sums)
            }
            _ => direct::weight_gradient_by_place(shape, x, dy, spread_x, sums),
        }
        &*sums
    };
    match method {
        Method::Winograd(tiling) => winograd::weight_gradient(&tiling, sums, gradient),
        Method::Depthwise => depthwise::unpack_gradient(shape, sums, gradient),
        Method::Direct => pack::unpack_gradient(shape, sums, gradient),
    }
}

/// The gradient over the batch, summed in parts of some images each. Winograd's parts are not added
/// up yet: that is done while they are transformed.
fn sum_in_parts<'a>(
    shape: &ConvShape,
    method: &Method,
    length: usize,
    x: &[f32],
    dy: &[f32],
    sums: &'a mut Vec<f32>,
) -> &'a [f32] {
    let batch = x.len() / shape.in_len();
    let images = batch.div_ceil(PARTS).max(IMAGES_PER_PART);
    let parts = batch.div_ceil(images).max(1);
    let sums = room(sums, parts * length);
    sums.par_chunks_mut(length)
        .zip(x.par_chunks(images * shape.in_len()))
        .zip(dy.par_chunks(images * shape.out_len()))
        .for_each(|((sum, x), dy)| {
            if let Method::Winograd(tiling) = method {
                return winograd::weight_gradient_of_part(tiling, x, dy, sum);
            }
            sum.fill(0.0);
            for (x, dy) in x.chunks(shape.in_len()).zip(dy.chunks(shape.out_len())) {
                match method {
                    Method::Depthwise => depthwise::add_weight_gradient(shape, x, dy, sum),
                    _ => direct::add_weight_gradient(shape, x, dy, sum),
                }
            }
        });
    if let Method::Winograd(_) = method {
        return sums;
    }
    let (total, others) = sums.split_at_mut(length);
    const PIECE: usize = 1 << 13;
    total.par_chunks_mut(PIECE).enumerate().for_each(|(index, total)| {
        for other in others.chunks_exact(length) {
            for (total, value) in total.iter_mut().zip(&other[index * PIECE..]) {
                *total += value;
            }
        }
    });
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapes that leave pixels of dX without any tap, on maps of few and of many columns, and one
    /// for every other method.
    #[test]
    fn whatever_was_there_before_is_replaced() {
        let shape = |side, channels, kernel, stride, dilation, groups| ConvShape {
            inputs: channels,
            outputs: channels,
            height: side,
            width: side,
            kernel,
            stride,
            padding: 0,
            dilation,
            groups,
        };
        let mut shapes = vec![shape(9, 16, 3, 1, 1, 1), shape(9, 4, 3, 2, 1, 4)];
        for side in [7, 40] {
            shapes.extend(
                [(1, 2, 1), (2, 3, 1), (3, 2, 2), (4, 2, 1)]
                    .map(|(kernel, stride, dilation)| shape(side, 3, kernel, stride, dilation, 1)),
            );
        }
        for shape in shapes {
            let values =
                |count: usize| (0..count).map(|i| (i % 7) as f32 - 3.0).collect::<Vec<_>>();
            let (x, dy) = (values(2 * shape.in_len()), values(2 * shape.out_len()));
            let weight = values(shape.weight_len());
            let mut weights = Weights::default();
            let both = [f32::NAN, 0.0].map(|before| {
                let (mut y, mut dx) = (vec![before; dy.len()], vec![before; x.len()]);
                let mut notes = vec![0.0; 2];
                weights.for_forward(&shape, &weight);
                forward(&shape, &x, &weights, &mut y, Write::Set, &mut notes, |_, _, _| {});
                weights.for_input_gradient(&shape, &weight);
                input_gradient(
                    &shape,
                    &dy,
                    &weights,
                    &mut dx,
                    Write::Set,
                    &mut notes,
                    |_, _, _| {},
                );
                (y, dx)
            });
            assert_eq!(both[0], both[1], "{shape:?}");
        }
    }
}
