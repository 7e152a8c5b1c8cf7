//! Keypoints, edges and poses for a figure that comes without: what describes its tree best.

mod names;
mod poses;
mod tips;
mod twins;

pub use names::snake;
pub use poses::propose_poses;

use crate::{Draft, DraftKeypoint};
use glam::{Affine3A, Vec3};
use tips::tip;

/// Most keypoints that are proposed.
const MOST: usize = 20;
/// Keypoints that are nearer to one another than this share of the figure's diagonal are one.
const NEAR: f32 = 0.03;

/// A place that may become a keypoint.
struct Candidate {
    name: String,
    bone: usize,
    offset: Vec3,
    /// Where it is in the figure at rest.
    place: Vec3,
}

/// Puts keypoints at the figure's joints and at the tips of its last bones, finds twins and joins
/// them by edges along the tree.
pub fn propose_keypoints(draft: &mut Draft) {
    let rest = draft.rest();
    let size = draft.bounds().map_or(1.0, |[low, high]| low.distance(high)).max(1e-6);
    let mut found = candidates(draft, &rest, NEAR * size);
    if found.len() < 2 {
        // Everything turns about one place: what shows it are tips.
        for bone in 0..draft.bones.len() {
            let place = tip(draft, bone, &rest).or_else(|| tips::end(draft, bone, &rest));
            add(
                &mut found,
                draft,
                &rest,
                (format!("{}_tip", draft.bones[bone].name), bone, place),
                0.0,
            );
        }
    }
    names::shorten(found.iter_mut().map(|candidate| &mut candidate.name).collect());
    let mut twins = twins::twins(&found, NEAR * size);
    while found.len() > MOST {
        let Some(dropped) = least_telling(&found) else { break };
        let mut gone = vec![dropped];
        gone.extend(twins[dropped]);
        gone.sort_unstable();
        for index in gone.into_iter().rev() {
            found.remove(index);
        }
        twins = twins::twins(&found, NEAR * size);
    }
    draft.edges = edges(draft, &found);
    draft.keypoints = found
        .into_iter()
        .zip(twins)
        .map(|(candidate, twin)| DraftKeypoint {
            name: candidate.name,
            bone: candidate.bone,
            offset: candidate.offset,
            twin,
        })
        .collect();
}

/// Joint origins, and on the last bones tips; none twice.
fn candidates(draft: &Draft, rest: &[Affine3A], near: f32) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let is_leaf = |bone: usize| !draft.bones.iter().any(|other| other.parent == Some(bone));
    let has_part = |bone: usize| draft.parts.iter().any(|part| part.bone == bone);
    for (index, bone) in draft.bones.iter().enumerate() {
        if bone.parent.is_some() || has_part(index) {
            add(&mut found, draft, rest, (bone.name.clone(), index, Some(Vec3::ZERO)), near);
        }
    }
    for (index, bone) in draft.bones.iter().enumerate().skip(1) {
        // A named place far from the joint (a tool, a foot), or else where the shape ends.
        let frames = draft.frames.iter().filter(|frame| frame.bone == index);
        let far = frames.max_by(|a, b| a.at.length().total_cmp(&b.at.length()));
        let shown = tip(draft, index, rest);
        let reach = shown.map_or(0.0, |tip: Vec3| tip.length());
        match far.filter(|frame| frame.at.length() > near.max(0.5 * reach)) {
            Some(frame) => {
                add(&mut found, draft, rest, (frame.name.clone(), index, Some(frame.at)), near);
            }
            None if is_leaf(index) => {
                add(&mut found, draft, rest, (format!("{}_tip", bone.name), index, shown), near);
            }
            None => {}
        }
    }
    found
}

/// Adds a candidate unless there is one as near on the same bone or on one above or below it: bones
/// beside one another may part.
fn add(
    found: &mut Vec<Candidate>,
    draft: &Draft,
    rest: &[Affine3A],
    (name, bone, offset): (String, usize, Option<Vec3>),
    near: f32,
) {
    let Some(offset) = offset else { return };
    let place = rest[bone].transform_point3(offset);
    let is_known = found.iter().any(|other| {
        other.place.distance(place) <= near
            && (is_above(draft, other.bone, bone) || is_above(draft, bone, other.bone))
    });
    if !is_known {
        found.push(Candidate { name, bone, offset, place });
    }
}

/// Whether `above` is `bone` or one that it hangs on.
fn is_above(draft: &Draft, above: usize, bone: usize) -> bool {
    let mut at = Some(bone);
    while let Some(bone) = at {
        if bone == above {
            return true;
        }
        at = draft.bones[bone].parent;
    }
    false
}

/// The candidate that is nearest to another one; of the two, the later.
fn least_telling(found: &[Candidate]) -> Option<usize> {
    let pairs = (0..found.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
    let distance = |(a, b): (usize, usize)| found[a].place.distance(found[b].place);
    pairs.min_by(|x, y| distance(*x).total_cmp(&distance(*y))).map(|(_, later)| later)
}

/// Each keypoint with the one before it on the way from the root.
fn edges(draft: &Draft, found: &[Candidate]) -> Vec<[usize; 2]> {
    // Of several on one bone, the nearest to its origin is what those after it hang on.
    let of_bone = |bone: usize, except: usize| {
        let on = (0..found.len()).filter(|at| found[*at].bone == bone && *at != except);
        on.min_by(|a, b| found[*a].offset.length().total_cmp(&found[*b].offset.length()))
    };
    let mut edges = Vec::new();
    let mut first_top: Option<usize> = None;
    for (index, candidate) in found.iter().enumerate() {
        let own = of_bone(candidate.bone, index)
            .filter(|other| found[*other].offset.length() < candidate.offset.length());
        let mut above = draft.bones[candidate.bone].parent;
        let mut before = own;
        while let (None, Some(bone)) = (before, above) {
            before = of_bone(bone, index);
            above = draft.bones[bone].parent;
        }
        match (before.or(first_top), first_top) {
            (Some(before), _) => edges.push([before, index]),
            (None, _) => first_top = Some(index),
        }
    }
    edges
}
