//! How bodies differ: a few scales drawn per figure.

use super::ScaleGroup;
use crate::toml_file::exact;
use serde::Deserialize;

/// Lowest and highest value of each scale of a body, from the figure file's `[shape]`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeRanges {
    /// Overall size.
    #[serde(deserialize_with = "exact")]
    pub height: [f32; 2],
    /// Trunk length beside the overall size.
    #[serde(deserialize_with = "exact")]
    pub trunk: [f32; 2],
    /// Arm length beside the overall size.
    #[serde(deserialize_with = "exact")]
    pub arm: [f32; 2],
    /// Leg length beside the overall size.
    #[serde(deserialize_with = "exact")]
    pub leg: [f32; 2],
    /// Head size beside the overall size.
    #[serde(deserialize_with = "exact")]
    pub head: [f32; 2],
    /// Thickness of all but the head.
    #[serde(deserialize_with = "exact")]
    pub girth: [f32; 2],
}

/// The scales of one body; 1 leaves the figure file's lengths as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BodyShape {
    /// Overall size.
    pub height: f32,
    /// Trunk length.
    pub trunk: f32,
    /// Arm length.
    pub arm: f32,
    /// Leg length.
    pub leg: f32,
    /// Head size.
    pub head: f32,
    /// Thickness.
    pub girth: f32,
}

impl Default for BodyShape {
    fn default() -> Self {
        BodyShape { height: 1.0, trunk: 1.0, arm: 1.0, leg: 1.0, head: 1.0, girth: 1.0 }
    }
}

impl BodyShape {
    /// The factor that lengths of `group` are multiplied by.
    pub fn length_scale(&self, group: ScaleGroup) -> f32 {
        self.height
            * match group {
                ScaleGroup::Trunk => self.trunk,
                ScaleGroup::Arm => self.arm,
                ScaleGroup::Leg => self.leg,
                ScaleGroup::Head => self.head,
            }
    }

    /// The factor that radii of `group` are multiplied by.
    pub fn radius_scale(&self, group: ScaleGroup) -> f32 {
        self.height * if group == ScaleGroup::Head { self.head } else { self.girth }
    }
}

impl ShapeRanges {
    /// The ranges by name, for checks and for drawing.
    pub fn named(&self) -> [(&'static str, [f32; 2]); 6] {
        [
            ("height", self.height),
            ("trunk", self.trunk),
            ("arm", self.arm),
            ("leg", self.leg),
            ("head", self.head),
            ("girth", self.girth),
        ]
    }
}
