//! `marionette bench`: how fast the parts are on this machine, as ratios measured in one run.

mod context;
mod feed;
mod generate;
mod machine;
mod memory;
mod network;
mod predict;
mod render;
mod report;
mod sampling;
mod steady;
mod stream;
mod train;

use super::{CommandError, files, output, process::limit, scenes::FigureArg};
use anyhow::Context;
use clap::{Args, ValueEnum};
use context::Bench;
use machine::Machine;
use marionette::base::{atomic_file::write_atomic, json_file::json_text};
use marionette::nn as model;
use marionette::run::{
    RunConfig, RunError, TRAINER_STACK, Work, choose_device, describe_choice, resolved_lag, threads,
};
use marionette::scene::{ImageSize, Scene};
use serde::Serialize;
use std::{fmt::Display, path::PathBuf, thread};

/// Measure how fast this machine renders, trains, and does both at once.
///
/// Every figure is the median of several measurements that alternate with what they are compared
/// with, and the lowest and the highest of them. Compare figures of one run only: they move with
/// whatever else the machine does.
///
/// Example: marionette bench loop --pairs 7 --json loop.json
#[derive(Args)]
pub struct BenchArgs {
    /// What to measure.
    #[arg(value_enum, default_value_t = Part::All)]
    part: Part,
    /// Write everything that was measured to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How often each measurement is repeated.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pairs: u32,
    /// Seconds that each measurement takes.
    #[arg(long, value_name = "S", default_value_t = 3.0, allow_negative_numbers = true, value_parser = seconds)]
    seconds: f64,
    /// Scene file, or `quickstart` for the built-in one. Its images take the size that is measured.
    #[arg(long, value_name = "SCENE", default_value = "quickstart")]
    scene: String,
    #[command(flatten)]
    figure: FigureArg,
    /// Sides of the pictures that `render` and `generate` draw and `predict` reads, pixels.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [64, 128, 256],
          value_parser = clap::value_parser!(u32).range(16..=1024))]
    sizes: Vec<u32>,
    /// Tiles a frame that `render` draws.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    tiles: u32,
    /// Tiles in all that `memory` draws.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(10..=1_000_000_000))]
    draws: u64,
    /// Network that `train`, `network` and `loop` train, and that `predict` asks.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Samples a batch that `train`, `network` and `loop` learn from and `sampling` makes.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch: Option<String>,
    /// Batches that are in the making at once in `loop` and `sampling`; auto for as many as keep all
    /// threads busy.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    lag: Option<String>,
    /// Where the network is trained: auto, cpu, cuda:N or metal.
    #[arg(long, value_name = "D")]
    device: Option<String>,
    /// Let a CUDA device round the factors of products to TF32.
    #[arg(long)]
    tf32: bool,
    /// Threads to use; 0 for one per core.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<String>,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Labelled tiles per second.
    Render,
    /// A training step, operation by operation.
    Train,
    /// The network alone, on noise: a bare training step, and inference. Needs nothing to draw
    /// with.
    Network,
    /// Rendering and training at once, against each alone.
    Loop,
    /// Labelled pictures per second on the disk, per format; not part of `all`.
    Generate,
    /// From picture files to keypoints, against the network alone; not part of `all`.
    Predict,
    /// How long samples take to make, and how that spreads over threads; not part of `all`.
    Sampling,
    /// Resident memory while a great many tiles are drawn; takes minutes, and is not part of `all`.
    Memory,
    /// Rendering, training, the network alone, and the loop.
    All,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds from 0 (one frame or step) to 3600".to_owned()),
    }
}

/// Everything that was measured.
#[derive(Serialize)]
struct Report {
    machine: Machine,
    scene: String,
    pairs: u32,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    render: Option<render::RenderReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    train: Option<train::TrainReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<network::NetworkReport>,
    #[serde(rename = "loop", skip_serializing_if = "Option::is_none")]
    both: Option<stream::LoopReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generate: Option<generate::GenerateReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predict: Option<predict::PredictReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampling: Option<sampling::SamplingReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<steady::MemoryReport>,
}

