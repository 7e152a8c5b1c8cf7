//! Labelled data sets for other tools: COCO keypoints, YOLO-pose and WebDataset.
//!
//! ```text
//! generator ─► Tile ─► every figure's labels ─► files of a sample ─► folder or tar archives
//!                                            └► a line of the journal ─► annotations, card
//! ```
//!
//! Sample `i` of a set is a pure function of scene, seed, policy and `i`, and so is the split that
//! it belongs to: a larger set contains the smaller, and parts made on different machines fit
//! together. Memory does not grow with the set. What is done is in a journal, from which a job that
//! was killed goes on; it comes to the same files, byte for byte.

mod annotation;
mod card;
mod coco;
mod encode;
mod error;
mod files;
mod generate;
mod job;
mod journal;
mod run_length;
mod sample;
mod splits;
mod tars;
mod yolo;

pub use error::DatasetError;
pub use generate::{Outcome, Progress, generate};
pub use job::{Format, Job, Pictures, Shard};
pub use splits::{Split, Splits};

pub use marionette_base::json_file::SCHEMA_VERSION;
