//! Light, backdrop, and what the camera does to the picture.

use super::{
    Keys, Recorder,
    colors::{any_color, hue},
};
use crate::scene::{Backdrop, BackdropKind, Camera, Degradation, Light, Scene};
use glam::Vec3;
use rand::Rng;

/// One sun and a sky.
pub(super) fn light(scene: &Scene, keys: &Keys, record: &mut Recorder, camera: &Camera, hardness: f32) -> Light {
    let settings = &scene.randomizers.lighting;
    let mut rng = keys.stream("lighting");
    let mut draw = |name, ramp| record.draw(name, ramp, &mut rng, hardness);
    let sun = draw("lighting.sun", &settings.sun).max(0.0);
    let elevation = draw("lighting.sun_elevation_deg", &settings.sun_elevation_deg).clamp(2.0, 90.0).to_radians();
    let azimuth = draw("lighting.sun_azimuth_deg", &settings.sun_azimuth_deg).to_radians();
    let sky = draw("lighting.sky", &settings.sky).max(0.0);
    let tint = draw("lighting.tint", &settings.tint).clamp(0.0, 1.0);
    let stops = draw("lighting.exposure_stops", &settings.exposure_stops);
    let [_, _, forward] = camera.axes();
    let behind_camera = f32::atan2(-forward.x, -forward.z);
    let around = behind_camera + azimuth;
    let warm = hue(rng.random::<f32>());
    let cool = hue(rng.random::<f32>());
    let colored = |color: Vec3, strength: f32| Vec3::ONE.lerp(color, tint) * strength;
    Light {
        sun_direction: Vec3::new(around.sin() * elevation.cos(), elevation.sin(), around.cos() * elevation.cos()),
        sun_color: colored(warm, sun),
        sky_color: colored(cool, sky),
        bounce_color: colored(cool, sky * 0.55),
        exposure: stops.clamp(-4.0, 4.0).exp2(),
    }
}

/// Ground and wall, and how far clothes take on their colours.
pub(super) fn backdrop(scene: &Scene, keys: &Keys, record: &mut Recorder, hardness: f32) -> (Backdrop, f32) {
    let settings = &scene.randomizers.camouflage;
    let mut rng = keys.stream("camouflage");
    let contrast = record.draw("camouflage.contrast", &settings.contrast, &mut rng, hardness).clamp(0.0, 1.0);
    let scale = record.draw("camouflage.scale_m", &settings.scale_m, &mut rng, hardness).max(0.02);
    let distance = record.draw("camouflage.wall_m", &settings.wall_m, &mut rng, hardness).max(0.3);
    let blend = record.draw("camouflage.blend", &settings.blend, &mut rng, hardness);
    let base = any_color(&mut rng);
    let mut near_base = || base.lerp(any_color(&mut rng), contrast);
    let colors = [base, near_base(), near_base()];
    let ground = near_base().lerp(Vec3::splat(0.3), 0.3);
    let backdrop = Backdrop {
        kind: BackdropKind::ALL[rng.random_range(0..BackdropKind::ALL.len())],
        colors,
        ground,
        scale,
        contrast,
        distance,
        seed: rng.random_range(0..1 << 16),
    };
    (backdrop, blend)
}

/// Blur, noise and coarse pixels.
pub(super) fn degradation(scene: &Scene, keys: &Keys, record: &mut Recorder, hardness: f32) -> Degradation {
    let settings = &scene.randomizers.degradation;
    let mut rng = keys.stream("degradation");
    let height = scene.image.height as f32;
    Degradation {
        blur: (record.draw("degradation.blur", &settings.blur, &mut rng, hardness) * height).clamp(0.0, 16.0),
        noise: record.draw("degradation.noise", &settings.noise, &mut rng, hardness).clamp(0.0, 0.5),
        block: (record.draw("degradation.block", &settings.block, &mut rng, hardness) * height).round().clamp(1.0, 64.0)
            as u32,
        seed: rng.random(),
    }
}
