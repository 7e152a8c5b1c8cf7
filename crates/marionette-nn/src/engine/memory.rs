//! What a pass leaves behind for the next, and where its time goes.

use super::super::graph::{Graph, Layer, Map};
use crate::kernel::{
    conv::{GradientMemory, Weights},
    norm::Statistics,
    order::{to_channels_first, to_channels_last},
};
use std::time::{Duration, Instant};

/// The kinds of work that a pass consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Convolutions, with what follows them in the same pass over memory.
    Convolution,
    /// Gradients of the convolutions' inputs.
    InputGradient,
    /// Gradients of the weights.
    WeightGradient,
    /// Batch norm, shortcuts and rectifiers, both ways.
    Norm,
    /// Everything else: weights brought into order, pooling, upsampling.
    Other,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Kind; 5] =
        [Kind::Convolution, Kind::InputGradient, Kind::WeightGradient, Kind::Norm, Kind::Other];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Convolution => "convolution",
            Kind::InputGradient => "input gradient",
            Kind::WeightGradient => "weight gradient",
            Kind::Norm => "norm",
            Kind::Other => "other",
        }
    }
}

/// Sums up where time goes.
#[derive(Debug)]
pub(super) struct Clock {
    since: Instant,
    sums: [Duration; Kind::ALL.len()],
}

impl Default for Clock {
    fn default() -> Self {
        Self { since: Instant::now(), sums: Default::default() }
    }
}

impl Clock {
    /// All since the last lap was `kind`.
    pub fn lap(&mut self, kind: Kind) {
        let now = Instant::now();
        self.sums[kind as usize] += now - self.since;
        self.since = now;
    }
}

/// Buffers that wait to be used again.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Vec<f32>>);

impl Spare {
    /// A buffer of `length` values, whatever they are: the smallest that is large enough, or else a
    /// new one.
    pub fn take(&mut self, length: usize) -> Vec<f32> {
        let fitting = self.0.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= length);
        let best = fitting.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
        let mut buffer = best.map_or_else(Vec::new, |index| self.0.swap_remove(index));
        buffer.resize(length, 0.0);
        buffer
    }

    /// Gives a buffer back.
    pub fn give(&mut self, buffer: Vec<f32>) {
        if buffer.capacity() > 0 {
            self.0.push(buffer);
        }
    }
}

/// What one layer keeps between its forward and its backward pass.
#[derive(Debug, Default)]
pub(super) struct LayerMemory {
    /// What the convolution made, before its norm.
    pub raw: Vec<f32>,
    pub statistics: Statistics,
    /// What follows the convolution, per channel.
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

/// The memory of one pass through a network.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) batch: usize,
    /// The input, then every layer's result, in channels-last order.
    pub(super) maps: Vec<Vec<f32>>,
    pub(super) layers: Vec<LayerMemory>,
    /// Gradients of the maps, as far as there are any yet.
    pub(super) gradients: Vec<Option<Vec<f32>>>,
    pub(super) spare: Spare,
    /// Sums over blocks of pixels.
    pub(super) sums: Vec<f32>,
    /// A weight with the norm's scale in it.
    pub(super) folded: Vec<f32>,
    /// The weights of the layer at hand, as its kernels read them.
    pub(super) weights: Weights,
    pub(super) weight_gradient: GradientMemory,
    pub(super) clock: Clock,
}

impl Memory {
    /// The result [B, K, h, w] for `x` [B, C, H, W]. With the running statistics in `buffers`
    /// nothing is kept for a backward pass.
    pub fn forward(
        &mut self,
        graph: &Graph,
        batch: usize,
        x: &[f32],
        parameters: &[f32],
        buffers: Option<&[f32]>,
    ) -> Vec<f32> {
        self.clock.since = Instant::now();
        self.batch = batch;
        self.layers.resize_with(graph.layers.len(), LayerMemory::default);
        self.maps.resize_with(graph.maps.len(), Vec::new);
        for map in &mut self.maps {
            self.spare.give(std::mem::take(map));
        }
        let mut input = self.spare.take(batch * graph.maps[0].len());
        to_channels_last(x, graph.maps[0].channels, graph.maps[0].len(), &mut input);
        self.maps[0] = input;
        self.clock.lap(Kind::Other);
        for (index, layer) in graph.layers.iter().enumerate() {
            self.maps[index + 1] = self.spare.take(batch * graph.maps[index + 1].len());
            self.forward_layer(graph, index, parameters, buffers);
            if buffers.is_some() {
                self.release(graph, index, layer);
            }
        }
        let last = graph.maps[graph.layers.len()];
        let mut y = vec![0.0; batch * last.len()];
        to_channels_first(&self.maps[graph.layers.len()], last.channels, last.len(), &mut y);
        self.clock.lap(Kind::Other);
        y
    }

    /// Gives back the maps that no layer after `index` reads.
    fn release(&mut self, graph: &Graph, index: usize, layer: &Layer) {
        for Map(map) in layer.inputs().into_iter().flatten() {
            let later = graph.layers[index + 1..].iter();
            if !later.flat_map(Layer::inputs).flatten().any(|read| read == Map(map)) {
                self.spare.give(std::mem::take(&mut self.maps[map]));
            }
        }
    }

    /// The gradients of all parameters and, if `input`, that of x, from `dy` [B, K, h, w].
    pub fn backward(
        &mut self,
        graph: &Graph,
        parameters: &[f32],
        dy: &[f32],
        input: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        self.clock.since = Instant::now();
        let count = graph.layers.len();
        self.gradients.resize_with(graph.maps.len(), || None);
        let mut gradient = self.spare.take(dy.len());
        to_channels_last(dy, graph.maps[count].channels, graph.maps[count].len(), &mut gradient);
        self.gradients[count] = Some(gradient);
        let mut dparameters = vec![0.0; parameters.len()];
        self.clock.lap(Kind::Other);
        for index in (0..count).rev() {
            if let Some(gradient) = self.gradients[index + 1].take() {
                self.backward_layer(graph, index, parameters, gradient, input, &mut dparameters);
            }
        }
        let dx = self.gradients[0].take().filter(|_| input).map(|gradient| {
            let mut dx = vec![0.0; gradient.len()];
            to_channels_first(&gradient, graph.maps[0].channels, graph.maps[0].len(), &mut dx);
            self.spare.give(gradient);
            dx
        });
        self.clock.lap(Kind::Other);
        (dparameters, dx)
    }

    /// The batch's statistics of every layer with a norm, in order.
    pub fn statistics(&self) -> Vec<Statistics> {
        let taken = self.layers.iter().map(|layer| &layer.statistics);
        taken.filter(|statistics| !statistics.mean.is_empty()).cloned().collect()
    }

    /// Moves the times so far to `times`.
    pub fn report(&mut self, times: &mut [Duration; Kind::ALL.len()]) {
        for (time, spent) in times.iter_mut().zip(std::mem::take(&mut self.clock.sums)) {
            *time += spent;
        }
    }
}
