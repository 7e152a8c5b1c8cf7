//! `bench generate`: labelled pictures per second on the disk, against tiles that nobody keeps.

use super::{
    context::Bench,
    feed::{Clock, feed, samples_per_second},
    report::Spread,
};
use anyhow::Context;
use marionette::dataset::{Format, Job, generate};
use marionette::render::label_figure;
use marionette::scene::Scene;
use marionette::stream::{Policy, StreamMix};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    env,
    fmt::{self, Display},
    fs,
    hint::black_box,
    path::PathBuf,
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// The formats and what they are called.
const FORMATS: [(Format, &str); 3] =
    [(Format::Coco, "coco"), (Format::Yolo, "yolo"), (Format::WebDataset, "webdataset")];
/// Batches that are labelled whole.
const LABELLED: u64 = 4;

/// What was measured.
#[derive(Serialize)]
pub struct GenerateReport {
    sizes: Vec<SizeReport>,
}

/// What was measured of pictures of one size.
#[derive(Serialize)]
struct SizeReport {
    /// Side of a picture, pixels.
    side: u32,
    /// Tiles per second from nothing, labelled and let go.
    renderer: Spread,
    /// What was written.
    formats: Vec<FormatReport>,
    /// Figures a picture, the primary one among them.
    figures: f64,
    /// The time that labels of all other figures take, as a share of that of a tile.
    labels_of_others: Spread,
}

/// What was measured of one format, with pictures as JPEG.
#[derive(Serialize)]
struct FormatReport {
    name: &'static str,
    /// Pictures per second.
    pictures: Spread,
    /// The same over the renderer's rate, pair by pair.
    share: Spread,
}

/// Measures `bench generate`.
///
/// # Errors
/// Where drawing or writing fails.
pub fn measure(bench: &Bench) -> anyhow::Result<GenerateReport> {
    let sizes =
        bench.sizes.iter().map(|side| measure_size(bench, *side)).collect::<Result<_, _>>()?;
    Ok(GenerateReport { sizes })
}

fn measure_size(bench: &Bench, side: u32) -> anyhow::Result<SizeReport> {
    let scene = bench.scene_of(side, side);
    let policy = Arc::new(Policy::initial(StreamMix { uniform: 1.0, steered: 0.0 }, 1));
    let tiles = Job::new(&scene, 1, Format::Coco, (*policy).clone()).tiles();
    let (mut renderer, mut written) = (Vec::new(), FORMATS.map(|_| Vec::new()));
    let (mut others, mut figures) = (Vec::new(), 0.0);
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("generate, {side}x{side}, {pair} of {}", bench.pairs));
        renderer.push(samples_per_second(bench, &scene, tiles, &policy, |batch| {
            black_box(batch);
            Ok(())
        })?);
        for ((format, _), written) in FORMATS.iter().zip(&mut written) {
            written.push(rate(bench, &scene, *format, &policy)?);
        }
        let (labelling, seen) = labelling(bench, &scene, tiles, &policy)?;
        others.push(labelling.as_secs_f64());
        figures = seen;
    }
    let renderer = Spread::of(renderer);
    let formats = FORMATS.iter().zip(written).map(|((_, name), written)| {
        let pictures = Spread::of(written);
        FormatReport { name, share: pictures.with(&renderer, |ours, all| ours / all), pictures }
    });
    Ok(SizeReport {
        side,
        formats: formats.collect(),
        figures,
        labels_of_others: Spread::of(others).with(&renderer, |seconds, rate| seconds * rate),
        renderer,
    })
}

/// Pictures that are written per second.
fn rate(bench: &Bench, scene: &Scene, format: Format, policy: &Policy) -> anyhow::Result<f64> {
    let folder = Folder::new()?;
    let job = Job { seed: bench.config.seed, ..Job::new(scene, 1 << 40, format, policy.clone()) };
    let stop = AtomicBool::new(false);
    let (mut clock, mut rate, mut before) = (None, None, 0);
    generate(scene, &job, &folder.0, false, bench.threads, &stop, &mut |progress| {
        // The first batches are drawn before the clock starts.
        let clock = clock.get_or_insert_with(|| Clock::start(bench.seconds));
        let new = progress.done - std::mem::replace(&mut before, progress.done);
        if new < progress.done && rate.is_none() {
            rate = clock.count(new);
            stop.store(rate.is_some(), Ordering::Relaxed);
        }
    })?;
    rate.context("the set was made before it was measured")
}

/// The mean time that it takes to label all figures of a tile but the first, on all threads, and the
/// mean number of figures.
fn labelling(
    bench: &Bench,
    scene: &Scene,
    tiles: usize,
    policy: &Arc<Policy>,
) -> anyhow::Result<(Duration, f64)> {
    let (mut time, mut seen, mut figures) = (Duration::ZERO, 0u64, 0);
    feed(bench, scene, tiles, policy, |batch| {
        let began = Instant::now();
        batch.tiles.par_iter().for_each(|tile| {
            for index in 1..tile.scene.figures.len() {
                black_box(label_figure(&scene.figure, tile, index));
            }
        });
        time += began.elapsed();
        seen += batch.tiles.len() as u64;
        figures += batch.tiles.iter().map(|tile| tile.scene.figures.len()).sum::<usize>();
        Ok((batch.index + 1 >= LABELLED).then_some(()))
    })?;
    Ok((time.div_f64(seen as f64), figures as f64 / seen as f64))
}

/// A folder for temporary files that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> anyhow::Result<Self> {
        let folder = env::temp_dir().join(format!("marionette-bench-{}", process::id()));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Display for GenerateReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "\nData sets with pictures as JPEG, pictures/s: median (lowest to highest)")?;
        for SizeReport { side, renderer, formats, figures, labels_of_others } in &self.sizes {
            writeln!(f, "\n  {side}x{side}, {figures:.1} figures a picture")?;
            writeln!(f, "    rendered and labelled alone  {renderer}")?;
            for FormatReport { name, pictures, share } in formats {
                writeln!(f, "    {name:<12} {pictures}, over rendering alone {share:.2}")?;
            }
            write!(f, "    labels of all other figures, of a tile's time {labels_of_others:.3}")?;
        }
        Ok(())
    }
}
