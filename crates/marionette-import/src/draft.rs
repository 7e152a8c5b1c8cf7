//! What an importer makes of a model file, before it is written as a figure's folder.

use glam::{Affine3A, Quat, Vec3};
use std::path::PathBuf;

/// What is asked for beside the file.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folders of packages, or folders that hold such: where `package://NAME/...` is looked for
    /// first.
    pub package_dirs: Vec<PathBuf>,
    /// A TOML file with keypoints, instead of those that are proposed.
    pub keypoints: Option<PathBuf>,
    /// The most triangles of the whole figure.
    pub triangles: usize,
    /// Metres in one unit of the file; guessed from the size where it is `None`.
    pub scale: Option<f32>,
    /// The figure's name; the file's own where it is `None`.
    pub name: Option<String>,
    /// Whether a URDF file has y up and z in front; most have z up and x in front, as ROS.
    pub y_up: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            package_dirs: Vec::new(),
            keypoints: None,
            triangles: 3000,
            scale: None,
            name: None,
            y_up: false,
        }
    }
}

/// What an importer made of a file, before it is written as a figure's folder. Metres, y up, the
/// front is +z, the figure's left +x.
///
/// A reader of a format leaves `keypoints`, `edges` and `poses` empty where the file has none;
/// they are proposed for it then. It also leaves the simplification of meshes to
/// [`import`](crate::import).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The figure's name.
    pub name: String,
    /// Parents before children; the first is the root.
    pub bones: Vec<DraftBone>,
    /// Shapes on the bones.
    pub parts: Vec<DraftPart>,
    /// What the parts are made of.
    pub materials: Vec<DraftMaterial>,
    /// What a network learns to find.
    pub keypoints: Vec<DraftKeypoint>,
    /// Lines between keypoints, as indices.
    pub edges: Vec<[usize; 2]>,
    /// Families of poses.
    pub poses: Vec<DraftPose>,
    /// Places that the file names (links, nodes), for keypoints.
    pub frames: Vec<DraftFrame>,
    /// What was skipped or guessed, one sentence each.
    pub notes: Vec<String>,
}

/// One bone of a [`Draft`].
///
/// `parent_from_bone = translate(offset) * turn * translate(slide) * turn(angles)`.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftBone {
    /// Name, different from all others.
    pub name: String,
    /// Index of the parent, which comes earlier; `None` for the root.
    pub parent: Option<usize>,
    /// Origin in the parent's frame, metres.
    pub offset: Vec3,
    /// Rotation of the frame at rest.
    pub turn: Quat,
    /// Least and greatest angle about x, y and z, radians; equal where it does not turn.
    pub limits: [[f32; 2]; 3],
    /// Least and greatest slide along x, y and z, metres; equal where it does not slide.
    pub slides: [[f32; 2]; 3],
    /// What the bone's one degree of freedom is called elsewhere.
    pub joint: Option<String>,
    /// The bone that this one moves with.
    pub follows: Option<Follows>,
    /// Weight of the bone; only the ratio between bones matters. Above 0.
    pub mass: f32,
}

impl DraftBone {
    /// A bone that does not move, of mass 1.
    pub fn fixed(name: impl Into<String>, parent: Option<usize>) -> Self {
        DraftBone {
            name: name.into(),
            parent,
            offset: Vec3::ZERO,
            turn: Quat::IDENTITY,
            limits: [[0.0; 2]; 3],
            slides: [[0.0; 2]; 3],
            joint: None,
            follows: None,
            mass: 1.0,
        }
    }

    /// How many components of the bone are free.
    pub fn freedoms(&self) -> usize {
        self.limits.iter().chain(&self.slides).filter(|[low, high]| low < high).count()
    }
}

/// That each free component of a bone has `factor` times the same component of another bone, plus
/// `offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Follows {
    /// Index of the other bone.
    pub bone: usize,
    /// What its component is multiplied by.
    pub factor: f32,
    /// What is added, radians or metres.
    pub offset: f32,
}

/// A shape on a bone.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftPart {
    /// Name, different from all others.
    pub name: String,
    /// Index of the bone; of a skin, which follows several, any.
    pub bone: usize,
    /// Where the shape's origin is in the bone's frame, metres.
    pub at: Vec3,
    /// How the shape is turned in the bone's frame.
    pub turn: Quat,
    /// What it looks like.
    pub shape: DraftShape,
    /// Index of the material.
    pub material: usize,
}

