//! `[[keypoints]]`: labelled points on bones.

use super::{
    bones::bone_index,
    entries::KeypointEntry,
    written::{lengths, list, on_side, reflect, sides, twin_of},
};
use crate::{Bone, Keypoint, Part, RoundCone, contact::cone_distance};
use glam::Vec3;
use marionette_base::toml_file::{FileError, TomlFile};
use toml::Spanned;

/// OKS sigma of a keypoint for which the file gives none.
const SIGMA: f32 = 0.05;
/// How far a surface may lie in front of a keypoint, beyond its depth in its own flesh, before it
/// covers it, metres.
const MARGIN: f32 = 0.01;

pub(super) fn keypoints(
    file: &TomlFile,
    entries: &[Spanned<KeypointEntry>],
    bones: &[Bone],
    parts: &[Part],
    groups: &[String],
) -> Result<Vec<Keypoint>, FileError> {
    let mut keypoints: Vec<Keypoint> = Vec::new();
    for entry in entries {
        let (span, keypoint) = (entry.span(), entry.get_ref());
        for (key, value) in [("sigma", keypoint.sigma), ("surface_radius", keypoint.surface_radius)]
        {
            if let Some(value) = value
                && !(value > 0.0 && value < 1.0)
            {
                let message = format!(
                    "keypoint \"{}\": {key} is {value}; give a number between 0 and 1",
                    keypoint.name
                );
                return Err(file.error(Some(span), message));
            }
        }
        lengths(file, span.clone(), "offset", &keypoint.offset)?;
        let names = sides(file, span.clone(), &keypoint.name, keypoint.mirror)?;
        for (side, name) in names.into_iter().enumerate() {
            if keypoints.iter().any(|other| other.name == name) {
                return Err(file.error(
                    Some(span),
                    format!("two keypoints are called \"{name}\"; names must differ"),
                ));
            }
            let group = |group: &Spanned<String>| {
                let wanted = on_side(group.get_ref(), side);
                groups.iter().position(|known| *known == wanted).ok_or_else(|| {
                    let known = list(groups.iter().map(String::as_str));
                    let message = format!(
                        "keypoint \"{name}\": no part is in group \"{wanted}\"; there are {known}"
                    );
                    file.error(Some(group.span()), message)
                })
            };
            let owner = format!("keypoint \"{name}\"");
            let bone = bone_index(file, bones, &owner, &keypoint.bone, side)?;
            let offset = reflect(keypoint.offset, side);
            let own_groups = match &keypoint.own_groups {
                Some(names) => names.iter().map(group).collect::<Result<_, _>>()?,
                // A file that says how deep a keypoint lies, and no more, means one on the surface.
                None if keypoint.surface_radius.is_some() => Vec::new(),
                None => groups_at(bones, parts, bone, offset),
            };
            keypoints.push(Keypoint {
                bone,
                own_groups,
                name,
                offset,
                // Known when all keypoints are read; see below.
                twin: 0,
                sigma: keypoint.sigma.unwrap_or(SIGMA),
                surface_radius: keypoint
                    .surface_radius
                    .unwrap_or_else(|| depth_below_surface(parts, bone, offset) + MARGIN),
            });
        }
    }
    let names: Vec<String> = keypoints.iter().map(|keypoint| keypoint.name.clone()).collect();
    for (i, keypoint) in keypoints.iter_mut().enumerate() {
        keypoint.twin = twin_of(i, &names);
    }
    for (i, entry) in entries.iter().enumerate() {
        let Some(wanted) = &entry.get_ref().twin else { continue };
        let index = |name: &str| names.iter().position(|known| known == name);
        let (Some(own), Some(twin)) = (index(&entry.get_ref().name), index(wanted.get_ref()))
        else {
            let message = format!(
                "keypoint {i}: its twin \"{}\" is no keypoint; there are {}",
                wanted.get_ref(),
                list(names.iter().map(String::as_str))
            );
            return Err(file.error(Some(wanted.span()), message));
        };
        (keypoints[own].twin, keypoints[twin].twin) = (twin, own);
    }
    if let Some(k) = (0..keypoints.len()).find(|k| keypoints[keypoints[*k].twin].twin != *k) {
        let message = format!("keypoint \"{}\" is the twin of one that has another twin", names[k]);
        return Err(file.error(None, message));
    }
    if keypoints.len() < 2 {
        let message = format!(
            "there are {} keypoints; a figure needs at least two, add [[keypoints]]",
            keypoints.len()
        );
        return Err(file.error(None, message));
    }
    Ok(keypoints)
}

/// The groups of the parts that a keypoint's own bone carries, and those of its parent where the
/// keypoint is at the joint between them.
fn groups_at(bones: &[Bone], parts: &[Part], bone: usize, offset: Vec3) -> Vec<usize> {
    let joint = offset.length() < 1e-3;
    let parent = bones[bone].parent.filter(|_| joint);
    let own = |part: &&Part| part.bone == bone || Some(part.bone) == parent;
    let mut groups: Vec<usize> = parts.iter().filter(own).map(|part| part.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// How deep a point of a bone lies inside the bone's parts, metres: 0 outside.
fn depth_below_surface(parts: &[Part], bone: usize, point: Vec3) -> f32 {
    let own = parts.iter().filter(|part| part.bone == bone);
    let depth =
        |part: &Part| -cone_distance(&RoundCone { ends: part.ends, radii: part.radii }, point);
    own.map(depth).fold(0.0, f32::max).min(0.5)
}
