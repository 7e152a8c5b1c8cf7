//! A run and whoever watches it: the newest state one way, wishes the other. Nobody waits for a watcher.
//!
//! The trainer puts its newest state into a slot, at most every [`PUBLISH_EVERY`] and only while somebody watches, and what must not be
//! missed into a bounded channel that it never waits for. Wishes are looked for between two steps.

use super::{ExamReport, Summary};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use marionette_stream::{Batch, HardnessAxis, Policy, Tile};
use marionette_train::{
    curriculum::CurriculumSummary,
    trainer::{Hand, Opinion, StepReport},
};
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The least time from one published state to the next.
pub const PUBLISH_EVERY: Duration = Duration::from_millis(100);
/// News that may wait for a watcher; what comes when it is full is dropped.
const MOST_NEWS: usize = 16_384;

/// Something that a watcher wants of a run.
#[derive(Debug)]
pub enum Command {
    /// Stop before the next step until told otherwise.
    Pause,
    /// Go on.
    Resume,
    /// Take one step and stop again.
    Step,
    /// Write a checkpoint.
    Checkpoint,
    /// Take all exams.
    Exams,
    /// Write the weights and their card to this file.
    Export(PathBuf),
    /// Switch the steering of the axes on or off.
    Steering(bool),
    /// Set the exponent of the scores in the weights.
    Gamma(f64),
    /// Set the share of every axis' distribution that stays uniform.
    Floor(f64),
    /// Set the factor on the learning rate.
    RateFactor(f64),
    /// Hold an axis at these shares of its bins, or let it go.
    Lock(HardnessAxis, Option<Vec<f32>>),
    /// Say what the network makes of these tiles; nothing is learned from them.
    Look(Vec<Tile>, Sender<Result<Vec<Opinion>, String>>),
}

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
    /// The newest policy.
    pub policy: Arc<Policy>,
    /// What is set by hand, with the values in force.
    pub hand: Hand,
    /// Where the time goes.
    pub pace: Pace,
}

/// Something that a watcher should hear of.
#[derive(Clone, Debug)]
pub enum News {
    /// A step has been taken.
    Step(Arc<StepReport>),
    /// A line of `metrics.jsonl`.
    Row(Value),
    /// Exams have been taken; whether they are the best so far.
    Exams(Arc<ExamReport>, bool),
    /// Something was set by hand after so many steps: what is in force now.
    Hand(u64, Box<Hand>),
    /// Something to read: a checkpoint, an export, a value that was clamped.
    Note(String),
    /// The run has done all its steps.
    Finished(Box<Summary>),
    /// The run has stopped as it was asked to.
    Stopped(u64),
    /// The run has failed.
    Failed {
        /// What is wrong.
        message: String,
        /// The newest checkpoint, from which it can go on.
        checkpoint: Option<PathBuf>,
    },
}

impl News {
    /// The line of `metrics.jsonl` of `step`.
    pub(super) fn row(step: u64, row: &impl serde::Serialize) -> News {
        let mut value = serde_json::to_value(row).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.insert("step".to_owned(), step.into());
        }
        News::Row(value)
    }
}

/// What both sides share.
#[derive(Debug, Default)]
struct Shared {
    newest: Mutex<Option<Arc<Snapshot>>>,
    watched: AtomicBool,
    paused: AtomicBool,
    step: AtomicU64,
}

/// A watcher's end.
pub struct Watch {
    shared: Arc<Shared>,
    news: Receiver<News>,
    commands: Sender<Command>,
}

/// The run's end.
pub struct Live {
    shared: Arc<Shared>,
    news: Sender<News>,
    pub(super) commands: Receiver<Command>,
    published: Option<Instant>,
}

/// Says to a watcher how a run ended, from outside the trainer's thread.
#[derive(Clone)]
pub struct Herald(Sender<News>);

/// The two ends.
pub fn watch() -> (Watch, Live) {
    let shared = Arc::new(Shared::default());
    shared.watched.store(true, Ordering::Relaxed);
    let (news_sender, news) = bounded(MOST_NEWS);
    let (commands, wishes) = unbounded();
    (
        Watch { shared: shared.clone(), news, commands },
        Live { shared, news: news_sender, commands: wishes, published: None },
    )
}

impl Watch {
    /// The newest state, once there is one.
    pub fn newest(&self) -> Option<Arc<Snapshot>> {
        self.shared.newest.lock().ok()?.clone()
    }

    /// What has happened since the last call, at most so much that a slow watcher keeps up.
    pub fn news(&self) -> impl Iterator<Item = News> + '_ {
        self.news.try_iter().take(2048)
    }

    /// Wishes something; whether there is still a run to hear it.
    pub fn command(&self, command: Command) -> bool {
        self.commands.send(command).is_ok()
    }

    /// A way to wish things from another thread.
    pub fn commands(&self) -> Sender<Command> {
        self.commands.clone()
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

impl Live {
    /// Tells a watcher something, if there is room.
    pub(super) fn tell(&self, news: News) {
        match self.news.try_send(news) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Whether a state would be published now.
    pub(super) fn is_due(&self) -> bool {
        self.shared.watched.load(Ordering::Relaxed) && self.published.is_none_or(|last| last.elapsed() >= PUBLISH_EVERY)
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
    pub(super) fn stand(&self, step: u64, paused: bool) {
        self.shared.step.store(step, Ordering::Relaxed);
        self.shared.paused.store(paused, Ordering::Relaxed);
    }

    /// For whoever starts and joins the run's threads.
    pub fn herald(&self) -> Herald {
        Herald(self.news.clone())
    }
}

impl Herald {
    /// Says that the run has failed.
    pub fn failed(&self, message: String, checkpoint: Option<PathBuf>) {
        let _ = self.0.try_send(News::Failed { message, checkpoint });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_never_waits_for_a_watcher_that_does_not_look_or_has_gone() {
        let (watch, live) = watch();
        for step in 0..MOST_NEWS as u64 + 10 {
            live.tell(News::Stopped(step));
        }
        assert!(live.is_due());
        watch.look(false);
        assert!(!live.is_due());
        assert_eq!(watch.news().count(), 2048);
        drop(watch);
        live.tell(News::Stopped(0));
        assert!(live.commands.try_recv().is_err());
    }
}
