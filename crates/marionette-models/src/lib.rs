//! Keypoint detectors that somebody brings, behind one door: networks of ours, ONNX files,
//! commands.
//!
//! A [`Model`] is asked for the keypoints of pictures, each of which shows one figure, and answers
//! in the figure's keypoints, matched by name ([`marionette_figure::plain_name`]: case, spaces,
//! dashes and underscores do not count); a subset of them will do.
//!
//! ```
//! use image::RgbImage;
//! use marionette_figure::load_figure;
//! use marionette_models::{CommandOptions, Model, ModelError};
//! use std::path::Path;
//!
//! let scheme = load_figure(Path::new("../../assets/figures/human.toml"))?.scheme();
//! let options = CommandOptions::default();
//! let model = Model::command("python mine.py {images} {results}", &scheme, options)?;
//! assert_eq!(model.keypoints(), [true; 17]);
//! // Pictures go with the figure's box in each.
//! let found = model.find(&[RgbImage::new(64, 64)], &[]);
//! assert!(matches!(found, Err(ModelError::Boxes { pictures: 1, boxes: 0 })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Coordinates
//! Places are continuous pixels: the origin is the top-left corner of the top-left pixel. COCO's
//! and RTMPose's count from that pixel's middle, and are moved by half a pixel on the way in.

mod candidate;
mod command;
mod error;
mod model;
mod names;
mod onnx;
mod own;

pub use command::CommandOptions;
pub use error::ModelError;
pub use model::{Model, Place};
pub use onnx::{Channels, OnnxOptions, OutputKind, View};
