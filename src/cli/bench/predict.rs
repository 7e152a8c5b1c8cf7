//! `bench predict`: from picture files to keypoints, against the network alone.

use super::{
    context::{Bench, Folder},
    report::Spread,
};
use crate::cli::{
    CommandError,
    predict::{Listed, Look, list},
};
use anyhow::anyhow;
use indicatif::ProgressBar;
use marionette::base::random::stream;
use marionette::dataset::{Format, Job, Splits, generate};
use marionette::nn as model;
use marionette::run::open_device;
use marionette::stream::Policy;
use marionette::train::{eval::Detector, export::ModelCard};
use rand::Rng;
use serde::Serialize;
use std::{
    fmt::{self, Display},
    path::Path,
    sync::atomic::AtomicBool,
    time::Instant,
};

/// Pictures that are looked at.
const PICTURES: usize = 256;
/// Pictures that the network alone is shown at once.
const BATCH: usize = 32;

/// What was measured.
#[derive(Serialize)]
pub struct PredictReport {
    model: String,
    /// Pictures per second of the network alone, with what it is shown at hand.
    network: Spread,
    sizes: Vec<SizeReport>,
}

/// What was measured of pictures of one size.
#[derive(Serialize)]
struct SizeReport {
    /// Side of a picture, pixels.
    side: u32,
    /// Pictures per second from JPEG files to keypoints.
    pictures: Spread,
    /// The same over the network's own rate, pair by pair.
    share: Spread,
    /// With overlays written, over the network's own rate.
    with_overlays: Spread,
}

/// Measures `bench predict`.
///
/// # Errors
/// Where drawing, looking or writing fails.
pub fn measure(bench: &Bench) -> anyhow::Result<PredictReport> {
    let figure = &bench.scene.figure;
    let device = open_device(&bench.config.device)?;
    let keypoints = figure.keypoints.len();
    let network = model::build(&bench.config.model, keypoints, bench.config.seed, &device)?;
    let card = ModelCard::new(figure, network.spec().clone(), model::heatmap::Activation::Softmax);
    let tensors = network.parameters().tensors()?;
    let detector = Detector::new(Path::new("bench"), &tensors, card, &device)?;
    let sets = bench.sizes.iter().map(|side| pictures(bench, *side));
    let sets = sets.collect::<anyhow::Result<Vec<_>>>()?;
    let (mut network, mut measured) = (Vec::new(), vec![[Vec::new(), Vec::new()]; sets.len()]);
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("predict, {pair} of {}", bench.pairs));
        network.push(alone(&detector)?);
        for ((folder, listed), measured) in sets.iter().zip(&mut measured) {
            for (overlays, measured) in [false, true].into_iter().zip(measured) {
                measured.push(from_files(&detector, listed, &folder.path("found"), overlays)?);
            }
        }
    }
    let network = Spread::of(network);
    let sizes = bench.sizes.iter().zip(measured).map(|(side, [pictures, with_overlays])| {
        let [pictures, with_overlays] = [pictures, with_overlays].map(Spread::of);
        let share = |pictures: &Spread| pictures.with(&network, |ours, alone| ours / alone);
        SizeReport {
            side: *side,
            share: share(&pictures),
            with_overlays: share(&with_overlays),
            pictures,
        }
    });
    let sizes = sizes.collect();
    Ok(PredictReport { model: bench.config.model.clone(), network, sizes })
}

/// Files of rendered pictures.
fn pictures(bench: &Bench, side: u32) -> anyhow::Result<(Folder, Vec<Listed>)> {
    let folder = Folder::new(&format!("predict-{side}"))?;
    let scene = bench.scene_of(side, side);
    let set = folder.path("set");
    let splits: Splits = "100,0,0".parse().map_err(anyhow::Error::msg)?;
    let job = Job { splits, ..Job::new(&scene, PICTURES as u64, Format::Coco, Policy::uniform()) };
    generate(&scene, &job, &set, false, bench.threads, &AtomicBool::new(false), &mut |_| ())?;
    let listed = list(&[set.join("images/train")])?;
    Ok((folder, listed))
}

/// Pictures per second of the network alone.
fn alone(detector: &Detector) -> anyhow::Result<f64> {
    let network = &detector.card().network;
    let mut noise = stream(1, 0, 0, "bench");
    let mut input = || -> Vec<u8> {
        (0..network.input_width * network.input_height * 3).map(|_| noise.random()).collect()
    };
    let inputs: Vec<Vec<u8>> = (0..PICTURES).map(|_| input()).collect();
    let began = Instant::now();
    for batch in inputs.chunks(BATCH) {
        detector.detect(&batch.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    }
    Ok(PICTURES as f64 / began.elapsed().as_secs_f64())
}

/// Pictures per second from files.
fn from_files(
    detector: &Detector,
    listed: &[Listed],
    out: &Path,
    overlays: bool,
) -> anyhow::Result<f64> {
    let bar = ProgressBar::hidden();
    let look = Look {
        detector,
        camera: None,
        finder: None,
        person: None,
        video_frames: None,
        out,
        overlays,
        bar: &bar,
    };
    let began = Instant::now();
    let found = look.at(listed).map_err(|error| match error {
        CommandError::Input(error) | CommandError::Failed(error) => error,
        CommandError::Stopped(_) => anyhow!("it was stopped"),
    })?;
    Ok(found.len() as f64 / began.elapsed().as_secs_f64())
}

impl Display for PredictReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let PredictReport { model, network, sizes } = self;
        write!(f, "\nPredictions of {model}, pictures/s: median (lowest to highest)")?;
        write!(f, "\n  the network alone  {network}")?;
        for SizeReport { side, pictures, share, with_overlays } in sizes {
            write!(
                f,
                "\n  from JPEG files of {side}x{side}  {pictures}, over the network {share:.2}"
            )?;
            write!(f, "; with overlays {with_overlays:.2}")?;
        }
        Ok(())
    }
}
