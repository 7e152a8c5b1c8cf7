//! What can go wrong in an optimizer.

use crate::named::Misfit;

/// What can go wrong in the optimizer.
#[derive(Debug, thiserror::Error)]
pub enum OptimError {
    /// A saved state lacks a tensor, or holds it in another shape or type than its variable's.
    #[error("optimizer state {0}")]
    Misfit(#[from] Misfit),
    /// A saved state holds a tensor that belongs to no variable.
    #[error("optimizer state `{name}` belongs to no variable")]
    UnknownState {
        /// The tensor's name.
        name: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
