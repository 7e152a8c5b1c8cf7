//! A run: its configuration, its directory, its threads, its checkpoints and what it says of itself.

mod checkpoint;
mod config;
mod desk;
mod device;
mod directory;
mod event;
pub mod exam;
mod exams;
mod hand;
mod live;
mod log;
mod metrics;
mod pictures;
mod resources;
mod session;
mod set;
pub mod sheet;
pub mod stats;
mod summary;
mod weights;
mod wishes;

pub use checkpoint::{Loaded, load_latest, mark_best, read_latest, read_named, save};
pub use config::{CheckpointConfig, ConfigError, DebugConfig, ExamConfig, Fault, LogConfig, RunConfig, is_device_name};
pub use device::{DeviceError, device_name, open_device};
pub use directory::RunDirectory;
pub use event::{Event, Progress};
pub use exams::{Best, ExamReport};
pub use hand::{HandLine, untouched_hand};
pub use live::{Command, Herald, Live, News, PUBLISH_EVERY, Pace, Snapshot, Watch, watch};
pub use metrics::{MetricsWriter, cut_back};
pub use resources::{size_pool, threads};
pub use session::{Failure, Session, TRAINER_STACK, trainer};
pub use summary::{ExamLine, Summary};
pub use weights::{RunModel, Which, load_model};

use marionette_base::{atomic_file::PathError, toml_file::FileError};
use marionette_train::{eval::DetectorError, export::WeightsError};
use std::path::PathBuf;

/// What can go wrong with a run's files. Every message names the file and says what would do.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A TOML file is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file or folder could not be read, written or removed.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A file of weights is wrong or cannot be written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Weights do not fit their network.
    #[error(transparent)]
    Detector(#[from] DetectorError),
    /// A new run was asked for where something is already.
    #[error("{}: exists already; --resume continues it, or choose another --run", .path.display())]
    Exists {
        /// What is in the way.
        path: PathBuf,
    },
    /// A file or folder is not what it should be.
    #[error("{}: {found}; {remedy}", .path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What would do.
        remedy: String,
    },
    /// Something cannot be put in a file.
    #[error("{}: cannot be written: {message}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
}
