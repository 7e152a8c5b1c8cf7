//! What `train` prints when it is done.

use marionette::base::shell::quoted;
use marionette::run::{Best, ExamLine, Summary};
use marionette::train::curriculum::AxisSummary;
use std::{fmt::Write, path::Path};

/// The summary as text: the axes before and after, how hard each bin was, the uniform stream's
/// figures, what to try next.
pub fn text(summary: &Summary, directory: &Path, minutes: f64) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, summary, directory, minutes);
    out
}

fn write_text(
    out: &mut String,
    summary: &Summary,
    directory: &Path,
    minutes: f64,
) -> std::fmt::Result {
    let bins = summary.curriculum.axes.first().map_or(0, |axis| axis.bins.len());
    writeln!(
        out,
        "\n{} steps in {minutes:.1} minutes, {} skipped",
        summary.steps, summary.skipped
    )?;
    if summary.steered_by_hand > 0 {
        let file = directory.join("hand.jsonl");
        writeln!(
            out,
            "STEERED BY HAND, {} times: {} says when and how",
            summary.steered_by_hand,
            file.display()
        )?;
    }
    writeln!(
        out,
        "\nWhat is rendered, per hardness axis: share of each bin from easy to hard, in percent"
    )?;
    writeln!(
        out,
        "  at the start every bin of every axis holds {:.0}",
        100.0 / bins.max(1) as f32
    )?;
    writeln!(
        out,
        "  {:<12} {:<width$}  KL     error goes with it",
        "axis",
        "at the end",
        width = bins * 5
    )?;
    for (axis, correlation) in summary.curriculum.axes.iter().zip(&summary.score.error_axis) {
        let shares: String =
            axis.bins.iter().map(|bin| format!("{:>4.0} ", bin.probability * 100.0)).collect();
        let correlation = signed(*correlation);
        writeln!(out, "  {:<12} {shares}  {:.3}  {correlation}", axis.axis.name(), axis.kl)?;
    }
    writeln!(out, "\nMean difficulty score per bin, from easy to hard")?;
    for axis in &summary.curriculum.axes {
        let scores: String = axis
            .bins
            .iter()
            .map(|bin| {
                bin.mean_difficulty.map_or("   - ".to_owned(), |score| format!("{score:.2} "))
            })
            .collect();
        writeln!(out, "  {:<12} {scores}", axis.axis.name())?;
    }
    let [loss_start, loss_end] = summary.loss;
    let [pck_start, pck_end] = summary.pck;
    writeln!(
        out,
        "\nUniform stream, which the curriculum cannot move (first 5 % of the steps, last 10 %)"
    )?;
    writeln!(out, "  loss           {} -> {}", number(loss_start), number(loss_end))?;
    writeln!(
        out,
        "  PCK@0.2 torso  {} -> {}   (always guessing the mean pose: {})",
        number(pck_start),
        number(pck_end),
        number(summary.mean_pose_pck)
    )?;
    writeln!(
        out,
        "  Spearman(score, keypoint error), last quarter: {}, and {} beyond the spread of the maps",
        signed(summary.score.score.error),
        signed(summary.score.beyond_blur)
    )?;
    write_exams(out, &summary.exams)?;
    if let Some(Best { step, exam, torso_02 }) = summary.best {
        writeln!(out, "  best checkpoint by {}: step {step}, {torso_02:.3}", exam.name())?;
    }
    writeln!(out, "\nBatches in flight at once, at most: {}", summary.most_in_flight)?;
    writeln!(out, "\nPictures")?;
    for picture in &summary.pictures {
        writeln!(out, "  {}", picture.display())?;
    }
    writeln!(out, "\nWeights, metrics and checkpoints are in {}. Next:", directory.display())?;
    let run = quoted(directory);
    writeln!(
        out,
        "  marionette eval {run} --exam all           # the exams in full: per axis, per keypoint"
    )?;
    writeln!(
        out,
        "  marionette predict PICTURE --weights {run} --out found --box X,Y,WIDTH,HEIGHT"
    )?;
    writeln!(
        out,
        "  marionette export {run} --format safetensors --out exported/weights.safetensors"
    )?;
    write!(out, "  marionette train --run {run} --resume --steps {}", summary.steps * 2)?;
    if let Some(words) = summary.hardest.words() {
        write!(out, "\n\nWhat the network finds hardest: {words}")?;
    }
    match frontier(&summary.curriculum.axes) {
        Some(line) => write!(out, "\n\n{line}"),
        None => Ok(()),
    }
}

/// What the frontier did, in a line; none where there was none.
fn frontier(axes: &[AxisSummary]) -> Option<String> {
    let mut opened: Vec<(u64, &str)> =
        axes.iter().filter_map(|axis| Some((axis.opened?, axis.axis.name()))).collect();
    opened.sort_unstable();
    let ((first, easiest), (last, hardest)) = (opened.first()?, opened.last()?);
    let rest = axes.len() - opened.len();
    let more = if rest > 0 { format!("; {rest} axes were not yet") } else { String::new() };
    Some(format!(
        "What the curriculum did: samples widened from the everyday to the extreme; all of \
         {easiest} was open after step {first}, of {hardest} after step {last}{more}"
    ))
}

/// Three digits; a dash where nothing was measured.
pub fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}

/// A correlation; a dash where there is none.
fn signed(value: Option<f32>) -> String {
    value.map_or("    -".to_owned(), |value| format!("{value:+.2}"))
}

fn write_exams(out: &mut String, exams: &[ExamLine]) -> std::fmt::Result {
    if exams.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nExams: images that nothing is trained on (PCK@0.2 torso; further measures after \
         training)"
    )?;
    writeln!(out, "  exam              before   after   mean pose     PCK@0.1 box   AUC   OKS AP")?;
    for line in exams {
        writeln!(
            out,
            "  {:<17} {:>6}  {:>6}  {:>9}     {:>11}  {:>5}  {:>6}",
            line.exam.name(),
            number(line.before),
            number(line.after),
            number(line.mean_pose),
            number(line.box_01),
            number(line.auc),
            number(line.oks_ap),
        )?;
    }
    Ok(())
}
