//! The topology extractor `t` (Liu et al. 2022, Eqs. 5 and 6).
//!
//! No gradient ever flows through it, so it is plain arithmetic on slices: in `f64`, one sample
//! after the other in a fixed order, which gives the same bits on any number of threads.

use super::error::{AflError, check_length};
use rayon::prelude::*;

/// The value below which a heatmap's cell counts as empty, and how far the keypoint of a map that
/// is not empty exists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// This value (the paper: 0.1). A keypoint exists or not.
    Absolute(f64),
    /// This share of the map's own maximum: joints do not go missing while the maps are still flat.
    OfMaximum(f64),
    /// The cells of [`Threshold::OfMaximum`], and a keypoint exists the less the wider its map is
    /// spread.
    Soft {
        /// The share of the map's own maximum.
        share: f64,
        /// σ² of a target, cells². A map of this variance or less exists by 1.
        variance: f64,
    },
}

/// `t(y)` of a batch, and how far keypoints exist in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Topology {
    /// `[B, 2, K, K]`: the planar affinities (Eq. 5), then the angular ones (Eq. 6), all in [0, 1];
    /// 0 in the rows and columns of missing keypoints. Those of two keypoints that exist by e and f
    /// are multiplied by √(e f). One sample's part is the critic's input.
    pub affinities: Vec<f32>,
    /// `[B, K]`: how far the keypoint exists, in [0, 1]; 0 where it is masked or has no cell above
    /// the threshold.
    pub existence: Vec<f32>,
}

impl Topology {
    /// `t` of `heatmaps` (`[B, K, h, w]`, the shape given as `shape`).
    ///
    /// A keypoint whose entry of `mask` (`[B, K]`) is false counts as missing, even if its map is
    /// not empty.
    ///
    /// # Errors
    /// [`AflError::Length`] if a slice does not fit `shape`; [`AflError::NotFinite`] if an unmasked
    /// heatmap holds a NaN or an infinity.
    pub fn of(
        heatmaps: &[f32],
        shape: [usize; 4],
        mask: Option<&[bool]>,
        threshold: Threshold,
    ) -> Result<Self, AflError> {
        let [batch, keypoints, height, width] = shape;
        check_length("a batch of heatmaps", heatmaps.len(), shape.iter().product())?;
        if let Some(mask) = mask {
            check_length("a mask of keypoints", mask.len(), batch * keypoints)?;
        }
        let softness = Softness::of(threshold, height);
        let found: Vec<Option<Found>> = (0..batch * keypoints)
            .into_par_iter()
            .map(|index| {
                if mask.is_some_and(|mask| !mask[index]) {
                    return Ok(None);
                }
                let map = &heatmaps[index * height * width..][..height * width];
                Ok(centroid(map, width, threshold)?.map(|centroid| {
                    let existence = softness.map_or(1.0, |softness| softness.existence(map, width));
                    Found { centroid, existence, root: existence.sqrt() }
                }))
            })
            .collect::<Result<_, AflError>>()?;
        let diagonal = (width as f64).hypot(height as f64);
        let affinities = (0..batch)
            .into_par_iter()
            .flat_map_iter(|sample| affinities(&found[sample * keypoints..][..keypoints], diagonal))
            .collect();
        let existence = |found: &Option<Found>| found.as_ref().map_or(0.0, |f| f.existence as f32);
        Ok(Self { affinities, existence: found.iter().map(existence).collect() })
    }
}

/// A keypoint that is not missing.
struct Found {
    /// Column and row, cells.
    centroid: [f64; 2],
    /// How far it exists, and the root of that.
    existence: f64,
    root: f64,
}

/// How existence falls with the variance of a map.
#[derive(Clone, Copy)]
struct Softness {
    /// The variance up to which a keypoint exists by 1, cells².
    variance: f64,
    /// The variance beyond it at which a keypoint exists by a half, cells².
    scale: f64,
}

impl Softness {
    /// A sixteenth of the map's height beyond the spread of a target halves the existence.
    fn of(threshold: Threshold, height: usize) -> Option<Self> {
        match threshold {
            Threshold::Soft { variance, .. } => {
                Some(Softness { variance, scale: (height as f64 / 16.0).powi(2) })
            }
            Threshold::Absolute(_) | Threshold::OfMaximum(_) => None,
        }
    }

