//! From pictures to keypoints: normalisation, forward pass, decoding.

use super::{
    HeatmapNetwork, ModelSpec,
    decode::{Decoded, decode},
    heatmap::{Activation, FULL_MASS, Grid},
};
use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

/// Pictures in one forward pass.
const BATCH: usize = 64;

/// The keypoints that `network` finds in each of `images`, in pixels of its input, with scores in [0, 1].
///
/// An image is the network's input width x height of sRGB pixels, row by row from the top, three bytes each or four
/// (RGBA, of which the fourth is ignored). Batch norm runs on its running statistics, so an image's keypoints do not depend
/// on the others.
///
/// # Errors
/// If an image has another size, or the device fails.
pub fn detect(network: &HeatmapNetwork, activation: Activation, images: &[&[u8]]) -> Result<Vec<Vec<Decoded>>> {
    let spec = network.spec();
    let pixels = spec.input_width * spec.input_height;
    let mut found = Vec::with_capacity(images.len());
    for chunk in images.chunks(BATCH) {
        if let Some(odd) = chunk.iter().find(|image| image.len() != 3 * pixels && image.len() != 4 * pixels) {
            bail!("an image of {} bytes where {pixels} pixels of three or four were expected", odd.len());
        }
        let mut input = vec![0f32; chunk.len() * 3 * pixels];
        input.par_chunks_mut(3 * pixels).zip(chunk).for_each(|(planes, image)| normalise(image, spec, false, planes));
        let shape = (chunk.len(), 3, spec.input_height, spec.input_width);
        let input = Tensor::from_vec(input, shape, network.parameters().device())?;
        let output = network.forward(&input, false)?.detach();
        found.extend(decode_output(&output, activation, spec.grid())?);
    }
    Ok(found)
}

/// The keypoints in a network's output `[B, K, h, w]`, in pixels of its input, with scores in [0, 1].
///
/// # Errors
/// If the device fails.
pub fn decode_output(output: &Tensor, activation: Activation, grid: Grid) -> Result<Vec<Vec<Decoded>>> {
    let (batch, keypoints, ..) = output.dims4()?;
    let mass = Tensor::full(FULL_MASS, (batch, keypoints), output.device())?;
    let maps = activation.heatmaps(&output.detach(), &mass)?.flatten_all()?.to_vec1::<f32>()?;
    let scored = |found: Decoded| Decoded { score: found.score.clamp(0.0, 1.0), ..found };
    Ok(maps
        .par_chunks(keypoints * grid.width * grid.height)
        .map(|maps| decode(maps, grid.width, grid.height, grid.stride).into_iter().map(scored).collect())
        .collect())
}

/// Writes sRGB pixels (three or four bytes each, row by row) as three planes of (colour - mean) / deviation, colours in
/// [0, 1]; mirrored left to right if `flipped`. `planes` holds 3 x height x width values.
pub fn normalise(pixels: &[u8], spec: &ModelSpec, flipped: bool, planes: &mut [f32]) {
    let (width, count) = (spec.input_width, spec.input_width * spec.input_height);
    let bytes = pixels.len() / count;
    for (c, plane) in planes.chunks_exact_mut(count).enumerate() {
        let (mean, scale) = (spec.mean[c], 1.0 / spec.deviation[c]);
        for (values, row) in plane.chunks_exact_mut(width).zip(pixels.chunks_exact(width * bytes)) {
            let colors = row.chunks_exact(bytes);
            let write = |(value, color): (&mut f32, &[u8])| *value = (f32::from(color[c]) / 255.0 - mean) * scale;
            if flipped {
                values.iter_mut().rev().zip(colors).for_each(write);
            } else {
                values.iter_mut().zip(colors).for_each(write);
            }
        }
    }
}
