//! Skins: where each joint is in the pose in which the meshes were bound to them.

use super::{nodes::Nodes, source::Source};
use crate::ImportError;
use glam::{Mat4, Vec3};
use std::collections::BTreeMap;

/// The joints of a skin, in the order that vertices count them by.
pub(super) struct Skin {
    /// Indices of nodes.
    pub joints: Vec<usize>,
    /// `joint_from_mesh` in the bind pose; `None` where the file has none, and vertices are in the
    /// joints' own frames.
    joint_from_mesh: Option<Vec<Mat4>>,
}

/// The bind pose: all nodes of a file, and its skins.
pub(super) struct Bind {
    /// `world_from_node`.
    pub world: Vec<Mat4>,
    /// Skins that are shown, by their index in the file.
    pub skins: BTreeMap<usize, Skin>,
    /// Whether the nodes are posed otherwise than meshes were bound.
    pub posed: bool,
}

impl Skin {
    fn read(source: &Source, index: usize) -> Result<Option<Skin>, ImportError> {
        let Some(skin) = source.document.skins().nth(index) else { return Ok(None) };
        let joints: Vec<usize> = skin.joints().map(|joint| joint.index()).collect();
        let what = || format!("skin \"{}\"", skin.name().unwrap_or(&index.to_string()));
        if joints.is_empty() {
            return Err(source.fail(format!("{} has no joints; bind it again", what())));
        }
        let Some(accessor) = skin.inverse_bind_matrices() else {
            return Ok(Some(Skin { joints, joint_from_mesh: None }));
        };
        let matrices: Vec<Mat4> = source
            .floats::<16>(&accessor, &format!("{}'s inverse bind matrices", what()))?
            .iter()
            .map(Mat4::from_cols_array)
            .collect();
        if matrices.len() < joints.len() {
            let message = format!(
                "{} has {} joints and {} inverse bind matrices; it needs one for each",
                what(),
                joints.len(),
                matrices.len()
            );
            return Err(source.fail(message));
        }
        for (matrix, joint) in matrices.iter().zip(&joints) {
            if !matrix.inverse().is_finite() {
                let message = format!("{}'s inverse bind matrix of joint {joint}", what());
                return Err(
                    source.fail(format!("{message} is flat, so nothing can be bound to it"))
                );
            }
        }
        Ok(Some(Skin { joints, joint_from_mesh: Some(matrices) }))
    }

    /// `world_from_mesh` of one joint when the nodes are at `world`.
    pub fn world_from_mesh(&self, joint: usize, world: &[Mat4]) -> Mat4 {
        let own = self.joint_from_mesh.as_ref().map_or(Mat4::IDENTITY, |all| all[joint]);
        world[self.joints[joint]] * own
    }

    /// `world_from_mesh` in the bind pose, and whether the nodes are in it.
    ///
    /// Nothing in a file says where a mesh was when it was bound, only where the joints were from
    /// there. Each joint says where it would be now. Where they differ, the mesh's own node
    /// `world_from_node` is believed if a joint agrees with it, and else the topmost joint.
    fn bound_at(&self, nodes: &Nodes, world: &[Mat4], node: &Mat4) -> Option<(Mat4, bool)> {
        self.joint_from_mesh.as_ref()?;
        let places: Vec<Mat4> =
            (0..self.joints.len()).map(|joint| self.world_from_mesh(joint, world)).collect();
        let alike = |a: &Mat4, b: &Mat4| {
            let size = a.x_axis.length() + a.w_axis.truncate().length();
            a.abs_diff_eq(*b, 2e-3 * size.max(1e-6))
        };
        let rank = |node: usize| nodes.order.iter().position(|other| *other == node);
        let topmost = (0..places.len()).min_by_key(|joint| rank(self.joints[*joint]))?;
        let agree = places.iter().all(|place| alike(&places[topmost], place));
        let place = match !agree && places.iter().any(|place| alike(node, place)) {
            true => *node,
            false => places[topmost],
        };
        Some((place, agree))
    }
}

/// The pose in which meshes were bound. Joints are where inverse bind matrices say, and what is no
/// joint keeps its place on its parent. `used` are the skins that are shown, each with the node of
/// its mesh.
pub(super) fn bind(
    source: &Source,
    nodes: &Nodes,
    used: &BTreeMap<usize, usize>,
) -> Result<Bind, ImportError> {
    let world = nodes.world(&nodes.matrices);
    let mut skins = BTreeMap::new();
    for index in used.keys() {
        if let Some(skin) = Skin::read(source, *index)? {
            skins.insert(*index, skin);
        }
    }
    let mut bound: BTreeMap<usize, Mat4> = BTreeMap::new();
    let mut posed = false;
    for (index, skin) in &skins {
        let node = &world[used[index]];
        let Some((world_from_mesh, agree)) = skin.bound_at(nodes, &world, node) else { continue };
        posed |= !agree;
        for (joint, matrix) in skin.joints.iter().zip(skin.joint_from_mesh.iter().flatten()) {
            bound.entry(*joint).or_insert_with(|| world_from_mesh * matrix.inverse());
        }
    }
    let mut pose = world.clone();
    for node in &nodes.order {
        let below = nodes.parents[*node].map(|parent| pose[parent] * nodes.matrices[*node]);
        pose[*node] = bound.get(node).copied().or(below).unwrap_or(world[*node]);
    }
    Ok(Bind { world: pose, skins, posed })
}

/// The origin of a frame.
pub(super) fn origin(world_from_node: &Mat4) -> Vec3 {
    world_from_node.w_axis.truncate()
}
