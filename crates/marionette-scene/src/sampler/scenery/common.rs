//! What stands about anywhere: furniture, rails, trees, posts, signs.

use super::pieces::{cuboid, piece, post, rail};
use crate::SceneryKind;
use glam::{EulerRot, Quat, Vec2, Vec3};
use marionette_stream::{Prop, PropShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The pieces of one thing, on the ground around the origin, and how far they reach from the
/// origin, metres.
pub(super) fn thing(
    kind: SceneryKind,
    [color, second]: [Vec3; 2],
    rng: &mut ChaCha8Rng,
) -> (Vec<Prop>, f32) {
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    match kind {
        // A table or a bench: a top on two slabs.
        SceneryKind::Table => {
            let (half, height, thick) =
                (Vec2::new(between(0.4, 1.0), between(0.2, 0.4)), between(0.4, 0.95), 0.025);
            let leg = |x: f32| {
                cuboid(
                    Vec3::new(0.03, height * 0.5, half.y),
                    Vec3::new(x, height * 0.5, 0.0),
                    second,
                )
            };
            let top = cuboid(
                Vec3::new(half.x, thick, half.y),
                Vec3::new(0.0, height + thick, 0.0),
                color,
            );
            (vec![top, leg(0.9 * half.x), leg(-0.9 * half.x)], half.length())
        }
        // A cupboard, a box, a block.
        SceneryKind::Cupboard => {
            let half = Vec3::new(between(0.2, 0.7), between(0.3, 1.1), between(0.15, 0.4));
            (vec![cuboid(half, Vec3::Y * half.y, color)], half.length())
        }
        // A rail on posts, or a fence.
        SceneryKind::Rail | SceneryKind::Fence => {
            let fence = if kind == SceneryKind::Rail { between(0.06, 0.25) } else { 0.9 };
            let pieces =
                rail(between(1.0, 2.5), between(0.5, 1.3), fence, between(0.012, 0.035), color);
            (pieces, 0.1)
        }
        // A tree or a bush.
        SceneryKind::Tree => {
            let (height, radius) = (between(0.3, 2.4), between(0.05, 0.14));
            let crown = between(0.35, 0.8);
            let green = Vec3::new(0.06, 0.14, 0.03).lerp(color * 0.4, 0.25);
            let mut pieces = vec![post(height, radius, Vec3::ZERO, Vec3::new(0.09, 0.06, 0.035))];
            for _ in 0..4 {
                let mut off = || between(-0.6, 0.6) * crown;
                let centre = Vec3::new(off(), height + off(), off());
                let shade = between(0.6, 1.4);
                let radius = crown * between(0.5, 0.8);
                let raised = centre.with_y(centre.y.max(radius));
                pieces.push(piece(
                    PropShape::Ball { radius },
                    raised,
                    Quat::IDENTITY,
                    green * shade,
                ));
            }
            (pieces, 1.4 * crown)
        }
        // A heap of poles and pipes at all angles, as long and as thick as limbs.
        SceneryKind::Poles => {
            let pieces = (0..5).map(|_| {
                let (half_length, radius) = (between(0.1, 0.35), between(0.03, 0.08));
                let turn = Quat::from_euler(
                    EulerRot::YXZ,
                    between(0.0, 3.1),
                    between(0.0, 3.1),
                    between(0.0, 3.1),
                );
                let middle = Vec3::new(between(-0.6, 0.6), between(0.4, 1.8), between(-0.3, 0.3));
                let color = color.lerp(second, between(0.0, 1.0));
                piece(PropShape::Capsule { half_length, radius }, middle, turn, color)
            });
            (pieces.collect::<Vec<_>>(), 0.7)
        }
        // A post, a pillar.
        SceneryKind::Post => {
            let (height, radius) = (between(1.0, 3.5), between(0.03, 0.25));
            (vec![post(height, radius, Vec3::ZERO, color)], radius)
        }
        // A sign or a banner between two posts.
        _ => {
            let half = Vec3::new(between(0.4, 1.5), between(0.2, 0.5), 0.015);
            let bottom = between(0.0, 1.6);
            let posts =
                [-half.x, half.x].map(|x| post(bottom + 2.0 * half.y, 0.025, Vec3::X * x, second));
            let sign = cuboid(half, Vec3::Y * (bottom + half.y), color);
            (posts.into_iter().chain([sign]).collect(), 0.1)
        }
    }
}
