//! What a figure file may hold, as it is written.

use super::shape::ShapeEntries;
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
    #[serde(default)]
    pub garments: Vec<Spanned<GarmentEntry>>,
    pub keypoints: Vec<Spanned<KeypointEntry>>,
    #[serde(default, deserialize_with = "exact_rows")]
    pub edges: Vec<[Spanned<String>; 2]>,
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
    pub limits: Limits,
    pub mass: f32,
    pub scale: Option<Spanned<String>>,
    pub width: Option<Spanned<String>>,
    pub grip: Option<Exact<f32, 3>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    #[serde(deserialize_with = "exact")]
    pub x: [f32; 2],
    #[serde(deserialize_with = "exact")]
    pub y: [f32; 2],
    #[serde(deserialize_with = "exact")]
    pub z: [f32; 2],
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartEntry {
    pub name: String,
    pub bone: Spanned<String>,
    #[serde(default)]
    pub mirror: bool,
    pub group: String,
    pub material: String,
    #[serde(deserialize_with = "exact")]
    pub ends: [Exact<f32, 3>; 2],
    #[serde(deserialize_with = "exact")]
    pub radii: [f32; 2],
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
    pub sigma: f32,
    pub surface_radius: f32,
    #[serde(default)]
    pub own_groups: Vec<Spanned<String>>,
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
}

/// Rotations by bone, degrees.
pub(super) type Angles = BTreeMap<Spanned<String>, Exact<f32, 3>>;
