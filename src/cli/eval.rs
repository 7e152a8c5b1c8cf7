//! `marionette eval`.

use super::{Trouble, eval_table, output};
use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use marionette::{
    atomic_file::{check_writable, write_atomic},
    eval::{
        Detector, EvalReport, Search, by_key,
        coco::{CocoFile, read_coco, write_results},
        find_people, judge,
    },
    run::open_device,
};
use std::{
    collections::HashSet,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Unusable pictures that are named one by one.
const MOST_WARNINGS: usize = 10;

/// Judge a trained network on labelled pictures.
///
/// Example: marionette eval runs/first --coco person_keypoints_val2017.json --images val2017 --json val.json
#[derive(Args)]
pub struct EvalArgs {
    /// Safetensors file of a trained network, or the directory of a run.
    weights: PathBuf,
    /// COCO keypoints file to judge by.
    #[arg(long, value_name = "ANN.json")]
    coco: PathBuf,
    /// Folder of the pictures that the COCO file speaks of.
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Judge people apart by this key of their annotations, too.
    #[arg(long, value_name = "KEY")]
    by: Option<String>,
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write what was found to this COCO results file.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Where the network runs: auto, cpu, cuda:N or metal.
    #[arg(long, value_name = "D", default_value = "auto")]
    device: String,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// Runs `marionette eval`.
pub fn eval(args: EvalArgs) -> Result<(), Trouble> {
    if args.json.is_some() && args.json == args.results {
        return Err(Trouble::Input(anyhow!("--json and --results name the same file; give each a file of its own")));
    }
    for path in [&args.json, &args.results].into_iter().flatten() {
        check_writable(path).map_err(|e| Trouble::Failed(e.into()))?;
    }
    let device = open_device(&args.device).map_err(|e| Trouble::Input(e.into()))?;
    let weights = if args.weights.is_dir() { args.weights.join("weights.safetensors") } else { args.weights.clone() };
    let detector = Detector::load(&weights, &device).map_err(|e| Trouble::Input(e.into()))?;
    let (report, pictures) = on_coco(&args, weights, &detector)?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|e| Trouble::Failed(e.into()))?;
        write_atomic(path, (text + "\n").as_bytes()).map_err(|e| Trouble::Failed(e.into()))?;
    }
    if !args.quiet {
        output::say(&eval_table::text(&report));
    }
    match report.unusable {
        0 => Ok(()),
        unusable => Err(Trouble::Failed(anyhow!(
            "{unusable} of {pictures} pictures could not be used; the figures are those of the others"
        ))),
    }
}

/// Judges the detector on a COCO file; also says how many pictures there were to look at.
fn on_coco(args: &EvalArgs, weights: PathBuf, detector: &Detector) -> Result<(EvalReport, usize), Trouble> {
    let scheme = &detector.card().keypoints;
    let file = read_coco(&args.coco, scheme).map_err(|e| Trouble::Input(e.into()))?;
    if !args.images.is_dir() {
        let found = if args.images.exists() { "is no folder" } else { "does not exist" };
        let message = anyhow!("{}: {found}; give the folder of the pictures as --images", args.images.display());
        return Err(Trouble::Input(message));
    }
    // A wrong key is found out before the long work.
    let key_trouble = |e| Trouble::Input(anyhow::Error::new(e).context(args.coco.display().to_string()));
    if let Some(key) = &args.by {
        by_key(key, &file, scheme, &[], &HashSet::new()).map_err(key_trouble)?;
    }
    let search = search(args, detector, &file)?;
    let unusable: HashSet<usize> = search.unusable.iter().map(|unusable| unusable.image).collect();
    if unusable.len() == search.pictures {
        return Err(Trouble::Failed(anyhow!("none of the {} pictures could be used", search.pictures)));
    }
    if let Some(path) = &args.results {
        write_results(path, &file, &search.results).map_err(|e| Trouble::Failed(e.into()))?;
    }
    let mut rows = vec![judge("all", &file, scheme, &search.results, &unusable, |_| true)];
    if let Some(key) = &args.by {
        rows.extend(by_key(key, &file, scheme, &search.results, &unusable).map_err(key_trouble)?);
    }
    let report = EvalReport {
        weights,
        data: args.coco.display().to_string(),
        keypoints: scheme.names.clone(),
        sigmas: scheme.sigmas.clone(),
        judged: file.judged.iter().map(|k| scheme.names[*k].clone()).collect(),
        unusable: unusable.len(),
        rows,
    };
    Ok((report, search.pictures))
}

/// Finds everybody, with progress on the way and a warning for each picture that could not be used.
fn search(args: &EvalArgs, detector: &Detector, file: &CocoFile) -> Result<Search, Trouble> {
    let mut screen = Screen::new(args.quiet);
    let search = find_people(detector, file, Path::new(&args.images), |done, all| screen.show(done, all));
    screen.close();
    let search = search.map_err(|e| Trouble::Failed(e.into()))?;
    for unusable in search.unusable.iter().take(MOST_WARNINGS) {
        output::warn(&format!("warning: {}", unusable.error));
    }
    if search.unusable.len() > MOST_WARNINGS {
        output::warn(&format!("warning: {} more could not be used", search.unusable.len() - MOST_WARNINGS));
    }
    Ok(search)
}

/// How far it is: a bar on a terminal, elsewhere a line every ten seconds.
struct Screen {
    quiet: bool,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Screen {
    fn new(quiet: bool) -> Self {
        Screen { quiet, bar: None, last_line: Instant::now() }
    }

    fn show(&mut self, done: usize, all: usize) {
        if self.quiet {
            return;
        }
        if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::new(all as u64);
                match ProgressStyle::with_template("{wide_bar} {pos}/{len} pictures  {per_sec}  {eta} left") {
                    Ok(style) => bar.with_style(style),
                    Err(_) => bar,
                }
            });
            bar.set_position(done as u64);
        } else if self.last_line.elapsed() > Duration::from_secs(10) {
            self.last_line = Instant::now();
            output::warn(&format!("{done} of {all} pictures"));
        }
    }

    fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
