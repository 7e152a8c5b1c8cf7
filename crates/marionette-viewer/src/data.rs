//! Everything that the window knows of a run: gathered from its events or read from its directory.

use super::Subject;
use marionette_run::{ControlRecord, ExamReport, MetricsRow, RunEvent, Snapshot};
use marionette_stream::AXES;
use marionette_train::{
    curriculum::CurriculumSummary,
    trainer::{ManualSettings, StepReport},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fs,
    path::PathBuf,
    sync::Arc,
};

/// Points of a curve that are kept; then every second one goes.
const MOST_POINTS: usize = 8192;
/// Notes that are kept.
const MOST_NOTES: usize = 200;
/// Samples whose history is kept.
const MOST_HISTORIES: usize = 50_000;
/// Columns of the heat maps over time.
pub const HEAT_COLUMNS: usize = 240;

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All its steps are done.
    Finished,
    /// It was asked to stop after this step.
    Stopped(u64),
    /// It failed: why, and the newest checkpoint.
    Failed(String, Option<PathBuf>),
}

/// What one step found for a sample or on a replay of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRecord {
    /// The step.
    pub step: u64,
    /// Difficulty score.
    pub score: f32,
    /// Keypoint error, torso lengths.
    pub error: f32,
}

/// A step of the distributions' history: per axis the probabilities of its bins.
pub type Shares = [Vec<f32>; AXES];

/// Everything that the window knows of a run.
#[derive(Default)]
pub struct Data {
    /// The newest state, if the run is going on.
    pub newest: Option<Arc<Snapshot>>,
    /// The controller at a glance, also of a finished run.
    pub curriculum: Option<Arc<CurriculumSummary>>,
    /// Curves by name: step and value.
    pub curves: BTreeMap<String, Vec<[f64; 2]>>,
    /// Reports of exams, by step.
    pub exams: BTreeMap<u64, Arc<ExamReport>>,
    /// The newest step.
    pub step: Option<Arc<StepReport>>,
    /// What has been said, newest last.
    pub notes: VecDeque<String>,
    /// The controls that were applied.
    pub controls: Vec<ControlRecord>,
    /// What is set in the run, and after which step that was heard of.
    pub settings: Option<(u64, ManualSettings)>,
    /// Distributions over time, at even distances.
    pub shares: Vec<(u64, Shares)>,
    /// Per axis and bin, draws that were rejected.
    pub rejected: [Vec<u64>; AXES],
    /// Draws that were rejected, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Records of each sample, its replays among them.
    pub histories: HashMap<u64, Vec<SampleRecord>>,
    /// How the run ended, once it has.
    pub ending: Option<Ending>,
    shares_every: u64,
}

impl Data {
    /// What a run's directory holds so far. What cannot be read is said in a note.
    pub fn read(subject: &Subject) -> Self {
        let mut data = Data { shares_every: 1, ..Data::default() };
        for row in MetricsRow::read(&subject.directory.metrics_path()) {
            data.row(&row);
        }
        match subject.directory.exam_reports() {
            Ok(reports) => {
                data.exams.extend(reports.into_iter().map(|report| (report.step, Arc::new(report))))
            }
            Err(error) => data.note(error.to_string()),
        }
        match subject.directory.control_records() {
            Ok(lines) => data.controls = lines,
            Err(error) => data.note(error.to_string()),
        }
        if subject.watch.is_none() {
            let summary =
                fs::read(subject.directory.path().join("summary.json")).unwrap_or_default();
            let summary: Value = serde_json::from_slice(&summary).unwrap_or_default();
            let curriculum = summary.get("curriculum").cloned().unwrap_or_default();
            data.curriculum = serde_json::from_value(curriculum).ok().map(Arc::new);
        }
        data.note_all(subject.note.iter().cloned());
        data
    }

    fn note_all(&mut self, notes: impl Iterator<Item = String>) {
        notes.for_each(|note| self.note(note));
    }

