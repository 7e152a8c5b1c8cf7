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
use marionette::run::{allow_tf32, open_device};
use marionette::train::rehearsal::Rehearsal;
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

/// Measures `bench network`.
///
/// # Errors
/// Where the network or the device fails.
pub fn measure(bench: &Bench) -> anyhow::Result<NetworkReport> {
    let resident_before_bytes = resident_bytes();
    let keypoints = bench.scene.figure.keypoints.len();
    let config = &bench.config;
    let device = open_device(&config.device)?;
    allow_tf32(config.tf32, &device)?;
    let sizes = [keypoints, config.batch];
    let mut rehearsal =
        Rehearsal::new(&config.model, sizes, &config.optimizer, config.seed, &device)?;
    // Inference first: what training takes hold of is not given back.
    let inference = pass(bench, "inference", || {
        std::hint::black_box(rehearsal.infer()?);
        Ok(())
    })?;
    let step = pass(bench, "step", || {
        let loss = rehearsal.learn()?;
        ensure!(loss.is_finite(), "the loss is {loss}");
        Ok(())
    })?;
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
