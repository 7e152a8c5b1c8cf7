//! The exams: their results, and those along each axis and for each keypoint.

use super::{RunFiles, overview::same_images};
use crate::{
    exam::{Exam, ExamResult},
    page::{
        escaped, number, paragraph,
        rows::{BarRow, bars},
        signed,
        table::{Cell, Table},
    },
};
use marionette_stream::HardnessAxis;

/// The section's content.
pub fn html(runs: &[RunFiles]) -> String {
    let mut out = String::new();
    for run in runs {
        match run.last_exams() {
            None => {
                out += &paragraph(&format!(
                    "{} has taken no exams: there are none in exams/.",
                    run.name
                ));
            }
            Some(report) if report.step < run.whole_setting("steps") => {
                out += &paragraph(&format!(
                    "{} took its last exams after step {}.",
                    run.name, report.step
                ));
            }
            Some(_) => {}
        }
    }
    if runs.iter().all(|run| run.exams.is_empty()) {
        return out;
    }
    out + &results(runs) + &by_axis(runs) + &by_keypoint(runs)
}

/// The exams that any run took last, in their usual order.
fn taken(runs: &[RunFiles]) -> Vec<Exam> {
    let any = |exam: &Exam| runs.iter().any(|run| run.result(*exam).is_some());
    Exam::all().into_iter().filter(any).collect()
}

fn results(runs: &[RunFiles]) -> String {
    let row = |exam: Exam| BarRow {
        name: exam.name(),
        values: runs.iter().map(|run| run.result(exam)?.pck.torso_02).collect(),
        mark: runs.iter().find_map(|run| run.result(exam)?.mean_pose),
    };
    let rows: Vec<BarRow> = taken(runs).into_iter().map(row).collect();
    format!(
        "<h3>Results</h3>\n<p>PCK@0.2 torso: the share of keypoints that are found within 0.2 \
         torso lengths. The upright mark is what always guessing the exam\u{2019}s mean pose would \
         reach, the best that can be done without looking.</p>\n{}{}",
        bars("PCK@0.2 torso by exam", "mean pose", &rows),
        measures(runs),
    )
}

/// Further measures of every exam, run by run.
fn measures(runs: &[RunFiles]) -> String {
    const MEASURES: [(&str, fn(&ExamResult) -> Option<f64>); 6] = [
        ("PCK@0.2 torso", |result| result.pck.torso_02),
        ("mean pose", |result| result.mean_pose),
        ("PCK@0.1 box", |result| result.pck.box_01),
        ("AUC", |result| result.pck.auc),
        ("mean error", |result| result.pck.mean_error),
        ("OKS AP", |result| result.oks.ap),
    ];
    let of_run = |run: &RunFiles| {
        let row = |exam: Exam| {
            let result = run.result(exam)?;
            let cells = MEASURES.iter().map(|(_, value)| Cell::plain(&number(value(result), 3)));
            let images = [Cell::plain(&result.images.to_string())];
            Some((exam.name(), cells.chain(images).collect()))
        };
        let head = ["exam"].into_iter().chain(MEASURES.map(|(name, _)| name)).chain(["images"]);
        Table {
            label: &format!("Exams of {} in full", run.name),
            head: head.map(str::to_owned).collect(),
            rows: taken(runs).into_iter().filter_map(row).collect(),
            heat: false,
        }
        .html()
    };
    let tables: String =
        runs.iter().map(|run| headed(runs, run, &run.name, &of_run(run))).collect();
    format!(
        "<details><summary>Further measures</summary>\n<p>AUC is the mean of PCK over all \
         distances up to 0.5 torso lengths. The mean error is in torso lengths, each keypoint by at most 3. \
         OKS AP is COCO\u{2019}s average precision.</p>\n{tables}</details>\n"
    )
}

/// A table under the name of its run, where there are several.
fn headed(runs: &[RunFiles], run: &RunFiles, title: &str, table: &str) -> String {
    if runs.len() == 1 || run.exams.is_empty() {
        return table.to_owned();
    }
    format!("<div><p><b>{}</b></p>\n{table}</div>\n", escaped(title))
}

