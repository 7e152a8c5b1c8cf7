//! `nano`: the smallest network, 64x64 images to 16x16 heatmaps.

use super::{
    graph::{Builder, Conv, Map, MapSize},
    model_spec::ModelSpec,
};
use crate::kernel::shape::ShapeError;

/// The name that builds it.
pub const NAME: &str = "nano";

const INPUT: usize = 64;
const STRIDE: usize = 4;
const STEM_CHANNELS: usize = 32;
const CHANNELS: usize = 64;
const BLOCKS: usize = 6;

/// What the network takes and gives.
pub(super) fn spec(keypoints: usize) -> ModelSpec {
    ModelSpec::square(NAME, keypoints, INPUT, STRIDE)
}

/// Two strided convolutions, six residual blocks (He et al. 2016, arXiv 1512.03385) and a head,
/// about 0.5 M parameters.
///
/// Like SimpleBaseline (Xiao et al. 2018, arXiv 1804.06208), but without the deconvolutions: the
/// body never goes below the heatmaps' resolution.
pub(super) fn network(keypoints: usize, seed: u64) -> Result<Builder, ShapeError> {
    let mut net = Builder::new(seed, MapSize { channels: 3, height: INPUT, width: INPUT });
    // The names skip the rectifiers' places (2 and 5), as a PyTorch `Sequential` would.
    let x = net
        .conv(net.input(), Conv::new("stem.0", STEM_CHANNELS, 3).stride(2).norm("stem.1").relu())?;
    let mut x = net.conv(x, Conv::new("stem.3", CHANNELS, 3).stride(2).norm("stem.4").relu())?;
    for i in 0..BLOCKS {
        x = block(&mut net, x, &format!("blocks.{i}"))?;
    }
    net.conv(x, Conv::head("head", keypoints, 3))?;
    Ok(net)
}

/// relu(x + bn2(conv2(relu(bn1(conv1(x)))))).
fn block(net: &mut Builder, x: Map, name: &str) -> Result<Map, ShapeError> {
    let part = |part: &str| format!("{name}.{part}");
    let inner = net.conv(x, Conv::new(&part("conv1"), CHANNELS, 3).norm(&part("bn1")).relu())?;
    net.conv(inner, Conv::new(&part("conv2"), CHANNELS, 3).norm(&part("bn2")).plus(x).relu())
}

#[cfg(test)]
mod tests;
