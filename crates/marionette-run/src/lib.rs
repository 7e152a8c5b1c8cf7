//! A run: its configuration, its directory, its threads, its checkpoints and what it says of
//! itself.

pub mod ablation;
mod checkpoint;
mod config;
mod control;
mod control_log;
mod controls;
mod device;
mod device_choice;
mod directory;
mod error;
mod events;
pub mod exam;
mod exams;
mod focus;
mod json_file;
mod lag;
mod limits;
mod manifest;
mod metrics;
mod metrics_window;
mod old_flips;
pub mod page;
mod pictures;
mod policy;
mod recorder;
mod removed_keys;
pub mod report;
mod resources;
mod scene_hash;
mod session;
mod set;
pub mod sheet;
pub mod stats;
mod summary;
mod tensorboard;
mod training_loop;
mod watch;
mod weights;

pub use checkpoint::{Loaded, load_latest, mark_best, read_latest, read_named, save};
pub use config::{
    CheckpointConfig, ConfigError, DebugConfig, ExamConfig, Fault, LogConfig, RunConfig,
    is_device_name,
};
pub use control::Control;
pub use control_log::ControlRecord;
pub use device::{DeviceError, allow_tf32, device_name, open_device};
pub use device_choice::{TriedDevice, choose_device, describe_choice, step_rate};
pub use directory::RunDirectory;
pub use error::{Failure, RunError};
pub use events::{EventSender, RunEvent};
pub use exams::{Best, ExamReport};
pub use focus::{FocusConfig, FocusFile, other_scene};
pub use lag::resolved_lag;
pub use limits::{LimitError, Work, check_limits};
pub use manifest::Manifest;
pub use metrics::{JsonLinesWriter, MetricsRow, cut_back};
pub use policy::newest_policy;
pub use resources::{available_bytes, size_pool, status_kib, threads};
pub use scene_hash::scene_sha256;
pub use session::{Session, TRAINER_STACK, trainer};
pub use summary::{ExamLine, Summary};
pub use watch::{PUBLISH_EVERY, Pace, Publisher, Snapshot, Watch};
pub use weights::{
    FINDER, PERSON, RunModel, Which, embedded_weights, load_finder, load_model, load_person,
    model_files,
};
