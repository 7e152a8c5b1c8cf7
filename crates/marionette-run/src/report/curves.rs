//! Curves over the steps: losses, PCK on what is trained on, and exams on the way.

use super::RunFiles;
use crate::{
    MetricsRow,
    exam::Exam,
    page::{
        chart::{Chart, Series, grid},
        paragraph,
    },
};

/// A chart of one number of the rows of `metrics.jsonl`, a line a run.
pub struct Curve {
    /// What is shown.
    pub title: &'static str,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// Values that the chart holds at least.
    pub range: Option<[f64; 2]>,
    /// Digits of the values that are written out.
    pub digits: usize,
    /// The number.
    pub value: fn(&MetricsRow) -> Option<f64>,
}

impl Curve {
    /// The chart.
    pub fn html(&self, runs: &[RunFiles]) -> String {
        let series = lines(runs, |run| run.column(self.value));
        Chart {
            title: self.title,
            about: self.about,
            along: "steps",
            range: self.range,
            digits: self.digits,
            small: false,
            series: &series,
            band: &[],
        }
        .html()
    }
}

/// A line a run, each in the run's own style.
pub fn lines(runs: &[RunFiles], points: impl Fn(&RunFiles) -> Vec<[f64; 2]>) -> Vec<Series> {
    let line = |(style, run): (usize, &RunFiles)| Series {
        name: run.name.clone(),
        style,
        points: points(run),
    };
    runs.iter().enumerate().map(line).collect()
}

/// A sentence that names the runs without a line in `metrics.jsonl`; empty where all have some.
pub fn without_rows(runs: &[RunFiles]) -> String {
    let without: Vec<&str> =
        runs.iter().filter(|run| run.rows.is_empty()).map(|run| run.name.as_str()).collect();
    match &without[..] {
        [] => String::new(),
        names => paragraph(&format!(
            "There are no metrics of {}: metrics.jsonl is missing or has no lines yet.",
            names.join(", ")
        )),
    }
}

const CURVES: [Curve; 5] = [
    Curve {
        title: "Loss, uniform stream",
        about: "On samples that the curriculum cannot move: the yardstick of the run.",
        range: None,
        digits: 2,
        value: |row| row.loss_uniform,
    },
    Curve {
        title: "Loss, steered stream",
        about: "On samples that the curriculum chose; it rises where they get harder.",
        range: None,
        digits: 2,
        value: |row| row.loss_steered,
    },
    Curve {
        title: "PCK@0.2 in training",
        about: "Share of keypoints found within 0.2 torso lengths, both streams together.",
        range: Some([0.0, 0.0]),
        digits: 3,
        value: |row| Some(row.pck),
    },
    Curve {
        title: "Learning rate",
        about: "AdamW's rate; Muon's follows the same schedule.",
        range: Some([0.0, 0.0]),
        digits: 5,
        value: |row| Some(row.learning_rate),
    },
    Curve {
        title: "Gradient norm",
        about: "Length of the whole gradient before it is clipped.",
        range: Some([0.0, 0.0]),
        digits: 2,
        value: |row| Some(row.gradient_norm),
    },
];

/// Of runs that learn from photographs too.
const OF_PHOTOGRAPHS: [Curve; 2] = [
    Curve {
        title: "Loss, photographs",
        about: "On the labelled photographs that join the batches; all other figures are of renders.",
        range: None,
        digits: 2,
        value: |row| row.photograph_loss,
    },
    Curve {
        title: "PCK@0.2 in training, photographs",
        about: "On photographs whose torso is labelled.",
        range: Some([0.0, 0.0]),
        digits: 3,
        value: |row| row.photograph_pck,
    },
];

/// The section's content.
pub fn html(runs: &[RunFiles]) -> String {
    let exams = Exam::all().into_iter().filter(|exam| {
        let taken = |run: &RunFiles| {
            run.exams.iter().filter(|report| report.result(*exam).is_some()).count()
        };
        runs.iter().any(|run| taken(run) > 2)
    });
    let exam_curve = |exam: Exam| {
        let series = lines(runs, |run| {
            let point = |report: &crate::ExamReport| {
                Some([report.step as f64, report.result(exam)?.pck.torso_02?])
            };
            run.exams.iter().filter_map(point).collect()
        });
        Chart {
            title: &format!("PCK@0.2 in the exam {}", exam.name()),
            about: "On images that nothing is trained on.",
            along: "steps",
            range: Some([0.0, 0.0]),
            digits: 3,
            small: false,
            series: &series,
            band: &[],
        }
        .html()
    };
    let exam_curves: Vec<String> = exams.map(exam_curve).collect();
    let missing = without_rows(runs);
    let mut rows = runs.iter().flat_map(|run| &run.rows);
    let photographs: &[Curve] =
        if rows.any(|row| row.photograph_loss.is_some()) { &OF_PHOTOGRAPHS } else { &[] };
    let curves: Vec<String> = match runs.iter().all(|run| run.rows.is_empty()) {
        true => Vec::new(),
        false => CURVES.iter().chain(photographs).map(|curve| curve.html(runs)).collect(),
    };
    match exam_curves.is_empty() && curves.is_empty() {
        true => missing,
        false => missing + &grid(exam_curves.into_iter().chain(curves)),
    }
}
