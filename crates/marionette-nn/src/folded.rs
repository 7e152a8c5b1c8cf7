//! A network as inference computes it, for programs that write it down in another form: layers with
//! their values, each norm folded into the weights of its convolution.

use super::{
    engine::scale_and_shift,
    graph::{ConvLayer, Interpolation, Layer, Map},
    network::HeatmapNetwork,
};
use candle_core::Result;

/// A layer of a network in inference.
#[derive(Clone, Debug, PartialEq)]
pub enum FoldedLayer {
    /// A convolution with what follows it.
    Conv(FoldedConv),
    /// A pooling with square windows. Values outside the map are ignored in a maximum and count as
    /// zero in an average.
    Pool {
        /// What it reads.
        input: Map,
        /// The maximum, else the mean.
        max: bool,
        /// Side of a window, pixels.
        kernel: usize,
        /// From one window to the next, pixels.
        stride: usize,
        /// Border around the input, pixels.
        padding: usize,
    },
    /// An upsampling.
    Resize {
        /// What it reads.
        input: Map,
        /// How many times as high and as wide the result is.
        factor: usize,
        /// How values between the pixels are computed.
        interpolation: Interpolation,
    },
}

/// max(conv(x) + bias + shortcut, 0): a convolution with square kernels and what follows it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldedConv {
    /// The layer's name: its weight is called `<name>.weight` among the network's tensors.
    pub name: String,
    /// What it reads.
    pub input: Map,
    /// Whether it is a transposed convolution, PyTorch's `ConvTranspose2d`.
    pub transposed: bool,
    /// Pixels from one place of the kernel to the next.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// Pixels from one value of the kernel to the next.
    pub dilation: usize,
    /// Channels are convolved in this many groups.
    pub groups: usize,
    /// Shape of the weight: [outputs, inputs / groups, kernel, kernel], or [inputs, outputs /
    /// groups, kernel, kernel] of a transposed convolution.
    pub weight_shape: [usize; 4],
    /// The weight, times the scale of the norm.
    pub weight: Vec<f32>,
    /// For each output channel: bias, or the shift of the norm; 0 without either.
    pub bias: Vec<f32>,
    /// A map of the result's size that is added.
    pub shortcut: Option<Map>,
    /// Whether negative results become 0 at the end.
    pub relu: bool,
}

impl HeatmapNetwork {
    /// The layers in order, as inference computes them; the result of the last is the network's.
    ///
    /// # Errors
    /// If the device cannot hand out the parameters.
    pub fn folded(&self) -> Result<Vec<FoldedLayer>> {
        let values = self.parameters().values().to_vec1::<f32>()?;
        let buffers = self.parameters().buffer_values().to_vec1::<f32>()?;
        let folded = |layer: &Layer| match layer {
            Layer::Conv(layer) => FoldedLayer::Conv(self.fold(layer, &values, &buffers)),
            Layer::Pool { input, shape, max } => FoldedLayer::Pool {
                input: *input,
                max: *max,
                kernel: shape.kernel,
                stride: shape.stride,
                padding: shape.padding,
            },
            Layer::Resize { input, shape } => FoldedLayer::Resize {
                input: *input,
                factor: shape.factor,
                interpolation: shape.interpolation,
            },
        };
        Ok(self.graph().layers.iter().map(folded).collect())
    }

    fn fold(&self, layer: &ConvLayer, values: &[f32], buffers: &[f32]) -> FoldedConv {
        let shape = layer.shape;
        let mut weight = values[layer.weight.range()].to_vec();
        let mut bias = match &layer.bias {
            Some(bias) => values[bias.range()].to_vec(),
            None => vec![0.0; if layer.transposed { shape.inputs } else { shape.outputs }],
        };
        if let Some(norm) = &layer.norm {
            let (mean, variance) = (&buffers[norm.mean.range()], &buffers[norm.variance.range()]);
            let (mut scale, mut scaled) = (Vec::new(), Vec::new());
            scale_and_shift(norm, values, mean, variance, &mut scale, &mut bias);
            layer.folded(&weight, &scale, &mut scaled);
            weight = scaled;
        }
        let name = self.parameters().name_of(&layer.weight).unwrap_or_default();
        FoldedConv {
            name: name.trim_end_matches(".weight").to_owned(),
            input: layer.input,
            transposed: layer.transposed,
            stride: shape.stride,
            padding: shape.padding,
            dilation: shape.dilation,
            groups: shape.groups,
            weight_shape: shape.weight_dims(),
            weight,
            bias,
            shortcut: layer.shortcut,
            relu: layer.relu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build;
    use candle_core::{Device, Tensor};
    use marionette_base::random;
    use rand::Rng;

    /// Candle's own operations on the folded values.
    fn forward(layers: &[FoldedLayer], x: &Tensor) -> Result<Tensor> {
        let mut maps = vec![x.clone()];
        for layer in layers {
            let FoldedLayer::Conv(conv) = layer else { candle_core::bail!("{layer:?}") };
            let weight = Tensor::from_slice(&conv.weight, &conv.weight_shape, x.device())?;
            let bias = Tensor::from_slice(&conv.bias, (1, conv.bias.len(), 1, 1), x.device())?;
            let x = &maps[conv.input.index()];
            let (padding, stride) = (conv.padding, conv.stride);
            let mut y = if conv.transposed {
                x.conv_transpose2d(&weight, padding, 0, stride, conv.dilation)?
            } else {
                x.conv2d(&weight, padding, stride, conv.dilation, conv.groups)?
            };
            y = y.broadcast_add(&bias)?;
            if let Some(shortcut) = conv.shortcut {
                y = (y + &maps[shortcut.index()])?;
            }
            maps.push(if conv.relu { y.relu()? } else { y });
        }
        Ok(maps.pop().unwrap_or_else(|| x.clone()))
    }

    #[test]
    fn folded_layers_compute_the_network() -> std::result::Result<(), crate::ModelError> {
        for name in crate::NETWORKS {
            let network = build(name, 5, 1, &Device::Cpu)?;
            let mut random = random::stream(1, 0, 0, "folded");
            // Statistics and norms that a new network has are those of no norm at all.
            let mut tensors = network.parameters().tensors()?;
            for tensor in tensors.values_mut().filter(|tensor| tensor.rank() == 1) {
                let values: Vec<f32> =
                    (0..tensor.elem_count()).map(|_| random.random_range(0.5..1.5)).collect();
                *tensor = Tensor::from_slice(&values, values.len(), &Device::Cpu)?;
            }
            network.parameters().load(&tensors)?;
            let [width, height] = network.spec().input_size().map(|side| side as usize);
            let values: Vec<f32> =
                (0..2 * 3 * width * height).map(|_| random.random_range(-2.0..2.0)).collect();
            let x = Tensor::from_vec(values, (2, 3, height, width), &Device::Cpu)?;
            let expected = network.forward(&x, false)?.flatten_all()?.to_vec1::<f32>()?;
            let layers = network.folded()?;
            let found = forward(&layers, &x)?.flatten_all()?.to_vec1::<f32>()?;
            let greatest = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
            assert!(greatest > 1e-3, "{name}: {greatest}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4 * greatest, "{found} {expected}");
            }
            let FoldedLayer::Conv(last) = &layers[layers.len() - 1] else { panic!("{layers:?}") };
            assert_eq!((last.name.as_str(), last.bias.len(), last.relu), ("head", 5, false));
        }
        Ok(())
    }
}
