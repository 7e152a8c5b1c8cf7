//! `bench sampling`: how long attempts and samples take, and how their making spreads over threads.

mod schedule;

use super::{context::Bench, report::Spread};
use anyhow::anyhow;
use marionette::physics::Solvability;
use marionette::render::generator::{PoolConfig, SamplePool};
use marionette::stream::{Policy, SceneSample, StreamMix};
use schedule::{BatchSeconds, batch_by_batch, pooled};
use serde::Serialize;
use std::{
    cell::Cell,
    fmt::{self, Display},
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

/// Workers that the making is simulated for.
const WORKERS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// What the lag is multiplied by in the simulation.
const LAGS: [usize; 3] = [1, 2, 4];

/// What was measured.
#[derive(Serialize)]
pub struct SamplingReport {
    batch: usize,
    lag: usize,
    /// Samples whose making was recorded on one thread.
    samples: usize,
    attempts_per_sample: f64,
    /// Milliseconds of an attempt's drawing and settling, and of its judging; then of all attempts
    /// at a sample, and of the slowest sample of a batch.
    draw_ms: Durations,
    judge_ms: Durations,
    sample_ms: Durations,
    slowest_of_batch_ms: Durations,
    /// Samples per second from the generator's pool with one thread, and with all.
    one_thread: Spread,
    all_threads: Spread,
    threads: usize,
    /// `all_threads` over `one_thread`, pair by pair.
    speedup: Spread,
    simulated: Vec<Simulated>,
    /// Every attempt of every sample of every batch: seconds of drawing and settling, and of
    /// judging.
    recorded: Vec<Vec<Vec<Attempt>>>,
}

/// Some durations, milliseconds.
#[derive(Serialize)]
struct Durations {
    median: f64,
    p99: f64,
    greatest: f64,
}

/// The making on some workers, from the recorded durations, at the speed of this machine's threads.
#[derive(Serialize)]
struct Simulated {
    workers: usize,
    /// Samples per second where every batch waits for its slowest sample.
    batch_by_batch: f64,
    /// Samples per second from the generator's pool.
    pooled: Vec<Pooled>,
}

/// The making in a pool.
#[derive(Serialize)]
struct Pooled {
    lag: usize,
    samples_per_second: f64,
    /// That over as many times one worker's.
    efficiency: f64,
}

/// One attempt at a sample: seconds of drawing and settling, and of judging.
type Attempt = [f64; 2];

/// Measures `bench sampling`.
///
/// # Errors
/// Where the scene asks for something impossible.
pub fn measure(bench: &Bench) -> anyhow::Result<SamplingReport> {
    let policy = Arc::new(Policy::initial(StreamMix::default(), bench.config.curriculum.bins));
    let mut recorded = Vec::new();
    let [mut one_thread, mut all_threads] = [const { Vec::new() }; 2];
    for pair in 1..=bench.pairs {
        bench.doing(format_args!("sampling, {pair} of {}", bench.pairs));
        record(bench, &policy, &mut recorded)?;
        one_thread.push(rate(bench, &policy, 1)?);
        all_threads.push(rate(bench, &policy, bench.threads)?);
    }
    Ok(report(bench, recorded, one_thread, all_threads))
}

/// Makes further batches on this thread, one at least, and records how long each attempt takes.
fn record(
    bench: &Bench,
    policy: &Policy,
    recorded: &mut Vec<Vec<Vec<Attempt>>>,
) -> anyhow::Result<()> {
    let judge = Solvability::new(bench.scene.figure.clone());
    let batch = bench.config.batch as u64;
    let began = Instant::now();
    loop {
        let first = recorded.len() as u64 * batch;
        let samples = (first..first + batch).map(|index| attempts(bench, policy, &judge, index));
        recorded.push(samples.collect::<Result<_, _>>()?);
        if began.elapsed().as_secs_f64() >= bench.seconds {
            return Ok(());
        }
    }
}

/// How long each attempt at sample `index` takes.
fn attempts(
    bench: &Bench,
    policy: &Policy,
    judge: &Solvability,
    index: u64,
) -> anyhow::Result<Vec<Attempt>> {
    let sampler = marionette::render::sampler(&bench.scene);
    // An attempt is judged from when it is drawn until the next one is begun.
    let times: Cell<Vec<[Instant; 2]>> = Cell::default();
    let sample: SceneSample = judge.first_solvable(index, |attempt| {
        let began = Instant::now();
        let sample = sampler.sample(policy, bench.config.seed, index, attempt);
        let mut all = times.take();
        all.push([began, Instant::now()]);
        times.set(all);
        sample
    })?;
    let end = Instant::now();
    black_box(sample);
    let times = times.take();
    let ends = times.iter().skip(1).map(|[began, _]| *began).chain([end]);
    let attempt = |([began, drawn], judged): (&[Instant; 2], Instant)| {
        [(*drawn - *began).as_secs_f64(), (judged - *drawn).as_secs_f64()]
    };
    Ok(times.iter().zip(ends).map(attempt).collect())
}

/// Samples per second from a pool of `threads` threads that always has as many batches to make as
/// the lag.
fn rate(bench: &Bench, policy: &Arc<Policy>, threads: usize) -> anyhow::Result<f64> {
    let (seed, batch) = (bench.config.seed, bench.config.batch);
    let config = PoolConfig { seed, batch, threads, jitter_ms: 0 };
    let pool = SamplePool::new(Arc::new(bench.scene.clone()), config)?;
    let mut next = 0..;
    let mut ask = || next.by_ref().take(1).for_each(|index| pool.ask(index, policy.clone()));
    (0..bench.config.lag).for_each(|_| ask());
    let (mut made, began) = (0, Instant::now());
    while began.elapsed().as_secs_f64() < bench.seconds || made == 0 {
        let taken = pool.take(Duration::from_millis(100));
        let failed = |_| anyhow!("the sampling threads failed unexpectedly");
        if let Some((_, samples)) = taken.map_err(failed)? {
            made += black_box(samples?).len();
            ask();
        }
    }
    Ok(made as f64 / began.elapsed().as_secs_f64())
}

fn report(
    bench: &Bench,
    recorded: Vec<Vec<Vec<Attempt>>>,
    one_thread: Vec<f64>,
    all_threads: Vec<f64>,
) -> SamplingReport {
    let seconds = |attempts: &Vec<Attempt>| attempts.iter().map(|one| one.iter().sum()).collect();
    let batches: Vec<BatchSeconds> =
        recorded.iter().map(|batch| batch.iter().map(seconds).collect()).collect();
    let of_sample = |sample: &Vec<f64>| sample.iter().sum::<f64>();
    let samples = batches.iter().map(Vec::len).sum::<usize>();
    let all: f64 = batches.iter().flatten().map(of_sample).sum();
    let attempts = || recorded.iter().flatten().flatten();
    let slowest = batches.iter().map(|batch| batch.iter().map(of_sample).fold(0.0, f64::max));
    let simulated = WORKERS.map(|workers| Simulated {
        workers,
        batch_by_batch: samples as f64 / batch_by_batch(&batches, workers),
        pooled: LAGS
            .map(|times| {
                let lag = times * bench.config.lag;
                let took = pooled(&batches, workers, lag);
                let samples_per_second = samples as f64 / took;
                Pooled { lag, samples_per_second, efficiency: all / (workers as f64 * took) }
            })
            .into(),
    });
    let [one_thread, all_threads] = [one_thread, all_threads].map(Spread::of);
    SamplingReport {
        batch: bench.config.batch,
        lag: bench.config.lag,
        samples,
        attempts_per_sample: attempts().count() as f64 / samples.max(1) as f64,
        draw_ms: Durations::of(attempts().map(|one| one[0])),
        judge_ms: Durations::of(attempts().map(|one| one[1])),
        sample_ms: Durations::of(batches.iter().flatten().map(of_sample)),
        slowest_of_batch_ms: Durations::of(slowest),
        speedup: all_threads.with(&one_thread, |all, one| all / one),
        one_thread,
        all_threads,
        threads: bench.threads,
        simulated: simulated.into(),
        recorded,
    }
}

impl Durations {
    fn of(seconds: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = seconds.map(|seconds| 1e3 * seconds).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * (sorted.len().saturating_sub(1)) as f64).round() as usize;
            sorted.get(place).copied().unwrap_or(f64::NAN)
        };
        Durations { median: at(0.5), p99: at(0.99), greatest: at(1.0) }
    }
}

