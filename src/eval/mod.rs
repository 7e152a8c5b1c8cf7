//! Judging: metrics, trained networks as detectors, and pictures and labels from elsewhere to judge them on.

pub mod coco;
mod detector;
pub mod metric;

pub use detector::{Detector, DetectorError};
