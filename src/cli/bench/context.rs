//! What every measurement works with.

use crate::cli::output;
use anyhow::Context;
use marionette::run::RunConfig;
use marionette::scene::{ImageSize, Scene};
use std::{env, fmt::Display, fs, path::PathBuf, process};

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

/// A folder for temporary files that goes when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// One for what is called `name`.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let folder = env::temp_dir().join(format!("marionette-bench-{}-{name}", process::id()));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Folder(folder))
    }

    /// What is called `name` in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
