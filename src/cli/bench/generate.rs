//! `bench generate`: labelled pictures per second on the disk, against tiles that nobody keeps.

use super::{
    context::{Bench, Folder},
    feed::{Clock, samples_per_second},
    report::Spread,
};
use anyhow::Context;
use marionette::dataset::{Format, Job, generate};
use marionette::render::label_figure;
use marionette::scene::Scene;
use marionette::stream::Policy;
use rayon::prelude::*;
use serde::Serialize;
use std::{
    fmt::{self, Display},
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The formats and what they are called.
const FORMATS: [(Format, &str); 3] =
    [(Format::Coco, "coco"), (Format::Yolo, "yolo"), (Format::WebDataset, "webdataset")];

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
    /// Tiles per second with all figures labelled, over those with the primary ones labelled, pair
    /// by pair.
    all_labelled: Spread,
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
    let policy = Arc::new(Policy::uniform());
    let tiles = Job::new(&scene, 1, Format::Coco, (*policy).clone()).tiles();
    let (mut renderer, mut written) = (Vec::new(), FORMATS.map(|_| Vec::new()));
    let (mut all_labelled, mut labelled, mut drawn) = (Vec::new(), 0, 0);
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("generate, {side}x{side}, {pair} of {}", bench.pairs));
        renderer.push(samples_per_second(bench, &scene, tiles, &policy, |batch| {
            black_box(batch);
            Ok(())
        })?);
        for ((format, _), written) in FORMATS.iter().zip(&mut written) {
            written.push(rate(bench, &scene, *format, &policy)?);
        }
        all_labelled.push(samples_per_second(bench, &scene, tiles, &policy, |batch| {
            let figures = batch.tiles.par_iter().map(|tile| {
                let all = tile.scene.figures.len();
                (1..all)
                    .for_each(|index| drop(black_box(label_figure(&scene.figure, tile, index))));
                all
            });
            labelled += figures.sum::<usize>();
            drawn += batch.tiles.len();
            Ok(())
        })?);
    }
    let renderer = Spread::of(renderer);
    let formats = FORMATS.iter().zip(written).map(|((_, name), written)| {
        let pictures = Spread::of(written);
        FormatReport { name, share: pictures.with(&renderer, |ours, all| ours / all), pictures }
    });
    Ok(SizeReport {
        side,
        formats: formats.collect(),
        figures: labelled as f64 / drawn.max(1) as f64,
        all_labelled: Spread::of(all_labelled).with(&renderer, |all, primary| all / primary),
        renderer,
    })
}

/// Pictures that are written per second.
fn rate(bench: &Bench, scene: &Scene, format: Format, policy: &Policy) -> anyhow::Result<f64> {
    let folder = Folder::new("generate")?;
    let job = Job { seed: bench.config.seed, ..Job::new(scene, 1 << 40, format, policy.clone()) };
    let stop = AtomicBool::new(false);
    let (mut clock, mut rate, mut before) = (None, None, 0);
    generate(scene, &job, &folder.path("set"), false, bench.threads, &stop, &mut |progress| {
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

impl Display for GenerateReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "\nData sets with pictures as JPEG, pictures/s: median (lowest to highest)")?;
        for SizeReport { side, renderer, formats, figures, all_labelled } in &self.sizes {
            writeln!(f, "\n  {side}x{side}, {figures:.1} figures a picture")?;
            writeln!(f, "    rendered and labelled alone  {renderer}")?;
            for FormatReport { name, pictures, share } in formats {
                writeln!(f, "    {name:<12} {pictures}, over rendering alone {share:.2}")?;
            }
            write!(
                f,
                "    all figures labelled, over the primary ones labelled {all_labelled:.2}"
            )?;
        }
        Ok(())
    }
}
