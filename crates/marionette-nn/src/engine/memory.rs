//! The memory of a pass, which the next pass reuses.

use super::clock::Clock;
use crate::kernel::{
    conv::{GradientMemory, Weights},
    norm::Statistics,
};

/// Buffers that wait to be used again.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Vec<f32>>);

impl Spare {
    /// A buffer of `length` arbitrary values: the smallest spare one that is large enough, or else
    /// a new one.
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
    /// The convolution's result, before its norm.
    pub raw: Vec<f32>,
    pub statistics: Statistics,
    /// What the norm multiplies by, per channel.
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
    /// Gradients of the maps, where there is one so far.
    pub(super) gradients: Vec<Option<Vec<f32>>>,
    pub(super) spare: Spare,
    /// Sums over blocks of pixels.
    pub(super) sums: Vec<f32>,
    /// A weight multiplied by the norm's scale.
    pub(super) folded: Vec<f32>,
    /// The weights of the current layer, in the order that its kernels read.
    pub(super) weights: Weights,
    pub(super) weight_gradient: GradientMemory,
    pub(super) clock: Clock,
}

impl Memory {
    /// The batch's statistics of every layer with a norm, in order.
    pub fn statistics(&self) -> Vec<Statistics> {
        let taken = self.layers.iter().map(|layer| &layer.statistics);
        taken.filter(|statistics| !statistics.mean.is_empty()).cloned().collect()
    }
}
