//! Folders that exist whole or not at all.

use crate::atomic_file::{PathError, aside, folder_of, make_folder_of, sync_folder};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Why a folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something on the disk.
    #[error(transparent)]
    Path(#[from] PathError),
    /// There is something where the folder goes.
    #[error("{}: {found}; give a new folder or an empty one", .path.display())]
    NotFree {
        /// Where it goes.
        path: PathBuf,
        /// What is there.
        found: String,
    },
}

/// Checks that a folder can be written at `path`: nothing is there but perhaps an empty folder, and
/// one can be made beside it. Folders above it that are missing are made.
///
/// # Errors
/// If not, naming what is in the way.
pub fn check_free(path: &Path) -> Result<(), FolderError> {
    let taken = |found: String| FolderError::NotFree { path: path.to_owned(), found };
    match fs::read_dir(path) {
        Ok(mut entries) => {
            if let Some(entry) = entries.next() {
                let first = entry.map_err(PathError::at(path, "read"))?.file_name();
                return Err(taken(format!("is not empty ({})", first.to_string_lossy())));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            if path.exists() {
                return Err(taken("is there and is no folder".to_owned()));
            }
        }
        Err(error) => return Err(PathError::at(path, "read")(error).into()),
    }
    let trial = begin(path)?;
    Ok(fs::remove_dir(&trial).map_err(PathError::at(path, "written"))?)
}

/// Has `write` fill a new folder beside `path`, and then gives it that path: even if the process is
/// killed there is no half of it under that name. Returns what `write` returns.
///
/// # Errors
/// If there is something at `path`, it cannot be written, or `write` fails; nothing is left behind
/// then.
pub fn write_folder<T, E: From<FolderError>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    check_free(path)?;
    let partial = begin(path)?;
    let moved = write(&partial).and_then(|made| {
        let synced = sync_all(&partial);
        let renamed = synced.and_then(|()| match fs::rename(&partial, path) {
            // Not every system puts a folder in the place of an empty one.
            Err(_) if path.is_dir() => {
                fs::remove_dir(path).and_then(|()| fs::rename(&partial, path))
            }
            renamed => renamed,
        });
        let renamed = renamed.and_then(|()| sync_folder(folder_of(path)));
        renamed.map_err(PathError::at(path, "written")).map_err(FolderError::from)?;
        Ok(made)
    });
    if moved.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    moved
}

/// An empty folder beside `path`. Its name is fixed: what a killed process left there goes.
fn begin(path: &Path) -> Result<PathBuf, FolderError> {
    let failed = PathError::at(path, "written");
    let Some(name) = path.file_name() else {
        return Err(failed(io::ErrorKind::InvalidFilename.into()).into());
    };
    make_folder_of(path)?;
    let partial = aside(path, name);
    let removed = match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    removed.and_then(|()| fs::create_dir(&partial)).map_err(failed)?;
    Ok(partial)
}

/// Waits until the disk has all that is in `folder`.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_all(&entry.path())?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(folder: &Path) -> Result<(), FolderError> {
        fs::create_dir(folder.join("inner")).map_err(PathError::at(folder, "written"))?;
        fs::write(folder.join("inner/b"), "c").map_err(PathError::at(folder, "written"))?;
        Ok(fs::write(folder.join("a"), "b").map_err(PathError::at(folder, "written"))?)
    }

    #[test]
    fn a_folder_is_there_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("out");
        // What a killed process left behind.
        fs::create_dir(home.path().join(".out.partial")).unwrap();
        fs::write(home.path().join(".out.partial/old"), "").unwrap();
        check_free(&path).unwrap();
        let failing = |folder: &Path| {
            fill(folder)?;
            let full = io::ErrorKind::StorageFull.into();
            Err::<(), _>(FolderError::from(PathError::at(folder, "written")(full)))
        };
        assert!(write_folder(&path, failing).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        fs::create_dir(&path).unwrap();
        check_free(&path).unwrap();
        write_folder(&path, fill).unwrap();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"b");
        assert_eq!(fs::read(path.join("inner/b")).unwrap(), b"c");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        let message = check_free(&path).unwrap_err().to_string();
        assert!(message.contains("out: is not empty ("), "{message}");
        assert!(message.ends_with("; give a new folder or an empty one"));
        let message = check_free(&path.join("a")).unwrap_err().to_string();
        assert!(message.contains("is there and is no folder"), "{message}");
        let message = check_free(&path.join("a/c")).unwrap_err().to_string();
        assert!(message.contains("c: cannot be written: Not a directory"), "{message}");
        write_folder(&path.join("b/c"), fill).unwrap();
        assert_eq!(fs::read(path.join("b/c/a")).unwrap(), b"b");
    }
}
