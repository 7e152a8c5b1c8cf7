//! Gradients, AdamW, Muon and the learning-rate schedule.

mod adamw;
mod error;
mod gradients;
mod mean;
mod muon;
mod optimizer;
mod schedule;

#[cfg(feature = "cuda")]
pub(crate) use adamw::Descend;
pub use adamw::{AdamW, AdamWSettings};
pub use error::OptimError;
pub use gradients::{Gradients, clip_factor, collect, global_norm};
#[cfg(feature = "cuda")]
pub(crate) use mean::Mean;
pub use muon::Muon;
pub use optimizer::{Optimizer, OptimizerSettings};
pub use schedule::CosineSchedule;
