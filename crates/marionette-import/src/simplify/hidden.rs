//! Triangles that are seen from nowhere: what CAD models have inside.

use super::weld::Welded;
use glam::{DVec3, Vec2, Vec3};
use std::f32::consts::TAU;

/// Directions that a mesh is looked at from.
const VIEWS: usize = 48;
/// Pixels of a view along the mesh's diagonal.
const SIDE: usize = 256;
/// A face is judged where it is seen no more from the side than this, as a cosine.
const FACING: f32 = 0.3;

/// Leaves out the faces of `mesh` that are seen from nowhere; gives how many. Through openings they
/// are seen.
pub fn drop_hidden(mesh: &mut Welded) -> usize {
    let low = mesh.positions.iter().copied().reduce(DVec3::min).unwrap_or_default();
    let high = mesh.positions.iter().copied().reduce(DVec3::max).unwrap_or_default();
    let (middle, size) = (0.5 * (low + high), (high - low).length().max(1e-9));
    // In pixels, so that all of it is on the picture from everywhere.
    let scale = (SIDE - 2) as f64 / size;
    let points: Vec<Vec3> =
        mesh.positions.iter().map(|p| ((*p - middle) * scale).as_vec3()).collect();
    let corners = |face: usize| mesh.faces[face].corners.map(|corner| points[corner as usize]);
    let normals: Vec<Vec3> = (0..mesh.faces.len())
        .map(|face| {
            let [a, b, c] = corners(face);
            (b - a).cross(c - a).normalize_or_zero()
        })
        .collect();
    let mut is_seen = vec![false; mesh.faces.len()];
    for view in 0..VIEWS {
        // Evenly over the sphere.
        let y = 1.0 - 2.0 * (view as f32 + 0.5) / VIEWS as f32;
        let turn = TAU * 0.618_034 * view as f32;
        let ring = (1.0 - y * y).sqrt();
        let to_eye = Vec3::new(ring * turn.cos(), y, ring * turn.sin());
        let (right, up) = to_eye.any_orthonormal_pair();
        let centre = 0.5 * SIDE as f32;
        let seen = |point: Vec3| {
            (Vec2::new(point.dot(right) + centre, point.dot(up) + centre), point.dot(to_eye))
        };
        let mut depths = vec![f32::NEG_INFINITY; SIDE * SIDE];
        for face in 0..mesh.faces.len() {
            fill(&mut depths, corners(face).map(seen));
        }
        for face in 0..mesh.faces.len() {
            let facing = normals[face].dot(to_eye).abs();
            if is_seen[face] || facing < FACING {
                continue;
            }
            // A pixel's depth is that of its middle.
            let slack = 0.75 + 0.75 * (1.0 - facing * facing).max(0.0).sqrt() / facing;
            let [a, b, c] = corners(face);
            let inside = (a + b + c) / 3.0;
            is_seen[face] = [inside, a, b, c].into_iter().any(|point| {
                let (place, depth) = seen(point.lerp(inside, 0.2));
                depth >= depths[pixel(place)] - slack
            });
        }
    }
    let before = mesh.faces.len();
    let mut seen = is_seen.into_iter();
    // A face without a direction is kept.
    let mut normals = normals.into_iter();
    mesh.faces.retain(|_| {
        let (seen, normal) = (seen.next(), normals.next());
        seen == Some(true) || normal == Some(Vec3::ZERO)
    });
    before - mesh.faces.len()
}

fn pixel(place: Vec2) -> usize {
    let [x, y] = place.to_array().map(|x| (x.max(0.0) as usize).min(SIDE - 1));
    y * SIDE + x
}

/// Keeps the nearest depth at the middles of the pixels in a triangle.
fn fill(depths: &mut [f32], [(a, za), (b, zb), (c, zc)]: [(Vec2, f32); 3]) {
    let area = (b - a).perp_dot(c - a);
    if area.abs() < 1e-9 {
        return;
    }
    let (low, high) = (a.min(b).min(c), a.max(b).max(c));
    let range = |low: f32, high: f32| {
        let first = (low - 0.5).ceil().max(0.0) as usize;
        first..((high + 0.5).floor().max(0.0) as usize).min(SIDE)
    };
    for y in range(low.y, high.y) {
        for x in range(low.x, high.x) {
            let place = Vec2::new(x as f32 + 0.5, y as f32 + 0.5);
            let share_c = (b - a).perp_dot(place - a) / area;
            let share_b = (place - a).perp_dot(c - a) / area;
            let share_a = 1.0 - share_b - share_c;
            if share_a >= 0.0 && share_b >= 0.0 && share_c >= 0.0 {
                let depth = &mut depths[y * SIDE + x];
                *depth = depth.max(share_a * za + share_b * zb + share_c * zc);
            }
        }
    }
}
