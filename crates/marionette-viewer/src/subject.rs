//! What a window is opened on.

use marionette_run::{RunConfig, RunDirectory, Watch};
use marionette_scene::Scene;
use std::sync::{Arc, atomic::AtomicBool};

/// The run that a window shows.
pub struct Subject {
    /// The run's directory.
    pub directory: RunDirectory,
    /// Its configuration.
    pub config: RunConfig,
    /// Its scene, with images of the network's input size.
    pub scene: Arc<Scene>,
    /// The run itself while it is in progress. A finished run has none and is only read.
    pub watch: Option<Watch>,
    /// A note to show from the start, for example that another version wrote the run.
    pub note: Option<String>,
    /// Once this is set and the run has ended, the window closes.
    pub close: Option<Arc<AtomicBool>>,
}
