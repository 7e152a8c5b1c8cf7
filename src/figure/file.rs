//! Figure files: TOML in, a checked [`Figure`] out.
//!
//! The right side of a body is not written down: an entry with `mirror = true` is named `left_...` and gives its
//! `right_...` twin as well, reflected in x.

use super::{BasePose, Bone, Figure, Keypoint, Part, ScaleGroup, ShapeRanges};
use crate::toml_file::{Exact, FileError, TomlFile, exact, exact_rows};
use glam::Vec3;
use serde::Deserialize;
use std::{collections::BTreeMap, ops::Range, path::Path};
use toml::Spanned;

/// What is wrong with a figure file.
pub type FigureError = FileError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FigureFile {
    name: String,
    #[serde(deserialize_with = "exact")]
    torso: [Spanned<String>; 2],
    shape: ShapeRanges,
    bones: Vec<Spanned<BoneEntry>>,
    parts: Vec<Spanned<PartEntry>>,
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
    angles: BTreeMap<Spanned<String>, Exact<f32, 3>>,
}

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
    for (name, [low, high]) in entries.shape.named() {
        if !(low > 0.0 && high >= low && high.is_finite()) {
            let message = format!("shape.{name} is [{low}, {high}]; it must be positive, the lower first");
            return Err(FigureError { line: file.line_of("shape", name), ..file.error(None, message) });
        }
    }
    let bones = bones(file, &entries.bones)?;
    let mut groups = Vec::new();
    let mut materials = Vec::new();
    let parts = parts(file, &entries.parts, &bones, &mut groups, &mut materials)?;
    let keypoints = keypoints(file, &entries.keypoints, &bones, &groups)?;
    let keypoint = |name: &Spanned<String>| {
        keypoints.iter().position(|k| k.name == *name.get_ref()).ok_or_else(|| {
            let known = list(keypoints.iter().map(|k| k.name.as_str()));
            file.error(Some(name.span()), format!("no keypoint is called \"{}\"; there are {known}", name.get_ref()))
        })
    };
    let edges = entries.edges.iter().map(|[a, b]| Ok([keypoint(a)?, keypoint(b)?])).collect::<Result<_, _>>()?;
    let torso = [keypoint(&entries.torso[0])?, keypoint(&entries.torso[1])?];
    let poses = poses(file, &entries.poses, &bones)?;
    Ok(Figure {
        name: entries.name,
        bones,
        parts,
        groups,
        materials,
        keypoints,
        edges,
        torso,
        shape: entries.shape,
        poses,
    })
}

/// The names of an entry and, where it is mirrored, of its twin.
fn sides(file: &TomlFile, span: Range<usize>, name: &str, mirror: bool) -> Result<Vec<String>, FigureError> {
    match (mirror, name.strip_prefix("left_")) {
        (false, _) => Ok(vec![name.to_owned()]),
        (true, Some(rest)) => Ok(vec![name.to_owned(), format!("right_{rest}")]),
        (true, None) => {
            Err(file.error(Some(span), format!("\"{name}\" has mirror = true, so its name must begin with \"left_\"")))
        }
    }
}

/// The name that the entry on `side` (0 as written, 1 its mirror image) refers to.
fn on_side(name: &str, side: usize) -> String {
    match name.strip_prefix("left_") {
        Some(rest) if side == 1 => format!("right_{rest}"),
        _ => name.to_owned(),
    }
}

fn reflect(v: [f32; 3], side: usize) -> Vec3 {
    let v = Vec3::from(v);
    if side == 1 { v * Vec3::new(-1.0, 1.0, 1.0) } else { v }
}

fn finite(file: &TomlFile, span: Range<usize>, what: &str, values: &[f32]) -> Result<(), FigureError> {
    match values.iter().find(|v| !v.is_finite()) {
        Some(bad) => Err(file.error(Some(span), format!("{what} holds {bad}; every number must be finite"))),
        None => Ok(()),
    }
}

