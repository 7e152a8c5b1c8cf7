//! glTF files: characters with skins, and trees of rigid pieces.
//!
//! The figure rests in the pose in which its meshes were bound (`skins`), with all scales and what
//! stands above its root baked in. Of its joints, those that can be seen to move become bones
//! (`choose`); their frames have the world's axes at rest, as in figures that are written by hand
//! (`motion`).

mod animation;
mod choose;
mod geometry;
mod motion;
mod names;
mod nodes;
mod parts;
mod rehang;
mod skins;
mod source;
mod surface;
#[cfg(test)]
mod tests;
mod units;

use crate::{Draft, DraftBone, DraftFrame, ImportError, Options};
use animation::Animation;
use choose::{Chosen, Known, MOST_BONES, choose};
use geometry::Geometry;
use glam::{Quat, Vec3};
use motion::{Motion, Rig, motion};
use names::{named, snake};
use nodes::{Nodes, rotation_in};
use rehang::better_parents;
use skins::origin;
use source::Source;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Reads the glTF file at `file`.
///
/// # Errors
/// As [`import`](crate::import).
pub fn read(file: &Path, options: &Options) -> Result<Draft, ImportError> {
    let source = Source::open(file)?;
    let nodes = Nodes::read(&source)?;
    let used: BTreeMap<usize, usize> = source
        .document
        .nodes()
        .filter(|node| nodes.shown[node.index()] && node.mesh().is_some())
        .filter_map(|node| node.skin().map(|skin| (skin.index(), node.index())))
        .collect();
    let bind = skins::bind(&source, &nodes, &used)?;
    let geometry = Geometry::read(&source, &nodes, &bind)?;
    let animations = Animation::read_all(&source)?;
    let mut notes = geometry_notes(&geometry, bind.posed);
    let (low, high) = geometry.bounds();
    let size = (high - low).max_element();
    // A scale that was asked for is applied to the whole draft.
    let guess = match options.scale {
        Some(_) => (1.0, None),
        None => units::metres(size).map_err(|e| source.fail(e))?,
    };
    let (scale, note) = guess;
    notes.extend(note);

    let mut joints = vec![false; nodes.parents.len()];
    bind.skins.values().flat_map(|skin| &skin.joints).for_each(|joint| joints[*joint] = true);
    let mut animated = vec![false; joints.len()];
    let moved: Vec<(Vec<usize>, Vec<usize>)> =
        animations.iter().map(|animation| animation.moved()).collect();
    moved.iter().flat_map(|(turning, _)| turning).for_each(|node| animated[*node] = true);
    let known = Known {
        nodes: &nodes,
        geometry: &geometry,
        world: &bind.world,
        joints: &joints,
        animated: &animated,
        size,
    };
    let mut chosen = choose(&known);
    if chosen.bones.len() < 2 {
        let message = "is one rigid piece: it has neither a skin of several joints nor several \
                       nodes that could move; give a file whose parts are nodes, or are bound to \
                       an armature";
        return Err(source.fail(message));
    }
    if !chosen.merged.is_empty() {
        notes.push(merged_note(&nodes, &chosen.merged, chosen.bones.len()));
    }
    let parents = chosen.parents(&nodes);
    let better = better_parents(&nodes, &chosen.bones, &parents, &bind.world, &animations, size);
    if better.iter().any(Option::is_some) {
        let name = |bone: usize| nodes.names[chosen.bones[bone]].as_str();
        let moved: Vec<String> = better
            .iter()
            .enumerate()
            .filter_map(|(bone, on)| on.map(|on| format!("{} on {}", name(bone), name(on))))
            .collect();
        let moved = some(moved.iter().map(String::as_str));
        notes.push(format!("Bones were hung where they stay in all animations: {moved}."));
    }
    let parents = chosen.hang(&parents, &better);
    let Chosen { bones, bone_of, shares, .. } = chosen;

    let written: Vec<&str> = bones.iter().map(|node| nodes.names[*node].as_str()).collect();
    let places: Vec<Vec3> = bones.iter().map(|node| origin(&bind.world[*node])).collect();
    let names = named(&written, &places, size);
    let upright = match names.backwards {
        true => Quat::from_rotation_y(std::f32::consts::PI),
        false => Quat::IDENTITY,
    };
    if names.backwards {
        notes.push(
            "What is called left lies where a figure that faces +z has its right; the figure was \
             turned to face +z."
                .to_owned(),
        );
    }
    let left: Vec<bool> = (0..bones.len()).map(|i| names.names[i].starts_with("left_")).collect();
    let rest: Vec<Quat> = bones.iter().map(|node| rotation_in(&bind.world[*node])).collect();
    let rig = Rig {
        nodes: &nodes,
        bones: &bones,
        parents: &parents,
        twins: &names.twins,
        left: &left,
        rest: &rest,
        upright,
    };
    let Motion { frames, limits, poses, still } = motion(&rig, &animations);
    notes.extend(motion_notes(&poses, &still));
    notes.extend(dropped_note(&nodes, &bones, &moved));

    let ours = |at: Vec3| upright * at * scale;
    let places: Vec<Vec3> = places.into_iter().map(ours).collect();
    let ground = geometry.positions.iter().map(|at| ours(*at).y).fold(f32::INFINITY, f32::min);
    let draft_bones = (0..bones.len()).map(|bone| {
        let (offset, turn) = match parents[bone] {
            None => (Vec3::new(0.0, places[0].y - ground, 0.0), frames[bone]),
            Some(parent) => (
                frames[parent].inverse() * (places[bone] - places[parent]),
                (frames[parent].inverse() * frames[bone]).normalize(),
            ),
        };
        DraftBone {
            offset,
            turn,
            limits: limits[bone],
            mass: shares[bone].max(1e-3),
            ..DraftBone::fixed(names.names[bone].clone(), parents[bone])
        }
    });
    let draft_bones: Vec<DraftBone> = draft_bones.collect();
    let placed = parts::Placed {
        bone_of: &bone_of,
        bones: &draft_bones,
        places: &places,
        frames: &frames,
        upright,
        scale,
    };
    let (parts, materials) = parts::parts(&geometry, &placed);
    let frame = |node: &usize| {
        let (bone, world) = (bone_of[*node], &bind.world[*node]);
        let back = frames[bone].inverse();
        DraftFrame {
            name: nodes.names[*node].clone(),
            bone,
            at: back * (ours(origin(world)) - places[bone]),
            turn: (back * upright * rotation_in(world)).normalize(),
        }
    };
    // Where keypoints are proposed, they are joints' and the tips of what hangs on them.
    let named_by_user = options.keypoints.iter().flat_map(|_| &nodes.order);
    let draft_frames = named_by_user.filter(|node| nodes.shown[**node]).map(frame).collect();
    let stem = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into());
    Ok(Draft {
        name: snake(&stem),
        bones: draft_bones,
        parts,
        materials,
        poses,
        notes,
        frames: draft_frames,
        ..Draft::default()
    })
}

