//! The light.

use super::sampling::Sampling;
use crate::colors::{any_hue, tint};
use glam::Vec3;
use marionette_stream::{Backdrop, Camera, FigureSample, Lamp, Light};
use rand::Rng;

/// The mean reflectance that photographers assume and that cameras expose for.
const MIDDLE_GREY: f32 = 0.18;

/// A sun or a lamp, light from all around, and a camera that adapts to them more or less. `albedo`
/// is the mean reflectance of the scene, `middle` the middle of the figure.
pub(super) fn light(
    sampling: &mut Sampling,
    camera: &Camera,
    middle: Vec3,
    albedo: Vec3,
    hardness: f32,
) -> Light {
    let scene = sampling.scene;
    let settings = &scene.randomizers.lighting;
    let mut rng = sampling.stream("lighting");
    let mut sample = |name, ramp| sampling.sample(name, ramp, &mut rng, hardness);
    let sun = sample("lighting.sun", &settings.sun).max(0.0);
    let elevation = sample("lighting.sun_elevation_deg", &settings.sun_elevation_deg)
        .clamp(2.0, 90.0)
        .to_radians();
    let azimuth = sample("lighting.sun_azimuth_deg", &settings.sun_azimuth_deg).to_radians();
    let sky = sample("lighting.sky", &settings.sky).max(0.0);
    let tinted = sample("lighting.tint", &settings.tint).clamp(0.0, 1.0);
    let stops = sample("lighting.exposure_stops", &settings.exposure_stops);
    let [_, _, forward] = camera.axes();
    let behind_camera = f32::atan2(-forward.x, -forward.z);
    let around = behind_camera + azimuth;
    let [sun_tint, sky_tint] = [tint(any_hue(&mut rng)), tint(any_hue(&mut rng))];
    let colored = |color: Vec3, strength: f32| Vec3::ONE.lerp(color, tinted) * strength;
    let mut light = Light {
        sun_direction: Vec3::new(
            around.sin() * elevation.cos(),
            elevation.sin(),
            around.cos() * elevation.cos(),
        ),
        sun_color: colored(sun_tint, sun),
        sky_color: colored(sky_tint, sky),
        bounce_color: colored(sky_tint, sky * 0.55),
        softness: 0.0,
        shadows: true,
        lamp: None,
        exposure: stops.clamp(-4.0, 4.0).exp2(),
    };
    put_lamp(sampling, camera, middle, hardness, &mut light);
    let mut rng = sampling.stream("lighting/shadows");
    let share = sampling.sample("lighting.shadows", &settings.shadows, &mut rng, hardness);
    light.shadows = rng.random::<f32>() < share;
    let mut rng = sampling.stream("lighting/exposure");
    let mut sample = |name, ramp| sampling.sample(name, ramp, &mut rng, hardness).clamp(0.0, 1.0);
    adapt(
        &mut light,
        albedo,
        sample("lighting.auto_exposure", &settings.auto_exposure),
        sample("lighting.white_balance", &settings.white_balance),
    );
    light
}

/// Samples how wide the light is, and sometimes replaces the sun with a lamp.
fn put_lamp(
    sampling: &mut Sampling,
    camera: &Camera,
    middle: Vec3,
    hardness: f32,
    light: &mut Light,
) {
    let scene = sampling.scene;
    let settings = &scene.randomizers.lighting;
    let mut rng = sampling.stream("lighting/lamp");
    let stature = scene.figure.stature;
    let mut sample = |name, ramp| sampling.sample(name, ramp, &mut rng, hardness);
    light.softness = sample("lighting.softness", &settings.softness).clamp(0.0, 0.5);
    let share = sample("lighting.lamp", &settings.lamp);
    let distance = sample("lighting.lamp_m", &settings.lamp_m).clamp(0.8, 50.0) * stature;
    let cone = sample("lighting.lamp_cone_deg", &settings.lamp_cone_deg).max(5.0);
    let flash = sample("lighting.flash", &settings.flash);
    let [is_lamp, is_flash] = [share, flash].map(|share| rng.random::<f32>() < share);
    if !is_lamp {
        return;
    }
    let [right, down, _] = camera.axes();
    // A flash stands on the camera or is held beside it.
    let beside =
        right * (0.3 * rng.random::<f32>() - 0.15) - down * (0.05 + 0.15 * rng.random::<f32>());
    let position = if is_flash {
        camera.eye() + beside * stature
    } else {
        middle + light.sun_direction * distance
    };
    let position = position.with_y(position.y.max(0.2 * stature));
    let towards = middle - position;
    light.sun_direction = -towards.normalize_or(Vec3::NEG_Y);
    light.lamp = Some(Lamp {
        position,
        aim: -light.sun_direction,
        cutoff: if is_flash || cone >= 120.0 { -1.0 } else { cone.to_radians().cos() },
        reach: towards.length(),
    });
}

/// Makes the mean of the picture middle grey and the light white: fully if `exposure` and `balance`
/// are 1.
fn adapt(light: &mut Light, albedo: Vec3, exposure: f32, balance: f32) {
    let falls = light.mean().max(Vec3::splat(1e-3));
    let white = (falls / (falls.element_sum() / 3.0)).powf(balance);
    light.sun_color /= white;
    light.sky_color /= white;
    light.bounce_color /= white;
    let seen = (falls / white * albedo).element_sum() / 3.0;
    light.exposure *= (MIDDLE_GREY / seen.max(1e-3)).powf(exposure);
}

/// The mean reflectance of the figure and the background.
pub(super) fn mean_albedo(figure: &FigureSample, backdrop: &Backdrop) -> Vec3 {
    let own = figure.part_colors.iter().sum::<Vec3>() / figure.part_colors.len().max(1) as f32;
    let behind = (backdrop.colors.iter().sum::<Vec3>() + backdrop.ground) / 4.0;
    (own + behind) * 0.5
}
