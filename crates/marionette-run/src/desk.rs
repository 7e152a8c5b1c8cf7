//! The trainer's thread: it feeds the trainer, keeps the run's books, and does what a watcher wishes.

use super::{
    Event, ExamLine, ExamReport, Failure, Live, MetricsWriter, News, Pace, Progress, RunConfig, RunDirectory, RunError,
    Snapshot, Summary,
    exams::Examiner,
    log::Window,
    mark_best,
    pictures::{self, Gallery},
    save,
    weights::card,
    wishes::Wishes,
};
use crate::{exam::ExamSet, sheet::SheetError};
use crossbeam_channel::{Receiver, Sender};
use marionette_render::AdapterReport;
use marionette_scene::Scene;
use marionette_stream::{Batch, TrainerEnd};
use marionette_train::{
    export::{ModelCard, write_model},
    trainer::{StepReport, TrainError, Trainer},
};
use rand::Rng;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// `manifest.json`: what the run was made with.
#[derive(Serialize)]
struct Manifest {
    version: &'static str,
    adapter: Option<AdapterReport>,
    device: String,
    seed: u64,
    first_batch: u64,
    /// SHA-256 of the colours of each tile of the first batch: the same seed and driver give the same.
    frame_hashes: Vec<String>,
    /// Whether something that changes what the run comes to was set by hand; see `hand.jsonl`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hand_steered: bool,
}

/// What a trainer's thread works with.
pub(super) struct Tools {
    pub directory: RunDirectory,
    pub config: RunConfig,
    pub scene: Arc<Scene>,
    pub device: String,
    pub events: Sender<Event>,
    pub adapter: Receiver<AdapterReport>,
    pub exam_sets: Receiver<Vec<ExamSet>>,
    pub live: Option<Live>,
}

/// The trainer's thread: feeds the trainer and keeps the run's books.
pub(super) struct Desk {
    pub(super) directory: RunDirectory,
    pub(super) config: RunConfig,
    pub(super) scene: Arc<Scene>,
    device: String,
    events: Sender<Event>,
    adapter: Receiver<AdapterReport>,
    exam_sets: Receiver<Vec<ExamSet>>,
    pictures: Vec<std::path::PathBuf>,
    pub(super) live: Option<Live>,
}

impl Desk {
    pub fn new(tools: Tools) -> Self {
        let Tools { directory, config, scene, device, events, adapter, exam_sets, live } = tools;
        Desk { directory, config, scene, device, events, adapter, exam_sets, pictures: Vec::new(), live }
    }

