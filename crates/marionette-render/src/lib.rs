//! The renderer: one pass that draws every tile of a batch into an atlas, and the labels taken from
//! its pixels.
//!
//! ```text
//! SceneSample ─► frame_data (plain data) ─► upload (buffers) ─► pass (atlas: colour, id, depth)
//!             ─► read_back (pixels) ─► DrawnFrame ─► labels
//! ```
//!
//! A frame's samples travel with its pixels, from extraction to delivery, so a frame's labels
//! always belong to its pixels. Each frame is delivered one update after it was submitted, so the
//! GPU draws while the CPU samples the next batch.

mod adapter;
mod app;
mod atlas;
mod blur;
mod casters;
mod error;
mod frame;
mod frame_data;
pub mod generator;
mod instances;
mod jpeg;
mod labels;
mod layout;
mod mask;
mod pass;
mod pictures;
mod pipelines;
mod read_back;
mod sampler;
mod sentinel;
mod shaders;
mod silhouette;
mod triangles;
mod upload;
mod variants;
mod view;

pub use adapter::{AdapterReport, find_adapter};
pub use app::{headless_app, next_drawn, render_samples, task_pools, update};
pub use error::RenderError;
pub use frame::{DrawnFrame, DrawnFrames, Frame, FrameToDraw, RendererConfig, TilePixels};
#[doc(hidden)]
pub use frame_data::lay_out;
pub use labels::{label_figure, label_frame};
pub use sampler::sampler;
