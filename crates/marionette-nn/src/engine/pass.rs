//! A pass through a network, forwards and backwards, layer by layer.

use super::{
    super::graph::{Graph, Layer, Map},
    clock::EngineOperation,
    memory::{LayerMemory, Memory},
};
use crate::kernel::order::{to_channels_first, to_channels_last};

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
        self.clock.start();
        self.batch = batch;
        self.layers.resize_with(graph.layers.len(), LayerMemory::default);
        self.maps.resize_with(graph.maps.len(), Vec::new);
        for map in &mut self.maps {
            self.spare.give(std::mem::take(map));
        }
        let mut input = self.spare.take(batch * graph.maps[0].len());
        to_channels_last(x, graph.maps[0].channels, graph.maps[0].len(), &mut input);
        self.maps[0] = input;
        self.clock.lap(EngineOperation::Other);
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
        self.clock.lap(EngineOperation::Other);
        y
    }

    /// Gives back the maps that no layer after `index` reads, but for what the last one read, which
    /// may be asked for.
    fn release(&mut self, graph: &Graph, index: usize, layer: &Layer) {
        if index + 1 == graph.layers.len() {
            return;
        }
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
        self.clock.start();
        let count = graph.layers.len();
        self.gradients.resize_with(graph.maps.len(), || None);
        let mut gradient = self.spare.take(dy.len());
        to_channels_last(dy, graph.maps[count].channels, graph.maps[count].len(), &mut gradient);
        self.gradients[count] = Some(gradient);
        let mut dparameters = vec![0.0; parameters.len()];
        self.clock.lap(EngineOperation::Other);
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
        self.clock.lap(EngineOperation::Other);
        (dparameters, dx)
    }
}
