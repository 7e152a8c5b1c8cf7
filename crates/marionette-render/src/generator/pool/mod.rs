//! Threads that sample scenes and let them settle, for several batches at once.
//!
//! Most samples are solvable at once, some only after dozens of attempts, which then take as long
//! as a whole batch. So the unit of work is an attempt, batches are made while the ones before them
//! are unfinished, and threads that would be idle try ahead. A sample is a pure function of seed,
//! index, attempt and policy, so it does not matter which thread makes which.

mod queue;
#[cfg(test)]
mod tests;

use super::config::Panicked;
use crate::sampler::sampler;
use marionette_physics::{Solvability, Unsolvable};
use marionette_scene::Scene;
use marionette_stream::{Policy, Rejection, SceneSample};
use rand::Rng;
use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub use queue::{Attempt, Made, Queue};

/// What a pool makes.
#[derive(Clone, Copy, Debug)]
pub struct PoolConfig {
    /// The run's seed.
    pub seed: u64,
    /// Samples a batch.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    /// Longest random pause before an attempt at a batch's first sample, milliseconds; 0 for none. It
    /// is only there to show that timing changes nothing.
    pub jitter_ms: u64,
}

/// Samples in the making that keep a thread busy, however long some of them take: `marionette bench
/// sampling`.
const PER_THREAD: usize = 12;

/// How many batches of `batch` samples are to be made at once so that `threads` threads are busy all
/// the time; 3 at least, so that sampling, drawing and what comes after overlap.
pub fn batches_at_once(threads: usize, batch: usize) -> usize {
    (PER_THREAD * threads).div_ceil(batch.max(1)).max(3)
}

/// A batch's samples, in the order of their slots, and the batch's index.
pub type Sampled = (u64, Result<Vec<SceneSample>, Unsolvable>);

/// Threads that make samples. They end with it.
pub struct SamplePool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    scene: Arc<Scene>,
    judge: Solvability,
    config: PoolConfig,
    state: Mutex<State>,
    /// There is something to do, or it is over.
    work: Condvar,
    /// A batch is complete, or a thread has panicked.
    complete: Condvar,
}

#[derive(Default)]
struct State {
    queue: Queue<SceneSample>,
    idle: usize,
    closed: bool,
    panicked: bool,
}

impl SamplePool {
    /// Starts the threads.
    ///
    /// # Errors
    /// If the system has no more threads.
    pub fn new(scene: Arc<Scene>, config: PoolConfig) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            judge: Solvability::new(scene.figure.clone()),
            scene,
            config,
            state: Mutex::default(),
            work: Condvar::new(),
            complete: Condvar::new(),
        });
        let mut pool = SamplePool { shared, threads: Vec::new() };
        for _ in 0..config.threads.max(1) {
            let shared = pool.shared.clone();
            let thread = thread::Builder::new().name("sampler".into());
            pool.threads.push(thread.spawn(move || shared.serve())?);
        }
        Ok(pool)
    }

    /// Asks for batch `index`, sampled with `policy`. Batches are made and come out in the order in
    /// which they are asked for.
    pub fn ask(&self, index: u64, policy: Arc<Policy>) {
        self.shared.lock().queue.ask(index, policy, self.shared.config.batch);
        self.shared.work.notify_all();
    }

    /// Whether nothing is asked for that was not taken.
    pub fn is_empty(&self) -> bool {
        self.shared.lock().queue.is_empty()
    }

    /// Waits up to `patience` for the oldest batch.
    ///
    /// # Errors
    /// Where a thread has panicked.
    pub fn take(&self, patience: Duration) -> Result<Option<Sampled>, Panicked> {
        let until = Instant::now() + patience;
        let mut state = self.shared.lock();
        loop {
            if state.panicked {
                return Err(Panicked);
            }
            let taken = state.queue.take();
            let left = until.saturating_duration_since(Instant::now());
            if taken.is_some() || left.is_zero() || state.queue.is_empty() {
                return Ok(taken.map(|(index, made)| (index, made.map(told))));
            }
            let waited = self.shared.complete.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for SamplePool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A panic is told by `take`.
            let _ = thread.join();
        }
    }
}

/// The samples, which tell why the attempts before them were rejected.
fn told(made: Vec<Made<SceneSample>>) -> Vec<SceneSample> {
    let told = |(sample, rejections)| SceneSample { rejections, ..sample };
    made.into_iter().map(told).collect()
}

/// Tells the others where its thread panics.
struct Alarm<'a>(&'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().panicked = true;
            self.0.complete.notify_all();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes attempts until the pool is closed.
    fn serve(&self) {
        let _alarm = Alarm(self);
        let mut state = self.lock();
        loop {
            if state.closed {
                return;
            }
            let idle = state.idle + 1;
            let Some(attempt) = state.queue.next(idle) else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            };
            drop(state);
            let outcome = self.make(&attempt);
            state = self.lock();
            if state.queue.note(&attempt, outcome) {
                self.complete.notify_all();
            }
        }
    }

    fn make(&self, attempt: &Attempt) -> Result<SceneSample, Rejection> {
        let Attempt { batch, slot, attempt, ref policy } = *attempt;
        let PoolConfig { seed, batch: per_batch, jitter_ms, .. } = self.config;
        if jitter_ms > 0 && slot == 0 {
            // The operating system's own randomness: these pauses must not repeat.
            thread::sleep(Duration::from_millis(rand::rng().random_range(0..=jitter_ms)));
        }
        let index = batch * per_batch as u64 + slot as u64;
        let mut sample = sampler(&self.scene).sample(policy, seed, index, attempt);
        self.judge.judge(&mut sample)?;
        Ok(sample)
    }
}
