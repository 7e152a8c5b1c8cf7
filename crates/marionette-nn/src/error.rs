//! What can go wrong with a network.

use crate::{kernel::shape::ShapeError, named::Misfit};

/// What can go wrong with a network.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No network has this name.
    #[error("unknown network `{name}`: expected one of {known}")]
    UnknownNetwork {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A network without outputs.
    #[error("a network needs at least one keypoint")]
    NoKeypoints,
    /// Tensors to load lack one that the network has, or hold it in another shape or type.
    #[error("tensor {0}")]
    Misfit(#[from] Misfit),
    /// Tensors to load hold one that the network lacks.
    #[error("tensor `{name}` belongs to no parameter or buffer of this network")]
    UnknownTensor {
        /// The tensor's name.
        name: String,
    },
    /// Its layers do not fit each other.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
