//! Marionette's networks as ONNX files (operator set 17), which onnxruntime and others run.
//!
//! [`write_onnx`] writes a network with its model card. [`Head`] says what the file gives: heatmaps,
//! keypoints, or detections for Ultralytics. The messages in [`proto`] are written by hand: building
//! needs no `protoc`.

mod body;
mod decode;
mod draft;
mod error;
mod file;
mod head;
mod image;
mod metadata;
pub mod proto;

pub use error::OnnxError;
pub use file::{OPSET, OnnxOptions, encode_onnx, write_onnx};
pub use head::Head;
pub use image::Input;
