//! A ray caster for one ray at a time: slow, and written without a look at the shaders.

use super::studio::pixel_centre;
use glam::Vec2;
use marionette::figure::RoundCone;
use marionette::stream::{PixelId, Prop, PropShape, SceneSample, Tile};

/// What a ray meets first.
#[derive(Clone, Copy, Debug)]
pub struct Met {
    pub id: PixelId,
    /// Along the camera's forward axis, metres.
    pub depth: f32,
}

/// The first figure part or prop on the ray through `pixel`.
pub fn first_body(sample: &SceneSample, pixel: Vec2) -> Option<Met> {
    let eye = sample.camera.eye();
    let direction = sample.camera.ray_through(pixel);
    let [_, _, forward] = sample.camera.axes();
    let parts = sample.figures.iter().enumerate().flat_map(|(f, figure)| {
        let hit = move |(p, part): (usize, &RoundCone)| {
            Some((PixelId::figure(f, figure.part(p)), part.ray(eye, direction)?))
        };
        figure.parts.iter().enumerate().filter_map(hit)
    });
    let props = sample
        .props
        .iter()
        .enumerate()
        .filter_map(|(p, prop)| Some((PixelId::prop(p), meet(prop, eye, direction)?)));
    // The ground hides what is below it.
    let above = |t: f32| sample.backdrop.open || eye.y + direction.y * t >= 0.0;
    let (id, t) =
        parts.chain(props).filter(|(_, t)| above(*t)).min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Met { id, depth: t * direction.dot(forward) })
}

/// Ground or wall on the ray through `pixel`, whichever comes first.
pub fn backdrop_depth(sample: &SceneSample, pixel: Vec2) -> f32 {
    let eye = sample.camera.eye();
    let direction = sample.camera.ray_through(pixel);
    let [_, _, forward] = sample.camera.axes();
    // The wall stands upright, square to the camera, at its distance behind the origin.
    let away = (forward.with_y(0.0)).normalize();
    let ground = if sample.backdrop.open { 0.0 } else { -eye.y / direction.y };
    let wall = (sample.backdrop.distance - eye.dot(away)) / direction.dot(away);
    [ground, wall].into_iter().filter(|t| *t > 0.0).fold(1000.0, f32::min) * direction.dot(forward)
}

fn meet(prop: &Prop, eye: glam::Vec3, direction: glam::Vec3) -> Option<f32> {
    match prop.shape {
        PropShape::Ball { radius } => {
            RoundCone { ends: [prop.position; 2], radii: [radius; 2] }.ray(eye, direction)
        }
        PropShape::Capsule { half_length, radius } => {
            let half = prop.rotation * glam::Vec3::Y * half_length;
            RoundCone { ends: [prop.position - half, prop.position + half], radii: [radius; 2] }
                .ray(eye, direction)
        }
        PropShape::Cuboid { half_extents } => {
            let origin = prop.rotation.inverse() * (eye - prop.position);
            let direction = prop.rotation.inverse() * direction;
            let (mut enter, mut leave) = (f32::NEG_INFINITY, f32::INFINITY);
            for axis in 0..3 {
                let a = (-half_extents[axis] - origin[axis]) / direction[axis];
                let b = (half_extents[axis] - origin[axis]) / direction[axis];
                enter = enter.max(a.min(b));
                leave = leave.min(a.max(b));
            }
            (enter > 0.0 && enter < leave).then_some(enter)
        }
    }
}

/// Compares every pixel of a tile with the ray caster: how many ids differ, and the worst depth
/// error among the rest as a share of the depth. Beyond the photograph's border there is nothing to
/// compare.
pub fn compare(tile: &Tile) -> (usize, f32) {
    let mut differ = 0;
    let mut worst = 0f32;
    for i in 0..tile.ids.len() {
        let pixel = pixel_centre(tile, i);
        if !tile.scene.shows(pixel) {
            assert_eq!(tile.ids[i], PixelId::BACKDROP);
            continue;
        }
        let met = first_body(&tile.scene, pixel).unwrap_or_else(|| Met {
            id: PixelId::BACKDROP,
            depth: backdrop_depth(&tile.scene, pixel),
        });
        if met.id == tile.ids[i] {
            worst = worst.max((met.depth - tile.depth[i]).abs() / met.depth);
        } else {
            differ += 1;
        }
    }
    (differ, worst)
}
