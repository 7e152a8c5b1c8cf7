//! A network's whole computation as one candle operation that is composed of others, for devices
//! other than the CPU.
//!
//! A card waits for every operation to be launched, so what counts is how few there are. candle's
//! backward pass adds each gradient to a tensor of zeros of its own, and that of a layer's weight to
//! one as long as all parameters. Here the backward pass is written out layer by layer, and the
//! batch's statistics come to the CPU together.

mod conv;
pub mod norm;
mod resample;
#[cfg(test)]
pub mod stock;

use super::{
    features::Features,
    graph::{ConvLayer, Graph, Layer, Map, MapSize},
    parameters::Slot,
};
use crate::kernel::norm::Statistics;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, Layout, MetalStorage, Result, Shape, Storage, Tensor,
    backend::BackendStorage, bail,
};
use norm::{Norm, NormGradients};
use std::sync::Arc;

/// What a pass gives.
pub struct Output {
    /// The network's result [B, K, h, w].
    pub y: Tensor,
    /// The map that the last layer read.
    features: Tensor,
    /// The batch's statistics of every layer with a norm, in order, where it used them.
    pub statistics: Vec<Statistics>,
}

impl Output {
    /// What the last layer read.
    ///
    /// # Errors
    /// If the device fails.
    pub fn features(&self) -> Result<Features> {
        let (_, channels, height, width) = self.features.dims4()?;
        let values = self.features.permute((0, 2, 3, 1))?.flatten_all()?.to_vec1()?;
        Ok(Features { values, size: MapSize { channels, height, width } })
    }
}

/// The network's result for `x` [B, C, H, W], with gradients to `parameters` and, where it wants
/// one, `x`. Batch norm takes the statistics of the batch.
///
/// # Errors
/// If the shapes, types or devices do not fit.
pub fn train(graph: &Arc<Graph>, x: &Tensor, parameters: &Tensor) -> Result<Output> {
    let x = x.contiguous()?;
    let pass = Pass::forward(graph.clone(), &x.detach(), &parameters.detach(), None)?;
    let (features, statistics) = (pass.features(), pass.statistics()?);
    let y = x.apply_op2(parameters, Operation(pass))?;
    Ok(Output { y, features, statistics })
}

/// The network's result for `x`, without gradients; batch norm takes the running statistics in
/// `buffers`.
///
/// # Errors
/// If the shapes, types or devices do not fit.
pub fn infer(
    graph: &Arc<Graph>,
    x: &Tensor,
    parameters: &Tensor,
    buffers: &Tensor,
) -> Result<Output> {
    let (x, parameters) = (x.detach().contiguous()?, parameters.detach());
    let pass = Pass::forward(graph.clone(), &x, &parameters, Some(&buffers.detach()))?;
    Ok(Output { y: pass.y().clone(), features: pass.features(), statistics: Vec::new() })
}

/// A pass through a network, and what its way back needs.
struct Pass {
    graph: Arc<Graph>,
    /// The input, then every layer's result.
    maps: Vec<Tensor>,
    /// The norm of every layer that has one.
    norms: Vec<Option<Norm>>,
}

impl Pass {
    fn forward(
        graph: Arc<Graph>,
        x: &Tensor,
        parameters: &Tensor,
        buffers: Option<&Tensor>,
    ) -> Result<Self> {
        graph.batch_of(x.shape())?;
        let mut pass = Pass { graph: graph.clone(), maps: vec![x.clone()], norms: Vec::new() };
        for layer in &graph.layers {
            let (map, norm) = match layer {
                Layer::Conv(layer) => pass.conv(layer, parameters, buffers)?,
                Layer::Pool { input, shape, max } => {
                    (resample::pool(shape, &pass.maps[input.0], *max)?, None)
                }
                Layer::Resize { input, shape } => {
                    (resample::resize(shape, &pass.maps[input.0])?, None)
                }
            };
            pass.maps.push(map);
            pass.norms.push(norm);
        }
        Ok(pass)
    }

