//! `marionette ablate`.

use super::{CommandError, output, process::limit, scenes::FigureArg, signals::StopSignal};
use anyhow::anyhow;
use clap::Args;
use marionette::base::atomic_file::write_atomic;
use marionette::run::{
    Failure, RunConfig, RunError, RunEvent, Work,
    ablation::{AblationError, Arm, Comparison, Measure, Plan, Progress, arms, compare, page, run},
};
use std::{collections::BTreeSet, fmt::Write, path::PathBuf, time::Instant};

/// Train several arms of an experiment on the same seeds and compare them.
///
/// Every arm is trained for the same number of steps and images and graded by all exams. Results are
/// lines of JSON, a table and a page with plots in --out.
///
/// Example: marionette ablate quickstart --arms uniform,ramp,frontier-difficulty --seeds 5
/// --steps 1200 --out ablations/first
#[derive(Args)]
#[command(after_help = arms_help())]
pub struct AblateArgs {
    /// Scene file, or the name of a built-in scene.
    scene: String,
    #[command(flatten)]
    figure: FigureArg,
    /// The arms, the baseline first, with commas between them.
    #[arg(long, value_delimiter = ',', required = true, value_name = "A,B,...")]
    arms: Vec<String>,
    /// Seeds per arm.
    #[arg(long, value_name = "N", default_value_t = 3)]
    seeds: u64,
    /// The first seed. Choose between arms with other seeds than those that you report.
    #[arg(long, value_name = "N", default_value_t = 1)]
    first_seed: u64,
    /// Training steps of each run.
    #[arg(long, value_name = "N", default_value_t = RunConfig::default().steps)]
    steps: u64,
    /// Folder of the results.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on with the results in --out: what has none yet is run.
    #[arg(long)]
    resume: bool,
    /// Network: nano, small or base.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Change a setting of all arms, for example batch=16. What an arm itself sets wins.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

fn arms_help() -> String {
    let lines: Vec<String> = arms().map(|(name, about)| format!("  {name:<22} {about}")).collect();
    format!("Arms:\n{}", lines.join("\n"))
}

/// Runs `marionette ablate`.
pub fn ablate(args: AblateArgs) -> Result<(), CommandError> {
    let (plan, names) = plan(&args).map_err(CommandError::Input)?;
    limit(Work::Render, 0)?;
    let signal = StopSignal::listen().map_err(|error| CommandError::Failed(error.into()))?;
    let began = Instant::now();
    let results = run(&plan, args.resume, &signal.flag(), &mut |progress| tell(&progress, began))
        .map_err(command_error)?;
    let compared = compare(&results.outcomes, &names[0]);
    let title = format!("{}, {} steps", args.scene, args.steps);
    let text = table(&title, &compared);
    let files = [("table.txt", text.clone()), ("report.html", page(&title, &compared))];
    for (name, content) in files {
        write_atomic(&args.out.join(name), content.as_bytes())
            .map_err(|error| CommandError::Failed(error.into()))?;
    }
    output::say(&text);
    match signal.exit_code() {
        Some(code) => {
            output::warn(&format!(
                "stopped after {} runs; the same command with --resume goes on",
                results.outcomes.len()
            ));
            Err(CommandError::Stopped(code))
        }
        None => Ok(()),
    }
}

/// The plan that `args` ask for, and its arms' names.
fn plan(args: &AblateArgs) -> anyhow::Result<(Plan, Vec<String>)> {
    let mut seen = BTreeSet::new();
    let names: Vec<String> =
        args.arms.iter().filter(|name| seen.insert((*name).clone())).cloned().collect();
    let arms = names.iter().map(|name| Arm::by_name(name)).collect::<Result<Vec<_>, _>>()?;
    let last = args.first_seed.checked_add(args.seeds).and_then(|end| end.checked_sub(1));
    let last = last.filter(|_| args.seeds > 0).ok_or_else(|| {
        anyhow!("--seeds: found {}, expected at least 1 and none past the last seed", args.seeds)
    })?;
    let mut overrides = args.set.clone();
    overrides.push(format!("steps={}", args.steps));
    overrides.push(format!("seed={last}"));
    overrides.extend(args.model.as_ref().map(|model| format!("model={model}")));
    let base = RunConfig::with_overrides(&overrides)?;
    if base.exam.images == 0 {
        return Err(anyhow!("exam.images: found 0, but arms are compared by their exams"));
    }
    let scene = args.figure.load(&args.scene)?;
    Ok((Plan::new(&args.out, scene, base, arms, args.first_seed..=last)?, names))
}

fn command_error(error: AblationError) -> CommandError {
    match error {
        AblationError::Run(Failure::Run(RunError::Path(_))) => CommandError::Failed(error.into()),
        AblationError::Run(Failure::Run(_)) | AblationError::Exists(_) => {
            CommandError::Input(error.into())
        }
        AblationError::Other { .. } => CommandError::Input(error.into()),
        AblationError::Run(_) => CommandError::Failed(error.into()),
    }
}

fn tell(progress: &Progress, began: Instant) {
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    match progress {
        Progress::Begins { arm, seed, number, of } => {
            output::warn(&format!("[{minutes:6.1} min] run {number} of {of}: {arm}, seed {seed}"));
        }
        Progress::Event(RunEvent::Warning(text)) => output::warn(&format!("warning: {text}")),
        Progress::Event(RunEvent::ExamNotice(notice)) => output::warn(&format!("note: {notice}")),
        Progress::Event(_) => {}
        Progress::Ended(outcome) => {
            if let Some(reason) = &outcome.diverged {
                output::warn(&format!("  diverged: {reason}"));
            }
        }
    }
}

/// The comparison as text.
fn table(title: &str, compared: &Comparison) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_table(&mut out, title, compared);
    out
}

fn write_table(out: &mut String, title: &str, compared: &Comparison) -> std::fmt::Result {
    let digits = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let columns = Measure::ALL.map(|measure| format!("{:>11}", measure.name())).concat();
    writeln!(out, "{title}: PCK@0.2 torso of the last step, mean over the seeds\n")?;
    writeln!(out, "{:<26}{:>6}{columns}{:>13}", "arm", "seeds", "score, error")?;
    for standing in &compared.standings {
        let scores = standing.scores.map(|score| format!("{:>11}", digits(score))).concat();
        let lost = match standing.diverged {
            0 => String::new(),
            n => format!("  {n} diverged"),
        };
        writeln!(
            out,
            "{:<26}{:>6}{scores}{:>13}{lost}",
            standing.arm,
            standing.seeds,
            digits(standing.score_error)
        )?;
    }
    writeln!(
        out,
        "\nDifferences from {}, points, with 95 % intervals over seeds and images (of one seed alone \
         the\nnoise between trainings is not in them); p corrected (Holm)\n",
        compared.baseline
    )?;
    for measure in Measure::ALL {
        writeln!(out, "{}", measure.name())?;
        for d in compared.differences.iter().filter(|d| d.measure == measure) {
            let [low, high] = d.interval;
            writeln!(
                out,
                "  {:<26}{:>+6.1} [{:+.1}, {:+.1}]  p {:.3}  ({} seeds)",
                d.arm,
                d.mean * 100.0,
                low * 100.0,
                high * 100.0,
                d.p,
                d.seeds
            )?;
        }
    }
    Ok(())
}
