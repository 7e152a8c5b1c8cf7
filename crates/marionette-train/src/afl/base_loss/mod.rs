//! The base losses there are.

mod cross_entropy;
mod mean_squared_error;
mod smooth_l1;

pub use cross_entropy::CrossEntropy;
pub use mean_squared_error::MeanSquaredError;
pub use smooth_l1::SmoothL1;

#[cfg(test)]
mod tests;
