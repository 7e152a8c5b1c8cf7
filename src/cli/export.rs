//! `marionette export`.

use super::{
    CommandError,
    eval_exam::{images_of, scene_of},
    files, output,
    process::limit,
};
use anyhow::{Context, anyhow};
use candle_core::Device;
use clap::{Args, ValueEnum};
use marionette::base::atomic_file::write_atomic;
use marionette::onnx::{Head, OnnxOptions, write_onnx};
use marionette::run::{
    RunModel, Which, Work,
    exam::{Exam, ExamSet},
    load_model, model_files,
};
use marionette::train::export::{ModelCard, write_check, write_model};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const CARD: &str = "model.json";

/// Write a trained network to a file that other programs read, with its model card.
///
/// The card says what it takes to use the network: keypoints, input size, normalisation, decoder.
/// It is in FILE (in the header, or in an ONNX file's metadata under `marionette`) and, for people,
/// in model.json beside it. examples/python/numpy_forward.py and docs/USING.md show how to run them.
///
/// Example: marionette export runs/quickstart-001 --format safetensors --out nano.safetensors
/// --check check.safetensors
///
/// Example: marionette export runs/quickstart-001 --format onnx --head keypoints --out nano.onnx
#[derive(Args)]
pub struct ExportArgs {
    /// Folder of a run, or a file of weights. Of a run that has not finished, its newest checkpoint
    /// is taken.
    #[arg(value_name = "RUN|WEIGHTS")]
    source: PathBuf,
    /// How it is written.
    #[arg(long, value_name = "NAME")]
    format: Format,
    /// What an ONNX file gives; heatmaps by default.
    #[arg(long, value_name = "NAME")]
    head: Option<HeadName>,
    /// Whose decoder the heatmaps are for; they are then fed and laid out as it wants them.
    #[arg(long = "for", value_name = "READER")]
    reader: Option<Reader>,
    /// Keep the weights of an ONNX file as whole numbers: a quarter as long.
    #[arg(long, value_name = "TYPE")]
    quantize: Option<Quantized>,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Take the checkpoint that did best in the run's exams.
    #[arg(long)]
    best: bool,
    /// Also write a safetensors file with inputs, the network's output for them and the keypoints
    /// in it, to check against.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Take the first N images of the exam `standard` for these inputs, rather than made-up ones.
    #[arg(long, value_name = "N", requires = "check",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    check_images: Option<u32>,
    /// Scene of that exam; by default the one that the network was trained on.
    #[arg(long, value_name = "SCENE", requires = "check_images")]
    scene: Option<String>,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// Tensors under PyTorch-style names, see <https://github.com/huggingface/safetensors>.
    Safetensors,
    /// The whole computation from image to result, see <https://onnx.ai>.
    Onnx,
}

#[derive(Clone, Copy, ValueEnum)]
enum HeadName {
    /// A map of where each keypoint may be, [B, K, h, w].
    Heatmaps,
    /// x, y and score of each keypoint, [B, K, 3], as `predict` finds them.
    Keypoints,
    /// A detection per image, as Ultralytics' YOLO reads it, [B, 1, 6 + 3K].
    Yolo,
}

#[derive(Clone, Copy, ValueEnum)]
enum Reader {
    /// `Custom(pose_class="ViTPose")` of rtmlib.
    Rtmlib,
}

#[derive(Clone, Copy, ValueEnum)]
enum Quantized {
    /// Eight bits each, with a scale for each output channel.
    Int8,
}

