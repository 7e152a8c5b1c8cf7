//! What `predictions.json` holds.

use super::camera::Camera;
use serde::Serialize;

/// All of it.
#[derive(Serialize)]
pub struct Predictions {
    pub model: Model,
    pub images: Vec<Found>,
}

/// What says which network it was.
#[derive(Serialize)]
pub struct Model {
    pub weights: String,
    pub flip_test: bool,
    /// Frames a second of the video that the pictures are of, if they are: keypoints are smoothed
    /// over time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_frames: Option<f64>,
    pub network: String,
    pub input: [usize; 2],
    pub figure: String,
    pub scene: String,
    pub seed: u64,
    pub step: u64,
}

/// What was found in one picture.
#[derive(Serialize)]
pub struct Found {
    pub file: String,
    /// The picture with its keypoints drawn in; none with `--no-overlays`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
    pub width: u32,
    pub height: u32,
    pub people: Vec<FoundPerson>,
}

/// A person in a picture.
#[derive(Serialize)]
pub struct FoundPerson {
    /// Theirs as it was found or given, or the whole picture.
    #[serde(rename = "box")]
    pub bbox: [f64; 4],
    /// What the network was shown.
    pub crop: [f64; 4],
    /// The mean of the keypoints'.
    pub score: f64,
    pub keypoints: Vec<Keypoint>,
    /// With `--pnp`: the camera, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<Camera>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera_error: Option<String>,
}

#[derive(Serialize)]
pub struct Keypoint {
    pub name: String,
    pub x: f64,
    pub y: f64,
    pub score: f64,
}

/// To thousandths: further digits say nothing.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
