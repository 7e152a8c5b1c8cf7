//! Files for readers that take a path.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::LazyLock,
};

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("marionette-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("the temporary folder can be made");
    folder
});

/// The folder of this process' files.
pub(crate) fn folder() -> &'static Path {
    &FOLDER
}

/// The file of this name in [`folder`], which now holds `bytes`.
pub(crate) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("a temporary file can be written");
    path
}

/// Removes the files that targets have written. They are in the system's folder for temporary files
/// until then.
pub fn remove_folder() {
    let _ = fs::remove_dir_all(folder());
}
