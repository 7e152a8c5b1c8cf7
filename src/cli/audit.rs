//! `marionette audit`.

use super::{
    CommandError,
    eval_exam::scene_of,
    output,
    process::limit,
    scenes::{FigureArg, image_size, resized, tell_of_transparency},
    signals::StopSignal,
};
use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use marionette::audit::{
    AuditError, FactList, FailIf, Folder, Judge, Plan, Report, Studio, book, check_findings, cure,
    draw_sheet, explain, forget_never_given, read_report, search,
};
use marionette::base::{
    atomic_file::{read_file, write_atomic},
    json_file::json_text,
    shell::quoted,
};
use marionette::models::{
    Channels, CommandOptions, Model, ModelError, OnnxOptions, OutputKind, View,
};
use marionette::render::{RendererConfig, headless_app};
use marionette::run::{FocusFile, Which, Work, load_model, open_device, sheet::save_png, threads};
use marionette::scene::{ImageSize, Scene};
use sha2::{Digest, Sha256};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Width of a picture that a command is shown, pixels.
const FOR_COMMANDS: u32 = 256;
/// Width to which --show enlarges pictures.
const LARGE: usize = 384;
/// The exit code where --fail-if holds.
const FAILS: u8 = 3;
/// The largest file of a model, bytes.
const LARGEST: u64 = 1 << 32;

/// Find out where a keypoint detector fails: a network of yours, an ONNX file, or any command.
///
/// Draws pictures of a scene, more and more of what the model fails on, and explains its errors:
/// DIR/book.html shows each finding with pictures, truth and prediction over them; DIR/report.json
/// has the same for programs. The figures are those of the scene as it is, whatever was drawn.
///
/// Example: marionette audit runs/first --out audits/first
///
/// Example: marionette audit pose.onnx all --out audits/pose --fail-if "PCK@0.2<0.6"
///
/// Example: marionette audit --command "python mine.py {images} {results}" all --out audits/mine
#[derive(Args)]
pub struct AuditArgs {
    /// File of weights, folder of a run, or .onnx file.
    #[arg(required_unless_present = "command")]
    model: Option<String>,
    /// Scene file, or the name of a built-in scene; by default that of the run, or all.
    scene: Option<String>,
    #[command(flatten)]
    figure: FigureArg,
    /// Folder of the audit; it must be new or empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Pictures.
    #[arg(long, value_name = "N", default_value_t = 4000,
        value_parser = clap::value_parser!(u64).range(128..=10_000_000))]
    images: u64,
    /// A shell command in place of a model, run with your rights for every 64 pictures. {images}
    /// stands for a folder of PNG pictures with annotations.json (COCO keypoints: boxes, no
    /// keypoints), {results} for the file of COCO keypoint results to write.
    #[arg(long, value_name = "LINE")]
    command: Option<String>,
    /// A second model, a file of weights, run or .onnx file, that is judged on the same pictures: the
    /// book says where which is better.
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    /// Seconds that the command may take for its pictures.
    #[arg(long, value_name = "S", default_value_t = 600, requires = "command",
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    time_limit: u64,
    /// What an ONNX file gives, where that is not recognised.
    #[arg(long, value_name = "KIND")]
    output: Option<Output>,
    /// Input of an ONNX file that leaves it open, pixels: N or WxH.
    #[arg(long, value_name = "N|WxH", value_parser = image_size)]
    input_size: Option<ImageSize>,
    /// What an ONNX file wants subtracted from its channels (0 to 255): A,B,C.
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        num_args = 1,
        allow_hyphen_values = true
    )]
    mean: Vec<f32>,
    /// What an ONNX file wants its channels divided by then: A,B,C.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', num_args = 1)]
    std: Vec<f32>,
    /// The order of an ONNX file's channels.
    #[arg(long, value_name = "ORDER")]
    channels: Option<Order>,
    /// Names of an ONNX file's keypoints, in its order, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    keypoints: Vec<String>,
    /// What of a picture an ONNX file is shown.
    #[arg(long, value_name = "WHAT")]
    view: Option<Shows>,
    /// Width and height of the pictures, pixels: N, or WxH in the scene's proportions; by default
    /// what the model takes, 256 for a command.
    #[arg(long, value_name = "N|WxH", value_parser = image_size)]
    size: Option<ImageSize>,
    /// Seed of the samples.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Go on with the audit that was begun in --out; begin it if none was.
    #[arg(long)]
    resume: bool,
    /// Exit with 3 if this holds: PCK@0.2, worst (PCK of the worst finding), failures (pictures of
    /// 1,000 in which nothing is found) or findings, < or >, and a number. Can be given more than
    /// once.
    #[arg(long, value_name = "F<N")]
    fail_if: Vec<FailIf>,
    /// Draw the pictures of finding N of the audit in --out again, large, to DIR/finding-N.png.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    show: Option<u32>,
    /// Also write report.json to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where a network of ours runs: auto, cpu, cuda:N or metal.
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
    /// Threads of each pool; 0 for one per core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// Maps, one a keypoint.
    Heatmaps,
    /// Distributions over columns and over rows.
    Simcc,
    /// x, y and score of each keypoint.
    Keypoints,
    /// Detections of YOLO-pose.
    Yolo,
    /// y, x and score, as MoveNet.
    Movenet,
}

