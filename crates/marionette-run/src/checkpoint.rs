//! Checkpoints: folders that are complete or absent, and that say so if they have been damaged
//! since.
//!
//! `checkpoints/step-NNNNNN/` holds `tensors.safetensors`, `state.json` and `digest.json`, the
//! lengths and SHA-256 sums of the other two. It is written as `.step-NNNNNN.partial` and renamed;
//! an older one of the same name steps aside as `.step-NNNNNN.replaced` for that moment, and comes
//! back if the program is killed just then.

use super::{RunDirectory, RunError};
use candle_core::Tensor;
use marionette_base::atomic_file::{PathError, sync_folder, write_atomic, write_synced};
use marionette_train::export;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The version of the format, raised when an older program could no longer read it.
const FORMAT: u32 = 2;
const TENSORS: &str = "tensors.safetensors";
const STATE: &str = "state.json";
const DIGEST: &str = "digest.json";

/// A checkpoint, read and verified.
#[derive(Debug)]
pub struct Loaded<S> {
    /// Its folder.
    pub folder: PathBuf,
    /// The steps done when it was written.
    pub step: u64,
    /// Its tensors, on the CPU, bit for bit.
    pub tensors: BTreeMap<String, Tensor>,
    /// All else.
    pub state: S,
}

#[derive(Serialize, Deserialize)]
struct StateFile<S> {
    step: u64,
    state: S,
}

#[derive(Serialize, Deserialize)]
struct DigestFile {
    format: u32,
    files: BTreeMap<String, FileDigest>,
}

#[derive(Serialize, Deserialize)]
struct FileDigest {
    bytes: u64,
    sha256: String,
}

/// What is wrong with which file of a checkpoint.
struct Damage(PathBuf, String);

/// Writes the checkpoint of `step` (steps done), makes it the latest, and deletes all older ones
/// but the last `keep`, this one among them, and that of step `best`. Checkpoints of later steps,
/// from before a run was set back, stay until the run gets there.
///
/// The state is read back first, so that no checkpoint is written that cannot be read: JSON has no
/// NaN and no infinity.
///
/// # Errors
/// If the state does not survive JSON, a tensor has a type without a place in a file, or something
/// cannot be written (naming it); the checkpoints of before are still there then.
pub fn save<S: Serialize + DeserializeOwned>(
    run: &RunDirectory,
    step: u64,
    tensors: &BTreeMap<String, Tensor>,
    state: &S,
    keep: usize,
    best: Option<u64>,
) -> Result<(), RunError> {
    let folder = run.checkpoints_path();
    fs::create_dir_all(&folder).map_err(PathError::at(&folder, "made"))?;
    put_back(&folder)?;
    for stale in named(&folder, ".partial")? {
        remove(&stale)?;
    }
    let target = folder.join(folder_name(step));
    let aside = folder.join(format!(".{}.partial", folder_name(step)));
    write_folder(&aside, step, tensors, state)
        .and_then(|()| Ok(publish(&aside, &target)?))
        .inspect_err(|_| {
            let _ = fs::remove_dir_all(&aside);
        })?;
    sync_folder(&folder).map_err(PathError::at(&folder, "written"))?;
    for replaced in named(&folder, ".replaced")? {
        remove(&replaced)?;
    }
    write_atomic(&run.latest_path(), format!("{}\n", folder_name(step)).as_bytes())?;
    let older: Vec<u64> = steps(&folder)?.into_iter().filter(|other| *other <= step).collect();
    for old in older.iter().rev().skip(keep.max(1)).filter(|old| Some(**old) != best) {
        remove(&folder.join(folder_name(*old)))?;
    }
    Ok(())
}

/// Makes the checkpoint of `step` the best one: the file `best` names it.
///
/// # Errors
/// If the file cannot be written.
pub fn mark_best(run: &RunDirectory, step: u64) -> Result<(), RunError> {
    Ok(write_atomic(&run.best_path(), format!("{}\n", folder_name(step)).as_bytes())?)
}

impl RunDirectory {
    /// The folder of the newest checkpoint, by the number in its name.
    pub fn newest_checkpoint(&self) -> Option<PathBuf> {
        Some(self.checkpoints_path().join(folder_name(self.newest_step()?)))
    }

    /// The step of the newest checkpoint.
    pub(super) fn newest_step(&self) -> Option<u64> {
        steps(&self.checkpoints_path()).ok()?.pop()
    }

