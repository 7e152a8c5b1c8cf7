//! Weights in the order that the products read them.

use super::shape::ConvShape;

/// `weight` [O, C / g, k, k] as [g, k, k, C / g, O / g]: what a forward product multiplies with.
pub fn forward_taps(shape: &ConvShape, weight: &[f32], packed: &mut [f32]) {
    let (inputs, outputs, area) = (shape.group_inputs(), shape.group_outputs(), shape.kernel * shape.kernel);
    for (group, (packed, weight)) in groups(shape, packed, weight).enumerate() {
        debug_assert!(group < shape.groups);
        for tap in 0..area {
            for input in 0..inputs {
                let row = &mut packed[(tap * inputs + input) * outputs..][..outputs];
                for (output, value) in row.iter_mut().enumerate() {
                    *value = weight[(output * inputs + input) * area + tap];
                }
            }
        }
    }
}

/// `weight` [O, C / g, k, k] as [g, k, k, O / g, C / g]: what the input gradient multiplies with.
pub fn backward_taps(shape: &ConvShape, weight: &[f32], packed: &mut [f32]) {
    let (inputs, outputs, area) = (shape.group_inputs(), shape.group_outputs(), shape.kernel * shape.kernel);
    for (packed, weight) in groups(shape, packed, weight) {
        for tap in 0..area {
            for output in 0..outputs {
                let row = &mut packed[(tap * outputs + output) * inputs..][..inputs];
                for (input, value) in row.iter_mut().enumerate() {
                    *value = weight[(output * inputs + input) * area + tap];
                }
            }
        }
    }
}

/// The gradient [g, k, k, C / g, O / g] as the gradient of the weight, [O, C / g, k, k].
pub fn unpack_gradient(shape: &ConvShape, packed: &[f32], gradient: &mut [f32]) {
    let (inputs, outputs, area) = (shape.group_inputs(), shape.group_outputs(), shape.kernel * shape.kernel);
    let length = packed.len() / shape.groups;
    for (gradient, packed) in gradient.chunks_exact_mut(length).zip(packed.chunks_exact(length)) {
        for (index, value) in gradient.iter_mut().enumerate() {
            let (pair, tap) = (index / area, index % area);
            let (output, input) = (pair / inputs, pair % inputs);
            *value = packed[(tap * inputs + input) * outputs + output];
        }
    }
}

fn groups<'a>(
    shape: &ConvShape,
    packed: &'a mut [f32],
    weight: &'a [f32],
) -> impl Iterator<Item = (&'a mut [f32], &'a [f32])> {
    let length = shape.weight_len() / shape.groups;
    packed.chunks_exact_mut(length).zip(weight.chunks_exact(length))
}
