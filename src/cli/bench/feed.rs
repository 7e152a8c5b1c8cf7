//! A real generator on a thread of its own, and something done with each of its batches.

use super::context::Bench;
use anyhow::anyhow;
use marionette::render::generator::{self, GeneratorConfig, PoolConfig};
use marionette::scene::Scene;
use marionette::stream::{Batch, Policy, connect};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Keeps the time of something that is done again and again.
pub struct Clock {
    began: Instant,
    length: Duration,
    counted: u64,
}

impl Clock {
    /// Starts a measurement of `seconds`.
    pub fn start(seconds: f64) -> Self {
        Clock { began: Instant::now(), length: Duration::from_secs_f64(seconds), counted: 0 }
    }

    /// Counts `items` more; once the time is up, says how many there were per second.
    pub fn count(&mut self, items: u64) -> Option<f64> {
        self.counted += items;
        let elapsed = self.began.elapsed();
        let done = self.counted > 0 && elapsed >= self.length;
        done.then(|| self.counted as f64 / elapsed.as_secs_f64().max(1e-9))
    }
}

/// Repeats `work` for `seconds` and returns how much it made per second. `work` returns how much it
/// made. The time starts with the first call that made something.
///
/// # Errors
/// Where `work` fails.
pub fn per_second(
    seconds: f64,
    mut work: impl FnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<f64> {
    while work()? == 0 {}
    let mut clock = Clock::start(seconds);
    loop {
        if let Some(rate) = clock.count(work()?) {
            return Ok(rate);
        }
    }
}

/// Starts a generator that samples all batches with `policy`, and hands each batch to `work` until
/// that returns an outcome. The batches that are in flight at the beginning count as well.
///
/// # Errors
/// Where the generator or `work` fails.
pub fn feed<T>(
    bench: &Bench,
    scene: &Scene,
    batch: usize,
    policy: &Arc<Policy>,
    mut work: impl FnMut(Batch) -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let (generator_end, trainer_end) =
        connect(std::iter::repeat_n(policy.clone(), bench.config.lag));
    let (seed, threads) = (bench.config.seed, bench.threads);
    let pool = PoolConfig { seed, batch, threads, jitter_ms: 0 };
    let config = GeneratorConfig { first_batch: 0, end_batch: u64::MAX, pool };
    let scene = Arc::new(scene.clone());
    let generator = thread::Builder::new().name("generator".into()).spawn(move || {
        let (app, ..) = generator::renderer(&scene, config)?;
        generator::run(app, scene, config, generator_end)
    })?;
    let mut outcome = Ok(None);
    while let Ok(batch) = trainer_end.receive() {
        outcome = work(batch);
        if !matches!(outcome, Ok(None)) {
            break;
        }
        trainer_end.publish(policy.clone());
    }
    // The generator ends when nobody receives any more.
    drop(trainer_end);
    generator.join().map_err(|_| anyhow!("the generator failed unexpectedly"))??;
    outcome?.ok_or_else(|| anyhow!("the generator ended early"))
}

/// Samples per second that come out of the closed loop when `learn` is done with each batch. Not
/// counted are the batches that fill the stream.
///
/// # Errors
/// Where the generator or `learn` fails.
pub fn samples_per_second(
    bench: &Bench,
    scene: &Scene,
    batch: usize,
    policy: &Arc<Policy>,
    mut learn: impl FnMut(&Batch) -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let (mut seen, mut clock) = (0, None);
    feed(bench, scene, batch, policy, |batch| {
        learn(&batch)?;
        seen += 1;
        match &mut clock {
            Some(clock) => Ok(Clock::count(clock, batch.tiles.len() as u64)),
            None => {
                if seen > bench.config.lag {
                    clock = Some(Clock::start(bench.seconds));
                }
                Ok(None)
            }
        }
    })
}