/// What a part looks like. Metres.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftShape {
    /// The hull of two balls; `ends` are in the bone's frame.
    Cone {
        /// Centres of the balls.
        ends: [Vec3; 2],
        /// Their radii.
        radii: [f32; 2],
    },
    /// A ball of this radius.
    Sphere(f32),
    /// A box with these full sides.
    Box(Vec3),
    /// A cylinder along its y, centred on its origin.
    Cylinder {
        /// Radius.
        radius: f32,
        /// Full length.
        length: f32,
    },
    /// Triangles, in the frame that the part's `at` and `turn` place.
    Mesh(Mesh),
    /// Triangles that follow several bones. Vertices are in the figure's rest frame: the root at
    /// the origin, its own `turn` applied, all angles 0. `at` and `turn` do not count.
    Skin {
        /// The triangles; `weights` index into `bones`.
        mesh: Mesh,
        /// Indices of the bones.
        bones: Vec<usize>,
    },
}

impl DraftShape {
    /// The triangles, of a shape that has some.
    pub fn mesh(&self) -> Option<&Mesh> {
        match self {
            DraftShape::Mesh(mesh) | DraftShape::Skin { mesh, .. } => Some(mesh),
            _ => None,
        }
    }

    /// The triangles, of a shape that has some.
    pub fn mesh_mut(&mut self) -> Option<&mut Mesh> {
        match self {
            DraftShape::Mesh(mesh) | DraftShape::Skin { mesh, .. } => Some(mesh),
            _ => None,
        }
    }
}

/// Triangles. Counter-clockwise from outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mesh {
    /// Vertices, metres.
    pub positions: Vec<Vec3>,
    /// Unit normals of the vertices, or empty.
    pub normals: Vec<Vec3>,
    /// sRGB colours of the vertices, or empty.
    pub colors: Vec<[u8; 3]>,
    /// Three vertices each.
    pub triangles: Vec<[u32; 3]>,
    /// Of skins: up to four bones and their shares of each vertex, which add up to 1. Else empty.
    pub weights: Vec<[(u8, f32); 4]>,
}

/// What a part is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftMaterial {
    /// Name, different from all others.
    pub name: String,
    /// sRGB colour, 0 to 1. White where vertices have colours.
    pub color: [f32; 3],
    /// From 0, a mirror, to 1, matt.
    pub roughness: f32,
}

/// A keypoint.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftKeypoint {
    /// Name, different from all others.
    pub name: String,
    /// Index of the bone that it is on.
    pub bone: usize,
    /// Where it is in the bone's frame, metres.
    pub offset: Vec3,
    /// Index of its mirror image.
    pub twin: Option<usize>,
}

/// A family of poses.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftPose {
    /// Name, different from all others.
    pub name: String,
    /// How often it is drawn, at hardness 0 and 1.
    pub weights: [f32; 2],
    /// Deviation of the angles, degrees.
    pub spread: f32,
    /// What carries the figure: "ground", "fixed", "air" ...
    pub support: String,
    /// The movement's key frames: turned bones and their angles, degrees.
    pub keys: Vec<Vec<(usize, Vec3)>>,
}

/// A place that the model file has a name for.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftFrame {
    /// The file's name for it.
    pub name: String,
    /// Index of the bone that it moves with.
    pub bone: usize,
    /// Its origin in the bone's frame, metres.
    pub at: Vec3,
    /// How it is turned in the bone's frame.
    pub turn: Quat,
}

impl Draft {
    /// `rest_from_bone` of every bone: all angles and slides 0, the root at the origin with its own
    /// turn.
    pub fn rest(&self) -> Vec<Affine3A> {
        let mut rest: Vec<Affine3A> = Vec::with_capacity(self.bones.len());
        for bone in &self.bones {
            rest.push(match bone.parent {
                None => Affine3A::from_quat(bone.turn),
                Some(parent) => {
                    rest[parent] * Affine3A::from_rotation_translation(bone.turn, bone.offset)
                }
            });
        }
        rest
    }

    /// How many triangles its meshes have.
    pub fn triangles(&self) -> usize {
        let meshes = self.parts.iter().filter_map(|part| part.shape.mesh());
        meshes.map(|mesh| mesh.triangles.len()).sum()
    }
}

