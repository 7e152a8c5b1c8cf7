//! The camera that most keypoints agree on, refined, and how sure it is.

use super::{
    Intrinsics, PnpError,
    refine::{covariance, error, refine},
    sqpnp::{MOST_ROUNDS, cameras},
};
use marionette_base::random::stream;
use nalgebra::{Isometry3, Matrix3, Matrix6, SymmetricEigen, Vector2, Vector3};
use rand::seq::index;

/// Fewer keypoints leave several cameras.
const LEAST: usize = 4;
/// Points whose spread across their line is a smaller share of that along it lie in a line.
const THIN: f64 = 1e-3;
/// Cameras that are refined.
const FINALISTS: usize = 6;
/// Rounds of choosing whom to believe.
const ROUNDS: usize = 8;
/// Cameras whose directions differ by more are two answers, radians.
const ANOTHER: f64 = 0.1;
/// The largest number that makes sense, metres or pixels.
const LARGEST: f64 = 1e7;
/// The deviation of a coordinate is never taken for less, pixels: seven points can agree by chance.
const LEAST_DEVIATION: f64 = 0.25;

/// A keypoint that was found in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Where it is in the figure's frame, metres.
    pub point: [f64; 3],
    /// Where it was found, pixels counted from the centre of the top-left one.
    pub pixel: [f64; 2],
    /// How sure that is: its weight.
    pub confidence: f64,
}

/// Whom to believe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// A keypoint that the camera sees farther away than this from where it was found was found
    /// wrongly, pixels.
    pub inlier_pixels: f64,
    /// Keypoints that were found with less confidence are left out.
    pub least_confidence: f64,
    /// At most so many sets of four keypoints are tried: all where there are fewer, else these,
    /// drawn with a fixed seed.
    pub most_subsets: usize,
}

impl Options {
    /// For a picture of this width and height: keypoints count as found within 2 % of the longer
    /// side, and from a confidence of 0.1 on.
    pub fn for_picture(size: [u32; 2]) -> Self {
        let longer = f64::from(size[0].max(size[1]));
        Options { inlier_pixels: 0.02 * longer, least_confidence: 0.1, most_subsets: 300 }
    }
}

/// A camera, and how sure it is.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraPose {
    /// From the figure's frame into the camera's, which is x right, y down, z forward, metres.
    pub camera_from_figure: Isometry3<f64>,
    /// Of a small turn about the axes of the camera's frame through the figure's origin, radians,
    /// and a shift in the camera's frame, metres.
    pub covariance: Matrix6<f64>,
    /// How far from where it was found the camera sees each keypoint, pixels; `None` behind it.
    pub errors: Vec<Option<f64>>,
    /// Which keypoints it rests on.
    pub inliers: Vec<bool>,
    /// Root of the mean square of the inliers' errors, pixels.
    pub rms_pixels: f64,
    /// The deviation of one coordinate of a keypoint of mean confidence, pixels, as the covariance
    /// has it.
    pub deviation_pixels: f64,
    /// How many more coordinates were found than a camera has numbers: of two, the deviation is
    /// little more than a guess.
    pub spare: usize,
    /// Another camera that looks from elsewhere and explains as many keypoints.
    pub second: Option<Second>,
}

/// The next best answer. A plane seen from afar has two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Second {
    /// From the figure's frame into the camera's.
    pub camera_from_figure: Isometry3<f64>,
    /// Root of the mean square of its inliers' errors, pixels.
    pub rms_pixels: f64,
}

impl CameraPose {
    /// `camera_from_figure`, row after row.
    pub fn matrix(&self) -> [[f64; 4]; 4] {
        rows(&self.camera_from_figure)
    }

    /// Deviation of the figure's origin along the axes of the camera's frame, metres.
    pub fn figure_deviation(&self) -> [f64; 3] {
        self.covariance.fixed_view::<3, 3>(3, 3).diagonal().map(f64::sqrt).into()
    }

