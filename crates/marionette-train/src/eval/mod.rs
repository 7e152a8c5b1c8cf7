//! Evaluation: metrics, trained networks as detectors, and photographs with labels to judge them
//! on.

pub mod coco;
pub mod crop;
mod detector;
mod judge;
pub mod metric;
pub mod picture;
mod search;

pub use crop::Crop;
pub use detector::{Detector, DetectorError};
pub use judge::{EvalReport, EvalRow, KeyError, by_key, judge};
pub use picture::{PictureError, load_picture};
pub use search::{Search, Unusable, find_people};
