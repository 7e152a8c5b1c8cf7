//! What the window remembers from one time to the next, in `window.json`.

use marionette_base::{atomic_file::write_atomic, json_file::json_text};
use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf};

/// The panels, in the order of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Panel {
    /// One figure, large.
    Stage,
    /// The tiles being trained on.
    #[default]
    Batch,
    /// The run's curves.
    Curves,
    /// The axes' distributions and the reasons for them.
    Curriculum,
    /// Samples by how they fared.
    Gallery,
    /// The controls, and those that were applied.
    Controls,
}

impl Panel {
    /// All of them.
    pub const ALL: [Panel; 6] = [
        Panel::Stage,
        Panel::Batch,
        Panel::Curves,
        Panel::Curriculum,
        Panel::Gallery,
        Panel::Controls,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        ["Stage", "Batch", "Curves", "Curriculum", "Gallery", "Controls"][self as usize]
    }
}

/// What is drawn over the picture on the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overlays {
    /// The skeleton between the labelled keypoints.
    pub skeleton: bool,
    /// The labelled keypoints: visible ones as discs, covered ones as rings.
    pub keypoints: bool,
    /// The body parts in colours.
    pub ids: bool,
    /// The depth.
    pub depth: bool,
    /// The figure's boxes.
    pub boxes: bool,
    /// The colliders of the physics and the visibility rays.
    pub colliders: bool,
    /// The network's prediction.
    pub prediction: bool,
}

impl Default for Overlays {
    fn default() -> Self {
        Overlays {
            skeleton: true,
            keypoints: true,
            ids: false,
            depth: false,
            boxes: false,
            colliders: false,
            prediction: true,
        }
    }
}

/// What the window remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layout {
    /// The panel that is open.
    pub panel: Panel,
    /// Dark rather than light.
    pub dark: bool,
    /// Size of everything, relative to what the display asks for.
    pub zoom: f32,
    /// Width and height of the window, logical pixels.
    pub window: [f32; 2],
    /// Overlays on the stage.
    pub overlays: Overlays,
    /// Overlays on the batch's tiles: ground truth, prediction.
    pub marks: [bool; 2],
    /// Logarithmic curves.
    pub logarithmic: bool,
    /// Smoothing of curves: the share of the past in each value, 0 to 0.99.
    pub smoothing: f32,
    /// The hint for new users has been read.
    pub hint_read: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Layout {
            panel: Panel::Batch,
            dark: true,
            zoom: 1.0,
            window: [1280.0, 720.0],
            overlays: Overlays::default(),
            marks: [true, true],
            logarithmic: false,
            smoothing: 0.6,
            hint_read: false,
        }
    }
}

impl Layout {
    /// The remembered layout, with senseless values corrected. The defaults where there is none or
    /// the file cannot be read.
    pub fn load() -> Self {
        let text = path().and_then(|path| fs::read(path).ok()).unwrap_or_default();
        serde_json::from_slice::<Layout>(&text).unwrap_or_default().sensible()
    }

    fn sensible(mut self) -> Self {
        let within = |value: f32, low: f32, high: f32, otherwise: f32| {
            if value.is_finite() { value.clamp(low, high) } else { otherwise }
        };
        self.zoom = within(self.zoom, 0.5, 3.0, 1.0);
        self.smoothing = within(self.smoothing, 0.0, 0.99, 0.6);
        self.window = [
            within(self.window[0], 640.0, 16_000.0, 1280.0),
            within(self.window[1], 360.0, 16_000.0, 720.0),
        ];
        self
    }

    /// Saves the layout. If that fails, nothing is reported: the window works without.
    pub fn save(&self) {
        let Some(path) = path() else { return };
        if let (Some(folder), Ok(text)) = (path.parent(), json_text(self)) {
            let _ = fs::create_dir_all(folder);
            let _ = write_atomic(&path, text.as_bytes());
        }
    }
}

/// `window.json` in the folder `MARIONETTE_CONFIG`, else in `marionette` in the system's folder for
/// configurations.
fn path() -> Option<PathBuf> {
    let variable =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("MARIONETTE_CONFIG").or_else(|| {
        let folder =
            variable("XDG_CONFIG_HOME").or_else(|| Some(variable("HOME")?.join(".config")));
        Some(folder.or_else(|| variable("APPDATA"))?.join("marionette"))
    });
    Some(folder?.join("window.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senseless_values_are_corrected() {
        let odd: Layout = serde_json::from_str(
            r#"{"zoom": 1e9, "window": [0.0, -5.0], "smoothing": 2.0, "panel": "curves"}"#,
        )
        .unwrap();
        let layout = odd.sensible();
        assert_eq!((layout.zoom, layout.window, layout.smoothing), (3.0, [640.0, 360.0], 0.99));
        assert_eq!((layout.panel, layout.dark), (Panel::Curves, true));
        assert_eq!(Layout::default().sensible(), Layout::default());
    }
}
