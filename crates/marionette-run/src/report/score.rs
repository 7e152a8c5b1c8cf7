//! How well the difficulty score tells what is hard.

use super::{
    RunFiles,
    curves::{Curve, without_rows},
};
use crate::{
    exam::Exam,
    page::{
        chart::{Chart, Series, grid, legend},
        escaped, number, paragraph,
        rows::histogram,
        signed,
        table::{Cell, Table},
    },
};
use marionette_stream::{AXES, HardnessAxis};
use marionette_train::trainer::ScoreQuality;

/// The exams whose images the critic is asked about throughout.
const PROBED: [Exam; 3] = [Exam::Easy, Exam::Standard, Exam::Hard];

const CURVES: [Curve; 4] = [
    Curve {
        title: "Score and error",
        about: "Rank correlation on the uniform stream: 1 where the harder sample always has the \
                higher score, 0 where the score says nothing.",
        range: Some([0.0, 1.0]),
        digits: 2,
        value: |row| Some(f64::from(row.spearman_score_error)),
    },
    Curve {
        title: "Effective sample size",
        about: "Share of the batch that the weights leave: 1 where all samples weigh the same.",
        range: Some([0.0, 1.0]),
        digits: 2,
        value: |row| Some(f64::from(row.effective_sample_share)),
    },
    Curve {
        title: "Scores that are not saturated",
        about: "Share of raw scores between 0.05 and 0.95, where they still tell samples apart.",
        range: Some([0.0, 1.0]),
        digits: 2,
        value: |row| Some(f64::from(row.raw_scores_unsaturated)),
    },
    Curve {
        title: "Critic\u{2019}s gap",
        about: "What the critic gives true poses more than predicted ones.",
        range: Some([0.0, 0.0]),
        digits: 2,
        value: |row| row.critic_gap,
    },
];

/// The section's content.
pub fn html(runs: &[RunFiles]) -> String {
    let mut out = paragraph(
        "The critic scores how hard each sample is, from 0 to 1, without seeing the truth. The \
         score steers what is rendered and weights the loss.",
    );
    let judged: Vec<(&RunFiles, &ScoreQuality)> = runs
        .iter()
        .filter_map(|run| Some((run, &run.summary.as_ref()?.score)))
        .filter(|(_, score)| score.samples > 0)
        .collect();
    for run in runs.iter().filter(|run| judged.iter().all(|(other, _)| other.name != run.name)) {
        out += &paragraph(&format!(
            "How well the score of {} tells what is hard is not known: summary.json, which comes \
             with the last step, does not say.",
            run.name
        ));
    }
    if !judged.is_empty() {
        out += &telling(&judged);
        out += &by_axis(&judged);
        out += &histograms(runs, &judged);
    }
    out += &without_rows(runs);
    if runs.iter().any(|run| !run.rows.is_empty()) {
        out += "<h3>Over time</h3>\n";
        out += &grid(CURVES.iter().map(|curve| curve.html(runs)));
    }
    out + &probes(runs)
}

fn names<'a>(first: &str, judged: &[(&'a RunFiles, &'a ScoreQuality)]) -> Vec<String> {
    let names = judged.iter().map(|(run, _)| run.name.clone());
    [first.to_owned()].into_iter().chain(names).collect()
}

fn correlation(value: Option<f32>) -> Cell {
    let value = value.map(f64::from);
    Cell::shaded(&signed(value, 2), value.unwrap_or(0.0))
}

fn telling(judged: &[(&RunFiles, &ScoreQuality)]) -> String {
    type Value = fn(&ScoreQuality) -> Option<f32>;
    const MEASURES: [(&str, Value); 6] = [
        ("score and keypoint error", |q| q.score.error),
        ("spread of the maps and error", |q| q.blur.error),
        ("loss and error", |q| q.loss.error),
        ("score and error, given the spread", |q| q.beyond_blur),
        ("score and error, given the loss", |q| q.beyond_loss),
        ("score and error, means over cells", |q| q.score.cells),
    ];
    const FAILURES: [(&str, Value); 2] = [
        ("finds failures: score", |q| q.score.failures),
        ("finds failures: spread of the maps", |q| q.blur.failures),
    ];
    let row = |(name, value): &(&str, Value)| {
        let cells = judged.iter().map(|(_, quality)| correlation(value(quality)));
        ((*name).to_owned(), cells.collect())
    };
    let mut rows: Vec<(String, Vec<Cell>)> = MEASURES.iter().map(row).collect();
    for (name, value) in FAILURES {
        let cells = judged.iter().map(|(_, quality)| {
            let value = value(quality).map(f64::from);
            // By chance it is a half.
            Cell::shaded(&number(value, 2), value.map_or(0.0, |value| 2.0 * value - 1.0))
        });
        rows.push((name.to_owned(), cells.collect()));
    }
    let samples = judged.iter().map(|(_, q)| Cell::plain(&q.samples.to_string()));
    rows.push(("samples".to_owned(), samples.collect()));
    let table = Table {
        label: "How well the score tells what is hard",
        head: names("last quarter, uniform stream", judged),
        rows,
        heat: true,
    };
    format!(
        "<h3>Does it tell what is hard?</h3>\n<p>Rank correlations, from \u{2212}1 to 1. The \
         spread of the predicted maps costs nothing to know, and the loss knows the truth: what the score \
         adds to them is given as partial correlations. Failures are samples of which no keypoint \
         was found; finding them is the area under the ROC curve, 0.5 by chance.</p>\n{}",
        table.html()
    )
}

