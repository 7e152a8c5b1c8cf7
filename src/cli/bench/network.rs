//! `bench network`: the network alone, to compare with other programs that run the same one.
//!
//! Nothing is rendered, scored or clipped: the images are noise, the targets are of random places,
//! and both are made beforehand.

use super::{
    context::Bench,
    feed::per_second,
    memory::{Peak, resident_bytes},
    report::Spread,
};
use anyhow::ensure;
use candle_core::{Device, Tensor};
use marionette::base::random::stream;
use marionette::run::open_device;
use marionette::train::afl::{BaseLoss, CrossEntropy};
use marionette::{
    nn as model,
    nn::{
        HeatmapNetwork, ModelSpec,
        heatmap::HeatmapTargets,
        optim::{AdamW, collect},
        parameters::VARIABLE,
    },
};
use rand::Rng;
use serde::Serialize;
use std::fmt::{self, Display};

/// What is done before anything is measured.
const WARM_UP: usize = 3;

/// What was measured.
#[derive(Serialize)]
pub struct NetworkReport {
    model: String,
    keypoints: usize,
    batch: usize,
    /// Forward pass on the batch's own statistics, heatmap cross-entropy, backward pass, AdamW.
    step: PassReport,
    /// Forward pass on the running statistics, and the output read.
    inference: PassReport,
    /// Memory of the process before it had a network; absent where the system does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_before_bytes: Option<u64>,
}

/// What was measured of one kind of pass.
#[derive(Serialize)]
struct PassReport {
    /// Milliseconds a batch.
    ms: Spread,
    samples_per_second: Spread,
    /// Most memory that the process used meanwhile, all of it; absent where the system does not
    /// say.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
}

/// A network with something to learn.
struct Learner {
    network: HeatmapNetwork,
    optimizer: AdamW,
    learning_rate: f64,
    images: Tensor,
    targets: HeatmapTargets,
}

impl Learner {
    fn new(bench: &Bench, keypoints: usize, device: &Device) -> anyhow::Result<Self> {
        let config = &bench.config;
        let network = model::build(&config.model, keypoints, config.seed, device)?;
        let (images, targets) = noise(config.seed, config.batch, network.spec(), device)?;
        let parameters = network.parameters();
        let optimizer = AdamW::new(parameters.trainable(), config.optimizer.adamw())?
            .decaying(VARIABLE, parameters.decaying());
        Ok(Learner {
            network,
            optimizer,
            learning_rate: config.optimizer.learning_rate,
            images,
            targets,
        })
    }

    /// One training step.
    fn learn(&mut self) -> anyhow::Result<()> {
        let logits = self.network.forward(&self.images, true)?;
        let loss = CrossEntropy.per_sample(&logits, &self.targets)?.mean_all()?;
        let gradients = collect(self.network.parameters().trainable(), loss.backward()?);
        self.optimizer.step(&gradients, 1.0, self.learning_rate)?;
        let loss = loss.to_scalar::<f32>()?;
        ensure!(loss.is_finite(), "the loss is {loss}");
        Ok(self.images.device().synchronize()?)
    }

    /// One forward pass.
    fn infer(&self) -> anyhow::Result<()> {
        let logits = self.network.forward(&self.images, false)?.flatten_all()?.to_vec1::<f32>()?;
        std::hint::black_box(logits);
        Ok(())
    }
}

/// Normalised images of noise, and the targets of random places in them.
fn noise(
    seed: u64,
    batch: usize,
    spec: &ModelSpec,
    device: &Device,
) -> candle_core::Result<(Tensor, HeatmapTargets)> {
    let mut random = stream(seed, 0, 0, "bench/network");
    let (width, height) = (spec.input_width, spec.input_height);
    let values: Vec<f32> =
        (0..batch * 3 * height * width).map(|_| random.random_range(-2.0..2.0)).collect();
    let images = Tensor::from_vec(values, (batch, 3, height, width), device)?;
    let mut place =
        || [random.random_range(0.0..width as f32), random.random_range(0.0..height as f32)];
    let places: Vec<[f32; 2]> = (0..batch * spec.keypoints).map(|_| place()).collect();
    let labelled = vec![true; places.len()];
    let targets = HeatmapTargets::new(&places, &labelled, spec.keypoints, spec.grid(), device)?;
    Ok((images, targets))
}

/// Measures `bench network`.
///
/// # Errors
/// Where the network or the device fails.
pub fn measure(bench: &Bench) -> anyhow::Result<NetworkReport> {
    let resident_before_bytes = resident_bytes();
    let keypoints = bench.scene.figure.keypoints.len();
    let mut learner = Learner::new(bench, keypoints, &open_device(&bench.config.device)?)?;
    // Inference first: what training takes hold of is not given back.
    let inference = pass(bench, "inference", || learner.infer())?;
    let step = pass(bench, "step", || learner.learn())?;
    let (model, batch) = (bench.config.model.clone(), bench.config.batch);
    Ok(NetworkReport { model, keypoints, batch, step, inference, resident_before_bytes })
}

fn pass(
    bench: &Bench,
    name: &str,
    mut work: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<PassReport> {
    let peak = Peak::since_now();
    for _ in 0..WARM_UP {
        work()?;
    }
    let batch = bench.config.batch;
    let mut rates = Vec::new();
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("network, {name}, {pair} of {}", bench.pairs));
        rates.push(per_second(bench.seconds, || work().map(|()| batch as u64))?);
    }
    Ok(PassReport {
        ms: Spread::of(rates.iter().map(|rate| batch as f64 * 1e3 / rate).collect()),
        samples_per_second: Spread::of(rates),
        peak_memory_bytes: peak.bytes(),
    })
}

impl Display for NetworkReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let NetworkReport { model, batch, step, inference, resident_before_bytes, .. } = self;
        writeln!(
            f,
            "\nThe network alone, {model} on batches of {batch} of noise: median (lowest to \
             highest)"
        )?;
        writeln!(
            f,
            "  {:<12} {:>8} {:<20} {:>9} {:<20} {:>8}",
            "", "ms", "", "samples/s", "", "peak MiB"
        )?;
        let mebibytes = |bytes: Option<u64>| {
            bytes.map_or("unknown".to_owned(), |bytes| (bytes >> 20).to_string())
        };
        for (name, pass) in [("step", step), ("inference", inference)] {
            let (ms, rate) = (format!("{:.1}", pass.ms), format!("{:.1}", pass.samples_per_second));
            writeln!(
                f,
                "  {name:<12} {ms:<29}  {rate:<29} {:>8}",
                mebibytes(pass.peak_memory_bytes)
            )?;
        }
        write!(
            f,
            "Memory of the process before it had a network: {} MiB",
            mebibytes(*resident_before_bytes)
        )
    }
}
