//! A network with its parameters, on any device.

use super::{
    composed,
    engine::{Engine, EngineOperation},
    error::ModelError,
    features::Features,
    graph::{Graph, Layer, MapSize},
    model_spec::ModelSpec,
    parameters::Parameters,
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
    /// The network of `graph` and `parameters`, which come from one
    /// [`Builder`](crate::graph::Builder). `spec` describes it.
    ///
    /// # Errors
    /// If the graph takes or gives other sizes than `spec` says.
    pub fn new(
        spec: ModelSpec,
        graph: Graph,
        parameters: Parameters,
    ) -> std::result::Result<Self, ModelError> {
        let size = |map: &MapSize| [map.channels, map.height, map.width];
        let (input, output) = (size(&graph.maps[0]), size(&graph.maps[graph.layers.len()]));
        for (what, expected, found) in [
            ("takes", [3, spec.input_height, spec.input_width], input),
            ("gives", [spec.keypoints, spec.heatmap_height, spec.heatmap_width], output),
        ] {
            if expected != found {
                return Err(ModelError::Spec { name: spec.name, what, expected, found });
            }
        }
        Ok(Self { spec, parameters, engine: Engine::new(graph) })
    }

    /// Logits [B, K, h, w] of the normalised images `x` [B, 3, H, W] (sizes and normalisation as in
    /// `spec`).
    ///
    /// With `train`, batch norm uses the batch's statistics and updates the running ones, and
    /// gradients flow. Without it, batch norm uses the running statistics, and no gradients flow.
    ///
    /// # Errors
    /// If `x` has another shape, type or device than the network takes.
    pub fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        Ok(self.forward_with_features(x, train)?.0)
    }

    /// As [`HeatmapNetwork::forward`], with what the last layer read.
    ///
    /// # Errors
    /// As [`HeatmapNetwork::forward`].
    pub fn forward_with_features(&self, x: &Tensor, train: bool) -> Result<(Tensor, Features)> {
        let (values, buffers) = (self.parameters.values(), self.parameters.buffer_values());
        let on_cpu = x.device().is_cpu();
        let (y, statistics, features) = if on_cpu {
            let (y, pass) = if train {
                self.engine.train(x, values)?
            } else {
                self.engine.infer(x, values, buffers)?
            };
            let statistics = if train { pass.statistics() } else { Vec::new() };
            (y, statistics, pass.features())
        } else {
            let graph = self.engine.graph();
            let output = if train {
                composed::train(graph, x, values)?
            } else {
                composed::infer(graph, x, values, buffers)?
            };
            let features = output.features()?;
            (output.y, output.statistics, features)
        };
        if train {
            self.track(&statistics, x.dim(0)?)?;
        }
        Ok((y, features))
    }

    /// The channels of [`HeatmapNetwork::forward_with_features`].
    pub fn feature_channels(&self) -> usize {
        let graph = self.engine.graph();
        graph.maps[graph.features().0].channels
    }

    /// Moves the running statistics towards those of a batch, layer by layer.
    fn track(&self, statistics: &[Statistics], batch: usize) -> Result<()> {
        // One overflowing batch, whose step the trainer skips, must not spoil the running
        // statistics for good.
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

    /// About how many bytes of memory a training step of a batch takes on the CPU: maps, gradients,
    /// parameters and their moments.
    pub fn training_bytes(&self, batch: usize) -> u64 {
        let parameters = 8 * self.parameters.count();
        4 * (self.engine.graph().training_values() * batch + parameters) as u64
    }

    /// The network's layers, in order.
    pub(super) fn graph(&self) -> &Graph {
        self.engine.graph()
    }

    /// Everything that the network has learned.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// What the network takes and gives.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// The time that each operation has taken so far on the CPU, in the order of
    /// [`EngineOperation::ALL`].
    pub fn times(&self) -> [Duration; EngineOperation::ALL.len()] {
        self.engine.times()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Conv};
    use candle_core::Device;

    #[test]
    fn a_network_of_ones_own_has_to_fit_its_spec() -> std::result::Result<(), ModelError> {
        let spec = ModelSpec {
            name: "own".to_owned(),
            keypoints: 2,
            input_width: 8,
            input_height: 6,
            heatmap_width: 4,
            heatmap_height: 3,
            stride: 2,
            mean: [0.5; 3],
            deviation: [0.25; 3],
        };
        let network = |keypoints| {
            let input = MapSize { channels: 3, height: 6, width: 8 };
            let mut layers = Builder::new(1, input);
            layers.conv(layers.input(), Conv::head("head", keypoints, 3).stride(2))?;
            let (graph, parameters) = layers.build(&Device::Cpu)?;
            HeatmapNetwork::new(spec.clone(), graph, parameters)
        };
        let x = Tensor::zeros((1, 3, 6, 8), candle_core::DType::F32, &Device::Cpu)?;
        assert_eq!(network(2)?.forward(&x, false)?.dims(), [1, 2, 3, 4]);
        let message = network(5).err().map(|error| error.to_string());
        let expected = "network `own` gives [5, 3, 4], but its spec says [2, 3, 4]";
        assert_eq!(message.as_deref(), Some(expected));
        Ok(())
    }
}
