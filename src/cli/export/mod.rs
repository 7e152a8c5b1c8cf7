//! `marionette export`.

mod format;

use super::{
    CommandError,
    eval_exam::{images_of, scene_of},
    files, output,
    process::limit,
    scenes::FigureArg,
};
use anyhow::{Context, anyhow};
use candle_core::{DType, Device, Tensor};
use clap::Args;
use format::{Export, Format, HeadName, Quantized, Reader};
use marionette::base::{
    atomic_file::write_atomic,
    new_folder::{FolderError, check_free},
};
use marionette::onnx::write_onnx;
use marionette::publish::{PublishError, Repository, write_huggingface, write_web};
use marionette::run::{
    ExamReport, RunDirectory, RunModel, Which, Work,
    exam::{Exam, ExamSet},
    load_model, model_files,
};
use marionette::train::export::{ModelCard, write_check, write_model};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

const CARD: &str = "model.json";

/// Write a trained network for other programs, with its model card.
///
/// The card says what it takes to use the network: keypoints, input size, normalisation, decoder.
/// It is in the files (in the header, or in an ONNX file's metadata under `marionette`) and, for
/// people, in model.json beside a single file. examples/python/numpy_forward.py and docs/USING.md
/// show how to run them.
///
/// Example: marionette export runs/quickstart-001 --format safetensors --out nano.safetensors
/// --check check.safetensors
///
/// Example: marionette export runs/quickstart-001 --format onnx --head keypoints --out nano.onnx
///
/// Example: marionette export runs/quickstart-001 --format web --out page
#[derive(Args)]
pub struct ExportArgs {
    /// Folder of a run, a file of weights, or `person` for the weights that come with the program.
    /// Of a run that has not finished, its newest checkpoint is taken.
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
    /// Keep the weights of the ONNX file as whole numbers: a quarter as long.
    #[arg(long, value_name = "TYPE")]
    quantize: Option<Quantized>,
    /// Keep the weights of a safetensors file in half precision: half as long.
    #[arg(long)]
    half: bool,
    /// Licence of the weights for Hugging Face: mit, apache-2.0, cc-by-4.0 ...
    #[arg(long, value_name = "NAME")]
    license: Option<String>,
    /// Folder with the files of onnxruntime-web for the page; without it, npm fetches them.
    #[arg(long, value_name = "DIR")]
    runtime: Option<PathBuf>,
    /// The file to write, or the new folder.
    #[arg(long, value_name = "PATH")]
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
    #[command(flatten)]
    figure: FigureArg,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// Runs `marionette export`.
pub fn export(args: ExportArgs) -> Result<(), CommandError> {
    let asked = format::asked(&args).map_err(CommandError::Input)?;
    // A folder holds its own card.
    let card_path = (!asked.is_folder()).then(|| args.out.with_file_name(CARD));
    let file = (!asked.is_folder()).then_some(args.out.as_path());
    let outputs = files::outputs(&[
        ("--out", file),
        ("the model card", card_path.as_deref()),
        ("--check", args.check.as_deref()),
    ]);
    limit(if args.check_images.is_some() { Work::Render } else { Work::Look }, 0)?;
    let model = read(&args).map_err(CommandError::Input)?;
    files::check_inputs(&outputs, model_files(&args.source))?;
    if let Some(card) = &card_path {
        check_card(card).map_err(CommandError::Input)?;
    }
    if asked.is_folder() {
        check_free(&args.out).map_err(|error| refused(error.into()))?;
    }
    if let Export::Web { runtime, .. } = asked {
        runtime.check().map_err(refused)?;
    }
    files::check_outputs(&outputs)?;
    if let Some(check) = &args.check {
        let images = check_images(&args, &model)?;
        let images = images.as_ref().map(ExamSet::images).unwrap_or_default();
        let (network, card) = (model.detector.network(), model.detector.card());
        write_check(check, network, card, &images)
            .map_err(|error| CommandError::Failed(error.into()))?;
    }
    write(&args, asked, &model)?;
    if !args.quiet {
        tell(&args, asked, &model);
    }
    Ok(())
}

/// What is in the way is the user's to move; a disk may be well tomorrow.
fn refused(error: PublishError) -> CommandError {
    match error {
        PublishError::Folder(FolderError::NotFree { .. }) | PublishError::Runtime { .. } => {
            CommandError::Input(error.into())
        }
        error => CommandError::Failed(error.into()),
    }
}

fn tell(args: &ExportArgs, asked: Export, model: &RunModel) {
    let (card, out) = (model.detector.card(), args.out.display());
    let (network, scene, steps) = (&card.network.name, &card.scene, card.step);
    let beside = match asked {
        Export::Safetensors { .. } | Export::Onnx(_) => {
            format!("; its card is in {}", args.out.with_file_name(CARD).display())
        }
        Export::Huggingface { license: None, .. } => {
            "; it names no licence, which --license does".to_owned()
        }
        Export::Huggingface { .. } => String::new(),
        Export::Web { .. } => format!("; python3 -m http.server --directory {out} serves it"),
    };
    let source = model.source.display();
    output::say(&format!("{out}: {network} of {scene} after {steps} steps, from {source}{beside}"));
    if let Some(check) = &args.check {
        output::say(&format!("{}: inputs and outputs to check against", check.display()));
    }
}

/// The images of the exam that the check takes, if it takes any.
fn check_images(args: &ExportArgs, model: &RunModel) -> Result<Option<ExamSet>, CommandError> {
    let Some(count) = args.check_images else { return Ok(None) };
    let scene = scene_of(
        &args.source,
        &model.source,
        &model.detector,
        args.scene.as_deref(),
        &args.figure,
    )?;
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

fn write(args: &ExportArgs, asked: Export, model: &RunModel) -> Result<(), CommandError> {
    let (network, card) = (model.detector.network(), model.detector.card());
    let failed = |error: anyhow::Error| CommandError::Failed(error);
    match asked {
        Export::Huggingface { license, quantized } => {
            let exams = exams_of(args, card.step).map_err(CommandError::Input)?;
            let repository = Repository { license, exams: exams.as_ref(), quantized };
            write_huggingface(&args.out, network, card, repository).map_err(refused)?;
            return Ok(());
        }
        Export::Web { quantized, runtime } => {
            return write_web(&args.out, network, card, quantized, runtime).map_err(refused);
        }
        Export::Onnx(options) => {
            write_onnx(&args.out, network, card, options).map_err(|error| failed(error.into()))?;
        }
        Export::Safetensors { half } => {
            let tensors = network.parameters().tensors().context("the network").map_err(failed)?;
            let tensors = if half { halved(tensors).map_err(failed)? } else { tensors };
            write_model(&args.out, &tensors, card).map_err(|error| failed(error.into()))?;
        }
    }
    write_atomic(&args.out.with_file_name(CARD), card.to_json().as_bytes())
        .map_err(|error| failed(error.into()))
}

/// `tensors` with their numbers in half precision.
fn halved(tensors: BTreeMap<String, Tensor>) -> anyhow::Result<BTreeMap<String, Tensor>> {
    let half = |(name, tensor): (String, Tensor)| {
        let dtype = if tensor.dtype() == DType::F32 { DType::F16 } else { tensor.dtype() };
        Ok((name, tensor.to_dtype(dtype)?))
    };
    tensors.into_iter().map(half).collect()
}

/// The exams that the run has taken after `step`; weights without a run have none.
fn exams_of(args: &ExportArgs, step: u64) -> anyhow::Result<Option<ExamReport>> {
    let Ok(run) = RunDirectory::at(&args.source) else { return Ok(None) };
    Ok(run.exam_reports()?.into_iter().find(|report| report.step == step))
}
