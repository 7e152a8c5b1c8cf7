//! What a run says while it goes on: one stream of events that a terminal or a window reads.

use super::{ExamReport, Summary};
use crate::exam::Notice;
use marionette_render::AdapterReport;
use std::{path::PathBuf, sync::Arc};

/// Something that happened in a run.
#[derive(Clone, Debug)]
pub enum Event {
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
    /// Steps have been done.
    Progress(Progress),
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
    /// The run was asked to stop and has written a checkpoint.
    Stopped {
        /// Steps done.
        step: u64,
    },
    /// The run has done all its steps.
    Finished(Box<Summary>),
}

/// How a run stands, over the steps since the last event of this kind.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Mean base loss.
    pub loss: f64,
    /// PCK@0.2 torso on the newest batches, all streams together.
    pub pck: f64,
    /// Samples a second, rendering and training together.
    pub samples_per_second: f64,
}
