//! What can go wrong while a data set is written.

use marionette_base::atomic_file::PathError;
use marionette_render::generator::GeneratorError;
use marionette_run::sheet::SheetError;
use std::path::PathBuf;

/// Why a data set was not written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// Something on the disk.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The renderer or the scene.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The picture of the statistics.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The folder is not empty.
    #[error(
        "{}: is not empty ({first}); give an empty folder or a new one, or --resume to go on with \
         a set that was begun there", .path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        first: String,
    },
    /// The set that was begun there is another.
    #[error(
        "{}: a set was begun there with another {key}: {begun}, and now it is {now}; go on with \
         what it was begun with, or give another folder", .path.display()
    )]
    Other {
        /// The folder.
        path: PathBuf,
        /// What differs.
        key: String,
        /// With which it was begun.
        begun: String,
        /// What is asked for now.
        now: String,
    },
    /// A file of the job is not as it was written.
    #[error("{}: {found}; remove the folder and begin anew", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// Another process writes there.
    #[error("{}: {holder} writes there; wait for it, or end it", .path.display())]
    Held {
        /// The folder.
        path: PathBuf,
        /// Who.
        holder: String,
    },
    /// The pixels could not be encoded.
    #[error("sample {index} cannot be encoded: {error}")]
    Encode {
        /// The sample.
        index: u64,
        /// Why not.
        error: String,
    },
}
