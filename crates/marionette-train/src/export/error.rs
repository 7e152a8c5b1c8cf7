//! What can go wrong with a file of weights.

use marionette_base::atomic_file::PathError;
use std::path::PathBuf;

/// What can go wrong with a file of weights. Every message names the file and says what would do.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// It could not be read or written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Its content is not as expected.
    #[error("{}: {found}; give a safetensors file as a run or `marionette export` writes it", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// Something cannot be written to a file.
    #[error("{}: cannot be written: {message}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
}
