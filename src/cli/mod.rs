//! The command line: one file a subcommand.

mod ablate;
mod audit;
mod audit_model;
mod bench;
mod beside;
mod doctor;
mod eval;
mod eval_axes;
mod eval_exam;
mod eval_table;
mod export;
mod files;
mod generate;
mod import;
mod mix;
mod output;
mod predict;
mod preview;
mod preview_stats;
mod process;
mod report;
mod scenes;
mod signals;
mod sim;
mod summary;
mod train;
mod window;

use clap::{Parser, Subcommand};
use marionette::run::LimitError;
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
    Generate(generate::GenerateArgs),
    Import(import::ImportArgs),
    Eval(eval::EvalArgs),
    Predict(predict::PredictArgs),
    Export(export::ExportArgs),
    Audit(audit::AuditArgs),
    Ablate(ablate::AblateArgs),
    Report(report::ReportArgs),
    Bench(bench::BenchArgs),
    Doctor(doctor::DoctorArgs),
}

/// Why a command did not do what it was asked, and so how it exits.
enum CommandError {
    /// Bad usage or bad input: exit 2.
    Input(anyhow::Error),
    /// Something failed on the way: exit 1.
    Failed(anyhow::Error),
    /// A signal stopped it before it was done, and all has been said: exit with this code.
    Stopped(u8),
}

impl From<LimitError> for CommandError {
    fn from(error: LimitError) -> Self {
        CommandError::Failed(error.into())
    }
}

/// Runs the command line that the process was started with.
pub fn main() -> ExitCode {
    process::set_up();
    let command = Cli::parse().command;
    let result = start_log().and_then(|()| match command {
        Command::Train(args) => train::train(args),
        Command::Sim(args) => sim::sim(args),
        Command::Preview(args) => preview::preview(args),
        Command::Generate(args) => generate::generate(args),
        Command::Import(args) => import::import(args),
        Command::Eval(args) => eval::eval(args),
        Command::Predict(args) => predict::predict(args),
        Command::Export(args) => export::export(args),
        Command::Audit(args) => audit::audit(args),
        Command::Ablate(args) => ablate::ablate(args),
        Command::Report(args) => report::report(args),
        Command::Bench(args) => bench::bench(args),
        Command::Doctor(args) => doctor::doctor(args),
    });
    let (error, code) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(CommandError::Input(error)) => (error, 2),
        Err(CommandError::Failed(error)) => (error, 1),
        Err(CommandError::Stopped(code)) => return ExitCode::from(code),
    };
    output::warn(&format!("error: {error:#}"));
    ExitCode::from(code)
}

/// Starts the log on standard error, which `MARIONETTE_LOG` filters.
fn start_log() -> Result<(), CommandError> {
    // Bevy and wgpu are silent unless asked: they would warn about every software adapter.
    const SILENT: &str = "error,wgpu=off,bevy_render=error";
    let wanted = std::env::var("MARIONETTE_LOG").unwrap_or_default();
    let wanted = if wanted.trim().is_empty() { SILENT } else { wanted.trim() };
    let filter = tracing_subscriber::EnvFilter::builder().parse(wanted).map_err(|error| {
        CommandError::Input(anyhow::anyhow!(
            "MARIONETTE_LOG: found \"{wanted}\" ({error}); give a filter such as info or \
             warn,marionette=debug"
        ))
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It would complain of a closed standard error on standard error, and panic.
    log.with_ansi(output::has_colors()).log_internal_errors(false).init();
    Ok(())
}
