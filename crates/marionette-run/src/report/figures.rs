//! The figures of a page for programs: JSON in an element that is not shown.

use super::RunFiles;
use crate::{Manifest, Summary, exam::Exam, page::data};
use serde::Serialize;
use std::collections::BTreeMap;

/// Raised whenever what is below changes its meaning.
const SCHEMA_VERSION: u32 = 1;
/// The most rows of metrics that a run has here; of more, every so manieth is taken.
const MOST_ROWS: usize = 250;

#[derive(Serialize)]
struct Figures<'a> {
    schema_version: u32,
    runs: Vec<RunFigures<'a>>,
}

#[derive(Serialize)]
struct RunFigures<'a> {
    name: &'a str,
    scene: &'a str,
    settings: &'a BTreeMap<String, String>,
    keypoints: &'a [String],
    summary: Option<&'a Summary>,
    manifest: Option<&'a Manifest>,
    exams: Vec<ExamFigures>,
    /// By name, one value a row; null where nothing was measured.
    metrics: BTreeMap<String, Vec<Option<f64>>>,
}

/// What the page says of an exam.
#[derive(Serialize)]
struct ExamFigures {
    step: u64,
    exam: Exam,
    torso_02: Option<f64>,
    mean_pose: Option<f64>,
    mean_error: Option<f64>,
    oks_ap: Option<f64>,
    mean_score: Option<f64>,
    per_keypoint: Vec<Option<f64>>,
}

/// The element.
pub fn html(runs: &[RunFiles]) -> String {
    fn run(run: &RunFiles) -> RunFigures<'_> {
        RunFigures {
            name: &run.name,
            scene: &run.scene,
            settings: &run.settings,
            keypoints: &run.keypoints,
            summary: run.summary.as_ref(),
            manifest: run.manifest.as_ref(),
            exams: exams(run),
            metrics: metrics(run),
        }
    }
    let runs = runs.iter().map(run).collect();
    data("marionette-report", &Figures { schema_version: SCHEMA_VERSION, runs })
}

fn exams(run: &RunFiles) -> Vec<ExamFigures> {
    let results = run.exams.iter().flat_map(|report| {
        report.exams.iter().map(|result| ExamFigures {
            step: report.step,
            exam: result.exam,
            torso_02: result.pck.torso_02,
            mean_pose: result.mean_pose,
            mean_error: result.pck.mean_error,
            oks_ap: result.oks.ap,
            mean_score: result.score.as_ref().map(|score| score.mean),
            per_keypoint: result.pck.per_keypoint.iter().map(|found| found.torso_02).collect(),
        })
    });
    results.collect()
}

fn metrics(run: &RunFiles) -> BTreeMap<String, Vec<Option<f64>>> {
    let every = run.rows.len().div_ceil(MOST_ROWS).max(1);
    // The last row is always among them.
    let rows: Vec<_> = run.rows.iter().rev().step_by(every).collect();
    let mut columns: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for (index, row) in rows.iter().rev().enumerate() {
        for (name, value) in row.values() {
            columns.entry(name).or_insert_with(|| vec![None; rows.len()])[index] =
                Some(rounded(value));
        }
    }
    columns
}

/// To six digits, which is more than can be seen.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
