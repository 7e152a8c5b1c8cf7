//! What can go wrong with training.

use crate::afl::AflError;
use marionette_nn::{ModelError, optim::OptimError};

/// Number of skipped steps in a row that ends a run.
pub const MOST_SKIPPED: u64 = 10;

/// What can go wrong with training.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The network could not be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Adversarial focal loss could not be set up.
    #[error(transparent)]
    Afl(#[from] AflError),
    /// The optimizer failed.
    #[error(transparent)]
    Optimizer(#[from] OptimError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// The scene's images do not fit the network.
    #[error(
        "network \"{network}\" takes {expected} images, the scene makes {found} ones; set the \
         scene's `image` to the same proportions"
    )]
    ImageSize {
        /// The network's name.
        network: String,
        /// Width x height that it takes.
        expected: String,
        /// Width x height of the scene.
        found: String,
    },
    /// Ten steps in a row had to be skipped.
    #[error(
        "{MOST_SKIPPED} steps in a row had to be skipped, the last at step {step} because \
         {reason} is not finite; the checkpoints hold the weights from before; a lower \
         optimizer.learning_rate may help"
    )]
    Diverged {
        /// The last skipped step.
        step: u64,
        /// What was not finite.
        reason: &'static str,
    },
    /// The very last steps broke the weights.
    #[error(
        "the weights are not finite after step {step}; the checkpoints hold those from before; a \
         lower optimizer.learning_rate may help"
    )]
    BrokenWeights {
        /// Steps done.
        step: u64,
    },
}
