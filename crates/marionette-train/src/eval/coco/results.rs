//! Writing COCO results files, which other COCO tools can judge.

use super::{
    error::CocoError,
    read::{CocoFile, HALF_PIXEL},
};
use marionette_base::atomic_file::write_atomic;
use serde_json::{Value, json};
use std::path::Path;

/// Where a detector found the keypoints of an annotated person.
#[derive(Clone, Debug)]
pub struct CocoResult {
    /// Place of the person in [`CocoFile::people`].
    pub person: usize,
    /// Places of the figure's keypoints, continuous image coordinates.
    pub keypoints: Vec<[f64; 2]>,
    /// How sure each of them is.
    pub scores: Vec<f64>,
    /// How sure the person is.
    pub score: f64,
}

/// Writes `results` on the pictures of `file` to a COCO results file, whole or not at all.
///
/// The keypoints are the file's. Those that the figure lacks lie in the middle of the person, with
/// a score of 0: COCO's own evaluation takes the extent of all keypoints for the person's area,
/// which they leave as it is.
///
/// # Errors
/// If the file cannot be written.
pub fn write_results(
    path: &Path,
    file: &CocoFile,
    results: &[CocoResult],
) -> Result<(), CocoError> {
    let entry = |result: &CocoResult| {
        let judged = || file.judged.iter().map(|k| result.keypoints[*k]);
        let middle = [0, 1].map(|axis| {
            judged().map(|place| place[axis]).sum::<f64>() / judged().count().max(1) as f64
        });
        let triple = |keypoint: &Option<usize>| {
            let ([x, y], score) =
                keypoint.map_or((middle, 0.0), |k| (result.keypoints[k], result.scores[k]));
            [x - HALF_PIXEL, y - HALF_PIXEL, score]
        };
        let keypoints: Vec<f64> = file.keypoints.iter().flat_map(triple).collect();
        let image = file.images[file.people[result.person].image].id;
        json!({"image_id": image, "category_id": file.category, "keypoints": keypoints, "score": result.score})
    };
    let entries: Vec<Value> = results.iter().map(entry).collect();
    Ok(write_atomic(path, Value::from(entries).to_string().as_bytes())?)
}
