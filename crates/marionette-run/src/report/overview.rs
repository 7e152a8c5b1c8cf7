//! The head of a report: the result in a few figures, and how several runs differ in them.

use super::RunFiles;
use crate::{
    exam::{Exam, ExamResult},
    page::{
        escaped, number, paragraph, signed,
        table::{Cell, Table},
        whole,
    },
};
use marionette_stream::HardnessAxis;

/// One figure of a run.
struct Measure {
    name: &'static str,
    about: &'static str,
    digits: usize,
    value: fn(&RunFiles) -> Option<f64>,
    /// The exams that it is from: runs compare only where these have the same images.
    exams: fn() -> Vec<Exam>,
}

const PCK: &str = "PCK@0.2: keypoints found within 0.2 torso lengths";

fn measures() -> Vec<Measure> {
    let of = |name, about, digits, value, exams| Measure { name, about, digits, value, exams };
    vec![
        of("standard", PCK, 3, |run| pck(run, Exam::Standard), || vec![Exam::Standard]),
        of("easy", "PCK@0.2, every axis low", 3, |run| pck(run, Exam::Easy), || vec![Exam::Easy]),
        of("hard", "PCK@0.2, every axis high", 3, |run| pck(run, Exam::Hard), || vec![Exam::Hard]),
        of(
            "natural",
            "PCK@0.2, hard in few respects",
            3,
            |run| pck(run, Exam::Natural),
            || vec![Exam::Natural],
        ),
        of("hard axes", "PCK@0.2, one axis high, mean of eight", 3, hard_axes, axis_exams),
        of(
            "OKS AP",
            "COCO's average precision, standard",
            3,
            |run| run.result(Exam::Standard)?.oks.ap,
            || vec![Exam::Standard],
        ),
        of(
            "mean error",
            "torso lengths, standard",
            3,
            |run| run.result(Exam::Standard)?.pck.mean_error,
            || vec![Exam::Standard],
        ),
        of(
            "score and error",
            "rank correlation, last quarter",
            2,
            |run| run.summary.as_ref()?.score.score.error.map(f64::from),
            Vec::new,
        ),
        of("steps", "batches learned from", 0, |run| Some(run.steps() as f64), Vec::new),
        of("minutes", "rendering, training and exams", 1, RunFiles::minutes, Vec::new),
    ]
}

fn axis_exams() -> Vec<Exam> {
    HardnessAxis::ALL.map(Exam::HardAxis).into()
}

fn pck(run: &RunFiles, exam: Exam) -> Option<f64> {
    run.result(exam)?.pck.torso_02
}

fn hard_axes(run: &RunFiles) -> Option<f64> {
    let values: Option<Vec<f64>> = axis_exams().into_iter().map(|exam| pck(run, exam)).collect();
    let values = values?;
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

/// The lines and the table below the title.
pub fn html(runs: &[RunFiles]) -> String {
    match runs {
        [only] => format!("<p>{}</p>\n{}{}", state(only), by_hand(only), tiles(only)),
        several => {
            let item =
                |run: &RunFiles| format!("<li>{}: {}</li>\n", escaped(&run.name), state(run));
            let states = if several.iter().all(|run| state(run) == state(&several[0])) {
                format!("<p>All: {}</p>\n", state(&several[0]))
            } else {
                format!("<ul>\n{}</ul>\n", several.iter().map(item).collect::<String>())
            };
            let notes: String = several.iter().map(by_hand).collect();
            format!("{states}{notes}{}", table(several))
        }
    }
}

/// How far a run has come.
fn state(run: &RunFiles) -> String {
    let (done, wanted) = (run.steps(), run.whole_setting("steps"));
    let model = run.settings.get("model").map_or("", String::as_str);
    let steps = match &run.summary {
        Some(_) if done >= wanted => format!("finished after {} steps", whole(done)),
        _ if done == 0 => format!("none of {} steps done", whole(wanted)),
        _ => format!("not finished: {} of {} steps done", whole(done), whole(wanted)),
    };
    escaped(&format!("{model} on {}, {steps}.", run.scene))
}

/// That a run was steered by hand, if it was.
fn by_hand(run: &RunFiles) -> String {
    match run.controls.iter().filter(|record| record.steers).count() {
        0 => String::new(),
        times => format!(
            "<p class=\"note\">{} was steered by hand, {times} times: hand.jsonl says when and \
             how.</p>\n",
            escaped(&run.name)
        ),
    }
}

/// A value with so many digits.
fn text(value: Option<f64>, digits: usize) -> String {
    match value.filter(|_| digits == 0) {
        Some(count) => whole(count as u64),
        None => number(value, digits),
    }
}

fn tiles(run: &RunFiles) -> String {
    let tile = |measure: &Measure| {
        let value = text(Some((measure.value)(run)?), measure.digits);
        Some(format!(
            "<div class=\"tile\"><b>{value}</b><span>{}</span><small>{}</small></div>\n",
            measure.name, measure.about
        ))
    };
    let tiles: String = measures().iter().filter_map(tile).collect();
    format!("<div class=\"tiles\">\n{tiles}</div>\n")
}

fn table(runs: &[RunFiles]) -> String {
    let first = &runs[0];
    let mut other_images = false;
    let rows = measures()
        .iter()
        .map(|measure| {
            let base = (measure.value)(first);
            let cells = runs.iter().enumerate().map(|(index, run)| {
                let value = (measure.value)(run);
                let same = (measure.exams)().iter().all(|exam| same_images(first, run, *exam));
                other_images |= !same;
                let mut cell = Cell::plain(&text(value, measure.digits));
                if index > 0 {
                    let difference = base.zip(value).filter(|_| same).map(|(a, b)| b - a);
                    cell.html += &format!("<small>{}</small>", signed(difference, measure.digits));
                }
                cell
            });
            let about = format!("{}<br/><small>{}</small>", measure.name, measure.about);
            (about, cells.collect())
        })
        .collect();
    let head = ["result".to_owned()].into_iter().chain(runs.iter().map(|r| r.name.clone()));
    let table = Table {
        label: "Results and differences from the first run",
        head: head.collect(),
        rows,
        heat: false,
    };
    let note = if other_images {
        paragraph("Where two runs took an exam with other images, no difference is given.")
    } else {
        String::new()
    };
    let difference = format!("The small figures are differences from {}.", first.name);
    format!("{}{}{note}", table.html(), paragraph(&difference))
}

/// Whether both runs took `exam` with the same images, or one of them did not take it.
pub fn same_images(a: &RunFiles, b: &RunFiles, exam: Exam) -> bool {
    let sha256 = |result: &ExamResult| result.sha256.clone();
    let both = a.result(exam).map(sha256).zip(b.result(exam).map(sha256));
    both.is_none_or(|(a, b)| a == b)
}
