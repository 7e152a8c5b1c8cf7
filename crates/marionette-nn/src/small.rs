//! `small`: 128x128 images to 32x32 heatmaps; and `base`, which blurs maps before it halves them.

use super::{
    graph::{Builder, Conv, Map, MapSize},
    model_spec::ModelSpec,
};
use crate::kernel::shape::ShapeError;

/// The name that builds `small`.
pub const NAME: &str = "small";
/// The name that builds `base`.
pub const BLURRED: &str = "base";

const INPUT: usize = 128;
const STRIDE: usize = 4;
const STEM_CHANNELS: usize = 32;
/// Channels of the three stages, each at half the resolution of the one before.
const CHANNELS: [usize; 3] = [64, 128, 256];
const BLOCKS: usize = 2;

/// What the network `name`, one of the two, takes and gives.
pub(super) fn spec(name: &str, keypoints: usize) -> ModelSpec {
    ModelSpec::square(name, keypoints, INPUT, STRIDE)
}

/// A residual body (He et al. 2016, arXiv 1512.03385) down to a quarter of the heatmaps'
/// resolution, and two transposed convolutions back up (Xiao et al. 2018, arXiv 1804.06208). Each
/// of them adds the body's maps of its own resolution, so that places stay exact. About 3.5 M
/// parameters. `is_blurred` puts a blur before each stride but the first, which reads the image.
pub(super) fn network(
    keypoints: usize,
    seed: u64,
    is_blurred: bool,
) -> Result<Builder, ShapeError> {
    let mut net = Builder::new(seed, MapSize { channels: 3, height: INPUT, width: INPUT });
    let x = net
        .conv(net.input(), Conv::new("stem.0", STEM_CHANNELS, 3).stride(2).norm("stem.1").relu())?;
    let blur = |net: &mut Builder, x: Map, name: &str| {
        let channels = net.size(x).channels;
        if is_blurred { net.conv(x, Conv::blur(name, channels)) } else { Ok(x) }
    };
    let x = blur(&mut net, x, "stem.blur")?;
    let mut x = net.conv(x, Conv::new("stem.3", CHANNELS[0], 3).stride(2).norm("stem.4").relu())?;
    let mut stages = Vec::new();
    for (stage, channels) in CHANNELS.into_iter().enumerate() {
        for i in 0..BLOCKS {
            let stride = if stage > 0 && i == 0 { 2 } else { 1 };
            let name = format!("layer{}.{i}", stage + 1);
            if stride > 1 {
                x = blur(&mut net, x, &format!("{name}.blur"))?;
            }
            x = block(&mut net, x, &name, channels, stride)?;
        }
        stages.push(x);
    }
    for (up, stage) in [1, 0].into_iter().enumerate() {
        let name = |part: &str| format!("up{}.{part}", up + 1);
        let (conv, norm) = (name("conv"), name("bn"));
        let conv = Conv::transposed(&conv, CHANNELS[stage], 4, 2, 1);
        x = net.conv(x, conv.norm(&norm).plus(stages[stage]).relu())?;
    }
    net.conv(x, Conv::head("head", keypoints, 3))?;
    Ok(net)
}

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + x), x through a 1x1 convolution where its size changes.
fn block(
    net: &mut Builder,
    x: Map,
    name: &str,
    channels: usize,
    stride: usize,
) -> Result<Map, ShapeError> {
    let part = |part: &str| format!("{name}.{part}");
    let shortcut = if stride > 1 || net.size(x).channels != channels {
        let downsample = part("downsample.0");
        net.conv(x, Conv::new(&downsample, channels, 1).stride(stride).norm(&part("downsample.1")))?
    } else {
        x
    };
    let inner = net
        .conv(x, Conv::new(&part("conv1"), channels, 3).stride(stride).norm(&part("bn1")).relu())?;
    net.conv(inner, Conv::new(&part("conv2"), channels, 3).norm(&part("bn2")).plus(shortcut).relu())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Result};

    #[test]
    fn base_begins_as_small_with_blurs() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let tensors = |is_blurred| -> Result<_> {
            let builder = network(17, 4, is_blurred).map_err(candle_core::Error::wrap)?;
            builder.build(&Device::Cpu)?.1.tensors()
        };
        let (small, mut base) = (tensors(false)?, tensors(true)?);
        for (name, channels) in [("stem", 32), ("layer2.0", CHANNELS[0]), ("layer3.0", CHANNELS[1])]
        {
            let blur = base.remove(&format!("{name}.blur.weight")).ok_or("there is no blur")?;
            assert_eq!(blur.dims(), [channels, 1, 3, 3]);
            let kernels = blur.flatten_from(1)?.to_vec2::<f32>()?;
            let wanted = [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0].map(|share| share / 16.0);
            assert!(kernels.iter().all(|kernel| kernel[..] == wanted));
        }
        assert_eq!(crate::named::bits(&base)?, crate::named::bits(&small)?);
        Ok(())
    }
}
