//! Parts of a draft: one skin for the whole figure, or a rigid mesh for each bone.

use super::{
    geometry::{Geometry, strongest},
    surface::srgb,
};
use crate::{DraftBone, DraftMaterial, DraftPart, DraftShape, Mesh};
use glam::{Quat, Vec3};
use std::collections::BTreeMap;

/// Where the bones are.
pub(super) struct Placed<'a> {
    /// The bone that each node's vertices follow.
    pub bone_of: &'a [usize],
    pub bones: &'a [DraftBone],
    /// Joints at rest, metres.
    pub places: &'a [Vec3],
    /// `rest_from_bone`.
    pub frames: &'a [Quat],
    /// `ours_from_world`.
    pub upright: Quat,
    /// Metres in a unit of the file.
    pub scale: f32,
}

/// A vertex as it is written, so that equal ones become one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key([u32; 6], [u8; 3], Vec<(usize, u32)>);

/// A mesh in the making.
#[derive(Default)]
struct Builder {
    mesh: Mesh,
    /// Bones and shares of each vertex.
    weights: Vec<Vec<(usize, f32)>>,
    known: BTreeMap<Key, u32>,
    /// Sum over triangles of area times roughness, and of area.
    roughness: [f32; 2],
}

impl Builder {
    fn vertex(&mut self, at: Vec3, normal: Vec3, color: [u8; 3], weights: &[(usize, f32)]) -> u32 {
        let bits = |v: Vec3| v.to_array().map(f32::to_bits);
        let ([x, y, z], [u, v, w]) = (bits(at), bits(normal));
        let held = weights.iter().map(|(bone, share)| (*bone, share.to_bits())).collect();
        let new = self.mesh.positions.len() as u32;
        let index = *self.known.entry(Key([x, y, z, u, v, w], color, held)).or_insert(new);
        if index == new {
            self.mesh.positions.push(at);
            self.mesh.normals.push(normal);
            self.mesh.colors.push(color);
            self.weights.push(weights.to_vec());
        }
        index
    }

    fn triangle(&mut self, corners: [u32; 3], roughness: f32) {
        let [a, b, c] = corners.map(|i| self.mesh.positions[i as usize]);
        let area = (b - a).cross(c - a).length();
        if area > 0.0 {
            self.roughness[0] += area * roughness;
            self.roughness[1] += area;
            self.mesh.triangles.push(corners);
        }
    }
}

/// The figure's parts, and their materials. Vertices have the colours, so materials are white.
pub(super) fn parts(geometry: &Geometry, placed: &Placed) -> (Vec<DraftPart>, Vec<DraftMaterial>) {
    let mut weights: Vec<Vec<(usize, f32)>> = Vec::new();
    for held in &geometry.weights {
        let mut sums: BTreeMap<usize, f32> = BTreeMap::new();
        for (node, share) in held {
            *sums.entry(placed.bone_of[*node]).or_default() += share;
        }
        weights.push(strongest(sums.into_iter().collect()));
    }
    // All vertices of a triangle of a rigid piece follow one bone.
    let piece = |corners: &[u32; 3]| match geometry.skinned {
        true => 0,
        false => weights[corners[0] as usize][0].0,
    };
    let mut builders: BTreeMap<usize, Builder> = BTreeMap::new();
    for (corners, roughness) in geometry.triangles.iter().zip(&geometry.roughness) {
        let bone = piece(corners);
        let builder = builders.entry(bone).or_default();
        let corners = corners.map(|i| i as usize).map(|i| {
            let at = placed.upright * geometry.positions[i] * placed.scale;
            let normal = placed.upright * geometry.normals[i];
            let back = placed.frames[bone].inverse();
            let (at, normal) = match geometry.skinned {
                true => (at - placed.places[0], normal),
                false => (back * (at - placed.places[bone]), back * normal),
            };
            builder.vertex(at, normal, srgb(geometry.colors[i]), &weights[i])
        });
        builder.triangle(corners, *roughness);
    }
    builders.retain(|_, builder| !builder.mesh.triangles.is_empty());
    let mut materials: Vec<DraftMaterial> = Vec::new();
    let mut parts = Vec::new();
    for (bone, builder) in builders {
        let roughness = builder.roughness[0] / builder.roughness[1].max(1e-12);
        // Two decimals tell materials apart.
        let roughness = (roughness * 100.0).round() / 100.0;
        let material = materials.iter().position(|known| known.roughness == roughness);
        let material = material.unwrap_or_else(|| {
            let name = match materials.len() {
                0 => "surface".to_owned(),
                count => format!("surface_{}", count + 1),
            };
            materials.push(DraftMaterial { name, color: [1.0; 3], roughness });
            materials.len() - 1
        });
        let name = match geometry.skinned {
            true => "skin".to_owned(),
            false => placed.bones[bone].name.clone(),
        };
        let shape = match geometry.skinned {
            true => skin(builder),
            false => DraftShape::Mesh(builder.mesh),
        };
        let (at, turn) = (Vec3::ZERO, Quat::IDENTITY);
        parts.push(DraftPart { name, bone, at, turn, shape, material });
    }
    (parts, materials)
}

/// A mesh that follows the bones that hold its vertices.
fn skin(builder: Builder) -> DraftShape {
    let Builder { mut mesh, weights, .. } = builder;
    let mut bones: Vec<usize> = weights.iter().flatten().map(|(bone, _)| *bone).collect();
    bones.sort_unstable();
    bones.dedup();
    let place = |bone: usize| bones.binary_search(&bone).unwrap_or(0) as u8;
    mesh.weights = weights
        .iter()
        .map(|held| {
            let mut four = [(0, 0.0); 4];
            four.iter_mut()
                .zip(held)
                .for_each(|(slot, (bone, share))| *slot = (place(*bone), *share));
            four
        })
        .collect();
    DraftShape::Skin { mesh, bones }
}
