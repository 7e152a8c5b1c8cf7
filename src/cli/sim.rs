//! `marionette sim`: training in a window, or a window on a run that is over.

use super::{
    Trouble,
    train::{TrainArgs, train},
};
use clap::Args;
use crossbeam_channel::Receiver;
use marionette::run::{Event, Failure, Session};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread::JoinHandle,
};

/// Train in the simulator window (the same as `train --window`), or look at a run that is there already.
///
/// Example: marionette sim quickstart --run runs/seen
///
/// Example: marionette sim --run runs/seen          # opens it to look at; with --resume it goes on
#[derive(Args)]
pub struct SimArgs {
    #[command(flatten)]
    train: TrainArgs,
}

/// Runs `marionette sim`.
pub fn sim(args: SimArgs) -> Result<(), Trouble> {
    match args.train.to_look_at() {
        Some(run) => look_at(run),
        None => train(args.train.in_window()),
    }
}

#[cfg(not(feature = "viewer"))]
fn no_window() -> Trouble {
    Trouble::Failed(anyhow::anyhow!(
        "this build has no window: it was built without the feature \"viewer\"; train without one: marionette train"
    ))
}

/// Whether a window can be opened.
pub fn check_window() -> Result<(), Trouble> {
    #[cfg(feature = "viewer")]
    return marionette::viewer::check_display().map_err(|error| Trouble::Failed(error.into()));
    #[cfg(not(feature = "viewer"))]
    Err(no_window())
}

/// Runs `session` with a window on the calling thread, and `follow` on another. A window that is closed, or never opens, leaves the run
/// as it is.
#[cfg(feature = "viewer")]
pub fn train_in_window(
    session: Session,
    stop: Arc<AtomicBool>,
    follow: impl FnOnce(Receiver<Event>, JoinHandle<Result<(), Failure>>) -> Result<(), Trouble> + Send + 'static,
) -> Result<(), Trouble> {
    use marionette::run::watch;
    use marionette::viewer::{Subject, open};
    let (watch, live) = watch();
    let subject = Subject {
        directory: session.directory().clone(),
        config: session.config().clone(),
        scene: session.scene().clone(),
        watch: Some(watch),
        note: None,
    };
    let (sender, events) = crossbeam_channel::bounded(256);
    let running = std::thread::spawn(move || session.run_watched(sender, stop, Some(live)));
    let following = std::thread::spawn(move || follow(events, running));
    if let Err(error) = open(subject) {
        super::output::warn(&format!("warning: {error}; the run goes on"));
    }
    following
        .join()
        .unwrap_or_else(|_| Err(Trouble::Failed(anyhow::anyhow!("the terminal's thread failed unexpectedly"))))
}

/// Without the feature there is no window: [`check_window`] has said so before.
#[cfg(not(feature = "viewer"))]
pub fn train_in_window(
    _: Session,
    _: Arc<AtomicBool>,
    _: impl FnOnce(Receiver<Event>, JoinHandle<Result<(), Failure>>) -> Result<(), Trouble> + Send + 'static,
) -> Result<(), Trouble> {
    Err(no_window())
}

/// Opens a window on a run that is only read.
#[cfg(feature = "viewer")]
fn look_at(run: &Path) -> Result<(), Trouble> {
    use marionette::nn as model;
    use marionette::run::RunDirectory;
    use marionette::scene::ImageSize;
    use marionette::viewer::{Subject, open};
    let input = |error: anyhow::Error| Trouble::Input(error);
    check_window()?;
    let (directory, config, scene) = RunDirectory::open(run).map_err(|error| input(error.into()))?;
    let spec = model::spec(&config.model, scene.figure.keypoints.len()).map_err(|error| input(error.into()))?;
    let [width, height] = spec.input_size();
    let scene = scene.resized(ImageSize { width, height }).unwrap_or(scene);
    marionette::run::size_pool(config.threads);
    let note = written_by(&directory);
    let subject = Subject { directory, config, scene: Arc::new(scene), watch: None, note };
    open(subject).map_err(|error| Trouble::Failed(error.into()))
}

#[cfg(not(feature = "viewer"))]
fn look_at(_: &Path) -> Result<(), Trouble> {
    Err(no_window())
}

/// A note where the run was written by another version of the program.
#[cfg(feature = "viewer")]
fn written_by(directory: &marionette::run::RunDirectory) -> Option<String> {
    let ours = env!("CARGO_PKG_VERSION");
    let text = std::fs::read(directory.manifest_path()).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let theirs = manifest["version"].as_str().unwrap_or("an unknown version");
    (theirs != ours).then(|| {
        format!("this run was written by version {theirs}, and this is {ours}: what is shown may lack something")
    })
}
