//! What may be said of a sample before it is drawn.

use super::{BackdropKind, Light, PropRole, Quantity, SceneSample, Side};
use serde::{Deserialize, Serialize};

/// Something that holds of a sample or does not, and is known before the sample is drawn. What is
/// said of a figure is said of the primary one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Circumstance {
    /// Its pose is of the family with this index.
    Pose(usize),
    /// It is seen from this side.
    Seen(Side),
    /// There are at least and at most so many other figures.
    Others([usize; 2]),
    /// What lights it.
    Lit(LightKind),
    /// What is behind it.
    Before(BackdropKind),
    /// Whether it holds something.
    Holds(bool),
    /// Whether something carries it, other than the ground.
    Carried(bool),
    /// It wears the garment with this index.
    Wears(usize),
    /// It wears none of these garments.
    WearsNone(Vec<usize>),
    /// One of these holds.
    AnyOf(Vec<Circumstance>),
    /// There is at least so much of a quantity.
    AtLeast(Quantity, f32),
    /// There is less than so much of a quantity.
    Below(Quantity, f32),
}

/// What lights a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LightKind {
    /// The sun.
    Sun,
    /// Light without shadows.
    Overcast,
    /// A lamp or a spot.
    Lamp,
    /// A lamp at the camera.
    Flash,
}

impl LightKind {
    /// Every kind.
    pub const ALL: [LightKind; 4] =
        [LightKind::Sun, LightKind::Overcast, LightKind::Lamp, LightKind::Flash];

    /// As it is said.
    pub fn words(self) -> &'static str {
        match self {
            LightKind::Sun => "in sunlight",
            LightKind::Overcast => "in light without shadows",
            LightKind::Lamp => "under a lamp",
            LightKind::Flash => "lit by a flash",
        }
    }

    /// What lights `sample`.
    pub fn of(sample: &SceneSample) -> Self {
        let Light { lamp, shadows, .. } = &sample.light;
        match lamp {
            // A flash stands on the camera or is held beside it.
            Some(lamp) if lamp.position.distance(sample.camera.eye()) < 0.5 => LightKind::Flash,
            Some(_) => LightKind::Lamp,
            None if *shadows => LightKind::Sun,
            None => LightKind::Overcast,
        }
    }
}

impl Circumstance {
    /// The families of poses that it asks for; none if it asks for something else as well.
    pub fn families(&self) -> Vec<usize> {
        match self {
            Circumstance::Pose(family) => vec![*family],
            Circumstance::AnyOf(all) => {
                let each: Vec<Vec<usize>> = all.iter().map(Circumstance::families).collect();
                let others = each.iter().any(Vec::is_empty);
                if others { Vec::new() } else { each.concat() }
            }
            _ => Vec::new(),
        }
    }

    /// Whether it holds of `sample`, which shows a figure.
    pub fn holds(&self, sample: &SceneSample) -> bool {
        let primary = &sample.figures[0];
        let role = |role: PropRole| sample.props.iter().any(|prop| prop.role == role);
        match self {
            Circumstance::Pose(family) => primary.family == *family,
            Circumstance::Seen(side) => Side::of(sample) == *side,
            Circumstance::Others([least, most]) => {
                (*least..=*most).contains(&(sample.figures.len() - 1))
            }
            Circumstance::Lit(kind) => LightKind::of(sample) == *kind,
            Circumstance::Before(kind) => sample.backdrop.kind == *kind,
            Circumstance::Holds(holds) => role(PropRole::Held) == *holds,
            Circumstance::Carried(carried) => role(PropRole::Support) == *carried,
            Circumstance::Wears(garment) => primary.outfit.contains(garment),
            Circumstance::WearsNone(garments) => {
                !primary.outfit.iter().any(|worn| garments.contains(worn))
            }
            Circumstance::AnyOf(all) => all.iter().any(|one| one.holds(sample)),
            Circumstance::AtLeast(quantity, least) => quantity.of(sample) >= *least,
            Circumstance::Below(quantity, most) => quantity.of(sample) < *most,
        }
    }
}
