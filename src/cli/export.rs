//! `marionette export`.

use super::{CommandError, files, output, process::limit};
use anyhow::{Context, anyhow};
use candle_core::Device;
use clap::{Args, ValueEnum};
use marionette::base::atomic_file::write_atomic;
use marionette::run::{RunModel, Which, Work, load_model, model_files};
use marionette::train::export::{ModelCard, write_check, write_model};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const CARD: &str = "model.json";

/// Write a trained network to a file that other programs read, with its model card.
///
/// The card says what it takes to use the network: keypoints, input size, normalisation, decoder.
/// It is in the header of FILE and, for people, in model.json beside it.
/// examples/python/numpy_forward.py shows how to read and run it.
///
/// Example: marionette export runs/quickstart-001 --format safetensors --out nano.safetensors
/// --check check.safetensors
#[derive(Args)]
pub struct ExportArgs {
    /// Folder of a run, or a file of weights. Of a run that has not finished, its newest checkpoint
    /// is taken.
    #[arg(value_name = "RUN|WEIGHTS")]
    source: PathBuf,
    /// How it is written.
    #[arg(long, value_name = "NAME")]
    format: Format,
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
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Tensors under PyTorch-style names, see <https://github.com/huggingface/safetensors>.
    Safetensors,
}

/// Runs `marionette export`.
pub fn export(args: ExportArgs) -> Result<(), CommandError> {
    let card_path = args.out.with_file_name(CARD);
    let outputs = files::outputs(&[
        ("--out", Some(&args.out)),
        ("the model card", Some(&card_path)),
        ("--check", args.check.as_deref()),
    ]);
    limit(Work::Look, 0)?;
    let model = read(&args).map_err(CommandError::Input)?;
    files::check_inputs(&outputs, model_files(&args.source))?;
    check_card(&card_path).map_err(CommandError::Input)?;
    files::check_outputs(&outputs)?;
    let card = model.detector.card();
    write(&args, &model, &card_path).map_err(CommandError::Failed)?;
    if !args.quiet {
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

fn write(args: &ExportArgs, model: &RunModel, card_path: &Path) -> anyhow::Result<()> {
    let (network, card) = (model.detector.network(), model.detector.card());
    let tensors = network.parameters().tensors().context("the network")?;
    if let Some(check) = &args.check {
        write_check(check, network, card)?;
    }
    write_model(&args.out, &tensors, card)?;
    write_atomic(card_path, card.to_json().as_bytes())?;
    Ok(())
}
