//! The generator's app: the order of its systems, and the loop that runs them.

use super::{
    config::{GeneratorConfig, GeneratorError},
    systems::{self, Outcome, TileSample, TileSlot},
};
use crate::{
    adapter::AdapterReport,
    app::{headless_app, update},
    error::RenderError,
    frame::RendererConfig,
};
use bevy::prelude::*;
use marionette_physics::Solvability;
use marionette_scene::Scene;
use marionette_stream::GeneratorEnd;
use std::sync::Arc;

/// The steps of an update, in order. The renderer's own steps follow in the render world.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// Batches that the renderer has finished are labelled and sent.
    Deliver,
    /// The next batch's policy is taken, or waited for.
    TakePolicy,
    /// Every tile samples its scene and lets it settle.
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

/// The app that will draw the batches of `config`. Exams can be drawn with it before it is handed
/// to [`run`].
///
/// # Errors
/// If there is no adapter, or if it cannot draw such batches.
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

/// Makes batches with an `app` from [`renderer`] until the last one has been sent or the trainer
/// has gone. It runs on the calling thread; give it a thread of its own.
///
/// # Errors
/// If the renderer fails, or if no solvable sample is found. The batches sent so far are good.
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
