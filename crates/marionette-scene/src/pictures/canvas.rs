//! The canvas on which pictures are painted.

use crate::colors::any_hue;
use glam::{Vec2, Vec3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Side of every picture, pixels.
pub const SIDE: u32 = 256;

/// A square picture: sRGB in [0, 1], coordinates from 0 to 1, y down.
pub struct Canvas {
    pixels: Vec<Vec3>,
}

impl Canvas {
    /// A canvas of one colour.
    pub fn new(color: Vec3) -> Self {
        Canvas { pixels: vec![color; (SIDE * SIDE) as usize] }
    }

    /// The picture in 8 bits a channel.
    pub fn into_pixels(self) -> Vec<[u8; 4]> {
        let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        self.pixels.iter().map(|color| [byte(color.x), byte(color.y), byte(color.z), 255]).collect()
    }

    /// Changes every pixel of the box from `low` to `high` for which `paint` gives a colour.
    fn fill(&mut self, low: Vec2, high: Vec2, paint: impl Fn(Vec2, Vec3) -> Option<Vec3>) {
        let side = SIDE as f32;
        let to = |v: f32| (v * side).clamp(0.0, side) as usize;
        for y in to(low.y)..to(high.y + 1.0 / side) {
            for x in to(low.x)..to(high.x + 1.0 / side) {
                let at = Vec2::new(x as f32 + 0.5, y as f32 + 0.5) / side;
                let pixel = &mut self.pixels[y * SIDE as usize + x];
                if let Some(color) = paint(at, *pixel) {
                    *pixel = color;
                }
            }
        }
    }

    /// Colours from `top` at height `from` to `bottom` at height `to`.
    pub fn gradient(&mut self, from: f32, to: f32, top: Vec3, bottom: Vec3) {
        self.fill(Vec2::new(0.0, from), Vec2::new(1.0, to), |at, _| {
            Some(top.lerp(bottom, (at.y - from) / (to - from).max(1e-3)))
        });
    }

    /// A box, lighter above than below.
    pub fn rectangle(&mut self, low: Vec2, high: Vec2, color: Vec3) {
        self.fill(low, high, |at, _| {
            let inside = at.cmpge(low).all() && at.cmplt(high).all();
            inside.then(|| color * (1.06 - 0.12 * (at.y - low.y) / (high.y - low.y).max(1e-3)))
        });
    }

    /// An ellipse, shaded like a ball.
    pub fn ellipse(&mut self, centre: Vec2, radii: Vec2, color: Vec3) {
        self.fill(centre - radii, centre + radii, |at, _| {
            let p = (at - centre) / radii;
            (p.length_squared() < 1.0).then(|| color * (1.0 - 0.25 * p.dot(Vec2::new(0.5, 0.8))))
        });
    }

    /// A line of the given width.
    pub fn line(&mut self, from: Vec2, to: Vec2, width: f32, color: Vec3) {
        let along = to - from;
        let reach = Vec2::splat(width * 0.5);
        self.fill(from.min(to) - reach, from.max(to) + reach, |at, _| {
            let share = ((at - from).dot(along) / along.length_squared().max(1e-9)).clamp(0.0, 1.0);
            (at.distance(from + along * share) < width * 0.5).then_some(color)
        });
    }

    /// Everything below the curve that `height` gives for x.
    pub fn below(&mut self, height: impl Fn(f32) -> f32, color: Vec3) {
        self.fill(Vec2::ZERO, Vec2::ONE, |at, _| (at.y > height(at.x)).then_some(color));
    }

    /// Lightens and darkens by noise of several scales, from height `from` down. `cells` is the
    /// number of cells of the coarsest scale over the picture.
    pub fn mottle(&mut self, rng: &mut ChaCha8Rng, from: f32, cells: Vec2, strength: f32) {
        let seed: u32 = rng.random();
        let side = SIDE as usize;
        let mut sum = vec![0.0; side * side];
        let (mut weight, mut cells) = (0.5, cells);
        for octave in 0..5 {
            // Noise finer than pixels cannot be seen.
            if cells.max_element() > 1.2 * SIDE as f32 {
                break;
            }
            add_noise(&mut sum, cells, weight, seed.wrapping_add(octave));
            weight *= 0.6;
            cells *= 2.03;
        }
        self.fill(Vec2::new(0.0, from), Vec2::ONE, |at, color| {
            let [x, y] = (at * SIDE as f32).to_array().map(|place| place as usize);
            Some(color * (1.0 + strength * 2.0 * sum[y * side + x]))
        });
    }

    /// A person far away: `feet` on the ground, `height` tall.
    pub fn person(&mut self, rng: &mut ChaCha8Rng, feet: Vec2, height: f32) {
        let h = height;
        let (shirt, trousers, skin) = (color(rng), color(rng), skin(rng));
        let stride = h * (0.02 + 0.10 * rng.random::<f32>());
        let hip = feet - Vec2::new(0.0, 0.48 * h);
        for side in [-1.0, 1.0] {
            self.line(hip, feet + Vec2::new(side * stride, 0.0), 0.09 * h, trousers);
            let hand = hip
                + Vec2::new(
                    side * h * (0.12 + 0.2 * rng.random::<f32>()),
                    h * (rng.random::<f32>() * 0.4 - 0.3),
                );
            self.line(
                hip - Vec2::new(-side * 0.09 * h, 0.32 * h),
                hand,
                0.06 * h,
                if rng.random() { shirt } else { skin },
            );
        }
        self.ellipse(hip - Vec2::new(0.0, 0.17 * h), Vec2::new(0.12, 0.20) * h, shirt);
        let head = hip - Vec2::new(0.0, 0.44 * h);
        self.ellipse(head, Vec2::new(0.06, 0.08) * h, skin);
        self.ellipse(
            head - Vec2::new(0.0, 0.035 * h),
            Vec2::new(0.062, 0.05) * h,
            Vec3::splat(0.12 + 0.3 * rng.random::<f32>()),
        );
    }

    /// Writing that nobody can read: a row of strokes in the box from `low` to `high`.
    pub fn letters(&mut self, rng: &mut ChaCha8Rng, low: Vec2, high: Vec2, color: Vec3) {
        let size = high.y - low.y;
        let mut x = low.x;
        while x + 0.7 * size < high.x {
            if rng.random::<f32>() > 0.15 {
                for _ in 0..rng.random_range(2..5) {
                    let mut end = || {
                        let [across, down] = [rng.random_range(0..3), rng.random_range(0..3)];
                        Vec2::new(x + size * 0.25 * across as f32, low.y + size * 0.5 * down as f32)
                    };
                    let (from, to) = (end(), end());
                    self.line(from, to, 0.16 * size, color);
                }
            }
            x += 0.75 * size;
        }
    }
}

/// Any colour, sRGB. Dull colours are more common.
pub fn color(rng: &mut ChaCha8Rng) -> Vec3 {
    let saturation = rng.random::<f32>().powi(2);
    let value = 0.08 + 0.85 * rng.random::<f32>();
    let hue = any_hue(rng) * 6.0;
    let wheel = |shift: f32| ((hue + shift) % 6.0 - 3.0).abs() - 1.0;
    let pure = Vec3::new(wheel(0.0), wheel(4.0), wheel(2.0)).clamp(Vec3::ZERO, Vec3::ONE);
    Vec3::ONE.lerp(pure, saturation) * value
}

/// A tone of skin, sRGB.
pub fn skin(rng: &mut ChaCha8Rng) -> Vec3 {
    Vec3::new(0.86, 0.70, 0.62).lerp(Vec3::new(0.28, 0.18, 0.14), rng.random::<f32>())
}

/// Around `base` by up to `spread` a channel, half of it common to all three.
pub fn near(rng: &mut ChaCha8Rng, base: Vec3, spread: f32) -> Vec3 {
    let mut vary = || spread * (2.0 * rng.random::<f32>() - 1.0);
    let common = vary();
    base + Vec3::new(vary(), vary(), vary()) * 0.5 + Vec3::splat(common)
}

/// Adds value noise in [-weight / 2, weight / 2], of `cells` cells over the picture, to `sum`, a
/// value for each pixel.
fn add_noise(sum: &mut [f32], cells: Vec2, weight: f32, seed: u32) {
    let [columns, rows] = (cells.ceil() + 2.0).to_array().map(|count| count as usize);
    let lattice: Vec<f32> = (0..rows as u32)
        .flat_map(|y| (0..columns as u32).map(move |x| weight * (hashed(x, y, seed) - 0.5)))
        .collect();
    // The cell that a pixel is in, and the share of the next cell's corner in its value.
    let taps = |cells: f32| {
        (0..SIDE).map(move |pixel| {
            let at = (pixel as f32 + 0.5) / SIDE as f32 * cells;
            let f = at.fract();
            (at as usize, f * f * (3.0 - 2.0 * f))
        })
    };
    let across: Vec<(usize, f32)> = taps(cells.x).collect();
    for (line, (row, down)) in sum.chunks_exact_mut(SIDE as usize).zip(taps(cells.y)) {
        let [top, bottom] = [row, row + 1].map(|row| &lattice[row * columns..][..columns]);
        for (value, (column, right)) in line.iter_mut().zip(&across) {
            let [above, below] = [top, bottom]
                .map(|corners| corners[*column] + (corners[column + 1] - corners[*column]) * right);
            *value += above + (below - above) * down;
        }
    }
}

/// A number in [0, 1) for each corner of a lattice.
fn hashed(x: u32, y: u32, seed: u32) -> f32 {
    let mut n =
        x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b) ^ seed.wrapping_mul(0xc2b2_ae35);
    n = (n ^ (n >> 16)).wrapping_mul(0x7feb_352d);
    n = (n ^ (n >> 15)).wrapping_mul(0x846c_a68b);
    ((n ^ (n >> 16)) >> 8) as f32 / 16_777_216.0
}
