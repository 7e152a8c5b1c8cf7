//! What can go wrong in the adversarial focal loss.

/// An error of the `afl` module.
#[derive(Debug, thiserror::Error)]
pub enum AflError {
    /// A tensor operation failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A slice does not have the length its shape asks for.
    #[error("{what} holds {found} values where its shape asks for {expected}")]
    Length {
        /// Which argument it is.
        what: &'static str,
        /// How many values it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A value is NaN or infinite, and was not learnt from; the step should be skipped.
    #[error("{what} is not finite")]
    NotFinite {
        /// What the value belongs to.
        what: &'static str,
    },
    /// No base loss has this name.
    #[error("no base loss is called {name:?}; the known ones are {known}")]
    UnknownBaseLoss {
        /// The name asked for.
        name: String,
        /// The known names.
        known: String,
    },
    /// A saved state's optimizer moments do not fit this critic.
    #[error(transparent)]
    Optimizer(#[from] marionette_nn::optim::OptimError),
    /// A saved state lacks a parameter, or holds it in another shape or type than this critic's.
    #[error("the saved state does not fit: {0}")]
    State(#[from] marionette_nn::named::Misfit),
}

/// `Ok` where `found == expected`, and [`AflError::Length`] otherwise.
pub(super) fn check_length(
    what: &'static str,
    found: usize,
    expected: usize,
) -> Result<(), AflError> {
    if found == expected { Ok(()) } else { Err(AflError::Length { what, expected, found }) }
}
