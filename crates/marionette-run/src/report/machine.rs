//! How fast a run was, and on what.

use super::{
    RunFiles,
    curves::{Curve, without_rows},
};
use crate::{
    Manifest,
    page::{
        chart::grid,
        number, paragraph,
        table::{Cell, Table},
        whole,
    },
};

const CURVES: [Curve; 2] = [
    Curve {
        title: "Samples a second",
        about: "Rendering and training together, with the exams on the way.",
        range: Some([0.0, 0.0]),
        digits: 0,
        value: |row| Some(row.samples_per_second),
    },
    Curve {
        title: "Memory",
        about: "What the process held in RAM, MiB.",
        range: Some([0.0, 0.0]),
        digits: 0,
        value: |row| row.resident_mib,
    },
];

/// The section's content.
pub fn html(runs: &[RunFiles]) -> String {
    let mut out = without_rows(runs);
    if runs.iter().any(|run| !run.rows.is_empty()) {
        out += &grid(CURVES.iter().map(|curve| curve.html(runs)));
    }
    for run in runs.iter().filter(|run| run.manifest.is_none()) {
        out += &paragraph(&format!(
            "The machine of {} is not known: there is no manifest.json yet, which comes with the \
             first batch.",
            run.name
        ));
    }
    let made: Vec<(&RunFiles, &Manifest)> =
        runs.iter().filter_map(|run| Some((run, run.manifest.as_ref()?))).collect();
    if made.is_empty() { out } else { out + &table(&made) }
}

fn table(made: &[(&RunFiles, &Manifest)]) -> String {
    type Value = fn(&RunFiles, &Manifest) -> Option<String>;
    const ROWS: [(&str, Value); 11] = [
        ("system", |_, manifest| Some(manifest.system.clone()).filter(|name| !name.is_empty())),
        ("cores", |_, manifest| (manifest.cores > 0).then(|| manifest.cores.to_string())),
        ("graphics adapter", |_, manifest| {
            let adapter = manifest.adapter.as_ref()?;
            let software = if adapter.software { ", software" } else { "" };
            Some(format!("{} ({}{software})", adapter.name, adapter.backend))
        }),
        ("driver", |_, manifest| Some(manifest.adapter.as_ref()?.driver.clone())),
        ("trained on", |_, manifest| Some(manifest.device.clone())),
        ("samples a second, median", |run, _| Some(number(median_rate(run), 0))),
        ("minutes", |run, _| Some(number(run.minutes(), 1))),
        ("images learned from", |run, _| Some(whole(run.steps() * run.whole_setting("batch")))),
        ("version", |_, manifest| Some(manifest.version.clone())),
        ("seed", |_, manifest| Some(manifest.seed.to_string())),
        // The same seed and driver give the same.
        ("first image, SHA-256", |_, manifest| {
            Some(manifest.frame_hashes.first()?.chars().take(16).collect())
        }),
    ];
    let row = |(name, value): &(&str, Value)| {
        let text = |(run, manifest): &(&RunFiles, &Manifest)| {
            Cell::text(value(run, manifest).as_deref().unwrap_or("\u{2013}"))
        };
        ((*name).to_owned(), made.iter().map(text).collect())
    };
    let names = made.iter().map(|(run, _)| run.name.clone());
    Table {
        label: "Speed and machine",
        head: ["what".to_owned()].into_iter().chain(names).collect(),
        rows: ROWS.iter().map(row).collect(),
        heat: false,
    }
    .html()
}

fn median_rate(run: &RunFiles) -> Option<f64> {
    let rates = run.rows.iter().map(|row| row.samples_per_second);
    let mut rates: Vec<f64> = rates.filter(|rate| rate.is_finite()).collect();
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied()
}
