//! From tiles to what the network takes, flipped where the dice say so.

use crate::{
    figure::Figure,
    model::{ModelSpec, detect::normalise},
    random,
    stream::{Batch, Visibility},
};
use candle_core::{Device, Tensor};
use rand::Rng;
use rayon::prelude::*;

/// A batch as the network sees it.
pub struct Input {
    /// [B, 3, H, W], normalised.
    pub images: Tensor,
    /// [B, K] keypoints, image pixels, flipped along with the image.
    pub keypoints: Vec<[f32; 2]>,
    /// [B, K] visibility, flipped along with the image.
    pub visibility: Vec<Visibility>,
    /// [B] which samples were flipped.
    pub flipped: Vec<bool>,
}

impl Input {
    /// Prepares `batch` for a network of `spec`, on `device`. Whether a sample is flipped depends on (seed, sample) alone.
    ///
    /// # Errors
    /// If the device cannot hold the batch.
    pub fn new(
        batch: &Batch,
        figure: &Figure,
        spec: &ModelSpec,
        flip: bool,
        seed: u64,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let twins = figure.keypoint_twins();
        let flipped: Vec<bool> = batch
            .tiles
            .iter()
            .map(|tile| flip && random::stream(seed, tile.scene.index, 0, "train/flip").random::<bool>())
            .collect();
        let pixels = spec.input_width * spec.input_height;
        let mut images = vec![0f32; batch.tiles.len() * 3 * pixels];
        images.par_chunks_mut(3 * pixels).zip(&batch.tiles).zip(&flipped).for_each(|((image, tile), flipped)| {
            normalise(&tile.color, spec, *flipped, image);
        });
        let mut keypoints = Vec::with_capacity(batch.tiles.len() * twins.len());
        let mut visibility = Vec::with_capacity(keypoints.capacity());
        for (tile, flipped) in batch.tiles.iter().zip(&flipped) {
            for (k, twin) in twins.iter().enumerate() {
                let labelled = &tile.labels.keypoints[if *flipped { *twin } else { k }];
                let [x, y] = labelled.pixel.to_array();
                keypoints.push(if *flipped { [tile.width as f32 - x, y] } else { [x, y] });
                visibility.push(labelled.visibility);
            }
        }
        let shape = (batch.tiles.len(), 3, spec.input_height, spec.input_width);
        Ok(Input { images: Tensor::from_vec(images, shape, device)?, keypoints, visibility, flipped })
    }

    /// [B, K] which keypoints have a label to learn from: covered ones do, those outside do not.
    pub fn labelled(&self) -> Vec<bool> {
        self.visibility.iter().map(|v| *v != Visibility::Outside).collect()
    }
}
