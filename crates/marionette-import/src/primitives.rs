//! Simple shapes as triangles, with vertices that are shared.

use crate::Mesh;
use glam::Vec3;
use std::f32::consts::{PI, TAU};

/// Sides around what is round.
const AROUND: u32 = 20;
/// Rings of a ball from pole to pole.
const RINGS: u32 = 10;

/// A box with the full sides `sides`, centred.
pub fn cuboid(sides: Vec3) -> Mesh {
    let corner = |bits: u32| {
        let sign = |bit: u32| if bits >> bit & 1 == 1 { 0.5 } else { -0.5 };
        sides * Vec3::new(sign(0), sign(1), sign(2))
    };
    let faces =
        [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];
    Mesh {
        positions: (0..8).map(corner).collect(),
        triangles: faces.iter().flat_map(|[a, b, c, d]| [[*a, *b, *c], [*a, *c, *d]]).collect(),
        ..Mesh::default()
    }
}

/// A cylinder along z, centred.
pub fn cylinder(radius: f32, length: f32) -> Mesh {
    let half = 0.5 * length;
    turned(&[(0.0, -half), (radius, -half), (radius, half), (0.0, half)])
}

/// A ball, centred.
pub fn ball(radius: f32) -> Mesh {
    capsule(radius, 0.0)
}

/// The hull of two balls `length` apart along z, centred.
pub fn capsule(radius: f32, length: f32) -> Mesh {
    let mut outline = Vec::new();
    for ring in 0..=RINGS {
        let angle = PI * ring as f32 / RINGS as f32;
        let side = if 2 * ring < RINGS { -0.5 } else { 0.5 };
        let point = |side: f32| (radius * angle.sin(), side * length - radius * angle.cos());
        outline.push(point(side));
        if 2 * ring == RINGS && length > 0.0 {
            outline.insert(outline.len() - 1, point(-0.5));
        }
    }
    turned(&outline)
}

/// An outline (radius, z), from below to above, turned about z. Its ends are on the axis.
fn turned(outline: &[(f32, f32)]) -> Mesh {
    let mut mesh = Mesh::default();
    let rings = &outline[1..outline.len() - 1];
    for (radius, z) in rings {
        for step in 0..AROUND {
            let (sin, cos) = (TAU * step as f32 / AROUND as f32).sin_cos();
            mesh.positions.push(Vec3::new(radius * cos, radius * sin, *z));
        }
    }
    let (low, high) = (mesh.positions.len() as u32, mesh.positions.len() as u32 + 1);
    mesh.positions.push(Vec3::new(0.0, 0.0, outline[0].1));
    mesh.positions.push(Vec3::new(0.0, 0.0, outline[outline.len() - 1].1));
    let last = (rings.len() as u32 - 1) * AROUND;
    for step in 0..AROUND {
        let next = (step + 1) % AROUND;
        mesh.triangles.push([low, next, step]);
        mesh.triangles.push([high, last + step, last + next]);
        for ring in 0..rings.len() as u32 - 1 {
            let [a, b] = [step, next].map(|side| ring * AROUND + side);
            let [c, d] = [a + AROUND, b + AROUND];
            mesh.triangles.push([a, b, d]);
            mesh.triangles.push([a, d, c]);
        }
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six times the volume inside, by the divergence theorem: positive if faces look outwards.
    fn volume(mesh: &Mesh) -> f32 {
        let corners =
            mesh.triangles.iter().map(|t| t.map(|corner| mesh.positions[corner as usize]));
        corners.map(|[a, b, c]| a.dot(b.cross(c))).sum::<f32>() / 6.0
    }

    #[test]
    fn shapes_are_closed_and_look_outwards() {
        assert!((volume(&cuboid(Vec3::new(1.0, 2.0, 3.0))) - 6.0).abs() < 1e-4);
        let round = PI * 0.25 * 2.0;
        assert!((volume(&cylinder(0.5, 2.0)) / round - 1.0).abs() < 0.03);
        let ball_volume = 4.0 / 3.0 * PI * 0.125;
        assert!((volume(&ball(0.5)) / ball_volume - 1.0).abs() < 0.06);
        assert!((volume(&capsule(0.5, 2.0)) / (round + ball_volume) - 1.0).abs() < 0.05);
    }
}