/// PCK in bins of hardness along each axis, in the exam where every axis is anywhere.
fn by_axis(runs: &[RunFiles]) -> String {
    let of_run = |run: &RunFiles| {
        let Some(result) = run.result(Exam::Standard) else {
            return paragraph(&format!("{} did not take the exam standard last.", run.name));
        };
        let mut ends: Vec<[f32; 2]> =
            result.axes.iter().flat_map(|a| &a.bins).map(|bin| [bin.low, bin.high]).collect();
        ends.sort_by(|a, b| a[0].total_cmp(&b[0]));
        ends.dedup();
        let row = |axis: HardnessAxis| {
            let found = result.axes.iter().find(|result| result.axis == axis);
            let cell = |[low, _]: &[f32; 2]| {
                let bin = found.and_then(|axis| axis.bins.iter().find(|bin| bin.low == *low));
                shaded(bin.and_then(|bin| bin.torso_02))
            };
            (axis.name().to_owned(), ends.iter().map(cell).collect())
        };
        let columns = ends.iter().map(|[low, high]| format!("{low:.1}\u{2013}{high:.1}"));
        let table = Table {
            label: &format!("PCK@0.2 torso of {} by axis and hardness", run.name),
            head: ["hardness".to_owned()].into_iter().chain(columns).collect(),
            rows: HardnessAxis::ALL.into_iter().map(row).collect(),
            heat: true,
        };
        headed(runs, run, &run.name, &table.html())
    };
    format!(
        "<h3>By axis</h3>\n<p>PCK@0.2 torso in the exam standard, for images of rising hardness \
         along each axis. A row that falls from left to right is an axis that costs \
         keypoints.</p>\n<div class=\"grid wide\">\n{}</div>\n",
        runs.iter().map(of_run).collect::<String>()
    )
}

/// PCK of each keypoint in each exam; of further runs, the difference from the first.
fn by_keypoint(runs: &[RunFiles]) -> String {
    let exams = taken(runs);
    let mut with_exams = runs.iter().filter(|run| !run.exams.is_empty());
    let Some(first) = with_exams.next() else { return String::new() };
    let value = |run: &RunFiles, exam: Exam, keypoint: usize| {
        run.result(exam)?.pck.per_keypoint.get(keypoint)?.torso_02
    };
    let table = |run: &RunFiles, label: &str, cell: &dyn Fn(Exam, usize) -> Cell| {
        let row = |(keypoint, name): (usize, &String)| {
            let cells = exams.iter().map(|exam| cell(*exam, keypoint)).collect();
            (escaped(&name.replace('_', " ")), cells)
        };
        Table {
            label,
            head: ["keypoint".to_owned()]
                .into_iter()
                .chain(exams.iter().map(|e| e.name()))
                .collect(),
            rows: run.keypoints.iter().enumerate().map(row).collect(),
            heat: true,
        }
        .html()
    };
    let label = format!("PCK@0.2 torso of {} by keypoint and exam", first.name);
    let whole = table(first, &label, &|exam, keypoint| shaded(value(first, exam, keypoint)));
    let mut out = format!(
        "<h3>By keypoint</h3>\n<p>PCK@0.2 torso of each keypoint in each exam.</p>\n{}",
        headed(runs, first, &first.name, &whole)
    );
    for run in with_exams {
        let title = format!("{}, less {}", run.name, first.name);
        if run.keypoints != first.keypoints {
            out += &paragraph(&format!("{title}: the keypoints are others."));
            continue;
        }
        let difference = |exam, keypoint| {
            let same = same_images(first, run, exam);
            let values = value(first, exam, keypoint).zip(value(run, exam, keypoint));
            let difference = values.filter(|_| same).map(|(a, b)| b - a);
            // A tenth is a large difference.
            Cell::shaded(&signed(difference, 2), difference.unwrap_or(0.0) * 10.0)
        };
        out += &headed(runs, run, &title, &table(run, &title, &difference));
    }
    out
}

/// A PCK, in a shade that rises with it.
fn shaded(value: Option<f64>) -> Cell {
    Cell::shaded(&number(value, 2), value.unwrap_or(0.0))
}
