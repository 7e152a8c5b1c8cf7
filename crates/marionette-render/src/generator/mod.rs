//! The generator: the headless Bevy app that turns policies into labelled batches.
//!
//! A pool of threads samples scenes, for as many batches at once as there are policies for. One
//! update asks it for batches, hands the samples of the oldest one to the renderer, and what the
//! renderer has finished meanwhile to the thread that labels and sends it. `app.rs` alone declares
//! the order of the systems.

mod app;
mod config;
mod labeller;
mod pool;
mod systems;

pub use app::{renderer, run};
pub use config::{GeneratorConfig, GeneratorError, Panicked};
pub use pool::{Attempt, Made, PoolConfig, Queue, SamplePool, Sampled, batches_at_once};
