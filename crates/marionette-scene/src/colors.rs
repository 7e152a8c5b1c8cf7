//! Colours of surroundings, cloth and light.

use glam::Vec3;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A hue in [0, 1), red at 0 and green at a third, as often as photographs show it.
///
/// In photographs of people, half of the coloured pixels are red to orange (skin, wood, brick,
/// earth), a tenth are yellow to green and a third are blue (sky, water, shade, denim). Purple and
/// turquoise are rare. Here the rare hues come a little more often.
pub(super) fn any_hue(rng: &mut ChaCha8Rng) -> f32 {
    let [which, within] = [rng.random::<f32>(), rng.random::<f32>()];
    let (low, high) = match which {
        ..0.5 => (-0.03, 0.14),
        0.5..0.62 => (0.14, 0.36),
        0.62..0.88 => (0.53, 0.67),
        _ => (0.0, 1.0),
    };
    (low + (high - low) * within).rem_euclid(1.0)
}

/// A fully saturated colour of the hue `h`, as linear RGB of about even brightness.
pub(super) fn tint(h: f32) -> Vec3 {
    let wave = |shift: f32| ((h - shift) * std::f32::consts::TAU).cos() * 0.5 + 0.5;
    let color = Vec3::new(wave(0.0), wave(1.0 / 3.0), wave(2.0 / 3.0));
    color / color.dot(Vec3::new(0.3, 0.55, 0.15)).max(0.2)
}

/// Any colour, as linear RGB: dull ones are more common than vivid ones.
pub(super) fn any_color(rng: &mut ChaCha8Rng) -> Vec3 {
    let saturation = rng.random::<f32>().powi(2);
    let brightness = 0.02 + 0.7 * rng.random::<f32>().powf(1.5);
    (Vec3::ONE.lerp(tint(any_hue(rng)), saturation) * brightness).min(Vec3::splat(0.9))
}

/// A vivid colour, as linear RGB: one of its channels is bright and one dark, as in dyed cloth.
pub(super) fn vivid_color(rng: &mut ChaCha8Rng) -> Vec3 {
    let color = tint(any_hue(rng));
    let [low, high] = [color.min_element(), color.max_element()];
    let purest = (color - low) / (high - low).max(1e-3);
    Vec3::splat(0.05).lerp(purest, 0.6 + 0.35 * rng.random::<f32>())
        * (0.15 + 0.6 * rng.random::<f32>())
}
