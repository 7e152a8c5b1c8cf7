//! Gradients, AdamW and the learning-rate schedule.

mod adamw;
mod gradients;
mod schedule;

pub use adamw::{AdamW, AdamWSettings};
pub use gradients::{Gradients, clip_to_norm, collect, global_norm};
pub use schedule::CosineSchedule;

/// What can go wrong in the optimizer.
#[derive(Debug, thiserror::Error)]
pub enum OptimError {
    /// A saved state lacks a tensor.
    #[error("optimizer state `{name}` is missing: expected {expected}")]
    MissingState {
        /// The tensor's name.
        name: String,
        /// Its type and shape.
        expected: String,
    },
    /// A saved state holds a tensor that belongs to no variable.
    #[error("optimizer state `{name}` belongs to no variable")]
    UnknownState {
        /// The tensor's name.
        name: String,
    },
    /// A saved tensor has another shape or type than its variable.
    #[error("optimizer state `{name}` does not fit: expected {expected}, found {found}")]
    StateMismatch {
        /// The tensor's name.
        name: String,
        /// The type and shape that the variable wants.
        expected: String,
        /// The type and shape found.
        found: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
