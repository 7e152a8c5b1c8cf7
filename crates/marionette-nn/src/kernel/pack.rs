//! Weights in the order that the products read them.
//!
//! Rows of one order are columns of the other, so the copies go block by block: a cache line is
//! used up before it is evicted.

use super::shape::ConvShape;
use rayon::prelude::*;

/// Channels of a block, a cache line of them.
const BLOCK: usize = 16;

/// `weight` [O, C / g, k, k] as [g, k, k, C / g, O / g]: the order for forward products.
pub fn forward_taps(shape: &ConvShape, weight: &[f32], packed: &mut [f32]) {
    let (inputs, outputs, area) =
        (shape.group_inputs(), shape.group_outputs(), shape.kernel * shape.kernel);
    packed.par_chunks_mut(inputs * outputs).enumerate().for_each(|(index, packed)| {
        let (group, tap) = (index / area, index % area);
        let weight = &weight[group * outputs * inputs * area..][..outputs * inputs * area];
        for first in (0..outputs).step_by(BLOCK) {
            let end = outputs.min(first + BLOCK);
            for input in 0..inputs {
                for output in first..end {
                    packed[input * outputs + output] =
                        weight[(output * inputs + input) * area + tap];
                }
            }
        }
    });
}

/// `weight` [O, C / g, k, k] as [g, k, k, O / g, C / g]: the order for input gradients.
pub fn backward_taps(shape: &ConvShape, weight: &[f32], packed: &mut [f32]) {
    let (inputs, outputs, area) =
        (shape.group_inputs(), shape.group_outputs(), shape.kernel * shape.kernel);
    packed.par_chunks_mut(inputs * outputs).enumerate().for_each(|(index, packed)| {
        let (group, tap) = (index / area, index % area);
        let weight = &weight[group * outputs * inputs * area..][..outputs * inputs * area];
        for (value, kernel) in packed.iter_mut().zip(weight.chunks_exact(area)) {
            *value = kernel[tap];
        }
    });
}

/// The gradient [g, k, k, C / g, O / g] as the gradient of the weight, [O, C / g, k, k].
pub fn unpack_gradient(shape: &ConvShape, packed: &[f32], gradient: &mut [f32]) {
    let (inputs, outputs, area) =
        (shape.group_inputs(), shape.group_outputs(), shape.kernel * shape.kernel);
    let length = outputs * inputs * area;
    for (gradient, packed) in gradient.chunks_exact_mut(length).zip(packed.chunks_exact(length)) {
        gradient.par_chunks_mut(BLOCK * inputs * area).enumerate().for_each(|(block, gradient)| {
            for input in 0..inputs {
                for tap in 0..area {
                    let row = &packed[(tap * inputs + input) * outputs + block * BLOCK..];
                    for (kernels, value) in gradient.chunks_exact_mut(inputs * area).zip(row) {
                        kernels[input * area + tap] = *value;
                    }
                }
            }
        });
    }
}
