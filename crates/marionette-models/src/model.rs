//! The one door.

use crate::{
    command::{CommandModel, CommandOptions},
    error::ModelError,
    onnx::{OnnxModel, OnnxOptions},
    own::OwnModel,
};
use image::RgbImage;
use marionette_figure::KeypointScheme;
use marionette_train::eval::Detector;
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Where a model found a keypoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Continuous pixels of the picture, and finite; `None` if the model has no such keypoint or
    /// gives none.
    pub at: Option<[f32; 2]>,
    /// How sure the model says that it is: from 0 to 1 for networks of ours, on whatever scale for
    /// others.
    pub score: f32,
}

impl Place {
    /// Nowhere.
    pub const NONE: Place = Place { at: None, score: 0.0 };
}

/// A keypoint detector that somebody brought.
pub struct Model {
    source: Source,
    /// Whether it has found anything yet.
    answered: AtomicBool,
}

enum Source {
    Ours(Box<OwnModel>),
    Onnx(Box<OnnxModel>),
    Command(CommandModel),
}

impl Model {
    /// A network of ours, for a figure with the keypoints of `scheme`. It sees whole pictures, as
    /// exams do.
    ///
    /// # Errors
    /// If none of its keypoints is the figure's.
    pub fn ours(detector: Detector, scheme: &KeypointScheme) -> Result<Self, ModelError> {
        Ok(Self::new(Source::Ours(Box::new(OwnModel::new(detector, scheme)?))))
    }

    /// Whether the ONNX file at `path` says itself what it takes and gives, as ours and those of
    /// Ultralytics do.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn is_described(path: &Path) -> Result<bool, ModelError> {
        OnnxModel::is_described(path)
    }

    /// The ONNX file at `path`, for a figure with the keypoints of `scheme`; it is run in this
    /// process, and once here to see what it gives. What `options` do not say is taken from the
    /// file, and what was assumed is told by [`Model::notes`].
    ///
    /// # Errors
    /// If the file cannot be read or run, it is not known what it takes and gives, or none of its
    /// keypoints is the figure's.
    pub fn onnx(
        path: &Path,
        scheme: &KeypointScheme,
        options: &OnnxOptions,
    ) -> Result<Self, ModelError> {
        Ok(Self::new(Source::Onnx(Box::new(OnnxModel::load(path, scheme, options)?))))
    }

    /// A shell's command line with `{images}` and `{results}` in it, for a figure with the
    /// keypoints of `scheme`. It runs once for every call of [`Model::find`], with the rights of
    /// this program's user, where this program runs.
    ///
    /// `{images}` becomes a folder of pictures (`000001.png`, ...) and a COCO keypoints file,
    /// `annotations.json`, with one annotation for each: the figure's box, but no keypoints. To
    /// `{results}` the command writes COCO keypoint results as JSON, `[{"image_id": 1,
    /// "category_id": 1, "keypoints": [x, y, score, ...], "score": 0.9}, ...]`: the keypoints of
    /// `annotations.json` in their order, in COCO's pixels, all three numbers 0 for one that is not
    /// found. A command with keypoints of its own writes an object, `{"categories": [{"id": 1,
    /// "keypoints": ["nose", ...]}], "annotations": [...]}`. Of several results for one picture,
    /// that whose score times overlap (intersection over union) with the figure's box is greatest
    /// counts; a picture may have none.
    ///
    /// # Errors
    /// If the command lacks `{images}` or `{results}`, or this is not Unix.
    pub fn command(
        command: &str,
        scheme: &KeypointScheme,
        options: CommandOptions,
    ) -> Result<Self, ModelError> {
        Ok(Self::new(Source::Command(CommandModel::new(command, scheme, options)?)))
    }

    fn new(source: Source) -> Self {
        Model { source, answered: AtomicBool::new(false) }
    }

    /// For each of the figure's keypoints, whether the model knows it. Of a command that is not
    /// known beforehand, so all are taken for known.
    pub fn keypoints(&self) -> Vec<bool> {
        match &self.source {
            Source::Ours(own) => own.keypoints(),
            Source::Onnx(onnx) => onnx.keypoints(),
            Source::Command(command) => command.keypoints(),
        }
    }

    /// Width and height of what an ONNX file takes, pixels; the others take any picture, or say it
    /// themselves.
    pub fn input(&self) -> Option<[usize; 2]> {
        match &self.source {
            Source::Onnx(onnx) => Some(onnx.input()),
            Source::Ours(_) | Source::Command(_) => None,
        }
    }

    /// What was assumed of the model because nothing said it, a sentence each.
    pub fn notes(&self) -> &[String] {
        match &self.source {
            Source::Onnx(onnx) => onnx.notes(),
            Source::Ours(_) | Source::Command(_) => &[],
        }
    }

    /// The figure's keypoints in each of `pictures`. `boxes` are the true boxes of the figures in
    /// them, [left, top, width, height] in continuous pixels, for models that want them. Pictures
    /// in which the model finds nobody get nothing but `None`.
    ///
    /// # Errors
    /// If there is not one box for each picture, the model fails or gives what cannot be used, or
    /// it has found nothing in any picture yet.
    pub fn find(
        &self,
        pictures: &[RgbImage],
        boxes: &[[f32; 4]],
    ) -> Result<Vec<Vec<Place>>, ModelError> {
        if pictures.len() != boxes.len() {
            let (pictures, boxes) = (pictures.len(), boxes.len());
            return Err(ModelError::Boxes { pictures, boxes });
        }
        if pictures.is_empty() {
            return Ok(Vec::new());
        }
        let (found, name) = match &self.source {
            Source::Ours(own) => (own.find(pictures)?, String::new()),
            Source::Onnx(onnx) => (onnx.find(pictures, boxes)?, onnx.name()),
            Source::Command(command) => (command.find(pictures, boxes)?, command.name()),
        };
        if found.iter().flatten().any(|place| place.at.is_some()) {
            self.answered.store(true, Ordering::Relaxed);
        } else if !self.answered.load(Ordering::Relaxed) {
            return Err(ModelError::Nothing { model: name, pictures: pictures.len() });
        }
        Ok(found)
    }
}
