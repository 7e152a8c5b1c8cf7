//! Folders that exist whole or not at all.

use crate::PublishError;
use marionette_base::atomic_file::{PathError, aside, folder_of, sync_folder};
use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// Checks that a folder can be written at `path`: nothing is there but perhaps an empty folder, and
/// one can be made beside it.
///
/// # Errors
/// If not, naming what is in the way.
pub fn check_free(path: &Path) -> Result<(), PublishError> {
    let taken = |found: String| PublishError::NotFree { path: path.to_owned(), found };
    match fs::read_dir(path) {
        Ok(mut entries) => {
            if let Some(entry) = entries.next() {
                let first = entry.map_err(PathError::at(path, "read"))?.file_name();
                return Err(taken(format!("is not empty ({})", first.to_string_lossy())));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == io::ErrorKind::NotADirectory && path.exists() => {
            return Err(taken("is there and is no folder".to_owned()));
        }
        Err(error) => return Err(PathError::at(path, "read")(error).into()),
    }
    let trial = begin(path)?;
    Ok(fs::remove_dir(&trial).map_err(PathError::at(path, "written"))?)
}

/// Has `write` fill a new folder beside `path`, and then gives it that path: even if the process is
/// killed there is no half of it under that name.
///
/// # Errors
/// If there is something at `path`, it cannot be written, or `write` fails; nothing is left behind
/// then.
pub fn write_folder(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), PublishError>,
) -> Result<(), PublishError> {
    check_free(path)?;
    let partial = begin(path)?;
    let moved = write(&partial).and_then(|()| {
        let synced = sync_files(&partial).and_then(|()| sync_folder(&partial));
        let renamed = synced.and_then(|()| match fs::rename(&partial, path) {
            // Not every system puts a folder in the place of an empty one.
            Err(_) if path.is_dir() => {
                fs::remove_dir(path).and_then(|()| fs::rename(&partial, path))
            }
            renamed => renamed,
        });
        Ok(renamed
            .and_then(|()| sync_folder(folder_of(path)))
            .map_err(PathError::at(path, "written"))?)
    });
    if moved.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    moved
}

/// An empty folder beside `path`. Its name is fixed: what a killed process left there goes.
fn begin(path: &Path) -> Result<std::path::PathBuf, PublishError> {
    let failed = PathError::at(path, "written");
    let Some(name) = path.file_name() else {
        return Err(failed(io::ErrorKind::InvalidFilename.into()).into());
    };
    let partial = aside(path, name);
    let removed = match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    removed.and_then(|()| fs::create_dir(&partial)).map_err(failed)?;
    Ok(partial)
}

fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(folder: &Path) -> Result<(), PublishError> {
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
            Err(PathError::at(folder, "written")(io::ErrorKind::StorageFull.into()).into())
        };
        assert!(write_folder(&path, failing).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        fs::create_dir(&path).unwrap();
        check_free(&path).unwrap();
        write_folder(&path, fill).unwrap();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"b");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        let message = check_free(&path).unwrap_err().to_string();
        assert!(message.ends_with("out: is not empty (a); give a new folder or an empty one"));
        let message = check_free(&path.join("a")).unwrap_err().to_string();
        assert!(message.contains("is there and is no folder"), "{message}");
        let message = check_free(&path.join("b/c")).unwrap_err().to_string();
        assert!(message.contains("cannot be written"), "{message}");
    }
}
