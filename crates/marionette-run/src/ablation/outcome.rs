//! What one run of an arm came to, and the file of all of them.

use crate::{
    JsonLinesWriter, RunError, cut_back,
    exam::{Exam, ExamResult},
};
use marionette_base::atomic_file::read_file;
use marionette_train::trainer::ScoreQuality;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The largest file of results that is read, bytes.
const LARGEST: u64 = 1 << 30;

/// How one image of an exam came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExamImages {
    /// The exam.
    pub exam: Exam,
    /// SHA-256 of its images and labels.
    pub sha256: String,
    /// Keypoints with a label, image by image.
    pub labelled: Vec<u16>,
    /// Of those, found within 0.2 torso lengths.
    pub found: Vec<u16>,
    /// Mean error over the tenth of the images with the highest, torso lengths.
    pub worst_tenth: f64,
}

impl ExamImages {
    /// What is kept of `result`.
    pub fn new(result: &ExamResult) -> Self {
        let mut errors: Vec<f32> = result.per_image.iter().map(|image| image.error).collect();
        errors.sort_by(|a, b| b.total_cmp(a));
        errors.truncate(errors.len().div_ceil(10));
        let worst = errors.iter().map(|error| f64::from(*error)).sum::<f64>();
        ExamImages {
            exam: result.exam,
            sha256: result.sha256.clone(),
            labelled: result.per_image.iter().map(|image| image.labelled).collect(),
            found: result.per_image.iter().map(|image| image.found).collect(),
            worst_tenth: worst / errors.len().max(1) as f64,
        }
    }
}

/// What one run of an arm came to: a line of `results.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Steps done.
    pub step: u64,
    /// The arm.
    pub arm: String,
    /// The seed.
    pub seed: u64,
    /// Images that were rendered and learned from.
    pub images: u64,
    /// Draws that were rejected on the way.
    pub rejected: u64,
    /// Seconds that it took since it was begun, or was last gone on with.
    pub seconds: f64,
    /// Why it did not come to an end, where it diverged.
    pub diverged: Option<String>,
    /// How well the score told what is hard over the last quarter, uniform stream.
    pub score: Option<ScoreQuality>,
    /// PCK@0.2 torso in `standard` on the way: images learned from, score.
    pub curve: Vec<(u64, f64)>,
    /// Mean score of the images of `easy`, `standard` and `hard` on the way: images learned from,
    /// scores.
    #[serde(default)]
    pub scores: Vec<(u64, [Option<f64>; 3])>,
    /// The exams after the last step; empty where it diverged.
    pub exams: Vec<ExamImages>,
}

impl Outcome {
    /// The images of `exam`, if it was taken.
    pub fn exam(&self, exam: Exam) -> Option<&ExamImages> {
        self.exams.iter().find(|images| images.exam == exam)
    }
}

/// All outcomes so far, and the file that they are in.
pub struct Results {
    /// In the order in which they were written.
    pub outcomes: Vec<Outcome>,
    writer: JsonLinesWriter,
}

impl Results {
    /// Reads the file at `path`, or begins it. A last line that is half written goes.
    ///
    /// # Errors
    /// If the file cannot be read or written, or a line of it is no outcome.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        cut_back(path, u64::MAX)?;
        let outcomes = Self::read(path)?;
        Ok(Results { outcomes, writer: JsonLinesWriter::open(path)? })
    }

    /// The outcomes in the file at `path`; none where there is no file.
    ///
    /// # Errors
    /// If the file cannot be read, or a line of it is no outcome.
    pub fn read(path: &Path) -> Result<Vec<Outcome>, RunError> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = read_file(path, LARGEST)?;
        let text = String::from_utf8_lossy(&text);
        let line = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| RunError::Damaged {
                path: path.to_owned(),
                found: format!("line {} is no result: {error}", number + 1),
                remedy: "delete the line; --resume runs that arm and seed again".to_owned(),
            })
        };
        text.lines().enumerate().map(line).collect()
    }

    /// Adds an outcome and writes its line.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub fn add(&mut self, outcome: Outcome) -> Result<(), RunError> {
        self.writer.append(&outcome)?;
        self.outcomes.push(outcome);
        Ok(())
    }

    /// The outcome of an arm and a seed, if there is one.
    pub fn of(&self, arm: &str, seed: u64) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.arm == arm && outcome.seed == seed)
    }
}
