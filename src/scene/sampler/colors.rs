//! Colours.

use glam::Vec3;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A fully saturated colour of the given hue in [0, 1), as linear RGB of about even brightness.
pub(super) fn hue(h: f32) -> Vec3 {
    let wave = |shift: f32| ((h + shift) * std::f32::consts::TAU).cos() * 0.5 + 0.5;
    let color = Vec3::new(wave(0.0), wave(1.0 / 3.0), wave(2.0 / 3.0));
    color / color.dot(Vec3::new(0.3, 0.55, 0.15)).max(0.2)
}

/// Any colour, as linear RGB: dull ones are more common than vivid ones.
pub(super) fn any_color(rng: &mut ChaCha8Rng) -> Vec3 {
    let saturation = rng.random::<f32>().powi(2);
    let brightness = 0.02 + 0.7 * rng.random::<f32>().powf(1.5);
    (Vec3::ONE.lerp(hue(rng.random::<f32>()), saturation) * brightness).min(Vec3::splat(0.9))
}
