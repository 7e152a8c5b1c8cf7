//! What `eval` prints.

use marionette::train::eval::{EvalReport, EvalRow};
use std::fmt::Write;

/// The report as text: a line for each row, then one for each keypoint of the first row.
pub fn text(report: &EvalReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, report);
    out
}

fn write_text(out: &mut String, report: &EvalReport) -> std::fmt::Result {
    let name_width =
        report.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).clamp(16, 40);
    writeln!(
        out,
        "{:<name_width$}  people  keypoints  PCK@0.2  blind    AUC  error  PCK@0.1 box    AP   \
         AP50   AP75     AR",
        "",
    )?;
    for row in &report.rows {
        let EvalRow { name, pck, oks } = row;
        writeln!(
            out,
            "{name:<name_width$}  {:>6}  {:>9}    {}  {}  {}  {}        {}  {}  {}  {}  {}",
            pck.people,
            pck.keypoints,
            share(pck.torso_02),
            share(pck.torso_02_blind),
            share(pck.auc),
            share(pck.mean_error),
            share(pck.box_01),
            share(oks.ap),
            share(oks.ap50),
            share(oks.ap75),
            share(oks.ar),
        )?;
    }
    let Some(all) = report.rows.first() else { return Ok(()) };
    writeln!(
        out,
        "\nPCK@0.2, blind (left and right may be exchanged), AUC (up to 0.5) and error are in \
         torso lengths."
    )?;
    if all.pck.without_torso > 0 {
        writeln!(
            out,
            "{} people have no labelled torso, or one without a length: they count for the box and \
             OKS alone.",
            all.pck.without_torso
        )?;
    }
    writeln!(out, "\n{:<name_width$}  labelled  PCK@0.2  error", "keypoint")?;
    for (name, score) in report.keypoints.iter().zip(&all.pck.per_keypoint) {
        if !report.judged.contains(name) {
            continue;
        }
        writeln!(
            out,
            "{name:<name_width$}  {:>8}    {}  {}",
            score.labelled,
            share(score.torso_02),
            share(score.mean_error)
        )?;
    }
    let unjudged: Vec<&str> = report
        .keypoints
        .iter()
        .filter(|name| !report.judged.contains(name))
        .map(String::as_str)
        .collect();
    if !unjudged.is_empty() {
        writeln!(out, "Not in the file, and so not judged: {}.", unjudged.join(", "))?;
    }
    // The caller ends the last line.
    out.truncate(out.trim_end().len());
    Ok(())
}

/// Five columns wide; a dash where there was nothing to measure.
pub fn share(value: Option<f64>) -> String {
    value.map_or("    -".to_owned(), |value| format!("{value:5.3}"))
}
