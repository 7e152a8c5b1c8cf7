//! What a network takes and gives.

use serde::{Deserialize, Serialize};

/// What a network takes and gives; part of its model card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// The name it is built by.
    pub name: String,
    /// Number of heatmaps.
    pub keypoints: usize,
    /// Width of the input, pixels.
    pub input_width: usize,
    /// Height of the input, pixels.
    pub input_height: usize,
    /// Width of a heatmap, cells.
    pub heatmap_width: usize,
    /// Height of a heatmap, cells.
    pub heatmap_height: usize,
    /// Width and height of a heatmap cell, pixels.
    pub stride: usize,
    /// Subtracted from each colour channel (R, G, B in [0, 1]) when the input is made.
    pub mean: [f32; 3],
    /// Each colour channel is then divided by this.
    pub deviation: [f32; 3],
}

impl ModelSpec {
    /// Width and height of the input, pixels.
    pub fn input_size(&self) -> [u32; 2] {
        [self.input_width as u32, self.input_height as u32]
    }

    /// A network called `name` for square images of side `input` pixels.
    pub(super) fn square(name: &str, keypoints: usize, input: usize, stride: usize) -> Self {
        Self {
            name: name.to_owned(),
            keypoints,
            input_width: input,
            input_height: input,
            heatmap_width: input / stride,
            heatmap_height: input / stride,
            stride,
            mean: [0.5; 3],
            deviation: [0.25; 3],
        }
    }
}