fn bones(file: &TomlFile, entries: &[Spanned<BoneEntry>]) -> Result<Vec<Bone>, FigureError> {
    struct Named {
        entry: BoneEntry,
        span: Range<usize>,
        side: usize,
        name: String,
        parent: Option<String>,
    }
    let mut named: Vec<Named> = Vec::new();
    for entry in entries {
        let span = entry.span();
        let bone = entry.get_ref();
        for (axis, [low, high]) in [("x", bone.limits.x), ("y", bone.limits.y), ("z", bone.limits.z)] {
            if low > high || low < -180.0 || high > 180.0 || !low.is_finite() || !high.is_finite() {
                let message = format!(
                    "bone \"{}\": limits.{axis} is [{low}, {high}]; give degrees between -180 and 180, the lower first",
                    bone.name
                );
                return Err(file.error(Some(span), message));
            }
        }
        if !(bone.mass >= 0.0 && bone.mass <= 1.0) {
            let message = format!("bone \"{}\": mass is {}; give a share from 0 to 1", bone.name, bone.mass);
            return Err(file.error(Some(span), message));
        }
        finite(file, span.clone(), "offset", &bone.offset)?;
        for (side, name) in sides(file, span.clone(), &bone.name, bone.mirror)?.into_iter().enumerate() {
            if named.iter().any(|other| other.name == name) {
                return Err(file.error(Some(span), format!("two bones are called \"{name}\"; names must differ")));
            }
            let parent = bone.parent.as_ref().map(|parent| on_side(parent.get_ref(), side));
            named.push(Named { entry: bone.clone(), span: span.clone(), side, name, parent });
        }
    }
    for bone in &named {
        if let (Some(parent), Some(written)) = (&bone.parent, &bone.entry.parent)
            && !named.iter().any(|other| other.name == *parent)
        {
            let message = format!("bone \"{}\" hangs on \"{parent}\", which is not a bone", bone.name);
            return Err(file.error(Some(written.span()), message));
        }
    }
    // Parents first: repeatedly take the bones whose parent has been taken. What is left over hangs in a circle.
    let mut order: Vec<usize> = Vec::new();
    while order.len() < named.len() {
        let before = order.len();
        for (i, bone) in named.iter().enumerate() {
            let placed = |name: &String| order.iter().any(|&o| named[o].name == *name);
            if !order.contains(&i) && bone.parent.as_ref().is_none_or(placed) {
                order.push(i);
            }
        }
        if order.len() == before {
            let left: Vec<&Named> =
                named.iter().enumerate().filter(|(i, _)| !order.contains(i)).map(|(_, b)| b).collect();
            let names = list(left.iter().map(|bone| bone.name.as_str()));
            let message =
                format!("these bones hang on one another in a circle: {names}; one of them needs another parent");
            return Err(file.error(left.first().map(|bone| bone.span.clone()), message));
        }
    }
    let roots: Vec<&Named> = named.iter().filter(|bone| bone.parent.is_none()).collect();
    if roots.len() != 1 {
        let names = list(roots.iter().map(|bone| bone.name.as_str()));
        let message = format!("{} bones have no parent ({names}); exactly one must be the root", roots.len());
        return Err(file.error(roots.get(1).map(|bone| bone.span.clone()), message));
    }
    let index = |name: &str| order.iter().position(|&o| named[o].name == name);
    Ok(order
        .iter()
        .enumerate()
        .map(|(i, &o)| {
            let Named { entry, side, name, parent, .. } = &named[o];
            let turned = |[low, high]: [f32; 2]| if *side == 1 { [-high, -low] } else { [low, high] };
            let radians = |range: [f32; 2]| range.map(f32::to_radians);
            let twin = match (name.strip_prefix("left_"), name.strip_prefix("right_")) {
                (Some(rest), _) => index(&format!("right_{rest}")),
                (_, Some(rest)) => index(&format!("left_{rest}")),
                _ => None,
            };
            Bone {
                name: name.clone(),
                parent: parent.as_deref().and_then(index),
                twin: twin.unwrap_or(i),
                offset: reflect(entry.offset, *side),
                limits: [radians(entry.limits.x), radians(turned(entry.limits.y)), radians(turned(entry.limits.z))],
                mass: entry.mass,
                scale: match entry.scale {
                    Scale::Trunk => ScaleGroup::Trunk,
                    Scale::Arm => ScaleGroup::Arm,
                    Scale::Leg => ScaleGroup::Leg,
                    Scale::Head => ScaleGroup::Head,
                },
            }
        })
        .collect())
}

fn bone_index(
    file: &TomlFile,
    bones: &[Bone],
    owner: &str,
    name: &Spanned<String>,
    side: usize,
) -> Result<usize, FigureError> {
    let wanted = on_side(name.get_ref(), side);
    bones.iter().position(|bone| bone.name == wanted).ok_or_else(|| {
        let known = list(bones.iter().map(|bone| bone.name.as_str()));
        file.error(
            Some(name.span()),
            format!("{owner} is on bone \"{wanted}\", which does not exist; there are {known}"),
        )
    })
}

fn intern(names: &mut Vec<String>, name: String) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

