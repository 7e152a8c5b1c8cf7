//! The one family of poses of a figure that comes without: joints anywhere, on what carries it.

use crate::{Draft, DraftPose};
use glam::{Affine3A, Vec3};
use std::f32::consts::PI;

/// What reaches down to the ground up to this share of the figure's height stands on it.
const FOOT: f32 = 0.08;
/// A root whose shape is above this share of the height is carried by something else.
const RAISED: f32 = 0.12;
/// Deviation of the angles, degrees: of what stands on its feet, and of what is bolted down.
const SPREAD: [f32; 2] = [25.0, 50.0];

/// Gives `draft` a family of poses, and its root the height that goes with it.
pub fn propose_poses(draft: &mut Draft) {
    let rest = draft.rest();
    let lowest = |bone: Option<usize>| {
        let parts = (0..draft.parts.len())
            .filter(|part| bone.is_none_or(|bone| draft.parts[*part].bone == bone));
        parts.filter_map(|part| draft.bounds_of(part, &rest)).map(|[low, _]| low.y).reduce(f32::min)
    };
    let stands = stands(draft, &rest);
    let bottom = match stands {
        true => lowest(None),
        false => lowest(Some(0)).or_else(|| lowest(None)),
    };
    draft.bones[0].offset = Vec3::new(0.0, -bottom.unwrap_or(0.0), 0.0);
    let mut key = Vec::new();
    for (index, bone) in draft.bones.iter().enumerate() {
        let middle = |[low, high]: [f32; 2]| {
            let is_outside = low > 0.0 || high < 0.0;
            let is_range = low < high && high - low < 2.0 * PI - 0.01;
            let middle = 0.5 * (low + high).to_degrees();
            if is_outside || (is_range && !stands) { middle.round() } else { 0.0 }
        };
        let angles = Vec3::from(bone.limits.map(middle));
        if angles != Vec3::ZERO && bone.follows.is_none() {
            key.push((index, angles));
        }
    }
    draft.poses = vec![DraftPose {
        name: "any".to_owned(),
        weights: [1.0; 2],
        spread: SPREAD[usize::from(!stands)],
        support: if stands { "ground" } else { "fixed" }.to_owned(),
        keys: vec![key],
    }];
    let how = match stands {
        true => "It stands on the ground on legs or wheels",
        false => "It is bolted down at its root",
    };
    draft.notes.push(format!("{how}: a guess; `support` in [[poses]] says it."));
}

/// Whether the figure stands on legs or wheels: two or more bones at the ends reach the ground, and
/// they turn all round or the root does not reach it.
fn stands(draft: &Draft, rest: &[Affine3A]) -> bool {
    let Some([low, high]) = draft.bounds() else { return false };
    let height = high.y - low.y;
    let bottom = |part: usize| draft.bounds_of(part, rest).map_or(f32::INFINITY, |[low, _]| low.y);
    let below = |bone: usize, share: f32| {
        (0..draft.parts.len())
            .any(|part| draft.parts[part].bone == bone && bottom(part) < low.y + share * height)
    };
    let is_leaf = |bone: usize| !draft.bones.iter().any(|other| other.parent == Some(bone));
    let feet: Vec<usize> =
        (1..draft.bones.len()).filter(|bone| is_leaf(*bone) && below(*bone, FOOT)).collect();
    let rolls = |bone: &&usize| {
        draft.bones[**bone].limits.iter().any(|[low, high]| high - low > 2.0 * PI - 0.01)
    };
    feet.iter().filter(rolls).count() >= 2 || (feet.len() >= 2 && !below(0, RAISED))
}
