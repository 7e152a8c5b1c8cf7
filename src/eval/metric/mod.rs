//! The field's metrics, one file each.

pub mod pck;

pub use pck::{KeypointScore, Pck, PckSummary, Person};