    /// Deviation of the camera along the axes of the figure's frame, metres.
    pub fn camera_deviation(&self) -> [f64; 3] {
        // The camera is at -R't. Turned by w and shifted by s, it moves by -R'(s - w x t).
        let Isometry3 { rotation, translation } = self.camera_from_figure;
        let back = rotation.to_rotation_matrix().transpose();
        let of_turn: Matrix3<f64> = -(back * translation.vector.cross_matrix());
        let mut jacobian = nalgebra::Matrix3x6::zeros();
        jacobian.fixed_view_mut::<3, 3>(0, 0).copy_from(&of_turn);
        jacobian.fixed_view_mut::<3, 3>(0, 3).copy_from(&-back.matrix());
        (jacobian * self.covariance * jacobian.transpose()).diagonal().map(f64::sqrt).into()
    }

    /// Deviation of the turn about the axes of the camera's frame, radians.
    pub fn turn_deviation(&self) -> [f64; 3] {
        self.covariance.fixed_view::<3, 3>(0, 0).diagonal().map(f64::sqrt).into()
    }
}

impl Second {
    /// `camera_from_figure`, row after row.
    pub fn matrix(&self) -> [[f64; 4]; 4] {
        rows(&self.camera_from_figure)
    }
}

fn rows(camera: &Isometry3<f64>) -> [[f64; 4]; 4] {
    let matrix = camera.to_homogeneous();
    [0, 1, 2, 3].map(|row| [0, 1, 2, 3].map(|column| matrix[(row, column)]))
}

/// The camera that sees most of the `sightings` where they were found.
///
/// Sets of four are solved, the cameras that most keypoints agree with are refined, and keypoints
/// that the best of them does not see within [`Options::inlier_pixels`] are left out. The same
/// sightings always give the same camera, to the bit on one machine.
///
/// # Errors
/// If fewer than four keypoints were found, they lie in a line, or no camera agrees with four.
pub fn solve_camera(
    sightings: &[Sighting],
    lens: &Intrinsics,
    options: &Options,
) -> Result<CameraPose, PnpError> {
    for (index, Sighting { point, pixel, confidence }) in sightings.iter().enumerate() {
        // Squares of squares of larger numbers are not finite.
        let mut all = point.iter().chain(pixel).chain([confidence]);
        if !all.all(|value| value.abs() <= LARGEST) {
            return Err(PnpError::NotFinite(index));
        }
    }
    let found: Vec<(Sighting, Vector2<f64>)> = sightings
        .iter()
        .filter(|s| s.confidence >= options.least_confidence && s.confidence > 0.0)
        .filter_map(|sighting| Some((*sighting, lens.ray(sighting.pixel)?)))
        .collect();
    if found.len() < LEAST {
        let (all, least) = (sightings.len(), options.least_confidence);
        return Err(PnpError::TooFew { found: found.len(), all, least });
    }
    let believed: Vec<Sighting> = found.iter().map(|(sighting, _)| *sighting).collect();
    if in_a_line(&believed) {
        return Err(PnpError::Collinear(believed.len()));
    }
    let candidates = candidates(&found, options);
    if candidates.is_empty() {
        return Err(PnpError::Behind);
    }
    let mut ranked: Vec<(f64, Isometry3<f64>)> = candidates
        .into_iter()
        .map(|camera| (disagreement(&camera, &believed, lens, options), camera))
        .collect();
    ranked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut distinct: Vec<Isometry3<f64>> = Vec::new();
    for (_, camera) in ranked {
        let near = |other: &Isometry3<f64>| other.rotation.angle_to(&camera.rotation) < 0.02;
        if distinct.len() < FINALISTS && !distinct.iter().any(near) {
            distinct.push(camera);
        }
    }
    let mut finals: Vec<(f64, Isometry3<f64>, Vec<Sighting>)> = distinct
        .iter()
        .map(|start| {
            let (camera, kept) = polished(start, &believed, lens, options);
            (disagreement(&camera, &believed, lens, options), camera, kept)
        })
        .collect();
    finals.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let most = finals.iter().map(|(.., kept)| kept.len()).max().unwrap_or(0);
    let too_few = |kept: &[Sighting]| kept.len() < LEAST;
    finals.retain(|(.., kept)| !too_few(kept) && !in_a_line(kept));
    let Some((_, camera, kept)) = finals.first().cloned() else {
        let (all, pixels) = (believed.len(), options.inlier_pixels);
        return Err(PnpError::Disagreement { most: most.min(LEAST - 1), all, pixels });
    };
    let second = finals[1..]
        .iter()
        .filter(|(_, other, _)| other.rotation.angle_to(&camera.rotation) > ANOTHER)
        .find(|(.., others)| others.len() >= kept.len())
        .map(|(_, other, others)| Second {
            camera_from_figure: *other,
            rms_pixels: rms(other, others, lens),
        });
    told(camera, &kept, second, sightings, lens)
}

