//! Light, backdrop, and what the camera does to the picture.

use super::{
    Keys, Recorder,
    colors::{any_color, hue},
};
use crate::scene::pictures::{GROUNDS, PLACES};
use crate::scene::{Backdrop, BackdropKind, Camera, Degradation, FigureSample, Light, Scene};
use glam::{Vec2, Vec3};
use rand::Rng;

/// What photographers take the world to reflect on average, and cameras make of it.
const MIDDLE_GREY: f32 = 0.18;

/// One sun and a sky, and a camera that more or less adapts to them where things reflect `albedo` on average.
pub(super) fn light(
    scene: &Scene,
    keys: &Keys,
    record: &mut Recorder,
    camera: &Camera,
    albedo: Vec3,
    hardness: f32,
) -> Light {
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
    let mut light = Light {
        sun_direction: Vec3::new(around.sin() * elevation.cos(), elevation.sin(), around.cos() * elevation.cos()),
        sun_color: colored(warm, sun),
        sky_color: colored(cool, sky),
        bounce_color: colored(cool, sky * 0.55),
        exposure: stops.clamp(-4.0, 4.0).exp2(),
    };
    let mut rng = keys.stream("lighting/exposure");
    let mut draw = |name, ramp| record.draw(name, ramp, &mut rng, hardness).clamp(0.0, 1.0);
    adapt(
        &mut light,
        albedo,
        draw("lighting.auto_exposure", &settings.auto_exposure),
        draw("lighting.white_balance", &settings.white_balance),
    );
    light
}

/// Makes the mean of what is seen middle grey, and the light white: wholly where `exposure` and `balance` are 1.
fn adapt(light: &mut Light, albedo: Vec3, exposure: f32, balance: f32) {
    // The sun shines on some and at an angle.
    let falls = (light.sun_color * 0.4 + (light.sky_color + light.bounce_color) * 0.5).max(Vec3::splat(1e-3));
    let white = (falls / (falls.element_sum() / 3.0)).powf(balance);
    light.sun_color /= white;
    light.sky_color /= white;
    light.bounce_color /= white;
    let seen = (falls / white * albedo).element_sum() / 3.0;
    light.exposure *= (MIDDLE_GREY / seen.max(1e-3)).powf(exposure);
}

/// What the figure and what is behind it reflect on average.
pub(super) fn mean_albedo(figure: &FigureSample, backdrop: &Backdrop) -> Vec3 {
    let own = figure.part_colors.iter().sum::<Vec3>() / figure.part_colors.len().max(1) as f32;
    let behind = (backdrop.colors.iter().sum::<Vec3>() + backdrop.ground) / 4.0;
    (own + behind) * 0.5
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
    let computed = BackdropKind::COMPUTED;
    let backdrop = Backdrop {
        kind: computed[rng.random_range(0..computed.len())],
        colors,
        ground,
        scale,
        contrast,
        distance,
        seed: rng.random_range(0..1 << 16),
        pictures: [0, 0],
        open: false,
    };
    let backdrop = picture(scene, keys, record, hardness, backdrop);
    (backdrop, blend)
}

/// A picture in the place of the computed `backdrop`, as often as the scene wants one.
fn picture(scene: &Scene, keys: &Keys, record: &mut Recorder, hardness: f32, backdrop: Backdrop) -> Backdrop {
    let settings = &scene.randomizers.camouflage;
    let mut rng = keys.stream("camouflage/picture");
    let share = record.draw("camouflage.picture", &settings.picture, &mut rng, hardness);
    let size = record.draw("camouflage.picture_size", &settings.picture_size, &mut rng, hardness).max(0.1);
    let open = record.draw("camouflage.open", &settings.open, &mut rng, hardness);
    let chosen = [rng.random_range(0..PLACES as u32), (PLACES + rng.random_range(0..GROUNDS)) as u32];
    // A quarter of them in other colours than they were made with.
    let tint = hue(rng.random::<f32>()).lerp(Vec3::ONE, 0.7);
    let tint = if rng.random::<f32>() < 0.25 { tint } else { Vec3::ONE };
    let tint = tint * (0.5 + rng.random::<f32>());
    if rng.random::<f32>() >= share {
        return backdrop;
    }
    let means = |picture: u32| &scene.pictures.pictures[picture as usize].means;
    Backdrop {
        kind: BackdropKind::Picture,
        // What clothes may hide in: the colours low, middle and high in the middle of the picture.
        colors: [4, 7, 1].map(|field| means(chosen[0])[field] * tint),
        ground: tint,
        scale: size,
        pictures: chosen,
        open: rng.random::<f32>() < open,
        ..backdrop
    }
}

/// Blur, noise and coarse pixels; the lens is focused on what is `distance` metres deep in the picture, or nearly.
pub(super) fn degradation(
    scene: &Scene,
    keys: &Keys,
    record: &mut Recorder,
    distance: f32,
    hardness: f32,
) -> Degradation {
    let settings = &scene.randomizers.degradation;
    let mut rng = keys.stream("degradation");
    let height = scene.image.height as f32;
    let mut draw = |name, ramp| record.draw(name, ramp, &mut rng, hardness);
    let blur = (draw("degradation.blur", &settings.blur) * height).clamp(0.0, 16.0);
    let noise = draw("degradation.noise", &settings.noise).clamp(0.0, 0.5);
    let block = (draw("degradation.block", &settings.block) * height).round().clamp(1.0, 64.0);
    let seed = rng.random();
    let mut rng = keys.stream("degradation/lens");
    let mut draw = |name, ramp| record.draw(name, ramp, &mut rng, hardness);
    let smooth = draw("degradation.smooth", &settings.smooth);
    let aperture = (draw("degradation.aperture", &settings.aperture) * height).clamp(0.0, 16.0);
    let misfocus = draw("degradation.misfocus", &settings.misfocus).clamp(-0.8, 4.0);
    let motion = (draw("degradation.motion", &settings.motion) * height).clamp(0.0, 16.0);
    let vignette = draw("degradation.vignette", &settings.vignette).clamp(0.0, 1.0);
    let shot_noise = draw("degradation.shot_noise", &settings.shot_noise).clamp(0.0, 0.5);
    let direction = Vec2::from_angle(std::f32::consts::PI * rng.random::<f32>());
    let (block, blur) = if rng.random::<f32>() < smooth {
        // A block's mean has its variance, and going from one to the next in a straight line twice that.
        (1.0, (blur * blur + (block * block - 1.0) / 4.0).sqrt())
    } else {
        (block, blur)
    };
    Degradation {
        blur,
        noise,
        block: block as u32,
        aperture,
        focus: distance.max(Camera::NEAR) * (1.0 + misfocus),
        motion: direction * motion,
        vignette,
        shot_noise,
        seed,
    }
}
