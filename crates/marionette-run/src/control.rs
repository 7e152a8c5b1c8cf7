//! What somebody who watches a run may ask of it.

use crossbeam_channel::Sender;
use marionette_stream::{HardnessAxis, Tile};
use marionette_train::trainer::Prediction;
use std::path::PathBuf;

/// Something that a watcher asks of a run.
#[derive(Debug)]
pub enum Control {
    /// Stop before the next step until told otherwise.
    Pause,
    /// Go on.
    Resume,
    /// Take one step and stop again.
    Step,
    /// Write a checkpoint.
    Checkpoint,
    /// Take all exams.
    Exams,
    /// Write the weights and their card to this file.
    Export(PathBuf),
    /// Switch the steering of the axes on or off.
    Steering(bool),
    /// Set the exponent of the scores in the weights.
    Gamma(f64),
    /// Set the factor on the learning rate.
    RateFactor(f64),
    /// Hold an axis at these shares of its bins, or let it go.
    Lock(HardnessAxis, Option<Vec<f32>>),
    /// Predict on these tiles and send back what comes out; nothing is learned from them.
    Predict(Vec<Tile>, Sender<Result<Vec<Prediction>, String>>),
}
