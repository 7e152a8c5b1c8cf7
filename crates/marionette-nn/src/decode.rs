//! From heatmaps to places between the cells: the distribution-aware (DARK) decoder of Zhang et al.
//! 2020, "Distribution-aware coordinate representation for human pose estimation" (arXiv
//! 1910.06278).

/// Values below this are raised to it before their logarithm is taken.
pub const FLOOR: f32 = 1e-30;

/// Second differences and their determinant must be this far from those of a flat map, or rounding
/// in one would count as a slope.
pub const LEAST_CURVATURE: f32 = 1e-6;
/// See [`LEAST_CURVATURE`].
pub const LEAST_DETERMINANT: f32 = 1e-9;

/// A keypoint found in a heatmap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decoded {
    /// Distance from the image's left edge, pixels.
    pub x: f32,
    /// Distance from the image's top edge, pixels.
    pub y: f32,
    /// The heatmap's greatest value (0 if it has no finite one).
    pub score: f32,
}

/// The keypoints of the non-negative maps `heatmaps` [K, h, w], in image pixels; `stride` is a
/// cell's size in pixels.
///
/// A place is the map's greatest cell m, moved by a Newton step on the logarithm of the map:
/// `μ = m - D''(m)⁻¹ D'(m)` (Zhang et al. 2020, "Coordinate decoding"). It is exact for a Gaussian.
/// The paper's smoothing of the map beforehand is left out. If the map has no maximum there (it is flat
/// or a saddle), the place is the centre of the greatest cell. No place lies further than one cell
/// from m, or outside the frame. Values after the last whole map are ignored.
pub fn decode(heatmaps: &[f32], width: usize, height: usize, stride: usize) -> Vec<Decoded> {
    if width * height == 0 {
        return Vec::new();
    }
    heatmaps
        .chunks_exact(width * height)
        .map(|map| decode_map(map, width, height, stride as f32))
        .collect()
}

fn decode_map(map: &[f32], width: usize, height: usize, stride: f32) -> Decoded {
    let finite = map.iter().enumerate().filter(|(_, value)| value.is_finite());
    let greatest = finite.fold(None, |best: Option<(usize, f32)>, (cell, value)| match best {
        Some((_, greatest)) if greatest >= *value => best,
        _ => Some((cell, *value)),
    });
    let (cell, score) = greatest.unwrap_or((0, 0.0));
    let (column, row) = (cell % width, cell / width);
    let (u, v) = summit(map, width, height, column, row).unwrap_or((column as f32, row as f32));
    let place = |cells: f32, greatest: usize, count: usize| {
        let near = cells.clamp(greatest as f32 - 1.0, greatest as f32 + 1.0);
        ((near + 0.5) * stride).clamp(0.0, count as f32 * stride)
    };
    Decoded { x: place(u, column, width), y: place(v, row, height), score }
}

/// Where the paraboloid through the logarithms around a cell has its maximum, in cells; none if it
/// has no maximum.
///
/// Differences are taken around the nearest cell that has neighbours on all sides, so that a
/// keypoint in a border cell is located as well as any other.
fn summit(
    map: &[f32],
    width: usize,
    height: usize,
    column: usize,
    row: usize,
) -> Option<(f32, f32)> {
    if width < 3 || height < 3 {
        return None;
    }
    let (column, row) = (column.clamp(1, width - 2), row.clamp(1, height - 2));
    let log = |dx: usize, dy: usize| map[(row + dy - 1) * width + column + dx - 1].max(FLOOR).ln();
    let centre = log(1, 1);
    let (gx, gy) = ((log(2, 1) - log(0, 1)) / 2.0, (log(1, 2) - log(1, 0)) / 2.0);
    let (hxx, hyy) = (log(2, 1) - 2.0 * centre + log(0, 1), log(1, 2) - 2.0 * centre + log(1, 0));
    let hxy = (log(2, 2) - log(0, 2) - log(2, 0) + log(0, 0)) / 4.0;
    let determinant = hxx * hyy - hxy * hxy;
    // It must be negative definite.
    if !(hxx < -LEAST_CURVATURE && determinant > LEAST_DETERMINANT) {
        return None;
    }
    let (dx, dy) = ((hxy * gy - hyy * gx) / determinant, (hxy * gx - hxx * gy) / determinant);
    (dx.is_finite() && dy.is_finite()).then_some((column as f32 + dx, row as f32 + dy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::{Grid, HeatmapTargets};
    use candle_core::{Device, Result};

    #[test]
    fn a_target_decodes_to_its_keypoint_up_to_the_border() -> Result<()> {
        let mut places = Vec::new();
        for i in 0..64 {
            for j in 0..64 {
                places.push([i as f32 + 0.37, j as f32 + 0.81]);
            }
        }
        places.extend([[0.0, 0.0], [63.999, 63.999], [0.0, 30.0], [32.0, 63.9]]);
        for sigma in [0.5, 1.0] {
            let grid = Grid { width: 16, height: 16, stride: 4, sigma };
            let targets =
                HeatmapTargets::new(&places, &vec![true; places.len()], 1, grid, &Device::Cpu)?;
            let values = targets.heatmaps.flatten_all()?.to_vec1::<f32>()?;
            let decoded = decode(&values, grid.width, grid.height, grid.stride);
            assert_eq!(decoded.len(), places.len());
            // Half a cell off in both directions at worst.
            let lowest = 0.99 * (-0.25 / (sigma * sigma)).exp();
            for (place, found) in places.iter().zip(decoded) {
                let error =
                    (found.x - place[0]).abs().max((found.y - place[1]).abs()) / grid.stride as f32;
                assert!(error < 0.05, "{place:?} decoded as {found:?} where σ is {sigma}");
                assert!(found.score > lowest);
            }
        }
        Ok(())
    }

    #[test]
    fn a_map_without_a_summit_decodes_to_a_cell_centre() {
        for flat in [0.0, 0.3, 1.0] {
            assert_eq!(decode(&[flat; 30], 6, 5, 4), [Decoded { x: 2.0, y: 2.0, score: flat }]);
        }
        let nothing = Decoded { x: 2.0, y: 2.0, score: 0.0 };
        assert_eq!(decode(&[f32::NAN; 12], 4, 3, 4), [nothing]);
        assert_eq!(decode(&[], 4, 3, 4), []);
        // Too small for second differences.
        assert_eq!(decode(&[0.1, 0.9], 2, 1, 4), [Decoded { x: 6.0, y: 2.0, score: 0.9 }]);
    }

    #[test]
    fn a_lone_cell_decodes_to_its_centre_and_a_ridge_stays_near_its_peak() {
        let mut lone = [0.0; 25];
        lone[13] = 0.5;
        assert_eq!(decode(&lone, 5, 5, 2), [Decoded { x: 7.0, y: 5.0, score: 0.5 }]);
        let mut ridge = [1e-9; 25];
        (ridge[11], ridge[12], ridge[13]) = (0.4999, 0.5, 0.4999);
        let [found] = decode(&ridge, 5, 5, 2)[..] else { panic!("one map") };
        assert!((found.x - 5.0).abs() < 2.0 && (found.y - 5.0).abs() < 2.0, "{found:?}");
    }
}
