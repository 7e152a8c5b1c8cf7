//! A network's layers as data. The engine computes them on the CPU; other devices compose them of
//! candle's operations and, on CUDA, some of our own.

use super::parameters::{Draft, Parameters, Slot};
use crate::kernel::{
    pool::PoolShape,
    resize::ResizeShape,
    shape::{ConvShape, ShapeError},
};
use candle_core::{Device, Result, Shape, bail};

pub use crate::kernel::resize::Interpolation;

/// The result of a layer, or the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map(pub(super) usize);

impl Map {
    /// 0 for the network's input, else one more than the index of the layer whose result it is.
    pub fn index(self) -> usize {
        self.0
    }
}

/// The size of a map for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSize {
    /// Channels.
    pub channels: usize,
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
}

impl MapSize {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether it holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A network: its layers in order. Each layer reads earlier maps.
#[derive(Clone, Debug)]
pub struct Graph {
    pub(super) layers: Vec<Layer>,
    /// The input's size, then that of every layer's result.
    pub(super) maps: Vec<MapSize>,
}

impl Graph {
    /// The map that the last layer reads.
    pub(super) fn features(&self) -> Map {
        self.layers.last().and_then(|layer| layer.inputs()[0]).unwrap_or(Map(0))
    }

    /// The number of images in a batch of the shape `images` [B, C, H, W].
    ///
    /// # Errors
    /// If it is none that the network takes.
    pub(super) fn batch_of(&self, images: &Shape) -> Result<usize> {
        let MapSize { channels, height, width } = self.maps[0];
        match images.dims() {
            [batch, c, h, w] if *batch > 0 && [*c, *h, *w] == [channels, height, width] => {
                Ok(*batch)
            }
            _ => bail!(
                "network: expected images [B, {channels}, {height}, {width}], found {images:?}"
            ),
        }
    }

    /// Number of values that a training step keeps for each image: all maps, the convolutions'
    /// results before their norms, and the gradients that exist at the same time.
    pub(super) fn training_values(&self) -> usize {
        let raw = self.layers.iter().zip(&self.maps[1..]).filter_map(|(layer, map)| match layer {
            Layer::Conv(conv) if conv.norm.is_some() => Some(map.len()),
            _ => None,
        });
        let kept = raw.sum::<usize>() + self.maps.iter().map(MapSize::len).sum::<usize>();
        let mut alive = vec![false; self.maps.len()];
        let mut most = 0;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            alive[index + 1] = true;
            layer.inputs().into_iter().flatten().for_each(|map| alive[map.0] = true);
            let gradients =
                self.maps.iter().zip(&alive).filter(|(_, alive)| **alive).map(|(map, _)| map.len());
            // A norm's gradient exists beside that of its result.
            most = most.max(gradients.sum::<usize>() + self.maps[index + 1].len());
            alive[index + 1] = false;
        }
        kept + most
    }
}

/// One step of the computation.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    Conv(Box<ConvLayer>),
    Pool { input: Map, shape: PoolShape, max: bool },
    Resize { input: Map, shape: ResizeShape },
}

/// max(norm(conv(x) + bias) + shortcut, 0), each part but the convolution optional.
#[derive(Clone, Debug)]
pub(super) struct ConvLayer {
    pub input: Map,
    /// A transposed convolution is the input gradient of a plain one; this is the shape of the
    /// plain one.
    pub shape: ConvShape,
    pub transposed: bool,
    pub weight: Slot,
    pub bias: Option<Slot>,
    pub norm: Option<NormSlots>,
    pub shortcut: Option<Map>,
    pub relu: bool,
}

/// Where a batch norm's tensors lie; the last two are buffers.
#[derive(Clone, Debug)]
pub(super) struct NormSlots {
    pub weight: Slot,
    pub bias: Slot,
    pub mean: Slot,
    pub variance: Slot,
}

impl Layer {
    /// The maps that it reads.
    pub fn inputs(&self) -> [Option<Map>; 2] {
        match self {
            Layer::Conv(conv) => [Some(conv.input), conv.shortcut],
            Layer::Pool { input, .. } | Layer::Resize { input, .. } => [Some(*input), None],
        }
    }
}

