//! Target heatmaps, and the scale that makes a network's softmax comparable with them.

use super::{model_spec::ModelSpec, softmax::softmax_times_mass};
use candle_core::{DType, Device, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// Deviation of a target's Gaussian, as a share of the image's height: that of SimpleBaseline (Xiao
/// et al. 2018, arXiv 1804.06208), two cells of 64.
///
/// It is a share of the image because the distances between a person's joints are, too, however
/// coarse the heatmaps are. With a whole cell of `nano`'s 16 rows the two hills of a left and a
/// right joint merge where the network cannot tell which is which, and the top of the merged hill
/// is at neither joint.
const SIGMA: f32 = 1.0 / 32.0;

/// How a network's output becomes heatmaps on the scale of the unit-peak targets; which one a
/// network was trained for is part of its model card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The softmax over a map's cells, times the target's mass.
    Softmax,
    /// The output is the heatmaps.
    Identity,
}

impl Activation {
    /// The network's `output` `[B, K, h, w]` as heatmaps, where the targets' mass is `mass` (`[B,
    /// K]`). Differentiable.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn heatmaps(self, output: &Tensor, mass: &Tensor) -> Result<Tensor> {
        match self {
            Activation::Softmax => softmax_times_mass(output, mass),
            Activation::Identity => Ok(output.clone()),
        }
    }
}

/// The shape of heatmaps, the image pixels per cell, and how wide targets are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Columns of a heatmap.
    pub width: usize,
    /// Rows of a heatmap.
    pub height: usize,
    /// Image pixels per cell.
    pub stride: usize,
    /// Deviation of a target's Gaussian, cells.
    pub sigma: f32,
}

impl ModelSpec {
    /// The shape of the network's heatmaps, which cover its input.
    pub fn grid(&self) -> Grid {
        let sigma = SIGMA * self.heatmap_height as f32;
        Grid { width: self.heatmap_width, height: self.heatmap_height, stride: self.stride, sigma }
    }
}

impl Grid {
    /// The sum of a target far from the border, 2πσ² (to 3 % where σ is half a cell).
    pub fn full_mass(&self) -> f32 {
        std::f32::consts::TAU * self.sigma * self.sigma
    }

    /// Whether a place (image pixels) is finite and inside the image.
    fn contains(&self, [x, y]: [f32; 2]) -> bool {
        let inside =
            |place: f32, cells: usize| (0.0..(cells * self.stride) as f32).contains(&place);
        inside(x, self.width) && inside(y, self.height)
    }

    /// A place along an axis, from image pixels to cells.
    fn cells(&self, pixels: f32) -> f32 {
        pixels / self.stride as f32 - 0.5
    }
}

/// The targets of a batch, all f32 on one device.
#[derive(Debug, Clone)]
pub struct HeatmapTargets {
    /// `[B, K, h, w]`: a Gaussian with a peak of 1 at the keypoint's exact place between the cells;
    /// 0 where the mask is 0.
    pub heatmaps: Tensor,
    /// `[B, K]`: 1 where the keypoint is labelled and inside the image, else 0.
    pub mask: Tensor,
    /// `[B, K]`: the sum of the keypoint's heatmap.
    pub mass: Tensor,
    /// `[B, K, 2]`: column and row of the keypoint in cells; 0 where the mask is 0.
    pub coordinates: Tensor,
}

impl HeatmapTargets {
    /// The targets of `keypoints` (`[B, K]` places (x, y) in image pixels), of which the `labelled`
    /// (`[B, K]`) have a visibility above 0; `keypoints_per_sample` is K.
    ///
    /// # Errors
    /// If the slices' lengths differ or are no multiple of K, or the device cannot hold the
    /// tensors.
    pub fn new(
        keypoints: &[[f32; 2]],
        labelled: &[bool],
        keypoints_per_sample: usize,
        grid: Grid,
        device: &Device,
    ) -> Result<Self> {
        let k = keypoints_per_sample;
        if k == 0 || !keypoints.len().is_multiple_of(k) {
            bail!("targets: expected {k} keypoints per sample, found {} in all", keypoints.len());
        }
        let batch = keypoints.len() / k;
        let mask = visible(keypoints, labelled, grid)?;
        let shape = (batch, k, grid.height, grid.width);
        let heatmaps = Tensor::from_vec(gaussians(keypoints, &mask, grid)?, shape, device)?;
        let place = |(point, &seen): (&[f32; 2], &bool)| {
            if seen { point.map(|x| grid.cells(x)) } else { [0.0; 2] }
        };
        let coordinates: Vec<f32> = keypoints.iter().zip(&mask).flat_map(place).collect();
        let mask: Vec<f32> = mask.into_iter().map(|seen| f32::from(u8::from(seen))).collect();
        Ok(Self {
            mass: heatmaps.sum((2, 3))?,
            heatmaps,
            mask: Tensor::from_vec(mask, (batch, k), device)?,
            coordinates: Tensor::from_vec(coordinates, (batch, k, 2), device)?,
        })
    }

