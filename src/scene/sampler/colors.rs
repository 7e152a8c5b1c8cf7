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

/// A vivid colour, as linear RGB: one of its channels is bright and one nearly black, as in dyed cloth.
pub(super) fn vivid_color(rng: &mut ChaCha8Rng) -> Vec3 {
    let color = hue(rng.random::<f32>());
    let [low, high] = [color.min_element(), color.max_element()];
    let purest = (color - low) / (high - low).max(1e-3);
    Vec3::splat(0.02).lerp(purest, 0.75 + 0.25 * rng.random::<f32>()) * (0.15 + 0.6 * rng.random::<f32>())
}
