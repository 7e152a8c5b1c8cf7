//! One holder of a folder: whoever writes in it has its lock, which dies with the process.

use crate::atomic_file::{PathError, file_identity};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Its file cannot be written.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Another process holds it, or another part of this one.
    #[error("{}: {holder} holds it", .path.display())]
    Held {
        /// The lock's file.
        path: PathBuf,
        /// Who.
        holder: String,
    },
}

/// The right to write in a folder, until it is dropped or the process ends, however it does.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the lock of which `path` is the file. The file stays when nobody holds it.
    ///
    /// A file system that knows no locks is written to without one.
    ///
    /// # Errors
    /// If somebody else holds it: who that is. If its file cannot be written.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        loop {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(PathError::at(path, "written"))?;
            match file.try_lock() {
                Ok(()) if !is_same(&file, path) => continue,
                Ok(()) | Err(TryLockError::Error(_)) => {}
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    // It may not have said yet who it is.
                    let _ = file.read_to_string(&mut holder);
                    let holder = holder.lines().next().unwrap_or("another process").to_owned();
                    return Err(LockError::Held { path: path.to_owned(), holder });
                }
            }
            // Only people read it; without it the lock holds just as well.
            let _ = file.set_len(0).and_then(|()| file.rewind());
            let _ = writeln!(file, "{}", this_process());
            return Ok(FolderLock { _file: file });
        }
    }
}

/// Whether `path` still is this file: a folder that was cleared away and made anew has another.
fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => file_identity(&ours) == file_identity(&theirs),
        _ => false,
    }
}

/// This process, for people: its number and its command line.
fn this_process() -> String {
    let words: Vec<String> =
        std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut words = words.iter().map(String::as_str);
    let program = words.next().map(PathBuf::from);
    let name = program.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let command = std::iter::once(&*name).chain(words).collect::<Vec<_>>().join(" ");
    format!("process {} ({})", std::process::id(), command.replace(['\n', '\r'], " "))
}
