//! The folder that a run lives in.

use super::{RunConfig, RunError};
use marionette_base::{
    atomic_file::{PathError, folder_of, sync_folder, write_atomic},
    toml_file::TomlFile,
};
use marionette_scene::{Scene, parse_scene_with};
use serde::Serialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A run's folder: what is in it, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// Begins a run's folder at `path`, which must not be there or be empty; folders above it are
    /// made as needed. Writes `config.toml`, `scene.toml` and `figure.toml`.
    ///
    /// # Errors
    /// If something is there already, the configuration is wrong, or a file cannot be written; what
    /// was written goes away again then.
    pub fn create(path: &Path, config: &RunConfig, scene: &Scene) -> Result<Self, RunError> {
        let config = config.to_toml()?;
        match fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
            Ok(false) => {}
            Ok(true) => return Err(RunError::Exists { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory && path.is_file() => {
                return Err(RunError::Exists { path: path.to_owned() });
            }
            Err(error) => return Err(PathError::at(path, "read")(error).into()),
        }
        fs::create_dir_all(path).map_err(PathError::at(path, "made"))?;
        let run = RunDirectory { path: path.to_owned() };
        run.fill(&config, scene).inspect_err(|_| {
            for file in [run.scene_path(), run.figure_path(), run.config_path()] {
                let _ = fs::remove_file(file);
            }
            let _ = fs::remove_dir(run.checkpoints_path());
        })?;
        Ok(run)
    }

    fn fill(&self, config: &str, scene: &Scene) -> Result<(), PathError> {
        let checkpoints = self.checkpoints_path();
        fs::create_dir(&checkpoints).map_err(PathError::at(&checkpoints, "made"))?;
        write_atomic(&self.scene_path(), scene.scene_file.text.as_bytes())?;
        write_atomic(&self.figure_path(), scene.figure_file.text.as_bytes())?;
        // Last: a folder with a configuration is a run.
        write_atomic(&self.config_path(), config.as_bytes())?;
        sync_folder(folder_of(&self.path)).map_err(PathError::at(&self.path, "made"))
    }

    /// The run at `path`, with its configuration and its own copy of its scene and figure.
    ///
    /// # Errors
    /// If `path` is no run's folder, or one of the three files is wrong.
    pub fn open(path: &Path) -> Result<(Self, RunConfig, Scene), RunError> {
        let run = RunDirectory { path: path.to_owned() };
        let complaint = match () {
            () if !path.exists() => "does not exist",
            () if !path.is_dir() => "is no folder",
            () if !run.config_path().exists() => "is no run: it has no config.toml",
            () => "",
        };
        if !complaint.is_empty() {
            let remedy = "give the folder of a run, or leave --resume out to begin one".to_owned();
            return Err(RunError::Damaged {
                path: path.to_owned(),
                found: complaint.to_owned(),
                remedy,
            });
        }
        let config = RunConfig::load(&run.config_path())?;
        let scene = parse_scene_with(
            TomlFile::read(&run.scene_path())?,
            TomlFile::read(&run.figure_path())?,
        )?;
        Ok((run, config, scene))
    }

    /// Writes `config.toml` anew, for a run that is continued with other settings.
    ///
    /// # Errors
    /// If the configuration is wrong or the file cannot be written; the old one stays then.
    pub fn write_config(&self, config: &RunConfig) -> Result<(), RunError> {
        Ok(write_atomic(&self.config_path(), config.to_toml()?.as_bytes())?)
    }

    /// Writes `value` as JSON to the file of this name in the folder; folders in the name are made
    /// as needed.
    ///
    /// # Errors
    /// If the value does not fit into JSON or the file cannot be written, naming the file.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunError> {
        let path = self.path.join(name);
        let mut text = serde_json::to_vec_pretty(value).map_err(|error| RunError::Content {
            path: path.clone(),
            message: error.to_string(),
        })?;
        text.push(b'\n');
        fs::create_dir_all(folder_of(&path)).map_err(PathError::at(&path, "written"))?;
        Ok(write_atomic(&path, &text)?)
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
        let run = RunDirectory::create(&path, &config, &scene).unwrap();
        run.write_manifest(&Manifest { seed: 7, ..Manifest::default() }).unwrap();
        run.write_json("exams/easy.json", &[2]).unwrap();
        let (again, read, opened) = RunDirectory::open(&path).unwrap();
        assert_eq!(again.manifest().unwrap().seed, 7);
        assert_eq!((&again, &read, opened.scene_file.text), (&run, &config, scene.scene_file.text));
        assert_eq!(opened.figure.name, "other");
        let longer = RunConfig { steps: 5, ..config };
        again.write_config(&longer).unwrap();
        assert_eq!(RunDirectory::open(&path).unwrap().1, longer);
    }
}
