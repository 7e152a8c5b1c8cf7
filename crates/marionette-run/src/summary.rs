//! What a finished run has to say for itself.

use super::{Best, ExamReport, RunDirectory, RunError};
use crate::exam::{Exam, ExamResult};
use marionette_base::json_file::path_texts;
use marionette_train::{
    curriculum::CurriculumSummary,
    trainer::{Hardest, ScoreQuality, Trainer},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a finished run has to say for itself. Losses, PCK and correlations are of the uniform
/// stream, which the curriculum cannot move. What was not measured is `None`, null in JSON. What an
/// older file lacks has its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// Steps done.
    pub steps: u64,
    /// Steps skipped because something was not finite.
    pub skipped: u64,
    /// Mean loss over the first twentieth of the run and over the last tenth.
    pub loss: [Option<f64>; 2],
    /// PCK@0.2 torso, as above.
    pub pck: [Option<f64>; 2],
    /// PCK@0.2 torso of always guessing the mean pose, over the last tenth.
    pub mean_pose_pck: Option<f64>,
    /// How well the score told what is hard, over the last quarter.
    pub score: ScoreQuality,
    /// What the network found hardest of the last 8,192 samples.
    pub hardest: Hardest,
    /// The exams before the first step and after the last; empty for a run without exams.
    pub exams: Vec<ExamLine>,
    /// The best checkpoint by an exam.
    pub best: Option<Best>,
    /// The axes' final distributions, with what was seen of each bin.
    pub curriculum: CurriculumSummary,
    /// The most batches that were in flight at once.
    pub most_in_flight: u64,
    /// Pictures written.
    #[serde(serialize_with = "path_texts")]
    pub pictures: Vec<PathBuf>,
    /// How often something that changes what the run comes to was set by hand; see `hand.jsonl`.
    #[serde(skip_serializing_if = "untouched")]
    pub steered_by_hand: u64,
}

fn untouched(touches: &u64) -> bool {
    *touches == 0
}

/// One exam before and after training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExamLine {
    /// The exam.
    pub exam: Exam,
    /// PCK@0.2 torso before the first step, where the exam was taken then.
    pub before: Option<f64>,
    /// PCK@0.2 torso after the last step.
    pub after: Option<f64>,
    /// PCK@0.2 torso of always guessing the exam's mean pose.
    pub mean_pose: Option<f64>,
    /// PCK@0.1 box after the last step.
    pub box_01: Option<f64>,
    /// Area under the PCK curve up to 0.5 torso lengths, after the last step.
    pub auc: Option<f64>,
    /// OKS AP after the last step.
    pub oks_ap: Option<f64>,
}

impl ExamLine {
    /// The exams of `after`, with what `before` has of them.
    pub fn compare(before: Option<&ExamReport>, after: &ExamReport) -> Vec<ExamLine> {
        let line = |result: &ExamResult| ExamLine {
            exam: result.exam,
            before: before.and_then(|report| report.result(result.exam)?.pck.torso_02),
            after: result.pck.torso_02,
            mean_pose: result.mean_pose,
            box_01: result.pck.box_01,
            auc: result.pck.auc,
            oks_ap: result.oks.ap,
        };
        after.exams.iter().map(line).collect()
    }
}

impl RunDirectory {
    /// `summary.json`: what the finished run had to say; `None` where it has not finished.
    ///
    /// # Errors
    /// As [`Self::read_json`].
    pub fn summary(&self) -> Result<Option<Summary>, RunError> {
        self.read_json("summary.json")
    }
}

impl Summary {
    /// Sums up what `trainer` has done.
    pub fn new(
        trainer: &Trainer,
        exams: Vec<ExamLine>,
        best: Option<Best>,
        most_in_flight: u64,
        pictures: Vec<PathBuf>,
    ) -> Self {
        let statistics = trainer.statistics();
        let last_quarter = trainer.step() * 3 / 4;
        let curriculum = trainer.curriculum();
        Summary {
            steps: trainer.step(),
            skipped: trainer.skipped(),
            loss: [statistics.start.loss(), statistics.end.loss()],
            pck: [statistics.start.pck(), statistics.end.pck()],
            mean_pose_pck: statistics.mean_pose_pck(),
            score: statistics.score_quality(last_quarter),
            hardest: trainer.hardest(),
            curriculum,
            exams,
            best,
            most_in_flight,
            pictures,
            steered_by_hand: 0,
        }
    }
}
