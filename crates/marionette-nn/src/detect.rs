//! From pictures to keypoints: normalisation, forward pass, decoding.

use super::{
    decode::{Decoded, decode},
    heatmap::{Activation, Grid},
    model_spec::ModelSpec,
    network::HeatmapNetwork,
};
use candle_core::{Result, Tensor, bail};
use marionette_base::matching::least_cost;
use rayon::prelude::*;

/// Pictures in one forward pass.
const BATCH: usize = 64;

/// What a network's keypoints become in a mirror.
#[derive(Clone, Copy, Debug)]
pub struct Mirror<'a> {
    /// Entry k is the keypoint that k becomes.
    pub twins: &'a [usize],
    /// Groups of keypoints that cannot be told apart. In a mirror a network may number them
    /// otherwise.
    pub symmetry: &'a [Vec<usize>],
}

/// The keypoints that `network` finds in each of `images`, in pixels of its input, with scores in
/// [0, 1].
///
/// An image is the network's input width x height of sRGB pixels, row by row from the top, three
/// bytes each or four (RGBA, of which the fourth is ignored). Batch norm runs on its running
/// statistics, so an image's keypoints do not depend on the others. With a `mirror` the network also
/// looks at the mirrored image, and keypoints are taken from the mean of both heatmaps: the flip
/// test of Newell et al. 2016 (arXiv 1603.06937, section 4) and many after them. Within a symmetry
/// group, maps that overlap most belong together.
///
/// # Errors
/// If an image has another size, or the device fails.
pub fn detect(
    network: &HeatmapNetwork,
    activation: Activation,
    images: &[&[u8]],
    mirror: Option<Mirror>,
) -> Result<Vec<Vec<Decoded>>> {
    let spec = network.spec();
    let pixels = spec.input_width * spec.input_height;
    let mut found = Vec::with_capacity(images.len());
    for chunk in images.chunks(BATCH) {
        if let Some(odd) =
            chunk.iter().find(|image| image.len() != 3 * pixels && image.len() != 4 * pixels)
        {
            bail!(
                "an image of {} bytes where {pixels} pixels of three or four were expected",
                odd.len()
            );
        }
        let look = |flipped: bool| -> Result<Vec<f32>> {
            let mut input = vec![0f32; chunk.len() * 3 * pixels];
            input
                .par_chunks_mut(3 * pixels)
                .zip(chunk)
                .for_each(|(planes, image)| normalise(image, spec, flipped, planes));
            let shape = (chunk.len(), 3, spec.input_height, spec.input_width);
            let input = Tensor::from_vec(input, shape, network.parameters().device())?;
            heatmaps(&network.forward(&input, false)?, activation, spec.grid())
        };
        let mut maps = look(false)?;
        if let Some(mirror) = mirror {
            average_mirrored(&mut maps, &look(true)?, mirror, spec.grid());
        }
        found.extend(decoded(&maps, spec.keypoints, spec.grid()));
    }
    Ok(found)
}

/// The keypoints in a network's output `[B, K, h, w]`, in pixels of its input, with scores in [0,
/// 1].
///
/// # Errors
/// If the device fails.
pub fn decode_output(
    output: &Tensor,
    activation: Activation,
    grid: Grid,
) -> Result<Vec<Vec<Decoded>>> {
    Ok(decoded(&heatmaps(output, activation, grid)?, output.dim(1)?, grid))
}

/// A network's output `[B, K, h, w]` as heatmaps, value after value, as if all keypoints were in
/// the frame.
///
/// # Errors
/// If the device fails.
pub fn heatmaps(output: &Tensor, activation: Activation, grid: Grid) -> Result<Vec<f32>> {
    let (batch, keypoints, ..) = output.dims4()?;
    let mass = Tensor::full(grid.full_mass(), (batch, keypoints), output.device())?;
    activation.heatmaps(&output.detach(), &mass)?.flatten_all()?.to_vec1::<f32>()
}

/// The keypoints in `maps`, the [`heatmaps`] of a batch: for each image as many as `keypoints`, in
/// pixels of the network's input, with scores in [0, 1].
pub fn decoded(maps: &[f32], keypoints: usize, grid: Grid) -> Vec<Vec<Decoded>> {
    let scored = |found: Decoded| Decoded { score: found.score.clamp(0.0, 1.0), ..found };
    maps.par_chunks(keypoints * grid.width * grid.height)
        .map(|maps| {
            decode(maps, grid.width, grid.height, grid.stride).into_iter().map(scored).collect()
        })
        .collect()
}

