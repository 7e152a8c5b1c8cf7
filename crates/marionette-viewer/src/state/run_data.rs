//! What the window knows of a run, from its events or from its directory.

use crate::subject::Subject;
use marionette_run::{ControlRecord, ExamReport, MetricsRow, RunEvent, Snapshot};
use marionette_stream::AXES;
use marionette_train::{
    curriculum::CurriculumSummary,
    trainer::{Hardest, ManualSettings, StepReport},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::PathBuf,
    sync::Arc,
};

/// The most points that a curve keeps. When there are more, every second one is dropped.
const MOST_POINTS: usize = 8192;
/// The most notes that are kept.
const MOST_NOTES: usize = 200;
/// The most samples whose records are kept.
const MOST_SAMPLES: usize = 50_000;
/// The most steps of which the distributions are kept.
const MOST_DISTRIBUTIONS: usize = 240;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All its steps are done.
    Finished,
    /// It was told to stop, after this step.
    Stopped(u64),
    /// It failed: the reason, and the newest checkpoint.
    Failed(String, Option<PathBuf>),
}

/// What a step measured on a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRecord {
    /// The step.
    pub step: u64,
    /// Difficulty score.
    pub score: f32,
    /// Keypoint error, torso lengths.
    pub error: f32,
}

/// The probabilities of all bins, by axis.
type Distributions = [Vec<f32>; AXES];

/// What the window knows of a run.
#[derive(Default)]
pub struct RunData {
    /// The newest published state of a run in progress.
    pub newest: Option<Arc<Snapshot>>,
    /// The summary of the curriculum. Finished runs have one too.
    pub curriculum: Option<Arc<CurriculumSummary>>,
    /// What the network finds hardest.
    pub hardest: Option<Arc<Hardest>>,
    /// Curves by name; a point is a step and a value.
    pub curves: BTreeMap<String, Vec<[f64; 2]>>,
    /// Reports of exams, by step.
    pub exam_reports: BTreeMap<u64, Arc<ExamReport>>,
    /// The report of the newest step.
    pub step_report: Option<Arc<StepReport>>,
    /// Notes to read, newest last.
    pub notes: VecDeque<String>,
    /// The controls that were applied, oldest first.
    pub control_records: Vec<ControlRecord>,
    /// The settings in force in the run, and the step after which they were reported.
    pub settings: Option<(u64, ManualSettings)>,
    /// The distributions over time, at even distances of steps.
    pub distributions: Vec<(u64, Distributions)>,
    /// Rejected samples, by axis and bin.
    pub rejected_by_axis_bin: [Vec<u64>; AXES],
    /// Rejected samples, by reason.
    pub rejections: BTreeMap<String, u64>,
    /// Records of the newest samples, by index.
    sample_records: HashMap<u64, SampleRecord>,
    /// How the run ended, once it has.
    pub ending: Option<Ending>,
    /// The least distance in steps of two kept distributions.
    distributions_every: u64,
}

impl RunData {
    /// What a run's directory holds so far. A note says which file could not be read.
    pub fn read(subject: &Subject) -> Self {
        let mut data = RunData { distributions_every: 1, ..RunData::default() };
        let (rows, damage) = MetricsRow::read(&subject.directory.metrics_path());
        rows.iter().for_each(|row| data.add_row(row));
        if let Some(error) = damage {
            data.add_note(error.to_string());
        }
        match subject.directory.exam_reports() {
            Ok(reports) => data
                .exam_reports
                .extend(reports.into_iter().map(|report| (report.step, Arc::new(report)))),
            Err(error) => data.add_note(error.to_string()),
        }
        match subject.directory.control_records() {
            Ok(records) => data.control_records = records,
            Err(error) => data.add_note(error.to_string()),
        }
        if subject.watch.is_none() {
            match subject.directory.summary() {
                Ok(Some(summary)) => {
                    data.curriculum = Some(Arc::new(summary.curriculum));
                    data.hardest = Some(Arc::new(summary.hardest));
                }
                Ok(None) => {}
                Err(error) => data.add_note(error.to_string()),
            }
        }
        data.notes.extend(subject.note.clone());
        data
    }

