//! COCO keypoints files (cocodataset.org, "Data format"): labelled pictures in, results out.
//!
//! COCO counts from the middle of the top-left pixel, this program from its corner: keypoints are
//! moved by half a pixel on the way in and back on the way out. Boxes count from the corner in
//! both.

mod error;
mod read;
mod results;

pub use error::CocoError;
pub use read::{CocoFile, CocoImage, CocoPerson, HALF_PIXEL, parse_coco, read_coco};
pub use results::{CocoResult, write_results};