/// What is to be said of a camera that rests on the `kept` sightings.
fn told(
    camera: Isometry3<f64>,
    kept: &[Sighting],
    second: Option<Second>,
    sightings: &[Sighting],
    lens: &Intrinsics,
) -> Result<CameraPose, PnpError> {
    let count = kept.len() as f64;
    let mean_confidence = kept.iter().map(|s| s.confidence).sum::<f64>() / count;
    let squares: f64 = kept
        .iter()
        .map(|s| s.confidence / mean_confidence * error(&camera, s, lens).unwrap_or(0.0).powi(2))
        .sum();
    let spare = 2 * kept.len() - 6;
    let deviation_pixels = (squares / spare as f64).sqrt().max(LEAST_DEVIATION);
    let weighed: Vec<Sighting> = kept
        .iter()
        .map(|s| Sighting { confidence: s.confidence / mean_confidence, ..*s })
        .collect();
    let covariance =
        covariance(&camera, &weighed, lens, deviation_pixels).ok_or(PnpError::Undetermined)?;
    let errors: Vec<Option<f64>> = sightings.iter().map(|s| error(&camera, s, lens)).collect();
    let inliers = sightings.iter().map(|s| kept.contains(s)).collect();
    let rms_pixels = rms(&camera, kept, lens);
    Ok(CameraPose {
        camera_from_figure: camera,
        covariance,
        errors,
        inliers,
        rms_pixels,
        deviation_pixels,
        spare,
        second,
    })
}

/// Cameras of all sightings and of sets of four.
fn candidates(found: &[(Sighting, Vector2<f64>)], options: &Options) -> Vec<Isometry3<f64>> {
    let of = |chosen: &[usize]| -> Vec<Isometry3<f64>> {
        let points: Vec<Vector3<f64>> =
            chosen.iter().map(|&index| found[index].0.point.into()).collect();
        let rays: Vec<Vector2<f64>> = chosen.iter().map(|&index| found[index].1).collect();
        let weights: Vec<f64> = chosen.iter().map(|&index| found[index].0.confidence).collect();
        cameras(&points, &rays, &weights, 4)
    };
    let all: Vec<usize> = (0..found.len()).collect();
    let mut cameras = of(&all);
    if found.len() > LEAST {
        for subset in subsets(found.len(), options.most_subsets) {
            cameras.extend(of(&subset));
        }
    }
    cameras
}

/// All sets of four of `count`, or `most` of them drawn with a fixed seed.
fn subsets(count: usize, most: usize) -> Vec<[usize; LEAST]> {
    let all = count * (count - 1) / 2 * (count - 2) / 3 * (count - 3) / 4;
    if all <= most {
        let mut subsets = Vec::with_capacity(all);
        for a in 0..count {
            for b in a + 1..count {
                for c in b + 1..count {
                    subsets.extend((c + 1..count).map(|d| [a, b, c, d]));
                }
            }
        }
        return subsets;
    }
    let mut rng = stream(0, 0, 0, "pnp");
    let drawn = |_| {
        let drawn = index::sample(&mut rng, count, LEAST);
        [0, 1, 2, 3].map(|place| drawn.index(place))
    };
    (0..most).map(drawn).collect()
}

