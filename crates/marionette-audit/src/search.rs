//! The search: draw, ask the model, judge, turn to what fails.

use crate::{
    AuditError,
    folder::Folder,
    plan::BATCH,
    row::{Found, Judge, Row},
    steer::{Steering, density},
};
use bevy::app::App;
use image::RgbImage;
use marionette_models::{Model, ModelError, Place};
use marionette_physics::Solvability;
use marionette_render::{RendererConfig, render_samples, sampler};
use marionette_scene::Scene;
use marionette_stream::{SceneSample, Tile};
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// What draws pictures and asks the model.
pub struct Studio<'a> {
    /// A renderer's app.
    pub app: &'a mut App,
    /// How it was made.
    pub config: RendererConfig,
    /// The scene, in the size of the pictures.
    pub scene: &'a Scene,
    /// The model.
    pub model: &'a Model,
    /// Which keypoints it knows.
    pub known: Vec<bool>,
    /// The model that it is compared with.
    pub rival: Option<&'a Model>,
    /// What they are judged by.
    pub judge: Judge<'a>,
}

impl Studio<'_> {
    /// Draws samples and has the models judged on each: the pictures, and what is kept of them.
    /// `densities` are as in [`Row`]; the first picture is number `first`.
    ///
    /// # Errors
    /// If the device or the model fails.
    pub fn judge(
        &mut self,
        samples: &[SceneSample],
        densities: &[f64],
        first: u64,
    ) -> Result<(Vec<Tile>, Vec<Row>), AuditError> {
        let tiles = render_samples(self.app, self.config, &self.scene.figure, samples)?;
        let pictures: Vec<RgbImage> = tiles.par_iter().map(picture).collect();
        let boxes: Vec<[f32; 4]> = tiles.iter().map(Tile::box_in_image).collect();
        // No more pictures at once than a command has its time for.
        let find = |model: &Model| -> Result<Vec<Vec<Place>>, ModelError> {
            let parts = pictures.chunks(BATCH).zip(boxes.chunks(BATCH));
            let found = parts.map(|(pictures, boxes)| model.find(pictures, boxes));
            Ok(found.collect::<Result<Vec<_>, _>>()?.concat())
        };
        let found = find(self.model)?;
        let rival = self.rival.map(find).transpose()?;
        let rival_known = self.rival.map(Model::keypoints).unwrap_or_default();
        let row = |number: usize| {
            let own = Found { places: &found[number], known: &self.known };
            let rival = rival.as_ref();
            let rival = rival.map(|all| Found { places: &all[number], known: &rival_known });
            self.judge.row(&tiles[number], own, rival, first + number as u64, densities[number])
        };
        let rows = (0..tiles.len()).into_par_iter().map(row).collect();
        Ok((tiles, rows))
    }
}

/// A tile's picture.
fn picture(tile: &Tile) -> RgbImage {
    // There are three bytes for each of its pixels.
    RgbImage::from_raw(tile.width as u32, tile.height as u32, tile.rgb()).unwrap_or_default()
}

/// Draws and judges pictures until `folder` has all of its plan, or `stop` is set; `progress` hears
/// how many there are after each batch. Says whether it is whole.
///
/// # Errors
/// If the device, the model or the disk fails. What was judged is kept.
pub fn search(
    folder: &mut Folder,
    studio: &mut Studio,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64),
) -> Result<bool, AuditError> {
    let mut steering = Steering::new(folder.plan.uniform);
    folder.rows.chunks(BATCH).for_each(|batch| steering.add(batch));
    let (seed, images) = (folder.plan.sample_seed(), folder.plan.images);
    let steered = studio.scene.axes.each_ref().map(|axis| axis.steered);
    let solvability = Solvability::new(studio.scene.figure.clone());
    while (folder.rows.len() as u64) < images {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let first = folder.rows.len() as u64;
        let policy = steering.policy();
        let sampler = sampler(studio.scene);
        let samples: Vec<SceneSample> = (first..images.min(first + BATCH as u64))
            .into_par_iter()
            .map(|index| {
                solvability
                    .first_solvable(index, |attempt| sampler.sample(&policy, seed, index, attempt))
            })
            .collect::<Result<_, _>>()?;
        let densities: Vec<f64> =
            samples.iter().map(|sample| density(&policy, &sample.hardness, &steered)).collect();
        let (_, rows) = studio.judge(&samples, &densities, first + 1)?;
        steering.add(&rows);
        for row in rows {
            folder.add(row)?;
        }
        progress(folder.rows.len() as u64);
    }
    Ok(true)
}
