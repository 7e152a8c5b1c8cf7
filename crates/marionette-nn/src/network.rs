//! A network with its parameters, on any device.

use super::{
    engine::{Engine, EngineOperation},
    graph::{Graph, Layer},
    parameters::Parameters,
    spec::ModelSpec,
    stock,
};
use crate::kernel::norm::Statistics;
use candle_core::{Result, Tensor};
use std::time::Duration;

/// How much of a running statistic one batch replaces, as in PyTorch.
const MOMENTUM: f32 = 0.1;

/// A network from images to one heatmap of logits per keypoint.
#[derive(Debug)]
pub struct HeatmapNetwork {
    spec: ModelSpec,
    parameters: Parameters,
    engine: Engine,
}

impl HeatmapNetwork {
    pub(super) fn new(spec: ModelSpec, graph: Graph, parameters: Parameters) -> Self {
        Self { spec, parameters, engine: Engine::new(graph) }
    }

    /// Logits [B, K, h, w] of the normalised images `x` [B, 3, H, W] (sizes and normalisation as in
    /// `spec`).
    ///
    /// With `train`, batch norm uses the batch's own statistics and updates its running ones, and
    /// gradients flow; without, they do not.
    ///
    /// # Errors
    /// If `x` has another shape, type or device than the network takes.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let (values, buffers) = (self.parameters.values(), self.parameters.buffer_values());
        let on_cpu = x.device().is_cpu();
        if train {
            let (y, statistics) = if on_cpu {
                self.engine.train(x, values)?
            } else {
                stock::forward(self.engine.graph(), x, values, None)?
            };
            self.track(&statistics, x.dim(0)?)?;
            Ok(y)
        } else if on_cpu {
            self.engine.infer(x, values, buffers)
        } else {
            Ok(stock::forward(self.engine.graph(), x, &values.as_detached_tensor(), Some(buffers))?
                .0
                .detach())
        }
    }

    /// Moves the running statistics towards those of a batch, layer by layer.
    fn track(&self, statistics: &[Statistics], batch: usize) -> Result<()> {
        // One overflowing batch, whose step the trainer skips, must not spoil the running
        // statistics for ever.
        let finite =
            |s: &Statistics| s.mean.iter().chain(&s.variance).all(|value| value.is_finite());
        if statistics.is_empty() || !statistics.iter().all(finite) {
            return Ok(());
        }
        let (buffers, graph) = (self.parameters.buffer_values(), self.engine.graph());
        let mut running = buffers.to_vec1::<f32>()?;
        let norms =
            graph.layers.iter().zip(&graph.maps[1..]).filter_map(|(layer, map)| match layer {
                Layer::Conv(layer) => Some((layer.norm.as_ref()?, batch * map.height * map.width)),
                _ => None,
            });
        for ((norm, count), statistics) in norms.zip(statistics) {
            // PyTorch's running variance is the unbiased one; of a single value it is the biased
            // one.
            let correction = count as f32 / (count.max(2) - 1) as f32;
            let mut track = |slot: std::ops::Range<usize>, batch: &[f32], correction: f32| {
                for (value, batch) in running[slot].iter_mut().zip(batch) {
                    *value += MOMENTUM * (batch * correction - *value);
                }
            };
            track(norm.mean.range(), &statistics.mean, 1.0);
            track(norm.variance.range(), &statistics.variance, correction);
        }
        buffers.set(&Tensor::from_vec(running, buffers.shape(), buffers.device())?)
    }

    /// The memory that a training step of a batch takes on the CPU, about: maps, gradients,
    /// parameters and their moments.
    pub fn training_bytes(&self, batch: usize) -> u64 {
        let parameters = 8 * self.parameters.count();
        4 * (self.engine.graph().training_values() * batch + parameters) as u64
    }

    /// Everything that the network has learned.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What it takes and gives.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// The time that each operation has taken so far on the CPU, in the order of
    /// [`EngineOperation::ALL`].
    pub fn times(&self) -> [Duration; EngineOperation::ALL.len()] {
        self.engine.times()
    }
}
