//! What stands about outdoors: walls, bushes, planks, stones.

use super::pieces::{cuboid, piece};
use crate::SceneryKind;
use glam::{Quat, Vec3};
use marionette_stream::{Prop, PropShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// As `thing` of [`super::common`].
pub(super) fn thing(
    kind: SceneryKind,
    [color, second]: [Vec3; 2],
    rng: &mut ChaCha8Rng,
) -> (Vec<Prop>, f32) {
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    match kind {
        // A garden wall with a coping.
        SceneryKind::Wall => {
            let half = Vec3::new(between(0.8, 3.0), between(0.15, 0.9), between(0.08, 0.2));
            let stone = Vec3::new(0.30, 0.22, 0.16).lerp(color, between(0.0, 0.5));
            let coping = Vec3::new(half.x + 0.02, 0.03, half.z + 0.03);
            let top = Vec3::Y * (2.0 * half.y + coping.y);
            let pieces = vec![
                cuboid(half, Vec3::Y * half.y, stone),
                cuboid(coping, top, stone * between(0.6, 1.4)),
            ];
            (pieces, half.z + 0.1)
        }
        // A bush or a hedge: balls of leaves on the ground.
        SceneryKind::Bush => {
            let (half, height) = (between(0.2, 1.2), between(0.25, 0.9));
            let green = Vec3::new(0.05, 0.12, 0.025).lerp(color * 0.4, 0.2);
            let ball = |_| {
                let radius = height * between(0.35, 0.6);
                let spot = Vec3::new(between(-1.0, 1.0) * half, radius, between(-0.2, 0.2));
                let raised = spot + Vec3::Y * between(0.0, 0.6) * (height - radius);
                let shape = PropShape::Ball { radius };
                piece(shape, raised, Quat::IDENTITY, green * between(0.5, 1.5))
            };
            ((0..6).map(ball).collect(), 0.2 + 0.6 * height)
        }
        // A fence of upright planks on two rails.
        SceneryKind::Planks => {
            let (width, height) = (between(0.03, 0.07), between(0.4, 1.4));
            let gap = width * between(0.2, 2.0);
            let wood = Vec3::new(0.25, 0.16, 0.09).lerp(color, between(0.0, 0.7));
            let count = 12;
            let half = 0.5 * count as f32 * (2.0 * width + gap);
            let mut pieces: Vec<Prop> = (0..count)
                .map(|k| {
                    let x = (k as f32 + 0.5) * (2.0 * width + gap) - half;
                    let tall = 0.5 * height * between(0.94, 1.0);
                    let shade = wood * between(0.8, 1.2);
                    cuboid(Vec3::new(width, tall, 0.01), Vec3::new(x, tall, 0.0), shade)
                })
                .collect();
            for share in [0.25, 0.75] {
                let place = Vec3::new(0.0, share * height, -0.025);
                pieces.push(cuboid(Vec3::new(half, 0.03, 0.015), place, wood * 0.8));
            }
            (pieces, 0.1)
        }
        // Stones and pots.
        _ => {
            let grey = Vec3::splat(between(0.1, 0.4)).lerp(second, 0.2);
            let pieces = (0..5).map(|_| {
                let radius = between(0.05, 0.28);
                let spot = Vec3::new(between(-0.8, 0.8), 0.6 * radius, between(-0.3, 0.3));
                let shade = grey * between(0.6, 1.3);
                piece(PropShape::Ball { radius }, spot, Quat::IDENTITY, shade)
            });
            (pieces.collect(), 0.6)
        }
    }
}
