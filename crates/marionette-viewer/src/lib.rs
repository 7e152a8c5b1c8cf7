//! The simulator window: a second Bevy app, on the main thread. It shows a run's published state
//! and sends controls to the run.
//!
//! The window reads the newest state from a slot and events from a queue
//! ([`Watch`](marionette_run::Watch)). The run never waits for the window, however slow the window
//! is. The training renderer itself draws the pictures of the stage, in apps and on a thread of
//! their own.
//!
//! Imports go one way, from the bottom of this list to its top:
//!
//! - `subject`, `error`, `display`: what a window is opened on, and whether there is a display.
//! - `widgets`: colours, textures and marks that several panels use.
//! - `stage_renderer`: samples for the stage and the thread that renders them.
//! - `state`: what the window knows and remembers. It draws nothing.
//! - `schedule`, `panels`, `keys`, `screenshots`, `tour`, `pacing`: what people see, press and script,
//!   and how often frames are drawn.
//! - `chrome`: the frame around the panels.
//! - `app`: the Bevy app, its plugins and the order of its systems.

mod app;
mod chrome;
mod display;
mod error;
mod keys;
mod pacing;
mod panels;
mod schedule;
mod screenshots;
mod stage_renderer;
mod state;
mod subject;
mod tour;
mod widgets;

pub use app::open;
pub use display::check_display;
pub use error::ViewerError;
pub use subject::Subject;
