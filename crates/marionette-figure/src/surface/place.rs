//! Triangles in the world: each vertex follows its bones.

use super::{ProxyFit, Surface};
use crate::{BodyShape, Figure, WorldBones, kinematics::in_bone};
use glam::Vec3;

/// A vertex in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedVertex {
    /// Where it is, metres.
    pub position: Vec3,
    /// Its unit normal.
    pub normal: Vec3,
}

impl Surface {
    /// Whether the figure's part with this index is not drawn: triangles are, in its place.
    pub fn replaces(&self, part: usize) -> bool {
        self.fit_of(part).is_some()
    }

    /// How well the proxies fit among which the figure's part with this index is.
    pub fn fit_of(&self, part: usize) -> Option<&ProxyFit> {
        self.proxies.iter().find(|fit| (fit.part..fit.part + fit.count).contains(&part))
    }

    /// The vertices in the world: linear blend skinning, as in glTF.
    pub fn place(
        &self,
        figure: &Figure,
        shape: &BodyShape,
        bones: &WorldBones,
    ) -> Vec<PlacedVertex> {
        let scales: Vec<Vec3> =
            (0..figure.bones.len()).map(|bone| in_bone(figure, shape, bone)).collect();
        let placed = self.vertices.iter().map(|vertex| {
            let [first, end] = vertex.influences.map(|index| index as usize);
            let (mut position, mut normal) = (Vec3::ZERO, Vec3::ZERO);
            for influence in &self.influences[first..end] {
                let world_from_bone = &bones[influence.bone];
                let at = influence.position * scales[influence.bone];
                position += world_from_bone.transform_point3(at) * influence.weight;
                normal += world_from_bone.transform_vector3(influence.normal) * influence.weight;
            }
            PlacedVertex { position, normal: normal.normalize_or(Vec3::Y) }
        });
        placed.collect()
    }
}
