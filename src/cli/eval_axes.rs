//! `marionette eval --axes`: how the error grows along each hardness axis.

use super::{CommandError, eval_exam::TILES, eval_table::share};
use anyhow::Context;
use marionette::base::json_file::path_text;
use marionette::render::{RendererConfig, headless_app};
use marionette::run::{
    exam::{AxisErrors, Exam, ExamResult, LevelErrors, grade, render_exam},
    threads,
};
use marionette::scene::Scene;
use marionette::stream::HardnessAxis;
use marionette::train::eval::Detector;
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

/// How the error grows along the axes; the JSON that `marionette eval --axes` writes.
#[derive(Debug, Serialize)]
pub struct AxesReport {
    /// The file of weights.
    #[serde(serialize_with = "path_text")]
    pub weights: PathBuf,
    /// Whether the network looked at every image in a mirror, too.
    pub flip_test: bool,
    /// The scene that the images are of.
    pub scene: String,
    /// One entry per axis.
    pub axes: Vec<AxisErrors>,
}

/// Takes the exams of `scene` of `levels` levels of every axis, of `images` images each, with a
/// detector that was read from the file `weights`. `progress` hears how many exams are done, and of
/// how many.
pub fn along_axes(
    scene: Scene,
    weights: PathBuf,
    detector: &Detector,
    levels: u8,
    images: usize,
    mut progress: impl FnMut(usize, usize),
) -> Result<AxesReport, CommandError> {
    let scheme = scene.figure.scheme();
    let exams = HardnessAxis::ALL.map(|axis| (axis, AxisErrors::exams(axis, levels)));
    // Some levels are of the same exam: the easiest of five is the same for every axis.
    let mut results: BTreeMap<Exam, Option<ExamResult>> =
        exams.iter().flat_map(|(_, exams)| exams).map(|exam| (*exam, None)).collect();
    let mut take = || -> anyhow::Result<()> {
        let (width, height) = (scene.image.width, scene.image.height);
        let renderer =
            RendererConfig { tiles: TILES.min(images), width, height, threads: threads(0) };
        let (mut app, _) = headless_app(renderer, &scene.pictures)?;
        let all = results.len();
        for (done, (exam, result)) in results.iter_mut().enumerate() {
            // Not kept: there are several times as many as there are exams.
            let set = render_exam(&mut app, renderer, &scene, *exam, images)?;
            *result = Some(grade(
                &set,
                &scheme,
                &detector.detect(&set.images()).context("the network failed")?,
            ));
            progress(done + 1, all);
        }
        Ok(())
    };
    take().map_err(CommandError::Failed)?;
    let errors = |(axis, exams): (HardnessAxis, Vec<Exam>)| {
        let taken: Vec<&ExamResult> =
            exams.iter().filter_map(|exam| results.get(exam)?.as_ref()).collect();
        AxisErrors::new(axis, &taken)
    };
    Ok(AxesReport {
        weights,
        flip_test: detector.flip_test(),
        scene: scene.name,
        axes: exams.into_iter().map(errors).collect(),
    })
}

/// The report as text: a line per axis for each of the two errors.
pub fn text(report: &AxesReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, report);
    out.truncate(out.trim_end().len());
    out
}

fn write_text(out: &mut String, report: &AxesReport) -> std::fmt::Result {
    let Some(first) = report.axes.first() else { return Ok(()) };
    let images = first.levels.first().map_or(0, |level| level.images);
    writeln!(
        out,
        "scene {}, {images} images a level, the other axes over 0.0-0.2; with Spearman's \
         correlation over the levels",
        report.scene
    )?;
    type Error = fn(&LevelErrors) -> Option<f64>;
    type Correlation = fn(&AxisErrors) -> Option<f32>;
    let tables: [(&str, Error, Correlation); 2] = [
        (
            "missed keypoints: 1 - PCK@0.2 torso",
            |level| level.missed,
            |axis| axis.missed_correlation,
        ),
        ("mean error, torso lengths", |level| level.mean_error, |axis| axis.error_correlation),
    ];
    let heads: String =
        first.levels.iter().map(|level| format!("  {:.2}-{:.2}", level.low, level.high)).collect();
    for (title, error, correlation) in tables {
        writeln!(out, "\n{title}\n{:<12}{heads}  correlation", "axis")?;
        for axis in &report.axes {
            let errors: String =
                axis.levels.iter().map(|level| format!("      {}", share(error(level)))).collect();
            let correlation = correlation(axis).map_or("-".to_owned(), |c| format!("{c:+.2}"));
            writeln!(out, "{:<12}{errors}        {correlation:>5}", axis.axis.name())?;
        }
    }
    Ok(())
}
