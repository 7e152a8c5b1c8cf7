//! What stands about where machines work: benches, bins, frames, cables, fixtures.

use super::pieces::{cuboid, piece, post};
use crate::SceneryKind;
use glam::{Quat, Vec2, Vec3};
use marionette_stream::{Prop, PropShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::FRAC_PI_2;

/// As `thing` of [`super::common`].
pub(super) fn thing(
    kind: SceneryKind,
    [color, second]: [Vec3; 2],
    rng: &mut ChaCha8Rng,
) -> (Vec<Prop>, f32) {
    let grey = Vec3::splat(0.05 + 0.55 * rng.random::<f32>());
    let mut between = |low: f32, high: f32| low + (high - low) * rng.random::<f32>();
    match kind {
        // A workbench on four legs, with things on it.
        SceneryKind::Bench => {
            let half = Vec2::new(between(0.5, 1.2), between(0.3, 0.45));
            let height = between(0.6, 1.0);
            let corners = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]];
            let leg = |[x, z]: [f32; 2]| {
                let foot = Vec3::new(x * (half.x - 0.05), 0.5 * height, z * (half.y - 0.05));
                cuboid(Vec3::new(0.03, 0.5 * height, 0.03), foot, grey)
            };
            let mut pieces: Vec<Prop> = corners.map(leg).into();
            pieces.push(cuboid(Vec3::new(half.x, 0.025, half.y), Vec3::Y * height, color));
            pieces.push(cuboid(
                Vec3::new(half.x - 0.05, 0.015, half.y - 0.05),
                Vec3::Y * 0.25 * height,
                grey,
            ));
            for _ in 0..4 {
                let size = Vec3::new(between(0.04, 0.16), between(0.04, 0.16), between(0.04, 0.14));
                let spot = Vec3::new(between(-0.8, 0.8) * half.x, height, between(-0.5, 0.5));
                let place = spot * Vec3::new(1.0, 1.0, half.y) + Vec3::Y * (0.025 + size.y);
                pieces.push(if between(0.0, 1.0) < 0.4 {
                    let radius = size.x.min(size.z);
                    let shape = PropShape::Capsule { half_length: size.y, radius };
                    piece(shape, place + Vec3::Y * radius, Quat::IDENTITY, second)
                } else {
                    cuboid(size, place, color.lerp(second, between(0.0, 1.0)))
                });
            }
            (pieces, half.length())
        }
        // A rack of open bins for parts.
        SceneryKind::Bins => {
            let bin = Vec3::new(between(0.07, 0.16), between(0.05, 0.10), between(0.10, 0.18));
            let start = between(0.0, 0.8);
            let [columns, rows] = [3, 3];
            let width = bin.x * 2.2 * columns as f32 * 0.5;
            let mut pieces = vec![cuboid(
                Vec3::new(width, 0.5 * (start + bin.y * 2.8 * rows as f32), 0.02),
                Vec3::new(0.0, 0.5 * (start + bin.y * 2.8 * rows as f32), -bin.z - 0.02),
                grey,
            )];
            for k in 0..columns * rows {
                let [x, y] = [(k % columns) as f32 - 1.0, (k / columns) as f32];
                let place = Vec3::new(x * 2.2 * bin.x, start + bin.y * (1.0 + 2.8 * y), 0.0);
                let shade = if between(0.0, 1.0) < 0.7 { color } else { second };
                pieces.push(cuboid(bin, place, shade * between(0.8, 1.2)));
            }
            (pieces, width.hypot(bin.z))
        }
        // The frame of a machine: profiles along the edges of a box, and a guard behind.
        SceneryKind::Frame => {
            let half = Vec3::new(between(0.3, 0.9), between(0.4, 1.1), between(0.2, 0.4));
            let thick = between(0.015, 0.045);
            let middle = Vec3::Y * half.y;
            let edge = |along: usize, a: f32, b: f32| {
                let (mut size, mut place) = (Vec3::splat(thick), half);
                size[along] = half[along];
                place[along] = 0.0;
                place[(along + 1) % 3] *= a;
                place[(along + 2) % 3] *= b;
                cuboid(size, middle + place, grey)
            };
            let signs = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]];
            let mut pieces: Vec<Prop> = (0..3)
                .flat_map(|along| signs.map(|[a, b]| (along, a, b)))
                .map(|(along, a, b)| edge(along, a, b))
                .collect();
            if between(0.0, 1.0) < 0.6 {
                let panel = Vec3::new(half.x, half.y * between(0.3, 1.0), 0.008);
                pieces.push(cuboid(panel, Vec3::new(0.0, panel.y, -half.z), color));
            }
            if between(0.0, 1.0) < 0.6 {
                let body = half * Vec3::new(between(0.3, 0.8), between(0.2, 0.6), 0.7);
                pieces.push(cuboid(body, Vec3::Y * (body.y + thick), second));
            }
            (pieces, half.x.hypot(half.z))
        }
        // Cables and hoses that hang in loops between two posts.
        SceneryKind::Cables => {
            let half = between(0.4, 1.2);
            let height = between(0.9, 2.2);
            let mut pieces: Vec<Prop> =
                [-half, half].map(|x| post(height, 0.03, Vec3::X * x, grey)).into();
            for _ in 0..2 {
                let (sag, radius) = (between(0.1, 0.6) * height, between(0.008, 0.025));
                let shade = color.lerp(Vec3::splat(0.02), between(0.0, 1.0));
                let (top, aside) = (height * between(0.7, 1.0), between(-0.1, 0.1));
                let at = |k: u32| {
                    let x = 2.0 * k as f32 / 5.0 - 1.0;
                    Vec3::new(half * x, (top - sag * (1.0 - x * x)).max(radius), aside)
                };
                pieces.extend((0..5).map(|k| {
                    let [from, to] = [at(k), at(k + 1)];
                    let turn = Quat::from_rotation_arc(Vec3::Y, (to - from).normalize_or(Vec3::Y));
                    let half_length = 0.5 * from.distance(to);
                    let shape = PropShape::Capsule { half_length, radius };
                    piece(shape, 0.5 * (from + to), turn, shade)
                }));
            }
            (pieces, 0.15)
        }
        // A plate on a stand with pins, a clamp and a drum: what holds a work piece.
        _ => {
            let height = between(0.3, 0.9);
            let plate = Vec3::new(between(0.15, 0.35), 0.02, between(0.15, 0.3));
            let mut pieces = vec![
                cuboid(Vec3::new(0.08, 0.5 * height, 0.08), Vec3::Y * 0.5 * height, color),
                cuboid(plate, Vec3::Y * height, grey),
            ];
            for _ in 0..5 {
                let (length, radius) = (between(0.03, 0.16), between(0.01, 0.04));
                let spot = Vec3::new(between(-0.9, 0.9), 0.0, between(-0.9, 0.9)) * plate;
                pieces.push(post(length, radius, spot + Vec3::Y * (height + 0.02), second));
            }
            let (half_length, radius) = (between(0.05, 0.15), between(0.03, 0.08));
            pieces.push(piece(
                PropShape::Capsule { half_length, radius },
                Vec3::Y * (height + 0.02 + radius),
                Quat::from_rotation_z(FRAC_PI_2),
                grey,
            ));
            (pieces, plate.x.hypot(plate.z))
        }
    }
}