    /// Trains until all steps are done, `stop` is set or something fails.
    pub fn work(mut self, mut trainer: Trainer, stream: TrainerEnd, stop: &AtomicBool) -> Result<(), Failure> {
        let (first, steps) = (trainer.step(), self.config.steps);
        self.tell(Event::Started { step: first, steps, device: self.device.clone() });
        let mut metrics = MetricsWriter::open(&self.directory.metrics_path()).map_err(RunError::from)?;
        let in_flight = stream.in_flight();
        let mut window = Window::default();
        let mut gallery = Gallery::default();
        let mut window_began = Instant::now();
        let mut saved = first;
        // Where the generator has gone already, it will say why.
        let Ok(sets) = self.exam_sets.recv() else { return Ok(()) };
        let mut examiner =
            Examiner::new(self.directory.clone(), &self.config.exam, self.scene.figure.scheme(), sets, first)?;
        if first == 0 {
            self.examine(&mut examiner, &trainer, &mut saved)?;
        }
        let mut wishes = Wishes::default();
        while trainer.step() < steps {
            self.attend(&mut wishes, &mut trainer, &mut examiner, &mut saved, stop)?;
            let stopped = stop.load(Ordering::SeqCst);
            let waited = Instant::now();
            let received = if stopped { None } else { stream.receive().ok() };
            let Some(batch) = received else {
                // Stopped, or the generator has gone and will say why: whatever was learned is kept.
                self.checkpoint(&trainer, &examiner, &mut saved)?;
                if stopped {
                    self.tell(Event::Stopped { step: trainer.step() });
                    self.news(|| News::Stopped(trainer.step()));
                }
                return Ok(());
            };
            self.pause();
            let (batch, began) = (Arc::new(batch), Instant::now());
            let report = Arc::new(trainer.learn(&batch)?);
            let (learning, waiting) = (began.elapsed().as_secs_f64(), (began - waited).as_secs_f64());
            if let Some(policy) = trainer.newest_policy() {
                stream.publish(policy);
            }
            if let Some(reason) = report.skipped {
                self.tell(Event::Skipped { step: report.step, reason });
            }
            if report.step == first {
                self.write_beginning(&batch)?;
            }
            window.add(&batch, &report, &trainer);
            if trainer.step() * 10 >= steps * 9 {
                gallery.add(&batch, &report);
            }
            let done = trainer.step();
            self.news(|| News::Step(report.clone()));
            let pace = Pace {
                learning,
                waiting,
                drawing: in_flight.drawing().as_secs_f64(),
                in_flight: in_flight.now(),
                queued: stream.queued(),
            };
            self.publish(&trainer, &batch, &report, pace);
            if done.is_multiple_of(self.config.log.every) || done == steps {
                let rate = window.samples() as f64 / window_began.elapsed().as_secs_f64().max(1e-9);
                let row = window.row(&report, &trainer, rate, in_flight.most());
                metrics.append(done, &row)?;
                self.news(|| News::row(done, &row));
                let progress =
                    Progress { step: done, steps, loss: window.loss(), pck: window.pck(), samples_per_second: rate };
                // A reader that is slow misses a figure, and the run loses no time.
                let _ = self.events.try_send(Event::Progress(progress));
                (window, window_began) = (Window::default(), Instant::now());
            }
            if done < steps {
                self.examine(&mut examiner, &trainer, &mut saved)?;
            }
            if done.is_multiple_of(self.config.checkpoint.every) {
                self.checkpoint(&trainer, &examiner, &mut saved)?;
            }
            if done == steps {
                self.write_end(&batch, &report, &gallery)?;
            }
            if done == self.config.debug.fail_after_step {
                return Err(Failure::Asked { step: done });
            }
        }
        if !trainer.has_finite_weights().map_err(TrainError::from)? {
            return Err(TrainError::BrokenWeights { step: trainer.step() }.into());
        }
        let after = self.examine(&mut examiner, &trainer, &mut saved)?;
        self.checkpoint(&trainer, &examiner, &mut saved)?;
        self.write_weights(&trainer)?;
        let before = self.directory.exam_reports()?.into_iter().find(|report| report.step == 0);
        let exams = after.map(|after| ExamLine::compare(before.as_ref(), &after)).unwrap_or_default();
        let mut summary = Summary::new(&trainer, exams, examiner.best(), in_flight.most(), self.pictures.clone());
        summary.steered_by_hand = self.directory.hand_lines()?.iter().filter(|line| line.steers).count() as u64;
        self.directory.write_json("summary.json", &summary)?;
        self.news(|| News::Finished(Box::new(summary.clone())));
        self.tell(Event::Finished(Box::new(summary)));
        Ok(())
    }

