//! The renderer: one pass that draws every tile of a batch into an atlas, and the labels taken from
//! its pixels.
//!
//! ```text
//! SceneSample ─► gpu (plain data) ─► pass (atlas: colour, id, depth) ─► camera pass ─► ring of buffers ─► DrawnFrame ─► labels
//! ```
//!
//! A frame's samples travel with its pixels, from extraction to delivery, so labels can never be of
//! another frame. Frames are delivered one update after they were submitted, so the GPU draws while
//! the CPU samples the next batch.

mod adapter;
mod app;
mod blur;
mod casters;
pub mod generator;
mod gpu;
mod jpeg;
mod labels;
mod mask;
mod pass;
mod pictures;
mod pipelines;
mod read_back;
mod silhouette;

pub use adapter::{AdapterReport, find_adapter};
pub use app::{
    DrawnFrame, DrawnFrames, Frame, FrameToDraw, RenderError, RendererConfig, TilePixels,
    headless_app, next_drawn, render_samples, task_pools, update,
};
pub use labels::label_frame;

use marionette_physics::ragdoll;
use marionette_scene::{Sampler, Scene};

/// The sampler of `scene` whose figures settle as ragdolls.
pub fn sampler(scene: &Scene) -> Sampler<'_> {
    Sampler::new(scene, ragdoll::settled)
}
