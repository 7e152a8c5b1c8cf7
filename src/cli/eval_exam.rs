//! The half of `marionette eval` that takes exams.

use super::{CommandError, eval_table::share, output, scenes::FigureArg};
use anyhow::{Context, anyhow};
use marionette::base::json_file::path_text;
use marionette::render::{RendererConfig, headless_app};
use marionette::run::{
    RunDirectory,
    exam::{Exam, ExamResult, ExamSet, ExamStore, grade},
    threads,
};
use marionette::scene::{ImageSize, Scene, embedded_figures, load_scene_with_figure};
use marionette::train::eval::Detector;
use serde::Serialize;
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Tiles drawn at once.
pub const TILES: usize = 64;

/// How a network did in exams; the JSON that `marionette eval --exam` writes.
#[derive(Debug, Serialize)]
pub struct ExamsReport {
    /// The file of weights.
    #[serde(serialize_with = "path_text")]
    pub weights: PathBuf,
    /// Whether the network looked at every image in a mirror, too.
    pub flip_test: bool,
    /// The scene that the exams are of.
    pub scene: String,
    /// The figure's keypoints, in label order.
    pub keypoints: Vec<String>,
    /// One result per exam.
    pub exams: Vec<ExamResult>,
}

/// Takes the exams of `scene` called `name` with a detector that was read from the file `weights`.
pub fn on_exams(
    scene: Scene,
    weights: PathBuf,
    detector: &Detector,
    name: &str,
    images: usize,
) -> Result<ExamsReport, CommandError> {
    let exams = Exam::several_by_name(name).map_err(|e| CommandError::Input(e.into()))?;
    let scheme = scene.figure.scheme();
    let take = || -> anyhow::Result<Vec<ExamResult>> {
        let sets = images_of(&scene, &exams, images)?;
        sets.iter()
            .map(|set| {
                Ok(grade(
                    set,
                    &scheme,
                    &detector.detect(&set.images()).context("the network failed")?,
                ))
            })
            .collect()
    };
    let exams = take().map_err(CommandError::Failed)?;
    Ok(ExamsReport {
        weights,
        flip_test: detector.flip_test(),
        scene: scene.name,
        keypoints: scheme.names,
        exams,
    })
}

/// The first `images` images of each of `exams` of `scene`, as the user's store has them or newly
/// rendered.
pub fn images_of(scene: &Scene, exams: &[Exam], images: usize) -> anyhow::Result<Vec<ExamSet>> {
    let tiles = TILES.min(images);
    let ImageSize { width, height } = scene.image;
    let renderer = RendererConfig { tiles, width, height, threads: threads(0) };
    let (mut app, adapter) = headless_app(renderer, &scene.pictures)?;
    let app = (&mut app, renderer, &adapter);
    Ok(ExamStore::of_user()
        .fetch(app, scene, exams, images, |notice| output::warn(&format!("note: {notice}")))?)
}

/// The scene whose images a detector is to be judged by that was asked for as `asked`, at the size
/// that its network takes: as [`find_scene`], if the detector is of that scene's figure.
pub fn scene_of(
    asked: &Path,
    weights: &Path,
    detector: &Detector,
    scene: Option<&str>,
    figure: &FigureArg,
) -> Result<Scene, CommandError> {
    let scene = find_scene(asked, detector, scene, figure).map_err(CommandError::Input)?;
    let (card, scheme) = (detector.card(), scene.figure.scheme());
    if card.keypoints.names != scheme.names {
        return Err(CommandError::Input(anyhow!(
            "{}: is of the figure \"{}\" with {} keypoints, and scene \"{}\" shows \"{}\" with \
             other ones; give weights of that figure or a --scene with yours",
            weights.display(),
            card.figure,
            card.keypoints.names.len(),
            scene.name,
            scene.figure.name
        )));
    }
    let [width, height] = card.network.input_size();
    scene.resized(ImageSize { width, height }).ok_or_else(|| {
        CommandError::Input(anyhow!(
            "network \"{}\" takes {width}x{height} images, scene \"{}\" makes {}x{} ones; give a \
             --scene whose `image` has the same proportions",
            card.network.name,
            scene.name,
            scene.image.width,
            scene.image.height
        ))
    })
}

/// The scene asked for, with the figure asked for. Without either: the scene of the run that the
/// weights lie in, or else the built-in scene that they were trained on, with their figure if it
/// comes with the program.
fn find_scene(
    weights: &Path,
    detector: &Detector,
    scene: Option<&str>,
    figure: &FigureArg,
) -> anyhow::Result<Scene> {
    if let Some(scene) = scene {
        return Ok(figure.load(scene)?);
    }
    let run = if weights.is_dir() { weights } else { weights.parent().unwrap_or(Path::new(".")) };
    if !figure.is_given() && run.join("config.toml").is_file() && run.join("scene.toml").is_file() {
        return Ok(RunDirectory::open(run)?.2);
    }
    let card = detector.card();
    let trained_on = &card.scene;
    let scene = match embedded_figures().any(|name| name == card.figure) && !figure.is_given() {
        true => load_scene_with_figure(trained_on, &card.figure),
        false => figure.load(trained_on),
    };
    scene.with_context(|| {
        format!(
            "the weights were trained on scene \"{trained_on}\", which is not at hand; give its \
             file as --scene"
        )
    })
}

/// The report as text: a line per exam; for the widest exam also results along the axes and per
/// keypoint.
pub fn text(report: &ExamsReport) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, report);
    out.truncate(out.trim_end().len());
    out
}

fn write_text(out: &mut String, report: &ExamsReport) -> std::fmt::Result {
    writeln!(
        out,
        "exam              images  PCK@0.2  mean pose  blind    AUC  error  PCK@0.1 box    AP   \
         AP50   AP75     AR"
    )?;
    for ExamResult { exam, images, pck, oks, mean_pose, .. } in &report.exams {
        writeln!(
            out,
            "{:<16}  {images:>6}    {}      {}  {}  {}  {}        {}  {}  {}  {}  {}",
            exam.name(),
            share(pck.torso_02),
            share(*mean_pose),
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
    writeln!(
        out,
        "\nPCK@0.2, mean pose (always guessing it), blind (left and right may be exchanged), AUC \
         (up to 0.5) and error are in torso lengths."
    )?;
    let Some(widest) = report
        .exams
        .iter()
        .find(|result| result.exam == Exam::Standard)
        .or_else(|| report.exams.first())
    else {
        return Ok(());
    };
    writeln!(
        out,
        "\n{}: PCK@0.2 along each axis, from easy to hard (images in the bin)",
        widest.exam.name()
    )?;
    for axis in &widest.axes {
        write!(out, "{:<16}", axis.axis.name())?;
        for bin in &axis.bins {
            write!(
                out,
                "  {:.1}-{:.1} {} ({})",
                bin.low,
                bin.high,
                share(bin.torso_02),
                bin.images
            )?;
        }
        writeln!(out)?;
    }
    writeln!(out, "\n{:<16}  labelled  PCK@0.2  error   ({})", "keypoint", widest.exam.name())?;
    for (name, score) in report.keypoints.iter().zip(&widest.pck.per_keypoint) {
        writeln!(
            out,
            "{name:<16}  {:>8}    {}  {}",
            score.labelled,
            share(score.torso_02),
            share(score.mean_error)
        )?;
    }
    Ok(())
}
