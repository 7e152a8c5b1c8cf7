//! `marionette train`.

use super::{
    CommandError,
    beside::Beside,
    mix::{Mix, absolute, absolute_model},
    output,
    process::limit,
    scenes::{FigureArg, tell_of_transparency},
    signals::StopSignal,
    summary, window,
};
use clap::Args;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use indicatif::{ProgressBar, ProgressStyle};
use marionette::base::{json_file::json_text, shell::quoted};
use marionette::run::{
    Failure, MetricsRow, RunConfig, RunDirectory, RunError, RunEvent, Session, Summary, Work,
    describe_choice,
};
use marionette::stream::Focus;
use marionette::train::trainer::{Taken, TrainError};
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Render and train in one process, steered by what the network finds hard.
///
/// Example: marionette train scenes/quickstart.toml --run runs/first --steps 1800 --set afl.gamma=1
///
/// Example: marionette train all --init runs/first --for audits/first --run runs/mended
///
/// Example: marionette train sports --run runs/tuned --init runs/first --mix
/// coco:mine.json:pictures=0.5
#[derive(Args)]
pub struct TrainArgs {
    /// Scene file, or the name of a built-in scene (quickstart, sports, all ...). Not needed with
    /// --resume.
    scene: Option<String>,
    #[command(flatten)]
    figure: FigureArg,
    /// Directory of the run; by default the next free one under runs/.
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with the run in --run from its latest checkpoint.
    #[arg(long, requires = "run", conflicts_with_all = ["scene", "figure"])]
    resume: bool,
    /// Seed of everything that is random.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<String>,
    /// Training steps, one batch each.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: Option<String>,
    /// Network: nano, small or base. The scene's images take the size that it wants.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Where the network is trained: auto, cpu, cuda:N or metal.
    #[arg(long, value_name = "D")]
    device: Option<String>,
    /// Threads of each pool: rendering, and all that computes; 0 for one per core.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    threads: Option<String>,
    /// Start from these weights, a file, a run, or `person` for those that come with the program,
    /// rather than from random ones. What fits is taken.
    #[arg(long, value_name = "RUN|WEIGHTS", conflicts_with = "resume")]
    init: Option<String>,
    /// Draw a quarter of the samples for what this audit of a model found it to fail on, and the
    /// others evenly; focus.share sets another share. It must be an audit on the same scene.
    #[arg(long = "for", value_name = "AUDIT", conflicts_with = "resume")]
    audit: Option<String>,
    /// Numbers of the findings that count, with commas between them, as the audit's page gives
    /// them; all, if it is left out.
    #[arg(long, value_name = "N,...", value_delimiter = ',', requires = "audit")]
    finding: Vec<u32>,
    /// Take a share of each batch from labelled photographs, cropped as `eval` crops them.
    #[arg(long, value_name = "coco:ANN.json:IMAGES=SHARE", conflicts_with = "resume")]
    mix: Option<Mix>,
    /// Change a setting, for example afl.mode=paper; config.toml in a run directory lists them all.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
    /// Print the summary at the end as JSON on standard output, and all else on standard error.
    #[arg(long)]
    json: bool,
    /// Say at the end how the exams came out beside those of this finished run, or of its
    /// summary.json.
    #[arg(long, value_name = "RUN")]
    beside: Option<PathBuf>,
    /// Open the simulator window: watch, question and steer the run. The same as `marionette sim`.
    #[arg(long)]
    window: bool,
}

impl TrainArgs {
    /// The same, in a window.
    pub fn in_window(self) -> Self {
        TrainArgs { window: true, ..self }
    }

    /// The folder in --run, where that is a run already and is not to be gone on with: something to
    /// look at.
    pub fn to_look_at(&self) -> Option<&Path> {
        let new = self.resume || self.scene.is_some() || self.figure.is_given();
        let run = self.run.as_deref().filter(|_| !new)?;
        run.join("config.toml").exists().then_some(run)
    }
}

/// Runs `marionette train`.
pub fn train(args: TrainArgs) -> Result<(), CommandError> {
    if args.window {
        // Before anything is written: without a display there is nothing to begin.
        window::check()?;
    }
    let beside = args.beside.as_deref().map(Beside::load).transpose()?;
    let work = if args.window { Work::Window } else { Work::Render };
    limit(work, threads_wanted(&args))?;
    let mut session = prepare(&args).map_err(command_error)?;
    if !args.quiet {
        tell_of_beginnings(&session);
    }
    let directory = session.directory().path().to_owned();
    let signal = StopSignal::listen().map_err(|e| CommandError::Failed(e.into()))?;
    let stop = signal.flag();
    if args.window {
        return window::train(session, stop, move |events, running| {
            follow(&args, &directory, beside, &signal, events, running)
        });
    }
    let events = session.subscribe(window::TERMINAL_EVENTS);
    let running = thread::spawn(move || session.run(stop));
    follow(&args, &directory, beside, &signal, events, running)
}