    /// Whether there is a checkpoint of `step`.
    pub fn has_checkpoint(&self, step: u64) -> bool {
        self.checkpoints_path().join(folder_name(step)).is_dir()
    }
}

/// The checkpoint that `latest` names or, where that is missing or names none, the newest there is;
/// `None` where there is none.
///
/// # Errors
/// If it is damaged: the very file, what was found, and what would do. Nothing has changed then.
pub fn load_latest<S: DeserializeOwned>(run: &RunDirectory) -> Result<Option<Loaded<S>>, RunError> {
    put_back(&run.checkpoints_path())?;
    read_latest(run)
}

/// As [`load_latest`], but leaves the folder as it is, because a run may be going on in it: a
/// replacement that was cut short is not undone.
///
/// # Errors
/// As [`load_latest`].
pub fn read_latest<S: DeserializeOwned>(run: &RunDirectory) -> Result<Option<Loaded<S>>, RunError> {
    let folder = run.checkpoints_path();
    let steps = steps(&folder)?;
    let named = fs::read_to_string(run.latest_path()).ok().and_then(|text| step_of(text.trim()));
    let Some(step) = named.filter(|step| steps.contains(step)).or(steps.last().copied()) else {
        return Ok(None);
    };
    let path = folder.join(folder_name(step));
    read_folder(&path, step).map(Some).map_err(|Damage(file, found)| {
        let before = steps.iter().rev().find(|other| **other != step);
        let next = before.map_or("start over".to_owned(), |before| {
            format!("continue from {}", folder_name(*before))
        });
        RunError::Damaged {
            path: file,
            found,
            remedy: format!("delete {} to {next}", path.display()),
        }
    })
}

/// The checkpoint whose name is in the file at `pointer`, as `latest` and `best` have one; `None`
/// where there is no such file.
///
/// # Errors
/// If the file names no checkpoint that there is, or that checkpoint is damaged.
pub fn read_named<S: DeserializeOwned>(
    run: &RunDirectory,
    pointer: &Path,
) -> Result<Option<Loaded<S>>, RunError> {
    let text = match fs::read_to_string(pointer) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PathError::at(pointer, "read")(error).into()),
    };
    let damaged = |path: PathBuf, found: String| {
        let remedy =
            format!("it takes the name of a folder in {}", run.checkpoints_path().display());
        RunError::Damaged { path, found, remedy }
    };
    let Some(step) = step_of(text.trim()) else {
        return Err(damaged(
            pointer.to_owned(),
            "does not hold the name of a checkpoint, such as step-000500".to_owned(),
        ));
    };
    let folder = run.checkpoints_path().join(folder_name(step));
    if !folder.is_dir() {
        return Err(damaged(
            pointer.to_owned(),
            format!("names {}, which is not there", folder_name(step)),
        ));
    }
    read_folder(&folder, step).map(Some).map_err(|Damage(file, found)| RunError::Damaged {
        path: file,
        found,
        remedy: format!("write the name of another checkpoint into {}", pointer.display()),
    })
}

fn write_folder<S: Serialize + DeserializeOwned>(
    aside: &Path,
    step: u64,
    tensors: &BTreeMap<String, Tensor>,
    state: &S,
) -> Result<(), RunError> {
    let content =
        |file: &str, message: String| RunError::Content { path: aside.join(file), message };
    let json = |error: serde_json::Error| content(STATE, error.to_string());
    let state = serde_json::to_vec_pretty(&StateFile { step, state }).map_err(json)?;
    serde_json::from_slice::<StateFile<S>>(&state).map_err(|error| {
        content(STATE, format!("could not be read back, a number may be NaN or infinite: {error}"))
    })?;
    let tensors =
        export::encode(tensors, &BTreeMap::new()).map_err(|message| content(TENSORS, message))?;
    let files = [(TENSORS, &tensors), (STATE, &state)];
    let digest = DigestFile {
        format: FORMAT,
        files: files
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), FileDigest::of(bytes)))
            .collect(),
    };
    let digest = serde_json::to_vec_pretty(&digest).map_err(json)?;
    fs::create_dir(aside).map_err(PathError::at(aside, "made"))?;
    for (name, bytes) in files.into_iter().chain([(DIGEST, &digest)]) {
        let path = aside.join(name);
        write_synced(&path, bytes).map_err(PathError::at(&path, "written"))?;
    }
    Ok(sync_folder(aside).map_err(PathError::at(aside, "written"))?)
}

