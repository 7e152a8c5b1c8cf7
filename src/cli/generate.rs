//! `marionette generate`.

use super::{
    CommandError, output,
    process::limit,
    scenes::{FigureArg, image_size, resized, tell_of_transparency},
    signals::StopSignal,
};
use anyhow::anyhow;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use marionette::base::shell::quoted;
use marionette::dataset::{
    DatasetError, Format, Job, Outcome, Pictures, Progress, Shard, Splits, generate as make,
};
use marionette::run::{FocusConfig, RunError, Work, newest_policy, threads};
use marionette::scene::{ImageSize, Scene};
use marionette::stream::Policy;
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Write a labelled data set of a scene for other tools: COCO keypoints, YOLO-pose or WebDataset.
///
/// Every figure in a picture is annotated. A larger set contains the smaller one, and parts made by
/// --shard on different machines fit together. DATASET.md in the set says what is in it.
///
/// Example: marionette generate everyday --out people --count 5000 --format coco
///
/// Example: marionette generate all --for audits/first --out harder --count 20000 --format yolo
///
/// Example: marionette generate all --out shards --count 1000000 --format webdataset --size 256
/// --shard 3/16 --resume
#[derive(Args)]
pub struct GenerateArgs {
    /// Scene file, or the name of a built-in scene.
    scene: String,
    #[command(flatten)]
    figure: FigureArg,
    /// Folder of the set; it must be new or empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How many pictures, those of all shards together.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    count: u64,
    /// The layout.
    #[arg(long, value_name = "NAME")]
    format: Layout,
    /// Width and height of the pictures, pixels: N, or WxH in the scene's proportions; by default
    /// the scene's own size.
    #[arg(long, value_name = "N|WxH", value_parser = image_size)]
    size: Option<ImageSize>,
    /// Also write depth, as PNG of 16 bits in millimetres.
    #[arg(long)]
    depth: bool,
    /// Also write what each pixel shows (figure and part, or thing), as PNG of 16 bits.
    #[arg(long)]
    ids: bool,
    /// Write pictures as PNG in place of JPEG.
    #[arg(long, conflicts_with = "quality")]
    png: bool,
    /// Quality of the JPEG files, 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 95,
        value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Draw samples by the curriculum that this run has come to; by default every axis is drawn
    /// evenly. It must be a run of the same scene.
    #[arg(long, value_name = "RUN")]
    policy: Option<PathBuf>,
    /// Draw a share of the samples for what this audit found its model to fail on, and the rest
    /// evenly. It must be an audit on the same scene.
    #[arg(long = "for", value_name = "AUDIT", conflicts_with = "policy")]
    audit: Option<PathBuf>,
    /// Numbers of the findings that count, with commas between them, as the audit's page gives
    /// them; all, if it is left out.
    #[arg(long, value_name = "N,...", value_delimiter = ',', requires = "audit")]
    finding: Vec<u32>,
    /// The share that is drawn for --for, above 0, at most 1.
    #[arg(long, value_name = "S", default_value_t = FocusConfig::default().share, requires = "audit", value_parser = share)]
    share: f32,
    /// Percent of the pictures for train, val and test.
    #[arg(long, value_name = "T,V,T", default_value = "90,10,0")]
    splits: Splits,
    /// Make only part I (from 0) of N equal parts.
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    shard: Shard,
    /// Pictures of all splits together for each number of a WebDataset archive.
    #[arg(long, value_name = "N", default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    per_archive: u64,
    /// Seed of the samples.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Go on with the set that was begun in --out; begin it if none was.
    #[arg(long)]
    resume: bool,
    /// Threads of each pool; 0 for one per core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Layout {
    /// Folders of pictures and COCO keypoint annotations.
    Coco,
    /// Folders of pictures and labels for YOLO-pose, with data.yaml.
    Yolo,
    /// Archives of pictures, each with its annotations as JSON.
    Webdataset,
}

