//! What a run says while it goes on: one stream of typed events that the terminal, the window and
//! tests read.
//!
//! Every reader has a bounded queue of its own, and the run never waits for one. Where a reader is
//! slow, it loses the events that come often first; how the run ended always reaches it.

use super::{ExamReport, MetricsRow, Summary};
use crate::exam::Notice;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use marionette_render::AdapterReport;
use marionette_train::trainer::{ManualSettings, StepReport};
use std::{path::PathBuf, sync::Arc};

/// Something that happened in a run.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// The renderer has passed its test.
    RendererReady(AdapterReport),
    /// Training begins, or goes on from `step`.
    Started {
        /// Steps done before.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// Where the network is trained.
        device: String,
    },
    /// A step has been taken.
    Step(Arc<StepReport>),
    /// A row was written to `metrics.jsonl`.
    Metrics {
        /// The row.
        row: Arc<MetricsRow>,
        /// Steps in all.
        steps: u64,
    },
    /// A step was skipped.
    Skipped {
        /// The step.
        step: u64,
        /// What was not finite.
        reason: &'static str,
    },
    /// A checkpoint is complete.
    Checkpoint {
        /// Steps done.
        step: u64,
    },
    /// Something about the exams' images is worth knowing.
    ExamNotice(Notice),
    /// Exams have been taken.
    Exams {
        /// What came out.
        report: Arc<ExamReport>,
        /// Whether this is the best so far.
        best: bool,
    },
    /// A picture has been written.
    Picture(PathBuf),
    /// A control has set something: what is in force now.
    Settings {
        /// Steps done; it takes effect with the next.
        step: u64,
        /// What is in force.
        settings: Box<ManualSettings>,
    },
    /// Something could not be written, and the run goes on without it.
    Warning(String),
    /// An answer to a control, in words: an export, a value that was clamped.
    Note(String),
    /// The run was asked to stop and has written a checkpoint.
    Stopped {
        /// Steps done.
        step: u64,
    },
    /// The run has done all its steps.
    Finished(Box<Summary>),
    /// The run has failed.
    Failed {
        /// What is wrong.
        message: String,
        /// The newest checkpoint, from which it can go on.
        checkpoint: Option<PathBuf>,
    },
}

impl RunEvent {
    /// Whether events of this kind come so often that a reader can do without some.
    fn is_frequent(&self) -> bool {
        matches!(self, RunEvent::Step(_) | RunEvent::Metrics { .. })
    }
}

/// Sends a run's events to all of its readers.
#[derive(Clone, Default)]
pub struct EventSender {
    readers: Vec<Queue>,
}

/// One reader's queue. The sender keeps a receiver as well, to make room for what must not be lost.
#[derive(Clone)]
struct Queue {
    sender: Sender<RunEvent>,
    receiver: Receiver<RunEvent>,
    capacity: usize,
}

impl EventSender {
    /// Adds a reader, whose queue holds at most `capacity` events, which is at least 4. Events of
    /// clones made before do not reach it.
    pub fn subscribe(&mut self, capacity: usize) -> Receiver<RunEvent> {
        let capacity = capacity.max(4);
        let (sender, receiver) = bounded(capacity);
        self.readers.push(Queue { sender, receiver: receiver.clone(), capacity });
        receiver
    }

    /// Sends an event to every reader and returns at once. A queue that is three quarters full
    /// takes no frequent events; a full one loses its oldest event to a new one.
    pub fn send(&self, event: RunEvent) {
        for queue in &self.readers {
            queue.offer(event.clone());
        }
    }
}

impl Queue {
    fn offer(&self, event: RunEvent) {
        if event.is_frequent() && 4 * self.sender.len() >= 3 * self.capacity {
            return;
        }
        let mut event = event;
        // Every turn but the last makes room. Other threads of the run may fill it again, but there
        // are few of them.
        for _ in 0..16 {
            match self.sender.try_send(event) {
                Err(TrySendError::Full(back)) => event = back,
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
            }
            let _ = self.receiver.try_recv();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(step: u64) -> RunEvent {
        RunEvent::Metrics {
            row: Arc::new(MetricsRow { step, ..MetricsRow::default() }),
            steps: 1000,
        }
    }

    #[test]
    fn a_reader_that_never_reads_holds_nothing_up_and_still_hears_the_end() {
        let mut sender = EventSender::default();
        let (slow, quick) = (sender.subscribe(8), sender.subscribe(8));
        let mut heard = 0;
        for step in 0..1000 {
            sender.send(metrics(step));
            if step % 100 == 0 {
                sender.send(RunEvent::Checkpoint { step });
            }
            heard += quick.try_iter().count();
        }
        sender.send(RunEvent::Stopped { step: 1000 });
        assert_eq!(heard, 1010, "a reader that keeps up loses nothing");
        let kept: Vec<RunEvent> = slow.try_iter().collect();
        assert!(kept.len() <= 8);
        assert!(matches!(kept.last(), Some(RunEvent::Stopped { step: 1000 })));
    }

    #[test]
    fn frequent_events_leave_room_for_the_others() {
        let mut sender = EventSender::default();
        let reader = sender.subscribe(8);
        (0..100).for_each(|step| sender.send(metrics(step)));
        assert_eq!(reader.len(), 6);
        sender.send(RunEvent::Checkpoint { step: 100 });
        sender.send(RunEvent::Note("exported".to_owned()));
        let kept: Vec<RunEvent> = reader.try_iter().collect();
        assert_eq!(kept.len(), 8);
        assert!(
            matches!(&kept[0], RunEvent::Metrics { row, .. } if row.step == 0),
            "nothing was pushed out"
        );
    }

    #[test]
    fn readers_that_have_gone_cost_nothing() {
        let mut sender = EventSender::default();
        drop(sender.subscribe(4));
        (0..100).for_each(|step| sender.send(RunEvent::Checkpoint { step }));
    }
}