    /// e = s² / (s² + v − σ²), where v is the variance of the whole map, mean of both axes.
    fn existence(&self, map: &[f32], width: usize) -> f64 {
        let (mut mass, mut first, mut second) = (0.0, [0.0; 2], [0.0; 2]);
        for (row, cells) in map.chunks_exact(width).enumerate() {
            for (column, value) in cells.iter().enumerate() {
                let value = f64::from(value.max(0.0));
                mass += value;
                for (axis, place) in [column as f64, row as f64].into_iter().enumerate() {
                    first[axis] += value * place;
                    second[axis] += value * place * place;
                }
            }
        }
        if mass <= 0.0 {
            return 0.0;
        }
        let variance = |axis: usize| second[axis] / mass - (first[axis] / mass).powi(2);
        let excess = (0.5 * (variance(0) + variance(1)) - self.variance).max(0.0);
        self.scale / (self.scale + excess)
    }
}

/// The mass-weighted mean (column, row), in cells, of the cells that reach the threshold; `None`
/// where no cell does.
fn centroid(map: &[f32], width: usize, threshold: Threshold) -> Result<Option<[f64; 2]>, AflError> {
    if !map.iter().fold(true, |finite, value| finite & value.is_finite()) {
        return Err(AflError::NotFinite { what: "a heatmap" });
    }
    let level = match threshold {
        Threshold::Absolute(level) => level,
        Threshold::OfMaximum(share) | Threshold::Soft { share, .. } => {
            share
                * f64::from(
                    map.iter().fold(0.0, |most, value| if *value > most { *value } else { most }),
                )
        }
    };
    let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
    for (row, cells) in map.chunks_exact(width).enumerate() {
        let mut row_mass = 0.0;
        for (column, value) in cells.iter().map(|&value| f64::from(value)).enumerate() {
            // A raw network output may be negative, and a threshold 0: neither is mass.
            let value = if value >= level && value > 0.0 { value } else { 0.0 };
            row_mass += value;
            x += value * column as f64;
        }
        mass += row_mass;
        y += row_mass * row as f64;
    }
    Ok((mass > 0.0).then(|| [x / mass, y / mass]))
}

/// One sample's planar and angular affinities, `[2, K, K]`.
fn affinities(found: &[Option<Found>], diagonal: f64) -> Vec<f32> {
    let keypoints = found.len();
    let existing = || found.iter().flatten();
    let count = existing().count().max(1) as f64;
    let vertex = [0, 1].map(|axis| existing().map(|f| f.centroid[axis]).sum::<f64>() / count);
    let mut matrices = vec![0.0; 2 * keypoints * keypoints];
    let (planar, angular) = matrices.split_at_mut(keypoints * keypoints);
    for (i, a) in found.iter().enumerate() {
        for (j, b) in found.iter().enumerate() {
            if let (Some(a), Some(b)) = (a, b) {
                let both = a.root * b.root;
                let (a, b) = (a.centroid, b.centroid);
                planar[i * keypoints + j] =
                    (both * (1.0 - (a[0] - b[0]).hypot(a[1] - b[1]) / diagonal)) as f32;
                angular[i * keypoints + j] = (both * (0.5 + 0.5 * cosine(a, b, vertex))) as f32;
            }
        }
    }
    matrices
}

