//! The figures of a page for programs: JSON in an element that is not shown.

use super::RunFiles;
use crate::{Manifest, Summary, exam::Exam, page::data};
use marionette_base::json_file::SCHEMA_VERSION;
use serde::Serialize;
use std::collections::BTreeMap;

/// The most rows of metrics that a run has here, and all runs together; of more, some are taken at
/// even distances.
const MOST_ROWS: usize = 250;
const MOST_TOGETHER: usize = 1000;

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
    /// PCK@0.2 torso of each; of the last exams alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    per_keypoint: Vec<Option<f64>>,
}

/// The element.
pub fn html(runs: &[RunFiles]) -> String {
    let most = (MOST_TOGETHER / runs.len().max(1)).clamp(1, MOST_ROWS);
    let runs = runs.iter().map(|run| figures_of(run, most)).collect();
    data("marionette-report", &Figures { schema_version: SCHEMA_VERSION, runs })
}

fn figures_of(run: &RunFiles, most_rows: usize) -> RunFigures<'_> {
    RunFigures {
        name: &run.name,
        scene: &run.scene,
        settings: &run.settings,
        keypoints: &run.keypoints,
        summary: run.summary.as_ref(),
        manifest: run.manifest.as_ref(),
        exams: exams(run),
        metrics: metrics(run, most_rows),
    }
}

fn exams(run: &RunFiles) -> Vec<ExamFigures> {
    let last = run.exams.last().map_or(0, |report| report.step);
    let results = run.exams.iter().flat_map(|report| {
        report.exams.iter().map(move |result| {
            let keypoints = result.pck.per_keypoint.iter().filter(|_| report.step == last);
            ExamFigures {
                step: report.step,
                exam: result.exam,
                torso_02: result.pck.torso_02,
                mean_pose: result.mean_pose,
                mean_error: result.pck.mean_error,
                oks_ap: result.oks.ap,
                mean_score: result.score.as_ref().map(|score| score.mean),
                per_keypoint: keypoints.map(|found| found.torso_02).collect(),
            }
        })
    });
    results.collect()
}

fn metrics(run: &RunFiles, most: usize) -> BTreeMap<String, Vec<Option<f64>>> {
    let every = run.rows.len().div_ceil(most).max(1);
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