    /// The mask as flags `[B, K]`.
    ///
    /// # Errors
    /// If the mask cannot be read back.
    pub fn flags(&self) -> Result<Vec<bool>> {
        Ok(self
            .mask
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1::<f32>()?
            .into_iter()
            .map(|m| m > 0.0)
            .collect())
    }
}

/// Which keypoints (places in image pixels) are labelled and inside the image. Only these have a
/// target. A place that is not finite is outside.
///
/// # Errors
/// If there is not one label per keypoint.
pub fn visible(keypoints: &[[f32; 2]], labelled: &[bool], grid: Grid) -> Result<Vec<bool>> {
    check_flags("labels", keypoints, labelled)?;
    Ok(keypoints
        .iter()
        .zip(labelled)
        .map(|(&point, &labelled)| labelled && grid.contains(point))
        .collect())
}

/// Unit-peak Gaussians, one map `[h, w]` after the other, at `keypoints` (places in image pixels);
/// 0 where `mask` is false.
///
/// # Errors
/// If there is not one flag per keypoint.
pub fn gaussians(keypoints: &[[f32; 2]], mask: &[bool], grid: Grid) -> Result<Vec<f32>> {
    check_flags("flags", keypoints, mask)?;
    // Two such bells multiply to the 2-D Gaussian.
    let bell = |centre: f32, cells: usize| -> Vec<f32> {
        let centre = grid.cells(centre);
        (0..cells)
            .map(|cell| (-(cell as f32 - centre).powi(2) / (2.0 * grid.sigma * grid.sigma)).exp())
            .collect()
    };
    let cells = grid.width * grid.height;
    let mut maps = vec![0.0; mask.len() * cells];
    for (index, [x, y]) in keypoints.iter().enumerate().filter(|&(index, _)| mask[index]) {
        let (columns, rows) = (bell(*x, grid.width), bell(*y, grid.height));
        let map = maps[index * cells..][..cells].chunks_exact_mut(grid.width);
        for (values, row) in map.zip(&rows) {
            for (value, column) in values.iter_mut().zip(&columns) {
                *value = column * row;
            }
        }
    }
    Ok(maps)
}

