//! ONNX files, run in this process.

mod decode;
mod file;
mod input;
mod metadata;
mod options;
mod output;
#[cfg(test)]
mod tests;

use crate::{
    candidate::{Candidate, choose},
    error::ModelError,
    model::Place,
    names::Names,
};
use decode::candidates;
use file::{Given, OnnxFile, Plan};
use image::RgbImage;
use input::{Complaint, Input, Shape};
use marionette_figure::KeypointScheme;
use marionette_train::eval::Crop;
use metadata::Metadata;
pub use options::{Channels, OnnxOptions, OutputKind, View};
use output::{Layout, Output, recognise};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// COCO's keypoints, in its order.
const COCO: [&str; 17] = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
];

/// Numbers of keypoints of which the first 17 are COCO's: COCO's own, Halpe's and
/// COCO-WholeBody's.
const COCO_FIRST: [usize; 3] = [17, 26, 133];

/// An ONNX file that finds keypoints.
pub struct OnnxModel {
    path: PathBuf,
    plan: Plan,
    input: Input,
    outputs: Vec<String>,
    output: Output,
    /// The sides of what is read, for one input.
    sides: Vec<usize>,
    names: Names,
    notes: Vec<String>,
}

impl OnnxModel {
    /// See [`crate::Model::is_described`].
    pub fn is_described(path: &Path) -> Result<bool, ModelError> {
        let Metadata { ours, ultralytics } = metadata_of(&OnnxFile::read(path)?, path)?;
        Ok(ours.is_some() || ultralytics.is_some())
    }

    /// See [`crate::Model::onnx`].
    pub fn load(
        path: &Path,
        scheme: &KeypointScheme,
        options: &OnnxOptions,
    ) -> Result<Self, ModelError> {
        let complain =
            |(found, remedy): Complaint| ModelError::Onnx { path: path.to_owned(), found, remedy };
        let file = OnnxFile::read(path)?;
        let metadata = metadata_of(&file, path)?;
        let shape = Shape::of(&file.sources()?, &metadata, options).map_err(complain)?;
        let plan = file.plan(shape.kind, &shape.sides())?;
        let outputs = file.outputs();
        let plain = shape.plain().map_err(|error| runtime(path, &error.to_string()))?;
        let given = plan.run(plain, &outputs)?;
        let mut notes = Vec::new();
        let output =
            recognise(&given, shape.size, &metadata, options, &mut notes).map_err(complain)?;
        if let Some(odd) = output.read(&given).find(|odd| odd.sides[0] != shape.batch) {
            let found =
                format!("gives \"{}\" {:?} for {} pictures", odd.name, odd.sides, shape.batch);
            return Err(complain((
                found,
                "give a file whose outputs begin with [B, ...]".to_owned(),
            )));
        }
        let kind = output.layout.kind();
        let input = Input::new(shape, kind, &metadata, options, &mut notes).map_err(complain)?;
        let names =
            keypoint_names(output.keypoints, &metadata, options, &mut notes).map_err(complain)?;
        let names = Names::matched(&path.display().to_string(), &names, scheme)?;
        let sides = given[output.at].sides.clone();
        Ok(OnnxModel { path: path.to_owned(), plan, input, outputs, output, sides, names, notes })
    }

    pub fn keypoints(&self) -> Vec<bool> {
        self.names.known()
    }

    pub fn input(&self) -> [usize; 2] {
        self.input.shape().size
    }

    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// See [`crate::Model::find`].
    pub fn find(
        &self,
        pictures: &[RgbImage],
        boxes: &[[f32; 4]],
    ) -> Result<Vec<Vec<Place>>, ModelError> {
        let batch = self.input.shape().batch;
        let runs: Vec<Result<Vec<Vec<Place>>, ModelError>> = pictures
            .par_chunks(batch)
            .zip(boxes.par_chunks(batch))
            .enumerate()
            .map(|(run, (pictures, boxes))| self.run(run * batch, pictures, boxes))
            .collect();
        // One after the other, so that the first error is told whatever the threads.
        let mut found = Vec::with_capacity(pictures.len());
        for run in runs {
            found.extend(run?);
        }
        Ok(found)
    }

