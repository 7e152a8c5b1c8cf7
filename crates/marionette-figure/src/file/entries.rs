//! What a figure file may hold, as it is written.

use super::{materials::MaterialEntry, shape::ShapeEntries};
use marionette_base::toml_file::{Exact, exact, exact_rows};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FigureFile {
    pub name: String,
    pub torso: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    pub shape: ShapeEntries,
    pub bones: Vec<Spanned<BoneEntry>>,
    pub parts: Vec<Spanned<PartEntry>>,
    /// Texts of PLY files, by the names that parts give: see [`read_figure`](super::read_figure).
    #[serde(default)]
    pub meshes: BTreeMap<String, String>,
    #[serde(default)]
    pub garments: Vec<Spanned<GarmentEntry>>,
    #[serde(default)]
    pub materials: Vec<Spanned<MaterialEntry>>,
    pub keypoints: Vec<Spanned<KeypointEntry>>,
    #[serde(default, deserialize_with = "exact_rows")]
    pub edges: Vec<[Spanned<String>; 2]>,
    #[serde(default)]
    pub symmetry: Vec<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    pub poses: Vec<Spanned<PoseEntry>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoneEntry {
    pub name: String,
    pub parent: Option<Spanned<String>>,
    #[serde(default)]
    pub mirror: bool,
    #[serde(deserialize_with = "exact")]
    pub offset: [f32; 3],
    pub turn: Option<Exact<f32, 3>>,
    #[serde(default)]
    pub limits: Ranges,
    #[serde(default)]
    pub slides: Ranges,
    pub joint: Option<Spanned<String>>,
    pub follows: Option<Spanned<FollowsEntry>>,
    pub mass: Option<f32>,
    pub scale: Option<Spanned<String>>,
    pub width: Option<Spanned<String>>,
    pub grip: Option<Exact<f32, 3>>,
}

/// Lowest and highest value along or about each axis; 0 where the file says nothing.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ranges {
    #[serde(default, deserialize_with = "exact")]
    pub x: [f32; 2],
    #[serde(default, deserialize_with = "exact")]
    pub y: [f32; 2],
    #[serde(default, deserialize_with = "exact")]
    pub z: [f32; 2],
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowsEntry {
    pub bone: Spanned<String>,
    #[serde(default = "one")]
    pub factor: f32,
    #[serde(default)]
    pub offset: f32,
}

fn one() -> f32 {
    1.0
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartEntry {
    pub name: String,
    pub bone: Option<Spanned<String>>,
    #[serde(default)]
    pub mirror: bool,
    pub group: Option<String>,
    pub material: Option<String>,
    pub ends: Option<Exact<Exact<f32, 3>, 2>>,
    pub radii: Option<Exact<f32, 2>>,
    pub sphere: Option<f32>,
    #[serde(rename = "box")]
    pub cuboid: Option<Exact<f32, 3>>,
    pub cylinder: Option<Exact<f32, 2>>,
    pub mesh: Option<Spanned<String>>,
    pub bones: Option<Spanned<Vec<Spanned<String>>>>,
    pub at: Option<Exact<f32, 3>>,
    pub turn: Option<Exact<f32, 3>>,
    pub bulk: Option<Spanned<String>>,
    pub garment: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GarmentEntry {
    pub name: String,
    pub slot: String,
    pub weight: f32,
    #[serde(default)]
    pub covers: Vec<Spanned<String>>,
    #[serde(default)]
    pub thickness: f32,
    #[serde(default)]
    pub replaces: Vec<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeypointEntry {
    pub name: String,
    pub bone: Spanned<String>,
    #[serde(default)]
    pub mirror: bool,
    #[serde(default, deserialize_with = "exact")]
    pub offset: [f32; 3],
    pub twin: Option<Spanned<String>>,
    pub sigma: Option<f32>,
    pub surface_radius: Option<f32>,
    pub own_groups: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoseEntry {
    pub name: String,
    #[serde(deserialize_with = "exact")]
    pub weights: [f32; 2],
    pub spread: f32,
    #[serde(default)]
    pub angles: Angles,
    #[serde(default)]
    pub then: Vec<Angles>,
    pub breaks: Option<Spanned<Vec<usize>>>,
    #[serde(default, deserialize_with = "exact")]
    pub pitch: [f32; 2],
    #[serde(default, deserialize_with = "exact")]
    pub roll: [f32; 2],
    #[serde(default)]
    pub support: SupportName,
    #[serde(default, deserialize_with = "exact")]
    pub clearance: [f32; 2],
    pub settle: Option<Spanned<SettleEntry>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettleEntry {
    #[serde(deserialize_with = "exact")]
    pub seconds: [f32; 2],
    pub strength: f32,
    #[serde(default)]
    pub tumble: f32,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SupportName {
    #[default]
    Ground,
    Seat,
    Wall,
    Bar,
    Air,
    Fixed,
}

/// Rotations by bone, degrees.
pub(super) type Angles = BTreeMap<Spanned<String>, Exact<f32, 3>>;