impl Display for Durations {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:>8.2} {:>9.2} {:>9.2}", self.median, self.p99, self.greatest)
    }
}

impl Display for SamplingReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            f,
            "\nSampling, batches of {}, lag {}: {} samples on one thread, {:.2} attempts each",
            self.batch, self.lag, self.samples, self.attempts_per_sample
        )?;
        writeln!(f, "  milliseconds                   median       p99  greatest")?;
        writeln!(f, "    drawing and settling       {}", self.draw_ms)?;
        writeln!(f, "    judging                    {}", self.judge_ms)?;
        writeln!(f, "    all attempts at a sample   {}", self.sample_ms)?;
        writeln!(f, "    slowest sample of a batch  {}", self.slowest_of_batch_ms)?;
        writeln!(f, "  from the generator's pool, samples/s: median (lowest to highest)")?;
        writeln!(f, "    1 thread   {}", self.one_thread)?;
        writeln!(f, "    {} threads  {}", self.threads, self.all_threads)?;
        writeln!(f, "    speedup    {:.2}", self.speedup)?;
        write!(
            f,
            "  simulated from the durations, samples/s, and of them per worker what one alone makes\n    \
             workers  batch by batch"
        )?;
        for pooled in self.simulated.iter().flat_map(|one| &one.pooled).take(LAGS.len()) {
            write!(f, "  {:>15}", format!("pool, lag {}", pooled.lag))?;
        }
        for one in &self.simulated {
            write!(f, "\n    {:>7}  {:>14.0}", one.workers, one.batch_by_batch)?;
            for Pooled { samples_per_second, efficiency, .. } in &one.pooled {
                write!(f, "  {samples_per_second:>8.0} {:>4.0} %", 100.0 * efficiency)?;
            }
        }
        Ok(())
    }
}
