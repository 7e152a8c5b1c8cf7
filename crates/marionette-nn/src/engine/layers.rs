//! The forward and the backward pass of each kind of layer.

use super::{
    super::graph::{ConvLayer, Graph, Layer, Map},
    clock::EngineOperation,
    memory::{LayerMemory, Memory},
};
use crate::{
    graph::NormSlots,
    kernel::{
        conv::{self, Weights},
        norm::{self, Affine, block_moments},
        pool,
        product::Write,
        resize,
        scratch::room,
    },
};
use rayon::prelude::*;

/// Added to a variance before its root is taken, as in PyTorch.
pub const EPSILON: f32 = 1e-5;

impl ConvLayer {
    fn outputs(&self) -> usize {
        if self.transposed { self.shape.inputs } else { self.shape.outputs }
    }

    /// Number of values that [`ConvLayer::convolve`] computes at once.
    fn block(&self, backward: bool) -> usize {
        if self.transposed == backward {
            conv::forward_block(&self.shape)
        } else {
            conv::input_gradient_block(&self.shape)
        }
    }

    fn prepare(&self, weight: &[f32], weights: &mut Weights, backward: bool) {
        if self.transposed == backward {
            weights.for_forward(&self.shape, weight);
        } else {
            weights.for_input_gradient(&self.shape, weight);
        }
    }

    /// The convolution, or with `backward` its input gradient; `weights` are prepared for it.
    fn convolve(
        &self,
        backward: bool,
        (x, y): (&[f32], &mut [f32]),
        weights: &Weights,
        write: Write,
        notes: &mut [f32],
        finish: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
    ) {
        if self.transposed == backward {
            conv::forward(&self.shape, x, weights, y, write, notes, finish);
        } else {
            conv::input_gradient(&self.shape, x, weights, y, write, notes, finish);
        }
    }

    /// `weight` with every output channel multiplied by its `scale`.
    pub fn folded<'a>(&self, weight: &[f32], scale: &[f32], folded: &'a mut Vec<f32>) -> &'a [f32] {
        folded.clear();
        folded.extend_from_slice(weight);
        let area = self.shape.kernel * self.shape.kernel;
        if self.transposed {
            let (per_group, group) = (self.shape.group_inputs(), self.shape.group_outputs());
            for (index, kernel) in folded.chunks_exact_mut(area).enumerate() {
                let (input, output) = (index / per_group, index % per_group);
                let channel = input / group * per_group + output;
                kernel.iter_mut().for_each(|value| *value *= scale[channel]);
            }
        } else {
            let length = self.shape.group_inputs() * area;
            for (kernels, scale) in folded.chunks_exact_mut(length).zip(scale) {
                kernels.iter_mut().for_each(|value| *value *= scale);
            }
        }
        folded
    }
}

/// What a norm does with given statistics: scale and shift per channel.
pub fn scale_and_shift(
    norm: &NormSlots,
    parameters: &[f32],
    mean: &[f32],
    variance: &[f32],
    scale: &mut Vec<f32>,
    shift: &mut Vec<f32>,
) {
    let (weight, bias) = (&parameters[norm.weight.range()], &parameters[norm.bias.range()]);
    scale.clear();
    scale.extend(
        weight.iter().zip(variance).map(|(weight, variance)| weight / (variance + EPSILON).sqrt()),
    );
    shift.clear();
    shift.extend(
        bias.iter().zip(mean).zip(&*scale).map(|((bias, mean), scale)| bias - mean * scale),
    );
}

impl Memory {
    pub(super) fn forward_layer(
        &mut self,
        graph: &Graph,
        index: usize,
        parameters: &[f32],
        buffers: Option<&[f32]>,
    ) {
        let (before, after) = self.maps.split_at_mut(index + 1);
        let y = &mut after[0];
        match &graph.layers[index] {
            Layer::Conv(_) => return self.forward_conv(graph, index, parameters, buffers),
            Layer::Pool { input, shape, max: true } => pool::max(shape, &before[input.0], y),
            Layer::Pool { input, shape, max: false } => pool::average(shape, &before[input.0], y),
            Layer::Resize { input, shape } => resize::forward(shape, &before[input.0], y),
        }
        self.clock.lap(EngineOperation::Other);
    }

