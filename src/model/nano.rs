//! `nano`: the smallest network, 64x64 images to 16x16 heatmaps.

use super::{
    HeatmapNetwork, ModelSpec, Parameters,
    activation::add_relu,
    layers::{BatchNorm, Conv},
};
use candle_core::{Device, Result, Tensor, bail};

/// The name that it is built by.
pub const NAME: &str = "nano";

const INPUT: usize = 64;
const STRIDE: usize = 4;
const STEM_CHANNELS: usize = 32;
const CHANNELS: usize = 64;
const BLOCKS: usize = 6;

/// Two strided convolutions, six residual blocks (He et al. 2016, arXiv 1512.03385) and a head, about 0.5 M parameters.
///
/// In the manner of SimpleBaseline (Xiao et al. 2018, arXiv 1804.06208), less the deconvolutions: the body never goes
/// below the heatmaps' resolution.
pub struct Nano {
    parameters: Parameters,
    keypoints: usize,
    stem: [(Conv, BatchNorm); 2],
    blocks: Vec<Block>,
    head: Conv,
}

impl Nano {
    /// A network with `keypoints` heatmaps on `device`, its initial values drawn from `seed`.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn new(keypoints: usize, seed: u64, device: &Device) -> Result<Self> {
        let mut parameters = Parameters::new(seed, device);
        let p = &mut parameters;
        // The names skip the rectifiers' places (2 and 5), as a PyTorch `Sequential` would.
        let stem = [
            (Conv::new(p, "stem.0", 3, STEM_CHANNELS, 3, 2)?, BatchNorm::new(p, "stem.1", STEM_CHANNELS)?),
            (Conv::new(p, "stem.3", STEM_CHANNELS, CHANNELS, 3, 2)?, BatchNorm::new(p, "stem.4", CHANNELS)?),
        ];
        let blocks = (0..BLOCKS).map(|i| Block::new(p, &format!("blocks.{i}"))).collect::<Result<_>>()?;
        let head = Conv::head(p, "head", CHANNELS, keypoints, 3)?;
        Ok(Self { parameters, keypoints, stem, blocks, head })
    }
}

impl HeatmapNetwork for Nano {
    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let (_, channels, height, width) = x.dims4()?;
        if [channels, height, width] != [3, INPUT, INPUT] {
            bail!("{NAME}: expected images [B, 3, {INPUT}, {INPUT}], found {:?}", x.shape());
        }
        let mut x = x.clone();
        for (conv, bn) in &self.stem {
            x = bn.forward_relu(&conv.forward(&x)?, train)?;
        }
        for block in &self.blocks {
            x = block.forward(&x, train)?;
        }
        self.head.forward(&x)
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn spec(&self) -> ModelSpec {
        ModelSpec {
            name: NAME.to_owned(),
            keypoints: self.keypoints,
            input_width: INPUT,
            input_height: INPUT,
            heatmap_width: INPUT / STRIDE,
            heatmap_height: INPUT / STRIDE,
            stride: STRIDE,
            mean: [0.5; 3],
            deviation: [0.25; 3],
        }
    }
}

/// relu(x + bn2(conv2(relu(bn1(conv1(x)))))).
struct Block {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
}

impl Block {
    fn new(p: &mut Parameters, name: &str) -> Result<Self> {
        Ok(Self {
            conv1: Conv::new(p, &format!("{name}.conv1"), CHANNELS, CHANNELS, 3, 1)?,
            bn1: BatchNorm::new(p, &format!("{name}.bn1"), CHANNELS)?,
            conv2: Conv::new(p, &format!("{name}.conv2"), CHANNELS, CHANNELS, 3, 1)?,
            bn2: BatchNorm::new(p, &format!("{name}.bn2"), CHANNELS)?,
        })
    }

    fn forward(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        let inner = self.bn1.forward_relu(&self.conv1.forward(x)?, train)?;
        let inner = self.bn2.forward(&self.conv2.forward(&inner)?, train)?;
        add_relu(x, &inner)
    }
}

#[cfg(test)]
mod tests;
