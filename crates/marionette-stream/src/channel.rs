//! The two channels between generator and trainer. Their fixed lag makes the closed loop
//! deterministic.

use super::Batch;
use crate::Policy;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The other end of the stream is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end of the stream has gone")]
pub struct Closed;

/// Counts batches that have been begun but not yet learned from.
#[derive(Debug, Default)]
pub struct InFlight {
    begun: AtomicU64,
    learned: AtomicU64,
    most: AtomicU64,
    /// Nanoseconds that the generator has worked: from receiving a policy until it waits for the
    /// next one.
    working: AtomicU64,
}

impl InFlight {
    fn begin(&self) {
        let begun = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(begun - self.learned.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Batches in flight now.
    pub fn now(&self) -> u64 {
        self.begun.load(Ordering::SeqCst).saturating_sub(self.learned.load(Ordering::SeqCst))
    }

    /// The mean time that the generator has worked on a batch so far.
    pub fn drawing(&self) -> Duration {
        let begun = self.begun.load(Ordering::Relaxed).max(1);
        Duration::from_nanos(self.working.load(Ordering::Relaxed) / begun)
    }

    /// The largest number of batches that were in flight at once; 1 would be lockstep.
    pub fn most(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }
}

/// The generator's end of the stream.
pub struct GeneratorEnd {
    policies: Receiver<Arc<Policy>>,
    batches: Sender<Batch>,
    in_flight: Arc<InFlight>,
    /// When it last stopped waiting for a policy.
    working_since: Mutex<Option<Instant>>,
}

/// The trainer's end of the stream.
pub struct TrainerEnd {
    policies: Sender<Arc<Policy>>,
    batches: Receiver<Batch>,
    in_flight: Arc<InFlight>,
}

/// Makes a stream in which batch `b` is rendered with the policy after batch `b - lag`.
///
/// `backlog` holds the policies of the first batches in order: `lag` times the initial policy at
/// the start of a run, the last `lag` snapshots when a run is resumed. At most `lag` batches are in
/// flight at once, because each needs a policy of its own.
///
/// # Panics
/// If `backlog` is empty: no batch could be rendered.
pub fn connect(backlog: impl IntoIterator<Item = Arc<Policy>>) -> (GeneratorEnd, TrainerEnd) {
    let backlog: Vec<_> = backlog.into_iter().collect();
    assert!(!backlog.is_empty(), "a stream needs a lag of at least one batch");
    // A policy is sent for every batch that was learned from, so never more than `lag` policies
    // wait.
    let (policy_sender, policies) = bounded(backlog.len());
    let (batches, batch_receiver) = bounded(backlog.len());
    for policy in backlog {
        // The channel has room for exactly these.
        let _ = policy_sender.send(policy);
    }
    let in_flight = Arc::new(InFlight::default());
    (
        GeneratorEnd {
            policies,
            batches,
            in_flight: in_flight.clone(),
            working_since: Mutex::new(None),
        },
        TrainerEnd { policies: policy_sender, batches: batch_receiver, in_flight },
    )
}

impl GeneratorEnd {
    /// The next batch's policy if it is there already.
    ///
    /// # Errors
    /// Where the trainer has gone.
    pub fn try_policy(&self) -> Result<Option<Arc<Policy>>, Closed> {
        match self.policies.try_recv() {
            Ok(policy) => {
                self.in_flight.begin();
                Ok(Some(policy))
            }
            Err(crossbeam_channel::TryRecvError::Empty) => Ok(None),
            Err(crossbeam_channel::TryRecvError::Disconnected) => Err(Closed),
        }
    }

    /// Waits up to `patience` for the next batch's policy.
    ///
    /// # Errors
    /// Where the trainer has gone.
    pub fn wait_policy(&self, patience: Duration) -> Result<Option<Arc<Policy>>, Closed> {
        self.worked(false);
        let received = self.policies.recv_timeout(patience);
        self.worked(true);
        match received {
            Ok(policy) => {
                self.in_flight.begin();
                Ok(Some(policy))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Closed),
        }
    }

    /// Adds the time since work last began, and notes whether work begins now.
    fn worked(&self, begins: bool) {
        let Ok(mut since) = self.working_since.lock() else { return };
        if let Some(since) = since.take() {
            self.in_flight.working.fetch_add(since.elapsed().as_nanos() as u64, Ordering::Relaxed);
        }
        *since = begins.then(Instant::now);
    }

    /// Hands a batch over.
    ///
    /// # Errors
    /// Where the trainer has gone.
    pub fn send(&self, batch: Batch) -> Result<(), Closed> {
        self.batches.send(batch).map_err(|_| Closed)
    }
}

impl TrainerEnd {
    /// Waits for the next batch.
    ///
    /// # Errors
    /// Where the generator has gone.
    pub fn receive(&self) -> Result<Batch, Closed> {
        self.batches.recv().map_err(|_| Closed)
    }

    /// Publishes the policy after the batch that was just learned from. A generator that is closed
    /// already has rendered all its batches, so that is no error.
    pub fn publish(&self, policy: Arc<Policy>) {
        self.in_flight.learned.fetch_add(1, Ordering::SeqCst);
        let _ = self.policies.send(policy);
    }

    /// Batches that wait for the trainer.
    pub fn queued(&self) -> usize {
        self.batches.len()
    }

    /// The counter of batches in flight.
    pub fn in_flight(&self) -> Arc<InFlight> {
        self.in_flight.clone()
    }
}
