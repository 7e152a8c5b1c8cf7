//! The simulator window: a second Bevy app, on the main thread, that shows a run's published state
//! and passes controls on.
//!
//! It reads the newest state from a slot and news from a channel ([`Watch`]), so however slow it
//! is, nothing waits for it. What the stage shows is drawn by the training renderer itself, in apps
//! of its own on a thread of its own.

mod app;
mod batch;
mod chrome;
mod controls;
mod curriculum;
mod curves;
mod data;
mod display;
mod gallery;
mod keys;
mod layout;
mod paint;
mod panel_stage;
mod pose;
mod shots;
mod stage;
mod theme;
mod tour;

pub use display::check_display;

use marionette_run::{RunConfig, RunDirectory, Watch};
use marionette_scene::Scene;
use std::sync::Arc;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum ViewerError {
    /// Nothing to open a window on.
    #[error(
        "there is no display to open a window on ({0}): set DISPLAY or WAYLAND_DISPLAY, or train \
         without a window: marionette train"
    )]
    NoDisplay(String),
    /// The windowing system or the graphics driver gave up.
    #[error(
        "the window could not be opened or has given up: {0}; without a window: marionette train"
    )]
    Window(String),
}

/// What a window shows.
pub struct Subject {
    /// The run's directory.
    pub directory: RunDirectory,
    /// Its configuration.
    pub config: RunConfig,
    /// Its scene, with images as the network takes them.
    pub scene: Arc<Scene>,
    /// The run itself, where it is going on; a finished one is only read.
    pub watch: Option<Watch>,
    /// Something to know about it from the start: that it was written by another version, say.
    pub note: Option<String>,
}

/// Opens the window and shows `subject` until it is closed. Call it on the main thread, once a
/// process.
///
/// # Errors
/// Where there is no display, or none that works. The run goes on all the same.
pub fn open(subject: Subject) -> Result<(), ViewerError> {
    check_display()?;
    app::run(subject)
}
