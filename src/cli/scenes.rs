//! What commands that draw a scene have in common.

use super::{CommandError, output};
use anyhow::anyhow;
use clap::Args;
use marionette::base::shell::quoted;
use marionette::scene::{ImageSize, Scene, SceneError, load_scene, load_scene_with_figure};
use std::{ops::RangeInclusive, path::Path};

/// The figure that a scene shows.
#[derive(Args)]
pub struct FigureArg {
    /// Show this figure in place of the scene's own: human, dog, arm, a figure file, or a folder with
    /// a figure.toml, as `import` writes them.
    #[arg(long, value_name = "NAME|FILE|DIR")]
    figure: Option<String>,
}

impl FigureArg {
    /// The figure in a folder.
    pub fn of(folder: &str) -> Self {
        FigureArg { figure: Some(folder.to_owned()) }
    }

    /// Whether one is given.
    pub fn is_given(&self) -> bool {
        self.figure.is_some()
    }

    /// What gives it on a command line, with a space before it; nothing where none is given.
    pub fn words(&self) -> String {
        let figure = self.figure.as_ref().map(|figure| quoted(Path::new(figure)).to_string());
        figure.map_or_else(String::new, |figure| format!(" --figure {figure}"))
    }

    /// Loads the scene that is meant by `scene`, and says what was guessed or left out of motions.
    ///
    /// # Errors
    /// What is wrong with its files.
    pub fn load(&self, scene: &str) -> Result<Scene, SceneError> {
        let scene = match &self.figure {
            None => load_scene(scene)?,
            Some(figure) => load_scene_with_figure(scene, figure)?,
        };
        for note in &scene.notes {
            output::warn(&format!("note: {note}"));
        }
        Ok(scene)
    }
}

/// What a side of a picture may measure, pixels.
pub const SIDES: RangeInclusive<u32> = 16..=1024;

/// Reads `N` or `WxH`, both among [`SIDES`].
pub fn image_size(text: &str) -> Result<ImageSize, String> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    let side = |text: &str| text.parse().ok().filter(|side| SIDES.contains(side));
    let (Some(width), Some(height)) = (side(width), side(height)) else {
        return Err("give a number from 16 to 1024, or two as in 192x256".to_owned());
    };
    Ok(ImageSize { width, height })
}

/// The scene with images of `size`, where that is given.
///
/// # Errors
/// If it has other proportions.
pub fn resized(scene: Scene, size: Option<ImageSize>) -> Result<Scene, CommandError> {
    let Some(size) = size else { return Ok(scene) };
    let ImageSize { width, height } = scene.image;
    scene.resized(size).ok_or_else(|| {
        let asked = format!("--size is {}x{}", size.width, size.height);
        CommandError::Input(anyhow!(
            "{asked}; {} makes {width}x{height}, so give the same proportions",
            scene.name
        ))
    })
}

/// Warns where pictures of backdrops lose something.
pub fn tell_of_transparency(scene: &Scene) {
    if let Some(first) = scene.pictures.transparent.first() {
        output::warn(&format!(
            "warning: {} of the scene's pictures have transparent pixels, which are shown as if \
             they were not: {} ...",
            scene.pictures.transparent.len(),
            first.display()
        ));
    }
}
