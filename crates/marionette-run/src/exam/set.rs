//! The images of an exam, with the labels that they are graded by.

use super::{Exam, ExamError};
use bevy::app::App;
use marionette_physics::Solvability;
use marionette_render::{RendererConfig, render_samples, sampler};
use marionette_scene::Scene;
use marionette_stream::{Hardness, SceneSample, Tile, Visibility};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// The images of an exam, with the labels that they are graded by.
#[derive(Clone, Debug, PartialEq)]
pub struct ExamSet {
    /// Which exam it is.
    pub exam: Exam,
    /// Width and height of an image, pixels.
    pub size: [usize; 2],
    /// Keypoints per image.
    pub keypoints_per_image: usize,
    /// sRGB colour, three bytes a pixel, image after image.
    pub colors: Vec<u8>,
    /// Keypoints, image pixels, image after image.
    pub keypoints: Vec<[f32; 2]>,
    /// Which keypoints are in the image, seen or covered.
    pub labelled: Vec<bool>,
    /// Torso length of each image's figure, pixels, projected from 3D.
    pub torsos: Vec<f32>,
    /// Box (x, y, width, height) around each image's figure, as if nothing covered it, cut off at
    /// the image's border; pixels.
    pub boxes: Vec<[f32; 4]>,
    /// Pixels of the figure that are seen.
    pub areas: Vec<f32>,
    /// Requested hardness of each image.
    pub hardness: Vec<Hardness>,
}

impl ExamSet {
    /// How many images there are.
    pub fn len(&self) -> usize {
        self.torsos.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.torsos.is_empty()
    }

    /// The pixels of each image.
    pub fn images(&self) -> Vec<&[u8]> {
        self.colors.chunks_exact(3 * self.size[0] * self.size[1]).collect()
    }

    /// SHA-256 over images and labels: two results compare only where this is the same.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.colors);
        for values in
            [self.keypoints.as_flattened(), &self.torsos, self.boxes.as_flattened(), &self.areas]
        {
            hash.update(bytemuck::cast_slice::<f32, u8>(values));
        }
        hash.update(self.labelled.iter().map(|labelled| u8::from(*labelled)).collect::<Vec<_>>());
        hash.update(bytemuck::cast_slice::<f32, u8>(self.hardness.as_flattened()));
        format!("{:x}", hash.finalize())
    }

    fn new(exam: Exam, tiles: &[Tile]) -> Self {
        let size = tiles.first().map_or([0, 0], |tile| [tile.width, tile.height]);
        let keypoints = || tiles.iter().flat_map(|tile| &tile.labels.keypoints);
        ExamSet {
            exam,
            size,
            keypoints_per_image: tiles.first().map_or(0, |tile| tile.labels.keypoints.len()),
            colors: tiles.iter().flat_map(Tile::rgb).collect(),
            keypoints: keypoints().map(|keypoint| keypoint.pixel.to_array()).collect(),
            labelled: keypoints()
                .map(|keypoint| keypoint.visibility != Visibility::Outside)
                .collect(),
            torsos: tiles.iter().map(|tile| tile.labels.torso).collect(),
            boxes: tiles.iter().map(Tile::box_in_image).collect(),
            areas: tiles.iter().map(|tile| tile.labels.mask_area as f32).collect(),
            hardness: tiles.iter().map(|tile| tile.scene.hardness).collect(),
        }
    }
}

/// Renders the first `images` images of `exam` with an app made by
/// [`marionette_render::headless_app`] with `config`.
///
/// # Errors
/// Where the scene asks for what cannot be, or the device fails.
pub fn render_exam(
    app: &mut App,
    config: RendererConfig,
    scene: &Scene,
    exam: Exam,
    images: usize,
) -> Result<ExamSet, ExamError> {
    let seed = exam_seed(scene);
    let solvability = Solvability::new(scene.figure.clone());
    let samples: Vec<SceneSample> = (0..images as u64)
        .into_par_iter()
        .map(|index| {
            let hardness = exam.hardness(seed, index);
            solvability.first_solvable(index, |attempt| {
                sampler(scene).sample_at(hardness, seed, index, attempt)
            })
        })
        .collect::<Result<_, _>>()
        .map_err(|source| ExamError::Unsolvable { exam: exam.name(), source })?;
    Ok(ExamSet::new(exam, &render_samples(app, config, &scene.figure, &samples)?))
}

/// The seed that a scene's exams are drawn from. It belongs to the scene's name, and lies above all
/// seeds that a run can have, so no run ever draws an exam's samples.
fn exam_seed(scene: &Scene) -> u64 {
    let digest = Sha256::digest(format!("exams of {}", scene.name));
    let mut seed = [0; 8];
    seed.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(seed) | 1 << 63
}
