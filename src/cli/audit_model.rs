//! The models that `marionette audit` asks.

use super::{
    CommandError,
    eval_exam::scene_of,
    scenes::{FigureArg, SIDES, image_size, resized},
    signals::StopSignal,
};
use anyhow::anyhow;
use clap::{Args, ValueEnum};
use marionette::base::atomic_file::read_file;
use marionette::figure::KeypointScheme;
use marionette::models::{Channels, CommandOptions, Model, OnnxOptions, OutputKind, View};
use marionette::run::{RunModel, Which, embedded_weights, load_model, open_device};
use marionette::scene::{ImageSize, Scene};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    time::Duration,
};

/// Width of a picture that a command is shown, pixels, at least.
const FOR_COMMANDS: usize = 256;
/// The largest file of a model, bytes.
const LARGEST: u64 = 1 << 32;

/// What is said of the model, where it is not a network of ours or not recognised.
#[derive(Args)]
#[command(next_help_heading = "The model")]
pub struct ModelArgs {
    /// A shell command in place of a model, run with your rights for every 64 pictures. {images}
    /// stands for a folder of PNG pictures with annotations.json (COCO keypoints: boxes, no
    /// keypoints), {results} for the file of COCO keypoint results to write.
    #[arg(long, value_name = "LINE")]
    command: Option<String>,
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
    /// Where a network of ours runs: auto, cpu, cuda:N or metal.
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
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

/// A model, as it was named, and SHA-256 of its file; empty for a command.
pub struct Named {
    pub model: Model,
    pub name: String,
    pub sha256: String,
    /// The name of a network of ours.
    pub network: Option<String>,
}

/// What a model is to be audited on.
pub struct Asked<'a> {
    /// The model's path.
    pub model: Option<&'a str>,
    pub scene: Option<&'a str>,
    pub figure: &'a FigureArg,
    pub size: Option<ImageSize>,
}

impl ModelArgs {
    /// The model that is audited, and the scene in the size of its pictures.
    pub fn load(&self, asked: Asked, signal: &StopSignal) -> Result<(Named, Scene), CommandError> {
        let Asked { model, scene, figure, size } = asked;
        if let Some(line) = &self.command {
            if scene.is_some() {
                let found = "found both a model and --command; give one of them";
                return Err(CommandError::Input(anyhow!(found)));
            }
            let scene = scene_named(self.names(model, scene).1, figure)?;
            let size = size.or(Some(covering(scene.image, [FOR_COMMANDS, 0])));
            let scene = resized(scene, size)?;
            return Ok((self.command(line, &scene.figure.scheme(), signal)?, scene));
        }
        let path = PathBuf::from(model.unwrap_or_default());
        if is_onnx(&path) {
            let scene = scene_named(scene, figure)?;
            let named = onnx(&path, &scene.figure.scheme(), &self.onnx_options()?)?;
            let taken = named.model.input().map(|taken| covering(scene.image, taken));
            return Ok((named, resized(scene, size.or(taken))?));
        }
        let loaded = self.ours(&path)?;
        let scene = scene_of(&path, &loaded.source, &loaded.detector, scene, figure)?;
        let scene = resized(scene, size)?;
        Ok((named(loaded, &path, &scene.figure.scheme())?, scene))
    }