    fn forward_conv(
        &mut self,
        graph: &Graph,
        index: usize,
        parameters: &[f32],
        buffers: Option<&[f32]>,
    ) {
        let Layer::Conv(layer) = &graph.layers[index] else { return };
        let (before, after) = self.maps.split_at_mut(index + 1);
        let (x, y) = (&before[layer.input.0], &mut after[0]);
        let shortcut = layer.shortcut.map(|map| before[map.0].as_slice());
        let LayerMemory { raw, statistics, scale, shift } = &mut self.layers[index];
        let (channels, block) = (layer.outputs(), layer.block(false));
        let blocks = y.len().div_ceil(block);
        let weight = &parameters[layer.weight.range()];
        if let (Some(slots), None) = (&layer.norm, buffers) {
            layer.prepare(weight, &mut self.weights, false);
            self.clock.lap(EngineOperation::Other);
            raw.resize(y.len(), 0.0);
            let moments = room(&mut self.sums, blocks * 2 * channels);
            layer.convolve(
                false,
                (x, raw),
                &self.weights,
                Write::Set,
                moments,
                |_, block, moments| {
                    block_moments(block, channels, moments);
                },
            );
            self.clock.lap(EngineOperation::Convolution);
            statistics.join(moments, channels, block / channels, y.len() / channels);
            scale_and_shift(
                slots,
                parameters,
                &statistics.mean,
                &statistics.variance,
                scale,
                shift,
            );
            Affine { scale: Some(scale), shift, relu: layer.relu }.apply(raw, shortcut, y);
            return self.clock.lap(EngineOperation::Norm);
        }
        // There are no statistics to wait for, so everything after the convolution is computed
        // while a block is still in the cache.
        let weight = match (&layer.norm, buffers) {
            (Some(slots), Some(buffers)) => {
                let (mean, variance) =
                    (&buffers[slots.mean.range()], &buffers[slots.variance.range()]);
                scale_and_shift(slots, parameters, mean, variance, scale, shift);
                layer.folded(weight, scale, &mut self.folded)
            }
            _ => {
                shift.clear();
                match &layer.bias {
                    Some(bias) => shift.extend_from_slice(&parameters[bias.range()]),
                    None => shift.resize(channels, 0.0),
                }
                weight
            }
        };
        layer.prepare(weight, &mut self.weights, false);
        self.clock.lap(EngineOperation::Other);
        let affine = Affine { scale: None, shift, relu: layer.relu };
        let notes = room(&mut self.sums, blocks);
        layer.convolve(false, (x, y), &self.weights, Write::Set, notes, |index, y, _| {
            affine.finish(y, shortcut.map(|values| &values[index * block..][..y.len()]));
        });
        self.clock.lap(EngineOperation::Convolution);
    }

    pub(super) fn backward_layer(
        &mut self,
        graph: &Graph,
        index: usize,
        parameters: &[f32],
        gradient: Vec<f32>,
        want_input: bool,
        dparameters: &mut [f32],
    ) {
        match &graph.layers[index] {
            Layer::Conv(layer) => {
                return self.backward_conv(
                    layer,
                    index,
                    parameters,
                    gradient,
                    want_input,
                    dparameters,
                );
            }
            Layer::Pool { input, shape, max } => {
                let mut dx = self.gradient_to_add_to(*input);
                let (x, y) = (&self.maps[input.0], &self.maps[index + 1]);
                if *max {
                    pool::add_max_gradient(shape, x, y, &gradient, &mut dx);
                } else {
                    pool::add_average_gradient(shape, &gradient, &mut dx);
                }
                self.gradients[input.0] = Some(dx);
            }
            Layer::Resize { input, shape } => {
                let mut dx = self.gradient_to_add_to(*input);
                resize::add_gradient(shape, &gradient, &mut dx);
                self.gradients[input.0] = Some(dx);
            }
        }
        self.spare.give(gradient);
        self.clock.lap(EngineOperation::Other);
    }

    /// The gradient of `map` so far, zeros if there is none.
    fn gradient_to_add_to(&mut self, map: Map) -> Vec<f32> {
        self.gradients[map.0].take().unwrap_or_else(|| {
            let mut zeros = self.spare.take(self.maps[map.0].len());
            zeros.fill(0.0);
            zeros
        })
    }

