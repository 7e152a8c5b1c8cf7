//! What can go wrong with a COCO file.

use marionette_base::atomic_file::PathError;
use std::path::PathBuf;

/// What can go wrong with a COCO file. Every message names the file, what was found, and what would
/// do.
#[derive(Debug, thiserror::Error)]
pub enum CocoError {
    /// It could not be read or written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It is not JSON, or JSON of another structure.
    #[error("{}:{line}:{column}: {found}; give a COCO keypoints file (images, annotations, categories)", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What was found.
        found: String,
    },
    /// Its content is impossible.
    #[error("{}: {found}; {remedy}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What was found, and at which image or annotation.
        found: String,
        /// What would do.
        remedy: &'static str,
    },
}
