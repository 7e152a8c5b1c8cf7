//! Evaluation: metrics, trained networks as detectors, and photographs with labels to judge them
//! on.

mod annotated;
pub mod coco;
pub mod crop;
mod detector;
mod finder;
mod judge;
pub mod metric;
mod one_euro;
mod search;
mod tracks;

pub use annotated::{Annotated, AnnotatedError, load_annotated};
pub use crop::Crop;
pub use detector::{Detector, DetectorError};
pub use finder::{Finder, Person};
pub use judge::{EvalReport, EvalRow, KeyError, by_key, judge};
pub use marionette_base::picture_file::{Picture, PictureError, load_picture};
pub use one_euro::OneEuro;
pub use search::{Search, Unusable, find_people};
pub use tracks::Tracks;
