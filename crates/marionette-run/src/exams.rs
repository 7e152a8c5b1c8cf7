//! Exams during a run: taken before the first step, every so often, and at the end; the best
//! checkpoint by one of them.

use super::{ExamConfig, Failure, RunDirectory, RunError};
use crate::exam::{Exam, ExamResult, ExamScore, ExamSet, grade};
use marionette_figure::KeypointScheme;
use marionette_nn::detect::detect;
use marionette_train::{
    afl::AflError,
    trainer::{TrainError, Trainer},
};
use serde::{Deserialize, Serialize};
use std::fs;

/// The file of one step's exams, `exams/step-NNNNNN.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExamReport {
    /// Steps that the network had learned for.
    pub step: u64,
    /// One result per exam taken.
    pub exams: Vec<ExamResult>,
}

impl ExamReport {
    /// The result of `exam`, if it was taken.
    pub fn result(&self, exam: Exam) -> Option<&ExamResult> {
        self.exams.iter().find(|result| result.exam == exam)
    }
}

/// The best step so far, and its PCK@0.2 torso in the exam that decides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Steps that the network had learned for.
    pub step: u64,
    /// The exam.
    pub exam: Exam,
    /// PCK@0.2 torso.
    pub torso_02: f64,
}

/// Takes a run's exams.
pub(super) struct Examiner {
    directory: RunDirectory,
    scheme: KeypointScheme,
    sets: Vec<ExamSet>,
    every: u64,
    during: Vec<Exam>,
    decides: Exam,
    best: Option<Best>,
}

impl Examiner {
    /// An examiner of the run in `directory`, which has come to `step`, with the images of `sets`;
    /// with none it does nothing. The best step so far is found in the files of earlier exams.
    pub fn new(
        directory: RunDirectory,
        config: &ExamConfig,
        scheme: KeypointScheme,
        sets: Vec<ExamSet>,
        step: u64,
    ) -> Result<Self, Failure> {
        let (during, decides) = (config.during_exams()?, Exam::by_name(&config.best)?);
        let mut examiner =
            Examiner { directory, scheme, sets, every: config.every, during, decides, best: None };
        for report in examiner
            .directory
            .exam_reports()?
            .iter()
            .filter(|report| (1..=step).contains(&report.step))
        {
            if let Some(best) = examiner.better(report)
                && examiner.directory.has_checkpoint(report.step)
            {
                examiner.best = Some(best);
            }
        }
        Ok(examiner)
    }

    /// The best step so far, if there is one.
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    /// The report of the exams that are due after `step` of `steps`, if any are, written to its
    /// file. Before the first step and after the last it is all of them.
    ///
    /// # Errors
    /// If the device fails or the file cannot be written.
    pub fn take_due(
        &mut self,
        trainer: &Trainer,
        steps: u64,
    ) -> Result<Option<ExamReport>, Failure> {
        let step = trainer.step();
        let exams = match step {
            _ if self.sets.is_empty() => return Ok(None),
            0 => Exam::all(),
            _ if step == steps => Exam::all(),
            _ if step.is_multiple_of(self.every) => self.during.clone(),
            _ => return Ok(None),
        };
        self.take(trainer, &exams)
    }

    /// The report of these exams, taken now; `None` where there are no images.
    ///
    /// # Errors
    /// If the device fails.
    pub fn take(
        &mut self,
        trainer: &Trainer,
        exams: &[Exam],
    ) -> Result<Option<ExamReport>, Failure> {
        if self.sets.is_empty() {
            return Ok(None);
        }
        let step = trainer.step();
        let mut report = ExamReport { step, exams: Vec::new() };
        for set in self.sets.iter().filter(|set| exams.contains(&set.exam)) {
            let found = detect(trainer.network(), trainer.activation(), &set.images(), None)
                .map_err(TrainError::from)?;
            let mut result = grade(set, &self.scheme, &found);
            result.score = match trainer.probe(&set.images(), &set.keypoints, &set.labelled) {
                Ok(probes) => Some(ExamScore::new(set, &result.per_image, &probes)),
                // Of a network that diverges the training loop will tell.
                Err(TrainError::Afl(AflError::NotFinite { .. })) => None,
                Err(error) => return Err(error.into()),
            };
            report.exams.push(result);
        }
        Ok(Some(report))
    }

    /// What `report` would be as the best, if it is at least as good as the best so far.
    pub fn better(&self, report: &ExamReport) -> Option<Best> {
        let torso_02 = report.result(self.decides)?.pck.torso_02?;
        let new = Best { step: report.step, exam: self.decides, torso_02 };
        self.best.is_none_or(|best| torso_02 >= best.torso_02).then_some(new)
    }

    /// Makes this the best, whose checkpoint is kept.
    pub fn set_best(&mut self, best: Best) {
        self.best = Some(best);
    }
}

impl RunDirectory {
    /// The reports of all exams taken, by step.
    ///
    /// # Errors
    /// If one cannot be read, naming it.
    pub fn exam_reports(&self) -> Result<Vec<ExamReport>, RunError> {
        let folder = self.exams_path();
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let mut reports = Vec::new();
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !(name.starts_with("step-") && name.ends_with(".json")) {
                continue;
            }
            let damaged = |found: String| RunError::Damaged {
                path: path.clone(),
                found,
                remedy: "delete it; its exams can be taken again with `marionette eval`".to_owned(),
            };
            let text =
                fs::read(&path).map_err(|error| damaged(format!("cannot be read: {error}")))?;
            let report: ExamReport = serde_json::from_slice(&text)
                .map_err(|error| damaged(format!("is no report of exams: {error}")))?;
            reports.push(report);
        }
        reports.sort_by_key(|report| report.step);
        Ok(reports)
    }
}
