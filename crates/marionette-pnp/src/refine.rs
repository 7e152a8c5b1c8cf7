//! From a camera that roughly fits to the one that fits best in pixels, by Levenberg-Marquardt.

use super::{Intrinsics, Sighting, sqpnp::MOST_ROUNDS};
use nalgebra::{
    Isometry3, Matrix2x3, Matrix6, SMatrix, SymmetricEigen, Translation3, UnitQuaternion, Vector2,
    Vector3, Vector6,
};

/// Steps.
const MOST_STEPS: usize = 60;

/// Where the camera sees a sighting's point, less where it was found, pixels; and how that moves
/// with the camera: turned by the first three numbers about the axes of its frame through the
/// figure's origin, moved by the last three. `None` if the point is behind it.
fn residual(
    camera_from_figure: &Isometry3<f64>,
    sighting: &Sighting,
    lens: &Intrinsics,
) -> Option<(Vector2<f64>, SMatrix<f64, 2, 6>)> {
    let turned = camera_from_figure.rotation * Vector3::from(sighting.point);
    let at = turned + camera_from_figure.translation.vector;
    let (pixel, slope) = lens.project_with_slope(&at)?;
    let mut jacobian = SMatrix::<f64, 2, 6>::zeros();
    let about: Matrix2x3<f64> = -(slope * turned.cross_matrix());
    jacobian.fixed_view_mut::<2, 3>(0, 0).copy_from(&about);
    jacobian.fixed_view_mut::<2, 3>(0, 3).copy_from(&slope);
    Some((pixel - Vector2::from(sighting.pixel), jacobian))
}

/// How far from where it was found the camera sees a sighting's point, pixels.
pub(crate) fn error(
    camera_from_figure: &Isometry3<f64>,
    sighting: &Sighting,
    lens: &Intrinsics,
) -> Option<f64> {
    let at = camera_from_figure.rotation * Vector3::from(sighting.point)
        + camera_from_figure.translation.vector;
    lens.project(&at).map(|pixel| (pixel - Vector2::from(sighting.pixel)).norm())
}

/// Moves the camera to where the sightings' errors are least: confidence times Huber's loss, which
/// is linear beyond `bend` pixels. `None` if a point is behind the camera from the start.
pub(crate) fn refine(
    start: &Isometry3<f64>,
    sightings: &[Sighting],
    lens: &Intrinsics,
    bend: f64,
) -> Option<Isometry3<f64>> {
    // Turned about the points' middle: their places and the turn then hardly depend on each other.
    let count = sightings.len() as f64;
    let middle = sightings.iter().map(|s| Vector3::from(s.point)).sum::<Vector3<f64>>() / count;
    let centered: Vec<Sighting> = sightings
        .iter()
        .map(|s| Sighting { point: (Vector3::from(s.point) - middle).into(), ..*s })
        .collect();
    let shift = Translation3::from(middle);
    let mut camera = start * shift;
    let mut loss = huber(&camera, &centered, lens, bend)?;
    let mut damping = 1e-4;
    for _ in 0..MOST_STEPS {
        let (normal, gradient) = normal_equations(&camera, &centered, lens, bend)?;
        let mut moved = false;
        while damping < 1e10 {
            let damped = normal + Matrix6::from_diagonal(&(normal.diagonal() * damping));
            if let Some(step) = damped.cholesky().map(|factor| -factor.solve(&gradient)) {
                let next = stepped(&camera, &step);
                if let Some(found) = huber(&next, &centered, lens, bend).filter(|f| *f <= loss) {
                    moved = loss - found > 1e-14 * loss && step.norm() > 1e-12;
                    (camera, loss, damping) = (next, found, (damping * 0.1).max(1e-14));
                    break;
                }
            }
            damping *= 10.0;
        }
        if !moved {
            break;
        }
    }
    Some(camera * shift.inverse())
}

fn stepped(camera: &Isometry3<f64>, step: &Vector6<f64>) -> Isometry3<f64> {
    let turn = UnitQuaternion::from_scaled_axis(Vector3::new(step[0], step[1], step[2]));
    let by = Vector3::new(step[3], step[4], step[5]);
    let mut rotation = turn * camera.rotation;
    rotation.renormalize();
    Isometry3::from_parts(Translation3::from(camera.translation.vector + by), rotation)
}

fn huber(
    camera: &Isometry3<f64>,
    sightings: &[Sighting],
    lens: &Intrinsics,
    bend: f64,
) -> Option<f64> {
    sightings.iter().try_fold(0.0, |sum, sighting| {
        let error = error(camera, sighting, lens)?;
        let loss = if error <= bend { error * error } else { bend * (2.0 * error - bend) };
        Some(sum + sighting.confidence * loss)
    })
}

/// The normal matrix and the gradient of half the loss.
fn normal_equations(
    camera: &Isometry3<f64>,
    sightings: &[Sighting],
    lens: &Intrinsics,
    bend: f64,
) -> Option<(Matrix6<f64>, Vector6<f64>)> {
    let mut normal = Matrix6::zeros();
    let mut gradient = Vector6::zeros();
    for sighting in sightings {
        let (error, jacobian) = residual(camera, sighting, lens)?;
        let size = error.norm();
        let weight = sighting.confidence * if size <= bend { 1.0 } else { bend / size };
        normal += jacobian.transpose() * jacobian * weight;
        gradient += jacobian.transpose() * error * weight;
    }
    Some((normal, gradient))
}

/// The covariance of turn and place (see [`residual`]) if one coordinate of a sighting of
/// confidence 1 has a deviation of `pixels`. `None` if the sightings leave something open.
pub(crate) fn covariance(
    camera: &Isometry3<f64>,
    sightings: &[Sighting],
    lens: &Intrinsics,
    pixels: f64,
) -> Option<Matrix6<f64>> {
    let (normal, _) = normal_equations(camera, sightings, lens, f64::INFINITY)?;
    // In units in which every entry of the diagonal is 1, a number near 0 is one.
    let scale = normal.diagonal().map(|value| 1.0 / value.sqrt());
    let scaled = Matrix6::from_diagonal(&scale) * normal * Matrix6::from_diagonal(&scale);
    if !scaled.iter().all(|value| value.is_finite()) {
        return None;
    }
    let least = SymmetricEigen::try_new(scaled, f64::EPSILON, MOST_ROUNDS)?.eigenvalues.min();
    if !least.is_finite() || least < 1e-10 {
        return None;
    }
    let inverse = scaled.cholesky()?.inverse();
    let scale = Matrix6::from_diagonal(&scale);
    Some(scale * inverse * scale * (pixels * pixels))
}
