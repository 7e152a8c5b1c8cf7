//! `marionette report`.

use super::{
    CommandError,
    files::{check_inputs, check_outputs, outputs},
    output,
};
use anyhow::anyhow;
use clap::Args;
use marionette::base::atomic_file::write_atomic;
use marionette::run::{
    RunError,
    report::{RunFiles, page},
};
use std::path::PathBuf;

/// Write what a run came to, or several side by side, as one HTML page.
///
/// The page needs nothing else: no network and no other file. It holds settings, curves, exams, the
/// curriculum, the score, pictures, speed and machine; of several runs, differences from the first.
/// A run writes its own as report.html when it ends.
///
/// Example: marionette report runs/first runs/second --out compared.html
#[derive(Args)]
pub struct ReportArgs {
    /// Folders of runs, finished or not.
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// The HTML file to write.
    #[arg(long, value_name = "FILE.html", default_value = "report.html")]
    out: PathBuf,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// Runs `marionette report`.
pub fn report(args: ReportArgs) -> Result<(), CommandError> {
    let endings = ["html", "htm"];
    let fits = |ending: &std::ffi::OsStr| endings.iter().any(|e| ending.eq_ignore_ascii_case(e));
    if !args.out.extension().is_some_and(fits) {
        return Err(CommandError::Input(anyhow!(
            "--out {}: is no name of an HTML page; give a name that ends in .html",
            args.out.display()
        )));
    }
    let runs = RunFiles::read_all(&args.runs).map_err(command_error)?;
    let out = outputs(&[("--out", Some(&args.out))]);
    check_inputs(&out, runs.iter().flat_map(RunFiles::files))?;
    check_outputs(&out)?;
    write_atomic(&args.out, page(&runs).as_bytes())
        .map_err(|error| CommandError::Failed(error.into()))?;
    if !args.quiet {
        output::say(&format!("{} in {}", names(&runs), args.out.display()));
    }
    Ok(())
}

fn names(runs: &[RunFiles]) -> String {
    runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A file that cannot be read may be there tomorrow; everything else is the input's fault.
fn command_error(error: RunError) -> CommandError {
    match error {
        RunError::Path(_) => CommandError::Failed(error.into()),
        error => CommandError::Input(error.into()),
    }
}