    /// Takes the run's events since the last call, and its newest state.
    pub fn update(&mut self, subject: &Subject) {
        let Some(watch) = &subject.watch else { return };
        let mut answered = false;
        for event in watch.events() {
            match event {
                RunEvent::Step(report) => self.add_step(report),
                RunEvent::Metrics { row, .. } => self.add_row(&row),
                RunEvent::Exams { report, best } => {
                    let best = if best { ", the best so far" } else { "" };
                    self.add_note(format!("exams after step {}{best}", report.step));
                    self.exam_reports.insert(report.step, report);
                }
                RunEvent::Settings { step, settings } => self.settings = Some((step, *settings)),
                RunEvent::Checkpoint { step } => {
                    self.add_note(format!("checkpoint of step {step}"))
                }
                RunEvent::Warning(text) => self.add_note(format!("warning: {text}")),
                RunEvent::Note(text) => {
                    self.add_note(text);
                    answered = true;
                }
                RunEvent::Finished(summary) => {
                    self.curriculum = Some(Arc::new(summary.curriculum.clone()));
                    self.hardest = Some(Arc::new(summary.hardest.clone()));
                    self.add_note(format!("all {} steps are done", summary.steps));
                    self.ending = Some(Ending::Finished);
                }
                RunEvent::Stopped { step } => self.ending = Some(Ending::Stopped(step)),
                RunEvent::Failed { message, checkpoint } => {
                    self.add_note(format!("the run has failed: {message}"));
                    self.ending = Some(Ending::Failed(message, checkpoint));
                }
                // For the terminal; the window shows it in other ways or not at all.
                RunEvent::RendererReady(_)
                | RunEvent::Started { .. }
                | RunEvent::Skipped { .. }
                | RunEvent::ExamNotice(_)
                | RunEvent::Picture(_) => {}
            }
        }
        if answered {
            self.read_control_records(subject);
        }
        let newest = watch.newest();
        if let Some(newest) =
            newest.filter(|new| self.newest.as_ref().is_none_or(|old| !Arc::ptr_eq(old, new)))
        {
            self.add_distributions(
                newest.step,
                std::array::from_fn(|axis| {
                    let bins = newest.curriculum.axes.get(axis).map(|axis| &axis.bins);
                    bins.into_iter().flatten().map(|bin| bin.probability).collect()
                }),
            );
            self.add_pace(&newest);
            self.curriculum = Some(newest.curriculum.clone());
            self.hardest = Some(newest.hardest.clone());
            // A state from before a setting was changed does not have the change.
            if self.settings.as_ref().is_none_or(|(step, _)| newest.step > *step) {
                self.settings = Some((newest.step, newest.settings.clone()));
            }
            self.newest = Some(newest);
        }
    }

    /// Reads the controls that were applied from the run's directory.
    pub fn read_control_records(&mut self, subject: &Subject) {
        self.control_records = subject.directory.control_records().unwrap_or_default();
    }

    /// Adds a note.
    pub fn add_note(&mut self, text: String) {
        if self.notes.len() == MOST_NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back(text);
    }

    fn add_step(&mut self, report: Arc<StepReport>) {
        if self.sample_records.len() >= MOST_SAMPLES {
            let oldest = self.sample_records.values().map(|record| record.step).min();
            let middle = oldest.unwrap_or(0).midpoint(report.step);
            self.sample_records.retain(|_, record| record.step > middle);
        }
        for sample in &report.samples {
            let record =
                SampleRecord { step: report.step, score: sample.difficulty, error: sample.error };
            self.sample_records.insert(sample.index, record);
        }
        self.step_report = Some(report);
    }

