//! Heatmap networks, their targets and their decoder.
//!
//! Image coordinates are continuous pixels: the origin is the top-left corner of the top-left pixel
//! and pixel centres lie at .5. Heatmap cell c covers [c·stride, (c + 1)·stride) of the image, so a
//! coordinate x lies at u = x / stride - 0.5 in cells.

pub mod cpu;
pub mod decode;
pub mod detect;
mod engine;
mod error;
pub mod graph;
pub mod heatmap;
mod kernel;
pub mod named;
pub mod nano;
mod network;
pub mod optim;
pub mod parameters;
mod registry;
pub mod small;
pub mod softmax;
mod spec;
mod stock;

pub use engine::EngineOperation;
pub use error::ModelError;
pub use kernel::shape::ShapeError;
pub use network::HeatmapNetwork;
pub use parameters::Parameters;
pub use registry::{NETWORKS, build, spec};
pub use spec::ModelSpec;
