//! The generator's app: the order of its systems, and the loop that runs them.

use super::{
    config::{GeneratorConfig, GeneratorError, Panicked},
    labeller::Labeller,
    pool::SamplePool,
    systems::{self, Labels, Outcome},
};
use crate::{
    adapter::AdapterReport,
    app::{headless_app, update},
    error::RenderError,
    frame::RendererConfig,
};
use bevy::prelude::*;
use marionette_scene::Scene;
use marionette_stream::GeneratorEnd;
use std::sync::Arc;

/// The steps of an update, in order. The renderer's own steps follow in the render world.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// Batches that the renderer has finished are handed on, to be labelled and sent.
    Deliver,
    /// Batches are asked for, one with every policy that is there.
    TakePolicies,
    /// The oldest batch's samples are handed to the renderer.
    Collect,
}

/// Builds the generator's app around the renderer's.
fn build(
    app: &mut App,
    scene: Arc<Scene>,
    config: GeneratorConfig,
    stream: GeneratorEnd,
) -> Result<(), GeneratorError> {
    let stream = Arc::new(stream);
    let labeller = Labeller::new(scene.figure.clone(), stream.clone())?;
    let pool = SamplePool::new(scene, config.pool)?;
    app.insert_resource(Labels(labeller))
        .insert_resource(systems::Samples(pool))
        .insert_resource(systems::Stream(stream))
        .insert_resource(systems::Progress::new(config))
        .init_resource::<Outcome>()
        .configure_sets(Update, (Step::Deliver, Step::TakePolicies, Step::Collect).chain())
        .add_systems(
            Update,
            (
                systems::deliver.in_set(Step::Deliver),
                systems::take_policies.in_set(Step::TakePolicies),
                systems::collect.in_set(Step::Collect),
            ),
        );
    Ok(())
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
        tiles: config.pool.batch,
        width: scene.image.width,
        height: scene.image.height,
        threads: config.pool.threads,
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
    build(&mut app, scene, config, stream)?;
    let outcome = loop {
        if let Err(error) = update(&mut app) {
            break Err(error.into());
        }
        if let Some(outcome) = app.world_mut().resource_mut::<Outcome>().0.take() {
            break outcome;
        }
    };
    let labels = app.world_mut().remove_resource::<Labels>();
    let labelled = labels.map_or(Ok(()), |labels| labels.0.finish());
    outcome.and(labelled.map_err(|Panicked| GeneratorError::Panic))
}
