//! The base losses, by name.

mod cross_entropy;
mod mean_squared_error;
mod mined;
mod oks;
mod simcc;
mod smooth_l1;

pub use cross_entropy::CrossEntropy;
pub use mean_squared_error::MeanSquaredError;
pub use mined::{Focal, HardKeypoints};
pub use oks::Oks;
pub use simcc::SimCc;
pub use smooth_l1::SmoothL1;

use super::{error::AflError, loss::BaseLoss};

/// The names of all base losses; the first is the default.
pub const BASE_LOSSES: [&str; 7] =
    ["cross_entropy", "mean_squared_error", "smooth_l1", "simcc", "oks", "ohkm", "focal"];

/// The base loss called `name`, for keypoints of the OKS sigmas `sigmas`.
///
/// # Errors
/// [`AflError::UnknownBaseLoss`], which lists the known ones.
pub fn base_loss(name: &str, sigmas: &[f32]) -> Result<Box<dyn BaseLoss>, AflError> {
    Ok(match name {
        "cross_entropy" => Box::new(CrossEntropy),
        "mean_squared_error" => Box::new(MeanSquaredError),
        "smooth_l1" => Box::new(SmoothL1),
        "simcc" => Box::new(SimCc),
        "oks" => Box::new(Oks::new(sigmas)),
        "ohkm" => Box::new(HardKeypoints),
        "focal" => Box::new(Focal),
        _ => {
            let known = BASE_LOSSES.join(", ");
            return Err(AflError::UnknownBaseLoss { name: name.to_owned(), known });
        }
    })
}

#[cfg(test)]
mod tests;
