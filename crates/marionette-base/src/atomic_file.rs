//! Files that exist whole or not at all, even if the process is killed or the disk runs full.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// An operation on a file or folder failed.
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

/// Writes the file at `path`. Even after a power cut it holds either its old content or all of
/// `bytes`. The bytes are written to another file in the same folder and synced. That file is
/// renamed, and the folder is synced.
///
/// # Errors
/// If any of these steps fails (a full disk, a missing folder). The error names `path`, and the
/// other file is removed. If only the last sync fails, the file is there but may not survive a
/// power cut.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), PathError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// As [`write_atomic`], of what `write` writes, for files that are too large to be held in memory.
///
/// # Errors
/// As [`write_atomic`], and whatever `write` says.
pub fn write_atomic_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), PathError> {
    let synced = |aside: &Path| {
        let mut file = BufWriter::new(File::create(aside)?);
        write(&mut file)?;
        file.into_inner()?.sync_all()
    };
    rename_over(path, synced)
        .and_then(|()| sync_folder(folder_of(path)))
        .map_err(PathError::at(path, "written"))
}

/// Writes the file at `path`, which even if the process is killed holds either its old content or
/// all of `bytes`. Nothing is synced: what a power cut leaves is known only after the disk has been
/// synced.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_unsynced(path: &Path, bytes: &[u8]) -> Result<(), PathError> {
    rename_over(path, |aside| fs::write(aside, bytes)).map_err(PathError::at(path, "written"))
}

/// Has another file in the folder of `path` written by `write` and gives it this path. Where that
/// is a link, what it leads to is replaced.
fn rename_over(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let path = target(path)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let aside = aside(&path, name);
    let renamed = write(&aside).and_then(|()| fs::rename(&aside, &path));
    if renamed.is_err() {
        let _ = fs::remove_file(&aside);
    }
    renamed
}

/// What is written for `path`: the file that it leads to.
///
/// # Errors
/// If that is a pipe or a device, in whose place no file should be.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => fs::canonicalize(path),
        Ok(there) if !there.is_dir() => {
            Err(io::Error::other("it is a pipe or a device; give the name of a file"))
        }
        _ => Ok(path.to_owned()),
    }
}

/// Makes the folder of `path` where it is missing, and those above it. Where something else stands in
/// its place, nothing is done; whoever writes the file is told.
///
/// # Errors
/// If one cannot be made. The error names `path`.
pub fn make_folder_of(path: &Path) -> Result<(), PathError> {
    let folder = folder_of(path);
    if folder.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(PathError::at(path, "written"))
}

/// Checks that a file can be written at `path`, before the work that produces its content. An
/// existing file stays as it is.
///
/// # Errors
/// If its folder is missing or cannot be written to, or if `path` is a folder, a pipe or a device.
/// The error names `path`.
pub fn check_writable(path: &Path) -> Result<(), PathError> {
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(PathError::at(path, "written")(io::Error::from(io::ErrorKind::IsADirectory)));
    };
    let target = target(path).map_err(PathError::at(path, "written"))?;
    let aside = aside(&target, target.file_name().unwrap_or(name));
    File::create(&aside)
        .and_then(|_| fs::remove_file(&aside))
        .map_err(PathError::at(path, "written"))
}

/// Where the file called `name` at `path` is written before it is whole. The name is fixed: a file
/// that a killed process leaves behind is overwritten by the next write.
pub fn aside(path: &Path, name: &std::ffi::OsStr) -> PathBuf {
    path.with_file_name(format!(".{}.partial", name.to_string_lossy()))
}

/// Reads the file at `path`, which may be a pipe, but none without an end.
///
/// # Errors
/// If it cannot be read, is a device, or is longer than `most` bytes; naming it.
pub fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, PathError> {
    let fail = |error: io::Error| PathError::at(path, "read")(error);
    let file = File::open(path).map_err(fail)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = file.metadata().map_err(fail)?.file_type();
        if kind.is_char_device() || kind.is_block_device() {
            return Err(fail(io::Error::other("it is a device")));
        }
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, most + 1), &mut bytes).map_err(fail)?;
    if bytes.len() as u64 > most {
        return Err(fail(io::Error::other(format!("it is longer than {most} bytes"))));
    }
    Ok(bytes)
}

/// What tells a file from all others, whatever it is called: its device and its number there;
/// `None` where the system has neither.
pub fn file_identity(metadata: &fs::Metadata) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
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

/// Waits until the disk has the list of files in `folder`.
///
/// # Errors
/// As [`File::open`] and [`File::sync_all`].
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // On other systems a folder cannot be opened, so the rename is all that can be done.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A name of something, such as a scene, as part of a file's name: letters, digits, `-` and `_`
/// stay, and each other character becomes a `-`.
pub fn plain_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect()
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
            for write in [write_atomic, write_unsynced] {
                write(&path, text.as_bytes()).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), text);
            }
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
            for write in [write_atomic, write_unsynced] {
                let message = write(path, b"text").unwrap_err().to_string();
                assert!(
                    message.starts_with(&format!("{}: cannot be written: ", path.display())),
                    "{message}"
                );
            }
            let early = check_writable(path).unwrap_err().to_string();
            assert!(
                early.starts_with(&format!("{}: cannot be written: ", path.display())),
                "{early}"
            );
        }
        check_writable(&folder.path().join("new.json")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        make_folder_of(&missing).unwrap();
        check_writable(&missing).unwrap();
        make_folder_of(Path::new("here.json")).unwrap();
        let below_a_file = taken.join("inside/deep/a.json");
        let message = make_folder_of(&below_a_file).unwrap_err().to_string();
        assert!(message.contains("a.json: cannot be written: Not a directory"), "{message}");
        assert!(write_atomic(Path::new("/"), b"text").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_a_device_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [there, link, gone] = ["deep/there", "link", "gone"].map(|n| folder.path().join(n));
        make_folder_of(&there).unwrap();
        fs::write(&there, "first").unwrap();
        std::os::unix::fs::symlink(&there, &link).unwrap();
        check_writable(&link).unwrap();
        write_atomic(&link, b"second").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&there).unwrap(), "second");
        std::os::unix::fs::symlink("/dev/null", &gone).unwrap();
        let said = "gone: cannot be written: it is a pipe or a device; give the name of a file";
        for refused in [check_writable(&gone), write_atomic(&gone, b"")] {
            assert!(refused.unwrap_err().to_string().ends_with(said));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_has_no_end_is_not_read() {
        let read = |path: &Path, most: u64| read_file(path, most).map_err(|e| e.to_string());
        let zero = read(Path::new("/dev/zero"), 9).unwrap_err();
        assert_eq!(zero, "/dev/zero: cannot be read: it is a device");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "123").unwrap();
        assert_eq!(read(&path, 3).unwrap(), b"123");
        assert!(read(&path, 2).unwrap_err().ends_with("it is longer than 2 bytes"));
        assert!(read(folder.path(), 2).unwrap_err().contains("cannot be read"));
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