/// The cosine of the angle at `vertex` between `a` and `b`; 1 if either lies on the vertex, where
/// there is no angle.
fn cosine(a: [f64; 2], b: [f64; 2], vertex: [f64; 2]) -> f64 {
    const ON_THE_VERTEX: f64 = 1e-9;
    let [a, b] = [a, b].map(|point| [point[0] - vertex[0], point[1] - vertex[1]]);
    let [length_a, length_b] = [a, b].map(|v| v[0].hypot(v[1]));
    if length_a < ON_THE_VERTEX || length_b < ON_THE_VERTEX {
        return 1.0;
    }
    ((a[0] * b[0] + a[1] * b[1]) / (length_a * length_b)).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Maps of 5 x 4 cells with one unit cell each; `None` is an empty map.
    fn maps(cells: &[Option<(usize, usize)>]) -> Vec<f32> {
        let mut maps = vec![0.0; cells.len() * 20];
        for (map, cell) in maps.chunks_mut(20).zip(cells) {
            if let Some((column, row)) = cell {
                map[row * 5 + column] = 1.0;
            }
        }
        maps
    }

    #[test]
    fn afl_topology_by_hand_with_a_missing_keypoint() -> Result<(), AflError> {
        // The vertex is (2, 1): the two ends are seen in opposite directions.
        let maps = maps(&[Some((0, 1)), None, Some((4, 1))]);
        let topology = Topology::of(&maps, [1, 3, 4, 5], None, Threshold::Absolute(0.1))?;
        assert_eq!(topology.existence, [1.0, 0.0, 1.0]);
        let far = (1.0 - 4.0 / 41f64.sqrt()) as f32;
        let planar = [1.0, 0.0, far, 0.0, 0.0, 0.0, far, 0.0, 1.0];
        let angular = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        assert_eq!(topology.affinities, [planar, angular].concat());
        Ok(())
    }

    #[test]
    fn afl_topology_mask_equals_an_empty_map_and_hides_nan() -> Result<(), AflError> {
        let threshold = Threshold::OfMaximum(0.1);
        let empty = Topology::of(
            &maps(&[Some((0, 1)), None, Some((3, 2))]),
            [1, 3, 4, 5],
            None,
            threshold,
        )?;
        let mut full = maps(&[Some((0, 1)), Some((2, 2)), Some((3, 2))]);
        let mask = [true, false, true];
        assert_eq!(Topology::of(&full, [1, 3, 4, 5], Some(&mask), threshold)?, empty);
        full[25] = f32::NAN;
        assert_eq!(Topology::of(&full, [1, 3, 4, 5], Some(&mask), threshold)?, empty);
        assert!(matches!(
            Topology::of(&full, [1, 3, 4, 5], None, threshold),
            Err(AflError::NotFinite { .. })
        ));
        Ok(())
    }

    #[test]
    fn afl_topology_of_flat_maps_exists_only_relative_to_the_maximum() -> Result<(), AflError> {
        let flat = vec![0.01; 40];
        let exists = |threshold| {
            Topology::of(&flat, [1, 2, 4, 5], None, threshold).map(|topology| topology.existence)
        };
        assert_eq!(exists(Threshold::Absolute(0.1))?, [0.0, 0.0]);
        assert_eq!(exists(Threshold::OfMaximum(0.1))?, [1.0, 1.0]);
        Ok(())
    }

    #[test]
    fn afl_topology_of_soft_existence_is_1_for_a_target_and_falls_with_the_spread()
    -> Result<(), AflError> {
        let variance = 0.25;
        let soft = Threshold::Soft { share: 0.1, variance };
        let of = |map: &[f32], threshold| {
            Topology::of(&map.repeat(2), [1, 2, 4, 5], None, threshold).map(|t| t.affinities)
        };
        // A map of one cell has no variance: as in the paper, both keypoints lie on one another.
        let sharp = maps(&[Some((2, 2))]);
        assert_eq!(of(&sharp, soft)?, [1.0; 8]);
        // Two equal cells, two columns apart: variances 1 and 0, of which the mean is 0.5.
        let mut two = maps(&[Some((1, 2))]);
        two[2 * 5 + 3] = 1.0;
        let scale = (4.0f64 / 16.0).powi(2);
        let existence = (scale / (scale + 0.5 - variance)) as f32;
        assert!(of(&two, soft)?.iter().all(|entry| (entry - existence).abs() < 1e-6));
        assert_eq!(of(&two, Threshold::OfMaximum(0.1))?, [1.0; 8]);
        assert_eq!(of(&[0.0; 20], soft)?, [0.0; 8]);
        Ok(())
    }

    #[test]
    fn afl_topology_has_the_same_bits_on_any_number_of_threads() {
        let maps: Vec<f32> = (0..40 * 5 * 20).map(|i| (i as f32 * 0.37).sin()).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Topology::of(&maps, [40, 5, 4, 5], None, Threshold::Absolute(0.1)))
                .unwrap()
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn afl_topology_of_a_lone_keypoint_lies_on_its_own_vertex() -> Result<(), AflError> {
        let topology =
            Topology::of(&maps(&[Some((3, 2))]), [1, 1, 4, 5], None, Threshold::Absolute(0.1))?;
        assert_eq!(topology.affinities, [1.0, 1.0]);
        Ok(())
    }
}
