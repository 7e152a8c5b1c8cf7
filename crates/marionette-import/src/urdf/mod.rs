//! URDF files.

use crate::{Draft, ImportError, Options};
use std::path::Path;

/// Reads the URDF file at `file` with its meshes.
///
/// # Errors
/// As [`import`](crate::import).
pub fn read(file: &Path, _options: &Options) -> Result<Draft, ImportError> {
    Err(ImportError::file(file, None, "URDF files are not read yet"))
}
