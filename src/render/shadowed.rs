//! Where on ground and wall shadows may fall, as cells of a tile: elsewhere they are lit without asking, which is twice as fast.

use crate::{
    scene::{BackdropKind, Camera, Light, SceneSample},
    stream::FAR_DEPTH,
};
use glam::{Vec2, Vec3, Vec4};

/// Cells along each side of a tile.
const CELLS: usize = 16;

/// Cells of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells([u16; CELLS]);

/// A plane: points at `offset` along its unit normal, which points to where it is seen from.
#[derive(Clone, Copy)]
struct Plane {
    normal: Vec3,
    offset: f32,
}

/// The cells where something within the `spheres`, as centres and radii, may take light from the ground or from a wall that gets
/// shadows.
pub fn shadowed(sample: &SceneSample, spheres: impl Iterator<Item = Vec4>) -> Cells {
    if sample.light.lamp.is_some() && sample.light.shadows {
        // Penumbrae of a wide lamp grow without end.
        return Cells([u16::MAX; CELLS]);
    }
    let (camera, backdrop) = (&sample.camera, &sample.backdrop);
    let ground = Plane { normal: Vec3::Y, offset: 0.0 };
    let wall = Plane { normal: backdrop.facing(camera), offset: -backdrop.distance };
    let planes = [
        (!backdrop.open).then_some(ground),
        // A picture has shadows of its own.
        (backdrop.kind != BackdropKind::Picture).then_some(wall),
    ];
    let furthest = furthest(camera);
    let mut cells = Cells([0; CELLS]);
    for sphere in spheres {
        for plane in planes.iter().flatten() {
            if let Some(corners) = footprint(&sample.light, sphere, plane) {
                cells.mark(camera, furthest, corners);
            }
        }
    }
    cells
}

/// Where on a plane the shadow falls that a sphere casts in the sun, the penumbra with it: nowhere, or within a convex quadrilateral.
fn footprint(light: &Light, sphere: Vec4, plane: &Plane) -> Option<[Vec3; 4]> {
    let (centre, radius) = (sphere.truncate(), sphere.w);
    let height = |point: Vec3| point.dot(plane.normal) - plane.offset;
    let rise = light.sun_direction.dot(plane.normal);
    // The plane is not lit, or the sphere lies behind it.
    if rise <= 0.0 || height(centre) < -radius {
        return None;
    }
    let (x, y) = light.sun_direction.any_orthonormal_pair();
    let shadow_of = |reach: f32| {
        [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[a, b]| {
            let corner = centre + (x * a + y * b) * reach;
            corner - light.sun_direction * (height(corner) / rise)
        })
    };
    // The penumbra grows with the distance of what it falls on, and that with the penumbra.
    let mut reach = radius;
    loop {
        let corners = shadow_of(reach);
        let furthest = corners.map(|corner| corner.distance(centre)).into_iter().fold(0.0, f32::max);
        let needed = radius + light.softness * furthest + 0.01;
        // So far away there is neither ground nor wall.
        if needed <= reach || furthest > FAR_DEPTH {
            return Some(corners);
        }
        reach = 1.05 * needed;
    }
}

impl Cells {
    /// Adds the cells that what lies within `corners` may be seen in; `furthest` is that of the camera.
    fn mark(&mut self, camera: &Camera, furthest: f32, corners: [Vec3; 4]) {
        let corners = corners.map(|corner| camera.camera_from_world.transform_point3(corner));
        let mut straight = Vec::with_capacity(8);
        for (i, a) in corners.into_iter().enumerate() {
            let b = corners[(i + 1) % 4];
            if a.z >= Camera::NEAR {
                straight.push(a.truncate() / a.z);
            }
            if (a.z >= Camera::NEAR) != (b.z >= Camera::NEAR) {
                straight.push(a.lerp(b, (Camera::NEAR - a.z) / (b.z - a.z)).truncate() / Camera::NEAR);
            }
        }
        let Some(low) = straight.iter().copied().reduce(Vec2::min) else { return };
        let high = straight.iter().copied().fold(low, Vec2::max);
        let Some((low, high)) = seen(camera, furthest, low, high) else { return };
        let size = Vec2::new(camera.width as f32, camera.height as f32);
        // A pixel more on every side: rounding.
        let cell = |pixel: Vec2| (pixel / size * CELLS as f32).clamp(Vec2::ZERO, Vec2::splat(CELLS as f32));
        let (first, last) = (cell(low - 1.0).floor(), cell(high + 1.0).ceil());
        let row = (1u32 << last.x as u32) - (1u32 << first.x as u32);
        for cells in &mut self.0[first.y as usize..(last.y as usize).max(first.y as usize)] {
            *cells |= row as u16;
        }
    }

    /// Rectangles that together are all cells that are marked, or all that are not: left, top, right and bottom, the tile being 1 wide
    /// and high.
    pub fn rectangles(&self, marked: bool) -> Vec<Vec4> {
        let wanted = self.0.map(|row| if marked { row } else { !row });
        let mut rectangles = Vec::new();
        let mut top = 0;
        for rows in wanted.chunk_by(|a, b| a == b) {
            let mut left = 0;
            let row = (0..CELLS).map(|x| rows[0] >> x & 1 == 1).collect::<Vec<_>>();
            for run in row.chunk_by(|a, b| a == b) {
                if run[0] {
                    let corners = [left, top, left + run.len(), top + rows.len()];
                    rectangles.push(Vec4::from(corners.map(|side| side as f32 / CELLS as f32)));
                }
                left += run.len();
            }
            top += rows.len();
        }
        rectangles
    }
}

