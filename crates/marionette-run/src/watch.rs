//! How a run is watched: its events, its newest state, and the way for controls. Nothing in a run
//! waits for a watcher.

use super::{Control, RunEvent};
use crossbeam_channel::{Receiver, Sender, bounded};
use marionette_stream::{Batch, Policy};
use marionette_train::{
    curriculum::CurriculumSummary,
    trainer::{Hardest, ManualSettings, StepReport, Trainer},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The least time from one published state to the next.
pub const PUBLISH_EVERY: Duration = Duration::from_millis(100);
const HARDEST_EVERY: Duration = Duration::from_secs(3);
/// Controls that may wait for the run, which takes them between two steps.
const MOST_CONTROLS: usize = 1024;

/// Where the time of a step goes, and how full everything is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Seconds that the trainer learned for in the newest step.
    pub learning: f64,
    /// Seconds that the trainer waited for the batch.
    pub waiting: f64,
    /// Seconds that the generator works on a batch, on average over the run.
    pub drawing: f64,
    /// Batches begun and not yet learned from.
    pub in_flight: u64,
    /// Batches that wait for the trainer.
    pub queued: usize,
}

/// A run's newest state.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// The batch just learned from.
    pub batch: Arc<Batch>,
    /// What that step was like.
    pub report: Arc<StepReport>,
    /// The controller at a glance.
    pub curriculum: Arc<CurriculumSummary>,
    /// What the network finds hardest, a few seconds old at most.
    pub hardest: Arc<Hardest>,
    /// The newest policy.
    pub policy: Arc<Policy>,
    /// What controls can set, with the values in force.
    pub settings: ManualSettings,
    /// Where the time goes.
    pub pace: Pace,
}

/// What both sides share.
#[derive(Debug, Default)]
struct Shared {
    newest: Mutex<Option<Arc<Snapshot>>>,
    watched: AtomicBool,
    paused: AtomicBool,
    step: AtomicU64,
}

/// A watcher's end. Dropping it leaves the run as it is.
pub struct Watch {
    shared: Arc<Shared>,
    events: Receiver<RunEvent>,
    controls: Sender<Control>,
}

/// The run's end: where it puts its newest state, and where controls come from.
pub struct Publisher {
    shared: Arc<Shared>,
    controls: Receiver<Control>,
    published: Option<Instant>,
    hardest: Option<(Instant, Arc<Hardest>)>,
}

/// Both ends, for a watcher who reads `events`.
pub(super) fn watch(events: Receiver<RunEvent>) -> (Watch, Publisher) {
    let shared = Arc::new(Shared::default());
    shared.watched.store(true, Ordering::Relaxed);
    let (sender, controls) = bounded(MOST_CONTROLS);
    (
        Watch { shared: shared.clone(), events, controls: sender },
        Publisher { shared, controls, published: None, hardest: None },
    )
}

impl Watch {
    /// The newest state, once there is one.
    pub fn newest(&self) -> Option<Arc<Snapshot>> {
        self.shared.newest.lock().ok()?.clone()
    }

    /// What has happened since the last call, at most so much that a slow watcher keeps up.
    pub fn events(&self) -> impl Iterator<Item = RunEvent> + '_ {
        self.events.try_iter().take(2048)
    }

    /// Hands a control to the run, and returns whether it was taken: not where the run is over, or
    /// more are waiting than it will take.
    pub fn control(&self, control: Control) -> bool {
        self.controls.try_send(control).is_ok()
    }

    /// A way to hand in controls from another thread.
    pub fn controls(&self) -> Sender<Control> {
        self.controls.clone()
    }

    /// Whether the run stands still because it was asked to.
    pub fn paused(&self) -> bool {
        self.shared.paused.load(Ordering::Relaxed)
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.shared.step.load(Ordering::Relaxed)
    }

    /// Says whether anybody looks just now; while nobody does, no state is published.
    pub fn look(&self, looking: bool) {
        self.shared.watched.store(looking, Ordering::Relaxed);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.look(false);
    }
}

impl Publisher {
    /// The controls that have been handed in.
    pub(super) fn controls(&self) -> &Receiver<Control> {
        &self.controls
    }

    /// Whether a state would be published now.
    pub(super) fn is_due(&self) -> bool {
        self.shared.watched.load(Ordering::Relaxed)
            && self.published.is_none_or(|last| last.elapsed() >= PUBLISH_EVERY)
    }

    /// What the network finds hardest. It takes milliseconds, so it is found anew every few seconds.
    pub(super) fn hardest(&mut self, trainer: &Trainer) -> Arc<Hardest> {
        match &self.hardest {
            Some((found, hardest)) if found.elapsed() < HARDEST_EVERY => hardest.clone(),
            _ => {
                let hardest = Arc::new(trainer.hardest());
                self.hardest = Some((Instant::now(), hardest.clone()));
                hardest
            }
        }
    }

    /// Publishes a state. Where the watcher is just taking the last one, this one is dropped.
    pub(super) fn publish(&mut self, snapshot: Snapshot) {
        let last = snapshot.step == snapshot.steps;
        let snapshot = Arc::new(snapshot);
        // The very last is worth a second try: nothing comes after it.
        for _ in 0..if last { 1000 } else { 1 } {
            if let Ok(mut newest) = self.shared.newest.try_lock() {
                *newest = Some(snapshot);
                self.published = Some(Instant::now());
                return;
            }
            std::thread::yield_now();
        }
    }

    /// Says how far the run is, and whether it stands still.
    pub(super) fn set_progress(&self, step: u64, paused: bool) {
        self.shared.step.store(step, Ordering::Relaxed);
        self.shared.paused.store(paused, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventSender;

    #[test]
    fn a_run_never_waits_for_a_watcher_that_does_not_look_or_has_gone() {
        let mut sender = EventSender::default();
        let (watch, publisher) = watch(sender.subscribe(4096));
        (0..5000).for_each(|step| sender.send(RunEvent::Stopped { step }));
        assert!(publisher.is_due());
        watch.look(false);
        assert!(!publisher.is_due());
        assert_eq!(watch.events().count(), 2048);
        drop(watch);
        sender.send(RunEvent::Stopped { step: 0 });
        assert!(publisher.controls().try_recv().is_err());
    }

    #[test]
    fn a_run_that_takes_no_controls_holds_no_watcher_up() {
        let (watch, _publisher) = watch(EventSender::default().subscribe(4));
        let taken = (0..2 * MOST_CONTROLS).filter(|_| watch.control(Control::Checkpoint)).count();
        assert_eq!(taken, MOST_CONTROLS);
    }
}