    /// The keypoints in as many pictures as one run takes; the first is number `first`, from 0.
    fn run(
        &self,
        first: usize,
        pictures: &[RgbImage],
        boxes: &[[f32; 4]],
    ) -> Result<Vec<Vec<Place>>, ModelError> {
        let crops: Vec<Crop> = pictures
            .iter()
            .zip(boxes)
            .map(|(picture, bbox)| self.input.crop(picture, *bbox))
            .collect();
        let seen: Vec<(&RgbImage, Crop)> = pictures.iter().zip(crops.iter().copied()).collect();
        let input =
            self.input.tensor(&seen).map_err(|error| runtime(&self.path, &error.to_string()))?;
        let given = self.plan.run(input, &self.outputs)?;
        let others = match self.output.layout {
            Layout::Simcc { rows } => Some(&given[rows]),
            _ => None,
        };
        let main = &given[self.output.at];
        self.check(main)?;
        let places = crops.iter().zip(boxes).enumerate().map(|(place, (crop, bbox))| {
            let values = share(main, place);
            let rows = others.map_or(&[][..], |others| share(others, place));
            self.check_numbers(&main.name, values, first + place)?;
            if let Some(others) = others {
                self.check_numbers(&others.name, rows, first + place)?;
            }
            let size = self.input.shape().size;
            let found = candidates(&self.output, values, rows, &main.sides, size);
            Ok(match choose(found, in_input(*bbox, crop)) {
                Some(found) => self.names.pick(&in_picture(&found, crop)),
                None => self.names.nobody(),
            })
        });
        places.collect()
    }

    /// Whether what is read has the shape that it had at first; the number of detections may vary.
    fn check(&self, given: &Given) -> Result<(), ModelError> {
        let varies = matches!(self.output.layout, Layout::EndToEnd { .. });
        let same =
            |(axis, (now, then)): (usize, (&usize, &usize))| now == then || (varies && axis == 1);
        let sides = given.sides.iter().zip(&self.sides).enumerate();
        if given.sides.len() == self.sides.len() && sides.into_iter().all(same) {
            return Ok(());
        }
        Err(runtime(
            &self.path,
            &format!("\"{}\" was {:?} and is {:?}", given.name, self.sides, given.sides),
        ))
    }

    fn check_numbers(&self, name: &str, values: &[f32], picture: usize) -> Result<(), ModelError> {
        let Some(value) = values.iter().copied().find(|value| value.is_nan()) else {
            return Ok(());
        };
        let place = format!("\"{name}\" for picture {} of the batch", picture + 1);
        Err(ModelError::NoNumber { model: self.name(), value, place })
    }
}

fn metadata_of(file: &OnnxFile, path: &Path) -> Result<Metadata, ModelError> {
    Metadata::of(&file.metadata()).map_err(|found| ModelError::Onnx {
        path: path.to_owned(),
        found,
        remedy: "export the file anew".to_owned(),
    })
}

fn runtime(path: &Path, found: &str) -> ModelError {
    ModelError::Runtime { path: path.to_owned(), found: found.to_owned() }
}

/// What was given for one picture of a batch.
fn share(given: &Given, place: usize) -> &[f32] {
    let each = given.values.len() / given.sides[0].max(1);
    &given.values[place * each..][..each]
}

/// A box of the picture in pixels of the input.
fn in_input([x, y, width, height]: [f32; 4], crop: &Crop) -> [f32; 4] {
    let corner = |x: f32, y: f32| crop.to_input([f64::from(x), f64::from(y)]);
    let ([left, top], [right, bottom]) = (corner(x, y), corner(x + width, y + height));
    [left, top, right - left, bottom - top].map(|value| value as f32)
}

/// Keypoints in continuous pixels of the picture.
fn in_picture(found: &Candidate, crop: &Crop) -> Vec<Place> {
    let at = |at: [f32; 2]| crop.to_picture(at.map(f64::from)).map(|value| value as f32);
    found.places.iter().map(|place| Place { at: place.at.map(at), ..*place }).collect()
}

/// The names of a file's `count` keypoints: somebody's word, the file's own, or COCO's.
fn keypoint_names(
    count: usize,
    metadata: &Metadata,
    options: &OnnxOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, Complaint> {
    if let Some(names) = &options.keypoints {
        if names.len() != count {
            let found = format!("gives {count} keypoints, and {} names were given", names.len());
            return Err((found, "name each of them with --keypoints, in its order".to_owned()));
        }
        return Ok(names.clone());
    }
    let ours = metadata.ours.as_ref().map(|ours| &ours.card.keypoints.names);
    let written = metadata.ultralytics.as_ref().and_then(|written| written.names.as_ref());
    if let Some(names) = ours.or(written).filter(|names| names.len() == count) {
        return Ok(names.clone());
    }
    if COCO_FIRST.contains(&count) {
        let which = if count == COCO.len() { "its" } else { "the first 17 of its" };
        notes.push(format!("{which} {count} keypoints are taken to be COCO's (--keypoints)"));
        return Ok(COCO.map(str::to_owned).to_vec());
    }
    let found = format!("gives {count} keypoints, and nothing in it names them");
    Err((found, "name each of them with --keypoints, in its order".to_owned()))
}
