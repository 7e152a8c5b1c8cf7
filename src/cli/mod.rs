//! The command line: one file a subcommand.

mod bench;
mod doctor;
mod eval;
mod eval_axes;
mod eval_exam;
mod eval_table;
mod export;
mod heap;
mod output;
mod predict;
mod preview;
mod preview_stats;
mod sim;
mod summary;
mod train;
mod window;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Renders articulated figures, trains a keypoint detector on them, and lets the network's own
/// difficulty decide what is rendered next.
#[derive(Parser)]
#[command(name = "marionette", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(train::TrainArgs),
    Sim(sim::SimArgs),
    Preview(preview::PreviewArgs),
    Eval(eval::EvalArgs),
    Predict(predict::PredictArgs),
    Export(export::ExportArgs),
    Bench(bench::BenchArgs),
    Doctor(doctor::DoctorArgs),
}

/// Why a command did not do what it was asked, and so how it exits.
enum CommandError {
    /// Bad usage or bad input: exit 2.
    Input(anyhow::Error),
    /// Something failed on the way: exit 1.
    Failed(anyhow::Error),
}

/// Runs the command line that the process was started with.
pub fn main() -> ExitCode {
    heap::keep_freed_memory();
    // Bevy and wgpu are silent unless asked: they would warn about every software adapter.
    let filter = tracing_subscriber::EnvFilter::try_from_env("MARIONETTE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error,wgpu=off,bevy_render=error"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It would complain of a closed standard error on standard error, and panic.
    log.log_internal_errors(false).init();
    let result = match Cli::parse().command {
        Command::Train(args) => train::train(args),
        Command::Sim(args) => sim::sim(args),
        Command::Preview(args) => preview::preview(args),
        Command::Eval(args) => eval::eval(args),
        Command::Predict(args) => predict::predict(args),
        Command::Export(args) => export::export(args),
        Command::Bench(args) => bench::bench(args),
        Command::Doctor(args) => doctor::doctor(args),
    };
    let (error, code) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(CommandError::Input(error)) => (error, 2),
        Err(CommandError::Failed(error)) => (error, 1),
    };
    output::warn(&format!("error: {error:#}"));
    ExitCode::from(code)
}
