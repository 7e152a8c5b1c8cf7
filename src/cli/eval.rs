//! `marionette eval`.

use super::{
    CommandError, eval_axes, eval_exam, eval_table,
    files::{self, Output, check_inputs, check_outputs},
    output,
    process::limit,
    scenes::FigureArg,
};
use anyhow::anyhow;
use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressStyle};
use marionette::base::{atomic_file::write_atomic, json_file::json_text};
use marionette::run::{Which, Work, load_model, model_files, open_device};
use marionette::scene::Scene;
use marionette::train::eval::{
    Detector, EvalReport, Search, by_key,
    coco::{CocoFile, read_coco, write_results},
    find_people, judge,
};
use serde::Serialize;
use std::{
    collections::HashSet,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Unusable pictures that are named one by one.
const MOST_WARNINGS: usize = 10;

/// Judge a trained network: in exams of rendered images that nothing is trained on, or on labelled
/// pictures.
///
/// Example: marionette eval runs/first --exam all
///
/// Example: marionette eval runs/first --axes --json axes.json
///
/// Example: marionette eval runs/first --coco person_keypoints_val2017.json --images val2017 --json
/// val.json
#[derive(Args)]
#[command(group = ArgGroup::new("judged by").args(["exam", "axes", "coco"]).required(true))]
pub struct EvalArgs {
    /// File of weights, or the folder of a run.
    weights: PathBuf,
    /// Exam to take: standard, easy, hard, hard-AXIS, natural, or all.
    #[arg(long, value_name = "NAME")]
    exam: Option<String>,
    /// Tell how the error grows along each hardness axis, level by level, while the other axes stay
    /// easy.
    #[arg(long)]
    axes: bool,
    /// Levels per axis, equal parts of 0 to 1, with --axes.
    // That it requires --axes would not do: clap excuses what conflicts with an argument that is
    // there.
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with_all = ["coco", "exam"],
        value_parser = clap::value_parser!(u8).range(2..=20))]
    levels: u8,
    /// Scene that the images are of; by default the one that the network was trained on.
    #[arg(long, value_name = "SCENE", conflicts_with = "coco")]
    scene: Option<String>,
    #[command(flatten)]
    figure: FigureArg,
    /// Images per exam, or per level.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// COCO keypoints file to judge by.
    #[arg(long, value_name = "ANN.json", requires = "images")]
    coco: Option<PathBuf>,
    /// Folder of the pictures that the COCO file speaks of.
    #[arg(long, value_name = "DIR", requires = "coco")]
    images: Option<PathBuf>,
    /// Judge people apart by this key of their annotations, too.
    #[arg(long, value_name = "KEY", requires = "coco")]
    by: Option<String>,
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Judge by the keypoints that the file and the network both know, even where these are fewer
    /// than half of the file's.
    #[arg(long, requires = "coco")]
    keypoints_subset: bool,
    /// Write what was found to this COCO results file.
    #[arg(long, value_name = "FILE", requires = "coco")]
    results: Option<PathBuf>,
    /// Let the network look at every picture in a mirror as well and take the mean of both: twice
    /// as long, somewhat better.
    #[arg(long)]
    flip_test: bool,
    /// Where the network runs: auto, cpu, cuda:N or metal.
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// Runs `marionette eval`.
pub fn eval(args: EvalArgs) -> Result<(), CommandError> {
    let outputs = outputs(&args);
    check_inputs(&outputs, model_files(&args.weights).into_iter().chain(args.coco.clone()))?;
    check_outputs(&outputs)?;
    limit(if args.coco.is_some() { Work::Look } else { Work::Render }, 0)?;
    let device = open_device(&args.device).map_err(|e| CommandError::Input(e.into()))?;
    let model = load_model(&args.weights, Which::Newest, &device)
        .map_err(|e| CommandError::Input(e.into()))?;
    let (detector, weights) = (model.detector.with_flip_test(args.flip_test), model.source);
    let scene = || -> Result<Scene, CommandError> {
        let asked = args.scene.as_deref();
        let scene = eval_exam::scene_of(&args.weights, &weights, &detector, asked, &args.figure)?;
        check_inputs(&outputs, scene.read_from.clone())?;
        Ok(scene)
    };
    if let Some(exam) = &args.exam {
        let scene = scene()?;
        let report =
            eval_exam::on_exams(scene, weights.clone(), &detector, exam, args.count as usize)?;
        return tell(&args, &report, || eval_exam::text(&report));
    }
    if args.axes {
        let scene = scene()?;
        let mut screen = Screen::new(args.quiet, "levels");
        let (levels, images) = (args.levels, args.count as usize);
        let show = |done, all| screen.show(done, all);
        let report = eval_axes::along_axes(scene, weights.clone(), &detector, levels, images, show);
        screen.close();
        let report = report?;
        return tell(&args, &report, || eval_axes::text(&report));
    }
    let (unusable, pictures) = on_coco(&args, weights, &detector)?;
    match unusable {
        0 => Ok(()),
        unusable => Err(CommandError::Failed(anyhow!(
            "{unusable} of {pictures} pictures could not be used; the figures are those of the \
             others"
        ))),
    }
}

fn outputs(args: &EvalArgs) -> Vec<Output<'_>> {
    files::outputs(&[("--json", args.json.as_deref()), ("--results", args.results.as_deref())])
}

/// Prints a report, and writes it to the file that was asked for: figures that took long are not
/// lost where the file cannot be written.
fn tell(
    args: &EvalArgs,
    report: &impl Serialize,
    text: impl Fn() -> String,
) -> Result<(), CommandError> {
    if !args.quiet {
        output::say(&text());
    }
    if let Some(path) = &args.json {
        let text = json_text(report).map_err(|e| CommandError::Failed(e.into()))?;
        write_atomic(path, text.as_bytes()).map_err(|e| CommandError::Failed(e.into()))?;
    }
    Ok(())
}