    fn add_row(&mut self, row: &MetricsRow) {
        for (name, value) in row.values() {
            self.add_point(&name, row.step as f64, value);
        }
        for (reason, count) in &row.rejections {
            *self.rejections.entry(reason.name().to_owned()).or_default() += count;
        }
        for (axis, bins) in &row.rejected_by_axis_bin {
            let Some(axis) = marionette_stream::HardnessAxis::by_name(axis) else { continue };
            let counts = &mut self.rejected_by_axis_bin[axis as usize];
            for (bin, count) in bins.iter().enumerate().take(64) {
                counts.resize(counts.len().max(bin + 1), 0);
                counts[bin] += count;
            }
        }
    }

    fn add_point(&mut self, name: &str, step: f64, value: f64) {
        let points = self.curves.entry(name.to_owned()).or_default();
        if points.len() >= MOST_POINTS {
            let mut keep = false;
            points.retain(|_| {
                keep = !keep;
                keep
            });
        }
        points.push([step, value]);
    }

    fn add_pace(&mut self, snapshot: &Snapshot) {
        let samples = snapshot.batch.tiles.len() as f64;
        let step = snapshot.step as f64;
        let per_second = |seconds: f64| samples / seconds.max(1e-6);
        self.add_point("trainer_samples_per_second", step, per_second(snapshot.pace.learning));
        if snapshot.pace.drawing > 0.0 {
            self.add_point("renderer_samples_per_second", step, per_second(snapshot.pace.drawing));
        }
        self.add_point("in_flight_now", step, snapshot.pace.in_flight as f64);
        self.add_point("queued_now", step, snapshot.pace.queued as f64);
    }

    /// Keeps the distributions of a step. When there are too many, every second one is dropped.
    fn add_distributions(&mut self, step: u64, distributions: Distributions) {
        if self.distributions.last().is_some_and(|(last, _)| step < last + self.distributions_every)
        {
            return;
        }
        self.distributions.push((step, distributions));
        if self.distributions.len() > MOST_DISTRIBUTIONS {
            let mut keep = false;
            self.distributions.retain(|_| {
                keep = !keep;
                keep
            });
            self.distributions_every *= 2;
        }
    }

    /// The newest value of a curve.
    pub fn last_value(&self, name: &str) -> Option<f64> {
        self.curves.get(name)?.last().map(|point| point[1])
    }

    /// The record of sample `index`, if it is still kept.
    pub fn record_of(&self, index: u64) -> Option<SampleRecord> {
        self.sample_records.get(&index).copied()
    }

    /// The number of applied controls that change the run's result.
    pub fn steering_controls(&self) -> usize {
        self.control_records.iter().filter(|record| record.steers).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_stream::Rejection;

    #[test]
    fn rows_become_curves_that_do_not_grow_for_ever() {
        let mut data = RunData { distributions_every: 1, ..RunData::default() };
        for step in 0..3 * MOST_POINTS {
            let rejected = [("pose", vec![1, 0]), ("mood", vec![9])]
                .map(|(axis, bins)| (axis.to_owned(), bins));
            data.add_row(&MetricsRow {
                step: step as u64,
                loss: 1.0,
                pck: f64::NAN,
                axis_kl: [("pose".to_owned(), 0.5)].into(),
                rejections: [(Rejection::Covered, 2)].into(),
                rejected_by_axis_bin: rejected.into(),
                ..MetricsRow::default()
            });
            data.add_distributions(step as u64, Default::default());
        }
        assert!(
            data.curves["loss"].len() <= MOST_POINTS && data.curves.contains_key("axis_kl.pose")
        );
        assert_eq!(data.last_value("loss"), Some(1.0));
        assert_eq!(data.rejected_by_axis_bin[0], [3 * MOST_POINTS as u64, 0]);
        assert_eq!(data.rejections["covered"], 6 * MOST_POINTS as u64);
        assert!(data.distributions.len() <= MOST_DISTRIBUTIONS);
        assert!(data.distributions.last().unwrap().0 > 2 * MOST_POINTS as u64);
    }
}
