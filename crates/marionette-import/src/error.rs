//! What can go wrong while a model file is imported.

use marionette_base::{
    atomic_file::PathError,
    new_folder::FolderError,
    toml_file::{FileError, TomlFile},
};
use std::path::Path;

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Something in a file that was read: which one, where, what was found and what would do.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something on the disk.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The folder to be written cannot be had.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl ImportError {
    /// The file at `path` cannot be used, as `message` says: what was found and what would do.
    pub fn file(path: &Path, line: Option<usize>, message: impl Into<String>) -> Self {
        ImportError::File(FileError { path: path.to_owned(), line, message: message.into() })
    }

    /// The same of a TOML file, at the place of `span`.
    pub(crate) fn toml(
        file: &TomlFile,
        span: std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        ImportError::File(file.error(Some(span), message))
    }
}