/// Runs `marionette export`.
pub fn export(args: ExportArgs) -> Result<(), CommandError> {
    let onnx = onnx_options(&args).map_err(CommandError::Input)?;
    let card_path = args.out.with_file_name(CARD);
    let outputs = files::outputs(&[
        ("--out", Some(&args.out)),
        ("the model card", Some(&card_path)),
        ("--check", args.check.as_deref()),
    ]);
    limit(if args.check_images.is_some() { Work::Render } else { Work::Look }, 0)?;
    let model = read(&args).map_err(CommandError::Input)?;
    files::check_inputs(&outputs, model_files(&args.source))?;
    check_card(&card_path).map_err(CommandError::Input)?;
    files::check_outputs(&outputs)?;
    if let Some(check) = &args.check {
        let images = check_images(&args, &model)?;
        let images = images.as_ref().map(ExamSet::images).unwrap_or_default();
        let (network, card) = (model.detector.network(), model.detector.card());
        write_check(check, network, card, &images)
            .map_err(|error| CommandError::Failed(error.into()))?;
    }
    write(&args, onnx, &model, &card_path).map_err(CommandError::Failed)?;
    if !args.quiet {
        let card = model.detector.card();
        let (network, scene) = (&card.network.name, &card.scene);
        output::say(&format!(
            "{}: {network} of {scene} after {} steps, from {}; its card is in {}",
            args.out.display(),
            card.step,
            model.source.display(),
            card_path.display()
        ));
        if let Some(check) = &args.check {
            output::say(&format!("{}: inputs and outputs to check against", check.display()));
        }
    }
    Ok(())
}

/// How an ONNX file is written, if one is.
fn onnx_options(args: &ExportArgs) -> anyhow::Result<Option<OnnxOptions>> {
    let given = [
        ("--head", args.head.is_some()),
        ("--for", args.reader.is_some()),
        ("--quantize", args.quantize.is_some()),
    ];
    if args.format != Format::Onnx {
        return match given.iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                Err(anyhow!("{flag} is for ONNX files; leave it out or give --format onnx"))
            }
            None => Ok(None),
        };
    }
    let head = match (args.head.unwrap_or(HeadName::Heatmaps), args.reader) {
        (HeadName::Heatmaps, None) => Head::Heatmaps,
        (HeadName::Heatmaps, Some(Reader::Rtmlib)) => Head::Rtmlib,
        (HeadName::Keypoints, None) => Head::Keypoints,
        (HeadName::Yolo, None) => Head::Yolo,
        (HeadName::Keypoints | HeadName::Yolo, Some(Reader::Rtmlib)) => {
            return Err(anyhow!(
                "--for rtmlib takes heatmaps; leave it out or give --head heatmaps"
            ));
        }
    };
    Ok(Some(OnnxOptions { head, quantized: args.quantize.is_some() }))
}

/// The images of the exam that the check takes, if it takes any.
fn check_images(args: &ExportArgs, model: &RunModel) -> Result<Option<ExamSet>, CommandError> {
    let Some(count) = args.check_images else { return Ok(None) };
    let scene = scene_of(&args.source, &model.source, &model.detector, args.scene.as_deref())?;
    let sets = images_of(&scene, &[Exam::Standard], count as usize);
    Ok(sets.map_err(CommandError::Failed)?.pop())
}

fn read(args: &ExportArgs) -> anyhow::Result<RunModel> {
    if args.best && !args.source.is_dir() {
        return Err(anyhow!(
            "{}: is no folder; --best takes the folder of a run",
            args.source.display()
        ));
    }
    let which = if args.best { Which::Best } else { Which::Newest };
    Ok(load_model(&args.source, which, &Device::Cpu)?)
}

/// A file that somebody may miss must not stand where the card goes.
fn check_card(card: &Path) -> anyhow::Result<()> {
    let remedy = "move it away or choose another folder for --out";
    match fs::read_to_string(card) {
        Ok(text) => match ModelCard::parse(&text) {
            Ok(_) => Ok(()),
            Err(_) => Err(anyhow!(
                "{}: is there and is no model card of this program; {remedy}",
                card.display()
            )),
        },
        // Where its folder is no folder, writing says so.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(())
        }
        Err(error) => {
            Err(anyhow!("{}: is there and cannot be read: {error}; {remedy}", card.display()))
        }
    }
}

fn write(
    args: &ExportArgs,
    onnx: Option<OnnxOptions>,
    model: &RunModel,
    card_path: &Path,
) -> anyhow::Result<()> {
    let (network, card) = (model.detector.network(), model.detector.card());
    match onnx {
        Some(options) => write_onnx(&args.out, network, card, options)?,
        None => {
            let tensors = network.parameters().tensors().context("the network")?;
            write_model(&args.out, &tensors, card)?;
        }
    }
    write_atomic(card_path, card.to_json().as_bytes())?;
    Ok(())
}