/// Squares of the sightings' errors, each at most that of one that is no inlier, times confidence.
fn disagreement(
    camera: &Isometry3<f64>,
    sightings: &[Sighting],
    lens: &Intrinsics,
    options: &Options,
) -> f64 {
    let most = options.inlier_pixels;
    let of = |s: &Sighting| {
        s.confidence * error(camera, s, lens).map_or(most, |error| error.min(most)).powi(2)
    };
    sightings.iter().map(of).sum()
}

/// The camera refined on those sightings that it sees where they were found, until they are the
/// same as before, and these.
fn polished(
    start: &Isometry3<f64>,
    sightings: &[Sighting],
    lens: &Intrinsics,
    options: &Options,
) -> (Isometry3<f64>, Vec<Sighting>) {
    let believed = |camera: &Isometry3<f64>, within: f64| -> Vec<Sighting> {
        let near = |s: &&Sighting| error(camera, s, lens).is_some_and(|error| error <= within);
        sightings.iter().filter(near).copied().collect()
    };
    let mut camera = *start;
    // Four keypoints that are a little off put the others off by more.
    let mut kept = believed(&camera, 2.0 * options.inlier_pixels);
    for _ in 0..ROUNDS {
        if kept.len() < LEAST || in_a_line(&kept) {
            break;
        }
        let bend = bend(&camera, &kept, lens);
        let Some(better) = refine(&camera, &kept, lens, bend) else { break };
        camera = better;
        let next = believed(&camera, options.inlier_pixels);
        if next == kept {
            break;
        }
        kept = next;
    }
    (camera, believed(&camera, options.inlier_pixels))
}

/// Where the loss becomes linear: 1.345 deviations (Huber 1981), which are taken from the median.
fn bend(camera: &Isometry3<f64>, sightings: &[Sighting], lens: &Intrinsics) -> f64 {
    /// The median length of a vector of two normal numbers of deviation 1.
    const MEDIAN: f64 = 1.1774;
    let mut errors: Vec<f64> = sightings.iter().filter_map(|s| error(camera, s, lens)).collect();
    errors.sort_by(f64::total_cmp);
    let median = errors.get(errors.len() / 2).copied().unwrap_or(0.0);
    // Two coordinates: the same share lies within as of one.
    (median / MEDIAN * 1.345 * std::f64::consts::SQRT_2).max(LEAST_DEVIATION)
}

fn rms(camera: &Isometry3<f64>, sightings: &[Sighting], lens: &Intrinsics) -> f64 {
    let squares = sightings.iter().filter_map(|s| error(camera, s, lens)).map(|e| e * e);
    (squares.sum::<f64>() / sightings.len().max(1) as f64).sqrt()
}

/// Whether the points lie in a line or at a point, as far as a camera can tell.
fn in_a_line(sightings: &[Sighting]) -> bool {
    let points: Vec<Vector3<f64>> = sightings.iter().map(|s| s.point.into()).collect();
    let middle = points.iter().sum::<Vector3<f64>>() / points.len().max(1) as f64;
    let spread: Matrix3<f64> = points.iter().map(|p| p - middle).map(|p| p * p.transpose()).sum();
    let Some(eigen) = SymmetricEigen::try_new(spread, f64::EPSILON, MOST_ROUNDS) else {
        return true;
    };
    let mut across: Vec<f64> = eigen.eigenvalues.iter().copied().collect();
    across.sort_by(f64::total_cmp);
    // Squares of lengths.
    across[1].max(0.0) <= across[2].max(0.0) * THIN * THIN
}

#[cfg(test)]
mod tests;