#[derive(Clone, Copy, ValueEnum)]
enum Order {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shows {
    /// All of it.
    Whole,
    /// What is around the figure's box.
    Box,
}

/// What is audited, and on what.
struct Subject {
    model: Model,
    /// As it was named.
    name: String,
    sha256: String,
    /// In the size of the pictures.
    scene: Scene,
}

/// Runs `marionette audit`.
pub fn audit(args: AuditArgs) -> Result<(), CommandError> {
    limit(Work::Render, args.threads)?;
    let signal = StopSignal::listen().map_err(|error| CommandError::Failed(error.into()))?;
    let Subject { model, name, sha256, scene } = subject(&args, &signal)?;
    tell_of_transparency(&scene);
    let rival = args.against.as_deref().map(|path| rival(&args, path, &scene)).transpose()?;
    let mut plan = Plan::new(&scene, name, sha256, args.images, args.seed);
    if let Some((_, name, sha256)) = &rival {
        plan = Plan { against: name.clone(), against_sha256: sha256.clone(), ..plan };
    }
    let (scheme, facts) = (scene.figure.scheme(), FactList::of(&scene));
    let ImageSize { width, height } = scene.image;
    let tiles = RendererConfig::tiles_of(width, height);
    let config = RendererConfig { tiles, width, height, threads: threads(args.threads) };
    let (mut app, _) = headless_app(config, &scene.pictures)
        .context("the renderer")
        .map_err(CommandError::Failed)?;
    let mut studio = Studio {
        app: &mut app,
        config,
        scene: &scene,
        model: &model,
        known: model.keypoints(),
        rival: rival.as_ref().map(|(model, ..)| model),
        judge: Judge { figure: &scene.figure, scheme: &scheme, facts: &facts },
    };
    if let Some(number) = args.show {
        return show(&args, &plan, &mut studio, number as usize);
    }
    let mut folder = Folder::open(&args.out, plan.clone(), args.resume).map_err(command_error)?;
    let mut last = Instant::now();
    let whole = search(&mut folder, &mut studio, &signal.flag(), &mut |done| {
        if !args.quiet && last.elapsed() > Duration::from_secs(10) {
            last = Instant::now();
            output::say(&format!("{done}/{} pictures", args.images));
        }
    });
    if !whole.map_err(command_error)? {
        output::warn(&format!(
            "stopped after {} of {} pictures; the same command with --resume goes on",
            folder.rows.len(),
            args.images
        ));
        return Err(CommandError::Stopped(signal.exit_code().unwrap_or(1)));
    }
    forget_never_given(&mut folder.rows, &mut studio.known);
    studio.rival = None;
    let found = explain(&folder.rows, &facts, &scheme).map_err(command_error)?;
    let fresh_seed = plan.sample_seed() ^ 1;
    let checked = check_findings(&mut studio, &facts, &scheme, &found.list, fresh_seed);
    let (checked, shown): (Vec<_>, Vec<_>) = checked.map_err(command_error)?.into_iter().unzip();
    let notes = model.notes().to_vec();
    let report = Report::new(plan, &folder.rows, &facts, &scheme, notes, found, checked)
        .map_err(command_error)?;
    let page = book(&report, &scene.figure, &shown, &again()).map_err(command_error)?;
    let cure = cure(&report, &folder.rows, &facts, &scheme).map_err(command_error)?;
    write(&args, &report, &cure, &page).map_err(CommandError::Failed)?;
    if !args.quiet {
        report.notes.iter().for_each(|note| output::say(&format!("- {note}")));
        report.verdict().iter().for_each(|line| output::say(line));
        output::say(&format!("{} shows it", args.out.join("book.html").display()));
    }
    let failing: Vec<String> = args
        .fail_if
        .iter()
        .filter_map(|condition| {
            let value = condition.fails(&report)?;
            Some(format!("{condition}: it is {value:.3}"))
        })
        .collect();
    if failing.is_empty() {
        return Ok(());
    }
    failing.iter().for_each(|line| output::warn(&format!("fails: {line}")));
    Err(CommandError::Stopped(FAILS))
}

fn write(args: &AuditArgs, report: &Report, cure: &FocusFile, page: &str) -> anyhow::Result<()> {
    let text = json_text(report)?;
    write_atomic(&args.out.join("report.json"), text.as_bytes())?;
    write_atomic(&args.out.join("book.html"), page.as_bytes())?;
    cure.write(&args.out)?;
    if let Some(file) = &args.json {
        write_atomic(file, text.as_bytes())?;
    }
    Ok(())
}

/// Draws the pictures of a finding again.
fn show(
    args: &AuditArgs,
    plan: &Plan,
    studio: &mut Studio,
    number: usize,
) -> Result<(), CommandError> {
    let report = read_report(&args.out).map_err(command_error)?;
    plan.check_same(&report.plan, &args.out).map_err(command_error)?;
    let Some(explained) = report.findings.get(number - 1) else {
        return Err(CommandError::Input(anyhow!(
            "--show {number}: {} has {} findings",
            args.out.display(),
            report.findings.len()
        )));
    };
    let shown = explained.checked.draw(studio).map_err(command_error)?;
    let file = args.out.join(format!("finding-{number}.png"));
    let sheet = draw_sheet(&studio.scene.figure, &shown, LARGE);
    save_png(&file, &sheet).map_err(|error| CommandError::Failed(error.into()))?;
    if !args.quiet {
        output::say(&format!("{} in {}", explained.finding.rule.words(), file.display()));
    }
    Ok(())
}

/// The command that this is, without what says how it runs.
fn again() -> String {
    let words = std::env::args().skip(1).filter(|word| word != "--resume" && word != "--quiet");
    let words = words.map(|word| quoted(Path::new(&word)).to_string());
    std::iter::once("marionette".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn subject(args: &AuditArgs, signal: &StopSignal) -> Result<Subject, CommandError> {
    let input = |error: anyhow::Error| CommandError::Input(error);
    if let Some(line) = &args.command {
        if args.scene.is_some() {
            return Err(input(anyhow!("found both a model and --command; give one of them")));
        }
        let scene = args.model.as_deref().unwrap_or("all");
        let scene = args.figure.load(scene).map_err(|error| input(error.into()))?;
        let size = args.size.or(Some(ImageSize {
            width: FOR_COMMANDS,
            height: FOR_COMMANDS * scene.image.height / scene.image.width,
        }));
        let scene = resized(scene, size)?;
        let options = CommandOptions {
            limit: Duration::from_secs(args.time_limit),
            stop: Some(signal.flag()),
        };
        let model = Model::command(line, &scene.figure.scheme(), options)
            .map_err(|error| input(error.into()))?;
        return Ok(Subject { model, name: line.clone(), sha256: String::new(), scene });
    }
    let path = PathBuf::from(args.model.as_deref().unwrap_or_default());
    if is_onnx(&path) { onnx(args, &path) } else { ours(args, &path) }
}

fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"))
}

/// The second model, its name and its file's hash.
fn rival(
    args: &AuditArgs,
    path: &Path,
    scene: &Scene,
) -> Result<(Model, String, String), CommandError> {
    let scheme = scene.figure.scheme();
    let (model, file) = if is_onnx(path) {
        (Model::onnx(path, &scheme, &OnnxOptions::default()), path.to_owned())
    } else {
        let device = open_device(&args.device).map_err(|e| CommandError::Input(e.into()))?;
        let loaded =
            load_model(path, Which::Newest, &device).map_err(|e| CommandError::Input(e.into()))?;
        (Model::ours(loaded.detector, &scheme), loaded.source)
    };
    let model = model.map_err(|error| CommandError::Input(error.into()))?;
    Ok((model, path.display().to_string(), hash_of(&file).map_err(CommandError::Input)?))
}

/// A network of ours.
fn ours(args: &AuditArgs, path: &Path) -> Result<Subject, CommandError> {
    let device = open_device(&args.device).map_err(|e| CommandError::Input(e.into()))?;
    let loaded =
        load_model(path, Which::Newest, &device).map_err(|e| CommandError::Input(e.into()))?;
    let scene = args.scene.as_deref();
    let scene = scene_of(path, &loaded.source, &loaded.detector, scene, &args.figure)?;
    let scene = resized(scene, args.size)?;
    let sha256 = hash_of(&loaded.source).map_err(CommandError::Input)?;
    let model = Model::ours(loaded.detector, &scene.figure.scheme())
        .map_err(|error| CommandError::Input(error.into()))?;
    Ok(Subject { model, name: path.display().to_string(), sha256, scene })
}

fn onnx(args: &AuditArgs, path: &Path) -> Result<Subject, CommandError> {
    let scene = args.scene.as_deref().unwrap_or("all");
    let scene = args.figure.load(scene).map_err(|error| CommandError::Input(error.into()))?;
    let three = |name: &str, values: &[f32]| match values {
        [] => Ok(None),
        [a, b, c] => Ok(Some([*a, *b, *c])),
        _ => Err(CommandError::Input(anyhow!(
            "--{name}: found {} numbers; give three with commas between them",
            values.len()
        ))),
    };
    let options = OnnxOptions {
        output: args.output.map(|output| match output {
            Output::Heatmaps => OutputKind::Heatmaps,
            Output::Simcc => OutputKind::Simcc,
            Output::Keypoints => OutputKind::Keypoints,
            Output::Yolo => OutputKind::Yolo,
            Output::Movenet => OutputKind::Movenet,
        }),
        size: args.input_size.map(|size| [size.width as usize, size.height as usize]),
        mean: three("mean", &args.mean)?,
        std: three("std", &args.std)?,
        channels: args.channels.map(|order| match order {
            Order::Rgb => Channels::Rgb,
            Order::Bgr => Channels::Bgr,
        }),
        keypoints: (!args.keypoints.is_empty()).then(|| args.keypoints.clone()),
        view: args.view.map(|shows| match shows {
            Shows::Whole => View::Whole,
            Shows::Box => View::Box,
        }),
    };
    let model = Model::onnx(path, &scene.figure.scheme(), &options)
        .map_err(|error| CommandError::Input(error.into()))?;
    let taken = model
        .input()
        .map(|[width, height]| ImageSize { width: width as u32, height: height as u32 });
    // What is not in the scene's proportions is shown in its own.
    let fitting = taken.filter(|size| scene.clone().resized(*size).is_some());
    let scene = resized(scene, args.size.or(fitting))?;
    let sha256 = hash_of(path).map_err(CommandError::Input)?;
    Ok(Subject { model, name: path.display().to_string(), sha256, scene })
}

fn hash_of(path: &Path) -> anyhow::Result<String> {
    let digest = Sha256::digest(read_file(path, LARGEST)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What the user can mend exits 2, everything else 1.
fn command_error(error: AuditError) -> CommandError {
    match error {
        AuditError::Other { .. }
        | AuditError::NotEmpty { .. }
        | AuditError::Damaged { .. }
        | AuditError::Findings(_)
        | AuditError::Model(ModelError::Nothing { .. }) => CommandError::Input(error.into()),
        _ => CommandError::Failed(error.into()),
    }
}
