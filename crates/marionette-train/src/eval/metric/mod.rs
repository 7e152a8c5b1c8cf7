//! The field's metrics, one file each.

pub mod oks;
pub mod pck;
pub mod symmetry;

pub use oks::{OksDetection, OksImage, OksSummary, OksTruth, oks_summary};
pub use pck::{KeypointScore, Pck, PckSummary, Person};

/// A keypoint nearer than this many torso lengths counts as found (PCK@0.2).
pub const HIT: f32 = 0.2;
/// Errors count up to this many torso lengths: a torso seen from above is short, and one wild guess
/// is not ten.
pub const WORST: f32 = 3.0;
