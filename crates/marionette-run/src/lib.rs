//! A run: its configuration, its directory, its threads, its checkpoints and what it says of
//! itself.

mod checkpoint;
mod config;
mod control_log;
mod controls;
mod device;
mod directory;
mod events;
pub mod exam;
mod exams;
mod manifest;
mod metrics;
mod metrics_window;
mod old_flips;
mod pictures;
mod recorder;
mod resources;
mod session;
mod set;
pub mod sheet;
pub mod stats;
mod summary;
mod training_loop;
mod watch;
mod weights;

pub use checkpoint::{Loaded, load_latest, mark_best, read_latest, read_named, save};
pub use config::{
    CheckpointConfig, ConfigError, DebugConfig, ExamConfig, Fault, LogConfig, RunConfig,
    is_device_name,
};
pub use control_log::ControlRecord;
pub use controls::Control;
pub use device::{DeviceError, device_name, open_device};
pub use directory::RunDirectory;
pub use events::{EventSender, RunEvent};
pub use exams::{Best, ExamReport};
pub use manifest::Manifest;
pub use metrics::{JsonLinesWriter, MetricsRow, cut_back};
pub use resources::{size_pool, threads};
pub use session::{Failure, Session, TRAINER_STACK, trainer};
pub use summary::{ExamLine, Summary};
pub use watch::{PUBLISH_EVERY, Pace, Publisher, Snapshot, Watch};
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
