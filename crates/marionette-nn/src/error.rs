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
    /// No keypoints, so the network would have no output.
    #[error("a network needs at least one keypoint")]
    NoKeypoints,
    /// A tensor to load is missing, or has another shape or type than the network's.
    #[error("tensor {0}")]
    Misfit(#[from] Misfit),
    /// A tensor to load belongs to nothing in the network.
    #[error("tensor `{name}` belongs to no parameter or buffer of this network")]
    UnknownTensor {
        /// The tensor's name.
        name: String,
    },
    /// The network's layers take or give other sizes than its spec says.
    #[error("network `{name}` {what} {found:?}, but its spec says {expected:?}")]
    Spec {
        /// The network's name.
        name: String,
        /// "takes" or "gives".
        what: &'static str,
        /// Channels, height and width in the spec.
        expected: [usize; 3],
        /// Channels, height and width of the layers' map.
        found: [usize; 3],
    },
    /// The network's layers do not fit each other.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