/// What was left out of the meshes, or read otherwise than one might think.
fn geometry_notes(geometry: &Geometry, posed: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if !geometry.morphing.is_empty() {
        let meshes = some(geometry.morphing.iter().map(String::as_str));
        notes.push(format!("Morph targets were dropped: of {meshes}."));
    }
    if geometry.skipped > 0 {
        notes.push(format!("{} primitives are no triangles and were dropped.", geometry.skipped));
    }
    if geometry.loose > 0 {
        let count = geometry.loose;
        notes.push(format!("{count} vertices have no weights; they follow their first joint."));
    }
    if posed {
        notes.push(
            "The nodes' pose is not the one the meshes were bound in; the figure rests in the \
             latter."
                .to_owned(),
        );
    }
    notes
}

fn merged_note(nodes: &Nodes, merged: &[usize], bones: usize) -> String {
    let names = some(merged.iter().map(|node| nodes.names[*node].as_str()));
    format!(
        "{} joints were merged into the bones above them, because they are small, hold no \
         vertices, or would be more than {MOST_BONES} bones; {bones} bones are left. Merged: \
         {names}.",
        merged.len()
    )
}

fn motion_notes(poses: &[crate::DraftPose], still: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    notes.push(match poses.len() {
        0 => "There is no animation; every bone was given limits of 40 degrees each way about x, \
              y and z."
            .to_owned(),
        count => format!(
            "Limits are the ranges of the {count} animations and 10 degrees more; each animation \
             became a family of poses."
        ),
    });
    if !still.is_empty() {
        let names = some(still.iter().map(String::as_str));
        notes.push(format!("No bone turns in {names}, so no family of poses was made of it."));
    }
    notes
}

/// Says which movements were dropped: those of the root through space, and those of joints that
/// slide or grow.
fn dropped_note(
    nodes: &Nodes,
    bones: &[usize],
    moved: &[(Vec<usize>, Vec<usize>)],
) -> Option<String> {
    let others: BTreeSet<usize> =
        moved.iter().flat_map(|(_, other)| other.iter().copied()).collect();
    let mut above = BTreeSet::new();
    let mut at = bones.first().copied();
    while let Some(node) = at {
        above.insert(node);
        at = nodes.parents[node];
    }
    let travels = others.iter().any(|node| above.contains(node));
    let sliding: Vec<&str> = others
        .iter()
        .filter(|node| !above.contains(node) && bones.contains(node))
        .map(|node| nodes.names[*node].as_str())
        .collect();
    match (travels, sliding.is_empty()) {
        (false, true) => None,
        (true, true) => Some("The figure's own travel in animations was dropped.".to_owned()),
        (_, false) => {
            let names = some(sliding.into_iter());
            let travel = if travels { "The figure's own travel, and the" } else { "The" };
            Some(format!("{travel} sliding or scaling of {names} in animations was dropped."))
        }
    }
}

/// The first few of some names.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let count = names.len();
    let listed = names.take(MOST).collect::<Vec<_>>().join(", ");
    match count.checked_sub(MOST) {
        None | Some(0) => listed,
        Some(more) => format!("{listed} and {more} more"),
    }
}
