//! The trainer: batches in; weights, sample metrics and policies out.
//!
//! [`Trainer::learn`] is one step of the closed loop: predict, score, weigh, learn, let the critic
//! learn, tell the controller. It uses no threads, files or windows of its own: the caller gives it
//! batches and keeps its results.

mod checkpoint;
mod error;
mod hardest;
mod init;
mod input;
mod manual;
mod parts;
mod predict;
mod recent;
mod sample_metrics;
mod score_quality;
mod settings;
mod statistics;
mod step;
mod step_timings;
mod symmetry;

pub use checkpoint::{NETWORK, TrainerState, UnfitCheckpoint};
pub use error::TrainError;
pub use hardest::{Combination, Hardest};
pub use init::Taken;
pub use manual::ManualSettings;
pub use parts::Trainer;
pub use predict::{Prediction, Probe};
pub use sample_metrics::SampleMetrics;
pub use score_quality::{Judged, ScoreQuality, Telling};
pub use settings::{Flips, OptimizerConfig, TrainSettings};
pub use statistics::{Standing, UniformStatistics};
pub use step::{PhotographReport, StepReport};
pub use step_timings::{Operation, StepTimings};
