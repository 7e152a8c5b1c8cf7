//! The generator: the headless Bevy app that turns policies into labelled batches.
//!
//! Every tile of a batch is an entity. One update takes a policy, draws the tiles' samples, hands
//! them to the renderer, and labels and sends the batch that the renderer has finished meanwhile;
//! the order of the systems is declared in `build` and nowhere else.

mod systems;

use crate::{AdapterReport, RenderError, RendererConfig, headless_app, update};
use bevy::prelude::*;
use marionette_physics::{Solvability, Unsolvable};
use marionette_scene::Scene;
use marionette_stream::GeneratorEnd;
use std::sync::Arc;
use systems::{Outcome, TileSample, TileSlot};

/// What can go wrong while batches are made.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// The renderer failed.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The scene asks for what cannot be.
    #[error(transparent)]
    Unsolvable(#[from] Unsolvable),
    /// The generator's thread panicked: a fault in this program.
    #[error(
        "the generator failed unexpectedly; the checkpoints hold the run up to the last of them"
    )]
    Panic,
}

/// Which batches to make, and how.
#[derive(Resource, Clone, Copy, Debug)]
pub struct GeneratorConfig {
    /// The run's seed.
    pub seed: u64,
    /// The first batch to make.
    pub first_batch: u64,
    /// One past the last batch to make.
    pub end_batch: u64,
    /// Samples a batch.
    pub batch: usize,
    /// Threads to sample and settle with.
    pub threads: usize,
    /// Longest random pause before each batch, milliseconds; 0 for none. Only there to show that
    /// timing changes nothing.
    pub jitter_ms: u64,
}

/// The steps of an update, in order. The renderer's own steps follow in the render world.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// Batches that the renderer has finished are labelled and sent.
    Deliver,
    /// The next batch's policy is taken, or waited for.
    TakePolicy,
    /// Every tile draws its sample and settles it.
    Sample,
    /// The samples are handed to the renderer.
    Collect,
}

/// Builds the generator's app around the renderer's.
fn build(app: &mut App, scene: Arc<Scene>, config: GeneratorConfig, stream: GeneratorEnd) {
    app.insert_resource(config)
        .insert_resource(systems::Source {
            solvability: Solvability::new(scene.figure.clone()),
            scene,
        })
        .insert_resource(systems::Stream(stream))
        .insert_resource(systems::Progress::new(config))
        .init_resource::<systems::Task>()
        .init_resource::<Outcome>()
        .configure_sets(
            Update,
            (Step::Deliver, Step::TakePolicy, Step::Sample, Step::Collect).chain(),
        )
        .add_systems(
            Update,
            (
                systems::deliver.in_set(Step::Deliver),
                systems::take_policy.in_set(Step::TakePolicy),
                systems::sample_tiles.in_set(Step::Sample),
                systems::collect_tiles.in_set(Step::Collect),
            ),
        );
    app.world_mut()
        .spawn_batch((0..config.batch).map(|slot| (TileSlot { slot }, TileSample::default())));
}

/// The app that draws the batches of `config`, before it is told what to draw: exams can be drawn
/// with it first.
///
/// # Errors
/// Where there is no adapter or it cannot draw such batches.
pub fn renderer(
    scene: &Scene,
    config: GeneratorConfig,
) -> Result<(App, RendererConfig, AdapterReport), RenderError> {
    let renderer = RendererConfig {
        tiles: config.batch,
        width: scene.image.width,
        height: scene.image.height,
        threads: config.threads,
    };
    let (app, adapter) = headless_app(renderer, &scene.pictures)?;
    Ok((app, renderer, adapter))
}

/// Makes batches with an `app` from [`renderer`] until the last has been sent or the trainer has
/// gone. Runs on the calling thread, which should be its own.
///
/// # Errors
/// Where the renderer fails or a sample cannot be drawn. The batches sent so far are good.
pub fn run(
    mut app: App,
    scene: Arc<Scene>,
    config: GeneratorConfig,
    stream: GeneratorEnd,
) -> Result<(), GeneratorError> {
    build(&mut app, scene, config, stream);
    loop {
        update(&mut app)?;
        match app.world_mut().resource_mut::<Outcome>().0.take() {
            None => {}
            Some(outcome) => return outcome,
        }
    }
}
