//! How far a mesh is from its simplification.

use super::weld::Welded;
use glam::DVec3;

/// Vertices of a mesh that are measured at most.
const SAMPLES: usize = 1500;

/// Distances of vertices from a mesh.
pub struct Far {
    pub worst: f64,
    pub sum: f64,
    pub count: usize,
}

/// How far vertices of `whole` are from `simple`, in the meshes' unit.
pub fn far(whole: &Welded, simple: &Welded) -> Far {
    let mut far = Far { worst: 0.0, sum: 0.0, count: 0 };
    let triangles: Vec<[DVec3; 3]> = simple.faces.iter().map(|face| simple.corners(face)).collect();
    if triangles.is_empty() {
        return far;
    }
    // Only of vertices that faces have.
    let step = whole.faces.len().div_ceil(SAMPLES).max(1);
    for (index, face) in whole.faces.iter().step_by(step).enumerate() {
        let position = &whole.corners(face)[index % 3];
        let squares = triangles.iter().map(|triangle| nearest(*position, *triangle));
        let distance = squares.fold(f64::INFINITY, f64::min).sqrt();
        far.worst = far.worst.max(distance);
        far.sum += distance;
        far.count += 1;
    }
    far
}

/// The squared distance of `point` from a triangle.
fn nearest(point: DVec3, [a, b, c]: [DVec3; 3]) -> f64 {
    let normal = (b - a).cross(c - a);
    let inside = |from: DVec3, to: DVec3| normal.cross(to - from).dot(point - from) >= 0.0;
    if inside(a, b) && inside(b, c) && inside(c, a) && normal.length_squared() > 0.0 {
        return (point - a).dot(normal).powi(2) / normal.length_squared();
    }
    let to_edge = |from: DVec3, to: DVec3| {
        let along = to - from;
        let share = (point - from).dot(along) / along.length_squared().max(f64::MIN_POSITIVE);
        point.distance_squared(from + along * share.clamp(0.0, 1.0))
    };
    to_edge(a, b).min(to_edge(b, c)).min(to_edge(c, a))
}
