//! Which of a file's nodes become bones.

use super::{geometry::Geometry, nodes::Nodes, skins::origin};
use glam::Mat4;

/// Most bones: with a proxy each they leave room among the parts of a figure.
pub(super) const MOST_BONES: usize = 40;
/// A bone whose vertices all are nearer to its joint is merged into its parent, as a share of the
/// figure's size: phalanges, eyes. Of trees of rigid pieces, less.
const TINY_SKINNED: f32 = 0.04;
const TINY_RIGID: f32 = 0.015;
/// A bone without vertices that is nearer to its only child is merged, likewise.
const NEAR: f32 = 0.02;

/// What is known about nodes, each by its index.
pub(super) struct Known<'a> {
    pub nodes: &'a Nodes,
    pub geometry: &'a Geometry,
    /// `world_from_node` in the bind pose.
    pub world: &'a [Mat4],
    /// Joints of skins.
    pub joints: &'a [bool],
    /// Nodes that turn in an animation.
    pub animated: &'a [bool],
    /// The figure's longest side, units of the file.
    pub size: f32,
}

/// The nodes that became bones.
pub(super) struct Chosen {
    /// Parents first.
    pub bones: Vec<usize>,
    /// The bone that each node's vertices follow, as an index among `bones`.
    pub bone_of: Vec<usize>,
    /// Share of the surface that follows each bone.
    pub shares: Vec<f32>,
    /// Nodes that could have been bones and were merged into others.
    pub merged: Vec<usize>,
}

impl Chosen {
    /// The bone that each bone hangs on in the file.
    pub fn parents(&self, nodes: &Nodes) -> Vec<Option<usize>> {
        let above = |(bone, node): (usize, &usize)| {
            (bone > 0).then(|| nodes.parents[*node].map_or(0, |parent| self.bone_of[parent]))
        };
        self.bones.iter().enumerate().map(above).collect()
    }

    /// Hangs bones on others than on `parents`, where there is a better one, and puts parents
    /// before children again. Returns the parents in that order.
    pub fn hang(
        &mut self,
        parents: &[Option<usize>],
        better: &[Option<usize>],
    ) -> Vec<Option<usize>> {
        let hung: Vec<Option<usize>> =
            parents.iter().zip(better).map(|(parent, better)| better.or(*parent)).collect();
        let mut order = vec![0];
        let mut next = 0;
        while next < order.len() {
            let parent = order[next];
            order.extend((0..hung.len()).filter(|bone| hung[*bone] == Some(parent)));
            next += 1;
        }
        let place = |bone: usize| order.iter().position(|other| *other == bone).unwrap_or(0);
        self.bone_of.iter_mut().for_each(|bone| *bone = place(*bone));
        self.bones = order.iter().map(|bone| self.bones[*bone]).collect();
        self.shares = order.iter().map(|bone| self.shares[*bone]).collect();
        order.iter().map(|bone| hung[*bone].map(place)).collect()
    }
}

pub(super) fn choose(known: &Known) -> Chosen {
    let nodes = known.nodes;
    let areas = known.geometry.areas();
    let total: f32 = areas.iter().sum::<f32>().max(1e-30);
    let mut own = vec![0.0; nodes.parents.len()];
    for (weights, area) in known.geometry.weights.iter().zip(&areas) {
        weights.iter().for_each(|(node, weight)| own[*node] += area * weight / total);
    }
    let has_vertices: Vec<bool> = {
        let mut found = vec![false; own.len()];
        known.geometry.weights.iter().flatten().for_each(|(node, _)| found[*node] = true);
        found
    };
    let mut below: Vec<usize> = has_vertices.iter().map(|has| usize::from(*has)).collect();
    for node in nodes.order.iter().rev() {
        if let Some(parent) = nodes.parents[*node] {
            below[parent] += below[*node];
        }
    }
    let all = has_vertices.iter().filter(|has| **has).count();
    // The deepest node that everything is below.
    let top = nodes.order.iter().rev().find(|node| below[**node] == all).copied();
    let still = !known.animated.contains(&true) && !known.joints.contains(&true);
    let could = |node: usize| {
        let moves = known.joints[node] || known.animated[node];
        let within = top.is_none_or(|top| node != top && descends(nodes, node, top));
        within && below[node] > 0 && (moves || still && has_vertices[node])
    };
    let mut kept: Vec<bool> = (0..own.len()).map(could).collect();
    // Without a node that everything is below, the first one stands for it.
    let root = top.or(nodes.order.iter().find(|node| below[**node] > 0).copied()).unwrap_or(0);
    kept[root] = true;
    let before = kept.clone();
    let mut state = Fold { known, own, root, kept };
    let reach = state.reach();
    let tiny = if known.geometry.skinned { TINY_SKINNED } else { TINY_RIGID };
    while let Some(node) = state.needless(&reach, tiny) {
        state.kept[node] = false;
    }
    while state.count() > MOST_BONES {
        let held = state.held();
        let value = |node: &usize| held[*node] + 0.5 * reach[*node] / known.size;
        let leaf = state.leaves().into_iter().min_by(|a, b| value(a).total_cmp(&value(b)));
        let Some(leaf) = leaf else { break };
        state.kept[leaf] = false;
    }
    let bones: Vec<usize> = nodes.order.iter().copied().filter(|n| state.kept[*n]).collect();
    let place = |node: usize| bones.iter().position(|bone| *bone == node).unwrap_or(0);
    let held = state.held();
    Chosen {
        bone_of: (0..before.len()).map(|node| place(state.bone(node))).collect(),
        shares: bones.iter().map(|bone| held[*bone]).collect(),
        merged: nodes.order.iter().copied().filter(|n| before[*n] && !state.kept[*n]).collect(),
        bones,
    }
}

