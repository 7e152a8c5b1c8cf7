//! What the stage asks for, and the pictures that come back.

use super::samples::View;
use marionette_stream::{Hardness, SceneSample, Tile};
use marionette_train::trainer::Prediction;
use std::{sync::Arc, time::Duration};

/// The sample that a picture is to show.
#[derive(Clone, Debug)]
pub enum StageSource {
    /// A sample at a hardness that the user has set.
    Posed {
        /// Its index in the run's stream.
        index: u64,
        /// Its hardness.
        hardness: Hardness,
    },
    /// A sample as the run has trained on it.
    Sample(Arc<SceneSample>),
}

/// A request for a picture.
#[derive(Clone)]
pub struct StageRequest {
    /// The request's number, which the picture carries too.
    pub number: u64,
    /// The sample to show.
    pub source: StageSource,
    /// The view of it.
    pub view: View,
    /// Whether to render it with each axis at zero as well.
    pub explain: bool,
}

impl StageRequest {
    /// This request in the place of `older`. If the older one asked for an explanation of the same
    /// sample, this one asks for it too: turning the view must not lose it.
    pub fn after(self, older: &StageRequest) -> StageRequest {
        let same_sample = matches!(
            (&older.source, &self.source),
            (StageSource::Sample(a), StageSource::Sample(b)) if Arc::ptr_eq(a, b)
        );
        StageRequest { explain: self.explain || (older.explain && same_sample), ..self }
    }
}

/// A sample as it is, or with one axis at zero.
#[derive(Clone)]
pub struct AxisAblation {
    /// The picture at the network's input size.
    pub tile: Tile,
    /// The network's prediction for it.
    pub prediction: Result<Prediction, String>,
}

/// A picture for the stage.
pub struct StagePicture {
    /// The request's number.
    pub number: u64,
    /// The picture, large, with its labels.
    pub large: Tile,
    /// The same picture at the network's input size.
    pub input: Tile,
    /// The network's prediction for it.
    pub prediction: Result<Prediction, String>,
    /// The sample as it is, then with each axis at zero. Empty unless the request asked for it.
    pub ablations: Vec<AxisAblation>,
    /// The time that it took.
    pub took: Duration,
}
