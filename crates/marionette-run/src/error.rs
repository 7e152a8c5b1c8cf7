//! What can go wrong with a run.

use super::{ConfigError, DeviceError};
use crate::{exam::ExamError, sheet::SheetError};
use marionette_base::{atomic_file::PathError, shell::quoted, toml_file::FileError};
use marionette_render::generator::GeneratorError;
use marionette_train::{
    eval::DetectorError, export::WeightsError, photographs::PhotographError, trainer::TrainError,
};
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
    /// Somebody else writes in the run's folder.
    #[error(
        "{}: is written by {holder}; wait until that has ended, stop it, or choose another --run",
        .path.display()
    )]
    Held {
        /// The folder.
        path: PathBuf,
        /// Who writes in it.
        holder: String,
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

/// Why a run could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something about the run's files or settings.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The generator.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The trainer.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// An exam.
    #[error(transparent)]
    Exam(#[from] ExamError),
    /// Photographs to learn from.
    #[error(transparent)]
    Photographs(#[from] PhotographError),
    /// A picture.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The configuration asked for it.
    #[error(
        "failed after step {step}, as debug.fail_after_step asks; the checkpoints hold the run up \
         to the last of them"
    )]
    Asked {
        /// Steps done.
        step: u64,
    },
    /// The network is trained, and what came of it could not be written.
    #[error(
        "{cause}; the network has learned all its {steps} steps, and {}: make room, then marionette \
         train --run {} --resume",
        kept(*.checkpoint, *.steps), quoted(.run)
    )]
    Unsaved {
        /// What could not be written.
        cause: Box<RunError>,
        /// Steps done at the newest checkpoint; 0 for none.
        checkpoint: u64,
        /// Steps done.
        steps: u64,
        /// The run's folder.
        run: PathBuf,
    },
    /// A thread panicked: a fault in this program.
    #[error("the {0} failed unexpectedly; the checkpoints hold the run up to the last of them")]
    Panic(&'static str),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// What a checkpoint of `checkpoint` steps has of a run of `steps`.
fn kept(checkpoint: u64, steps: u64) -> String {
    match checkpoint {
        0 => "no checkpoint has any of them".to_owned(),
        all if all == steps => "its checkpoint has them all".to_owned(),
        some => format!("its newest checkpoint has {some} of them"),
    }
}
