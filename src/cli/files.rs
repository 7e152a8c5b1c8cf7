//! What a command writes is nothing that it reads, however the paths are written.

use super::CommandError;
use anyhow::anyhow;
use marionette::base::atomic_file::{
    PathError, check_writable, file_identity, folder_of, make_folder_of,
};
use std::{
    collections::HashMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// A file that a command writes.
#[derive(Clone, Copy)]
pub struct Output<'a> {
    /// What names it: `--json`.
    pub flag: &'static str,
    /// The file.
    pub path: &'a Path,
}

/// The outputs of those flags that were given.
pub fn outputs<'a>(given: &[(&'static str, Option<&'a Path>)]) -> Vec<Output<'a>> {
    given.iter().filter_map(|(flag, path)| path.map(|path| Output { flag, path })).collect()
}

/// Refuses two outputs that are one file, and outputs that cannot be written. Folders that are missing
/// are made.
///
/// # Errors
/// If so, naming them.
pub fn check_outputs(outputs: &[Output]) -> Result<(), CommandError> {
    let failed = |error: PathError| CommandError::Failed(error.into());
    for (i, Output { flag, path }) in outputs.iter().enumerate() {
        // Whether two paths are one file shows where their folder is there.
        make_folder_of(path).map_err(failed)?;
        if let Some(other) = outputs[..i].iter().find(|other| is_same(other.path, path)) {
            return Err(CommandError::Input(anyhow!(
                "{} and {flag} name the same file, {}; give each a file of its own",
                other.flag,
                path.display()
            )));
        }
    }
    for Output { path, .. } in outputs {
        check_writable(path).map_err(failed)?;
    }
    Ok(())
}

/// Refuses outputs that are among the `inputs`. It must come before any of them is written.
///
/// # Errors
/// If so, naming the two.
pub fn check_inputs(
    outputs: &[Output],
    inputs: impl IntoIterator<Item = PathBuf>,
) -> Result<(), CommandError> {
    // Most outputs are new files, which nothing can be.
    let there = outputs.iter().filter_map(|output| Some((identity(output.path)?, output)));
    let there: HashMap<Identity, &Output> = there.collect();
    if there.is_empty() {
        return Ok(());
    }
    for input in inputs {
        if let Some(Output { flag, path }) = identity(&input).and_then(|file| there.get(&file)) {
            return Err(CommandError::Input(anyhow!(
                "{flag} {}: would overwrite {}, which is read; choose another",
                path.display(),
                input.display()
            )));
        }
    }
    Ok(())
}

/// Whether two paths lead to the same file, through whatever links, or would if it were there.
pub fn is_same(a: &Path, b: &Path) -> bool {
    match (identity(a), identity(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => place(a) == place(b),
        _ => false,
    }
}

/// What tells a file that is there from others.
#[derive(PartialEq, Eq, Hash)]
enum Identity {
    Number(u64, u64),
    Path(PathBuf),
}

fn identity(path: &Path) -> Option<Identity> {
    match file_identity(&path.metadata().ok()?) {
        Some((device, number)) => Some(Identity::Number(device, number)),
        None => path.canonicalize().ok().map(Identity::Path),
    }
}

/// Folder and name of a file that is not there. Where systems do not tell capitals apart, neither
/// does this.
fn place(path: &Path) -> (PathBuf, OsString) {
    let folder = folder_of(path);
    let name = path.file_name().unwrap_or_default();
    let name = if cfg!(any(windows, target_os = "macos")) {
        name.to_ascii_lowercase()
    } else {
        name.to_owned()
    };
    (folder.canonicalize().unwrap_or_else(|_| folder.to_owned()), name)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn a_file_is_the_same_however_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("a"), "").unwrap();
        fs::write(at("b"), "").unwrap();
        fs::hard_link(at("a"), at("hard")).unwrap();
        symlink(at("a"), at("soft")).unwrap();
        symlink(folder.path(), at("deep/back")).unwrap();
        for other in ["a", "./a", "deep/../a", "hard", "soft", "deep/back/a", "deep/back/soft"] {
            assert!(is_same(&at("a"), &at(other)), "{other}");
        }
        assert!(is_same(&at("new"), &at("deep/back/./new")));
        for other in ["b", "new", "A", "deep/a"] {
            assert!(!is_same(&at("a"), &at(other)), "{other}");
        }
    }
}
