//! A run from beginning to end: it starts the generator and the trainer on threads of their own, and joins them.

use super::{
    Event, ExamLine, ExamReport, MetricsWriter, Progress, RunConfig, RunDirectory, RunError, Summary, cut_back,
    device::{DeviceError, device_name, open_device},
    exams::Examiner,
    load_latest,
    log::Window,
    mark_best,
    pictures::{self, Gallery},
    resources::{available_bytes, check_memory, threads},
    save,
    weights::card,
};
use crate::{
    exam::{Exam, ExamError, ExamSet, ExamStore},
    export::write_model,
    generator::{self, GeneratorConfig, GeneratorError},
    model,
    render::{AdapterReport, find_adapter},
    scene::{HardnessAxis, ImageSize, Scene},
    sheet::SheetError,
    stream::{Batch, TrainerEnd, connect},
    train::{StepReport, TrainError, TrainSettings, Trainer, TrainerState},
};
use crossbeam_channel::Sender;
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

/// The trainer's stack: candle's backward pass recurses over the whole graph.
pub const TRAINER_STACK: usize = 256 << 20;

/// Why a run could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something about the run's files or settings.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The generator.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The trainer.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// An exam.
    #[error(transparent)]
    Exam(#[from] ExamError),
    /// A picture.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// A thread panicked: a fault in this program.
    #[error("the {0} failed unexpectedly; the checkpoints hold the run up to the last of them")]
    Panic(&'static str),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// A run that is ready to start or to go on.
pub struct Session {
    directory: RunDirectory,
    config: RunConfig,
    scene: Arc<Scene>,
    trainer: Trainer,
    device: String,
}

impl Session {
    /// Prepares a new run in a new directory at `path`. Nothing is written unless everything else is in order.
    ///
    /// # Errors
    /// Where the configuration, the scene, the network and the device do not fit together, there is no graphics adapter,
    /// or the directory exists.
    pub fn create(path: &Path, config: RunConfig, scene: Scene) -> Result<Self, Failure> {
        config.validate().map_err(RunError::from)?;
        let (trainer, device, scene) = prepare(&config, scene)?;
        find_adapter().map_err(GeneratorError::from)?;
        let directory = RunDirectory::create(path, &config, &scene)?;
        Ok(Session { directory, config, scene: Arc::new(scene), trainer, device })
    }

    /// Prepares to go on with the run at `path`, from its latest checkpoint or, where it has none yet, from the start.
    /// `overrides` are `key=value` settings; only some may change in a run that has begun.
    ///
    /// # Errors
    /// Where the directory is no run, a setting may not change, or the checkpoint is damaged or does not fit.
    pub fn resume(path: &Path, overrides: &[String]) -> Result<Self, Failure> {
        let (directory, config, scene) = RunDirectory::open(path)?;
        let config = config.continued(overrides).map_err(RunError::from)?;
        let (mut trainer, device, scene) = prepare(&config, scene)?;
        find_adapter().map_err(GeneratorError::from)?;
        if let Some(loaded) = load_latest::<TrainerState>(&directory)? {
            trainer.restore(&loaded.tensors, loaded.state).map_err(|unfit| RunError::Damaged {
                path: loaded.folder,
                found: unfit.to_string(),
                remedy: format!("put {} back as it was", directory.config_path().display()),
            })?;
        }
        directory.write_config(&config)?;
        cut_back(&directory.metrics_path(), trainer.step())?;
        Ok(Session { directory, config, scene: Arc::new(scene), trainer, device })
    }

    /// The run's directory.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// The run's configuration.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Runs until all steps are done, `stop` is set, or something fails; a checkpoint is written in each case that leaves
    /// anything to write. What happens is told to `events`; a full channel costs only [`Event::Progress`].
    ///
    /// # Errors
    /// Whatever failed first.
    pub fn run(self, events: Sender<Event>, stop: Arc<AtomicBool>) -> Result<(), Failure> {
        let Session { directory, config, scene, trainer, device } = self;
        let (generator_end, trainer_end) = connect(trainer.policies());
        let generator_config = GeneratorConfig {
            seed: config.seed,
            first_batch: trainer.step(),
            end_batch: config.steps.max(trainer.step()),
            batch: config.batch,
            threads: threads(config.threads),
            jitter_ms: config.debug.jitter_ms,
        };
        let (adapter_sender, adapter) = crossbeam_channel::bounded(1);
        let (exam_sender, exam_sets) = crossbeam_channel::bounded(1);
        let to_events = events.clone();
        let for_trainer = scene.clone();
        let images = config.exam.images;
        let generator = thread::Builder::new()
            .name("generator".into())
            .spawn(move || -> Result<(), Failure> {
                let (mut app, renderer, report) =
                    generator::renderer(&scene, generator_config).map_err(GeneratorError::from)?;
                let _ = adapter_sender.send(report.clone());
                let _ = to_events.send(Event::RendererReady(report.clone()));
                let exams = if images > 0 { Exam::all() } else { Vec::new() };
                let sets =
                    ExamStore::of_user().fetch((&mut app, renderer, &report), &scene, &exams, images, |notice| {
                        let _ = to_events.send(Event::ExamNotice(notice));
                    })?;
                let _ = exam_sender.send(sets);
                Ok(generator::run(app, scene, generator_config, generator_end)?)
            })
            .map_err(Failure::Thread)?;
        let desk =
            Desk { directory, config, scene: for_trainer, device, events, adapter, exam_sets, pictures: Vec::new() };
        let training = thread::Builder::new()
            .name("trainer".into())
            .stack_size(TRAINER_STACK)
            .spawn(move || desk.work(trainer, trainer_end, &stop))
            .map_err(Failure::Thread)?;
        let trained = training.join().unwrap_or(Err(Failure::Panic("trainer")));
        let generated = generator.join().unwrap_or(Err(GeneratorError::Panic.into()));
        // A generator that failed is why the trainer had to stop, so its error comes first.
        generated?;
        trained
    }
}

/// A trainer, its device's name, and the scene with images as the network takes them.
fn prepare(config: &RunConfig, scene: Scene) -> Result<(Trainer, String, Scene), Failure> {
    let spec = model::spec(&config.model, scene.figure.keypoints.len()).map_err(TrainError::from)?;
    let [width, height] = spec.input_size();
    // Other proportions are refused below, with both sizes.
    let scene = scene.resized(ImageSize { width, height }).unwrap_or(scene);
    let (trainer, device) = trainer(config, &scene)?;
    check_memory(config, trainer.network(), available_bytes()).map_err(RunError::from)?;
    Ok((trainer, device, scene))
}

/// A trainer before its first step, as `config` and `scene` want it, and the name of the device that it trains on.
///
/// # Errors
/// Where the configuration, the scene, the network and the device do not fit together.
pub fn trainer(config: &RunConfig, scene: &Scene) -> Result<(Trainer, String), Failure> {
    let device = open_device(&config.device)?;
    let name = device_name(&device);
    let steered = HardnessAxis::ALL.into_iter().filter(|axis| scene.axes[*axis as usize].steered).collect();
    let settings = TrainSettings {
        seed: config.seed,
        steps: config.steps,
        model: config.model.clone(),
        loss: config.loss.clone(),
        flip: config.flip,
        lag: config.lag,
        optimizer: config.optimizer,
        afl: config.afl.clone(),
        curriculum: config.curriculum.clone(),
        steered_axes: steered,
    };
    let image = [scene.image.width, scene.image.height];
    Ok((Trainer::new(settings, scene.figure.clone(), image, device)?, name))
}

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
}

/// The trainer's thread: feeds the trainer and keeps the run's books.
struct Desk {
    directory: RunDirectory,
    config: RunConfig,
    scene: Arc<Scene>,
    device: String,
    events: Sender<Event>,
    adapter: crossbeam_channel::Receiver<AdapterReport>,
    exam_sets: crossbeam_channel::Receiver<Vec<ExamSet>>,
    pictures: Vec<std::path::PathBuf>,
}

impl Desk {
    fn work(mut self, mut trainer: Trainer, stream: TrainerEnd, stop: &AtomicBool) -> Result<(), Failure> {
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
        while trainer.step() < steps {
            let stopped = stop.load(Ordering::SeqCst);
            let received = if stopped { None } else { stream.receive().ok() };
            let Some(batch) = received else {
                // Stopped, or the generator has gone and will say why: whatever was learned is kept.
                self.checkpoint(&trainer, &examiner, &mut saved)?;
                if stopped {
                    self.tell(Event::Stopped { step: trainer.step() });
                }
                return Ok(());
            };
            self.pause();
            let report = trainer.learn(&batch)?;
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
            if done.is_multiple_of(self.config.log.every) || done == steps {
                let rate = window.samples() as f64 / window_began.elapsed().as_secs_f64().max(1e-9);
                metrics.append(done, &window.row(&report, &trainer, rate, in_flight.most()))?;
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
        }
        if !trainer.has_finite_weights().map_err(TrainError::from)? {
            return Err(TrainError::BrokenWeights { step: trainer.step() }.into());
        }
        let after = self.examine(&mut examiner, &trainer, &mut saved)?;
        self.checkpoint(&trainer, &examiner, &mut saved)?;
        self.write_weights(&trainer)?;
        let before = self.directory.exam_reports()?.into_iter().find(|report| report.step == 0);
        let exams = after.map(|after| ExamLine::compare(before.as_ref(), &after)).unwrap_or_default();
        let summary = Summary::new(&trainer, exams, examiner.best(), in_flight.most(), self.pictures.clone());
        self.directory.write_json("summary.json", &summary)?;
        self.tell(Event::Finished(Box::new(summary)));
        Ok(())
    }

    fn tell(&self, event: Event) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }

    /// A random pause, from the operating system's own randomness, where the configuration asks for them.
    fn pause(&self) {
        if self.config.debug.jitter_ms > 0 {
            thread::sleep(Duration::from_millis(rand::rng().random_range(0..=self.config.debug.jitter_ms)));
        }
    }

    /// Writes a checkpoint, unless there is nothing new to keep. That of a run that diverges would be none to go on from,
    /// and would push out those that are.
    fn checkpoint(&self, trainer: &Trainer, examiner: &Examiner, saved: &mut u64) -> Result<(), Failure> {
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
        self.tell(Event::Exams { report: report.clone(), best });
        Ok(Some(report))
    }

    /// What the first batch after starting leaves: the manifest, and at the very beginning a picture.
    fn write_beginning(&mut self, batch: &Batch) -> Result<(), Failure> {
        let hash = |tile: &crate::stream::Tile| {
            Sha256::digest(&tile.color).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let manifest = Manifest {
            version: env!("CARGO_PKG_VERSION"),
            adapter: self.adapter.try_recv().ok(),
            device: self.device.clone(),
            seed: self.config.seed,
            first_batch: batch.index,
            frame_hashes: batch.tiles.iter().map(hash).collect(),
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
        let weights = trainer.weights().map_err(TrainError::from)?;
        let card = card(&self.scene, self.config.seed, trainer.step(), trainer.spec(), trainer.activation());
        write_model(&self.directory.weights_path(), &weights, &card).map_err(RunError::from)?;
        Ok(self.directory.write_json("model.json", &card)?)
    }
}
