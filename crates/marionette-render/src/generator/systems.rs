//! The generator's systems, one for each step of an update.

use super::config::{GeneratorConfig, GeneratorError};
use crate::{
    error::RenderError,
    frame::{DrawnFrames, Frame, FrameToDraw},
    labels::label_frame,
    sampler::sampler,
};
use bevy::prelude::*;
use marionette_physics::{Solvability, Unsolvable};
use marionette_scene::Scene;
use marionette_stream::{Batch, GeneratorEnd, Policy, SceneSample};
use rand::Rng;
use std::{sync::Arc, time::Duration};

/// One tile of the batch.
#[derive(Component)]
pub struct TileSlot {
    /// Its place in the batch.
    pub slot: usize,
}

/// The sample that a tile shows in the batch being made.
#[derive(Component, Default)]
pub struct TileSample(Option<Result<SceneSample, Unsolvable>>);

/// The scene that samples come from, and the judge that accepts them.
#[derive(Resource)]
pub struct Source {
    pub scene: Arc<Scene>,
    pub solvability: Solvability,
}

/// The channel to the trainer.
#[derive(Resource)]
pub struct Stream(pub GeneratorEnd);

/// How far the generator has come.
#[derive(Resource)]
pub struct Progress {
    next: u64,
    end: u64,
    /// Batches handed to the renderer that have not come back.
    drawing: u64,
}

impl Progress {
    pub fn new(config: GeneratorConfig) -> Self {
        Progress { next: config.first_batch, end: config.end_batch, drawing: 0 }
    }
}

/// The batch being made in this update: its index and its policy.
#[derive(Resource, Default)]
pub struct Task(Option<(u64, Arc<Policy>)>);

/// Set once there is nothing more to do: the last batch is sent, the trainer has gone, or something
/// failed.
#[derive(Resource, Default)]
pub struct Outcome(pub Option<Result<(), GeneratorError>>);

/// Labels and sends what the renderer has finished.
pub fn deliver(
    drawn: Res<DrawnFrames>,
    source: Res<Source>,
    stream: Res<Stream>,
    mut progress: ResMut<Progress>,
    mut outcome: ResMut<Outcome>,
) {
    for frame in drawn.0.try_iter() {
        match frame {
            Err(message) => outcome.0 = Some(Err(RenderError::Device(message).into())),
            Ok(frame) => {
                progress.drawing -= 1;
                let batch = Batch {
                    index: frame.frame.tag,
                    tiles: label_frame(&source.scene.figure, frame),
                };
                if stream.0.send(batch).is_err() {
                    outcome.0 = Some(Ok(()));
                }
            }
        }
    }
    if progress.next == progress.end && progress.drawing == 0 {
        outcome.0.get_or_insert(Ok(()));
    }
}

/// Takes the next batch's policy. If it is not there yet, this update delivers the batches that are
/// still being drawn: the trainer may be waiting for just those.
pub fn take_policy(
    stream: Res<Stream>,
    mut progress: ResMut<Progress>,
    mut task: ResMut<Task>,
    mut outcome: ResMut<Outcome>,
) {
    task.0 = None;
    if outcome.0.is_some() || progress.next == progress.end {
        return;
    }
    let policy = if progress.drawing > 0 {
        stream.0.try_policy()
    } else {
        // Short enough to notice soon that the trainer has gone, long enough to cost nothing.
        stream.0.wait_policy(Duration::from_millis(100))
    };
    match policy {
        Ok(Some(policy)) => {
            task.0 = Some((progress.next, policy));
            progress.next += 1;
        }
        Ok(None) => {}
        Err(_) => outcome.0 = Some(Ok(())),
    }
}

/// Samples every tile's scene and lets it settle, on all of Bevy's threads. A sample is a pure
/// function of seed, index and policy, so it does not matter which thread makes which.
pub fn sample_tiles(
    task: Res<Task>,
    source: Res<Source>,
    config: Res<GeneratorConfig>,
    mut tiles: Query<(&TileSlot, &mut TileSample)>,
) {
    let Some((batch, policy)) = &task.0 else { return };
    if config.jitter_ms > 0 {
        // The operating system's own randomness: these pauses must not repeat.
        std::thread::sleep(Duration::from_millis(rand::rng().random_range(0..=config.jitter_ms)));
    }
    tiles.par_iter_mut().for_each(|(tile, mut sample)| {
        let index = batch * config.batch as u64 + tile.slot as u64;
        sample.0 = Some(source.solvability.first_solvable(index, |attempt| {
            sampler(&source.scene).sample(policy, config.seed, index, attempt)
        }));
    });
}

/// Hands the tiles' samples to the renderer, in the order of their slots.
pub fn collect_tiles(
    task: Res<Task>,
    mut tiles: Query<(&TileSlot, &mut TileSample)>,
    mut frame: ResMut<FrameToDraw>,
    mut progress: ResMut<Progress>,
    mut outcome: ResMut<Outcome>,
) {
    let Some((batch, _)) = &task.0 else { return };
    let mut samples: Vec<(usize, Result<SceneSample, Unsolvable>)> = tiles
        .iter_mut()
        .filter_map(|(tile, mut sample)| Some((tile.slot, sample.0.take()?)))
        .collect();
    samples.sort_by_key(|(slot, _)| *slot);
    match samples.into_iter().map(|(_, sample)| sample).collect::<Result<Vec<_>, _>>() {
        Ok(samples) => {
            progress.drawing += 1;
            frame.0 = Some(Frame { tag: *batch, samples: Arc::new(samples) });
        }
        Err(unsolvable) => outcome.0 = Some(Err(unsolvable.into())),
    }
}
