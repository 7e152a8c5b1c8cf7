//! `marionette predict`.

mod camera;
mod look;
mod pictures;
mod results;

use super::{
    CommandError,
    files::{Output, check_inputs},
    output,
    process::limit,
};
use anyhow::{Context, anyhow};
use camera::{CameraArgs, CameraFinder};
use candle_core::Device;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
pub use look::Look;
use marionette::base::{
    atomic_file::{PathError, write_atomic},
    json_file::json_text,
    shell::quoted,
};
use marionette::run::{
    PERSON, Which, Work, load_finder, load_model, load_person, model_files, open_device,
};
use marionette::train::eval::{Detector, Finder};
pub use pictures::{Listed, list};
use results::{Model, Predictions};
use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    str::FromStr,
};

const PREDICTIONS: &str = "predictions.json";

/// Find the keypoints of the people in your pictures.
///
/// Writes DIR/predictions.json with keypoints in continuous pixels of the picture as people see it
/// (0, 0 is the top-left corner of the top-left pixel) and the picture with them drawn in as
/// DIR/NAME.png: the person's own left orange, the right blue, the middle white, faint where the
/// network is unsure; the rectangle that the network was shown is pink.
///
/// Example: marionette predict photo.jpg --out found
///
/// Example: marionette predict photo.jpg --weights runs/first --box 120,40,200,380 --out found
///
/// Example: marionette predict photo.png --weights runs/panda --out found --pnp --figure panda
/// --joints q.json --intrinsics K.json
#[derive(Args)]
pub struct PredictArgs {
    /// PNG or JPEG pictures, or folders: all .png, .jpg, .jpeg, .jpe and .jfif files in them, but
    /// not in folders further down. Pictures are turned as their EXIF data says.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    /// File of weights, or the folder of a run; by default the weights that come with the program,
    /// which find people.
    #[arg(long, value_name = "RUN|WEIGHTS")]
    weights: Option<PathBuf>,
    /// The folder to write to; it is made where it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Left, top, width and height of the person, pixels, for a single picture; the network is
    /// shown a somewhat larger square.
    #[arg(long = "box", value_name = "X,Y,W,H", allow_hyphen_values = true)]
    person: Option<PersonBox>,
    /// Look for people, ten at most in a picture. This is the default without --weights.
    #[arg(long, conflicts_with_all = ["person", "whole"])]
    find: bool,
    /// Take each picture for one of a single person who fills it. This is the default with
    /// --weights.
    #[arg(long, conflicts_with = "person")]
    whole: bool,
    /// Let the network look at every picture in a mirror as well and take the mean of both: twice
    /// as long, somewhat better.
    #[arg(long)]
    flip_test: bool,
    /// The pictures are frames of a video, in the order of their names, so many a second: keypoints
    /// are smoothed over time.
    #[arg(long, value_name = "RATE", value_parser = frame_rate)]
    video_frames: Option<f64>,
    /// Write predictions.json alone, which is several times as fast.
    #[arg(long)]
    no_overlays: bool,
    #[command(flatten)]
    camera: CameraArgs,
    /// Where the network runs: auto, cpu, cuda:N or metal.
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
    /// Print nothing but errors, and what is wrong with a picture.
    #[arg(long)]
    quiet: bool,
}

/// Left, top, width and height, pixels.
#[derive(Clone, Copy)]
pub struct PersonBox([f32; 4]);

impl FromStr for PersonBox {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<f32>> =
            text.split(',').map(|number| number.trim().parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[x, y, w, h])
                if [x, y, w, h].iter().all(|v| v.is_finite()) && w > 0.0 && h > 0.0 =>
            {
                Ok(PersonBox([x, y, w, h]))
            }
            _ => Err("give left, top, width and height in pixels, the last two above 0, such as \
                      120,40,200,380"
                .into()),
        }
    }
}

