//! The base losses, by name.

mod cross_entropy;
mod mean_squared_error;
mod smooth_l1;

pub use cross_entropy::CrossEntropy;
pub use mean_squared_error::MeanSquaredError;
pub use smooth_l1::SmoothL1;

use super::{error::AflError, loss::BaseLoss};

/// All base losses; the first is the default.
pub fn base_losses() -> Vec<Box<dyn BaseLoss>> {
    vec![Box::new(CrossEntropy), Box::new(MeanSquaredError), Box::new(SmoothL1)]
}

/// The base loss called `name`.
///
/// # Errors
/// [`AflError::UnknownBaseLoss`], which lists the known ones.
pub fn base_loss(name: &str) -> Result<Box<dyn BaseLoss>, AflError> {
    base_losses().into_iter().find(|loss| loss.name() == name).ok_or_else(|| {
        AflError::UnknownBaseLoss {
            name: name.to_owned(),
            known: base_losses().iter().map(|loss| loss.name()).collect::<Vec<_>>().join(", "),
        }
    })
}

#[cfg(test)]
mod tests;
