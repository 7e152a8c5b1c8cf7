//! The hardness axes: the eight ways in which a sample can be made harder.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How many hardness axes there are.
pub const AXES: usize = 8;

/// A hardness per axis, in [`HardnessAxis::ALL`] order. Each is in [0, 1]: 0 is everyday, 1 is as
/// extreme as the scene allows.
pub type Hardness = [f32; AXES];

/// One way in which a sample can be made harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HardnessAxis {
    /// From everyday poses to the limits of the joints.
    Pose,
    /// From a frontal camera at eye level to views from behind, above, below and with roll.
    View,
    /// Props in front of the figure.
    Occlusion,
    /// How much of the figure the image border cuts off.
    Truncation,
    /// From even daylight to dim, hard, coloured or back light.
    Lighting,
    /// How much the figure's colours resemble the background's, and how busy that is.
    Camouflage,
    /// Other figures.
    Crowd,
    /// Blur, noise, exposure and low resolution.
    Degradation,
}

impl HardnessAxis {
    /// Every axis, in the order of [`Hardness`].
    pub const ALL: [HardnessAxis; AXES] = [
        HardnessAxis::Pose,
        HardnessAxis::View,
        HardnessAxis::Occlusion,
        HardnessAxis::Truncation,
        HardnessAxis::Lighting,
        HardnessAxis::Camouflage,
        HardnessAxis::Crowd,
        HardnessAxis::Degradation,
    ];

    /// The axis' name in scene files, metrics and on the command line.
    pub fn name(self) -> &'static str {
        [
            "pose",
            "view",
            "occlusion",
            "truncation",
            "lighting",
            "camouflage",
            "crowd",
            "degradation",
        ][self as usize]
    }

    /// The axis called `name`, if there is one.
    pub fn by_name(name: &str) -> Option<HardnessAxis> {
        Self::ALL.into_iter().find(|axis| axis.name() == name)
    }
}

impl fmt::Display for HardnessAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
