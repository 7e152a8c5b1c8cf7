//! Writing a sheet so that a reader sees the whole file or none of it.

use super::SheetError;
use image::{ImageFormat, RgbImage};
use std::{
    fs::{self, File},
    io::{self, Cursor, Write},
    path::Path,
    process,
};

/// Writes `image` to `path` as PNG: aside first, then renamed, so that an older file stays whole until the new one is.
///
/// # Errors
/// Where the image has no pixels or the file cannot be written; the error names `path`.
pub fn save_png(path: &Path, image: &RgbImage) -> Result<(), SheetError> {
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|source| SheetError::Encode { path: path.to_owned(), source })?;
    write_atomically(path, bytes.get_ref()).map_err(|source| SheetError::Write { path: path.to_owned(), source })
}

fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"));
    };
    let aside = path.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), process::id()));
    let write = || {
        let mut file = File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().inspect_err(|_| {
        // The error that counts is the one above; there may be no file to remove.
        let _ = fs::remove_file(&aside);
    })
}
