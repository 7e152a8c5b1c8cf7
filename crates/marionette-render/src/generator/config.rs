//! Which batches the generator makes, and what can go wrong.

use super::pool::PoolConfig;
use crate::error::RenderError;
use marionette_physics::Unsolvable;

/// What can go wrong while batches are made.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// The renderer failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The scene asks for something impossible.
    #[error(transparent)]
    Unsolvable(#[from] Unsolvable),
    /// The system has no more threads.
    #[error("the generator's threads: {0}")]
    Threads(#[from] std::io::Error),
    /// One of the generator's threads panicked: a fault in this program.
    #[error(
        "the generator failed unexpectedly; the checkpoints hold the run up to the last of them"
    )]
    Panic,
}

/// One of the generator's threads panicked: a fault in this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Which batches to make, and how.
#[derive(Clone, Copy, Debug)]
pub struct GeneratorConfig {
    /// The first batch to make.
    pub first_batch: u64,
    /// One past the last batch to make.
    pub end_batch: u64,
    /// How their samples are made.
    pub pool: PoolConfig,
}
