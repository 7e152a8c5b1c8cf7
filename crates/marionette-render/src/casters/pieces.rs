//! Pieces of instances, each with a list of its own.

use super::geometry::ABOVE;
use crate::layout::GpuInstance;
use glam::{Vec3, Vec4};

/// Half a piece of an instance is about as long, metres.
const PIECE: f32 = 0.1;
/// Pieces along a side of an instance, at most.
pub const MOST_PIECES: f32 = 4.0;

/// The pieces of an instance.
pub struct Pieces {
    /// How many there are along each of its sides; of a round cone, from end to end, 1 and 1.
    pub counts: [u8; 3],
    /// A sphere around each of them, row by row.
    pub spheres: Vec<Vec4>,
}

/// Cuts an instance into pieces, at most `most` along each side. `piece_of` in `light.wgsl` finds
/// the piece that a point is on.
pub fn pieces(instance: &GpuInstance, most: f32) -> Pieces {
    let along = |half: f32| (half / PIECE).ceil().clamp(1.0, most);
    if !instance.is_cuboid() {
        let count = along(instance.a.truncate().distance(instance.b.truncate()) * 0.5);
        let end = |k: u8| instance.a.lerp(instance.b, f32::from(k) / count);
        let piece = |k: u8| raised(&instance.between(end(k), end(k + 1)));
        let count = count as u8;
        return Pieces { counts: [count, 1, 1], spheres: (0..count).map(piece).collect() };
    }
    let half = instance.b.truncate();
    let counts = Vec3::from_array(half.to_array().map(along));
    let turn = glam::Quat::from_vec4(instance.turn);
    let [x, y, z] = counts.to_array().map(|count| count as u8);
    let places = (0..z).flat_map(|k| {
        (0..y).flat_map(move |j| (0..x).map(move |i| Vec3::new(i.into(), j.into(), k.into())))
    });
    let centre =
        |place: Vec3| instance.a.truncate() + turn * (half * ((2.0 * place + 1.0) / counts - 1.0));
    let piece =
        |place: Vec3| instance.between(centre(place).extend(0.0), (half / counts).extend(0.0));
    Pieces { counts: [x, y, z], spheres: places.map(|place| raised(&piece(place))).collect() }
}

/// A sphere around all places from which light is looked for on an instance.
pub fn raised(instance: &GpuInstance) -> Vec4 {
    instance.bound() + Vec4::W * ABOVE
}
