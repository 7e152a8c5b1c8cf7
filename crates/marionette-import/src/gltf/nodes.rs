//! The tree of a file's nodes: who hangs on whom, and where everything is at rest.

use super::source::Source;
use crate::ImportError;
use glam::{Mat4, Quat, Vec3};
use std::collections::BTreeSet;

/// A node's place in its parent.
#[derive(Clone, Copy)]
pub(super) struct Local {
    pub translation: Vec3,
    pub rotation: Quat,
    pub scale: Vec3,
}

impl Local {
    pub fn matrix(&self) -> Mat4 {
        Mat4::from_scale_rotation_translation(self.scale, self.rotation, self.translation)
    }
}

/// All nodes of a file, by their index in it.
pub(super) struct Nodes {
    /// Names as written; "node 3" where there is none.
    pub names: Vec<String>,
    pub parents: Vec<Option<usize>>,
    /// Every node, parents first.
    pub order: Vec<usize>,
    /// Whether the node is in the scene that is shown.
    pub shown: Vec<bool>,
    pub locals: Vec<Local>,
    /// `parent_from_node`, as written: a matrix may be sheared.
    pub matrices: Vec<Mat4>,
}

impl Nodes {
    pub fn read(source: &Source) -> Result<Nodes, ImportError> {
        let document = &source.document;
        let count = document.nodes().count();
        let mut parents = vec![None; count];
        let (mut names, mut locals, mut matrices) = (Vec::new(), Vec::new(), Vec::new());
        for node in document.nodes() {
            let index = node.index();
            for child in node.children() {
                if parents[child.index()].replace(index).is_some() {
                    let message = format!("node {} hangs on two others", child.index());
                    return Err(source.fail(format!("{message}; a node has one parent")));
                }
            }
            let name = node.name().map_or_else(|| format!("node {index}"), str::to_owned);
            let matrix = Mat4::from_cols_array_2d(&node.transform().matrix());
            let (translation, [x, y, z, w], scale) = node.transform().decomposed();
            let rotation = Quat::from_xyzw(x, y, z, w);
            if !matrix.is_finite() || !rotation.is_finite() || rotation.length() < 1e-6 {
                let message = format!("node \"{name}\" has a transform that is no placement");
                return Err(source.fail(format!("{message}: {matrix}")));
            }
            names.push(name);
            matrices.push(matrix);
            locals.push(Local {
                translation: translation.into(),
                rotation: rotation.normalize(),
                scale: scale.into(),
            });
        }
        let mut children = vec![Vec::new(); count];
        for (node, parent) in parents.iter().enumerate() {
            if let Some(parent) = parent {
                children[*parent].push(node);
            }
        }
        let mut order: Vec<usize> = (0..count).filter(|node| parents[*node].is_none()).collect();
        let mut next = 0;
        while next < order.len() {
            order.extend(&children[order[next]]);
            next += 1;
        }
        if order.len() < count {
            let reached: BTreeSet<usize> = order.into_iter().collect();
            let lost = (0..count).find(|node| !reached.contains(node)).unwrap_or(0);
            let message = format!("node \"{}\" hangs on itself in a circle", names[lost]);
            return Err(source.fail(format!("{message}; export it again")));
        }
        let scene = document.default_scene().or_else(|| document.scenes().next());
        let mut shown = vec![scene.is_none(); count];
        for node in scene.iter().flat_map(|scene| scene.nodes()) {
            shown[node.index()] = true;
        }
        for node in &order {
            shown[*node] |= parents[*node].is_some_and(|parent| shown[parent]);
        }
        Ok(Nodes { names, parents, order, shown, locals, matrices })
    }

    /// `world_from_node` of every node whose places in their parents are `matrices`.
    pub fn world(&self, matrices: &[Mat4]) -> Vec<Mat4> {
        let mut world = matrices.to_vec();
        for node in &self.order {
            if let Some(parent) = self.parents[*node] {
                world[*node] = world[parent] * matrices[*node];
            }
        }
        world
    }
}

/// The rotation in a matrix that may scale, shear and mirror: of a mirrored one, that of its first
/// two axes.
pub(super) fn rotation_in(matrix: &Mat4) -> Quat {
    let y = matrix.y_axis.truncate().normalize_or(Vec3::Y);
    let x = matrix.x_axis.truncate();
    let x = (x - y * x.dot(y)).normalize_or(y.any_orthonormal_vector());
    Quat::from_mat3(&glam::Mat3::from_cols(x, y, x.cross(y))).normalize()
}
