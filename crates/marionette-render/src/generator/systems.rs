//! The generator's systems, one for each step of an update.

use super::{
    config::{GeneratorConfig, GeneratorError, Panicked},
    labeller::Labeller,
    pool::SamplePool,
};
use crate::{
    error::RenderError,
    frame::{DrawnFrames, Frame, FrameToDraw},
};
use bevy::prelude::*;
use marionette_stream::GeneratorEnd;
use std::{sync::Arc, time::Duration};

/// The threads that sample.
#[derive(Resource)]
pub struct Samples(pub SamplePool);

/// The thread that labels.
#[derive(Resource)]
pub struct Labels(pub Labeller);

/// The channel to the trainer.
#[derive(Resource)]
pub struct Stream(pub Arc<GeneratorEnd>);

/// How far the generator has come.
#[derive(Resource)]
pub struct Progress {
    /// The next batch to ask for.
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

/// Set once there is nothing more to draw: the last batch is drawn, the trainer has gone, or
/// something failed.
#[derive(Resource, Default)]
pub struct Outcome(pub Option<Result<(), GeneratorError>>);

/// Hands what the renderer has finished to the thread that labels and sends it.
pub fn deliver(
    drawn: Res<DrawnFrames>,
    labels: Res<Labels>,
    samples: Res<Samples>,
    mut progress: ResMut<Progress>,
    mut outcome: ResMut<Outcome>,
) {
    for frame in drawn.0.try_iter() {
        match frame {
            Err(message) => outcome.0 = Some(Err(RenderError::Device(message).into())),
            Ok(frame) => {
                progress.drawing -= 1;
                labels.0.label(frame);
            }
        }
    }
    let all = progress.next == progress.end && progress.drawing == 0 && samples.0.is_empty();
    if all || labels.0.has_ended() {
        outcome.0.get_or_insert(Ok(()));
    }
}

/// Asks for a batch with every policy that is there. If there is nothing else to do, it waits for
/// the next one.
pub fn take_policies(
    stream: Res<Stream>,
    samples: Res<Samples>,
    mut progress: ResMut<Progress>,
    mut outcome: ResMut<Outcome>,
) {
    while outcome.0.is_none() && progress.next < progress.end {
        // While batches are being made or drawn, this update goes on with them: the trainer may be
        // waiting for just those.
        let policy = if progress.drawing > 0 || !samples.0.is_empty() {
            stream.0.try_policy()
        } else {
            // Short enough to notice soon that the trainer has gone, long enough to cost nothing.
            stream.0.wait_policy(Duration::from_millis(100))
        };
        match policy {
            Ok(Some(policy)) => {
                samples.0.ask(progress.next, policy);
                progress.next += 1;
            }
            Ok(None) => return,
            Err(_) => outcome.0 = Some(Ok(())),
        }
    }
}

/// Hands the oldest batch's samples to the renderer once they are complete.
pub fn collect(
    samples: Res<Samples>,
    mut frame: ResMut<FrameToDraw>,
    mut progress: ResMut<Progress>,
    mut outcome: ResMut<Outcome>,
) {
    if outcome.0.is_some() {
        return;
    }
    // An update without a new frame waits for the frame that is being drawn; without either, this
    // waits, but not so long that a policy lies there unseen.
    let patience = Duration::from_millis(if progress.drawing > 0 { 0 } else { 2 });
    match samples.0.take(patience) {
        Ok(None) => {}
        Ok(Some((batch, Ok(samples)))) => {
            progress.drawing += 1;
            frame.0 = Some(Frame { tag: batch, samples: Arc::new(samples) });
        }
        Ok(Some((_, Err(unsolvable)))) => outcome.0 = Some(Err(unsolvable.into())),
        Err(Panicked) => outcome.0 = Some(Err(GeneratorError::Panic)),
    }
}
