//! The simulator window, where this build has one.

use super::CommandError;
use crossbeam_channel::Receiver;
use marionette::run::{Failure, RunEvent, Session};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread::JoinHandle,
};

/// Events that may wait for the terminal.
pub const TERMINAL_EVENTS: usize = 256;

#[cfg(not(feature = "viewer"))]
fn no_window() -> CommandError {
    CommandError::Failed(anyhow::anyhow!(
        "this build has no window: it was built without the feature \"viewer\"; cargo build \
         --release builds one with it, or train without: marionette train"
    ))
}

/// Whether a window can be opened.
pub fn check() -> Result<(), CommandError> {
    #[cfg(feature = "viewer")]
    return marionette::viewer::check_display().map_err(|error| CommandError::Failed(error.into()));
    #[cfg(not(feature = "viewer"))]
    Err(no_window())
}

/// Runs `session` with a window on the calling thread, and `follow` on another. A window that is
/// closed, or never opens, leaves the run as it is.
#[cfg(feature = "viewer")]
pub fn train(
    mut session: Session,
    stop: Arc<AtomicBool>,
    follow: impl FnOnce(Receiver<RunEvent>, JoinHandle<Result<(), Failure>>) -> Result<(), CommandError>
    + Send
    + 'static,
) -> Result<(), CommandError> {
    use marionette::viewer::{Subject, open};
    let (watch, events) = (session.watch(), session.subscribe(TERMINAL_EVENTS));
    let subject = Subject {
        directory: session.directory().clone(),
        config: session.config().clone(),
        scene: session.scene().clone(),
        watch: Some(watch),
        note: None,
        close: Some(stop.clone()),
    };
    let running = std::thread::spawn(move || session.run(stop));
    let following = std::thread::spawn(move || follow(events, running));
    if let Err(error) = open(subject) {
        super::output::warn(&format!("warning: {error}; the run goes on"));
    }
    following.join().unwrap_or_else(|_| {
        Err(CommandError::Failed(anyhow::anyhow!("the terminal's thread failed unexpectedly")))
    })
}

/// A build without the feature has no window. [`check`] has said so before.
#[cfg(not(feature = "viewer"))]
pub fn train(
    _: Session,
    _: Arc<AtomicBool>,
    _: impl FnOnce(Receiver<RunEvent>, JoinHandle<Result<(), Failure>>) -> Result<(), CommandError>
    + Send
    + 'static,
) -> Result<(), CommandError> {
    Err(no_window())
}

/// Opens a window on a run that is only read.
#[cfg(feature = "viewer")]
pub fn look_at(run: &Path) -> Result<(), CommandError> {
    use marionette::nn as model;
    use marionette::run::{RunConfig, RunDirectory, Work};
    use marionette::scene::ImageSize;
    use marionette::viewer::{Subject, open};
    let input = |error: anyhow::Error| CommandError::Input(error);
    check()?;
    let wanted = RunConfig::load(&run.join("config.toml")).map_or(0, |config| config.threads);
    super::process::limit(Work::Window, wanted)?;
    let (directory, config, scene) =
        RunDirectory::open(run).map_err(|error| input(error.into()))?;
    let spec = model::spec(&config.model, scene.figure.keypoints.len())
        .map_err(|error| input(error.into()))?;
    let [width, height] = spec.input_size();
    let scene = scene.resized(ImageSize { width, height }).unwrap_or(scene);
    let note = written_by(&directory);
    let subject =
        Subject { directory, config, scene: Arc::new(scene), watch: None, note, close: None };
    open(subject).map_err(|error| CommandError::Failed(error.into()))
}

#[cfg(not(feature = "viewer"))]
pub fn look_at(_: &Path) -> Result<(), CommandError> {
    Err(no_window())
}

/// A note where the run was written by another version of the program.
#[cfg(feature = "viewer")]
fn written_by(directory: &marionette::run::RunDirectory) -> Option<String> {
    let ours = env!("CARGO_PKG_VERSION");
    let theirs = directory.manifest().ok()??.version;
    let theirs = if theirs.is_empty() { "an unknown version" } else { &theirs };
    (theirs != ours).then(|| {
        format!(
            "this run was written by version {theirs}, and this is {ours}: what is shown may lack \
             something"
        )
    })
}
