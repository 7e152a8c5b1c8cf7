//! Cameras that fit, found from nothing: the least-squares problem and the starting points of SQPnP
//! (Terzakis and Lourakis 2020, "A Consistently Fast and Globally Optimal Solution to the
//! Perspective-n-Point Problem"), each start followed downhill over rotations by Gauss-Newton.
//!
//! The translation that is best for a rotation is linear in the rotation's nine numbers `r`, so the
//! error is `r' omega r` and only the rotation is searched for. Few starts would do where points
//! lie all about; for points in a plane, or four of them, there are two and more valleys, and the
//! starts include those rotations that the paper's can miss.

use nalgebra::{
    Isometry3, Matrix3, Rotation3, SMatrix, SVector, SymmetricEigen, Translation3, UnitQuaternion,
    Vector2, Vector3,
};

type Matrix9 = SMatrix<f64, 9, 9>;
type Vector9 = SVector<f64, 9>;
type Matrix3x9 = SMatrix<f64, 3, 9>;

/// Rotations that differ by less than this are in the same valley, radians: whoever comes last is
/// not quite at its bottom.
const SAME: f64 = 0.02;
/// Steps downhill.
const MOST_STEPS: usize = 40;
/// Rounds of a decomposition. It takes a few dozen; of odd numbers it may never end.
pub(crate) const MOST_ROUNDS: usize = 1000;

/// The cameras to which the error's valleys lead, best first: at most `most`. Each has all points
/// in front of it. `rays` are places on the plane at distance 1.
pub(crate) fn cameras(
    points: &[Vector3<f64>],
    rays: &[Vector2<f64>],
    weights: &[f64],
    most: usize,
) -> Vec<Isometry3<f64>> {
    // About their middle, in units of their size: the same whatever the figure's frame.
    let middle = points.iter().sum::<Vector3<f64>>() / points.len() as f64;
    let size = points.iter().map(|point| (point - middle).norm()).fold(0.0, f64::max);
    if size <= 0.0 || !size.is_finite() {
        return Vec::new();
    }
    let scaled: Vec<Vector3<f64>> = points.iter().map(|point| (point - middle) / size).collect();
    let Some((omega, translation)) = problem(&scaled, rays, weights) else { return Vec::new() };
    let place = |rotation: &Rotation3<f64>| translation * as_vector(rotation.matrix());
    let in_front = |rotation: &Rotation3<f64>| {
        let at = place(rotation);
        scaled.iter().all(|point| (rotation * point + at).z > 0.0)
    };
    let mut found: Vec<(Rotation3<f64>, f64)> =
        starts(&omega).into_iter().map(|start| downhill(&omega, start)).collect();
    found.retain(|(rotation, _)| in_front(rotation));
    found.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut valleys: Vec<Rotation3<f64>> = Vec::new();
    for (rotation, _) in found {
        if valleys.len() < most && valleys.iter().all(|other| other.angle_to(&rotation) > SAME) {
            valleys.push(rotation);
        }
    }
    let camera = |rotation: Rotation3<f64>| {
        let at = place(&rotation) * size - rotation * middle;
        let turn = UnitQuaternion::from_rotation_matrix(&rotation);
        Isometry3::from_parts(Translation3::from(at), turn)
    };
    valleys.into_iter().map(camera).collect()
}

/// The matrix of the error, and the one that makes the translation of a rotation. `None` where the
/// rays are all one.
fn problem(
    points: &[Vector3<f64>],
    rays: &[Vector2<f64>],
    weights: &[f64],
) -> Option<(Matrix9, Matrix3x9)> {
    let each = || {
        points.iter().zip(rays).zip(weights).map(|((point, ray), weight)| {
            // What of a vector lies across the ray, times the distance.
            let across = Matrix3::new(1.0, 0.0, -ray.x, 0.0, 1.0, -ray.y, 0.0, 0.0, 0.0);
            let mut turned = Matrix3x9::zeros();
            for row in 0..3 {
                for column in 0..3 {
                    turned[(row, 3 * row + column)] = point[column];
                }
            }
            (across.transpose() * across * *weight, turned)
        })
    };
    let mut of_translation = Matrix3::zeros();
    let mut of_rotation = Matrix3x9::zeros();
    for (square, turned) in each() {
        of_translation += square;
        of_rotation += square * turned;
    }
    let translation = -(of_translation.try_inverse()? * of_rotation);
    let mut omega = Matrix9::zeros();
    for (square, turned) in each() {
        let moved = turned + translation;
        omega += moved.transpose() * square * moved;
    }
    omega.iter().all(|value| value.is_finite()).then_some((omega, translation))
}

