//! glTF files.

use crate::{Draft, ImportError, Options};
use std::path::Path;

/// Reads the glTF file at `file`.
///
/// # Errors
/// As [`import`](crate::import).
pub fn read(file: &Path, _options: &Options) -> Result<Draft, ImportError> {
    Err(ImportError::file(file, None, "glTF files are not read yet"))
}
