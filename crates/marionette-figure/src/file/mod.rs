//! Figure files: TOML in, a checked [`Figure`] out.
//!
//! The right side of a body is not written down: an entry with `mirror = true` is named `left_...`
//! and gives its `right_...` twin as well, reflected in x.

mod bones;
mod garments;
mod keypoints;
mod parts;
mod poses;

use super::{Bulk, Figure, ShapeDistribution, WidthGroup, contact};
use glam::Vec3;
use marionette_base::toml_file::{Exact, FileError, TomlFile, exact, exact_rows};
use serde::Deserialize;
use std::{collections::BTreeMap, ops::Range, path::Path};
use toml::Spanned;

/// Parts that a figure can have at once: nine figures, and what lies around them, share the 640
/// instances of a tile.
const MOST_PARTS: usize = 68;

/// What is wrong with a figure file.
pub type FigureError = FileError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureFile {
    name: String,
    #[serde(deserialize_with = "exact")]
    torso: [Spanned<String>; 2],
    shape: ShapeDistribution,
    bones: Vec<Spanned<BoneEntry>>,
    parts: Vec<Spanned<PartEntry>>,
    #[serde(default)]
    garments: Vec<Spanned<GarmentEntry>>,
    keypoints: Vec<Spanned<KeypointEntry>>,
    #[serde(deserialize_with = "exact_rows")]
    edges: Vec<[Spanned<String>; 2]>,
    poses: Vec<Spanned<PoseEntry>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoneEntry {
    name: String,
    parent: Option<Spanned<String>>,
    #[serde(default)]
    mirror: bool,
    #[serde(deserialize_with = "exact")]
    offset: [f32; 3],
    limits: Limits,
    mass: f32,
    scale: Scale,
    width: Option<WidthGroup>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[serde(deserialize_with = "exact")]
    x: [f32; 2],
    #[serde(deserialize_with = "exact")]
    y: [f32; 2],
    #[serde(deserialize_with = "exact")]
    z: [f32; 2],
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scale {
    Trunk,
    Arm,
    Leg,
    Head,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartEntry {
    name: String,
    bone: Spanned<String>,
    #[serde(default)]
    mirror: bool,
    group: String,
    material: String,
    #[serde(deserialize_with = "exact")]
    ends: [Exact<f32, 3>; 2],
    #[serde(deserialize_with = "exact")]
    radii: [f32; 2],
    bulk: Option<Bulk>,
    garment: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct GarmentEntry {
    name: String,
    slot: String,
    weight: f32,
    #[serde(default)]
    covers: Vec<Spanned<String>>,
    #[serde(default)]
    thickness: f32,
    #[serde(default)]
    replaces: Vec<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeypointEntry {
    name: String,
    bone: Spanned<String>,
    #[serde(default)]
    mirror: bool,
    #[serde(default, deserialize_with = "exact")]
    offset: [f32; 3],
    sigma: f32,
    surface_radius: f32,
    #[serde(default)]
    own_groups: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoseEntry {
    name: String,
    #[serde(deserialize_with = "exact")]
    weights: [f32; 2],
    spread: f32,
    #[serde(default)]
    angles: Angles,
    #[serde(default)]
    then: Vec<Angles>,
    #[serde(default, deserialize_with = "exact")]
    pitch: [f32; 2],
    #[serde(default, deserialize_with = "exact")]
    roll: [f32; 2],
    #[serde(default)]
    support: SupportName,
    #[serde(default, deserialize_with = "exact")]
    clearance: [f32; 2],
    settle: Option<Spanned<SettleEntry>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettleEntry {
    #[serde(deserialize_with = "exact")]
    seconds: [f32; 2],
    strength: f32,
    #[serde(default)]
    tumble: f32,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SupportName {
    #[default]
    Ground,
    Seat,
    Wall,
    Bar,
    Air,
}

/// Rotations by bone, degrees.
type Angles = BTreeMap<Spanned<String>, Exact<f32, 3>>;

/// Reads and checks the figure file at `path`.
///
/// # Errors
/// Whatever is wrong, with the file, the line, what was found and what would do.
pub fn load_figure(path: &Path) -> Result<Figure, FigureError> {
    parse_figure(&TomlFile::read(path)?)
}

/// Checks a figure file's text. See [`load_figure`].
///
/// # Errors
/// As [`load_figure`].
pub fn parse_figure(file: &TomlFile) -> Result<Figure, FigureError> {
    let entries: FigureFile = file.parse()?;
    for (name, scale) in entries.shape.named() {
        let [low, high] = scale.range;
        let message = if !(low > 0.0 && high >= low && high.is_finite()) {
            format!("shape.{name}.range is [{low}, {high}]; it must be positive, the lower first")
        } else if !(low..=high).contains(&scale.mean) {
            format!("shape.{name}.mean is {}, outside its range [{low}, {high}]", scale.mean)
        } else {
            continue;
        };
        let line = file.line_of(&format!("shape.{name}"));
        return Err(FigureError { line, ..file.error(None, message) });
    }
    if !(0.0..=1.0).contains(&entries.shape.children) {
        let message =
            format!("shape.children is {}; give a share from 0 to 1", entries.shape.children);
        return Err(FigureError {
            line: file.line_of("shape.children"),
            ..file.error(None, message)
        });
    }
    let bones = bones::bones(file, &entries.bones)?;
    let mut groups = Vec::new();
    let mut materials = Vec::new();
    let (parts, body_parts) =
        parts::parts(file, &entries.parts, &entries.garments, &bones, &mut groups, &mut materials)?;
    let (garments, slots) = garments::garments(file, &entries.garments, &materials)?;
    let most_worn: usize = (0..slots.len())
        .map(|slot| {
            let of_slot = garments.iter().enumerate().filter(|(_, garment)| garment.slot == slot);
            let brought = |index| parts.iter().filter(|part| part.garment == Some(index)).count();
            of_slot.map(|(index, _)| brought(index)).max().unwrap_or(0)
        })
        .sum();
    if body_parts + most_worn > MOST_PARTS {
        let message = format!(
            "a figure can have {body_parts} parts of its own and {most_worn} of what it wears; at \
             most {MOST_PARTS} in all are drawn"
        );
        return Err(file.error(None, message));
    }
    let keypoints = keypoints::keypoints(file, &entries.keypoints, &bones, &groups)?;
    let keypoint = |name: &Spanned<String>| {
        keypoints.iter().position(|k| k.name == *name.get_ref()).ok_or_else(|| {
            let known = list(keypoints.iter().map(|k| k.name.as_str()));
            file.error(
                Some(name.span()),
                format!("no keypoint is called \"{}\"; there are {known}", name.get_ref()),
            )
        })
    };
    let edges = entries
        .edges
        .iter()
        .map(|[a, b]| Ok([keypoint(a)?, keypoint(b)?]))
        .collect::<Result<_, _>>()?;
    let torso = [keypoint(&entries.torso[0])?, keypoint(&entries.torso[1])?];
    let poses = poses::poses(file, &entries.poses, &bones)?;
    let figure = Figure {
        name: entries.name,
        bones,
        parts,
        body_parts,
        garments,
        slots,
        groups,
        materials,
        keypoints,
        edges,
        torso,
        shape: entries.shape,
        poses,
        limb_pairs: Vec::new(),
    };
    Ok(Figure { limb_pairs: contact::limb_pairs(&figure), ..figure })
}

/// The names of an entry and, where it is mirrored, of its twin.
fn sides(
    file: &TomlFile,
    span: Range<usize>,
    name: &str,
    mirror: bool,
) -> Result<Vec<String>, FigureError> {
    match (mirror, name.strip_prefix("left_")) {
        (false, _) => Ok(vec![name.to_owned()]),
        (true, Some(rest)) => Ok(vec![name.to_owned(), format!("right_{rest}")]),
        (true, None) => Err(file.error(
            Some(span),
            format!("\"{name}\" has mirror = true, so its name must begin with \"left_\""),
        )),
    }
}

/// The name that the entry on `side` (0 as written, 1 its mirror image) refers to.
fn on_side(name: &str, side: usize) -> String {
    match name.strip_prefix("left_") {
        Some(rest) if side == 1 => format!("right_{rest}"),
        _ => name.to_owned(),
    }
}

/// The index of the other side's `names[index]`, or `index` where there is no other side.
fn twin_of(index: usize, names: &[String]) -> usize {
    let name = &names[index];
    let other = match (name.strip_prefix("left_"), name.strip_prefix("right_")) {
        (Some(rest), _) => format!("right_{rest}"),
        (_, Some(rest)) => format!("left_{rest}"),
        _ => return index,
    };
    names.iter().position(|known| *known == other).unwrap_or(index)
}

fn reflect(v: [f32; 3], side: usize) -> Vec3 {
    let v = Vec3::from(v);
    if side == 1 { v * Vec3::new(-1.0, 1.0, 1.0) } else { v }
}

fn finite(
    file: &TomlFile,
    span: Range<usize>,
    what: &str,
    values: &[f32],
) -> Result<(), FigureError> {
    match values.iter().find(|v| !v.is_finite()) {
        Some(bad) => {
            Err(file.error(Some(span), format!("{what} holds {bad}; every number must be finite")))
        }
        None => Ok(()),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_found_by_name_however_they_were_written_down() {
        let names = ["nose", "left_eye", "right_eye", "left_tail"].map(str::to_owned);
        assert_eq!([0, 1, 2, 3].map(|i| twin_of(i, &names)), [0, 2, 1, 3]);
    }

    #[test]
    fn the_human_has_cocos_keypoints_in_cocos_order() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        let figure = load_figure(Path::new(path)).unwrap();
        let names: Vec<&str> =
            figure.keypoints.iter().map(|keypoint| keypoint.name.as_str()).collect();
        assert_eq!(&names[..5], ["nose", "left_eye", "right_eye", "left_ear", "right_ear"]);
        assert_eq!(&names[5..9], ["left_shoulder", "right_shoulder", "left_elbow", "right_elbow"]);
        assert_eq!(&names[9..13], ["left_wrist", "right_wrist", "left_hip", "right_hip"]);
        assert_eq!(&names[13..], ["left_knee", "right_knee", "left_ankle", "right_ankle"]);
        assert_eq!(figure.keypoint_twins()[5..9], [6, 5, 8, 7]);
        assert!(figure.parts.len() >= 22 && figure.bones.len() >= 20);
    }
}
