//! What a base loss compares a network's output with: keypoints and their Gaussian heatmaps.
//!
//! Image coordinates are continuous, in pixels, with pixel centres at .5. Cell `c` of a heatmap covers image columns
//! `[c stride, (c + 1) stride)`, so that a keypoint's position in cells is `u = x / stride - 1/2`.

use super::error::{AflError, check_length};
use crate::random;
use candle_core::{DType, Device, Tensor};
use rand::Rng;

/// The shape of heatmaps and the image pixels per cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Columns of a heatmap.
    pub width: usize,
    /// Rows of a heatmap.
    pub height: usize,
    /// Image pixels per cell.
    pub stride: usize,
}

impl Grid {
    /// Whether the point (image pixels) lies inside the image.
    fn contains(&self, point: &[f32]) -> bool {
        let inside = |x: f32, cells: usize| x >= 0.0 && x < (cells * self.stride) as f32;
        inside(point[0], self.width) && inside(point[1], self.height)
    }

    /// A position along an axis, from image pixels to cells.
    fn cells(&self, pixels: f32) -> f32 {
        pixels / self.stride as f32 - 0.5
    }
}

/// The targets of a batch, all f32 on one device.
#[derive(Debug, Clone)]
pub struct HeatmapTargets {
    /// `[B, K, h, w]`: Gaussians of σ = 1 cell and peak 1; 0 where the mask is 0.
    pub heatmaps: Tensor,
    /// `[B, K]`: 1 where the keypoint is labelled and inside the image, else 0.
    pub mask: Tensor,
    /// `[B, K]`: the sum of the keypoint's heatmap.
    pub mass: Tensor,
    /// `[B, K, 2]`: column and row of the keypoint in cells; 0 where the mask is 0.
    pub coordinates: Tensor,
}

impl HeatmapTargets {
    /// The targets of keypoints `[B, K, 2]` (x, y in image pixels) with `labelled` `[B, K]`; `keypoints_per_sample` is
    /// K.
    ///
    /// # Errors
    /// If the slices' lengths do not fit, or the device cannot hold the tensors.
    pub fn new(
        keypoints: &[f32],
        labelled: &[bool],
        keypoints_per_sample: usize,
        grid: Grid,
        device: &Device,
    ) -> Result<Self, AflError> {
        let mask = visible(keypoints, labelled, grid)?;
        let batch = mask.len() / keypoints_per_sample.max(1);
        let shape = (batch, keypoints_per_sample, grid.height, grid.width);
        let heatmaps = Tensor::from_vec(gaussians(keypoints, &mask, grid)?, shape, device)?;
        let coordinates: Vec<f32> = keypoints
            .chunks_exact(2)
            .zip(&mask)
            .flat_map(|(point, &seen)| if seen { [grid.cells(point[0]), grid.cells(point[1])] } else { [0.0; 2] })
            .collect();
        let mask: Vec<f32> = mask.into_iter().map(|seen| f32::from(u8::from(seen))).collect();
        Ok(Self {
            mass: heatmaps.sum((2, 3))?,
            heatmaps,
            mask: Tensor::from_vec(mask, (batch, keypoints_per_sample), device)?,
            coordinates: Tensor::from_vec(coordinates, (batch, keypoints_per_sample, 2), device)?,
        })
    }

    /// The mask as flags `[B, K]`.
    ///
    /// # Errors
    /// If the mask cannot be read back.
    pub fn flags(&self) -> candle_core::Result<Vec<bool>> {
        Ok(self.mask.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?.into_iter().map(|m| m > 0.0).collect())
    }
}

/// Which keypoints `[B, K]` are labelled and inside the image: the ones there is a target for.
///
/// # Errors
/// [`AflError::Length`] if there are not two coordinates per flag.
pub fn visible(keypoints: &[f32], labelled: &[bool], grid: Grid) -> Result<Vec<bool>, AflError> {
    check_length("a batch of keypoints", keypoints.len(), 2 * labelled.len())?;
    Ok(keypoints.chunks_exact(2).zip(labelled).map(|(point, &labelled)| labelled && grid.contains(point)).collect())
}

/// Unit-peak Gaussians of σ = 1 cell, `[B, K, h, w]`, at `keypoints` (`[B, K, 2]`, image pixels); 0 where `mask` is
/// false.
///
/// # Errors
/// [`AflError::Length`] if there are not two coordinates per flag.
pub fn gaussians(keypoints: &[f32], mask: &[bool], grid: Grid) -> Result<Vec<f32>, AflError> {
    check_length("a batch of keypoints", keypoints.len(), 2 * mask.len())?;
    let cells = grid.width * grid.height;
    let mut maps = vec![0.0; mask.len() * cells];
    let profile = |centre: f32, length: usize| -> Vec<f32> {
        (0..length).map(|cell| (-0.5 * (cell as f32 - grid.cells(centre)).powi(2)).exp()).collect()
    };
    for (index, point) in keypoints.chunks_exact(2).enumerate().filter(|&(index, _)| mask[index]) {
        let (columns, rows) = (profile(point[0], grid.width), profile(point[1], grid.height));
        for (cell, value) in maps[index * cells..][..cells].iter_mut().enumerate() {
            *value = columns[cell % grid.width] * rows[cell / grid.width];
        }
    }
    Ok(maps)
}

/// `keypoints` moved by up to `amount` pixels along either axis, uniformly, from the stream of (`seed`, `step`).
pub fn jittered(keypoints: &[f32], amount: f64, seed: u64, step: u64) -> Vec<f32> {
    let mut stream = random::stream(seed, step, 0, "afl/jitter");
    keypoints.iter().map(|&x| x + amount as f32 * (2.0 * stream.random::<f32>() - 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = Grid { width: 6, height: 5, stride: 4 };

    #[test]
    fn afl_targets_peak_at_the_cell_that_covers_the_keypoint() -> Result<(), AflError> {
        // The centre of cell (2, 1); one outside the image; one that is not labelled.
        let keypoints = [10.0, 6.0, 24.0, 6.0, 10.0, 6.0];
        let targets = HeatmapTargets::new(&keypoints, &[true, true, false], 3, GRID, &Device::Cpu)?;
        assert_eq!(targets.flags()?, [true, false, false]);
        assert_eq!(targets.coordinates.to_vec3::<f32>()?[0], [[2.0, 1.0], [0.0, 0.0], [0.0, 0.0]]);
        let maps = targets.heatmaps.flatten_all()?.to_vec1::<f32>()?;
        assert_eq!(maps[6 + 2], 1.0);
        assert!((maps[6 + 3] - (-0.5f32).exp()).abs() < 1e-6);
        assert!(maps[30..].iter().all(|&value| value == 0.0));
        let mass = targets.mass.to_vec2::<f32>()?;
        assert!((mass[0][0] - maps[..30].iter().sum::<f32>()).abs() < 1e-5 && mass[0][1] == 0.0);
        Ok(())
    }

    #[test]
    fn afl_jitter_is_bounded_and_keyed_by_step() {
        let keypoints = vec![5.0; 100];
        let moved = jittered(&keypoints, 0.5, 1, 7);
        assert!(moved.iter().all(|x| (x - 5.0).abs() <= 0.5) && moved.iter().any(|x| (x - 5.0).abs() > 0.3));
        assert_eq!(moved, jittered(&keypoints, 0.5, 1, 7));
        assert_ne!(moved, jittered(&keypoints, 0.5, 1, 8));
    }
}