    fn conv(
        &self,
        layer: &ConvLayer,
        parameters: &Tensor,
        buffers: Option<&Tensor>,
    ) -> Result<(Tensor, Option<Norm>)> {
        let weight = layer.weight.view(parameters)?;
        let raw = conv::convolve(layer, &self.maps[layer.input.0], &weight)?.contiguous()?;
        let shortcut = layer.shortcut.map(|map| &self.maps[map.0]);
        if let Some(slots) = &layer.norm {
            let moments = match buffers {
                Some(buffers) => pair(&slots.mean, &slots.variance, buffers)?,
                None => norm::moments(&raw)?,
            };
            let affine = pair(&slots.weight, &slots.bias, parameters)?;
            let norm = Norm { raw, moments, affine };
            return Ok((norm.forward(shortcut, layer.relu)?, Some(norm)));
        }
        let mut y = raw;
        if let Some(bias) = &layer.bias {
            y = y.broadcast_add(&norm::per_channel(&bias.view(parameters)?)?)?;
        }
        if let Some(shortcut) = shortcut {
            y = (y + shortcut)?;
        }
        Ok((if layer.relu { y.relu()? } else { y }, None))
    }

    fn y(&self) -> &Tensor {
        &self.maps[self.graph.layers.len()]
    }

    fn features(&self) -> Tensor {
        self.maps[self.graph.features().0].clone()
    }

    /// The statistics by which norms have normalised, in order, from the device at once.
    fn statistics(&self) -> Result<Vec<Statistics>> {
        let norms: Vec<&Norm> = self.norms.iter().flatten().collect();
        let parts: Vec<&Tensor> = norms.iter().map(|norm| &norm.moments).collect();
        if parts.is_empty() {
            return Ok(Vec::new());
        }
        let all = Tensor::cat(&parts, 0)?.to_vec1::<f32>()?;
        let mut rest = all.as_slice();
        let mut next = |count: usize| {
            let (taken, after) = rest.split_at(count);
            rest = after;
            taken.to_vec()
        };
        let channels = norms.iter().map(|norm| norm.moments.elem_count() / 2);
        Ok(channels.map(|count| Statistics { mean: next(count), variance: next(count) }).collect())
    }

    /// The gradients of all parameters and, if `want_input`, that of x, from `dy` [B, K, h, w].
    fn backward(
        &self,
        parameters: &Tensor,
        dy: &Tensor,
        want_input: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let mut gradients = Gradients { maps: vec![None; self.maps.len()], slots: Vec::new() };
        gradients.maps[self.graph.layers.len()] = Some(dy.clone());
        for (index, layer) in self.graph.layers.iter().enumerate().rev() {
            let Some(gradient) = gradients.maps[index + 1].take() else { continue };
            let wanted = |map: Map| map != Map(0) || want_input;
            match layer {
                Layer::Conv(layer) => {
                    self.conv_backward(
                        index,
                        layer,
                        parameters,
                        gradient,
                        wanted(layer.input),
                        &mut gradients,
                    )?;
                }
                Layer::Pool { input, .. } | Layer::Resize { input, .. } if !wanted(*input) => {}
                Layer::Pool { input, shape, max } => {
                    let x = &self.maps[input.0];
                    let pool = |x: &Tensor| resample::pool(shape, x, *max);
                    gradients.add(*input, resample::by_candle(x, &gradient, pool)?)?;
                }
                Layer::Resize { input, shape } => {
                    let x = &self.maps[input.0];
                    let resize = |x: &Tensor| resample::resize(shape, x);
                    gradients.add(*input, resample::by_candle(x, &gradient, resize)?)?;
                }
            }
        }
        let x = gradients.maps[0].take().filter(|_| want_input);
        Ok((gradients.parameters(parameters)?, x))
    }

