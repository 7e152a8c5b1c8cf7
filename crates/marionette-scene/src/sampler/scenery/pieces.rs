//! What scenery is put together from.

use glam::{Quat, Vec2, Vec3};
use marionette_stream::{Prop, PropRole, PropShape};
use std::f32::consts::FRAC_PI_2;

/// Turns a piece about the origin and moves it to `at` (x, z).
pub(in crate::sampler) fn stand(piece: Prop, turn: Quat, at: Vec2) -> Prop {
    Prop {
        position: turn * piece.position + Vec3::new(at.x, 0.0, at.y),
        rotation: turn * piece.rotation,
        ..piece
    }
}

/// A piece of a thing that is this many times as large.
pub(super) fn scaled(piece: Prop, factor: f32) -> Prop {
    Prop { shape: piece.shape.scaled(factor), position: piece.position * factor, ..piece }
}

/// A rail along x, `half` metres to either side, on posts every `gap` metres.
pub(in crate::sampler) fn rail(
    half: f32,
    height: f32,
    gap: f32,
    radius: f32,
    color: Vec3,
) -> Vec<Prop> {
    let along = Quat::from_rotation_z(FRAC_PI_2);
    let bar =
        |y: f32| piece(PropShape::Capsule { half_length: half, radius }, Vec3::Y * y, along, color);
    let posts = ((2.0 * half / gap) as usize).clamp(1, 12);
    let step = 2.0 * half / posts as f32;
    let posts =
        (0..=posts).map(|k| post(height, radius * 0.8, Vec3::X * (k as f32 * step - half), color));
    posts.chain([bar(height), bar(height * 0.45)]).collect()
}

pub(super) fn post(height: f32, radius: f32, foot: Vec3, color: Vec3) -> Prop {
    let half_length = (0.5 * height - radius).max(0.01);
    piece(
        PropShape::Capsule { half_length, radius },
        foot + Vec3::Y * (half_length + radius),
        Quat::IDENTITY,
        color,
    )
}

pub(super) fn cuboid(half_extents: Vec3, position: Vec3, color: Vec3) -> Prop {
    piece(PropShape::Cuboid { half_extents }, position, Quat::IDENTITY, color)
}

pub(super) fn piece(shape: PropShape, position: Vec3, rotation: Quat, color: Vec3) -> Prop {
    Prop { shape, position, rotation, color, role: PropRole::Scenery }
}
