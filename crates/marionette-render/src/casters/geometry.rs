//! Planes, spheres and polygons.

use glam::{Vec3, Vec4};

/// Light is looked for from a little above a surface (`light_at` in `light.wgsl`), metres; with
/// room for rounding.
pub const ABOVE: f32 = 0.005;

/// A plane: the points at `offset` along its unit normal. The normal points to the side from which
/// the plane is seen.
#[derive(Clone, Copy)]
pub struct Plane {
    pub normal: Vec3,
    pub offset: f32,
}

impl Plane {
    /// How far a point lies above the plane.
    pub fn height(&self, point: Vec3) -> f32 {
        point.dot(self.normal) - self.offset
    }
}

/// A sphere around points. It is larger by a factor, and by [`ABOVE`].
pub fn around(points: &[Vec3], larger: f32) -> Vec4 {
    let low = points.iter().copied().reduce(Vec3::min).unwrap_or_default();
    let high = points.iter().copied().reduce(Vec3::max).unwrap_or_default();
    let centre = (low + high) * 0.5;
    let radius = points.iter().map(|point| point.distance(centre)).fold(0.0, f32::max);
    centre.extend(radius * larger + ABOVE)
}

/// The part of a convex polygon on the upper side of a plane.
pub fn clipped(polygon: &[Vec3], plane: &Plane) -> Vec<Vec3> {
    let mut left = Vec::with_capacity(polygon.len() + 1);
    for (k, b) in polygon.iter().enumerate() {
        let a = polygon[(k + polygon.len() - 1) % polygon.len()];
        let [below, above] = [plane.height(a), plane.height(*b)];
        if (below < 0.0) != (above < 0.0) {
            left.push(a.lerp(*b, below / (below - above)));
        }
        if above >= 0.0 {
            left.push(*b);
        }
    }
    left
}
