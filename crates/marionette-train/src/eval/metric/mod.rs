//! The field's metrics, one file each.

pub mod oks;
pub mod pck;
pub mod symmetry;

pub use oks::{OksDetection, OksImage, OksSummary, OksTruth, oks_summary};
pub use pck::{KeypointScore, Pck, PckSummary, Person};
