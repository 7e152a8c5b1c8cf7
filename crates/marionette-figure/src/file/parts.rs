//! `[[parts]]`: round cones on bones.

use super::{
    bones::bone_index,
    entries::{GarmentEntry, PartEntry},
    shape::scale_index,
    written::{lengths, list, on_side, reflect, sides},
};
use crate::{Bone, Part, ShapeDistribution};
use glam::Vec3;
use marionette_base::toml_file::{Exact, FileError, TomlFile};
use toml::Spanned;

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
}

pub(super) fn parts(
    file: &TomlFile,
    entries: &[Spanned<PartEntry>],
    garments: &[Spanned<GarmentEntry>],
    bones: &[Bone],
    shape: &ShapeDistribution,
) -> Result<Parts, FileError> {
    let mut parts: Vec<Part> = Vec::new();
    let [mut groups, mut materials] = [const { Vec::new() }; 2];
    let rest = rest_origins(bones);
    for entry in entries {
        let (span, part) = (entry.span(), entry.get_ref());
        if part.radii.iter().any(|r| !(*r > 0.0 && *r < 10.0)) {
            let message =
                format!("part \"{}\": radii are {:?}; give metres above 0", part.name, part.radii);
            return Err(file.error(Some(span), message));
        }
        let ends = part.ends.map(|Exact(end)| end);
        lengths(file, span.clone(), "ends", ends.as_flattened())?;
        let garment = part.garment.as_ref().map(|wanted| {
            garments
                .iter()
                .position(|garment| garment.get_ref().name == *wanted.get_ref())
                .ok_or_else(|| {
                    let known =
                        list(garments.iter().map(|garment| garment.get_ref().name.as_str()));
                    let message = format!(
                        "part \"{}\" belongs to garment \"{}\", which does not exist; there are \
                         {known}",
                        part.name,
                        wanted.get_ref()
                    );
                    file.error(Some(wanted.span()), message)
                })
        });
        let garment = garment.transpose()?;
        let owner = format!("part \"{}\"", part.name);
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
            let bone = bone_index(file, bones, &format!("part \"{name}\""), &part.bone, side)?;
            let ends = ends.map(|end| reflect(end, side));
            parts.push(Part {
                bone,
                name,
                group: intern(&mut groups, on_side(&part.group, side)),
                material: intern(&mut materials, part.material.clone()),
                ends,
                radii: part.radii,
                bulk,
                garment,
                rest: rest[bone] + ends[0],
            });
        }
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
    Ok(Parts { parts, body_parts, groups, materials })
}

/// Where each bone begins in the figure at rest, metres.
fn rest_origins(bones: &[Bone]) -> Vec<Vec3> {
    let mut origins: Vec<Vec3> = Vec::with_capacity(bones.len());
    for bone in bones {
        origins.push(bone.parent.map_or(Vec3::ZERO, |parent| origins[parent]) + bone.offset);
    }
    origins
}

fn intern(names: &mut Vec<String>, name: String) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}