fn by_axis(judged: &[(&RunFiles, &ScoreQuality)]) -> String {
    type Value = fn(&ScoreQuality) -> &[Option<f32>; AXES];
    const COLUMNS: [(&str, Value); 3] = [
        ("score", |q| &q.score_axis),
        ("score, given the error", |q| &q.score_axis_beyond_error),
        ("error", |q| &q.error_axis),
    ];
    // One run has three columns; several have that of the score each.
    let (head, columns): (Vec<String>, Vec<&[Option<f32>; AXES]>) = match judged {
        [(_, only)] => (
            ["axis"].into_iter().chain(COLUMNS.map(|(name, _)| name)).map(str::to_owned).collect(),
            COLUMNS.iter().map(|(_, value)| value(only)).collect(),
        ),
        several => (
            names("axis", several),
            several.iter().map(|(_, quality)| &quality.score_axis).collect(),
        ),
    };
    let row = |axis: HardnessAxis| {
        let cells = columns.iter().map(|values| correlation(values[axis as usize]));
        (axis.name().to_owned(), cells.collect())
    };
    let table = Table {
        label: "Correlation of the score with each axis",
        head,
        rows: HardnessAxis::ALL.into_iter().map(row).collect(),
        heat: true,
    };
    format!(
        "<h3>By axis</h3>\n<p>Rank correlation with the hardness that was asked for: which axes \
         make a sample hard for the critic, and which cost keypoints.</p>\n{}",
        table.html()
    )
}

fn histograms(runs: &[RunFiles], judged: &[(&RunFiles, &ScoreQuality)]) -> String {
    let plot = |(run, quality): &(&RunFiles, &ScoreQuality)| {
        let title = escaped(&run.name);
        if quality.histogram.iter().all(|count| *count == 0) {
            let text = format!("{} is of before scores were counted by their size.", run.name);
            return paragraph(&text);
        }
        let style = runs.iter().position(|other| other.name == run.name).unwrap_or(0);
        let label = format!("Scores of {}", run.name);
        let heading = if runs.len() > 1 {
            format!("<figcaption><b>{title}</b></figcaption>")
        } else {
            String::new()
        };
        format!("<figure>{heading}{}</figure>\n", histogram(&label, &quality.histogram, style))
    };
    format!(
        "<h3>Histogram</h3>\n<p>How many samples of the last quarter, uniform stream, have which \
         score. The figure at the top left is the share of the highest bar.</p>\n{}",
        grid(judged.iter().map(plot))
    )
}

/// What the critic says of fixed images throughout training: figure 3 of Liu et al. 2022.
fn probes(runs: &[RunFiles]) -> String {
    let charts: Vec<String> = runs
        .iter()
        .filter_map(|run| {
            let line = |(style, exam): (usize, Exam)| {
                let point = |report: &crate::ExamReport| {
                    Some([report.step as f64, report.result(exam)?.score.as_ref()?.mean])
                };
                let points = run.exams.iter().filter_map(point).collect();
                Series { name: exam.name(), style, points }
            };
            let series: Vec<Series> = PROBED.into_iter().enumerate().map(line).collect();
            series.iter().find(|line| !line.points.is_empty())?;
            let chart = Chart {
                title: &run.name,
                about: "",
                along: "steps",
                range: Some([0.0, 1.0]),
                digits: 2,
                small: false,
                series: &series,
                band: &[],
            };
            Some(chart.html())
        })
        .collect();
    if charts.is_empty() {
        return String::new();
    }
    let names = PROBED.map(Exam::name);
    format!(
        "<h3>Mean score of the exams\u{2019} images</h3>\n<p>What the critic says of the same \
         images throughout training, as in figure 3 of Liu et al. 2022.</p>\n{}{}",
        legend(names.iter().map(String::as_str)),
        grid(charts)
    )
}