/// Says which device was chosen, and what else than renders and random weights a run begins with.
fn tell_of_beginnings(session: &Session) {
    let config = session.config();
    if let tried @ [_, ..] = session.tried_devices() {
        output::warn(&describe_choice(tried));
    }
    if let Some(Taken { tensors, keypoints, new }) = session.taken() {
        let all = session.scene().figure.keypoints.len();
        let new = match &new[..] {
            [] => String::new(),
            new => format!("; new are {}", new.join(", ")),
        };
        let (head, from) = (keypoints.len(), &config.init);
        output::warn(&format!(
            "weights of {from}: {tensors} tensors and the head's parts for {head} of {all} \
             keypoints are taken{new}"
        ));
    }
    if let Some(Focus { share, wanted }) = session.focus() {
        output::warn(&format!(
            "{:.0} % of the samples are drawn for what {} found:",
            100.0 * share,
            config.focus.audit
        ));
        wanted.iter().for_each(|wanted| output::warn(&format!("- {}", wanted.words)));
    }
    if let Some((people, count)) = session.photographs() {
        let batch = config.batch;
        output::warn(&format!("photographs of {people} people: {count} of each batch of {batch}"));
    }
}

/// Threads that a pool is to have; 0 for one per core. What is wrong with the settings is told when
/// they are read.
fn threads_wanted(args: &TrainArgs) -> usize {
    let config = match args.run.as_deref().filter(|_| args.resume).map(RunDirectory::at) {
        Some(Ok(run)) => {
            let config = RunConfig::load(&run.config_path()).ok();
            config.and_then(|config| config.continued(&overrides(args)).ok())
        }
        _ => RunConfig::with_overrides(&overrides(args)).ok(),
    };
    config.map_or(0, |config| config.threads)
}

