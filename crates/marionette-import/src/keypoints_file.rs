//! Keypoints that a person names, in place of those that are proposed.

use crate::{Draft, DraftKeypoint, ImportError};
use glam::Vec3;
use marionette_base::toml_file::{TomlFile, exact, exact_rows};
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entries {
    keypoints: Vec<Spanned<Entry>>,
    #[serde(default, deserialize_with = "exact_rows")]
    edges: Vec<[Spanned<String>; 2]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    /// A link of the URDF file, or a node of the glTF file.
    link: Spanned<String>,
    /// In the link's own frame, metres.
    #[serde(default, deserialize_with = "exact")]
    offset: [f32; 3],
    twin: Option<Spanned<String>>,
}

/// Gives `draft` the keypoints of the file at `path`, and its edges where it has some. Without,
/// each is joined with the one before it.
///
/// # Errors
/// If the file cannot be read or names what there is not.
pub fn keypoints(path: &Path, draft: &mut Draft) -> Result<(), ImportError> {
    let file = TomlFile::read(path)?;
    let entries: Entries = file.parse()?;
    if entries.keypoints.len() < 2 {
        let message = "has fewer than two [[keypoints]]; give two or more";
        return Err(ImportError::file(path, None, message));
    }
    let names: Vec<&String> =
        entries.keypoints.iter().map(|k| k.get_ref().name.get_ref()).collect();
    let named = |name: &Spanned<String>| {
        names.iter().position(|other| *other == name.get_ref()).ok_or_else(|| {
            let message = format!("no keypoint of this file is called \"{}\"", name.get_ref());
            ImportError::toml(&file, name.span(), message)
        })
    };
    let mut keypoints = Vec::new();
    for (index, entry) in entries.keypoints.iter().enumerate() {
        let entry = entry.get_ref();
        if names[..index].contains(&entry.name.get_ref()) {
            let message = format!("another keypoint is called \"{}\" too", entry.name.get_ref());
            return Err(ImportError::toml(&file, entry.name.span(), message));
        }
        let link = entry.link.get_ref();
        let Some(frame) = draft.frames.iter().find(|frame| frame.name == *link) else {
            let known: Vec<&str> = draft.frames.iter().map(|frame| frame.name.as_str()).collect();
            let message =
                format!("there is no link or node \"{link}\"; there are {}", known.join(", "));
            return Err(ImportError::toml(&file, entry.link.span(), message));
        };
        let offset = frame.at + frame.turn * Vec3::from(entry.offset);
        if !offset.is_finite() {
            let message = "the offset is no place; give three numbers, metres";
            return Err(ImportError::toml(&file, entry.link.span(), message));
        }
        keypoints.push(DraftKeypoint {
            name: entry.name.get_ref().clone(),
            bone: frame.bone,
            offset,
            twin: entry.twin.as_ref().map(named).transpose()?,
        });
    }
    let ends = |[a, b]: &[Spanned<String>; 2]| Ok([named(a)?, named(b)?]);
    let edges: Vec<[usize; 2]> =
        entries.edges.iter().map(ends).collect::<Result<_, ImportError>>()?;
    for (index, entry) in entries.keypoints.iter().enumerate() {
        if let Some(twin) = keypoints[index].twin {
            let back = keypoints[twin].twin;
            if twin == index || back.is_some_and(|back| back != index) {
                let message = format!("the twin of \"{}\" has another twin", names[index]);
                return Err(ImportError::toml(&file, entry.span(), message));
            }
            keypoints[twin].twin = Some(index);
        }
    }
    draft.edges = match edges.is_empty() {
        true => (1..keypoints.len()).map(|index| [index - 1, index]).collect(),
        false => edges,
    };
    draft.keypoints = keypoints;
    Ok(())
}
