//! The files of onnxruntime-web that a page needs.

use crate::PublishError;
use flate2::read::GzDecoder;
use marionette_base::atomic_file::PathError;
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::Path,
    process::{Command, Stdio},
};

/// The package of npm that they come from.
pub const RUNTIME_PACKAGE: &str = "onnxruntime-web@1.30.0";
/// The files: the runtime, and its code for WebAssembly.
const FILES: [&str; 2] = ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"];

/// Where the files of onnxruntime-web come from.
#[derive(Clone, Copy, Debug)]
pub enum Runtime<'a> {
    /// A folder that holds them, or the package's folder, which has them in `dist/`.
    Folder(&'a Path),
    /// The registry of npm, by `npm pack`: some 35 MB.
    Npm,
}

impl Runtime<'_> {
    /// Checks that the files are to be had, as far as that can be told without a network.
    ///
    /// # Errors
    /// If not, with what would do.
    pub fn check(self) -> Result<(), PublishError> {
        match self {
            Runtime::Folder(folder) => found_in(folder).map(|_| ()),
            Runtime::Npm => run(npm().arg("--version")).map(|_| ()),
        }
    }

    /// Puts the files into `folder`.
    ///
    /// # Errors
    /// If they are not to be had, with what would do, or cannot be written.
    pub fn put(self, folder: &Path) -> Result<(), PublishError> {
        match self {
            Runtime::Folder(source) => {
                let source = found_in(source)?;
                for file in FILES {
                    let from = source.join(file);
                    fs::copy(&from, folder.join(file)).map_err(PathError::at(&from, "copied"))?;
                }
                Ok(())
            }
            Runtime::Npm => fetch(folder),
        }
    }
}

/// The folder within `folder`, or itself, that has the files.
fn found_in(folder: &Path) -> Result<std::path::PathBuf, PublishError> {
    let has_all = |folder: &Path| FILES.iter().all(|file| folder.join(file).is_file());
    let candidates = [folder.to_owned(), folder.join("dist")];
    candidates.into_iter().find(|folder| has_all(folder)).ok_or_else(|| PublishError::Runtime {
        found: format!("{}: lacks {}", folder.display(), FILES.join(" or ")),
        remedy: format!("give the folder `dist` of npm's package {RUNTIME_PACKAGE}"),
    })
}

/// The files out of npm's package.
fn fetch(folder: &Path) -> Result<(), PublishError> {
    let here = tempfile::tempdir_in(folder).map_err(PathError::at(folder, "written"))?;
    let mut pack = npm();
    pack.args(["pack", RUNTIME_PACKAGE, "--loglevel", "error", "--ignore-scripts"])
        .current_dir(here.path());
    let said = run(&mut pack)?;
    let name = String::from_utf8_lossy(&said).lines().last().unwrap_or_default().trim().to_owned();
    unpack(&here.path().join(name), folder).map_err(|error| match error.kind() {
        ErrorKind::StorageFull => PathError::at(folder, "written")(error).into(),
        _ => unavailable(format!("what npm fetched is no package as it was expected: {error}")),
    })
}

fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

/// What a command prints, if it succeeds.
fn run(command: &mut Command) -> Result<Vec<u8>, PublishError> {
    let out = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => unavailable("npm is not installed".to_owned()),
        _ => unavailable(format!("npm cannot be run: {error}")),
    })?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    let said = String::from_utf8_lossy(&out.stderr);
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it says nothing");
    Err(unavailable(format!("npm failed ({}): {}", out.status, line.trim())))
}

fn unavailable(found: String) -> PublishError {
    let remedy = format!(
        "fetch npm's package {RUNTIME_PACKAGE} where there is a network, and give its folder \
         `dist` as --runtime"
    );
    PublishError::Runtime { found, remedy }
}

/// Unpacks the files from the package in `archive`.
fn unpack(archive: &Path, folder: &Path) -> io::Result<()> {
    let mut missing = FILES.to_vec();
    let mut package = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in package.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let Some(index) =
            missing.iter().position(|file| path == Path::new("package/dist").join(file))
        else {
            continue;
        };
        io::copy(&mut entry, &mut File::create(folder.join(missing.swap_remove(index)))?)?;
    }
    match missing.first() {
        Some(file) => Err(io::Error::other(format!("it lacks dist/{file}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    #[test]
    fn files_are_taken_from_a_folder_or_its_dist() {
        let folder = tempfile::tempdir().unwrap();
        let (package, out) = (folder.path().join("package"), folder.path().join("out"));
        fs::create_dir_all(package.join("dist")).unwrap();
        fs::create_dir(&out).unwrap();
        let message = Runtime::Folder(&package).check().unwrap_err().to_string();
        assert!(message.contains("package: lacks ort.wasm") && message.contains("`dist` of npm's"));
        for file in FILES {
            fs::write(package.join("dist").join(file), file).unwrap();
        }
        for place in [package.clone(), package.join("dist")] {
            Runtime::Folder(&place).check().unwrap();
            Runtime::Folder(&place).put(&out).unwrap();
            for file in FILES {
                assert_eq!(fs::read_to_string(out.join(file)).unwrap(), file);
                fs::remove_file(out.join(file)).unwrap();
            }
        }
    }

    #[test]
    fn a_package_is_unpacked_and_a_broken_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tgz");
        let pack = |files: &[&str]| {
            let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
            for file in files {
                let mut header = tar::Header::new_gnu();
                header.set_size(file.len() as u64);
                header.set_mode(0o644);
                let path = format!("package/dist/{file}");
                tar.append_data(&mut header, path, file.as_bytes()).unwrap();
            }
            fs::write(&archive, tar.into_inner().unwrap().finish().unwrap()).unwrap();
        };
        pack(&[FILES[1], "other", FILES[0]]);
        unpack(&archive, folder.path()).unwrap();
        for file in FILES {
            assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), file);
        }
        assert!(!folder.path().join("other").exists());
        pack(&[FILES[1]]);
        let error = unpack(&archive, folder.path()).unwrap_err().to_string();
        assert_eq!(error, format!("it lacks dist/{}", FILES[0]));
        fs::write(&archive, "no archive").unwrap();
        assert!(unpack(&archive, folder.path()).is_err());
    }
}
