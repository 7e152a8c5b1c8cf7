//! Why a sample was rejected.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a sample was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// A limb goes through a limb.
    SelfPenetration,
    /// A figure came apart, or flew off, as it settled.
    Diverged,
    /// A figure goes through the ground or what carries one.
    SupportPenetration,
    /// The figure is clear of what should carry it.
    Floating,
    /// Another figure goes through the primary one.
    FiguresPenetrate,
    /// Fewer than 5 keypoints in the image.
    OutOfFrame,
    /// The figure is too small in the image.
    TooSmall,
    /// The figure is too dark or too bright to be seen.
    BadLight,
    /// The figure's colours are the backdrop's.
    NoContrast,
    /// A prop did not come to rest.
    Unsettled,
    /// Fewer than 3 keypoints in the image are uncovered.
    Covered,
    /// It does not show what it is drawn for.
    Unwanted,
}

impl Rejection {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Rejection::SelfPenetration => "self_penetration",
            Rejection::Diverged => "diverged",
            Rejection::SupportPenetration => "support_penetration",
            Rejection::Floating => "floating",
            Rejection::FiguresPenetrate => "figures_penetrate",
            Rejection::OutOfFrame => "out_of_frame",
            Rejection::TooSmall => "too_small",
            Rejection::BadLight => "bad_light",
            Rejection::NoContrast => "no_contrast",
            Rejection::Unsettled => "unsettled",
            Rejection::Covered => "covered",
            Rejection::Unwanted => "unwanted",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rejection::SelfPenetration => "a limb goes through a limb",
            Rejection::Diverged => "the figure comes apart as it settles",
            Rejection::SupportPenetration => {
                "a limb goes through the ground, a seat, a wall, a block or a bar"
            }
            Rejection::Floating => "the figure is clear of what should carry it",
            Rejection::FiguresPenetrate => "two figures go through each other",
            Rejection::OutOfFrame => "too few keypoints are in the image",
            Rejection::TooSmall => "the figure is too small",
            Rejection::BadLight => "the figure is too dark or too bright",
            Rejection::NoContrast => "the figure cannot be told from the backdrop",
            Rejection::Unsettled => "a prop does not come to rest",
            Rejection::Covered => "too few keypoints are uncovered",
            Rejection::Unwanted => "it does not show what it is drawn for",
        })
    }
}
