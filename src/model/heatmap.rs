//! Target heatmaps, and the scale that makes a network's softmax comparable with them.

use super::ModelSpec;
use candle_core::{D, Device, Result, Tensor, bail};

/// Deviation of a target's Gaussian, cells.
pub const SIGMA: f32 = 1.0;

/// The target heatmaps of a batch.
#[derive(Debug, Clone)]
pub struct Targets {
    /// [B, K, h, w]: a Gaussian with a peak of 1 at the keypoint's exact place between the cells; 0 where unlabelled.
    pub heatmaps: Tensor,
    /// [B, K]: 1 where the keypoint is labelled (visible or occluded) and inside the frame, else 0.
    pub mask: Tensor,
    /// [B, K]: the sum over a heatmap's cells.
    pub mass: Tensor,
}

/// Targets for a batch of images as `spec` has them.
///
/// `keypoints` holds K places per image, (x, y) in image pixels, image after image; `labelled` says which have a
/// visibility above 0. A place outside the frame (or not finite) counts as unlabelled.
///
/// # Errors
/// If the lengths differ or are no multiple of the spec's K.
pub fn render_targets(spec: &ModelSpec, keypoints: &[[f32; 2]], labelled: &[bool], device: &Device) -> Result<Targets> {
    let (k, width, height) = (spec.keypoints, spec.heatmap_width, spec.heatmap_height);
    if keypoints.len() != labelled.len() || k == 0 || !keypoints.len().is_multiple_of(k) {
        bail!("targets: expected {k} keypoints per image, found {} and {} labels", keypoints.len(), labelled.len());
    }
    let mut heatmaps = vec![0.0f32; keypoints.len() * width * height];
    let mut mask = vec![0.0f32; keypoints.len()];
    let mut mass = vec![0.0f32; keypoints.len()];
    for (i, (map, [x, y])) in heatmaps.chunks_exact_mut(width * height).zip(keypoints).enumerate() {
        let inside = (0.0..spec.input_width as f32).contains(x) && (0.0..spec.input_height as f32).contains(y);
        if !(labelled[i] && inside) {
            continue;
        }
        let columns = bell(x / spec.stride as f32 - 0.5, width);
        let rows = bell(y / spec.stride as f32 - 0.5, height);
        for (row, weight) in map.chunks_exact_mut(width).zip(&rows) {
            for (cell, column) in row.iter_mut().zip(&columns) {
                *cell = weight * column;
            }
        }
        mask[i] = 1.0;
        mass[i] = rows.iter().sum::<f32>() * columns.iter().sum::<f32>();
    }
    let batch = keypoints.len() / k;
    Ok(Targets {
        heatmaps: Tensor::from_vec(heatmaps, (batch, k, height, width), device)?,
        mask: Tensor::from_vec(mask, (batch, k), device)?,
        mass: Tensor::from_vec(mass, (batch, k), device)?,
    })
}

/// exp(-(c - centre)² / 2σ²) for the cells c below `cells`; two such bells multiply to the 2-D Gaussian.
fn bell(centre: f32, cells: usize) -> Vec<f32> {
    (0..cells).map(|cell| (-(cell as f32 - centre).powi(2) / (2.0 * SIGMA * SIGMA)).exp()).collect()
}

/// The softmax of every map of `logits` [B, K, h, w], times its target's `mass` [B, K]: a perfect prediction equals the
/// target. Differentiable in the logits.
///
/// # Errors
/// If the shapes do not fit.
pub fn softmax_heatmaps(logits: &Tensor, mass: &Tensor) -> Result<Tensor> {
    let probabilities = candle_nn::ops::softmax(&logits.flatten_from(2)?, D::Minus1)?;
    probabilities.broadcast_mul(&mass.unsqueeze(2)?)?.reshape(logits.shape())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HeatmapNetwork, Nano};
    use candle_core::Var;

    fn spec(keypoints: usize) -> Result<ModelSpec> {
        Ok(Nano::new(keypoints, 1, &Device::Cpu)?.spec())
    }

    #[test]
    fn a_cell_centre_is_half_a_stride_from_its_corner() -> Result<()> {
        // With a stride of 4 pixels, cell 3 covers [12, 16) and has its centre at 14; cell 5's is at 22.
        let targets = render_targets(&spec(1)?, &[[14.0, 22.0]], &[true], &Device::Cpu)?;
        let map = targets.heatmaps.squeeze(0)?.squeeze(0)?.to_vec2::<f32>()?;
        assert_eq!(map[5][3], 1.0);
        let near = |value: f32, expected: f32| (value - expected).abs() < 1e-6;
        assert!(near(map[5][4], (-0.5f32).exp()) && near(map[3][3], (-2.0f32).exp()));
        // A quarter of a cell to the right of the centre: 15 / 4 - 0.5 = 3.25.
        let targets = render_targets(&spec(1)?, &[[15.0, 22.0]], &[true], &Device::Cpu)?;
        let map = targets.heatmaps.squeeze(0)?.squeeze(0)?.to_vec2::<f32>()?;
        assert!(near(map[5][3], (-0.03125f32).exp()) && near(map[5][4], (-0.28125f32).exp()));
        Ok(())
    }

    #[test]
    fn mask_and_mass_follow_label_and_frame() -> Result<()> {
        let places = [[32.0, 32.0], [0.0, 0.0], [32.0, 32.0], [64.0, 10.0], [-0.1, 10.0], [f32::NAN, 1.0]];
        let labelled = [true, true, false, true, true, true];
        let targets = render_targets(&spec(3)?, &places, &labelled, &Device::Cpu)?;
        assert_eq!(targets.mask.to_vec2::<f32>()?, [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]);
        let sums = targets.heatmaps.sum((2, 3))?.to_vec2::<f32>()?;
        let mass = targets.mass.to_vec2::<f32>()?;
        for (sum, mass) in sums.iter().flatten().zip(mass.iter().flatten()) {
            assert!((sum - mass).abs() < 1e-5);
        }
        // Far from the border the cells sum to the integral 2πσ².
        assert!((mass[0][0] - std::f32::consts::TAU).abs() < 1e-4);
        assert_eq!(mass[0][2], 0.0);
        assert!(render_targets(&spec(3)?, &places[..2], &labelled[..2], &Device::Cpu).is_err());
        Ok(())
    }

    #[test]
    fn a_perfect_prediction_equals_the_target_and_has_a_gradient() -> Result<()> {
        let targets = render_targets(&spec(2)?, &[[3.0, 60.0], [20.5, 33.0]], &[true, true], &Device::Cpu)?;
        let logits = Var::from_tensor(&targets.heatmaps.log()?)?;
        let heatmaps = softmax_heatmaps(&logits, &targets.mass)?;
        let error = (&heatmaps - &targets.heatmaps)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?;
        assert!(error < 1e-5, "{error}");
        assert!(heatmaps.sqr()?.sum_all()?.backward()?.get(&logits).is_some());
        Ok(())
    }
}
