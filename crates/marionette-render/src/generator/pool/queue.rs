//! Which attempt at which sample comes next: the pool's state, without its threads and without what
//! samples are, so that the making can also be simulated.

use marionette_physics::{MOST_ATTEMPTS, Unsolvable};
use marionette_stream::{Policy, Rejection};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    sync::Arc,
};

/// Threads that stay idle where there is nothing to do but what may turn out to be in vain. The
/// trainer has use for them, and where there are few, trying ahead gains nothing.
const LEFT_IDLE: usize = 2;

/// One attempt at one sample.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The sample's batch.
    pub batch: u64,
    /// The sample's place in it.
    pub slot: usize,
    /// How many attempts at it come before.
    pub attempt: u32,
    /// What the batch is sampled with.
    pub policy: Arc<Policy>,
}

/// A sample as it was made, and why the attempts before were rejected.
pub type Made<T> = (T, Vec<Rejection>);

/// The batches that were asked for and not yet taken, oldest first. Samples are a `T`.
pub struct Queue<T> {
    batches: VecDeque<Batch<T>>,
    /// Samples that nobody is trying at the moment and that are not solved: (batch, slot).
    again: BinaryHeap<Reverse<(u64, usize)>>,
}

struct Batch<T> {
    index: u64,
    policy: Arc<Policy>,
    samples: Vec<Sample<T>>,
    /// Samples that have been begun.
    begun: usize,
    unsolved: usize,
}

/// A sample, of which attempts may be in the making side by side. The first that is not rejected
/// counts, whichever is made first.
struct Sample<T> {
    /// Attempts that were begun, and how many of them are in the making.
    begun: u32,
    making: usize,
    /// Attempts that came before one that is still in the making.
    early: BTreeMap<u32, Result<T, Rejection>>,
    /// Why the first attempts were rejected.
    rejections: Vec<Rejection>,
    /// An attempt that was not rejected. Later ones are in vain.
    good: Option<u32>,
    /// The sample, or that there is none.
    solved: Option<Option<T>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { batches: VecDeque::new(), again: BinaryHeap::new() }
    }
}

impl<T> Default for Sample<T> {
    fn default() -> Self {
        Sample {
            begun: 0,
            making: 0,
            early: BTreeMap::new(),
            rejections: Vec::new(),
            good: None,
            solved: None,
        }
    }
}

impl<T> Queue<T> {
    /// Asks for a batch of `samples` samples.
    pub fn ask(&mut self, index: u64, policy: Arc<Policy>, samples: usize) {
        let unsolved = samples;
        let samples = std::iter::repeat_with(Sample::default).take(samples).collect();
        self.batches.push_back(Batch { index, policy, samples, begun: 0, unsolved });
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The next attempt for a thread that would otherwise be one of `idle`: at the earliest sample
    /// that nobody is trying, or, where enough threads are idle, a further one at a sample that
    /// others are trying.
    pub fn next(&mut self, idle: usize) -> Option<Attempt> {
        let fresh = self.batches.iter().find(|batch| batch.begun < batch.samples.len());
        let fresh = fresh.map(|batch| (batch.index, batch.begun));
        let again = self.again.peek().map(|Reverse(place)| *place);
        let (index, slot) = match (again, fresh) {
            (Some(again), fresh) if fresh.is_none_or(|fresh| again < fresh) => {
                self.again.pop();
                again
            }
            (_, Some((index, slot))) => {
                self.batch(index)?.begun += 1;
                (index, slot)
            }
            _ if idle > LEFT_IDLE => self.ahead()?,
            _ => return None,
        };
        let batch = self.batch(index)?;
        let policy = batch.policy.clone();
        let sample = batch.samples.get_mut(slot)?;
        let attempt = sample.begun;
        sample.begun += 1;
        sample.making += 1;
        Some(Attempt { batch: index, slot, attempt, policy })
    }

    /// The unsolved sample that the fewest threads are trying, the earliest of those.
    fn ahead(&self) -> Option<(u64, usize)> {
        let open = |sample: &Sample<T>| {
            sample.good.is_none() && sample.solved.is_none() && sample.begun < MOST_ATTEMPTS
        };
        let unfinished = self.batches.iter().filter(|batch| batch.unsolved > 0);
        let samples = unfinished.flat_map(|batch| {
            let samples = batch.samples.iter().enumerate().filter(|(_, sample)| open(sample));
            samples.map(|(slot, sample)| (sample.making, (batch.index, slot)))
        });
        samples.min().map(|(_, place)| place)
    }

    /// Notes what `attempt` came to. Says whether it completes a batch.
    pub fn note(&mut self, attempt: &Attempt, outcome: Result<T, Rejection>) -> bool {
        let Some(batch) = self.batch(attempt.batch) else { return false };
        let Some(sample) = batch.samples.get_mut(attempt.slot) else { return false };
        sample.making -= 1;
        if sample.solved.is_some() {
            return false;
        }
        if outcome.is_ok() {
            sample.good =
                Some(sample.good.map_or(attempt.attempt, |good| good.min(attempt.attempt)));
        }
        sample.early.insert(attempt.attempt, outcome);
        while let Some(outcome) = sample.early.remove(&(sample.rejections.len() as u32)) {
            match outcome {
                Ok(solved) => {
                    sample.solved = Some(Some(solved));
                    break;
                }
                Err(rejection) => sample.rejections.push(rejection),
            }
        }
        if sample.rejections.len() as u32 >= MOST_ATTEMPTS {
            sample.solved = Some(None);
        }
        if sample.solved.is_some() {
            sample.early.clear();
            batch.unsolved -= 1;
            return batch.unsolved == 0;
        }
        if sample.making == 0 && sample.good.is_none() {
            self.again.push(Reverse((attempt.batch, attempt.slot)));
        }
        false
    }

    /// The oldest batch if it is complete: its index and its samples. Batches are of one size.
    pub fn take(&mut self) -> Option<(u64, Result<Vec<Made<T>>, Unsolvable>)> {
        if self.batches.front()?.unsolved > 0 {
            return None;
        }
        let batch = self.batches.pop_front()?;
        let first = batch.index * batch.samples.len() as u64;
        let made = batch.samples.into_iter().zip(first..);
        let made = made.map(|(sample, index)| match sample.solved.flatten() {
            Some(solved) => Ok((solved, sample.rejections)),
            None => Err(Unsolvable::new(index, &sample.rejections)),
        });
        Some((batch.index, made.collect()))
    }

    fn batch(&mut self, index: u64) -> Option<&mut Batch<T>> {
        self.batches.iter_mut().find(|batch| batch.index == index)
    }
}
