//! `marionette predict`.

mod camera;
mod pictures;

use super::{
    CommandError,
    files::{Output, check_inputs},
    output,
    process::limit,
};
use anyhow::{Context, anyhow};
use camera::{Camera, CameraArgs, CameraFinder};
use clap::Args;
use image::RgbImage;
use indicatif::{ProgressBar, ProgressStyle};
use marionette::base::{
    atomic_file::{PathError, write_atomic},
    json_file::json_text,
};
use marionette::run::{
    Which, Work, load_model, model_files, open_device,
    sheet::{Sighting, photograph, save_png},
};
use marionette::train::eval::{Crop, Detector, crop::is_outside, load_picture};
use pictures::Listed;
use serde::Serialize;
use std::{fs, io::IsTerminal, path::PathBuf, str::FromStr};

const PREDICTIONS: &str = "predictions.json";

/// Find the keypoints of the person in each of your pictures.
///
/// Writes DIR/predictions.json with keypoints in continuous pixels of the picture as people see it
/// (0, 0 is the top-left corner of the top-left pixel) and the picture with them drawn in as
/// DIR/NAME.png: the person's own left orange, the right blue, the middle white, faint where the
/// network is unsure; the rectangle that the network was shown is pink.
///
/// Example: marionette predict runs/first photo.jpg --box 120,40,200,380 --out found
///
/// Example: marionette predict runs/panda photo.png --out found --pnp --figure panda --joints
/// q.json --intrinsics K.json
#[derive(Args)]
pub struct PredictArgs {
    /// File of weights, or the folder of a run.
    weights: PathBuf,
    /// PNG or JPEG pictures, or folders: all .png, .jpg, .jpeg, .jpe and .jfif files in them, but
    /// not in folders further down. Pictures are turned as their EXIF data says.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    /// The folder to write to; it is made where it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Left, top, width and height of the person, pixels, for a single picture; the network is
    /// shown a somewhat larger square. By default it is shown the whole picture.
    #[arg(long = "box", value_name = "X,Y,W,H", allow_hyphen_values = true)]
    person: Option<PersonBox>,
    /// Let the network look at every picture in a mirror as well and take the mean of both: twice
    /// as long, somewhat better.
    #[arg(long)]
    flip_test: bool,
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
struct PersonBox([f32; 4]);

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

/// What `predictions.json` holds.
#[derive(Serialize)]
struct Predictions {
    model: Model,
    images: Vec<Found>,
}

/// What says which network it was.
#[derive(Serialize)]
struct Model {
    weights: String,
    flip_test: bool,
    network: String,
    input: [usize; 2],
    figure: String,
    scene: String,
    seed: u64,
    step: u64,
}

/// What was found in one picture.
#[derive(Serialize)]
struct Found {
    file: String,
    overlay: String,
    width: u32,
    height: u32,
    /// The person's, as it was given, or the whole picture.
    #[serde(rename = "box")]
    person: [f32; 4],
    /// What the network was shown.
    crop: [f64; 4],
    /// The mean of the keypoints'.
    score: f64,
    keypoints: Vec<Keypoint>,
    /// With `--pnp`: the camera, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    camera: Option<Camera>,
    #[serde(skip_serializing_if = "Option::is_none")]
    camera_error: Option<String>,
}

#[derive(Serialize)]
struct Keypoint {
    name: String,
    x: f64,
    y: f64,
    score: f64,
}

/// Runs `marionette predict`.
pub fn predict(args: PredictArgs) -> Result<(), CommandError> {
    limit(Work::Look, 0)?;
    let device = open_device(&args.device).map_err(|e| CommandError::Input(e.into()))?;
    let loaded = load_model(&args.weights, Which::Newest, &device)
        .map_err(|e| CommandError::Input(e.into()))?;
    let detector = loaded.detector.with_flip_test(args.flip_test);
    let listed = pictures::list(&args.images).map_err(CommandError::Input)?;
    if args.person.is_some() && listed.len() != 1 {
        let count = listed.len();
        return Err(CommandError::Input(anyhow!(
            "--box is for a single picture, and there are {count}; give one picture"
        )));
    }
    let overlays = listed.iter().map(|listed| listed.overlay.as_str());
    let written: Vec<PathBuf> =
        overlays.chain([PREDICTIONS]).map(|name| args.out.join(name)).collect();
    let outputs: Vec<Output> = written.iter().map(|path| Output { flag: "--out", path }).collect();
    let read = listed.iter().map(|listed| listed.path.clone());
    let files = model_files(&args.weights).into_iter().chain(args.camera.files());
    check_inputs(&outputs, read.chain(files))?;
    let finder = CameraFinder::open(&args.camera, &detector.card().keypoints.names, &listed)?;
    let bar = bar(&args, listed.len());
    let mut predictions = Predictions { model: model(&args, &detector), images: Vec::new() };
    for listed in &listed {
        match load_picture(&listed.path) {
            Ok(picture) => {
                if picture.transparent {
                    let path = listed.path.display();
                    bar.suspend(|| {
                        output::warn(&format!(
                            "warning: {path}: has transparent pixels, which are taken as if they \
                             were not transparent"
                        ))
                    });
                }
                let picture = picture.upright();
                let crop = crop(&args, &detector, listed, &picture).map_err(CommandError::Input)?;
                let found = look(&args, &detector, finder.as_ref(), listed, &picture, &crop)
                    .map_err(CommandError::Failed)?;
                if let Some(error) = &found.camera_error {
                    let path = listed.path.display();
                    bar.suspend(|| output::warn(&format!("warning: {path}: no camera: {error}")));
                }
                predictions.images.push(found);
            }
            Err(error) => bar.suspend(|| output::warn(&format!("warning: {error}"))),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let path = args.out.join(PREDICTIONS);
    save(&args, &predictions).map_err(CommandError::Failed)?;
    let (all, good) = (listed.len(), predictions.images.len());
    if !args.quiet {
        output::say(&format!(
            "keypoints in {good} of {all} pictures: {}, overlays beside it",
            path.display()
        ));
        if finder.is_some() {
            let found = predictions.images.iter().filter_map(|found| found.camera.as_ref());
            camera::say(&found.collect::<Vec<_>>(), all);
        }
    }
    if good < all {
        let bad = all - good;
        return Err(CommandError::Failed(anyhow!("{bad} of {all} pictures could not be used")));
    }
    Ok(())
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
        weights: args.weights.to_string_lossy().into_owned(),
        flip_test: detector.flip_test(),
        network: card.network.name.clone(),
        input: [card.network.input_width, card.network.input_height],
        figure: card.figure.clone(),
        scene: card.scene.clone(),
        seed: card.seed,
        step: card.step,
    }
}

/// What the network is shown of a picture.
fn crop(
    args: &PredictArgs,
    detector: &Detector,
    listed: &Listed,
    picture: &RgbImage,
) -> anyhow::Result<Crop> {
    let card = detector.card();
    let input = [card.network.input_width, card.network.input_height];
    let (width, height) = picture.dimensions();
    let Some(PersonBox(person)) = args.person else {
        return Ok(Crop::whole(width, height, &card.crop, input));
    };
    if is_outside(person.map(f64::from), width, height) {
        let [x, y, w, h] = person;
        let path = listed.path.display();
        return Err(anyhow!(
            "--box {x},{y},{w},{h} is wholly outside of {path}, which is {width}x{height} pixels; \
             give left, top, width and height of a person in it"
        ));
    }
    Ok(Crop::new(person, &card.crop, input))
}

/// Looks at one picture and writes its overlay.
fn look(
    args: &PredictArgs,
    detector: &Detector,
    finder: Option<&CameraFinder>,
    listed: &Listed,
    picture: &RgbImage,
    crop: &Crop,
) -> anyhow::Result<Found> {
    let card = detector.card();
    let found =
        detector.detect_in(picture, crop).with_context(|| listed.path.display().to_string())?;
    let [left, top] = crop.to_picture([0.0; 2]);
    let [right, bottom] =
        crop.to_picture([card.network.input_width as f64, card.network.input_height as f64]);
    let sighting = Sighting { crop: [left, top, right - left, bottom - top], keypoints: found };
    fs::create_dir_all(&args.out).map_err(PathError::at(&args.out, "made"))?;
    save_png(&args.out.join(&listed.overlay), &photograph(picture, &card.keypoints, &sighting))?;
    let (width, height) = picture.dimensions();
    let name = listed.path.to_string_lossy();
    let camera = finder.map(|finder| finder.find(&name, [width, height], &sighting.keypoints));
    let (camera, camera_error) = match camera.transpose() {
        Ok(camera) => (camera, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let keypoints =
        card.keypoints.names.iter().zip(&sighting.keypoints).map(|(name, &[x, y, score])| {
            Keypoint { name: name.clone(), x: rounded(x), y: rounded(y), score: rounded(score) }
        });
    let scores: f64 = sighting.keypoints.iter().map(|[.., score]| score).sum();
    Ok(Found {
        file: name.into_owned(),
        overlay: listed.overlay.clone(),
        width,
        height,
        person: args
            .person
            .map_or([0.0, 0.0, width as f32, height as f32], |PersonBox(person)| person),
        crop: sighting.crop.map(rounded),
        score: rounded(scores / sighting.keypoints.len().max(1) as f64),
        keypoints: keypoints.collect(),
        camera,
        camera_error,
    })
}

/// To thousandths: further digits say nothing.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn save(args: &PredictArgs, predictions: &Predictions) -> anyhow::Result<()> {
    fs::create_dir_all(&args.out).map_err(PathError::at(&args.out, "made"))?;
    let text = json_text(predictions).context(PREDICTIONS)?;
    Ok(write_atomic(&args.out.join(PREDICTIONS), text.as_bytes())?)
}
