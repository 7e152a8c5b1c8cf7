//! The parts of ground and wall that the cells of a tile show.

use super::geometry::{Plane, around, clipped};
use glam::{Vec2, Vec3, Vec4};
use marionette_stream::{BackdropKind, Camera, FAR_DEPTH, SceneSample};

/// Ground or wall.
struct Surface {
    plane: Plane,
    /// The visible part lies on the upper side of this other plane.
    beside: Option<Plane>,
    /// Whether shadows are drawn on it.
    shadowed: bool,
}

/// What a tile shows of ground and wall where shadows are drawn.
pub struct Patches<'a> {
    camera: &'a Camera,
    eye: Vec3,
    /// The camera's right, down and forward.
    axes: [Vec3; 3],
    cells: usize,
    surfaces: Vec<Surface>,
    /// For each corner of a cell, row by row, the index of the surface that is seen there, and the
    /// point.
    corners: Vec<Option<(usize, Vec3)>>,
}

impl<'a> Patches<'a> {
    /// Looks for ground and wall at the corners of `cells` x `cells` cells.
    pub fn new(sample: &'a SceneSample, cells: usize) -> Self {
        let (camera, backdrop, light) = (&sample.camera, &sample.backdrop, &sample.light);
        let ground = Plane { normal: Vec3::Y, offset: 0.0 };
        let wall = Plane { normal: backdrop.facing(camera), offset: -backdrop.distance };
        let is_lit =
            |plane: &Plane| light.lamp.is_some() || light.sun_direction.dot(plane.normal) > 0.0;
        // A picture has shadows of its own.
        let mut surfaces = vec![Surface {
            plane: wall,
            beside: (!backdrop.open).then_some(ground),
            shadowed: backdrop.kind != BackdropKind::Picture && is_lit(&wall),
        }];
        if !backdrop.open {
            let shadowed = is_lit(&ground);
            surfaces.push(Surface { plane: ground, beside: Some(wall), shadowed });
        }
        let (eye, ray_through) = (camera.eye(), camera.rays());
        let size = Vec2::new(camera.width as f32, camera.height as f32);
        let corner = |k: usize| {
            let at = Vec2::new((k % (cells + 1)) as f32, (k / (cells + 1)) as f32) / cells as f32;
            let along = ray_through(at * size);
            let hits = surfaces.iter().map(|Surface { plane, .. }| {
                let towards = along.dot(plane.normal);
                if towards < -1e-4 { -plane.height(eye) / towards } else { f32::INFINITY }
            });
            let hits = hits.enumerate().filter(|(_, depth)| (0.0..FAR_DEPTH).contains(depth));
            hits.min_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(surface, depth)| (surface, eye + along * depth))
        };
        let corners = (0..(cells + 1) * (cells + 1)).map(corner).collect();
        Patches { camera, eye, axes: camera.axes(), cells, surfaces, corners }
    }

    /// Spheres around what is seen of the shadowed surfaces from the corner `low` of a cell to the
    /// corner `high` of the same or another one.
    pub fn seen_between(&self, low: [usize; 2], high: [usize; 2]) -> Vec<Vec4> {
        let corner = |x: usize, y: usize| self.corners[y * (self.cells + 1) + x];
        let corners = [
            corner(low[0], low[1]),
            corner(high[0], low[1]),
            corner(high[0], high[1]),
            corner(low[0], high[1]),
        ];
        if let [Some((a, p)), Some((b, q)), Some((c, r)), Some((d, s))] = corners
            && [b, c, d] == [a; 3]
            && high[0] - low[0] == 1
        {
            // All of it is on one plane. Between the corners the lens bends it by much less than
            // the factor allows.
            return if self.surfaces[a].shadowed {
                vec![around(&[p, q, r, s], 1.02)]
            } else {
                Vec::new()
            };
        }
        self.clipped_between(low, high)
    }

    /// The same for cells that may show several planes.
    fn clipped_between(&self, low: [usize; 2], high: [usize; 2]) -> Vec<Vec4> {
        let (camera, eye, [right, down, forward]) = (self.camera, self.eye, self.axes);
        let size = Vec2::new(camera.width as f32, camera.height as f32);
        let [low, high] =
            [low, high].map(|[x, y]| Vec2::new(x as f32, y as f32) / self.cells as f32 * size);
        let (low, high) = straight_between(camera, low, high);
        let corners = [[low.x, low.y], [high.x, low.y], [high.x, high.y], [low.x, high.y]];
        let rays = corners.map(|[x, y]| right * x + down * y + forward);
        // The sides of the pyramid over the cells; their normals point inwards.
        let sides: [Plane; 4] = std::array::from_fn(|k| {
            let normal = rays[k].cross(rays[(k + 1) % 4]).normalize();
            Plane { normal, offset: normal.dot(eye) }
        });
        let shadowed = self
            .surfaces
            .iter()
            .filter(|surface| surface.shadowed && surface.plane.height(eye) > 0.0);
        let spheres = shadowed.filter_map(|Surface { plane, beside, .. }| {
            let foot = eye - plane.normal * plane.height(eye);
            let (u, v) = plane.normal.any_orthonormal_pair();
            let corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
            let mut polygon = corners.map(|[a, b]| foot + (u * a + v * b) * FAR_DEPTH).to_vec();
            for side in sides.iter().chain(beside) {
                polygon = clipped(&polygon, side);
            }
            (!polygon.is_empty()).then(|| around(&polygon, 1.01))
        });
        spheres.collect()
    }
}

/// The rectangle of a pinhole camera's image that holds all that the lens shows between two pixels,
/// in focal lengths from the principal point.
fn straight_between(camera: &Camera, low: Vec2, high: Vec2) -> (Vec2, Vec2) {
    let [low, high] = [low, high].map(|pixel| (pixel - camera.centre) / camera.focal);
    let straight = |p: Vec2| p / (1.0 + camera.distortion * p.length_squared());
    // Along a side of the rectangle, a coordinate is extreme at the side's ends or at the point
    // nearest to the principal point.
    let middle = Vec2::ZERO.clamp(low, high);
    let mut bounds = (Vec2::INFINITY, Vec2::NEG_INFINITY);
    for x in [low.x, middle.x, high.x] {
        for y in [low.y, middle.y, high.y] {
            let p = straight(Vec2::new(x, y));
            bounds = (bounds.0.min(p), bounds.1.max(p));
        }
    }
    bounds
}
