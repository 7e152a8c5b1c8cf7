//! From tiles to what the network takes, flipped where the dice say so.

use super::Flips;
use crate::{
    figure::Figure,
    model::{ModelSpec, detect::normalise},
    random,
    stream::{Batch, Tile, Visibility},
};
use candle_core::{Device, Tensor};
use rand::Rng;
use rayon::prelude::*;

/// A batch as the network sees it: a row for each tile, and where every sample is mirrored, then one more for each.
pub struct Input {
    /// [R, 3, H, W], normalised.
    pub images: Tensor,
    /// [R, K] keypoints, image pixels, flipped along with the image.
    pub keypoints: Vec<[f32; 2]>,
    /// [R, K] visibility, flipped along with the image.
    pub visibility: Vec<Visibility>,
    /// [R] which rows were flipped.
    pub flipped: Vec<bool>,
}

impl Input {
    /// Prepares `batch` for a network of `spec`, on `device`. Whether a row is flipped depends on (seed, sample) alone.
    ///
    /// # Errors
    /// If the device cannot hold the batch.
    pub fn new(
        batch: &Batch,
        figure: &Figure,
        spec: &ModelSpec,
        flips: Flips,
        seed: u64,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let twins = figure.keypoint_twins();
        let dice = |tile: &Tile| random::stream(seed, tile.scene.index, 0, "train/flip").random::<bool>();
        let mut flipped: Vec<bool> = batch.tiles.iter().map(|tile| flips != Flips::None && dice(tile)).collect();
        if flips == Flips::Both {
            flipped.extend_from_within(..);
            flipped[batch.tiles.len()..].iter_mut().for_each(|flipped| *flipped = !*flipped);
        }
        let rows = || flipped.iter().zip(batch.tiles.iter().cycle());
        let pixels = spec.input_width * spec.input_height;
        let mut images = vec![0f32; flipped.len() * 3 * pixels];
        let tiles: Vec<(&bool, &Tile)> = rows().collect();
        images.par_chunks_mut(3 * pixels).zip(&tiles).for_each(|(image, (flipped, tile))| {
            normalise(&tile.color, spec, **flipped, image);
        });
        let mut keypoints = Vec::with_capacity(flipped.len() * twins.len());
        let mut visibility = Vec::with_capacity(keypoints.capacity());
        for (flipped, tile) in rows() {
            for (k, twin) in twins.iter().enumerate() {
                let labelled = &tile.labels.keypoints[if *flipped { *twin } else { k }];
                let [x, y] = labelled.pixel.to_array();
                keypoints.push(if *flipped { [tile.width as f32 - x, y] } else { [x, y] });
                visibility.push(labelled.visibility);
            }
        }
        let shape = (flipped.len(), 3, spec.input_height, spec.input_width);
        Ok(Input { images: Tensor::from_vec(images, shape, device)?, keypoints, visibility, flipped })
    }

    /// [R, K] which keypoints have a label to learn from: covered ones do, those outside do not.
    pub fn labelled(&self) -> Vec<bool> {
        self.visibility.iter().map(|v| *v != Visibility::Outside).collect()
    }
}
