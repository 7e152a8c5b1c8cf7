//! Files that are there whole or not at all, whatever is killed or runs full in between.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Something could not be done with a file or folder.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be {action}: {error}", .path.display())]
pub struct PathError {
    /// The file or folder.
    pub path: PathBuf,
    /// What was tried: "written", "read", ...
    pub action: &'static str,
    /// Why it failed.
    pub error: io::Error,
}

impl PathError {
    /// For `map_err`: names `path` and what was tried with it.
    pub fn at(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| PathError { path: path.to_owned(), action, error }
    }
}

/// Writes the file at `path` so that, even after a power cut, it holds either what it held before
/// or all of `bytes`: written aside in the same folder, synced, renamed, the folder synced.
///
/// # Errors
/// If anything of that fails (a full disk, a missing folder), naming `path`; nothing is left aside
/// then. If the last sync fails the file is there, but may not outlive a power cut.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), PathError> {
    let Some(name) = path.file_name() else {
        return Err(PathError::at(path, "written")(io::Error::from(
            io::ErrorKind::InvalidFilename,
        )));
    };
    let aside = aside(path, name);
    let renamed = write_synced(&aside, bytes).and_then(|()| fs::rename(&aside, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&aside);
    }
    renamed.and_then(|()| sync_folder(folder_of(path))).map_err(PathError::at(path, "written"))
}

/// Whether a file could be written at `path`, found out before the work that goes into it. What is
/// there stays as it is.
///
/// # Errors
/// If its folder is missing or cannot be written to, or a folder is in its place; naming `path`.
pub fn check_writable(path: &Path) -> Result<(), PathError> {
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(PathError::at(path, "written")(io::Error::from(io::ErrorKind::IsADirectory)));
    };
    let aside = aside(path, name);
    File::create(&aside)
        .and_then(|_| fs::remove_file(&aside))
        .map_err(PathError::at(path, "written"))
}

/// Where the file called `name` at `path` is written before it is whole. A fixed name: what a kill
/// leaves behind is overwritten by the next write instead of piling up.
fn aside(path: &Path, name: &std::ffi::OsStr) -> PathBuf {
    path.with_file_name(format!(".{}.partial", name.to_string_lossy()))
}

/// Writes the file at `path` and waits until the disk has it.
///
/// # Errors
/// As [`File::create`] and [`Write::write_all`].
pub fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Waits until the disk has the names in `folder`.
///
/// # Errors
/// As [`File::open`] and [`File::sync_all`].
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened, and a rename is as durable as it gets.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The folder that holds `path`.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_stays_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for text in ["first, and longer", "second"] {
            write_atomic(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_names_the_file_and_cleans_up() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("inside"), "x").unwrap();
        let missing = folder.path().join("missing").join("a.json");
        for path in [&taken, &missing] {
            let message = write_atomic(path, b"text").unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("{}: cannot be written: ", path.display())),
                "{message}"
            );
            let early = check_writable(path).unwrap_err().to_string();
            assert!(
                early.starts_with(&format!("{}: cannot be written: ", path.display())),
                "{early}"
            );
        }
        check_writable(&folder.path().join("new.json")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_atomic(Path::new("/"), b"text").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_to_be_full() {
        let full = Path::new("/dev/full");
        let error = write_synced(full, b"text")
            .map_err(PathError::at(full, "written"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("/dev/full: cannot be written: No space left on device"),
            "{error}"
        );
    }
}
