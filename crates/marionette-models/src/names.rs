//! Which of a model's keypoints are the figure's.

use crate::{error::ModelError, model::Place};
use marionette_figure::KeypointScheme;

/// Which of the figure's keypoints each of a model's is.
#[derive(Clone, Debug)]
pub struct Names {
    /// For each of the figure's keypoints the model's of that name.
    theirs: Vec<Option<usize>>,
}

impl Names {
    /// A model whose keypoints are the figure's.
    pub fn same(count: usize) -> Self {
        Names { theirs: (0..count).map(Some).collect() }
    }

    /// A model, called `model` in messages, with these keypoints. Where two have the name of one
    /// of the figure's, the first counts.
    ///
    /// # Errors
    /// If none has.
    pub fn matched(
        model: &str,
        names: &[String],
        scheme: &KeypointScheme,
    ) -> Result<Self, ModelError> {
        let mut theirs = vec![None; scheme.names.len()];
        for (place, name) in names.iter().enumerate() {
            if let Some(own) = scheme.named(name) {
                theirs[own].get_or_insert(place);
            }
        }
        if theirs.iter().all(Option::is_none) {
            return Err(ModelError::NoneShared {
                model: model.to_owned(),
                theirs: listed(names),
                figures: listed(&scheme.names),
            });
        }
        Ok(Names { theirs })
    }

    /// For each of the figure's keypoints, whether the model knows it.
    pub fn known(&self) -> Vec<bool> {
        self.theirs.iter().map(Option::is_some).collect()
    }

    /// The figure's keypoints out of all that the model gives.
    pub fn pick(&self, all: &[Place]) -> Vec<Place> {
        let pick = |place: &Option<usize>| place.and_then(|place| all.get(place).copied());
        self.theirs.iter().map(|place| pick(place).unwrap_or(Place::NONE)).collect()
    }

    /// What a model gives that finds nobody.
    pub fn nobody(&self) -> Vec<Place> {
        vec![Place::NONE; self.theirs.len()]
    }
}

/// Names for a message, the first twenty of them.
pub fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 20 {
        text.push_str(", ...");
    }
    text
}