    fn backward_conv(
        &mut self,
        layer: &ConvLayer,
        index: usize,
        parameters: &[f32],
        mut gradient: Vec<f32>,
        want_input: bool,
        dparameters: &mut [f32],
    ) {
        let channels = layer.outputs();
        let pixels = gradient.len() / channels;
        let LayerMemory { raw, statistics, scale, .. } = &mut self.layers[index];
        let z = layer.relu.then(|| self.maps[index + 1].as_slice());
        let deviation = layer.norm.as_ref().map(|_| (raw.as_slice(), statistics.mean.as_slice()));
        let length = norm::sums_len(pixels, channels);
        let (total, product) = if z.is_some() || deviation.is_some() || layer.bias.is_some() {
            norm::backward_sums(z, deviation, &mut gradient, channels, room(&mut self.sums, length))
        } else {
            Default::default()
        };
        let dy = match &layer.norm {
            Some(slots) => {
                let mut dy = self.spare.take(gradient.len());
                // dy = γ·r·(g - mean(g) - x̂·mean(g·x̂)) with x̂ = (y - m)·r, r = 1/√(variance +
                // ε); `scale` is γ·r.
                let count = pixels as f64;
                let (mut by_value, mut constant) = (vec![0.0; channels], vec![0.0; channels]);
                for channel in 0..channels {
                    let r =
                        1.0 / (f64::from(statistics.variance[channel]) + f64::from(EPSILON)).sqrt();
                    let (scale, mean) =
                        (f64::from(scale[channel]), f64::from(statistics.mean[channel]));
                    let slope = -scale * r * r * product[channel] / count;
                    by_value[channel] = slope as f32;
                    constant[channel] = (-scale * total[channel] / count - slope * mean) as f32;
                    dparameters[slots.weight.range().start + channel] =
                        (product[channel] * r) as f32;
                    dparameters[slots.bias.range().start + channel] = total[channel] as f32;
                }
                norm::backward_apply(&gradient, raw, scale, &by_value, &constant, &mut dy);
                Some(dy)
            }
            None => None,
        };
        if let Some(bias) = &layer.bias {
            for (gradient, total) in dparameters[bias.range()].iter_mut().zip(&total) {
                *gradient = *total as f32;
            }
        }
        self.clock.lap(EngineOperation::Norm);

        let dy_values = dy.as_ref().unwrap_or(&gradient);
        let x = &self.maps[layer.input.0];
        let dweight = &mut dparameters[layer.weight.range()];
        if layer.transposed {
            conv::weight_gradient(&layer.shape, dy_values, x, &mut self.weight_gradient, dweight);
        } else {
            conv::weight_gradient(&layer.shape, x, dy_values, &mut self.weight_gradient, dweight);
        }
        self.clock.lap(EngineOperation::WeightGradient);
        if layer.input != Map(0) || want_input {
            layer.prepare(&parameters[layer.weight.range()], &mut self.weights, true);
            self.clock.lap(EngineOperation::Other);
            let (mut dx, write) = match self.gradients[layer.input.0].take() {
                Some(dx) => (dx, Write::Add),
                None => (self.spare.take(x.len()), Write::Set),
            };
            let blocks = dx.len().div_ceil(layer.block(true));
            let notes = room(&mut self.sums, blocks);
            layer.convolve(true, (dy_values, &mut dx), &self.weights, write, notes, |_, _, _| {});
            self.gradients[layer.input.0] = Some(dx);
            self.clock.lap(EngineOperation::InputGradient);
        }
        if let Some(dy) = dy {
            self.spare.give(dy);
        }
        match layer.shortcut {
            Some(shortcut) => match &mut self.gradients[shortcut.0] {
                Some(sum) => {
                    add(sum, &gradient);
                    self.spare.give(gradient);
                    self.clock.lap(EngineOperation::Norm);
                }
                empty => *empty = Some(gradient),
            },
            None => self.spare.give(gradient),
        }
    }
}

fn add(sum: &mut [f32], values: &[f32]) {
    const PIECE: usize = 1 << 14;
    sum.par_chunks_mut(PIECE).zip(values.par_chunks(PIECE)).for_each(|(sum, values)| {
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    });
}
