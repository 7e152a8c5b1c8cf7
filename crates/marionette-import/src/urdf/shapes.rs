//! From the shapes of links to the parts of bones: one part a bone.

use super::{
    parse::{Geometry, Robot, Shape},
    paths,
};
use crate::{
    Draft, DraftPart, DraftShape, ImportError, Mesh, Options,
    mesh_files::{UNCOLORED, read_mesh},
    primitives,
};
use glam::{Affine3A, Quat, Vec3};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What is larger than this is in millimetres, metres.
const TOO_LARGE: f32 = 20.0;
/// Unless the joints are so far apart, metres.
const FAR_APART: f32 = 5.0;

/// Gives `draft` the shapes of `robot`; `links` has the link of each of its frames.
///
/// # Errors
/// If a mesh is missing or cannot be read.
pub fn shapes(
    file: &Path,
    robot: &Robot,
    links: &[usize],
    options: &Options,
    draft: &mut Draft,
) -> Result<(), ImportError> {
    let span = draft.rest().iter().map(|bone| bone.translation.length()).fold(0.0, f32::max);
    let mut meshes = Meshes { file, options, span, read: BTreeMap::new() };
    let collided: Vec<&str> = links
        .iter()
        .map(|link| &robot.links[*link])
        .filter(|link| link.shows_collision)
        .map(|link| link.name.as_str())
        .collect();
    if !collided.is_empty() {
        let names = collided.join("\", \"");
        draft.notes.push(format!("Shown as what collides, for want of else: \"{names}\"."));
    }
    let frames = draft.frames.clone();
    for bone in 0..draft.bones.len() {
        let placed = frames.iter().zip(links).filter(|(frame, _)| frame.bone == bone);
        let mut found = Vec::new();
        for (frame, link) in placed {
            let bone_from_link = Affine3A::from_rotation_translation(frame.turn, frame.at);
            let link = &robot.links[*link];
            found.extend(
                link.shapes
                    .iter()
                    .map(|s| (link.name.as_str(), s, bone_from_link * s.link_from_shape)),
            );
        }
        let Some(part) = part(bone, &found, &mut meshes, draft)? else { continue };
        draft.parts.push(part);
    }
    if draft.parts.is_empty() {
        let message = "no link has a shape: neither <visual> nor <collision>";
        return Err(ImportError::file(file, None, message));
    }
    Ok(())
}

/// Meshes of the file, each read once.
struct Meshes<'a> {
    file: &'a Path,
    options: &'a Options,
    /// How far joints are from the root at most, metres.
    span: f32,
    read: BTreeMap<PathBuf, Mesh>,
}

impl Meshes<'_> {
    fn get(
        &mut self,
        link: &str,
        shape: &Shape,
        name: &str,
        notes: &mut Vec<String>,
    ) -> Result<&Mesh, ImportError> {
        let path = paths::find(self.file, name, &self.options.package_dirs).map_err(|tried| {
            let tried: Vec<String> = tried.iter().map(|path| path.display().to_string()).collect();
            let package = name.strip_prefix("package://").and_then(|rest| rest.split_once('/'));
            let remedy = match package {
                Some((package, _)) => {
                    format!("give --package DIR, the folder that the package \"{package}\" is in")
                }
                None => "put it there".to_owned(),
            };
            let message = format!(
                "the mesh \"{name}\" of link \"{link}\" is not there; looked for {}; {remedy}",
                tried.join(", ")
            );
            ImportError::file(self.file, Some(shape.line), message)
        })?;
        if !self.read.contains_key(&path) {
            let mut mesh = read_mesh(&path, notes)?;
            let size = size_of(&mesh);
            if size > TOO_LARGE && self.span < FAR_APART && self.options.scale.is_none() {
                let is_scaled = matches!(&shape.geometry, Geometry::Mesh { scale, .. }
                    if scale.abs().max_element() < 0.1);
                if !is_scaled {
                    notes.push(format!(
                        "{name} is {size:.0} units large and the joints at most {:.1} m apart: \
                         taken for millimetres.",
                        self.span
                    ));
                    for position in &mut mesh.positions {
                        *position *= 0.001;
                    }
                }
            }
            self.read.insert(path.clone(), mesh);
        }
        Ok(&self.read[&path])
    }
}