fn check_flags(what: &str, keypoints: &[[f32; 2]], flags: &[bool]) -> Result<()> {
    if keypoints.len() != flags.len() {
        bail!(
            "targets: expected {} {what}, one per keypoint, found {}",
            keypoints.len(),
            flags.len()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: Grid = Grid { width: 16, height: 16, stride: 4, sigma: 1.0 };
    const OBLONG: Grid = Grid { width: 6, height: 5, stride: 4, sigma: 1.0 };

    #[test]
    fn a_cell_centre_is_half_a_stride_from_its_corner() -> Result<()> {
        // With a stride of 4 pixels, cell 3 covers [12, 16) and has its centre at 14; cell 5's is
        // at 22.
        let map = |x, y| -> Result<Vec<Vec<f32>>> {
            let targets = HeatmapTargets::new(&[[x, y]], &[true], 1, SQUARE, &Device::Cpu)?;
            targets.heatmaps.squeeze(0)?.squeeze(0)?.to_vec2::<f32>()
        };
        let near = |value: f32, expected: f32| (value - expected).abs() < 1e-6;
        let centred = map(14.0, 22.0)?;
        assert_eq!(centred[5][3], 1.0);
        assert!(near(centred[5][4], (-0.5f32).exp()) && near(centred[3][3], (-2.0f32).exp()));
        // A quarter of a cell to the right of the centre: 15 / 4 - 0.5 = 3.25.
        let moved = map(15.0, 22.0)?;
        assert!(near(moved[5][3], (-0.03125f32).exp()) && near(moved[5][4], (-0.28125f32).exp()));
        Ok(())
    }

    #[test]
    fn mask_and_mass_follow_label_and_frame() -> Result<()> {
        let places =
            [[32.0, 32.0], [0.0, 0.0], [32.0, 32.0], [64.0, 10.0], [-0.1, 10.0], [f32::NAN, 1.0]];
        let labelled = [true, true, false, true, true, true];
        let targets = HeatmapTargets::new(&places, &labelled, 3, SQUARE, &Device::Cpu)?;
        assert_eq!(targets.mask.to_vec2::<f32>()?, [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]);
        let sums = targets.heatmaps.sum((2, 3))?.to_vec2::<f32>()?;
        let mass = targets.mass.to_vec2::<f32>()?;
        for (sum, mass) in sums.iter().flatten().zip(mass.iter().flatten()) {
            assert!((sum - mass).abs() < 1e-5);
        }
        // Far from the border the cells sum to the integral 2πσ².
        assert!((mass[0][0] - SQUARE.full_mass()).abs() < 1e-4);
        assert_eq!(mass[0][2], 0.0);
        for (count, labels, per_sample) in [(2, 2, 3), (3, 2, 3), (3, 3, 0)] {
            let targets = HeatmapTargets::new(
                &places[..count],
                &labelled[..labels],
                per_sample,
                SQUARE,
                &Device::Cpu,
            );
            assert!(targets.is_err());
        }
        Ok(())
    }

    #[test]
    fn targets_of_an_oblong_grid_peak_at_the_cell_that_covers_the_keypoint() -> Result<()> {
        // The centre of cell (2, 1); one outside the image; one that is not labelled.
        let keypoints = [[10.0, 6.0], [24.0, 6.0], [10.0, 6.0]];
        let targets =
            HeatmapTargets::new(&keypoints, &[true, true, false], 3, OBLONG, &Device::Cpu)?;
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
    fn a_perfect_prediction_equals_the_target() -> Result<()> {
        let targets = HeatmapTargets::new(
            &[[3.0, 60.0], [20.5, 33.0]],
            &[true, true],
            2,
            SQUARE,
            &Device::Cpu,
        )?;
        let heatmaps = Activation::Softmax.heatmaps(&targets.heatmaps.log()?, &targets.mass)?;
        let error =
            (&heatmaps - &targets.heatmaps)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
        assert!(error < 1e-5, "{error}");
        Ok(())
    }

    #[test]
    fn targets_are_as_wide_in_the_picture_of_every_network()
    -> std::result::Result<(), crate::ModelError> {
        for (name, cells) in [("nano", 0.5), ("small", 1.0)] {
            let spec = crate::spec(name, 17)?;
            let grid = spec.grid();
            assert_eq!(
                (grid.sigma, grid.sigma * grid.stride as f32 / spec.input_height as f32),
                (cells, 1.0 / 32.0)
            );
        }
        Ok(())
    }

    #[test]
    fn of_two_hips_that_are_as_likely_one_is_found_and_not_the_middle() -> Result<()> {
        // Hips are .43 torso lengths apart, a torso 17 pixels long: the medians of the photographs
        // in docs/RESULTS.md.
        let (apart, grid) =
            (7.3, crate::spec("nano", 17).map_err(candle_core::Error::wrap)?.grid());
        for step in 0..8 {
            let left = [28.0 + 0.5 * step as f32, 30.0 + 0.3 * step as f32];
            let right = [left[0] + apart, left[1]];
            let maps = gaussians(&[left, right], &[true, true], grid)?;
            let (one, other) = maps.split_at(grid.width * grid.height);
            let either: Vec<f32> = one.iter().zip(other).map(|(a, b)| 0.5 * (a + b)).collect();
            let found = crate::decode::decode(&either, grid.width, grid.height, grid.stride)[0];
            let off = [left, right].map(|[x, y]| (found.x - x).hypot(found.y - y));
            assert!(off[0].min(off[1]) < 0.2 * 17.0, "{found:?} between {left:?} and {right:?}");
        }
        Ok(())
    }
}