/// Runs `marionette generate`.
pub fn generate(args: GenerateArgs) -> Result<(), CommandError> {
    limit(Work::Render, args.threads)?;
    let scene = args.figure.load(&args.scene).map_err(|error| CommandError::Input(error.into()))?;
    let policy = policy(&args, &scene).map_err(|error| CommandError::Input(error.into()))?;
    let scene = resized(scene, args.size)?;
    tell_of_transparency(&scene);
    let format = match args.format {
        Layout::Coco => Format::Coco,
        Layout::Yolo => Format::Yolo,
        Layout::Webdataset => Format::WebDataset,
    };
    let job = Job {
        seed: args.seed,
        shard: args.shard,
        splits: args.splits,
        pictures: if args.png { Pictures::Png } else { Pictures::Jpg { quality: args.quality } },
        depth: args.depth,
        ids: args.ids,
        per_archive: args.per_archive,
        ..Job::new(&scene, args.count, format, policy)
    };
    let signal = StopSignal::listen().map_err(|error| CommandError::Failed(error.into()))?;
    let mut screen = Screen::new(args.quiet);
    let stop = signal.flag();
    let outcome =
        make(&scene, &job, &args.out, args.resume, threads(args.threads), &stop, &mut |progress| {
            screen.show(progress)
        });
    screen.close();
    match outcome.map_err(|error| command_error(error, &args.out))? {
        Outcome::Whole { pictures, figures } => {
            screen.say(&format!(
                "{}: {pictures} pictures of {} with {figures} annotated figures; what is in it is \
                 in {}",
                args.out.display(),
                scene.name,
                args.out.join("DATASET.md").display()
            ));
            Ok(())
        }
        Outcome::WasWhole => {
            screen.say(&format!("{}: is whole already", args.out.display()));
            Ok(())
        }
        Outcome::Stopped(Progress { done, of }) => {
            screen.say(&format!(
                "stopped after {done} of {of} pictures; the same command with --resume goes on"
            ));
            Err(CommandError::Stopped(signal.exit_code().unwrap_or(1)))
        }
    }
}

/// How samples are drawn.
fn policy(args: &GenerateArgs, scene: &Scene) -> Result<Policy, RunError> {
    let audit = args.audit.as_ref().map(|audit| audit.to_string_lossy().into_owned());
    let focus = FocusConfig {
        audit: audit.unwrap_or_default(),
        share: args.share,
        findings: args.finding.clone(),
    };
    let focus = focus.open(scene)?;
    match &args.policy {
        Some(run) => newest_policy(run, scene),
        None => Ok(Policy { focus, ..Policy::uniform() }),
    }
}

fn share(text: &str) -> Result<f32, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "give a share of all pictures, above 0, at most 1".to_owned())
}

/// Input that is at fault exits 2, everything else 1, and says how to go on.
fn command_error(error: DatasetError, out: &Path) -> CommandError {
    match error {
        DatasetError::NotEmpty { .. }
        | DatasetError::Other { .. }
        | DatasetError::Held { .. }
        | DatasetError::Damaged { .. } => CommandError::Input(error.into()),
        DatasetError::Path(_) | DatasetError::Sheet(_) => CommandError::Failed(anyhow!(
            "{error}; what is in {} is kept, and the same command with --resume goes on",
            quoted(out)
        )),
        _ => CommandError::Failed(error.into()),
    }
}

/// Shows how far it is: a bar on a terminal, a line every few seconds elsewhere.
struct Screen {
    quiet: bool,
    bar: Option<ProgressBar>,
    began: Option<(Instant, u64)>,
    last_line: Instant,
}

impl Screen {
    fn new(quiet: bool) -> Self {
        Screen { quiet, bar: None, began: None, last_line: Instant::now() }
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            output::say(text);
        }
    }

    fn show(&mut self, Progress { done, of }: Progress) {
        // The first batch is counted as the beginning: the renderer's start is not in the rate.
        let (began, first) = *self.began.get_or_insert_with(|| (Instant::now(), done));
        if self.quiet {
            return;
        }
        let per_second = (done - first) as f64 / began.elapsed().as_secs_f64().max(1e-9);
        let left = if done > first { (of - done) as f64 / per_second } else { 0.0 };
        let text = format!("{per_second:.0}/s  {}:{:02} left", left as u64 / 60, left as u64 % 60);
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::new(of);
                if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}") {
                    bar.set_style(style);
                }
                bar
            });
            bar.set_position(done);
            bar.set_message(text);
        } else if self.last_line.elapsed() > Duration::from_secs(10) {
            self.last_line = Instant::now();
            output::say(&format!("{done}/{of} pictures  {text}"));
        }
    }

    fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
