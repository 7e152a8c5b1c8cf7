//! Bones that ride on another bone than the one they hang on: rigs whose feet are led by handles
//! hang them on the root, and move them so that they stay on the shins.

use super::{
    animation::Animation,
    nodes::{Nodes, rotation_in},
    skins::origin,
};
use glam::{Mat4, Quat, Vec3};

/// How far a bone must slide on its parent to be hung on another one, as a share of the figure's
/// size.
const SLIDES: f32 = 0.04;
/// How much less it must slide there.
const BETTER: f32 = 0.35;
/// Moments of each animation that are looked at.
const MOMENTS: usize = 12;

/// Where each bone is better hung than on its parent; `None` where its parent does.
///
/// `bind` is `world_from_node` in the bind pose, `size` the figure's size there.
pub(super) fn better_parents(
    nodes: &Nodes,
    bones: &[usize],
    parents: &[Option<usize>],
    bind: &[Mat4],
    animations: &[Animation],
    size: f32,
) -> Vec<Option<usize>> {
    let rest: Vec<(Quat, Vec3)> =
        bones.iter().map(|node| (rotation_in(&bind[*node]), origin(&bind[*node]))).collect();
    // How each bone is turned since the bind pose, and where it is.
    let mut moments: Vec<Vec<(Quat, Vec3)>> = Vec::new();
    for animation in animations {
        let [from, to] = animation.span;
        for i in 0..MOMENTS {
            let time = from + (to - from) * i as f32 / (MOMENTS - 1) as f32;
            let world = nodes.world(&animation.pose(nodes, time));
            let moved = bones.iter().zip(&rest).map(|(node, (rotation, _))| {
                (rotation_in(&world[*node]) * rotation.inverse(), origin(&world[*node]))
            });
            moments.push(moved.collect());
        }
    }
    let slide = |bone: usize, on: usize| {
        let away = |moment: &Vec<(Quat, Vec3)>| {
            let (turned, at) = moment[on];
            (at + turned * (rest[bone].1 - rest[on].1)).distance(moment[bone].1)
        };
        moments.iter().map(away).fold(0.0, f32::max)
    };
    let mut hung = parents.to_vec();
    let mut better = vec![None; bones.len()];
    for bone in 1..bones.len() {
        let Some(parent) = parents[bone] else { continue };
        let now = slide(bone, parent);
        if now <= SLIDES * size {
            continue;
        }
        let mut others = (0..bones.len()).filter(|on| !hangs_on(&hung, *on, bone));
        let first = others.next().map(|on| (on, slide(bone, on)));
        let least = others.fold(first, |least, on| {
            let other = slide(bone, on);
            if least.is_none_or(|(_, least)| other < least) { Some((on, other)) } else { least }
        });
        if let Some((on, least)) = least.filter(|(_, least)| *least < BETTER * now)
            && on != parent
            && least.is_finite()
        {
            (hung[bone], better[bone]) = (Some(on), Some(on));
        }
    }
    better
}

/// Whether a bone is `from` or hangs on it.
fn hangs_on(parents: &[Option<usize>], bone: usize, from: usize) -> bool {
    let mut at = Some(bone);
    while let Some(bone) = at {
        if bone == from {
            return true;
        }
        at = parents[bone];
    }
    false
}
