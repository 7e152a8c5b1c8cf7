//! Things behind the figures: furniture, rails, trees, posts, signs.

use super::{framing::ground_axes, sampling::Sampling};
use crate::colors::any_color;
use glam::{EulerRot, Quat, Vec2, Vec3};
use marionette_stream::{Camera, Prop, PropRole, PropShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::FRAC_PI_2;

/// Things at least `behind` metres behind the origin, seen from the camera, so behind all figures.
pub(super) fn scenery(
    sampling: &mut Sampling,
    camera: &Camera,
    behind: f32,
    hardness: f32,
) -> Vec<Prop> {
    let scene = sampling.scene;
    let mut rng = sampling.stream("camouflage/clutter");
    let clutter = &scene.randomizers.camouflage.clutter;
    let count =
        sampling.sample("camouflage.clutter", clutter, &mut rng, hardness).round().clamp(0.0, 8.0)
            as usize;
    let (right, away) = ground_axes(camera);
    let facing =
        Quat::from_rotation_arc(Vec3::Z, -Vec3::new(away.x, 0.0, away.y).normalize_or(Vec3::NEG_Z));
    (0..count)
        .flat_map(|_| {
            let (pieces, reach) = thing(&mut rng);
            let lateral = 2.5 * (2.0 * rng.random::<f32>() - 1.0);
            let at = right * lateral + away * (behind + reach + 2.5 * rng.random::<f32>().powi(2));
            let turn = facing * Quat::from_rotation_y(0.5 * (rng.random::<f32>() - 0.5));
            pieces.into_iter().map(move |piece| stand(piece, turn, at))
        })
        .collect()
}

/// Turns a piece about the origin and moves it to `at` (x, z).
pub(super) fn stand(piece: Prop, turn: Quat, at: Vec2) -> Prop {
    Prop {
        position: turn * piece.position + Vec3::new(at.x, 0.0, at.y),
        rotation: turn * piece.rotation,
        ..piece
    }
}

/// How far behind the origin, seen from the camera, props reach, metres.
pub(super) fn farthest(camera: &Camera, props: &[Prop]) -> f32 {
    let (_, away) = ground_axes(camera);
    let beyond =
        |prop: &Prop| away.dot(Vec2::new(prop.position.x, prop.position.z)) + prop.shape.reach();
    props.iter().map(beyond).fold(0.0, f32::max)
}

/// The pieces of one thing, on the ground around the origin, and how far they reach from the
/// origin, metres.
fn thing(rng: &mut ChaCha8Rng) -> (Vec<Prop>, f32) {
    let kind = rng.random_range(0..8);
    let color = any_color(rng);
    let second = any_color(rng);
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    match kind {
        // A table or a bench: a top on two slabs.
        0 => {
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
        1 => {
            let half = Vec3::new(between(0.2, 0.7), between(0.3, 1.1), between(0.15, 0.4));
            (vec![cuboid(half, Vec3::Y * half.y, color)], half.length())
        }
        // A rail on posts, or a fence.
        2 | 3 => {
            let fence = if kind == 2 { between(0.06, 0.25) } else { 0.9 };
            let pieces =
                rail(between(1.0, 2.5), between(0.5, 1.3), fence, between(0.012, 0.035), color);
            (pieces, 0.1)
        }
        // A tree or a bush.
        4 => {
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
        5 => {
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
        6 => {
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

/// A rail along x, `half` metres to either side, on posts every `gap` metres.
pub(super) fn rail(half: f32, height: f32, gap: f32, radius: f32, color: Vec3) -> Vec<Prop> {
    let along = Quat::from_rotation_z(FRAC_PI_2);
    let bar =
        |y: f32| piece(PropShape::Capsule { half_length: half, radius }, Vec3::Y * y, along, color);
    let posts = ((2.0 * half / gap) as usize).clamp(1, 12);
    let step = 2.0 * half / posts as f32;
    let posts =
        (0..=posts).map(|k| post(height, radius * 0.8, Vec3::X * (k as f32 * step - half), color));
    posts.chain([bar(height), bar(height * 0.45)]).collect()
}

fn post(height: f32, radius: f32, foot: Vec3, color: Vec3) -> Prop {
    let half_length = (0.5 * height - radius).max(0.01);
    piece(
        PropShape::Capsule { half_length, radius },
        foot + Vec3::Y * (half_length + radius),
        Quat::IDENTITY,
        color,
    )
}

fn cuboid(half_extents: Vec3, position: Vec3, color: Vec3) -> Prop {
    piece(PropShape::Cuboid { half_extents }, position, Quat::IDENTITY, color)
}

fn piece(shape: PropShape, position: Vec3, rotation: Quat, color: Vec3) -> Prop {
    Prop { shape, position, rotation, color, role: PropRole::Scenery }
}