/// Runs `marionette predict`.
pub fn predict(args: PredictArgs) -> Result<(), CommandError> {
    limit(Work::Look, 0)?;
    if let Some(weights) = args.images.first().filter(|first| is_model(first)) {
        return Err(CommandError::Input(anyhow!(
            "{}: is no picture but a network, which --weights gives: marionette predict PICTURES \
             --weights {}",
            weights.display(),
            quoted(weights)
        )));
    }
    let device = open_device(&args.device).map_err(|e| CommandError::Input(e.into()))?;
    let loaded = match &args.weights {
        Some(weights) => load_model(weights, Which::Newest, &device),
        None => load_person(&device),
    };
    let loaded = loaded.map_err(|e| CommandError::Input(e.into()))?;
    let detector = loaded.detector.with_flip_test(args.flip_test);
    let listed = list(&args.images).map_err(CommandError::Input)?;
    if args.person.is_some() && listed.len() != 1 {
        let count = listed.len();
        return Err(CommandError::Input(anyhow!(
            "--box is for a single picture, and there are {count}; give one picture"
        )));
    }
    let finder = finder(&args, &detector, &device)?;
    let overlays = listed.iter().filter(|_| !args.no_overlays).map(|l| l.overlay.as_str());
    let written: Vec<PathBuf> =
        overlays.chain([PREDICTIONS]).map(|name| args.out.join(name)).collect();
    let outputs: Vec<Output> = written.iter().map(|path| Output { flag: "--out", path }).collect();
    let read = listed.iter().map(|listed| listed.path.clone());
    let files = args.weights.iter().flat_map(|weights| model_files(weights));
    let files = files.chain(args.camera.files());
    check_inputs(&outputs, read.chain(files))?;
    let camera = CameraFinder::open(&args.camera, &detector.card().keypoints.names, &listed)?;
    let bar = bar(&args, listed.len());
    let look = Look {
        detector: &detector,
        camera: camera.as_ref(),
        finder: finder.as_ref(),
        person: args.person,
        video_frames: args.video_frames,
        out: &args.out,
        overlays: !args.no_overlays,
        bar: &bar,
    };
    let images = look.at(&listed);
    bar.finish_and_clear();
    let images = images?;
    let predictions = Predictions { model: model(&args, &detector), images };
    let path = args.out.join(PREDICTIONS);
    save(&args, &predictions).map_err(CommandError::Failed)?;
    let (all, good) = (listed.len(), predictions.images.len());
    if !args.quiet {
        let found = match finder {
            Some(_) => count_people(&predictions),
            None => format!("keypoints in {good} of {all} pictures"),
        };
        output::say(&format!(
            "{found}: {}{}",
            path.display(),
            if args.no_overlays { "" } else { ", overlays beside it" }
        ));
        if camera.is_some() {
            let people = predictions.images.iter().flat_map(|found| &found.people);
            let found = people.filter_map(|person| person.camera.as_ref());
            camera::say(&found.collect::<Vec<_>>(), all);
        }
    }
    if good < all {
        let bad = all - good;
        return Err(CommandError::Failed(anyhow!("{bad} of {all} pictures could not be used")));
    }
    Ok(())
}

/// What looks for people, if anything does.
fn finder(
    args: &PredictArgs,
    detector: &Detector,
    device: &Device,
) -> Result<Option<Finder>, CommandError> {
    if !(args.find || args.weights.is_none() && !args.whole && args.person.is_none()) {
        return Ok(None);
    }
    let finder = load_finder(device).map_err(|error| CommandError::Failed(error.into()))?;
    let known = &finder.keypoints().names;
    if !detector.card().keypoints.names.iter().any(|name| known.contains(name)) {
        return Err(CommandError::Input(anyhow!(
            "--find finds people, and this is a network of {}; leave --find out",
            detector.card().figure
        )));
    }
    Ok(Some(finder))
}

/// How many people were found, and in how many pictures nobody was.
fn count_people(predictions: &Predictions) -> String {
    let images = &predictions.images;
    let people: usize = images.iter().map(|found| found.people.len()).sum();
    let without = images.iter().filter(|found| found.people.is_empty()).count();
    let none = if without == 0 { String::new() } else { format!(", nobody in {without} of them") };
    format!("{people} people in {} pictures{none}", images.len())
}

/// Whether `path` is a run or a file of weights.
fn is_model(path: &Path) -> bool {
    path.join("config.toml").is_file() || path.extension().is_some_and(|e| e == "safetensors")
}

fn frame_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (1e-3..=1e4).contains(rate));
    rate.ok_or_else(|| "give frames a second, such as 25".to_owned())
}

/// Progress on a terminal, and none elsewhere or for a picture or two.
fn bar(args: &PredictArgs, pictures: usize) -> ProgressBar {
    if args.quiet || pictures < 3 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(pictures as u64);
    match ProgressStyle::with_template("{wide_bar} {pos}/{len}  {per_sec}  {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn model(args: &PredictArgs, detector: &Detector) -> Model {
    let card = detector.card();
    Model {
        weights: args.weights.as_ref().map_or(PERSON.into(), |w| w.to_string_lossy().into_owned()),
        flip_test: detector.flip_test(),
        video_frames: args.video_frames,
        network: card.network.name.clone(),
        input: [card.network.input_width, card.network.input_height],
        figure: card.figure.clone(),
        scene: card.scene.clone(),
        seed: card.seed,
        step: card.step,
    }
}

fn save(args: &PredictArgs, predictions: &Predictions) -> anyhow::Result<()> {
    fs::create_dir_all(&args.out).map_err(PathError::at(&args.out, "made"))?;
    let text = json_text(predictions).context(PREDICTIONS)?;
    Ok(write_atomic(&args.out.join(PREDICTIONS), text.as_bytes())?)
}
