//! What a run leaves on disk as it goes on, and what it says: checkpoints, exams, pictures, the
//! manifest, weights and the summary.

use super::{
    EventSender, ExamLine, ExamReport, Failure, Manifest, MetricsRow, RunConfig, RunDirectory,
    RunError, RunEvent, Summary,
    exams::Examiner,
    mark_best,
    metrics_window::MetricsWindow,
    pictures,
    pictures::Gallery,
    resources::cores,
    save,
    tensorboard::{Counted, EventFile},
};
use crate::exam::Exam;
use crate::sheet::SheetError;
use marionette_base::atomic_file::{PathError, write_atomic};
use marionette_render::AdapterReport;
use marionette_scene::Scene;
use marionette_stream::{Batch, HardnessAxis, Tile};
use marionette_train::{
    export::{ModelCard, write_model},
    trainer::{StepReport, TrainError, Trainer},
};
use sha2::{Digest, Sha256};
use std::{
    ffi::OsStr,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What follows where the file for TensorBoard cannot be written.
const NO_EVENTS: &str = "the run goes on without a file for TensorBoard";

/// Keeps a run's books.
pub(super) struct Recorder {
    pub directory: RunDirectory,
    pub config: RunConfig,
    pub scene: Arc<Scene>,
    pub device: String,
    pub adapter: Option<AdapterReport>,
    pub events: EventSender,
    pub examiner: Examiner,
    /// The step of the newest checkpoint.
    pub saved: u64,
    pub pictures: Vec<PathBuf>,
    /// What TensorBoard reads, if anything.
    pub event_file: Option<EventFile>,
}

impl Recorder {
    /// Sends an event.
    pub fn send(&self, event: RunEvent) {
        self.events.send(event);
    }

    /// Says that a file could not be written, and `what` follows. The run goes on without it.
    pub fn warn(&self, error: impl Display, what: &str) {
        self.send(RunEvent::Warning(format!("{error}; {what}")));
    }

    /// As [`Self::warn`], where writing has failed.
    pub fn warn_if_failed(&self, written: Result<(), impl Display>, what: &str) {
        if let Err(error) = written {
            self.warn(error, what);
        }
    }

    /// As [`Self::checkpoint`], but where it cannot be written the run goes on, to write the next.
    pub fn try_checkpoint(&mut self, trainer: &Trainer) -> Result<(), Failure> {
        match self.checkpoint(trainer) {
            Err(Failure::Run(error)) => {
                let kept = match self.directory.newest_step() {
                    Some(step) => format!("the newest checkpoint is of step {step}"),
                    None => "there is no checkpoint yet".to_owned(),
                };
                self.warn(error, &format!("training goes on, and {kept}"));
                Ok(())
            }
            other => other,
        }
    }

    /// Writes a checkpoint, unless there is nothing new to keep. That of a run that diverges would
    /// be none to go on from, and would push out those that are.
    pub fn checkpoint(&mut self, trainer: &Trainer) -> Result<(), Failure> {
        if trainer.step() == self.saved
            || trainer.is_skipping()
            || !trainer.has_finite_weights().map_err(TrainError::from)?
        {
            return Ok(());
        }
        let (tensors, state) = trainer.save()?;
        let best = self.examiner.best().map(|best| best.step);
        save(&self.directory, trainer.step(), &tensors, &state, self.config.checkpoint.keep, best)?;
        self.saved = trainer.step();
        self.send(RunEvent::Checkpoint { step: self.saved });
        Ok(())
    }

    /// Takes the exams that are due. Where they come out best so far, there is a checkpoint to go
    /// with them.
    pub fn take_due_exams(
        &mut self,
        trainer: &Trainer,
    ) -> Result<Option<Arc<ExamReport>>, Failure> {
        let Some(report) = self.examiner.take_due(trainer, self.config.steps)?.map(Arc::new) else {
            return Ok(None);
        };
        self.write_exams(&report);
        let counts = trainer.step() > 0 && !trainer.is_skipping();
        let best = counts.then(|| self.examiner.better(&report)).flatten();
        if let Some(best) = best {
            self.try_checkpoint(trainer)?;
            // The file must not name a checkpoint that could not be written, and the one that it
            // names has to stay.
            if self.directory.has_checkpoint(trainer.step()) {
                match mark_best(&self.directory, trainer.step()) {
                    Ok(()) => self.examiner.set_best(best),
                    Err(error) => self.warn(error, "it still names the best checkpoint before"),
                }
            }
        }
        self.send(RunEvent::Exams { report: report.clone(), best: best.is_some() });
        Ok(Some(report))
    }

    /// Takes all exams now; whether there are any.
    pub fn take_all_exams(&mut self, trainer: &Trainer) -> Result<bool, Failure> {
        let Some(report) = self.examiner.take(trainer, &Exam::all())?.map(Arc::new) else {
            return Ok(false);
        };
        self.write_exams(&report);
        self.send(RunEvent::Exams { report, best: false });
        Ok(true)
    }

    /// Takes the file for TensorBoard, if it could be begun.
    pub fn begin_event_file(&mut self, begun: Option<Result<EventFile, PathError>>) {
        match begun.transpose() {
            Ok(file) => self.event_file = file,
            Err(error) => self.warn(error, NO_EVENTS),
        }
    }

    /// Writes something for TensorBoard. After the first failure there is no more of it.
    fn log(&mut self, write: impl FnOnce(&mut EventFile) -> Result<(), PathError>) {
        if let Some(Err(error)) = self.event_file.as_mut().map(write) {
            self.event_file = None;
            self.warn(error, NO_EVENTS);
        }
    }

    /// Writes a row of metrics, the scores of its `window` and the curriculum for TensorBoard.
    pub fn write_events(&mut self, row: &MetricsRow, window: &MetricsWindow, trainer: &Trainer) {
        const BINS: usize = 20;
        let policy = trainer.newest_policy();
        self.log(|file| {
            let step = row.step;
            let named = |(name, value): (String, f64)| (name.replace('.', "/"), value);
            file.scalars(step, row.values().into_iter().filter(|(n, _)| n != "step").map(named))?;
            file.histograms(
                step,
                window.scores().map(|scores| ("score".to_owned(), scores.clone())),
            )?;
            let axes = policy.iter().flat_map(|policy| {
                HardnessAxis::ALL.map(|axis| {
                    let shares = policy.marginal(axis, BINS).probabilities;
                    (format!("curriculum/{axis}"), Counted::of_shares(&shares, 1000.0))
                })
            });
            file.histograms(step, axes)
        });
    }

    fn write_exams(&mut self, report: &ExamReport) {
        let scores = report.exams.iter().filter_map(|result| {
            Some((format!("exam/{}", result.exam.name()), result.pck.torso_02?))
        });
        let scores: Vec<(String, f64)> = scores.collect();
        self.log(|file| file.scalars(report.step, scores));
        let name = RunDirectory::exam_name(report.step);
        let written = self.directory.write_json(&name, report);
        self.warn_if_failed(written, "`marionette eval` can take the exams again");
    }

    /// Writes what the very first batch leaves: the manifest and a picture.
    pub fn write_beginning(&mut self, batch: &Batch) -> Result<(), Failure> {
        if batch.index > 0 {
            return Ok(());
        }
        let hash = |tile: &Tile| {
            Sha256::digest(&tile.color).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            adapter: self.adapter.clone(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: cores(),
            device: self.device.clone(),
            seed: self.config.seed,
            first_batch: batch.index,
            frame_hashes: batch.tiles.iter().map(hash).collect(),
            hand_steered: self.directory.control_records()?.iter().any(|record| record.steers),
        };
        let written = self.directory.write_manifest(&manifest);
        self.warn_if_failed(written, "the run goes on without it");
        self.keep_picture(pictures::save_first(&self.directory, &self.scene.figure, batch));
        Ok(())
    }

    /// Writes the pictures of the last batch and of the easiest and hardest samples.
    pub fn write_last_pictures(&mut self, batch: &Batch, report: &StepReport, gallery: &Gallery) {
        self.keep_picture(pictures::save_last(&self.directory, &self.scene.figure, batch, report));
        for saved in gallery.save(&self.directory, &self.scene.figure) {
            self.keep_picture(saved);
        }
    }

    fn keep_picture(&mut self, saved: Result<PathBuf, SheetError>) {
        match saved {
            Ok(path) => {
                let step = self.config.steps;
                self.log(|file| {
                    match (path.file_stem().and_then(OsStr::to_str), fs::read(&path)) {
                        (Some(name), Ok(png)) => {
                            let step = if name == "first_batch" { 0 } else { step };
                            file.picture(step, &format!("pictures/{name}"), png)
                        }
                        _ => Ok(()),
                    }
                });
                self.pictures.push(path.clone());
                self.send(RunEvent::Picture(path));
            }
            Err(error) => self.warn(error, "the run goes on without the picture"),
        }
    }

    /// Takes the last exams and writes what a finished run leaves: checkpoint, weights, card,
    /// summary and report.
    pub fn finish(&mut self, trainer: &Trainer, most_in_flight: u64) -> Result<(), Failure> {
        let after = self.take_due_exams(trainer)?;
        self.try_checkpoint(trainer)?;
        self.write_results(trainer, after, most_in_flight).map_err(|failure| match failure {
            Failure::Run(cause) => Failure::Unsaved {
                cause: Box::new(cause),
                checkpoint: self.directory.newest_step().unwrap_or(0),
                steps: trainer.step(),
                run: self.directory.path().to_owned(),
            },
            other => other,
        })
    }

    fn write_results(
        &mut self,
        trainer: &Trainer,
        after: Option<Arc<ExamReport>>,
        most_in_flight: u64,
    ) -> Result<(), Failure> {
        let card = self.export(trainer, &self.directory.weights_path())?;
        let path = self.directory.path().join("model.json");
        write_atomic(&path, card.to_json().as_bytes()).map_err(RunError::from)?;
        let before = self.directory.exam_reports()?.into_iter().find(|report| report.step == 0);
        let exams =
            after.map(|after| ExamLine::compare(before.as_ref(), &after)).unwrap_or_default();
        let mut summary = Summary::new(
            trainer,
            exams,
            self.examiner.best(),
            most_in_flight,
            self.pictures.clone(),
        );
        summary.steered_by_hand =
            self.directory.control_records()?.iter().filter(|record| record.steers).count() as u64;
        self.directory.write_json("summary.json", &summary)?;
        let reported = self.directory.write_report();
        self.warn_if_failed(reported, "`marionette report` can write one");
        self.send(RunEvent::Finished(Box::new(summary)));
        Ok(())
    }

    /// Writes the network as it is now to `path`.
    pub fn export(&self, trainer: &Trainer, path: &Path) -> Result<ModelCard, Failure> {
        let weights = trainer.weights().map_err(TrainError::from)?;
        let card = ModelCard {
            scene: self.scene.name.clone(),
            seed: self.config.seed,
            step: trainer.step(),
            ..ModelCard::new(&self.scene.figure, trainer.spec().clone(), trainer.activation())
        };
        write_model(path, &weights, &card).map_err(RunError::from)?;
        Ok(card)
    }
}