    /// The model's path and the scene's name: where a command is the model, the first of the two
    /// names is the scene's.
    pub fn names<'a>(
        &self,
        first: Option<&'a str>,
        second: Option<&'a str>,
    ) -> (Option<&'a str>, Option<&'a str>) {
        if self.command.is_some() { (None, first) } else { (first, second) }
    }

    /// The model that it is compared with.
    pub fn load_second(&self, path: &Path, scheme: &KeypointScheme) -> Result<Named, CommandError> {
        if !is_onnx(path) {
            return named(self.ours(path)?, path, scheme);
        }
        // Of a file that says what it takes, the options may not be meant to say something else.
        let described = Model::is_described(path).map_err(|e| CommandError::Input(e.into()))?;
        let options = if described { OnnxOptions::default() } else { self.onnx_options()? };
        onnx(path, scheme, &options)
    }

    fn command(
        &self,
        line: &str,
        scheme: &KeypointScheme,
        signal: &StopSignal,
    ) -> Result<Named, CommandError> {
        let options = CommandOptions {
            limit: Duration::from_secs(self.time_limit),
            stop: Some(signal.flag()),
        };
        let model =
            Model::command(line, scheme, options).map_err(|e| CommandError::Input(e.into()))?;
        Ok(Named { model, name: line.to_owned(), sha256: String::new(), network: None })
    }

    fn ours(&self, path: &Path) -> Result<RunModel, CommandError> {
        let device = open_device(&self.device).map_err(|e| CommandError::Input(e.into()))?;
        load_model(path, Which::Newest, &device).map_err(|e| CommandError::Input(e.into()))
    }

    fn onnx_options(&self) -> Result<OnnxOptions, CommandError> {
        let three = |name: &str, values: &[f32]| match values {
            [] => Ok(None),
            [a, b, c] => Ok(Some([*a, *b, *c])),
            _ => Err(CommandError::Input(anyhow!(
                "--{name}: found {} numbers; give three with commas between them",
                values.len()
            ))),
        };
        Ok(OnnxOptions {
            output: self.output.map(|output| match output {
                Output::Heatmaps => OutputKind::Heatmaps,
                Output::Simcc => OutputKind::Simcc,
                Output::Keypoints => OutputKind::Keypoints,
                Output::Yolo => OutputKind::Yolo,
                Output::Movenet => OutputKind::Movenet,
            }),
            size: self.input_size.map(|size| [size.width as usize, size.height as usize]),
            mean: three("mean", &self.mean)?,
            std: three("std", &self.std)?,
            channels: self.channels.map(|order| match order {
                Order::Rgb => Channels::Rgb,
                Order::Bgr => Channels::Bgr,
            }),
            keypoints: (!self.keypoints.is_empty()).then(|| self.keypoints.clone()),
            view: self.view.map(|shows| match shows {
                Shows::Whole => View::Whole,
                Shows::Box => View::Box,
            }),
        })
    }
}

/// The smallest size of pictures in the proportions of `image` that is no smaller than what a model
/// takes, within what `--size` allows.
fn covering(image: ImageSize, taken: [usize; 2]) -> ImageSize {
    let ImageSize { width, height } = image;
    let common = (1..=width.min(height)).rev().find(|n| width % n == 0 && height % n == 0);
    let [across, down] = [width, height].map(|side| side / common.unwrap_or(1));
    let [columns, rows] = taken.map(|side| side as u32);
    let wanted = columns.div_ceil(across).max(rows.div_ceil(down));
    let (least, most) = (SIDES.start().div_ceil(across.min(down)), SIDES.end() / across.max(down));
    let times = wanted.max(least).min(most.max(1));
    ImageSize { width: across * times, height: down * times }
}

/// The scene called `name`, or else the widest one.
fn scene_named(name: Option<&str>, figure: &FigureArg) -> Result<Scene, CommandError> {
    figure.load(name.unwrap_or("all")).map_err(|error| CommandError::Input(error.into()))
}

/// Whether `path` names an ONNX file.
pub fn is_onnx(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"))
}

fn onnx(
    path: &Path,
    scheme: &KeypointScheme,
    options: &OnnxOptions,
) -> Result<Named, CommandError> {
    let model = Model::onnx(path, scheme, options).map_err(|e| CommandError::Input(e.into()))?;
    let sha256 = hash_of(path)?;
    Ok(Named { model, name: path.display().to_string(), sha256, network: None })
}

fn named(loaded: RunModel, path: &Path, scheme: &KeypointScheme) -> Result<Named, CommandError> {
    let RunModel { detector, source } = loaded;
    let network = Some(detector.card().network.name.clone());
    let model = Model::ours(detector, scheme).map_err(|e| CommandError::Input(e.into()))?;
    let sha256 = hash_of(&source)?;
    Ok(Named { model, name: path.display().to_string(), sha256, network })
}

fn hash_of(path: &Path) -> Result<String, CommandError> {
    let bytes = match embedded_weights(path) {
        Some(bytes) => Cow::from(bytes),
        None => read_file(path, LARGEST).map_err(|error| CommandError::Input(error.into()))?.into(),
    };
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_no_smaller_than_what_a_model_takes() {
        let size = |[width, height]: [u32; 2]| ImageSize { width, height };
        for (image, taken, expected) in [
            ([64, 64], [192, 256], [256, 256]),
            ([64, 64], [128, 128], [128, 128]),
            ([96, 128], [192, 256], [192, 256]),
            ([96, 128], [64, 64], [66, 88]),
            ([96, 128], [256, 0], [258, 344]),
            ([64, 64], [4, 4], [16, 16]),
            ([64, 64], [1280, 1280], [1024, 1024]),
            ([1024, 1023], [2000, 2000], [1024, 1023]),
        ] {
            assert_eq!(covering(size(image), taken), size(expected), "{image:?} {taken:?}");
        }
    }
}
