//! The training loop: batches in, one step each, policies out, and between two steps whatever is
//! due.

use super::{
    EventSender, Failure, JsonLinesWriter, Pace, Publisher, RunConfig, RunDirectory, RunError,
    RunEvent, Snapshot, controls::Controls, exams::Examiner, metrics_window::MetricsWindow,
    pictures::Gallery, recorder::Recorder, tensorboard::EventFile,
};
use crate::exam::ExamSet;
use crossbeam_channel::Receiver;
use marionette_render::AdapterReport;
use marionette_scene::Scene;
use marionette_stream::{Batch, TrainerEnd};
use marionette_train::{
    photographs::Photographs,
    trainer::{StepReport, TrainError, Trainer},
};
use rand::Rng;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What the training loop works with. It runs on the trainer's thread.
pub(super) struct TrainingLoop {
    pub directory: RunDirectory,
    pub config: RunConfig,
    pub scene: Arc<Scene>,
    pub device: String,
    pub events: EventSender,
    pub adapter: Receiver<AdapterReport>,
    pub exam_sets: Receiver<Vec<ExamSet>>,
    pub publisher: Option<Publisher>,
    pub photographs: Option<Photographs>,
}

impl TrainingLoop {
    /// Trains until all steps are done, `stop` is set or something fails.
    pub fn run(
        self,
        mut trainer: Trainer,
        stream: TrainerEnd,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        let TrainingLoop {
            directory,
            config,
            scene,
            device,
            events,
            adapter,
            exam_sets,
            mut publisher,
            mut photographs,
        } = self;
        let (first, steps) = (trainer.step(), config.steps);
        events.send(RunEvent::Started { step: first, steps, device: device.clone() });
        let mut metrics =
            JsonLinesWriter::open(&directory.metrics_path()).map_err(RunError::from)?;
        // Where the generator has gone already, it will say why.
        let Ok(sets) = exam_sets.recv() else { return Ok(()) };
        let examiner =
            Examiner::new(directory.clone(), &config.exam, scene.figure.scheme(), sets, first)?;
        // The adapter is known before the exams' images are.
        let adapter = adapter.try_recv().ok();
        let (saved, pictures) = (first, Vec::new());
        let event_file = config.log.tensorboard.then(|| EventFile::begin(&directory, first));
        let mut recorder = Recorder {
            directory,
            config,
            scene,
            device,
            adapter,
            events,
            examiner,
            saved,
            pictures,
            event_file: None,
        };
        recorder.begin_event_file(event_file);
        if first == 0 {
            recorder.take_due_exams(&trainer)?;
        }
        let in_flight = stream.in_flight();
        let (mut window, mut window_began) = (MetricsWindow::default(), Instant::now());
        let mut gallery = Gallery::default();
        let mut controls = Controls::default();
        while trainer.step() < steps {
            if let Some(publisher) = &publisher {
                controls.apply_waiting(publisher, &mut trainer, &mut recorder, stop)?;
            }
            let stopped = stop.load(Ordering::SeqCst);
            let waited = Instant::now();
            let received = if stopped { None } else { stream.receive().ok() };
            let Some(batch) = received else {
                // Stopped, or the generator has gone and will say why: whatever was learned is
                // kept.
                recorder.checkpoint(&trainer)?;
                if stopped {
                    recorder.send(RunEvent::Stopped { step: trainer.step() });
                }
                return Ok(());
            };
            random_pause(recorder.config.debug.jitter_ms);
            let (batch, began) = (Arc::new(batch), Instant::now());
            let pictured = photographs.as_mut().map(|some| some.of_step(trainer.step()));
            let pictured = match pictured.transpose() {
                Ok(pictured) => pictured.unwrap_or_default(),
                Err(error) => {
                    recorder.try_checkpoint(&trainer)?;
                    return Err(error.into());
                }
            };
            let report = Arc::new(trainer.learn(&batch, &pictured)?);
            let (learning, waiting) =
                (began.elapsed().as_secs_f64(), (began - waited).as_secs_f64());
            if let Some(policy) = trainer.newest_policy() {
                stream.publish(policy);
            }
            if let Some(reason) = report.skipped {
                recorder.send(RunEvent::Skipped { step: report.step, reason });
            }
            recorder.write_beginning(&batch)?;
            window.add(&batch, &report, &trainer, pictured.len());
            if trainer.step() * 10 >= steps * 9 {
                gallery.add(&batch, &report);
            }
            let done = trainer.step();
            recorder.send(RunEvent::Step(report.clone()));
            if let Some(publisher) = &mut publisher {
                let drawing = in_flight.drawing().as_secs_f64();
                let pace = Pace {
                    learning,
                    waiting,
                    drawing,
                    in_flight: in_flight.now(),
                    queued: stream.queued(),
                };
                publish(publisher, &trainer, steps, &batch, &report, pace);
            }
            if done.is_multiple_of(recorder.config.log.every) || done == steps {
                let rate = window.samples() as f64 / window_began.elapsed().as_secs_f64().max(1e-9);
                let row = Arc::new(window.row(&report, &trainer, rate, in_flight.most()));
                let written = metrics.append(&*row);
                recorder.warn_if_failed(written, "the line is kept, to be written with the next");
                recorder.write_events(&row, &window, &trainer);
                recorder.send(RunEvent::Metrics { row, steps });
                (window, window_began) = (MetricsWindow::default(), Instant::now());
            }
            if done < steps {
                recorder.take_due_exams(&trainer)?;
            }
            if done.is_multiple_of(recorder.config.checkpoint.every) {
                recorder.try_checkpoint(&trainer)?;
            }
            if done == steps {
                recorder.write_last_pictures(&batch, &report, &gallery);
            }
            if done == recorder.config.debug.fail_after_step {
                return Err(Failure::Asked { step: done });
            }
        }
        if !trainer.has_finite_weights().map_err(TrainError::from)? {
            return Err(TrainError::BrokenWeights { step: trainer.step() }.into());
        }
        recorder.finish(&trainer, in_flight.most())
    }
}

/// Publishes the newest state, if somebody watches and the last one is old enough.
fn publish(
    publisher: &mut Publisher,
    trainer: &Trainer,
    steps: u64,
    batch: &Arc<Batch>,
    report: &Arc<StepReport>,
    pace: Pace,
) {
    let step = trainer.step();
    if let Some(policy) = trainer.newest_policy().filter(|_| publisher.is_due() || step == steps) {
        let (batch, report, curriculum) =
            (batch.clone(), report.clone(), Arc::new(trainer.curriculum()));
        let (settings, hardest) = (trainer.manual_settings(), publisher.hardest(trainer));
        publisher.publish(Snapshot {
            step,
            steps,
            batch,
            report,
            curriculum,
            hardest,
            policy,
            settings,
            pace,
        });
    }
    publisher.set_progress(step, false);
}

/// A random pause of at most `most_ms`, from the operating system's own randomness.
fn random_pause(most_ms: u64) {
    if most_ms > 0 {
        thread::sleep(Duration::from_millis(rand::rng().random_range(0..=most_ms)));
    }
}
