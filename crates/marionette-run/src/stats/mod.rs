//! What a scene's samples are like: how often each keypoint is seen, where it lies, how far the
//! joints turn, what is drawn again and why, and whether a higher requested hardness is a higher
//! measured one.
//!
//! ```text
//! Tile ─► SampleFacts (a few hundred bytes) ─► Statistics ─► table (text), plots (one picture), JSON
//! ```
//!
//! Everything is a plain function over labelled samples; tiles can be dropped as soon as their
//! facts are taken.

mod facts;
mod gather;
mod measure;
mod page;
mod plots;
mod summary;
mod table;
#[cfg(test)]
mod tests;

pub use facts::{KeypointFacts, SampleFacts};
pub use gather::{
    AXIS_BINS, AngleStatistics, Attempts, AxisBin, AxisStatistics, BoxStatistics, FamilyCount,
    KeypointStatistics, ReasonCount, Statistics,
};
pub use measure::{MEASURES, Measure};
pub use plots::plots;
pub use summary::{Grid, Histogram, Spread};
pub use table::table;
