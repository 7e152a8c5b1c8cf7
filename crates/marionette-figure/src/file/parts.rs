//! `[[parts]]`: the shapes on bones.

use super::{
    bones::bone_index,
    entries::{GarmentEntry, PartEntry},
    shape::scale_index,
    solids::{Solids, is_round_cone, share_of_room},
    written::{lengths, list, on_side, reflect, sides},
};
use crate::{Bone, Part, ShapeDistribution, surface::Surface};
use glam::Affine3A;
use marionette_base::toml_file::{Exact, FileError, TomlFile};
use std::collections::BTreeMap;
use toml::Spanned;

/// Most parts that a figure can have at once: nine figures and the props share the 640 instances of
/// a tile.
pub(super) const MOST_PARTS: usize = 68;
/// The material of a part for which the file names none.
const PLAIN: &str = "plain";

/// The parts of a figure, and the names that they refer to by index.
pub(super) struct Parts {
    /// The body's own first, then those of garments.
    pub parts: Vec<Part>,
    /// How many of them are the body's own.
    pub body_parts: usize,
    /// Names of the groups, in the order in which they first appear.
    pub groups: Vec<String>,
    /// Names of the material slots, in the order in which they first appear.
    pub materials: Vec<String>,
    /// What is drawn as triangles.
    pub surface: Surface,
}

/// Names that are given an index when they first appear.
#[derive(Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    pub(super) fn index(&mut self, name: String) -> usize {
        self.0.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.0.push(name);
            self.0.len() - 1
        })
    }
}

pub(super) fn parts(
    file: &TomlFile,
    entries: &[Spanned<PartEntry>],
    garments: &[Spanned<GarmentEntry>],
    meshes: &BTreeMap<String, String>,
    bones: &[Bone],
    shape: &ShapeDistribution,
) -> Result<Parts, FileError> {
    let mut parts: Vec<Part> = Vec::new();
    let [mut groups, mut materials] = [const { Names(Vec::new()) }; 2];
    let rest = rest_frames(bones);
    let solid = entries.iter().filter(|entry| !is_round_cone(entry.get_ref())).count();
    let round: usize =
        entries.iter().map(|entry| 1 + usize::from(entry.get_ref().mirror)).sum::<usize>() - solid;
    let room = MOST_PARTS.saturating_sub(round);
    let mut solids = Solids::new(file, bones, &rest, meshes, share_of_room(room, entries));
    for entry in entries {
        let (span, part) = (entry.span(), entry.get_ref());
        let owner = format!("part \"{}\"", part.name);
        let garment = part.garment.as_ref().map(|wanted| {
            garments
                .iter()
                .position(|garment| garment.get_ref().name == *wanted.get_ref())
                .ok_or_else(|| {
                    let known =
                        list(garments.iter().map(|garment| garment.get_ref().name.as_str()));
                    let message = format!(
                        "{owner} belongs to garment \"{}\", which does not exist; there are {known}",
                        wanted.get_ref()
                    );
                    file.error(Some(wanted.span()), message)
                })
        });
        let garment = garment.transpose()?;
        let bulk = part.bulk.as_ref().map(|name| scale_index(file, shape, &owner, "bulk", name));
        let bulk = bulk.transpose()?;
        for (side, name) in
            sides(file, span.clone(), &part.name, part.mirror)?.into_iter().enumerate()
        {
            if parts.iter().any(|other| other.name == name) {
                return Err(file.error(
                    Some(span),
                    format!("two parts are called \"{name}\"; names must differ"),
                ));
            }
            let material = part.material.clone().unwrap_or_else(|| PLAIN.to_owned());
            let material = materials.index(material);
            if !is_round_cone(part) {
                let first = parts.len();
                parts.extend(solids.add(entry, side, &name, first, material, &mut groups)?);
                continue;
            }
            let (ends, radii) = round_cone(file, entry)?;
            let bone = own_bone(file, entry, bones, &name, side)?;
            let group = part.group.as_ref().map(|group| on_side(group, side));
            let group = groups.index(group.unwrap_or_else(|| bones[bone].name.clone()));
            let ends = ends.map(|end| reflect(end, side));
            let rest = rest[bone].transform_point3(ends[0]);
            parts.push(Part { bone, name, group, material, ends, radii, bulk, garment, rest });
        }
    }
    // Garments go to the end. What is drawn as triangles is part of none, and moves up.
    let garments_before =
        |place: usize| parts[..place].iter().filter(|part| part.garment.is_some()).count();
    let mut surface = solids.surface;
    for triangle in &mut surface.triangles {
        triangle.part -= garments_before(usize::from(triangle.part)) as u16;
    }
    for fit in &mut surface.proxies {
        fit.part -= garments_before(fit.part);
    }
    // An id image holds a part in 8 bits, 0 being none.
    if parts.is_empty() || parts.len() > 250 {
        return Err(
            file.error(None, format!("there are {} parts; a figure has 1 to 250", parts.len()))
        );
    }
    parts.sort_by_key(|part| part.garment.is_some());
    let body_parts = parts.iter().filter(|part| part.garment.is_none()).count();
    if body_parts == 0 {
        return Err(
            file.error(None, "every part belongs to a garment; give the body some of its own")
        );
    }
    Ok(Parts { parts, body_parts, groups: groups.0, materials: materials.0, surface })
}

/// The ends and radii of a round cone, checked: a part with `ends` and `radii`, or a `sphere`.
fn round_cone(
    file: &TomlFile,
    entry: &Spanned<PartEntry>,
) -> Result<([[f32; 3]; 2], [f32; 2]), FileError> {
    let (span, part) = (entry.span(), entry.get_ref());
    let fail = |message: String| {
        Err(file.error(Some(span.clone()), format!("part \"{}\": {message}", part.name)))
    };
    let (ends, radii) = match (&part.ends, &part.radii, part.sphere) {
        (Some(Exact(ends)), Some(Exact(radii)), None) => (ends.map(|Exact(end)| end), *radii),
        (None, None, Some(radius)) => ([part.at.map_or([0.0; 3], |Exact(at)| at); 2], [radius; 2]),
        _ => {
            return fail(
                "give one shape: `ends` and `radii`, `sphere`, `box`, `cylinder` or `mesh`".into(),
            );
        }
    };
    if radii.iter().any(|r| !(*r > 0.0 && *r < 10.0)) {
        return fail(format!("radii are {radii:?}; give metres above 0"));
    }
    lengths(file, span.clone(), "ends", ends.as_flattened())?;
    Ok((ends, radii))
}

/// The bone that a part is on.
pub(super) fn own_bone(
    file: &TomlFile,
    entry: &Spanned<PartEntry>,
    bones: &[Bone],
    name: &str,
    side: usize,
) -> Result<usize, FileError> {
    let Some(bone) = &entry.get_ref().bone else {
        let message = format!("part \"{name}\" has no `bone`; name the bone that it moves with");
        return Err(file.error(Some(entry.span()), message));
    };
    bone_index(file, bones, &format!("part \"{name}\""), bone, side)
}

/// Each bone's frame in the figure at rest.
fn rest_frames(bones: &[Bone]) -> Vec<Affine3A> {
    let mut frames: Vec<Affine3A> = Vec::with_capacity(bones.len());
    for bone in bones {
        let own = Affine3A::from_rotation_translation(bone.rest, bone.offset);
        frames.push(bone.parent.map_or(own, |parent| frames[parent] * own));
    }
    frames
}
