//! What every measurement works with.

use crate::cli::output;
use marionette::run::RunConfig;
use marionette::scene::{ImageSize, Scene};
use std::fmt::Display;

/// What every measurement needs to know.
pub struct Bench {
    pub scene: Scene,
    pub config: RunConfig,
    /// Threads of each pool.
    pub threads: usize,
    pub pairs: u32,
    pub seconds: f64,
    pub sizes: Vec<u32>,
    pub tiles: usize,
    pub quiet: bool,
}

impl Bench {
    /// The scene with images of another size.
    pub fn scene_of(&self, width: u32, height: u32) -> Scene {
        Scene { image: ImageSize { width, height }, ..self.scene.clone() }
    }

    /// Says what is being measured.
    pub fn doing(&self, what: impl Display) {
        if !self.quiet {
            output::warn(&what.to_string());
        }
    }
}
