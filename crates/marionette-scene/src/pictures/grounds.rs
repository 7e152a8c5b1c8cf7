//! Grounds: grass, sand, asphalt, boards, mats and tiles, seen from above.

use super::canvas::{Canvas, color, near};
use glam::{Vec2, Vec3};
use marionette_base::random;
use rand::Rng;

/// Paints ground `index`.
pub fn paint(index: u64) -> Canvas {
    let mut rng = random::stream(0, index, 0, "ground picture");
    let rng = &mut rng;
    let base = match index % 6 {
        0 => near(rng, Vec3::new(0.30, 0.42, 0.18), 0.12),
        1 => near(rng, Vec3::new(0.72, 0.64, 0.50), 0.12),
        2 => Vec3::splat(0.25 + 0.4 * rng.random::<f32>()),
        3 => near(rng, Vec3::new(0.55, 0.38, 0.22), 0.12),
        4 => color(rng),
        _ => near(rng, Vec3::splat(0.6), 0.25),
    };
    let mut canvas = Canvas::new(base);
    match index % 6 {
        0 => canvas.mottle(rng, 0.0, Vec2::splat(24.0), 1.0),
        1 | 2 => canvas.mottle(rng, 0.0, Vec2::splat(10.0), 0.6),
        3 => {
            let boards = rng.random_range(6..14);
            for board in 0..boards {
                let [low, high] = [board, board + 1].map(|edge| edge as f32 / boards as f32);
                canvas.rectangle(
                    Vec2::new(low, 0.0),
                    Vec2::new(high - 0.004, 1.0),
                    near(rng, base, 0.06),
                );
            }
            canvas.mottle(rng, 0.0, Vec2::new(40.0, 3.0), 0.35);
        }
        4 => {
            for _ in 0..rng.random_range(1..4) {
                let (at, white) = (rng.random::<f32>(), near(rng, Vec3::splat(0.85), 0.1));
                canvas.line(Vec2::new(at, 0.0), Vec2::new(at, 1.0), 0.012, white);
            }
            canvas.mottle(rng, 0.0, Vec2::splat(5.0), 0.2);
        }
        _ => {
            let tiles = rng.random_range(3..10);
            let joint = base * 0.7;
            for tile in 0..=tiles {
                let at = tile as f32 / tiles as f32;
                canvas.line(Vec2::new(at, 0.0), Vec2::new(at, 1.0), 0.01, joint);
                canvas.line(Vec2::new(0.0, at), Vec2::new(1.0, at), 0.01, joint);
            }
            canvas.mottle(rng, 0.0, Vec2::splat(8.0), 0.35);
        }
    }
    canvas
}
