//! The generator: the headless Bevy app that turns policies into labelled batches.
//!
//! Every tile of a batch is an entity. One update takes a policy, samples the tiles' scenes, and
//! hands them to the renderer. It also labels and sends the batch that the renderer has finished
//! meanwhile. `app.rs` alone declares the order of the systems.

mod app;
mod config;
mod systems;

pub use app::{renderer, run};
pub use config::{GeneratorConfig, GeneratorError};
