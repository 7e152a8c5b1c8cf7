//! What the camera does to the picture.

use super::sampling::Sampling;
use glam::Vec2;
use marionette_stream::{Camera, Degradation};
use rand::Rng;

/// Blur, noise, coarse pixels, tone and compression. The lens is focused at a depth of about
/// `distance` metres.
pub(super) fn degradation(sampling: &mut Sampling, distance: f32, hardness: f32) -> Degradation {
    let scene = sampling.scene;
    let settings = &scene.randomizers.degradation;
    let mut rng = sampling.stream("degradation");
    let height = scene.image.height as f32;
    let mut sample = |name, ramp| sampling.sample(name, ramp, &mut rng, hardness);
    let blur = (sample("degradation.blur", &settings.blur) * height).clamp(0.0, 16.0);
    let noise = sample("degradation.noise", &settings.noise).clamp(0.0, 0.5);
    let block = (sample("degradation.block", &settings.block) * height).round().clamp(1.0, 64.0);
    let seed = rng.random();
    let mut rng = sampling.stream("degradation/lens");
    let mut sample = |name, ramp| sampling.sample(name, ramp, &mut rng, hardness);
    let smooth = sample("degradation.smooth", &settings.smooth);
    let aperture = (sample("degradation.aperture", &settings.aperture) * height).clamp(0.0, 16.0);
    let misfocus = sample("degradation.misfocus", &settings.misfocus).clamp(-0.8, 4.0);
    let motion = (sample("degradation.motion", &settings.motion) * height).clamp(0.0, 16.0);
    let vignette = sample("degradation.vignette", &settings.vignette).clamp(0.0, 1.0);
    let shot_noise = sample("degradation.shot_noise", &settings.shot_noise).clamp(0.0, 0.5);
    let direction = Vec2::from_angle(std::f32::consts::PI * rng.random::<f32>());
    let (block, blur) = if rng.random::<f32>() < smooth {
        // A block's mean adds the block's variance to that of the blur. Linear interpolation
        // between blocks adds twice that.
        (1.0, (blur * blur + (block * block - 1.0) / 4.0).sqrt())
    } else {
        (block, blur)
    };
    let mut rng = sampling.stream("degradation/tone");
    let mut sample = |name, ramp| sampling.sample(name, ramp, &mut rng, hardness);
    let contrast = sample("degradation.contrast", &settings.contrast).clamp(0.2, 4.0);
    let saturation = sample("degradation.saturation", &settings.saturation).clamp(0.0, 3.0);
    let shoulder = sample("degradation.shoulder", &settings.shoulder).clamp(0.0, 0.9);
    let quality = sample("degradation.jpeg", &settings.jpeg).round().clamp(1.0, 100.0);
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
        contrast,
        saturation,
        shoulder,
        jpeg: (quality < 100.0).then_some(quality as u8),
    }
}