    fn tell(&self, event: Event) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }

    /// Tells a watcher, if there is one.
    pub(super) fn news(&self, news: impl FnOnce() -> News) {
        if let Some(live) = &self.live {
            live.tell(news());
        }
    }

    /// Publishes the newest state, if somebody watches and the last one is old enough.
    fn publish(&mut self, trainer: &Trainer, batch: &Arc<Batch>, report: &Arc<StepReport>, pace: Pace) {
        let Some(live) = &mut self.live else { return };
        let (step, steps) = (trainer.step(), self.config.steps);
        if let Some(policy) = trainer.newest_policy().filter(|_| live.is_due() || step == steps) {
            let (batch, report, curriculum) = (batch.clone(), report.clone(), Arc::new(trainer.curriculum()));
            live.publish(Snapshot { step, steps, batch, report, curriculum, policy, hand: trainer.hand(), pace });
        }
        live.stand(step, false);
    }

    /// A random pause, from the operating system's own randomness, where the configuration asks for them.
    fn pause(&self) {
        if self.config.debug.jitter_ms > 0 {
            thread::sleep(Duration::from_millis(rand::rng().random_range(0..=self.config.debug.jitter_ms)));
        }
    }

    /// Writes a checkpoint, unless there is nothing new to keep. That of a run that diverges would be none to go on from,
    /// and would push out those that are.
    pub(super) fn checkpoint(&self, trainer: &Trainer, examiner: &Examiner, saved: &mut u64) -> Result<(), Failure> {
        if trainer.step() == *saved
            || trainer.is_skipping()
            || !trainer.has_finite_weights().map_err(TrainError::from)?
        {
            return Ok(());
        }
        let (tensors, state) = trainer.save()?;
        let best = examiner.best().map(|best| best.step);
        save(&self.directory, trainer.step(), &tensors, &state, self.config.checkpoint.keep, best)?;
        *saved = trainer.step();
        self.tell(Event::Checkpoint { step: *saved });
        self.news(|| News::Note(format!("checkpoint of step {}", trainer.step())));
        Ok(())
    }

    /// Takes the exams that are due. Where they come out best so far, there is a checkpoint to go with them.
    fn examine(
        &self,
        examiner: &mut Examiner,
        trainer: &Trainer,
        saved: &mut u64,
    ) -> Result<Option<Arc<ExamReport>>, Failure> {
        let Some(report) = examiner.take_due(trainer, self.config.steps)?.map(Arc::new) else { return Ok(None) };
        let best = trainer.step() > 0 && !trainer.is_skipping() && examiner.consider(&report);
        if best {
            self.checkpoint(trainer, examiner, saved)?;
            mark_best(&self.directory, trainer.step())?;
        }
        self.tell_exams(report.clone(), best);
        Ok(Some(report))
    }

    pub(super) fn tell_exams(&self, report: Arc<ExamReport>, best: bool) {
        self.news(|| News::Exams(report.clone(), best));
        self.tell(Event::Exams { report, best });
    }

    /// What the first batch after starting leaves: the manifest, and at the very beginning a picture.
    fn write_beginning(&mut self, batch: &Batch) -> Result<(), Failure> {
        let hash = |tile: &marionette_stream::Tile| {
            Sha256::digest(&tile.color).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION"),
            adapter: self.adapter.try_recv().ok(),
            device: self.device.clone(),
            seed: self.config.seed,
            first_batch: batch.index,
            frame_hashes: batch.tiles.iter().map(hash).collect(),
            hand_steered: self.directory.hand_lines()?.iter().any(|line| line.steers),
        };
        if batch.index == 0 {
            self.directory.write_manifest(&manifest)?;
            self.picture(pictures::save_first(&self.directory, &self.scene.figure, batch))?;
        }
        Ok(())
    }

    fn write_end(&mut self, batch: &Batch, report: &StepReport, gallery: &Gallery) -> Result<(), Failure> {
        self.picture(pictures::save_last(&self.directory, &self.scene.figure, batch, report))?;
        for path in gallery.save(&self.directory, &self.scene.figure)? {
            self.picture(Ok(path))?;
        }
        Ok(())
    }

    fn picture(&mut self, saved: Result<std::path::PathBuf, SheetError>) -> Result<(), Failure> {
        let path = saved?;
        self.pictures.push(path.clone());
        self.tell(Event::Picture(path));
        Ok(())
    }

    fn write_weights(&self, trainer: &Trainer) -> Result<(), Failure> {
        let card = self.export(trainer, &self.directory.weights_path())?;
        Ok(self.directory.write_json("model.json", &card)?)
    }

    /// Writes the network as it is now to `path`.
    pub(super) fn export(&self, trainer: &Trainer, path: &Path) -> Result<ModelCard, Failure> {
        let weights = trainer.weights().map_err(TrainError::from)?;
        let card = card(&self.scene, self.config.seed, trainer.step(), trainer.spec(), trainer.activation());
        write_model(path, &weights, &card).map_err(RunError::from)?;
        Ok(card)
    }
}