/// Replaces `maps` [B, K, h, w] by the mean of `maps` and `mirrored`, the heatmaps of the mirrored
/// images.
fn average_mirrored(maps: &mut [f32], mirrored: &[f32], mirror: Mirror, grid: Grid) {
    let Mirror { twins, symmetry } = mirror;
    let cells = grid.width * grid.height;
    let images =
        maps.par_chunks_mut(twins.len() * cells).zip(mirrored.par_chunks(twins.len() * cells));
    images.for_each(|(maps, mirrored)| {
        let overlap = |k: usize, other: usize| {
            let rows = maps[k * cells..][..cells].chunks_exact(grid.width);
            let others = mirrored[twins[other] * cells..][..cells].chunks_exact(grid.width);
            let pairs =
                rows.zip(others).flat_map(|(row, other)| row.iter().zip(other.iter().rev()));
            pairs.map(|(value, other)| f64::from(value * other)).sum::<f64>()
        };
        let same = least_cost(symmetry, twins.len(), |k, other| -overlap(k, other));
        for (map, same) in maps.chunks_exact_mut(cells).zip(same) {
            let rows = mirrored[twins[same] * cells..][..cells].chunks_exact(grid.width);
            for (row, mirrored) in map.chunks_exact_mut(grid.width).zip(rows) {
                row.iter_mut()
                    .zip(mirrored.iter().rev())
                    .for_each(|(value, other)| *value = (*value + other) / 2.0);
            }
        }
    });
}

/// Writes sRGB pixels (three or four bytes each, row by row) as three planes of (colour - mean) /
/// deviation, colours in [0, 1]; mirrored left to right if `flipped`. `planes` holds 3 x height x
/// width values.
pub fn normalise(pixels: &[u8], spec: &ModelSpec, flipped: bool, planes: &mut [f32]) {
    let (width, count) = (spec.input_width, spec.input_width * spec.input_height);
    let bytes = pixels.len() / count;
    for (c, plane) in planes.chunks_exact_mut(count).enumerate() {
        let (mean, scale) = (spec.mean[c], 1.0 / spec.deviation[c]);
        for (values, row) in plane.chunks_exact_mut(width).zip(pixels.chunks_exact(width * bytes)) {
            let colors = row.chunks_exact(bytes);
            let write = |(value, color): (&mut f32, &[u8])| {
                *value = (f32::from(color[c]) / 255.0 - mean) * scale
            };
            if flipped {
                values.iter_mut().rev().zip(colors).for_each(write);
            } else {
                values.iter_mut().zip(colors).for_each(write);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrored_image_votes_for_the_twins_at_the_mirrored_places() {
        let grid = Grid { width: 3, height: 2, stride: 4, sigma: 1.0 };
        // Two images of two keypoints that are each other's twin.
        let mut maps: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let before = maps.clone();
        let mut mirrored = vec![0.0; 24];
        for image in 0..2 {
            for (keypoint, twin) in [(0, 1), (1, 0)] {
                for (row, column) in (0..6).map(|cell| (cell / 3, cell % 3)) {
                    let at = |keypoint: usize, column: usize| {
                        image * 12 + keypoint * 6 + row * 3 + column
                    };
                    mirrored[at(twin, 2 - column)] = before[at(keypoint, column)] + 4.0;
                }
            }
        }
        let mirror = Mirror { twins: &[1, 0], symmetry: &[] };
        average_mirrored(&mut maps, &mirrored, mirror, grid);
        assert!(maps.iter().zip(&before).all(|(after, before)| *after == before + 2.0));
    }

    #[test]
    fn what_cannot_be_told_apart_is_put_together_with_what_is_at_the_same_place() {
        let grid = Grid { width: 4, height: 1, stride: 4, sigma: 1.0 };
        // Numbered from the left in both: what is first here is second in the mirror.
        let (maps, mirrored) =
            ([0.9, 0.1, 0.0, 0.0, 0.0, 0.0, 0.2, 0.8], [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let mean = |symmetry: &[Vec<usize>]| {
            let mut maps = maps;
            average_mirrored(&mut maps, &mirrored, Mirror { twins: &[0, 1], symmetry }, grid);
            maps
        };
        assert_eq!(mean(&[vec![0, 1]]), [0.95, 0.05, 0.0, 0.0, 0.0, 0.0, 0.1, 0.9]);
        assert_eq!(mean(&[])[..4], [0.45, 0.05, 0.0, 0.5]);
    }
}
