//! Commands: pictures and a COCO file in, COCO keypoint results out.

mod process;
mod results;
mod task;
#[cfg(all(test, unix))]
mod tests;

use crate::{error::ModelError, model::Place};
use image::RgbImage;
use marionette_base::{atomic_file::PathError, shell::quoted};
use marionette_figure::KeypointScheme;
use std::{
    env, fs,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// What stands for the folder of pictures in a command.
const IMAGES: &str = "{images}";
/// What stands for the file of results in a command.
const RESULTS: &str = "{results}";

/// How a command is run.
#[derive(Clone, Debug)]
pub struct CommandOptions {
    /// How long it may take for one call of [`crate::Model::find`]; then it is killed with all that
    /// it started and that did not leave its process group.
    pub limit: Duration,
    /// Once set, the command is killed.
    pub stop: Option<Arc<AtomicBool>>,
}

impl Default for CommandOptions {
    fn default() -> Self {
        CommandOptions { limit: Duration::from_secs(600), stop: None }
    }
}

/// A command that finds keypoints.
pub struct CommandModel {
    command: String,
    scheme: KeypointScheme,
    options: CommandOptions,
}

impl CommandModel {
    /// See [`crate::Model::command`].
    pub fn new(
        command: &str,
        scheme: &KeypointScheme,
        options: CommandOptions,
    ) -> Result<Self, ModelError> {
        let option =
            |found: String, remedy: &str| ModelError::Option { found, remedy: remedy.to_owned() };
        if cfg!(not(unix)) {
            return Err(option("commands are run on Unix alone".to_owned(), "give an ONNX file"));
        }
        if let Some(lacks) = [IMAGES, RESULTS].into_iter().find(|word| !command.contains(word)) {
            return Err(option(
                format!("the command `{command}` has no {lacks}"),
                "say where the folder of pictures and the file of results belong, as in 'python \
                 mine.py {images} {results}'",
            ));
        }
        Ok(CommandModel { command: command.to_owned(), scheme: scheme.clone(), options })
    }

    /// For each of the figure's keypoints, whether the command knows it: that is not known.
    pub fn keypoints(&self) -> Vec<bool> {
        vec![true; self.scheme.names.len()]
    }

    pub fn name(&self) -> String {
        format!("the command `{}`", self.command)
    }

    /// See [`crate::Model::find`].
    pub fn find(
        &self,
        pictures: &[RgbImage],
        boxes: &[[f32; 4]],
    ) -> Result<Vec<Vec<Place>>, ModelError> {
        let scratch = tempfile::tempdir().map_err(PathError::at(&env::temp_dir(), "written to"))?;
        let images = scratch.path().join("images");
        fs::create_dir(&images).map_err(PathError::at(&images, "created"))?;
        task::write(&images, pictures, boxes, &self.scheme)?;
        let (results, log) = (scratch.path().join("results.json"), scratch.path().join("log.txt"));
        let line = self.command.replace(IMAGES, &quoted(&images));
        let line = line.replace(RESULTS, &quoted(&results));
        let said = process::run(&self.command, &line, &log, pictures.len(), &self.options)?;
        let read = results::read(&results, &self.name(), boxes, &self.scheme);
        read.map_err(|trouble| match trouble {
            results::Trouble::Content(found, remedy) => {
                ModelError::Results { command: self.command.clone(), found, remedy, log: said }
            }
            results::Trouble::Names(error) => error,
        })
    }
}