/// A kernel of side 3 that blurs.
const BINOMIAL: [f32; 9] = [0.0625, 0.125, 0.0625, 0.125, 0.25, 0.125, 0.0625, 0.125, 0.0625];

/// The initial values of a convolution.
#[derive(Clone, Copy, Debug)]
enum Initial {
    /// Normal, as deviant as keeps the size of gradients.
    Scaled,
    /// Normal, with this deviation.
    Normal(f64),
    /// [`BINOMIAL`] for each output.
    Binomial,
}

/// A convolution to add to a network. By default it has a stride of 1, keeps the size, and nothing
/// follows it.
#[derive(Clone, Debug)]
pub struct Conv<'a> {
    name: &'a str,
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    groups: usize,
    transposed: bool,
    bias: bool,
    initial: Initial,
    norm: Option<&'a str>,
    shortcut: Option<Map>,
    relu: bool,
}

impl<'a> Conv<'a> {
    /// A convolution to `outputs` channels with square kernels of side `kernel`, whose weight is
    /// called `<name>.weight`.
    ///
    /// Initial weights are normal with the deviation √(2 / (k²·outputs)), which keeps the size of
    /// gradients behind a rectifier (He et al. 2015, arXiv 1502.01852, Eq. 14).
    pub fn new(name: &'a str, outputs: usize, kernel: usize) -> Self {
        Self {
            name,
            outputs,
            kernel,
            stride: 1,
            padding: kernel / 2,
            dilation: 1,
            groups: 1,
            transposed: false,
            bias: false,
            initial: Initial::Scaled,
            norm: None,
            shortcut: None,
            relu: false,
        }
    }

    /// The layer that ends a network: with a bias, and small initial values (deviation 0.001, as in
    /// Xiao et al. 2018, "Simple baselines for human pose estimation and tracking", arXiv
    /// 1804.06208), so that all heatmaps start flat.
    pub fn head(name: &'a str, outputs: usize, kernel: usize) -> Self {
        Self { bias: true, initial: Initial::Normal(0.001), ..Self::new(name, outputs, kernel) }
    }

    /// A blur before a stride, so that what a map shows does not depend on which pixels the stride
    /// meets (Zhang 2019, "Making convolutional networks shift-invariant again", arXiv 1904.11486):
    /// each of `channels` channels by itself, with kernels of side 3. They are binomial at first and
    /// trained like others.
    pub fn blur(name: &'a str, channels: usize) -> Self {
        Self { groups: channels, initial: Initial::Binomial, ..Self::new(name, channels, 3) }
    }

    /// A transposed convolution, which makes maps `stride` times as large: PyTorch's
    /// `ConvTranspose2d`.
    pub fn transposed(
        name: &'a str,
        outputs: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Self {
        Self { transposed: true, stride, padding, ..Self::new(name, outputs, kernel) }
    }

    /// Pixels from one place of the kernel to the next.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Zeros around the input.
    pub fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Pixels from one value of the kernel to the next.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// Channels are convolved in this many groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// A bias, called `<name>.bias`. There is none before a norm: the norm would remove it.
    pub fn bias(self) -> Self {
        Self { bias: true, ..self }
    }

    /// Batch norm, whose tensors are called `<norm>.weight` and so on.
    pub fn norm(self, norm: &'a str) -> Self {
        Self { norm: Some(norm), ..self }
    }

    /// Adds `map`, of the same size, after the norm.
    pub fn plus(self, map: Map) -> Self {
        Self { shortcut: Some(map), ..self }
    }

    /// Negative results become 0 at the end.
    pub fn relu(self) -> Self {
        Self { relu: true, ..self }
    }
}

/// Builds a network layer by layer.
#[derive(Debug)]
pub struct Builder {
    draft: Draft,
    graph: Graph,
}

impl Builder {
    /// A network for inputs of a size; initial values are sampled from `seed`.
    pub fn new(seed: u64, input: MapSize) -> Self {
        Self { draft: Draft::new(seed), graph: Graph { layers: Vec::new(), maps: vec![input] } }
    }

    /// The input.
    pub fn input(&self) -> Map {
        Map(0)
    }

