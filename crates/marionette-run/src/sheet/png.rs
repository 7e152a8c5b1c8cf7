//! Writing a sheet so that a reader sees the whole file or none of it.

use super::SheetError;
use image::{ImageFormat, RgbImage};
use marionette_base::atomic_file::write_atomic;
use std::{io::Cursor, path::Path};

/// Writes `image` to `path` as PNG: aside first, then renamed, so that an older file stays whole
/// until the new one is.
///
/// # Errors
/// Where the image has no pixels or the file cannot be written; the error names `path`.
pub fn save_png(path: &Path, image: &RgbImage) -> Result<(), SheetError> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|source| SheetError::Encode { path: path.to_owned(), source })?;
    Ok(write_atomic(path, bytes.get_ref())?)
}