impl Draft {
    /// The index of a material of this sRGB colour, 0 to 1, which is added if there is none;
    /// `None` stands for what has no colour.
    pub fn material(&mut self, color: Option<[f32; 3]>) -> usize {
        let (name, color) = match color {
            None => ("plain".to_owned(), [0.7; 3]),
            Some(color) => {
                let color = color.map(|channel| channel.clamp(0.0, 1.0));
                let [r, g, b] = color.map(|channel| (channel * 255.0).round() as u8);
                match [r, g, b] {
                    [255, 255, 255] => ("white".to_owned(), color),
                    _ => (format!("color_{r:02x}{g:02x}{b:02x}"), color),
                }
            }
        };
        let known = self.materials.iter().position(|material| material.name == name);
        known.unwrap_or_else(|| {
            self.materials.push(DraftMaterial { name, color, roughness: 0.6 });
            self.materials.len() - 1
        })
    }

    /// Makes all lengths `factor` times as long.
    pub fn scale(&mut self, factor: f32) {
        for bone in &mut self.bones {
            bone.offset *= factor;
            bone.slides = bone.slides.map(|slide| slide.map(|end| end * factor));
            if let Some(follows) = &mut bone.follows
                && bone.slides.iter().any(|[low, high]| low < high)
            {
                follows.offset *= factor;
            }
        }
        for part in &mut self.parts {
            part.at *= factor;
            match &mut part.shape {
                DraftShape::Cone { ends, radii } => {
                    *ends = ends.map(|end| end * factor);
                    *radii = radii.map(|radius| radius * factor);
                }
                DraftShape::Sphere(radius) => *radius *= factor,
                DraftShape::Box(sides) => *sides *= factor,
                DraftShape::Cylinder { radius, length } => {
                    *radius *= factor;
                    *length *= factor;
                }
                DraftShape::Mesh(mesh) | DraftShape::Skin { mesh, .. } => {
                    for position in &mut mesh.positions {
                        *position *= factor;
                    }
                }
            }
        }
        for keypoint in &mut self.keypoints {
            keypoint.offset *= factor;
        }
        for frame in &mut self.frames {
            frame.at *= factor;
        }
    }

    /// The corners of the box around the figure at rest, metres; nothing if it has no parts.
    pub fn bounds(&self) -> Option<[Vec3; 2]> {
        let rest = self.rest();
        let boxes = (0..self.parts.len()).filter_map(|part| self.bounds_of(part, &rest));
        boxes.reduce(|[low, high], [l, h]| [low.min(l), high.max(h)])
    }

    /// The same of one part; `rest` is what [`Draft::rest`] gives.
    pub fn bounds_of(&self, part: usize, rest: &[Affine3A]) -> Option<[Vec3; 2]> {
        let part = &self.parts[part];
        let bone = rest[part.bone];
        let placed = bone * Affine3A::from_rotation_translation(part.turn, part.at);
        let around = |points: &mut dyn Iterator<Item = Vec3>, by: Vec3| {
            let boxes = points.map(|point| [point - by, point + by]);
            boxes.reduce(|[low, high], [l, h]| [low.min(l), high.max(h)])
        };
        let corners = |half: Vec3| {
            let signs = |bit: u32, bits: u32| if bits >> bit & 1 == 1 { 1.0 } else { -1.0 };
            (0..8_u32).map(move |bits| {
                placed.transform_point3(
                    half * Vec3::new(signs(0, bits), signs(1, bits), signs(2, bits)),
                )
            })
        };
        match &part.shape {
            DraftShape::Cone { ends, radii } => {
                let boxes = ends.iter().zip(radii).filter_map(|(end, radius)| {
                    around(&mut std::iter::once(bone.transform_point3(*end)), Vec3::splat(*radius))
                });
                boxes.reduce(|[low, high], [l, h]| [low.min(l), high.max(h)])
            }
            DraftShape::Sphere(radius) => around(
                &mut std::iter::once(placed.transform_point3(Vec3::ZERO)),
                Vec3::splat(*radius),
            ),
            DraftShape::Box(sides) => around(&mut corners(*sides / 2.0), Vec3::ZERO),
            DraftShape::Cylinder { radius, length } => {
                around(&mut corners(Vec3::new(*radius, length / 2.0, *radius)), Vec3::ZERO)
            }
            DraftShape::Mesh(mesh) => {
                around(&mut mesh.positions.iter().map(|p| placed.transform_point3(*p)), Vec3::ZERO)
            }
            DraftShape::Skin { mesh, .. } => {
                around(&mut mesh.positions.iter().copied(), Vec3::ZERO)
            }
        }
    }
}