    /// The size of `map`.
    pub fn size(&self, map: Map) -> MapSize {
        self.graph.maps[map.0]
    }

    /// Adds a convolution of `x` and what follows it.
    ///
    /// # Errors
    /// If the sizes do not fit.
    pub fn conv(&mut self, x: Map, conv: Conv) -> std::result::Result<Map, ShapeError> {
        let MapSize { channels, height, width } = self.size(x);
        let Conv { outputs, kernel, stride, padding, dilation, groups, .. } = conv;
        let plain = ConvShape {
            inputs: channels,
            outputs,
            height,
            width,
            kernel,
            stride,
            padding,
            dilation,
            groups,
        };
        let shape = if conv.transposed { plain.transposed()? } else { plain.check()? };
        let (height, width) = if conv.transposed {
            (shape.height, shape.width)
        } else {
            (shape.out_height(), shape.out_width())
        };
        let result = MapSize { channels: outputs, height, width };
        if let Some(shortcut) = conv.shortcut
            && self.size(shortcut) != result
        {
            return Err(ShapeError::shortcut(conv.name, &result, &self.size(shortcut)));
        }
        if conv.bias && conv.norm.is_some() {
            return Err(ShapeError::useless_bias(conv.name));
        }
        let name = |part: &str| format!("{}.{part}", conv.name);
        let (called, dims) = (name("weight"), shape.weight_dims());
        let weight = match conv.initial {
            Initial::Scaled => {
                let deviation = (2.0 / (outputs * kernel * kernel) as f64).sqrt();
                self.draft.normal(&called, &dims, deviation)
            }
            Initial::Normal(deviation) => self.draft.normal(&called, &dims, deviation),
            Initial::Binomial => self.draft.repeated(&called, &dims, &BINOMIAL),
        };
        if conv.norm.is_some() && groups == 1 && x != self.input() {
            self.draft.hidden(&weight);
        }
        let bias = conv.bias.then(|| self.draft.constant(&name("bias"), outputs, 0.0));
        let norm = conv.norm.map(|norm| NormSlots {
            weight: self.draft.constant(&format!("{norm}.weight"), outputs, 1.0),
            bias: self.draft.constant(&format!("{norm}.bias"), outputs, 0.0),
            mean: self.draft.buffer(&format!("{norm}.running_mean"), outputs, 0.0),
            variance: self.draft.buffer(&format!("{norm}.running_var"), outputs, 1.0),
        });
        let (transposed, shortcut, relu) = (conv.transposed, conv.shortcut, conv.relu);
        let layer = ConvLayer { input: x, shape, transposed, weight, bias, norm, shortcut, relu };
        Ok(self.add(Layer::Conv(Box::new(layer)), result))
    }

    /// Adds a max pooling of `x`, or an average pooling.
    ///
    /// # Errors
    /// If the sizes do not fit.
    pub fn pool(
        &mut self,
        x: Map,
        max: bool,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> std::result::Result<Map, ShapeError> {
        let MapSize { channels, height, width } = self.size(x);
        let shape = PoolShape { channels, height, width, kernel, stride, padding }.check()?;
        let result = MapSize { channels, height: shape.out_height(), width: shape.out_width() };
        Ok(self.add(Layer::Pool { input: x, shape, max }, result))
    }

    /// Adds an upsampling of `x` by a whole factor.
    pub fn resize(&mut self, x: Map, factor: usize, interpolation: Interpolation) -> Map {
        let MapSize { channels, height, width } = self.size(x);
        let shape = ResizeShape { channels, height, width, factor, interpolation };
        let result = MapSize { channels, height: height * factor, width: width * factor };
        self.add(Layer::Resize { input: x, shape }, result)
    }

    fn add(&mut self, layer: Layer, result: MapSize) -> Map {
        self.graph.layers.push(layer);
        self.graph.maps.push(result);
        Map(self.graph.layers.len())
    }

    /// The network, whose result is the last map, and its parameters on `device`.
    ///
    /// # Errors
    /// If the device cannot hold them.
    pub fn build(self, device: &Device) -> Result<(Graph, Parameters)> {
        Ok((self.graph, self.draft.build(device)?))
    }
}