/// A distance from the principal point, in focal lengths, beyond which a pinhole camera shows nothing that is in the image.
fn furthest(camera: &Camera) -> f32 {
    let ray_through = camera.rays();
    let corners = [[0, 0], [camera.width, 0], [0, camera.height], [camera.width, camera.height]];
    let straight = corners.map(|[x, y]| {
        let ray = camera.camera_from_world.transform_vector3(ray_through(Vec2::new(x as f32, y as f32)));
        (ray.truncate() / ray.z).length()
    });
    1.5 * straight.into_iter().fold(0.0, f32::max)
}

/// The pixels between which the lens shows what a pinhole camera would show between `low` and `high`, in focal lengths; `None` where
/// that is outside the image.
fn seen(camera: &Camera, furthest: f32, low: Vec2, high: Vec2) -> Option<(Vec2, Vec2)> {
    let pixel = |straight: Vec2| camera.distort(straight) * camera.focal + camera.centre;
    if camera.distortion == 0.0 {
        return Some((pixel(low), pixel(high)));
    }
    // What is longer might bend too much between two steps.
    let furthest = Vec2::splat(furthest);
    let (low, high) = (low.max(-furthest), high.min(furthest));
    if low.cmpgt(high).any() {
        return None;
    }
    const STEPS: usize = 8;
    let along = (0..=STEPS).map(|k| low.lerp(high, k as f32 / STEPS as f32));
    let sides = along
        .flat_map(|p| [Vec2::new(p.x, low.y), Vec2::new(p.x, high.y), Vec2::new(low.x, p.y), Vec2::new(high.x, p.y)]);
    let mut bounds: Option<(Vec2, Vec2)> = None;
    for side in sides.map(pixel) {
        bounds = Some(bounds.map_or((side, side), |(low, high)| (low.min(side), high.max(side))));
    }
    // And what it bends between two steps.
    let margin = 0.02 * camera.height as f32;
    bounds.map(|(low, high)| (low - margin, high + margin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        physics::Solvability,
        scene::{Policy, StreamMix, draw, load_scene},
    };
    use rand::{Rng, SeedableRng};

    fn samples(scene: &str, count: u64) -> Vec<SceneSample> {
        let scene = load_scene(scene).unwrap();
        let policy = Policy::initial(StreamMix::default(), 6);
        let judge = Solvability::new(scene.figure.clone());
        (0..count).map(|i| judge.first_solvable(i, |attempt| draw(&scene, &policy, 5, i, attempt)).unwrap()).collect()
    }

    /// Whether a sphere takes light from a point, as `passes` in `shadow.wgsl` has it for a round cone whose ends are one.
    fn takes_light(light: &Light, point: Vec3, sphere: Vec4) -> bool {
        let t = (sphere.truncate() - point).dot(light.sun_direction).max(0.0);
        let gap = (point + light.sun_direction * t).distance(sphere.truncate()) - sphere.w;
        t > 0.0 && gap < light.softness * t
    }

    #[test]
    fn no_shadow_is_missed() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let (mut met, mut left) = (0, 0);
        for sample in ["all", "quickstart", "sports"].into_iter().flat_map(|scene| samples(scene, 24)) {
            if sample.light.lamp.is_some() {
                continue;
            }
            let spheres: Vec<_> = (sample.figures.iter())
                .flat_map(|figure| &figure.parts)
                .map(|part| part.ends[0].extend(part.radii[0]))
                .collect();
            let cells = shadowed(&sample, spheres.iter().copied());
            left += cells.0.iter().map(|row| row.count_zeros()).sum::<u32>();
            let size = Vec2::new(sample.camera.width as f32, sample.camera.height as f32);
            for _ in 0..1200 {
                let place = Vec2::new(random.random(), random.random());
                let (eye, along) = (sample.camera.eye(), sample.camera.ray_through(place * size));
                if along.y > -1e-2 || sample.backdrop.open {
                    continue;
                }
                let point = eye - along * (eye.y / along.y);
                if sample.light.sun_direction.y > 0.0
                    && spheres.iter().any(|sphere| takes_light(&sample.light, point, *sphere))
                {
                    let [x, y] = (place * CELLS as f32).to_array().map(|at| at as usize);
                    assert!(cells.0[y] >> x & 1 == 1, "a shadow at {place} of {cells:?} {:?}", sample.light);
                    met += 1;
                }
            }
        }
        assert!(met > 1000 && left > 4000, "{met} shadows met, {left} cells left free");
    }

    #[test]
    fn rectangles_cover_every_cell_once() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(4);
        for _ in 0..50 {
            let pattern: u16 = random.random();
            let cells = Cells(std::array::from_fn(|y| if y / 3 % 2 == 0 { pattern } else { random.random() }));
            let mut covered = [[0u8; CELLS]; CELLS];
            for (marked, mark) in [(true, 1), (false, 2)] {
                for rectangle in cells.rectangles(marked) {
                    let [left, top, right, bottom] = (rectangle * CELLS as f32).to_array().map(|side| side as usize);
                    covered[top..bottom]
                        .iter_mut()
                        .for_each(|row| row[left..right].iter_mut().for_each(|c| *c += mark));
                }
            }
            for (y, row) in covered.iter().enumerate() {
                for (x, covered) in row.iter().enumerate() {
                    assert_eq!(*covered, if cells.0[y] >> x & 1 == 1 { 1 } else { 2 });
                }
            }
        }
    }
}