    /// Takes what a run has to say. Returns whether there was anything.
    pub fn hear(&mut self, subject: &Subject) -> bool {
        let Some(watch) = &subject.watch else { return false };
        let mut heard = false;
        let mut touched = false;
        for event in watch.events() {
            heard = true;
            match event {
                RunEvent::Step(report) => self.step(report),
                RunEvent::Metrics { row, .. } => self.row(&row),
                RunEvent::Exams { report, best } => {
                    let best = if best { ", the best so far" } else { "" };
                    self.note(format!("exams after step {}{best}", report.step));
                    self.exams.insert(report.step, report);
                }
                RunEvent::Settings { step, settings } => self.settings = Some((step, *settings)),
                RunEvent::Checkpoint { step } => self.note(format!("checkpoint of step {step}")),
                RunEvent::Note(text) => {
                    self.note(text);
                    touched = true;
                }
                RunEvent::Finished(summary) => {
                    self.curriculum = Some(Arc::new(summary.curriculum.clone()));
                    self.note(format!("all {} steps are done", summary.steps));
                    self.ending = Some(Ending::Finished);
                }
                RunEvent::Stopped { step } => self.ending = Some(Ending::Stopped(step)),
                RunEvent::Failed { message, checkpoint } => {
                    self.note(format!("the run has failed: {message}"));
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
        if touched {
            self.controls = subject.directory.control_records().unwrap_or_default();
        }
        let newest = watch.newest();
        if let Some(newest) =
            newest.filter(|new| self.newest.as_ref().is_none_or(|old| !Arc::ptr_eq(old, new)))
        {
            self.share(
                newest.step,
                std::array::from_fn(|axis| newest.policy.axes[axis].probabilities.clone()),
            );
            self.pace(&newest);
            self.curriculum = Some(newest.curriculum.clone());
            // A state from before something was set does not know of it.
            if self.settings.as_ref().is_none_or(|(step, _)| newest.step > *step) {
                self.settings = Some((newest.step, newest.settings.clone()));
            }
            self.newest = Some(newest);
            heard = true;
        }
        heard
    }

    /// Reads anew which controls were applied.
    pub fn read_controls(&mut self, subject: &Subject) {
        self.controls = subject.directory.control_records().unwrap_or_default();
    }

    /// Something to read.
    pub fn note(&mut self, text: String) {
        if self.notes.len() == MOST_NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back(text);
    }

    fn step(&mut self, report: Arc<StepReport>) {
        for sample in &report.samples {
            let origin = sample.origin.unwrap_or(sample.index);
            if self.histories.len() >= MOST_HISTORIES && !self.histories.contains_key(&origin) {
                // Those seen once say least of how a sample fares.
                self.histories.retain(|_, records| records.len() > 1);
                if self.histories.len() >= MOST_HISTORIES {
                    self.histories.clear();
                }
            }
            let record =
                SampleRecord { step: report.step, score: sample.difficulty, error: sample.error };
            self.histories.entry(origin).or_default().push(record);
        }
        self.step = Some(report);
    }

    fn row(&mut self, row: &MetricsRow) {
        for (name, value) in row.values() {
            self.point(&name, row.step as f64, value);
        }
        for (reason, count) in &row.rejections {
            *self.reasons.entry(reason.name().to_owned()).or_default() += count;
        }
        for (axis, bins) in &row.rejected_by_axis_bin {
            let Some(axis) = marionette_stream::HardnessAxis::by_name(axis) else { continue };
            let counts = &mut self.rejected[axis as usize];
            for (bin, count) in bins.iter().enumerate().take(64) {
                counts.resize(counts.len().max(bin + 1), 0);
                counts[bin] += count;
            }
        }
    }

    fn point(&mut self, name: &str, step: f64, value: f64) {
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

    fn pace(&mut self, snapshot: &Snapshot) {
        let samples = snapshot.batch.tiles.len() as f64;
        let step = snapshot.step as f64;
        let per_second = |seconds: f64| samples / seconds.max(1e-6);
        self.point("trainer_samples_per_second", step, per_second(snapshot.pace.learning));
        if snapshot.pace.drawing > 0.0 {
            self.point("renderer_samples_per_second", step, per_second(snapshot.pace.drawing));
        }
        self.point("in_flight_now", step, snapshot.pace.in_flight as f64);
        self.point("queued_now", step, snapshot.pace.queued as f64);
    }

    /// Keeps a step of the distributions' history; when there are more than the heat maps can show,
    /// every second one goes.
    fn share(&mut self, step: u64, shares: Shares) {
        if self.shares.last().is_some_and(|(last, _)| step < last + self.shares_every) {
            return;
        }
        self.shares.push((step, shares));
        if self.shares.len() > HEAT_COLUMNS {
            let mut keep = false;
            self.shares.retain(|_| {
                keep = !keep;
                keep
            });
            self.shares_every *= 2;
        }
    }

    /// The newest value of a curve.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.curves.get(name)?.last().map(|point| point[1])
    }

    /// Records of the sample that started as `origin`.
    pub fn history(&self, origin: u64) -> &[SampleRecord] {
        self.histories.get(&origin).map_or(&[], Vec::as_slice)
    }

    /// Controls that change what the run comes to.
    pub fn steering_controls(&self) -> usize {
        self.controls.iter().filter(|line| line.steers).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_stream::Rejection;

    #[test]
    fn rows_become_curves_that_do_not_grow_for_ever() {
        let mut data = Data { shares_every: 1, ..Data::default() };
        for step in 0..3 * MOST_POINTS {
            let rejected = [("pose", vec![1, 0]), ("mood", vec![9])]
                .map(|(axis, bins)| (axis.to_owned(), bins));
            data.row(&MetricsRow {
                step: step as u64,
                loss: 1.0,
                pck: f64::NAN,
                axis_kl: [("pose".to_owned(), 0.5)].into(),
                rejections: [(Rejection::Covered, 2)].into(),
                rejected_by_axis_bin: rejected.into(),
                ..MetricsRow::default()
            });
            data.share(step as u64, Default::default());
        }
        assert!(
            data.curves["loss"].len() <= MOST_POINTS && data.curves.contains_key("axis_kl.pose")
        );
        assert_eq!(data.last("loss"), Some(1.0));
        assert_eq!(data.rejected[0], [3 * MOST_POINTS as u64, 0]);
        assert_eq!(data.reasons["covered"], 6 * MOST_POINTS as u64);
        assert!(data.shares.len() <= HEAT_COLUMNS);
        assert!(data.shares.last().unwrap().0 > 2 * MOST_POINTS as u64);
    }
}
