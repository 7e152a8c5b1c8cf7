//! Props, before they are dropped.

use super::{
    framing::ground_axes,
    sampling::Sampling,
    scenery::{rail, stand},
};
use crate::colors::any_color;
use glam::{Quat, Vec2, Vec3};
use marionette_stream::{Camera, Prop, PropRole, PropShape};
use rand::Rng;

/// Props above the ground between figure and camera, before they are dropped.
pub(super) fn props(sampling: &mut Sampling, camera: &Camera, hardness: f32) -> Vec<Prop> {
    let scene = sampling.scene;
    let settings = &scene.randomizers.occlusion;
    let stature = scene.figure.stature;
    let mut rng = sampling.stream("occlusion");
    let count = sampling
        .sample("occlusion.count", &settings.count, &mut rng, hardness)
        .round()
        .clamp(0.0, 8.0) as usize;
    let eye = camera.eye();
    let to_camera = Vec2::new(eye.x, eye.z);
    let (right, _) = ground_axes(camera);
    let fence = fence(sampling, camera, hardness);
    // For each prop so far: its place seen from above, how far it reaches from there, and the
    // height of its top, metres.
    let mut waiting: Vec<(Vec2, f32, f32)> = Vec::new();
    let dropped = (0..count).map(|_| {
        let nearness =
            sampling.sample("occlusion.nearness", &settings.nearness, &mut rng, hardness);
        let lateral =
            sampling.sample("occlusion.lateral_m", &settings.lateral_m, &mut rng, hardness)
                * stature;
        let size = sampling
            .sample("occlusion.size_m", &settings.size_m, &mut rng, hardness)
            .clamp(0.05, 2.5)
            * stature;
        let mut vary = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
        // A prop nearer to the camera covers more of the picture. It is made smaller, so that it
        // covers about as much.
        let size = size * (1.0 - 0.6 * nearness.clamp(0.0, 1.0));
        let (shape, upright) = match (vary(0.0, 10.0)) as u32 {
            0 | 1 => (PropShape::Ball { radius: size * 0.5 }, false),
            2 | 3 => (
                PropShape::Capsule {
                    half_length: size * vary(0.6, 1.2),
                    radius: size * vary(0.15, 0.3),
                },
                false,
            ),
            4..=6 => (
                PropShape::Cuboid {
                    half_extents: Vec3::new(vary(0.3, 0.7), vary(0.3, 0.8), vary(0.3, 0.6)) * size,
                },
                true,
            ),
            // Something tall: a pillar, a cupboard, a sign.
            _ => (
                PropShape::Cuboid {
                    half_extents: Vec3::new(vary(0.15, 0.4), vary(0.9, 1.6), vary(0.2, 0.35))
                        * size,
                },
                true,
            ),
        };
        let turn = Quat::from_rotation_y(vary(0.0, std::f32::consts::TAU));
        let rotation = if upright {
            turn * Quat::from_rotation_x(vary(-0.03, 0.03))
        } else {
            turn * Quat::from_rotation_z(vary(0.8, 1.57))
        };
        // How far it reaches up and down from its middle, and along the ground.
        let (reach, around) = match shape {
            PropShape::Ball { radius } => (radius, radius),
            PropShape::Capsule { half_length, radius } => {
                let half = rotation * Vec3::Y * half_length;
                (half.y.abs() + radius, half.with_y(0.0).length() + radius)
            }
            PropShape::Cuboid { half_extents: Vec3 { x, y, z } } => {
                (y + 0.05 * z, x.hypot(z) + 0.05 * y)
            }
        };
        let at = to_camera * nearness.clamp(0.05, 0.9) + right * lateral;
        // Each prop starts above the others at its place, so that none starts inside another.
        let below =
            waiting.iter().filter(|(place, theirs, _)| place.distance(at) < theirs + around);
        let height = below.map(|(.., top)| *top).fold(0.0, f32::max) + 0.03 * stature;
        waiting.push((at, around, height + 2.0 * reach));
        let position = Vec3::new(at.x, height + reach, at.y);
        Prop { shape, position, rotation, color: any_color(&mut rng), role: PropRole::Loose }
    });
    fence.into_iter().chain(dropped).collect()
}

/// Bars or a fence between figure and camera, as often as the scene says.
fn fence(sampling: &mut Sampling, camera: &Camera, hardness: f32) -> Vec<Prop> {
    let scene = sampling.scene;
    let settings = &scene.randomizers.occlusion;
    let mut rng = sampling.stream("occlusion/fence");
    let share = sampling.sample("occlusion.fence", &settings.fence, &mut rng, hardness);
    let nearness = sampling.sample("occlusion.nearness", &settings.nearness, &mut rng, hardness);
    if rng.random::<f32>() >= share {
        return Vec::new();
    }
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    let eye = camera.eye();
    let at = Vec2::new(eye.x, eye.z) * nearness.clamp(0.2, 0.8);
    let (_, away) = ground_axes(camera);
    let turn = Quat::from_rotation_y(f32::atan2(-away.x, -away.y) + between(-0.3, 0.3));
    let (half, height, gap, radius) =
        (between(0.8, 2.0), between(0.3, 1.6), between(0.12, 0.9), between(0.008, 0.03));
    let color = any_color(&mut rng);
    let [half, height, gap, radius] =
        [half, height, gap, radius].map(|length| length * scene.figure.stature);
    rail(half, height, gap, radius, color).into_iter().map(|piece| stand(piece, turn, at)).collect()
}