/// The bones so far.
struct Fold<'a> {
    known: &'a Known<'a>,
    /// Share of the surface that follows each node.
    own: Vec<f32>,
    root: usize,
    kept: Vec<bool>,
}

impl Fold<'_> {
    fn count(&self) -> usize {
        self.kept.iter().filter(|kept| **kept).count()
    }

    /// The nearest bone above a node, or the node itself.
    fn bone(&self, node: usize) -> usize {
        let mut at = Some(node);
        while let Some(node) = at {
            if self.kept[node] {
                return node;
            }
            at = self.known.nodes.parents[node];
        }
        self.root
    }

    /// The bone that a bone hangs on.
    fn parent(&self, bone: usize) -> Option<usize> {
        (bone != self.root)
            .then(|| self.known.nodes.parents[bone].map_or(self.root, |parent| self.bone(parent)))
    }

    /// The bones that hang on each bone.
    fn children(&self) -> Vec<Vec<usize>> {
        let mut children = vec![Vec::new(); self.kept.len()];
        for bone in (0..self.kept.len()).filter(|bone| self.kept[*bone]) {
            if let Some(parent) = self.parent(bone) {
                children[parent].push(bone);
            }
        }
        children
    }

    fn leaves(&self) -> Vec<usize> {
        let children = self.children();
        let leaf =
            |node: &usize| self.kept[*node] && *node != self.root && children[*node].is_empty();
        (0..self.kept.len()).filter(leaf).collect()
    }

    /// Share of the surface that follows each bone.
    fn held(&self) -> Vec<f32> {
        let mut held = vec![0.0; self.own.len()];
        for (node, share) in self.own.iter().enumerate() {
            held[self.bone(node)] += share;
        }
        held
    }

    /// How far each bone's vertices reach from its joint, units of the file.
    fn reach(&self) -> Vec<f32> {
        let mut reach = vec![0.0_f32; self.own.len()];
        let geometry = self.known.geometry;
        for (at, weights) in geometry.positions.iter().zip(&geometry.weights) {
            for (node, _) in weights.iter().filter(|(_, weight)| *weight >= 0.4) {
                let bone = self.bone(*node);
                let distance = origin(&self.known.world[bone]).distance(*at);
                reach[bone] = reach[bone].max(distance);
            }
        }
        reach
    }

    /// A bone that is better merged into its parent.
    fn needless(&self, reach: &[f32], tiny: f32) -> Option<usize> {
        let Known { size, world, animated, .. } = self.known;
        let moving = animated.contains(&true);
        if let Some(leaf) = self.leaves().into_iter().find(|leaf| reach[*leaf] < tiny * size) {
            return Some(leaf);
        }
        let (held, children) = (self.held(), self.children());
        let empty = |node: &usize| self.kept[*node] && *node != self.root && held[*node] < 1e-4;
        (0..self.kept.len()).filter(empty).find(|node| {
            let near = |child: &usize| {
                origin(&world[*node]).distance(origin(&world[*child])) < NEAR * size
            };
            let still = moving && !animated[*node];
            still || children[*node].len() < 2 && children[*node].iter().all(near)
        })
    }
}

fn descends(nodes: &Nodes, node: usize, from: usize) -> bool {
    let mut at = Some(node);
    while let Some(node) = at {
        if node == from {
            return true;
        }
        at = nodes.parents[node];
    }
    false
}
