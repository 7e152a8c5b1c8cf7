//! `[[keypoints]]`: labelled points on bones.

use super::{
    bones::bone_index,
    entries::KeypointEntry,
    written::{lengths, list, on_side, reflect, sides, twin_of},
};
use crate::{Bone, Keypoint};
use marionette_base::toml_file::{FileError, TomlFile};
use toml::Spanned;

pub(super) fn keypoints(
    file: &TomlFile,
    entries: &[Spanned<KeypointEntry>],
    bones: &[Bone],
    groups: &[String],
) -> Result<Vec<Keypoint>, FileError> {
    let mut keypoints: Vec<Keypoint> = Vec::new();
    for entry in entries {
        let (span, keypoint) = (entry.span(), entry.get_ref());
        for (key, value) in [("sigma", keypoint.sigma), ("surface_radius", keypoint.surface_radius)]
        {
            if !(value > 0.0 && value < 1.0) {
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
            keypoints.push(Keypoint {
                bone: bone_index(
                    file,
                    bones,
                    &format!("keypoint \"{name}\""),
                    &keypoint.bone,
                    side,
                )?,
                own_groups: keypoint.own_groups.iter().map(group).collect::<Result<_, _>>()?,
                name,
                offset: reflect(keypoint.offset, side),
                // Known when all keypoints are read; see below.
                twin: 0,
                sigma: keypoint.sigma,
                surface_radius: keypoint.surface_radius,
            });
        }
    }
    let names: Vec<String> = keypoints.iter().map(|keypoint| keypoint.name.clone()).collect();
    for (i, keypoint) in keypoints.iter_mut().enumerate() {
        keypoint.twin = twin_of(i, &names);
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