    fn conv_backward(
        &self,
        index: usize,
        layer: &ConvLayer,
        parameters: &Tensor,
        gradient: Tensor,
        want_input: bool,
        gradients: &mut Gradients,
    ) -> Result<()> {
        let y = &self.maps[index + 1];
        let (gradient, dy) = match (&self.norms[index], &layer.norm) {
            (Some(norm), Some(slots)) => {
                let NormGradients { shortcut, raw, affine } =
                    norm.backward(&gradient, y, layer.relu)?;
                gradients.slots.push((slots.weight.range().start, affine));
                (shortcut, raw)
            }
            _ => {
                let gradient =
                    if layer.relu { norm::behind_rectifier(&gradient, y)? } else { gradient };
                if let Some(bias) = &layer.bias {
                    let sums = norm::channel_sum(&gradient)?.flatten_all()?;
                    gradients.slots.push((bias.range().start, sums));
                }
                (gradient.clone(), gradient)
            }
        };
        let dweight = conv::weight_gradient(layer, &self.maps[layer.input.0], &dy)?;
        gradients.slots.push((layer.weight.range().start, dweight.flatten_all()?));
        if want_input {
            let weight = layer.weight.view(parameters)?;
            gradients.add(layer.input, conv::input_gradient(layer, &weight, &dy)?)?;
        }
        match layer.shortcut {
            Some(shortcut) => gradients.add(shortcut, gradient),
            None => Ok(()),
        }
    }
}

/// The values of two vectors that follow one another in `all`: a builder adds a norm's two by two.
fn pair(first: &Slot, second: &Slot, all: &Tensor) -> Result<Tensor> {
    let (first, second) = (first.range(), second.range());
    if first.end != second.start {
        bail!("network: a norm's values do not follow one another");
    }
    all.narrow(0, first.start, second.end - first.start)
}

/// The gradients that a backward pass has found so far.
struct Gradients {
    maps: Vec<Option<Tensor>>,
    /// Those of stretches of the parameters, and where these begin.
    slots: Vec<(usize, Tensor)>,
}

impl Gradients {
    fn add(&mut self, map: Map, gradient: Tensor) -> Result<()> {
        let sum = match self.maps[map.0].take() {
            Some(sum) => (sum + gradient)?,
            None => gradient,
        };
        self.maps[map.0] = Some(sum);
        Ok(())
    }

    /// Those of all `parameters`; what no gradient came to has none.
    fn parameters(mut self, parameters: &Tensor) -> Result<Tensor> {
        self.slots.sort_by_key(|(start, _)| *start);
        let (mut parts, mut end) = (Vec::new(), 0);
        let zeros = |count: usize| Tensor::zeros(count, parameters.dtype(), parameters.device());
        for (start, gradient) in self.slots {
            if start > end {
                parts.push(zeros(start - end)?);
            }
            end = start + gradient.elem_count();
            parts.push(gradient);
        }
        if parameters.elem_count() > end || parts.is_empty() {
            parts.push(zeros(parameters.elem_count() - end)?);
        }
        Tensor::cat(&parts, 0)
    }
}

/// Makes the result of a pass that of an operation, so that gradients flow through it.
struct Operation(Pass);

impl Operation {
    /// The result, of the kind of storage that `of` finds in it.
    fn result<S: BackendStorage>(
        &self,
        of: impl FnOnce(&Storage) -> Option<&S>,
    ) -> Result<(S, Shape)> {
        let y = self.0.y().contiguous()?;
        let (storage, layout) = y.storage_and_layout();
        let Some(storage) = of(&storage) else { bail!("network: its result is elsewhere") };
        Ok((storage.try_clone(layout)?, layout.shape().clone()))
    }
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        "network"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.result(|storage| match storage {
            Storage::Cpu(storage) => Some(storage),
            _ => None,
        })
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        self.result(|storage| match storage {
            Storage::Cuda(storage) => Some(storage),
            _ => None,
        })
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        self.result(|storage| match storage {
            Storage::Metal(storage) => Some(storage),
            _ => None,
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        parameters: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (parameters, dy) = (parameters.detach(), dy.detach().contiguous()?);
        let (dparameters, dx) = self.0.backward(&parameters, &dy, x.track_op())?;
        Ok((dx, Some(dparameters)))
    }
}
