//! The model of a run: its network, and the card that says how to use it.

use super::{Loaded, RunConfig, RunDirectory, RunError, read_latest, read_named};
use candle_core::{Device, Tensor};
use marionette_base::shell::quoted;
use marionette_nn as model;
use marionette_train::{
    afl::base_loss,
    eval::{Detector, Finder},
    export::ModelCard,
    trainer::NETWORK,
};
use serde::de::IgnoredAny;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Which of the networks that a run has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The finished network, or that of the newest checkpoint if the run is not finished.
    Newest,
    /// That of the checkpoint that did best in the exams.
    Best,
}

/// The name of the weights that come with the program: they find the keypoints of people.
pub const PERSON: &str = "person";
/// The name of those that find where people are.
pub const FINDER: &str = "person-finder";
/// The file of weights in a folder.
const WEIGHTS: &str = "weights.safetensors";
const PERSON_FILE: &[u8] = include_bytes!("../../../assets/weights/person.safetensors");
const FINDER_FILE: &[u8] = include_bytes!("../../../assets/weights/person-finder.safetensors");
const EMBEDDED: [(&str, &[u8]); 2] = [(PERSON, PERSON_FILE), (FINDER, FINDER_FILE)];

/// The model of a run.
pub struct RunModel {
    /// The network with its card, on the CPU.
    pub detector: Detector,
    /// The file that it was read from, or the name of what comes with the program.
    pub source: PathBuf,
}

/// The bytes of the weights that come with the program and that `path` names, unless other weights
/// or a run are at that path.
pub fn embedded_weights(path: &Path) -> Option<&'static [u8]> {
    let (_, bytes) = EMBEDDED.iter().find(|(name, _)| path == Path::new(name))?;
    let other = path.is_file() || ["config.toml", WEIGHTS].iter().any(|n| path.join(n).exists());
    (!other).then_some(*bytes)
}

/// The files that a model may be read from: that of the weights at `path`, or those of the run;
/// none if they come with the program.
pub fn model_files(path: &Path) -> Vec<PathBuf> {
    match RunDirectory::at(path) {
        _ if embedded_weights(path).is_some() => Vec::new(),
        Ok(run) => run.files(),
        Err(_) if path.is_dir() => vec![path.join(WEIGHTS)],
        Err(_) => vec![path.to_owned()],
    }
}

/// The model that comes with the program, on `device`.
///
/// # Errors
/// If the device fails.
pub fn load_person(device: &Device) -> Result<RunModel, RunError> {
    embedded(PERSON.into(), PERSON_FILE, device)
}

/// What finds people in pictures, on `device`.
///
/// # Errors
/// If the device fails.
pub fn load_finder(device: &Device) -> Result<Finder, RunError> {
    Ok(Finder::new(embedded(FINDER.into(), FINDER_FILE, device)?.detector))
}

fn embedded(source: PathBuf, bytes: &[u8], device: &Device) -> Result<RunModel, RunError> {
    Ok(RunModel { detector: Detector::parse(&source, bytes, device)?, source })
}

/// The model in the file of weights at `path` or, where that is the folder of a run, of that run,
/// on `device`; [`PERSON`] and [`FINDER`] name those that come with the program, unless other
/// weights or a run are at that path. Nothing on disk changes.
///
/// # Errors
/// If `path` is neither, the run has no such network yet, or a file is damaged.
pub fn load_model(path: &Path, which: Which, device: &Device) -> Result<RunModel, RunError> {
    if let Some(bytes) = embedded_weights(path) {
        return embedded(path.to_owned(), bytes, device);
    }
    let (is_run, weights) = (path.join("config.toml").exists(), path.join(WEIGHTS));
    if !path.is_dir() || !is_run && weights.exists() {
        let source = if path.is_dir() { weights } else { path.to_owned() };
        return Ok(RunModel { detector: Detector::load(&source, device)?, source });
    }
    let damaged = |path: &Path, found: &str, remedy: String| RunError::Damaged {
        path: path.to_owned(),
        found: found.to_owned(),
        remedy,
    };
    if !is_run {
        let remedy = "give the folder of a run, or a file of weights".to_owned();
        return Err(damaged(path, "is no run: it has no config.toml", remedy));
    }
    let run = RunDirectory::at(path)?;
    let weights = run.weights_path();
    if which == Which::Newest && weights.exists() {
        let detector = Detector::load(&weights, device)?;
        // A finished run that was continued has newer checkpoints until it has finished again.
        if run.newest_step().is_none_or(|step| step <= detector.card().step) {
            return Ok(RunModel { detector, source: weights });
        }
    }
    let loaded: Option<Loaded<IgnoredAny>> = match which {
        Which::Newest => read_latest(&run)?,
        Which::Best => read_named(&run, &run.best_path())?,
    };
    let config = RunConfig::load(&run.config_path())?;
    let (scene, figure) = run.scene_name_and_figure()?;
    let Some(Loaded { folder, step, tensors, .. }) = loaded else {
        return Err(match which {
            Which::Newest => {
                let remedy =
                    format!("go on with it: marionette train --run {} --resume", quoted(path));
                damaged(path, "has neither weights nor a checkpoint yet", remedy)
            }
            Which::Best => {
                let remedy = "leave --best out to take the newest network".to_owned();
                damaged(
                    &run.best_path(),
                    "is not there: no exam has chosen a checkpoint yet",
                    remedy,
                )
            }
        });
    };
    let source = folder.join("tensors.safetensors");
    let unfit = |error: &dyn std::fmt::Display| {
        damaged(
            &run.config_path(),
            &format!("names what this program does not have: {error}"),
            "put it back".to_owned(),
        )
    };
    let activation = base_loss(&config.loss, &figure.scheme().sigmas)
        .map_err(|error| unfit(&error))?
        .activation();
    let keypoints = figure.keypoints.len();
    let network =
        model::build(&config.model, keypoints, 0, device).map_err(|error| unfit(&error))?;
    let card = ModelCard {
        scene,
        seed: config.seed,
        step,
        ..ModelCard::new(&figure, network.spec().clone(), activation)
    };
    let detector = Detector::new(&source, &network_tensors(&tensors), card, device)?;
    Ok(RunModel { detector, source })
}

fn network_tensors(tensors: &BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    let network =
        tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(NETWORK)?, tensor)));
    network.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
}
