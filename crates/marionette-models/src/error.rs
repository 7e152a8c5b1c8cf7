//! What can go wrong with a model.

use marionette_base::atomic_file::PathError;
use std::{path::PathBuf, time::Duration};

/// What can go wrong with a model. Every message says what was found and what would do.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file could not be read or written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// There is not one box for each picture.
    #[error("{pictures} pictures were given with {boxes} boxes; give one box for each picture")]
    Boxes {
        /// Number of pictures.
        pictures: usize,
        /// Number of boxes.
        boxes: usize,
    },
    /// No keypoint of the model has the name of one of the figure's.
    #[error(
        "{model}: none of its keypoints ({theirs}) has the name of one of the figure's \
         ({figures}); name those that are the same alike"
    )]
    NoneShared {
        /// The file or the command.
        model: String,
        /// The model's keypoints.
        theirs: String,
        /// The figure's keypoints.
        figures: String,
    },
    /// It has found nothing in any picture so far.
    #[error(
        "{model}: found nothing in any of {pictures} pictures; check that it takes pictures of \
         this kind, and what it is told of their size, colours and keypoints"
    )]
    Nothing {
        /// The file or the command.
        model: String,
        /// How many pictures it was given.
        pictures: usize,
    },
    /// A number that it gave is none.
    #[error(
        "{model}: gives {value} in {place}; check the model and how its colours are normalised"
    )]
    NoNumber {
        /// The file.
        model: String,
        /// What it gave.
        value: f32,
        /// In which output, and for which picture.
        place: String,
    },
    /// A network of ours failed.
    #[error("the network failed: {0}")]
    Network(#[from] candle_core::Error),
    /// The file is no ONNX file.
    #[error("{}: {found}; give a whole ONNX file", .path.display())]
    NoOnnx {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The file needs operators that the runtime lacks.
    #[error(
        "{}: needs the operators {operators}, which the built-in runtime (tract) lacks; {}",
        .path.display(), BY_COMMAND
    )]
    Operators {
        /// The file.
        path: PathBuf,
        /// The operators' names.
        operators: String,
    },
    /// The runtime cannot prepare or run the file.
    #[error(
        "{}: the built-in runtime (tract) cannot run it: {found}; {}",
        .path.display(), BY_COMMAND
    )]
    Runtime {
        /// The file.
        path: PathBuf,
        /// What the runtime said.
        found: String,
    },
    /// What the file takes or gives cannot be used, or not without being told more.
    #[error("{}: {found}; {remedy}", .path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What would do.
        remedy: String,
    },
    /// An option makes no sense.
    #[error("{found}; {remedy}")]
    Option {
        /// What was found.
        found: String,
        /// What would do.
        remedy: String,
    },
    /// The command could not be started or waited for.
    #[error("the command `{command}` cannot be run: {error}")]
    Start {
        /// The command.
        command: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The command failed.
    #[error(
        "the command `{command}` ended with {status}; {}; try it by hand on a folder of pictures",
        said(.log)
    )]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// The last lines that it wrote.
        log: String,
    },
    /// The command took too long, and was ended.
    #[error(
        "the command `{command}` was ended after {} s, its time limit for {pictures} pictures; {}; \
         give it more time or fewer pictures", .limit.as_secs_f64(), said(.log)
    )]
    TimedOut {
        /// The command.
        command: String,
        /// The time limit.
        limit: Duration,
        /// How many pictures it was given.
        pictures: usize,
        /// The last lines that it wrote.
        log: String,
    },
    /// The command was ended because this program is to stop.
    #[error("the command `{command}` was stopped")]
    Stopped {
        /// The command.
        command: String,
    },
    /// What the command wrote cannot be used.
    #[error("the results of the command `{command}`: {found}; {remedy}; {}", said(.log))]
    Results {
        /// The command.
        command: String,
        /// What was found, and in which result.
        found: String,
        /// What would do.
        remedy: String,
        /// The last lines that the command wrote to its output.
        log: String,
    },
}

/// The way of models that cannot be run here.
const BY_COMMAND: &str =
    "run it by a command instead (--command 'python mine.py {images} {results}')";

/// The last lines of a command, for a message.
fn said(log: &str) -> String {
    match log {
        "" => "it said nothing".to_owned(),
        log => format!("its last lines: {log}"),
    }
}