/// Renames the complete `aside` to `target`; a folder of that name steps aside first.
fn publish(aside: &Path, target: &Path) -> Result<(), PathError> {
    if target.exists() {
        let replaced = aside.with_extension("replaced");
        fs::rename(target, replaced).map_err(PathError::at(target, "replaced"))?;
    }
    fs::rename(aside, target).map_err(PathError::at(target, "written"))
}

/// Undoes or finishes a replacement that was cut short.
fn put_back(folder: &Path) -> Result<(), PathError> {
    for replaced in named(folder, ".replaced")? {
        let name = replaced.file_stem().unwrap_or_default().to_string_lossy();
        let target = folder.join(name.trim_start_matches('.'));
        if target.exists() {
            remove(&replaced)?;
        } else {
            fs::rename(&replaced, &target).map_err(PathError::at(&target, "put back"))?;
        }
    }
    Ok(())
}

fn read_folder<S: DeserializeOwned>(folder: &Path, step: u64) -> Result<Loaded<S>, Damage> {
    let digest = read(folder, DIGEST)?;
    let damaged = |file: &str, found: String| Damage(folder.join(file), found);
    let digest: DigestFile = serde_json::from_slice(&digest)
        .map_err(|error| damaged(DIGEST, format!("is no digest: {error}")))?;
    if digest.format != FORMAT {
        let found = format!("has format {} where this program reads {FORMAT}", digest.format);
        return Err(damaged(DIGEST, found));
    }
    let verified = |name: &str| {
        let Some(expected) = digest.files.get(name) else {
            return Err(damaged(DIGEST, format!("says nothing of {name}")));
        };
        let bytes = read(folder, name)?;
        let found = FileDigest::of(&bytes);
        if found.bytes != expected.bytes {
            return Err(damaged(
                name,
                format!("is {} bytes long where {} were written", found.bytes, expected.bytes),
            ));
        }
        if found.sha256 != expected.sha256 {
            return Err(damaged(
                name,
                format!("has changed since it was written (its SHA-256 is not that of {DIGEST})"),
            ));
        }
        Ok(bytes)
    };
    let (tensors, state) = (verified(TENSORS)?, verified(STATE)?);
    let state: StateFile<S> = serde_json::from_slice(&state).map_err(|error| {
        damaged(STATE, format!("does not fit this version of the program: {error}"))
    })?;
    if state.step != step {
        return Err(damaged(
            STATE,
            format!("is of step {}, not of the step in its folder's name", state.step),
        ));
    }
    let (tensors, _) = export::decode(&tensors).map_err(|found| damaged(TENSORS, found))?;
    Ok(Loaded { folder: folder.to_owned(), step, tensors, state: state.state })
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, Damage> {
    let path = folder.join(name);
    fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Damage(path, "is missing".to_owned()),
        _ => Damage(path, format!("cannot be read: {error}")),
    })
}

impl FileDigest {
    fn of(bytes: &[u8]) -> Self {
        FileDigest { bytes: bytes.len() as u64, sha256: format!("{:x}", Sha256::digest(bytes)) }
    }
}

fn folder_name(step: u64) -> String {
    format!("step-{step:06}")
}

/// The step of a checkpoint's folder by its name, if it is one.
fn step_of(name: &str) -> Option<u64> {
    let step = name.strip_prefix("step-")?.parse().ok()?;
    (folder_name(step) == name).then_some(step)
}

/// The steps of all checkpoints in `folder`, lowest first.
fn steps(folder: &Path) -> Result<Vec<u64>, PathError> {
    let folders = entries(folder)?.into_iter().filter(|path| path.is_dir());
    let mut steps: Vec<u64> =
        folders.filter_map(|path| step_of(path.file_name()?.to_str()?)).collect();
    steps.sort_unstable();
    Ok(steps)
}

/// The folders called `.step-NNNNNN` with this ending: what this module left there in passing, and
/// nobody else's.
fn named(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, PathError> {
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.strip_prefix('.')
            .and_then(|name| name.strip_suffix(ending))
            .and_then(step_of)
            .is_some()
    };
    Ok(entries(folder)?.into_iter().filter(ours).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, PathError> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()
            .map_err(PathError::at(folder, "read")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(PathError::at(folder, "read")(error)),
    }
}

fn remove(folder: &Path) -> Result<(), PathError> {
    fs::remove_dir_all(folder).map_err(PathError::at(folder, "removed"))
}