/// Judges the detector on a COCO file; returns how many pictures could not be used, and how many
/// there were.
fn on_coco(
    args: &EvalArgs,
    weights: PathBuf,
    detector: &Detector,
) -> Result<(usize, usize), CommandError> {
    let (Some(coco), Some(images)) = (&args.coco, &args.images) else {
        return Err(CommandError::Input(anyhow!(
            "give --exam NAME, --axes, or --coco ANN.json with --images DIR"
        )));
    };
    let scheme = &detector.card().keypoints;
    let file = read_coco(coco, scheme, args.keypoints_subset)
        .map_err(|e| CommandError::Input(e.into()))?;
    if !images.is_dir() {
        let found = if images.exists() { "is no folder" } else { "does not exist" };
        let message =
            anyhow!("{}: {found}; give the folder of the pictures as --images", images.display());
        return Err(CommandError::Input(message));
    }
    let pictures = file.images.iter().map(|image| images.join(&image.file_name));
    check_inputs(&outputs(args), pictures)?;
    tell_of_areas(&file);
    // A wrong key is found out before the long work.
    let key_trouble =
        |e| CommandError::Input(anyhow::Error::new(e).context(coco.display().to_string()));
    if let Some(key) = &args.by {
        by_key(key, &file, scheme, &[], &HashSet::new()).map_err(key_trouble)?;
    }
    let search = search(args.quiet, detector, &file, images)?;
    let unusable: HashSet<usize> = search.unusable.iter().map(|unusable| unusable.image).collect();
    if unusable.len() == search.pictures {
        return Err(CommandError::Failed(anyhow!(
            "none of the {} pictures could be used",
            search.pictures
        )));
    }
    // It is told after the figures.
    let written = args.results.as_ref().map(|path| write_results(path, &file, &search.results));
    let mut rows = vec![judge("all", &file, scheme, &search.results, &unusable, |_| true)];
    if let Some(key) = &args.by {
        rows.extend(by_key(key, &file, scheme, &search.results, &unusable).map_err(key_trouble)?);
    }
    let report = EvalReport {
        weights,
        flip_test: detector.flip_test(),
        data: coco.display().to_string(),
        keypoints: scheme.names.clone(),
        sigmas: scheme.sigmas.clone(),
        judged: file.judged.iter().map(|k| scheme.names[*k].clone()).collect(),
        unusable: unusable.len(),
        rows,
    };
    tell(args, &report, || eval_table::text(&report))?;
    written.transpose().map_err(|e| CommandError::Failed(e.into()))?;
    Ok((report.unusable, search.pictures))
}

/// Warns of people whose area makes OKS 0 wherever their keypoints are found.
fn tell_of_areas(file: &CocoFile) {
    let without = file.people.iter().filter(|person| person.counts() && person.area == 0.0);
    tell_of(without.map(|person| person.id), "have an area of 0, for which OKS is always 0");
}

/// Warns of annotations, of which the first few are named.
fn tell_of(ids: impl Iterator<Item = i64>, what: &str) {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    if !ids.is_empty() {
        let some = ids[..ids.len().min(MOST_WARNINGS)].join(", ");
        let more = if ids.len() > MOST_WARNINGS { " ..." } else { "" };
        output::warn(&format!("warning: {} annotations {what}: {some}{more}", ids.len()));
    }
}

/// Finds everybody, with progress on the way and a warning for each picture that could not be used.
fn search(
    quiet: bool,
    detector: &Detector,
    file: &CocoFile,
    images: &Path,
) -> Result<Search, CommandError> {
    let mut screen = Screen::new(quiet, "pictures");
    let search = find_people(detector, file, images, |done, all| screen.show(done, all));
    screen.close();
    let search = search.map_err(|e| CommandError::Failed(e.into()))?;
    for unusable in search.unusable.iter().take(MOST_WARNINGS) {
        output::warn(&format!("warning: {}", unusable.error));
    }
    if search.unusable.len() > MOST_WARNINGS {
        output::warn(&format!(
            "warning: {} more could not be used",
            search.unusable.len() - MOST_WARNINGS
        ));
    }
    let counted = |count: usize, what: &str| {
        if count > 0 {
            output::warn(&format!("warning: {count} of {} pictures {what}", search.pictures));
        }
    };
    counted(
        search.unsure,
        "are to be turned to be seen, by their EXIF data, and no size in the annotations says \
         which way round they were annotated: they are taken as they are stored",
    );
    counted(
        search.transparent,
        "have transparent pixels, which are taken as if they were not transparent",
    );
    tell_of(search.outside.iter().copied(), "have a box wholly outside of their picture");
    Ok(search)
}

/// How far it is: a bar on a terminal, elsewhere a line every ten seconds.
struct Screen {
    quiet: bool,
    /// What is counted.
    what: &'static str,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Screen {
    fn new(quiet: bool, what: &'static str) -> Self {
        Screen { quiet, what, bar: None, last_line: Instant::now() }
    }

    fn show(&mut self, done: usize, all: usize) {
        if self.quiet {
            return;
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::new(all as u64);
                let template = format!(
                    "{{wide_bar}} {{pos}}/{{len}} {}  {{per_sec}}  {{eta}} left",
                    self.what
                );
                match ProgressStyle::with_template(&template) {
                    Ok(style) => bar.with_style(style),
                    Err(_) => bar,
                }
            });
            bar.set_position(done as u64);
        } else if self.last_line.elapsed() > Duration::from_secs(10) {
            self.last_line = Instant::now();
            output::warn(&format!("{done} of {all} {}", self.what));
        }
    }

    fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