fn parts(
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

fn keypoints(
    file: &TomlFile,
    entries: &[Spanned<KeypointEntry>],
    bones: &[Bone],
    groups: &[String],
) -> Result<Vec<Keypoint>, FigureError> {
    let mut keypoints: Vec<Keypoint> = Vec::new();
    for entry in entries {
        let (span, keypoint) = (entry.span(), entry.get_ref());
        for (key, value) in [("sigma", keypoint.sigma), ("surface_radius", keypoint.surface_radius)] {
            if !(value > 0.0 && value < 1.0) {
                let message =
                    format!("keypoint \"{}\": {key} is {value}; give a number between 0 and 1", keypoint.name);
                return Err(file.error(Some(span), message));
            }
        }
        finite(file, span.clone(), "offset", &keypoint.offset)?;
        let names = sides(file, span.clone(), &keypoint.name, keypoint.mirror)?;
        let (first, count) = (keypoints.len(), names.len());
        for (side, name) in names.into_iter().enumerate() {
            if keypoints.iter().any(|other| other.name == name) {
                return Err(file.error(Some(span), format!("two keypoints are called \"{name}\"; names must differ")));
            }
            let group = |group: &Spanned<String>| {
                let wanted = on_side(group.get_ref(), side);
                groups.iter().position(|known| *known == wanted).ok_or_else(|| {
                    let known = list(groups.iter().map(String::as_str));
                    let message = format!("keypoint \"{name}\": no part is in group \"{wanted}\"; there are {known}");
                    file.error(Some(group.span()), message)
                })
            };
            keypoints.push(Keypoint {
                bone: bone_index(file, bones, &format!("keypoint \"{name}\""), &keypoint.bone, side)?,
                own_groups: keypoint.own_groups.iter().map(group).collect::<Result<_, _>>()?,
                name,
                offset: reflect(keypoint.offset, side),
                twin: first + (count - 1 - side),
                sigma: keypoint.sigma,
                surface_radius: keypoint.surface_radius,
            });
        }
    }
    if keypoints.len() < 2 {
        let message =
            format!("there are {} keypoints; a figure needs at least two, add [[keypoints]]", keypoints.len());
        return Err(file.error(None, message));
    }
    Ok(keypoints)
}

fn poses(file: &TomlFile, entries: &[Spanned<PoseEntry>], bones: &[Bone]) -> Result<Vec<BasePose>, FigureError> {
    let mut poses = Vec::new();
    for entry in entries {
        let (span, pose) = (entry.span(), entry.get_ref());
        if pose.weights.iter().any(|w| !(*w >= 0.0 && w.is_finite())) || !(0.0..=180.0).contains(&pose.spread) {
            let message = format!("pose \"{}\": weights must be 0 or more, spread 0 to 180 degrees", pose.name);
            return Err(file.error(Some(span), message));
        }
        let mut angles = vec![Vec3::ZERO; bones.len()];
        for (name, Exact(degrees)) in &pose.angles {
            // A pair's common name ("thigh") turns both sides alike.
            let written = name.get_ref();
            let targets: Vec<(usize, usize)> = bones
                .iter()
                .enumerate()
                .filter_map(|(i, bone)| {
                    let pair = bone.name.strip_prefix("left_").or(bone.name.strip_prefix("right_"));
                    let side = usize::from(bone.name.starts_with("right_"));
                    match () {
                        () if bone.name == *written => Some((i, 0)),
                        () if pair == Some(written.as_str()) => Some((i, side)),
                        () => None,
                    }
                })
                .collect();
            if targets.is_empty() {
                let known = list(bones.iter().map(|bone| bone.name.as_str()));
                let message = format!("pose \"{}\": no bone is called \"{written}\"; there are {known}", pose.name);
                return Err(file.error(Some(name.span()), message));
            }
            for (bone, side) in targets {
                let mirror = if side == 1 { Vec3::new(1.0, -1.0, -1.0) } else { Vec3::ONE };
                let angle = Vec3::from(degrees.map(f32::to_radians)) * mirror;
                for axis in 0..3 {
                    let [low, high] = bones[bone].limits[axis];
                    if !(angle[axis] >= low - 1e-4 && angle[axis] <= high + 1e-4) {
                        let message = format!(
                            "pose \"{}\" turns \"{}\" by {:.0} degrees about {}, outside its limits [{:.0}, {:.0}]",
                            pose.name,
                            bones[bone].name,
                            angle[axis].to_degrees(),
                            ["x", "y", "z"][axis],
                            low.to_degrees(),
                            high.to_degrees()
                        );
                        return Err(file.error(Some(name.span()), message));
                    }
                }
                angles[bone] = angle;
            }
        }
        poses.push(BasePose {
            name: pose.name.clone(),
            weights: pose.weights,
            angles,
            spread: pose.spread.to_radians(),
        });
    }
    for hardness in 0..2 {
        if poses.iter().map(|pose| pose.weights[hardness]).sum::<f32>() <= 0.0 {
            let message =
                format!("no pose has a weight at hardness {hardness}; give at least one [[poses]] a positive one");
            return Err(file.error(None, message));
        }
    }
    Ok(poses)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
