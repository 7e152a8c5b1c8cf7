//! What was rendered: how far the curriculum reached along each axis, and where it ended.

use super::{
    RunFiles,
    curves::{Curve, lines, without_rows},
};
use crate::{
    MetricsRow,
    page::{
        chart::{Chart, grid},
        escaped, number, paragraph, signed,
        table::{Cell, Table},
        whole,
    },
};
use marionette_stream::HardnessAxis;
use std::collections::BTreeMap;

/// The section's content.
pub fn html(runs: &[RunFiles]) -> String {
    let reach = axes(runs, |row| &row.axis_reach);
    let mean = axes(runs, |row| &row.axis_mean);
    let mut out = without_rows(runs);
    if let Some(charts) = reach {
        out += &format!(
            "<h3>Reach</h3>\n<p>How far steered samples go along each axis, from 0 (everyday) to 1 \
             (extreme): the frontier that the controller moves.</p>\n{charts}"
        );
    } else if runs.iter().any(|run| !run.rows.is_empty()) {
        out += &paragraph("No run says how far its samples reach: they are of an older version.");
    }
    if let Some(charts) = mean {
        out += &format!(
            "<h3>Mean hardness</h3>\n<p>How hard steered samples are on average along each axis; \
             0.5 is as hard as drawing evenly.</p>\n{charts}"
        );
    }
    if runs.iter().any(|run| !run.rows.is_empty()) {
        out += &grid([FREE.html(runs)]);
    }
    out + &runs.iter().map(|run| ending(run, runs.len() > 1)).collect::<String>()
}

const FREE: Curve = Curve {
    title: "Free axes",
    about: "The probability that an axis is free in a steered sample rather than held back.",
    range: Some([0.0, 1.0]),
    digits: 2,
    value: |row| Some(f64::from(row.axis_free)),
};

/// A small chart for each axis; `None` where no run has such numbers.
fn axes(runs: &[RunFiles], map: fn(&MetricsRow) -> &BTreeMap<String, f32>) -> Option<String> {
    runs.iter().flat_map(|run| &run.rows).find(|row| !map(row).is_empty())?;
    let chart = |axis: HardnessAxis| {
        let series =
            lines(runs, |run| run.column(|row| map(row).get(axis.name()).copied().map(f64::from)));
        Chart {
            title: axis.name(),
            about: "",
            along: "steps",
            range: Some([0.0, 1.0]),
            digits: 2,
            small: true,
            series: &series,
            band: &[],
        }
        .html()
    };
    let charts: String = HardnessAxis::ALL.into_iter().map(chart).collect();
    Some(format!("<div class=\"grid small\">\n{charts}</div>\n"))
}

/// Where a run's curriculum ended, and what was rejected on the way.
fn ending(run: &RunFiles, named: bool) -> String {
    let name = if named { format!(", {}", run.name) } else { String::new() };
    let mut out = format!("<h3>At the end{}</h3>\n", escaped(&name));
    match &run.summary {
        None => {
            out += &paragraph("There is no summary.json yet: it comes with the last step.");
        }
        Some(summary) if summary.curriculum.axes.is_empty() => {
            out += &paragraph("summary.json says nothing of the curriculum.");
        }
        Some(summary) => {
            let bins =
                summary.curriculum.axes.iter().map(|axis| axis.bins.len()).max().unwrap_or(0);
            let mut head = vec!["axis".to_owned()];
            head.extend((0..bins).map(|bin| {
                let end = |bin: usize| bin as f64 / bins as f64;
                format!("{:.2}\u{2013}{:.2}", end(bin), end(bin + 1))
            }));
            head.extend(["reach", "open after", "effect"].map(str::to_owned));
            let row = |axis: &marionette_train::curriculum::AxisSummary| {
                let mut cells: Vec<Cell> = axis
                    .bins
                    .iter()
                    .map(|bin| {
                        let share = f64::from(bin.probability);
                        // Twice an even share is the darkest.
                        Cell::shaded(&format!("{:.0} %", share * 100.0), share * bins as f64 / 2.0)
                    })
                    .collect();
                cells.resize_with(bins, Cell::default);
                cells.extend([
                    Cell::plain(&number(Some(axis.reach), 2)),
                    Cell::plain(&axis.opened.map_or("\u{2013}".to_owned(), whole)),
                    Cell::plain(&signed(Some(axis.effect), 2)),
                ]);
                (axis.axis.name().to_owned(), cells)
            };
            let table = Table {
                label: &format!("Shares of hardness by axis at the end of {}", run.name),
                head,
                rows: summary.curriculum.axes.iter().map(row).collect(),
                heat: true,
            };
            out += &format!(
                "<p>Share of steered samples in each bin of hardness. \u{201c}Open after\u{201d} \
                 is the step from which all of an axis was reached. \u{201c}Effect\u{201d} is what \
                 hardness 1 adds to the rank of a sample\u{2019}s signal, from 0 to 1.</p>\n{}",
                table.html()
            );
            if let Some(words) = summary.hardest.words() {
                out += &paragraph(&format!("What the network finds hardest: {words}."));
            }
        }
    }
    out + &rejected(run)
}

fn rejected(run: &RunFiles) -> String {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (reason, count) in run.rows.iter().flat_map(|row| &row.rejections) {
        let name = serde_json::to_value(reason).ok();
        let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or("other");
        *counts.entry(name.replace('_', " ")).or_default() += count;
    }
    let all: u64 = counts.values().sum();
    if all == 0 {
        return String::new();
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words: Vec<String> =
        counts.iter().map(|(name, count)| format!("{name} {}", whole(*count))).collect();
    paragraph(&format!(
        "Draws that nobody could label were rejected {} times: {}.",
        whole(all),
        words.join(", ")
    ))
}
