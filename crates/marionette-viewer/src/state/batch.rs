//! The state of the Batch panel.

use crate::widgets::{Atlas, Settling};
use marionette_run::Snapshot;
use std::sync::Arc;

/// What the Batch panel shows.
#[derive(Default)]
pub struct BatchState {
    /// The shown snapshot with a texture of its tiles.
    pub shown: Settling<(Arc<Snapshot>, Option<Atlas>)>,
    /// Keep the shown batch although newer ones arrive.
    pub hold: bool,
}
