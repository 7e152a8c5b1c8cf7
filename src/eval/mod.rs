//! Judging: metrics, trained networks as detectors, and pictures and labels from elsewhere to judge them on.

pub mod coco;
pub mod crop;
mod detector;
pub mod metric;
pub mod picture;

pub use crop::Crop;
pub use detector::{Detector, DetectorError};
pub use picture::{PictureError, load_picture};
