//! `[[parts]]`: round cones on bones.

use super::{FigureError, PartEntry, bones::bone_index, finite, on_side, reflect, sides};
use crate::{
    figure::{Bone, Part},
    toml_file::{Exact, TomlFile},
};
use toml::Spanned;

pub(super) fn parts(
    file: &TomlFile,
    entries: &[Spanned<PartEntry>],
    bones: &[Bone],
    groups: &mut Vec<String>,
    materials: &mut Vec<String>,
) -> Result<Vec<Part>, FigureError> {
    let mut parts: Vec<Part> = Vec::new();
    for entry in entries {
        let (span, part) = (entry.span(), entry.get_ref());
        if part.radii.iter().any(|r| !(*r > 0.0 && *r < 10.0)) {
            let message = format!("part \"{}\": radii are {:?}; give metres above 0", part.name, part.radii);
            return Err(file.error(Some(span), message));
        }
        let ends = part.ends.map(|Exact(end)| end);
        finite(file, span.clone(), "ends", ends.as_flattened())?;
        for (side, name) in sides(file, span.clone(), &part.name, part.mirror)?.into_iter().enumerate() {
            if parts.iter().any(|other| other.name == name) {
                return Err(file.error(Some(span), format!("two parts are called \"{name}\"; names must differ")));
            }
            parts.push(Part {
                bone: bone_index(file, bones, &format!("part \"{name}\""), &part.bone, side)?,
                name,
                group: intern(groups, on_side(&part.group, side)),
                material: intern(materials, part.material.clone()),
                ends: ends.map(|end| reflect(end, side)),
                radii: part.radii,
            });
        }
    }
    // An id image holds a part in 8 bits, 0 being none.
    if parts.is_empty() || parts.len() > 250 {
        return Err(file.error(None, format!("there are {} parts; a figure has 1 to 250", parts.len())));
    }
    Ok(parts)
}

fn intern(names: &mut Vec<String>, name: String) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}
