//! Everything that the window knows of a run: gathered from its news or read from its directory.

use super::Subject;
use marionette_run::{ExamReport, HandLine, News, Snapshot};
use marionette_stream::AXES;
use marionette_train::{
    curriculum::CurriculumSummary,
    trainer::{Hand, StepReport},
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

/// One verdict on a sample or on a replay of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
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
    /// What was touched by hand.
    pub hand: Vec<HandLine>,
    /// What is set in the run, and after which step that was heard of.
    pub set: Option<(u64, Hand)>,
    /// Distributions over time, at even distances.
    pub shares: Vec<(u64, Shares)>,
    /// Per axis and bin, draws that were rejected.
    pub rejected: [Vec<u64>; AXES],
    /// Draws that were rejected, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Verdicts on each sample, its replays among them.
    pub histories: HashMap<u64, Vec<Verdict>>,
    /// How the run ended, once it has.
    pub ending: Option<Ending>,
    shares_every: u64,
}

impl Data {
    /// What a run's directory holds so far. What cannot be read is said in a note.
    pub fn read(subject: &Subject) -> Self {
        let mut data = Data { shares_every: 1, ..Data::default() };
        let text = fs::read_to_string(subject.directory.metrics_path()).unwrap_or_default();
        for line in text.lines() {
            // A torn last line is being written just now.
            if let Ok(row) = serde_json::from_str::<Value>(line) {
                data.row(&row);
            }
        }
        match subject.directory.exam_reports() {
            Ok(reports) => data.exams.extend(reports.into_iter().map(|report| (report.step, Arc::new(report)))),
            Err(error) => data.note(error.to_string()),
        }
        match subject.directory.hand_lines() {
            Ok(lines) => data.hand = lines,
            Err(error) => data.note(error.to_string()),
        }
        if subject.watch.is_none() {
            let summary = fs::read(subject.directory.path().join("summary.json")).unwrap_or_default();
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
        for news in watch.news() {
            heard = true;
            match news {
                News::Step(report) => self.step(report),
                News::Row(row) => self.row(&row),
                News::Exams(report, best) => {
                    let best = if best { ", the best so far" } else { "" };
                    self.note(format!("exams after step {}{best}", report.step));
                    self.exams.insert(report.step, report);
                }
                News::Hand(step, hand) => self.set = Some((step, *hand)),
                News::Note(text) => {
                    self.note(text);
                    touched = true;
                }
                News::Finished(summary) => {
                    self.curriculum = Some(Arc::new(summary.curriculum.clone()));
                    self.note(format!("all {} steps are done", summary.steps));
                    self.ending = Some(Ending::Finished);
                }
                News::Stopped(step) => self.ending = Some(Ending::Stopped(step)),
                News::Failed { message, checkpoint } => {
                    self.note(format!("the run has failed: {message}"));
                    self.ending = Some(Ending::Failed(message, checkpoint));
                }
            }
        }
        if touched {
            self.hand = subject.directory.hand_lines().unwrap_or_default();
        }
        let newest = watch.newest();
        if let Some(newest) = newest.filter(|new| self.newest.as_ref().is_none_or(|old| !Arc::ptr_eq(old, new))) {
            self.share(newest.step, std::array::from_fn(|axis| newest.policy.axes[axis].probabilities.clone()));
            self.pace(&newest);
            self.curriculum = Some(newest.curriculum.clone());
            // A state from before something was set does not know of it.
            if self.set.as_ref().is_none_or(|(step, _)| newest.step > *step) {
                self.set = Some((newest.step, newest.hand.clone()));
            }
            self.newest = Some(newest);
            heard = true;
        }
        heard
    }

    /// Reads anew what was touched by hand.
    pub fn read_hand(&mut self, subject: &Subject) {
        self.hand = subject.directory.hand_lines().unwrap_or_default();
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
                self.histories.retain(|_, verdicts| verdicts.len() > 1);
                if self.histories.len() >= MOST_HISTORIES {
                    self.histories.clear();
                }
            }
            let verdict = Verdict { step: report.step, score: sample.difficulty, error: sample.error };
            self.histories.entry(origin).or_default().push(verdict);
        }
        self.step = Some(report);
    }

    fn row(&mut self, row: &Value) {
        let (Some(fields), Some(step)) = (row.as_object(), row["step"].as_f64()) else { return };
        for (name, value) in fields {
            match value {
                Value::Number(number) => self.point(name, step, number.as_f64().unwrap_or(f64::NAN)),
                Value::Object(inner) if name == "rejections" => {
                    for (reason, count) in inner {
                        *self.reasons.entry(reason.clone()).or_default() += count.as_u64().unwrap_or(0);
                    }
                }
                Value::Object(inner) if name == "rejected_by_axis_bin" => self.reject(inner),
                Value::Object(inner) => {
                    for (key, value) in inner {
                        if let Some(value) = value.as_f64() {
                            self.point(&format!("{name}.{key}"), step, value);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn reject(&mut self, by_axis: &serde_json::Map<String, Value>) {
        for (axis, bins) in by_axis {
            let Some(axis) = marionette_stream::HardnessAxis::by_name(axis) else { continue };
            let counts = &mut self.rejected[axis as usize];
            for (bin, count) in bins.as_array().into_iter().flatten().enumerate().take(64) {
                counts.resize(counts.len().max(bin + 1), 0);
                counts[bin] += count.as_u64().unwrap_or(0);
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

    /// Keeps a step of the distributions' history; when there are more than the heat maps can show, every second one goes.
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

    /// Verdicts on the sample that started as `origin`.
    pub fn history(&self, origin: u64) -> &[Verdict] {
        self.histories.get(&origin).map_or(&[], Vec::as_slice)
    }

    /// Touches that change what the run comes to.
    pub fn steering_touches(&self) -> usize {
        self.hand.iter().filter(|line| line.steers).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_curves_that_do_not_grow_for_ever() {
        let mut data = Data { shares_every: 1, ..Data::default() };
        for step in 0..3 * MOST_POINTS {
            data.row(&serde_json::json!({"step": step, "loss": 1.0, "pck": null, "axis_kl": {"pose": 0.5},
                "rejections": {"covered": 2}, "rejected_by_axis_bin": {"pose": [1, 0], "mood": [9]}}));
            data.share(step as u64, Default::default());
        }
        assert!(data.curves["loss"].len() <= MOST_POINTS && data.curves.contains_key("axis_kl.pose"));
        assert_eq!(data.last("loss"), Some(1.0));
        assert_eq!(data.rejected[0], [3 * MOST_POINTS as u64, 0]);
        assert_eq!(data.reasons["covered"], 6 * MOST_POINTS as u64);
        assert!(data.shares.len() <= HEAT_COLUMNS);
        assert!(data.shares.last().unwrap().0 > 2 * MOST_POINTS as u64);
    }
}