/// Runs `marionette bench`.
pub fn bench(args: BenchArgs) -> Result<(), CommandError> {
    let wanted = args.threads.as_ref().and_then(|threads| threads.parse().ok()).unwrap_or(0);
    limit(Work::Render, wanted)?;
    let bench = prepare(&args)?;
    // candle's backward pass recurses, as in a run.
    let measuring = thread::Builder::new()
        .name("bench".into())
        .stack_size(TRAINER_STACK)
        .spawn(move || measure(&args, &bench))
        .map_err(|e| CommandError::Failed(e.into()))?;
    let failed = || anyhow::anyhow!("the benchmark failed unexpectedly");
    measuring.join().unwrap_or_else(|_| Err(failed())).map_err(CommandError::Failed)
}

fn prepare(args: &BenchArgs) -> Result<Bench, CommandError> {
    let input = |error: RunError| CommandError::Input(error.into());
    let settings = [
        ("model", &args.model),
        ("batch", &args.batch),
        ("lag", &args.lag),
        ("device", &args.device),
        ("threads", &args.threads),
    ];
    let overrides: Vec<String> = settings
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)))
        .collect();
    let mut config = RunConfig::with_overrides(&overrides).map_err(|e| input(e.into()))?;
    config.tf32 = args.tf32;
    config.lag = resolved_lag(config.lag, config.batch, config.threads);
    let scene = args.figure.load(&args.scene).map_err(|e| input(e.into()))?;
    let outputs = files::outputs(&[("--json", args.json.as_deref())]);
    files::check_inputs(&outputs, scene.read_from.clone())?;
    files::check_outputs(&outputs)?;
    // The network decides how large the images of `train` and `loop` are.
    let spec = model::spec(&config.model, scene.figure.keypoints.len())
        .map_err(|e| CommandError::Input(e.into()))?;
    let [width, height] = spec.input_size();
    let tried = choose_device(&mut config, scene.figure.keypoints.len());
    if !tried.is_empty() && !args.quiet {
        output::warn(&describe_choice(&tried));
    }
    Ok(Bench {
        scene: Scene { image: ImageSize { width, height }, ..scene },
        threads: threads(config.threads),
        config,
        pairs: args.pairs,
        seconds: args.seconds,
        sizes: args.sizes.clone(),
        tiles: args.tiles as usize,
        quiet: args.quiet,
    })
}

fn measure(args: &BenchArgs, bench: &Bench) -> anyhow::Result<()> {
    let machine = Machine::find(bench, args.part != Part::Network)?;
    let show = |text: &dyn Display| {
        if !bench.quiet {
            output::say(&text.to_string());
        }
    };
    show(&machine);
    let wanted = |part| args.part == part || args.part == Part::All;
    let mut report = Report {
        machine,
        scene: bench.scene.name.clone(),
        pairs: bench.pairs,
        seconds: bench.seconds,
        render: None,
        train: None,
        network: None,
        both: None,
        generate: None,
        predict: None,
        sampling: None,
        memory: None,
    };
    if wanted(Part::Render) {
        let measured = render::measure(bench)?;
        show(&measured);
        report.render = Some(measured);
    }
    if wanted(Part::Train) {
        let measured = train::measure(bench)?;
        show(&measured);
        report.train = Some(measured);
    }
    if wanted(Part::Network) {
        let measured = network::measure(bench)?;
        show(&measured);
        report.network = Some(measured);
    }
    if wanted(Part::Loop) {
        let measured = stream::measure(bench)?;
        show(&measured);
        report.both = Some(measured);
    }
    if args.part == Part::Generate {
        let measured = generate::measure(bench)?;
        show(&measured);
        report.generate = Some(measured);
    }
    if args.part == Part::Predict {
        let measured = predict::measure(bench)?;
        show(&measured);
        report.predict = Some(measured);
    }
    if args.part == Part::Sampling {
        let measured = sampling::measure(bench)?;
        show(&measured);
        report.sampling = Some(measured);
    }
    if args.part == Part::Memory {
        let measured = steady::measure(bench, args.draws)?;
        show(&measured);
        report.memory = Some(measured);
    }
    if let Some(path) = &args.json {
        let text = json_text(&report).context("the measurements")?;
        write_atomic(path, text.as_bytes())?;
    }
    Ok(())
}