/// Shows what happens until the run is over, and says how it ended.
fn follow(
    args: &TrainArgs,
    directory: &Path,
    beside: Option<Beside>,
    signal: &StopSignal,
    events: Receiver<RunEvent>,
    running: JoinHandle<Result<(), Failure>>,
) -> Result<(), CommandError> {
    let mut screen = Screen::new(args, directory, beside);
    let (mut stopping, mut stopped) = (false, false);
    loop {
        match events.recv_timeout(CHECK_EVERY) {
            Ok(event) => {
                stopped |= matches!(event, RunEvent::Stopped { .. });
                screen.show(event);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if signal.exit_code().is_some() && !stopping && !args.quiet {
            output::warn("\nstopping after this step; press Ctrl-C again to stop at once");
        }
        stopping = signal.exit_code().is_some();
    }
    match running.join() {
        Ok(Ok(())) => match signal.exit_code().filter(|_| stopped) {
            Some(code) => Err(CommandError::Stopped(code)),
            None => Ok(()),
        },
        Ok(Err(failure)) => Err(command_error(failure)),
        Err(_) => Err(command_error(Failure::Panic("run"))),
    }
}

/// How often the terminal's thread looks whether a signal has come.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// No curriculum.
const EVENLY: [&str; 3] =
    ["curriculum.steering=false", "curriculum.mix.uniform=1", "curriculum.mix.steered=0"];

/// The settings that the command line gives, as `key=value`.
fn overrides(args: &TrainArgs) -> Vec<String> {
    let mut overrides = Vec::new();
    for (key, value) in [
        ("seed", &args.seed),
        ("steps", &args.steps),
        ("model", &args.model),
        ("device", &args.device),
        ("threads", &args.threads),
    ] {
        overrides.extend(value.as_ref().map(|value| format!("{key}={value}")));
    }
    overrides.extend(args.init.as_ref().map(|init| format!("init={}", absolute_model(init))));
    if let Some(audit) = &args.audit {
        // What is not drawn for the audit stands for the population that the audit is of.
        overrides.extend(EVENLY.map(str::to_owned));
        overrides.push(format!("focus.audit={}", absolute(audit)));
        overrides.push(format!("focus.findings={:?}", args.finding));
    }
    overrides.extend(args.mix.iter().flat_map(Mix::settings));
    overrides.extend(args.set.iter().cloned());
    overrides
}

fn prepare(args: &TrainArgs) -> Result<Session, Failure> {
    let overrides = overrides(args);
    match (&args.run, args.resume) {
        (Some(path), true) => Session::resume(path, &overrides),
        (path, _) => {
            let config = RunConfig::with_overrides(&overrides).map_err(RunError::from)?;
            let scene = args.scene.as_deref().unwrap_or("quickstart");
            let scene = args.figure.load(scene).map_err(RunError::from)?;
            tell_of_transparency(&scene);
            match path {
                Some(path) => Session::create(path, config, scene),
                None => Session::create_next(Path::new("runs"), config, scene),
            }
        }
    }
}

/// Input that is at fault exits 2, everything else 1.
fn command_error(failure: Failure) -> CommandError {
    let input = matches!(
        &failure,
        Failure::Run(
            RunError::Config(_)
                | RunError::File(_)
                | RunError::Exists { .. }
                | RunError::Held { .. }
                | RunError::Damaged { .. }
                | RunError::Detector(_)
                | RunError::Weights(_)
        ) | Failure::Device(_)
            | Failure::Photographs(_)
            | Failure::Train(TrainError::Model(_) | TrainError::ImageSize { .. })
    );
    if input { CommandError::Input(failure.into()) } else { CommandError::Failed(failure.into()) }
}

/// Shows what happens: a bar on a terminal, plain lines elsewhere.
struct Screen<'a> {
    args: &'a TrainArgs,
    directory: &'a Path,
    beside: Option<Beside>,
    bar: Option<ProgressBar>,
    began: Instant,
    first_step: u64,
    last_line: Option<Instant>,
}

impl<'a> Screen<'a> {
    fn new(args: &'a TrainArgs, directory: &'a Path, beside: Option<Beside>) -> Self {
        let began = Instant::now();
        Screen { args, directory, beside, bar: None, began, first_step: 0, last_line: None }
    }

    fn line(&self, text: String) {
        match &self.bar {
            _ if self.args.quiet => {}
            Some(bar) => bar.println(text),
            None if self.args.json => output::warn(&text),
            None => output::say(&text),
        }
    }

    /// What goes wrong is told even where everything else is not.
    fn warn(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::warn(&format!("warning: {text}"))),
            None => output::warn(&format!("warning: {text}")),
        }
    }

    fn show(&mut self, event: RunEvent) {
        match event {
            RunEvent::RendererReady(adapter) => {
                let software = if adapter.software { ", software" } else { "" };
                self.line(format!("renderer: {} ({}{software})", adapter.name, adapter.backend));
            }
            RunEvent::Started { step, steps, device } => {
                let from = if step > 0 { format!(", from step {step}") } else { String::new() };
                self.line(format!(
                    "run {}: {steps} steps on {device}{from}",
                    self.directory.display()
                ));
                (self.began, self.first_step) = (Instant::now(), step);
                if std::io::stderr().is_terminal() && !self.args.quiet {
                    let bar = ProgressBar::new(steps);
                    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}")
                    {
                        bar.set_style(style);
                    }
                    self.bar = Some(bar);
                }
            }
            RunEvent::Metrics { row, steps } => self.progress(&row, steps),
            RunEvent::Skipped { step, reason } => {
                self.line(format!("step {step} skipped: {reason} is not finite"))
            }
            // Checkpoints come regularly, and `latest` names the newest. What controls do is for
            // the window. A failure is told once the run's threads are joined.
            RunEvent::Step(_)
            | RunEvent::Checkpoint { .. }
            | RunEvent::Settings { .. }
            | RunEvent::Note(_)
            | RunEvent::Failed { .. } => {}
            RunEvent::Warning(text) => self.warn(&text),
            RunEvent::ExamNotice(notice) => self.line(notice.to_string()),
            RunEvent::Exams { report, best } => {
                let scores: Vec<String> = report
                    .exams
                    .iter()
                    .map(|result| {
                        format!("{} {}", result.exam.name(), summary::number(result.pck.torso_02))
                    })
                    .collect();
                let best = if best { " (best so far)" } else { "" };
                self.line(format!(
                    "exams after step {}, PCK@0.2: {}{best}",
                    report.step,
                    scores.join(", ")
                ));
            }
            RunEvent::Picture(path) => self.line(format!("picture: {}", path.display())),
            RunEvent::Stopped { step } => {
                self.close_bar();
                self.line(format!(
                    "stopped after step {step}; go on with: marionette train --run {} --resume",
                    quoted(self.directory)
                ));
            }
            RunEvent::Finished(summary) => self.finish(&summary),
        }
    }

    fn progress(&mut self, row: &MetricsRow, steps: u64) {
        let MetricsRow { step, loss, pck, samples_per_second, .. } = *row;
        let per_step = self.began.elapsed().as_secs_f64() / (step - self.first_step).max(1) as f64;
        let left = Duration::from_secs_f64(per_step * (steps - step) as f64);
        let minutes = format!("{}:{:02}", left.as_secs() / 60, left.as_secs() % 60);
        let text = format!(
            "loss {loss:.3}  PCK {pck:.3}  {samples_per_second:.0} samples/s  {minutes} left"
        );
        if let Some(bar) = &self.bar {
            bar.set_position(step);
            bar.set_message(text);
        } else if step == steps
            || self.last_line.is_none_or(|shown| shown.elapsed() > Duration::from_secs(10))
        {
            self.last_line = Some(Instant::now());
            self.line(format!("step {step}/{steps}  {text}"));
        }
    }

    fn close_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn finish(&mut self, summary: &Summary) {
        self.close_bar();
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        self.line(summary::text(summary, self.directory, minutes));
        if let Some(words) =
            self.beside.as_ref().and_then(|beside| beside.words(summary.steps, &summary.exams))
        {
            self.line(words);
        }
        if self.args.json
            && let Ok(json) = json_text(summary)
        {
            output::say(json.trim_end());
        }
    }
}