/// The diagonal of the box around a mesh.
fn size_of(mesh: &Mesh) -> f32 {
    let low = mesh.positions.iter().copied().reduce(Vec3::min).unwrap_or_default();
    let high = mesh.positions.iter().copied().reduce(Vec3::max).unwrap_or_default();
    low.distance(high)
}

fn part(
    bone: usize,
    found: &[(&str, &Shape, Affine3A)],
    meshes: &mut Meshes,
    draft: &mut Draft,
) -> Result<Option<DraftPart>, ImportError> {
    let name = draft.bones[bone].name.clone();
    let whole = |shape, at, turn, material| {
        Some(DraftPart { name: name.clone(), bone, at, turn, shape, material })
    };
    if let [(_, shape, placed)] = found {
        let (_, turn, at) = placed.to_scale_rotation_translation();
        // Theirs lie along z, ours along y.
        let along = turn * Quat::from_rotation_x(std::f32::consts::FRAC_PI_2);
        let own = match shape.geometry {
            Geometry::Box(sides) => Some((DraftShape::Box(sides), at, turn)),
            Geometry::Sphere(radius) => Some((DraftShape::Sphere(radius), at, Quat::IDENTITY)),
            Geometry::Cylinder { radius, length } => {
                Some((DraftShape::Cylinder { radius, length }, at, along))
            }
            Geometry::Capsule { radius, length } => {
                let half = turn * Vec3::new(0.0, 0.0, 0.5 * length);
                let shape = DraftShape::Cone { ends: [at - half, at + half], radii: [radius; 2] };
                Some((shape, Vec3::ZERO, Quat::IDENTITY))
            }
            Geometry::Mesh { .. } => None,
        };
        if let Some((own, at, turn)) = own {
            let material = draft.material(shape.color);
            return Ok(whole(own, at, turn, material));
        }
    }
    let mut merged = Mesh::default();
    let mut colors = Vec::new();
    for (link, shape, placed) in found {
        let (mesh, scale) = match &shape.geometry {
            Geometry::Box(sides) => (primitives::cuboid(*sides), Vec3::ONE),
            Geometry::Sphere(radius) => (primitives::ball(*radius), Vec3::ONE),
            Geometry::Cylinder { radius, length } => {
                (primitives::cylinder(*radius, *length), Vec3::ONE)
            }
            Geometry::Capsule { radius, length } => {
                (primitives::capsule(*radius, *length), Vec3::ONE)
            }
            Geometry::Mesh { file, scale } => {
                (meshes.get(link, shape, file, &mut draft.notes)?.clone(), *scale)
            }
        };
        let placed = *placed * Affine3A::from_scale(scale);
        let flipped = placed.matrix3.determinant() < 0.0;
        if flipped {
            draft.notes.push(format!("A mesh of link \"{link}\" is mirrored by its scale."));
        }
        let first = merged.positions.len() as u32;
        merged.positions.extend(mesh.positions.iter().map(|p| placed.transform_point3(*p)));
        merged.triangles.extend(mesh.triangles.iter().map(|[a, b, c]| {
            let [b, c] = if flipped { [c, b] } else { [b, c] };
            [first + a, first + b, first + c]
        }));
        let plain =
            shape.color.map(|color| color.map(|c| (c.clamp(0.0, 1.0) * 255.0).round() as u8));
        match mesh.colors.is_empty() {
            true => colors.extend(mesh.positions.iter().map(|_| plain)),
            false => colors.extend(mesh.colors.iter().map(|color| Some(*color))),
        }
    }
    if merged.triangles.is_empty() {
        return Ok(None);
    }
    let first = colors[0];
    let material = if colors.iter().all(|color| *color == first) {
        draft.material(first.map(|color| color.map(|c| f32::from(c) / 255.0)))
    } else {
        merged.colors = colors.into_iter().map(|color| color.unwrap_or(UNCOLORED)).collect();
        draft.material(Some([1.0; 3]))
    };
    Ok(whole(DraftShape::Mesh(merged), Vec3::ZERO, Quat::IDENTITY, material))
}
