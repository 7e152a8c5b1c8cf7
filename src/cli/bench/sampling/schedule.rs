//! How long samples take on more workers than this machine has, from the durations of attempts.

use marionette::render::generator::{Attempt, Queue};
use marionette::stream::{Policy, Rejection};
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::Arc,
};

/// The samples of a batch, each with the seconds of its attempts, of which the last one was good.
pub type BatchSeconds = Vec<Vec<f64>>;

/// The seconds until `workers` workers have made `batches` where every batch waits for the slowest
/// sample of the one before, and a sample is made by one worker.
pub fn batch_by_batch(batches: &[BatchSeconds], workers: usize) -> f64 {
    let slowest = |batch: &BatchSeconds| {
        let mut free = vec![0.0f64; workers];
        for sample in batch {
            if let Some(first) = free.iter_mut().min_by(|a, b| a.total_cmp(b)) {
                *first += sample.iter().sum::<f64>();
            }
        }
        free.into_iter().fold(0.0, f64::max)
    };
    batches.iter().map(slowest).sum()
}

/// The seconds until `workers` workers have made `batches` as the generator's pool does: `lag`
/// batches at once, attempt by attempt, in the order of the pool's own [`Queue`].
pub fn pooled(batches: &[BatchSeconds], workers: usize, lag: usize) -> f64 {
    let Some(per_batch) = batches.first().map(Vec::len) else { return 0.0 };
    let policy = Arc::new(Policy::uniform());
    let mut queue = Queue::<()>::default();
    let mut asked = 0..batches.len() as u64;
    let ask = |queue: &mut Queue<()>, batch| queue.ask(batch, policy.clone(), per_batch);
    asked.by_ref().take(lag).for_each(|batch| ask(&mut queue, batch));
    let mut making: BinaryHeap<Reverse<Making>> = BinaryHeap::new();
    let mut now = 0.0;
    loop {
        while let Some(attempt) =
            (making.len() < workers).then(|| queue.next(workers - making.len())).flatten()
        {
            let end = now + seconds(batches, &attempt);
            making.push(Reverse(Making { end, attempt }));
        }
        let Some(Reverse(Making { end, attempt })) = making.pop() else { return now };
        now = end;
        let attempts = batches[attempt.batch as usize][attempt.slot].len();
        let is_good = attempt.attempt as usize + 1 == attempts;
        queue.note(&attempt, if is_good { Ok(()) } else { Err(Rejection::Covered) });
        while queue.take().is_some() {
            asked.by_ref().take(1).for_each(|batch| ask(&mut queue, batch));
        }
        if queue.is_empty() {
            return now;
        }
    }
}

/// How long an attempt takes. One that is made ahead and in vain was not recorded: it takes as long
/// as the sample's first.
fn seconds(batches: &[BatchSeconds], attempt: &Attempt) -> f64 {
    let sample = &batches[attempt.batch as usize][attempt.slot];
    sample.get(attempt.attempt as usize).or(sample.first()).copied().unwrap_or(0.0)
}

/// An attempt in the making, ordered by its end.
struct Making {
    end: f64,
    attempt: Attempt,
}

impl Making {
    fn order(&self, other: &Self) -> Ordering {
        let place = |making: &Making| (making.attempt.batch, making.attempt.slot);
        self.end.total_cmp(&other.end).then_with(|| place(self).cmp(&place(other)))
    }
}

impl PartialEq for Making {
    fn eq(&self, other: &Self) -> bool {
        self.order(other).is_eq()
    }
}

impl Eq for Making {}

impl PartialOrd for Making {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Making {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_waits_for_the_slowest_sample_of_the_one_before() {
        let batches = vec![vec![vec![1.0], vec![1.0], vec![1.0, 3.0]], vec![vec![2.0]; 3]];
        assert_eq!(batch_by_batch(&batches, 1), 12.0);
        // 1 and 1, then 4 on either: 5; then 2 and 2 side by side, and 2.
        assert_eq!(batch_by_batch(&batches, 2), 9.0);
        assert_eq!(batch_by_batch(&batches, 64), 6.0);
        assert_eq!(batch_by_batch(&[], 4), 0.0);
    }

    #[test]
    fn pooled_batches_overlap_as_far_as_the_lag() {
        let batches = vec![vec![vec![3.0]], vec![vec![1.0]], vec![vec![1.0]], vec![vec![1.0]]];
        assert_eq!(pooled(&batches, 1, 3), 6.0);
        // The third batch waits for the first, however many workers are idle.
        assert_eq!(pooled(&batches, 4, 2), 4.0);
        assert_eq!(pooled(&batches, 4, 4), 3.0);
        assert_eq!(pooled(&[], 4, 3), 0.0);
    }

    #[test]
    fn idle_workers_try_ahead_where_there_are_enough() {
        let batches = vec![vec![vec![1.0; 6]]];
        assert_eq!(pooled(&batches, 2, 1), 6.0);
        // Two of eight stay idle, six try side by side.
        assert_eq!(pooled(&batches, 8, 1), 1.0);
    }
}
