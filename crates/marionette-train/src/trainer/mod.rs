//! The trainer: batches in; weights, verdicts and policies out.
//!
//! [`Trainer::learn`] is one step of the closed loop: predict, score, weigh, learn, let the critic learn, tell the
//! controller. It knows nothing of threads, files or windows; `run` feeds it and keeps what it makes.

mod checkpoint;
mod error;
mod hand;
mod input;
mod laps;
mod look;
mod settings;
mod statistics;
mod step;
mod verdict;

pub use checkpoint::NETWORK;
pub use checkpoint::{TrainerState, UnfitCheckpoint};
pub use error::TrainError;
pub use hand::Hand;
pub use laps::{Laps, Operation};
pub use look::Opinion;
pub use settings::{Flips, OptimizerConfig, TrainSettings};
pub use statistics::{Standing, UniformStatistics};
pub use step::{StepReport, Trainer};
pub use verdict::Verdict;
