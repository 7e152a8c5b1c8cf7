//! The folder that a run lives in.

use super::{RunConfig, RunError};
use marionette_base::{
    atomic_file::{PathError, folder_of, plain_name, sync_folder, write_atomic},
    folder_lock::{FolderLock, LockError},
    toml_file::TomlFile,
};
use marionette_figure::{Figure, parse_figure};
use marionette_scene::{Scene, parse_scene_with};
use serde::Deserialize;
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// The file in a run's folder that is locked.
const LOCK: &str = ".lock";

/// What may be in a folder with a lock that is no run yet.
const LEFT_BY_A_START: [&str; 6] = [
    "checkpoints",
    "scene.toml",
    "figure.toml",
    ".scene.toml.partial",
    ".figure.toml.partial",
    ".config.toml.partial",
];

/// A run's folder: what is in it, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Begins a run's folder at `path`, which must not be there or be empty; folders above it are
    /// made as needed. Writes `config.toml`, `scene.toml` and `figure.toml`. The lock is the right
    /// to write there.
    ///
    /// # Errors
    /// If something is there already or another process is beginning a run there, the configuration
    /// is wrong, or a file cannot be written; what was written goes away again then.
    pub fn create(
        path: &Path,
        config: &RunConfig,
        scene: &Scene,
    ) -> Result<(Self, FolderLock), RunError> {
        let config = config.to_toml()?;
        let run = RunDirectory { path: path.to_owned() };
        // Nothing is written where something else is, not even a lock.
        let there = run.check_empty()?;
        fs::create_dir_all(path).map_err(PathError::at(path, "made"))?;
        let lock = run.lock()?;
        run.check_empty()?;
        run.fill(&config, scene).inspect_err(|_| {
            for file in [run.scene_path(), run.figure_path(), run.config_path()] {
                let _ = fs::remove_file(file);
            }
            let _ = fs::remove_dir(run.checkpoints_path());
            let _ = fs::remove_file(path.join(LOCK));
            if !there {
                let _ = fs::remove_dir(path);
            }
        })?;
        Ok((run, lock))
    }

    /// As [`Self::create`], in the folder `NAME-001` in `folder`, after the scene's name, or the
    /// first with a higher number that is free.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_next(
        folder: &Path,
        config: &RunConfig,
        scene: &Scene,
    ) -> Result<(Self, FolderLock), RunError> {
        let name = plain_name(&scene.name);
        fs::create_dir_all(folder).map_err(PathError::at(folder, "made"))?;
        let mut number = 0;
        loop {
            number += 1;
            let path = folder.join(format!("{name}-{number:03}"));
            // Of several processes that try, one makes it.
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(PathError::at(&path, "made")(error).into()),
            }
            match Self::create(&path, config, scene) {
                Err(RunError::Exists { .. } | RunError::Held { .. }) => {}
                created => {
                    if created.is_err() {
                        let _ = fs::remove_dir(&path);
                    }
                    return created;
                }
            }
        }
    }

    /// Whether there is a folder. It must be empty, but for a lock and what a start left that was
    /// killed before the configuration was there, and with it a run.
    fn check_empty(&self) -> Result<bool, RunError> {
        let path = &self.path;
        match fs::read_dir(path) {
            Ok(entries) => {
                let names: Vec<OsString> = entries.flatten().map(|e| e.file_name()).collect();
                let locked = names.iter().any(|name| name == LOCK);
                let left = |name: &OsString| locked && LEFT_BY_A_START.iter().any(|l| name == l);
                let is_run = fs::read_dir(self.checkpoints_path())
                    .is_ok_and(|mut checkpoints| checkpoints.next().is_some());
                if is_run || !names.iter().all(|name| name == LOCK || left(name)) {
                    return Err(RunError::Exists { path: path.to_owned() });
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory && path.is_file() => {
                Err(RunError::Exists { path: path.to_owned() })
            }
            Err(error) => Err(PathError::at(path, "read")(error).into()),
        }
    }

    fn fill(&self, config: &str, scene: &Scene) -> Result<(), PathError> {
        let checkpoints = self.checkpoints_path();
        fs::create_dir_all(&checkpoints).map_err(PathError::at(&checkpoints, "made"))?;
        write_atomic(&self.scene_path(), scene.scene_file.text.as_bytes())?;
        write_atomic(&self.figure_path(), scene.figure_file.text.as_bytes())?;
        // Last: a folder with a configuration is a run.
        write_atomic(&self.config_path(), config.as_bytes())?;
        sync_folder(folder_of(&self.path)).map_err(PathError::at(&self.path, "made"))
    }

    /// The run at `path`, of which nothing has been read yet.
    ///
    /// # Errors
    /// If `path` is no run's folder.
    pub fn at(path: &Path) -> Result<Self, RunError> {
        let run = RunDirectory { path: path.to_owned() };
        let found = match () {
            () if !path.exists() => "does not exist",
            () if !path.is_dir() => "is no folder",
            () if !run.config_path().exists() => "is no run: it has no config.toml",
            () => return Ok(run),
        };
        let remedy = "give the folder of a run".to_owned();
        Err(RunError::Damaged { path: path.to_owned(), found: found.to_owned(), remedy })
    }

    /// The right to write in the run's folder. Looking at a run takes none.
    ///
    /// # Errors
    /// If another process, or another run in this one, has it: who that is. If the lock's file
    /// cannot be written.
    pub(super) fn lock(&self) -> Result<FolderLock, RunError> {
        FolderLock::take(&self.path.join(LOCK)).map_err(|error| match error {
            LockError::Path(error) => error.into(),
            LockError::Held { holder, .. } => RunError::Held { path: self.path.clone(), holder },
        })
    }

    /// The run at `path`, with its configuration and its own copy of its scene and figure.
    ///
    /// # Errors
    /// If `path` is no run's folder, or one of the three files is wrong.
    pub fn open(path: &Path) -> Result<(Self, RunConfig, Scene), RunError> {
        let run = Self::at(path)?;
        let config = RunConfig::load(&run.config_path())?;
        let scene = parse_scene_with(
            TomlFile::read(&run.scene_path())?,
            TomlFile::read(&run.figure_path())?,
        )?;
        Ok((run, config, scene))
    }

    /// The name of the run's scene and its figure, without anything else that the scene needs:
    /// pictures of backdrops may have gone.
    ///
    /// # Errors
    /// If one of the two files is wrong.
    pub fn scene_name_and_figure(&self) -> Result<(String, Figure), RunError> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let Named { name } = TomlFile::read(&self.scene_path())?.parse()?;
        Ok((name, parse_figure(&TomlFile::read(&self.figure_path())?)?))
    }

    /// The files in the folder that the program itself reads again, where they are there.
    pub fn files(&self) -> Vec<PathBuf> {
        let single = [
            self.config_path(),
            self.scene_path(),
            self.figure_path(),
            self.latest_path(),
            self.best_path(),
            self.metrics_path(),
            self.hand_path(),
            self.manifest_path(),
            self.weights_path(),
            self.path.join("model.json"),
            self.path.join("summary.json"),
        ];
        let mut files: Vec<PathBuf> = single.into_iter().filter(|path| path.is_file()).collect();
        let mut folders = vec![self.checkpoints_path(), self.exams_path(), self.pictures_path()];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files
    }

    /// Writes `config.toml` anew, for a run that is continued with other settings.
    ///
    /// # Errors
    /// If the configuration is wrong or the file cannot be written; the old one stays then.
    pub fn write_config(&self, config: &RunConfig) -> Result<(), RunError> {
        Ok(write_atomic(&self.config_path(), config.to_toml()?.as_bytes())?)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `config.toml`: every setting.
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.toml")
    }

    /// `scene.toml`: the scene file as it was when the run began.
    pub fn scene_path(&self) -> PathBuf {
        self.path.join("scene.toml")
    }

    /// `figure.toml`: the figure file as it was when the run began.
    pub fn figure_path(&self) -> PathBuf {
        self.path.join("figure.toml")
    }

    /// `checkpoints/`.
    pub fn checkpoints_path(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// `latest`: the name of the newest checkpoint's folder.
    pub fn latest_path(&self) -> PathBuf {
        self.path.join("latest")
    }

    /// `best`: the name of the best checkpoint's folder, by an exam.
    pub fn best_path(&self) -> PathBuf {
        self.path.join("best")
    }

    /// `exams/`: results, a file per step that exams were taken at.
    pub fn exams_path(&self) -> PathBuf {
        self.path.join("exams")
    }

    /// The name in the folder of the results of the exams taken after `step` steps.
    pub fn exam_name(step: u64) -> String {
        format!("exams/step-{step:06}.json")
    }

    /// `metrics.jsonl`: a JSON object per logged step.
    pub fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// `weights.safetensors`: the trained network.
    pub fn weights_path(&self) -> PathBuf {
        self.path.join("weights.safetensors")
    }

    /// `pictures/`: contact sheets.
    pub fn pictures_path(&self) -> PathBuf {
        self.path.join("pictures")
    }

    /// `manifest.json`: the version, the machine, and what else it takes to repeat the run.
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join("manifest.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;
    use marionette_scene::load_scene;

    #[test]
    fn a_run_opens_as_it_was_created_and_takes_its_figure_from_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/deep/first");
        let config = RunConfig { seed: 7, ..RunConfig::default() };
        let mut scene = load_scene("quickstart").unwrap();
        scene.figure_file.text =
            scene.figure_file.text.replacen("name = \"human\"", "name = \"other\"", 1);
        let (run, _lock) = RunDirectory::create(&path, &config, &scene).unwrap();
        run.write_manifest(&Manifest { seed: 7, ..Manifest::default() }).unwrap();
        run.write_json("exams/easy.json", &Manifest::default()).unwrap();
        let (again, read, opened) = RunDirectory::open(&path).unwrap();
        assert_eq!(again.manifest().unwrap().unwrap().seed, 7);
        assert_eq!((&again, &read, opened.scene_file.text), (&run, &config, scene.scene_file.text));
        assert_eq!(opened.figure.name, "other");
        let longer = RunConfig { steps: 5, ..config };
        again.write_config(&longer).unwrap();
        assert_eq!(RunDirectory::open(&path).unwrap().1, longer);
    }

    #[test]
    fn a_run_has_one_holder_and_the_next_start_takes_the_next_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (config, scene) = (RunConfig::default(), load_scene("quickstart").unwrap());
        let start = || RunDirectory::create_next(folder.path(), &config, &scene).unwrap();
        let (first, lock) = start();
        let (second, _) = start();
        assert_eq!(first.path(), folder.path().join("quickstart-001"));
        assert_eq!(second.path(), folder.path().join("quickstart-002"));
        let held = first.lock().unwrap_err().to_string();
        let process = format!("is written by process {} (", std::process::id());
        assert!(held.contains(&process) && held.contains("--run"), "{held}");
        second.lock().unwrap();
        drop(lock);
        first.lock().unwrap();
        // Twenty at once come to twenty folders.
        let starts: Vec<RunDirectory> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..20).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap().0).collect()
        });
        let paths: std::collections::BTreeSet<_> = starts.iter().map(RunDirectory::path).collect();
        assert_eq!(paths.len(), 20);
        assert!(starts.iter().all(|run| run.config_path().exists()));
    }

    #[test]
    fn a_start_that_was_killed_is_begun_again_and_other_files_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (config, scene) = (RunConfig::default(), load_scene("quickstart").unwrap());
        let at = |name: &str| folder.path().join(name);
        let create = || RunDirectory::create(folder.path(), &config, &scene);
        fs::create_dir(at("checkpoints")).unwrap();
        fs::write(at("scene.toml"), "mine").unwrap();
        // Without a lock these are somebody's own.
        assert!(matches!(create(), Err(RunError::Exists { .. })));
        assert_eq!(fs::read_to_string(at("scene.toml")).unwrap(), "mine");
        fs::write(at(LOCK), "").unwrap();
        for more in ["notes.txt", "checkpoints/step-000001"] {
            fs::write(at(more), "").unwrap();
            assert!(matches!(create(), Err(RunError::Exists { .. })), "{more}");
            fs::remove_file(at(more)).unwrap();
        }
        create().unwrap();
        assert!(at("config.toml").exists());
        assert!(matches!(create(), Err(RunError::Exists { .. })));
    }

    #[test]
    fn scene_names_make_no_paths() {
        let folder = tempfile::tempdir().unwrap();
        let scene = Scene { name: "../a b".to_owned(), ..load_scene("quickstart").unwrap() };
        let (run, _) =
            RunDirectory::create_next(folder.path(), &RunConfig::default(), &scene).unwrap();
        assert_eq!(run.path(), folder.path().join("---a-b-001"));
    }
}