/// Where to begin: the rotations next to the eigenvectors, and those that map axes to axes.
fn starts(omega: &Matrix9) -> Vec<Rotation3<f64>> {
    let mut starts = Vec::new();
    if let Some(eigen) = SymmetricEigen::try_new(*omega, f64::EPSILON, MOST_ROUNDS) {
        let mut order: Vec<usize> = (0..9).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
        for index in order.into_iter().take(4) {
            let vector: Vector9 = eigen.eigenvectors.column(index).into();
            let both = [1.0, -1.0].map(|sign| nearest_rotation(&as_matrix(&(vector * sign))));
            starts.extend(both.into_iter().flatten());
        }
    }
    for first in 0..3 {
        for second in (0..3).filter(|second| *second != first) {
            for signs in [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]] {
                let (mut x, mut y) = (Vector3::zeros(), Vector3::zeros());
                (x[first], y[second]) = (signs[0], signs[1]);
                let columns = Matrix3::from_columns(&[x, y, x.cross(&y)]);
                starts.push(Rotation3::from_matrix_unchecked(columns));
            }
        }
    }
    starts
}

/// The bottom of the valley that `rotation` is in, and the error there.
fn downhill(omega: &Matrix9, mut rotation: Rotation3<f64>) -> (Rotation3<f64>, f64) {
    let error_of = |rotation: &Rotation3<f64>| {
        let r = as_vector(rotation.matrix());
        r.dot(&(omega * r))
    };
    let scale = omega.trace() / 9.0;
    let (mut error, mut damping) = (error_of(&rotation), 1e-4);
    for _ in 0..MOST_STEPS {
        let r = as_vector(rotation.matrix());
        let mut slope = SMatrix::<f64, 9, 3>::zeros();
        for axis in 0..3 {
            let mut about = Vector3::zeros();
            about[axis] = 1.0;
            slope.set_column(axis, &as_vector(&(about.cross_matrix() * rotation.matrix())));
        }
        let gradient = slope.transpose() * (omega * r);
        let normal = slope.transpose() * omega * slope;
        let mut moved = false;
        while damping < 1e6 {
            let damped = normal + Matrix3::identity() * (scale * damping);
            let Some(step) = damped.try_inverse().map(|inverse| -(inverse * gradient)) else {
                break;
            };
            if !step.iter().all(|value| value.is_finite()) {
                break;
            }
            // By way of a quaternion, whose length is soon mended. A matrix takes rounds, and of
            // odd numbers they never end.
            let mut turned =
                UnitQuaternion::from_rotation_matrix(&(Rotation3::new(step) * rotation));
            turned.renormalize();
            let next = turned.to_rotation_matrix();
            let found = error_of(&next);
            if found <= error {
                moved = step.norm() > 1e-9 && error - found > 1e-13 * scale;
                (rotation, error, damping) = (next, found, (damping * 0.2).max(1e-12));
                break;
            }
            damping *= 5.0;
        }
        if !moved {
            break;
        }
    }
    (rotation, error.max(0.0))
}

/// Row after row.
fn as_vector(matrix: &Matrix3<f64>) -> Vector9 {
    Vector9::from_iterator(matrix.transpose().iter().copied())
}

fn as_matrix(vector: &Vector9) -> Matrix3<f64> {
    Matrix3::from_row_iterator(vector.iter().copied())
}

fn nearest_rotation(matrix: &Matrix3<f64>) -> Option<Rotation3<f64>> {
    let parts = matrix.try_svd(true, true, f64::EPSILON, MOST_ROUNDS)?;
    let (u, v) = (parts.u?, parts.v_t?);
    let mirrored = if (u * v).determinant() < 0.0 { -1.0 } else { 1.0 };
    let kept = Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, mirrored));
    Some(Rotation3::from_matrix_unchecked(u * kept * v))
}
