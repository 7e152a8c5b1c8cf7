//! A run from beginning to end: it starts the generator and the trainer on threads of their own,
//! and joins them.

use super::{
    EventSender, Failure, Publisher, RunConfig, RunDirectory, RunError, RunEvent, RunModel, Watch,
    Which, cut_back,
    device::{allow_tf32, device_name, open_device},
    device_choice::{TriedDevice, choose_device},
    load_latest, load_model, resolved_lag,
    resources::{available_bytes, check_memory, threads},
    save,
    training_loop::TrainingLoop,
    watch::watch,
};
use crate::exam::{Exam, ExamStore};
use candle_core::Device;
use crossbeam_channel::Receiver;
use marionette_base::folder_lock::FolderLock;
use marionette_nn as model;
use marionette_render::{
    find_adapter, generator,
    generator::{GeneratorConfig, GeneratorError, PoolConfig},
};
use marionette_scene::{ImageSize, Scene};
use marionette_stream::{Focus, HardnessAxis, connect};
use marionette_train::{
    photographs::Photographs,
    trainer::{Taken, TrainError, TrainSettings, Trainer, TrainerState, UnfitCheckpoint},
};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

/// The trainer's stack: candle's backward pass recurses over the whole graph.
pub const TRAINER_STACK: usize = 256 << 20;

/// Events that may wait for a watcher, some minutes of a run.
const WATCHER_EVENTS: usize = 4096;

/// A run that is ready to start or to go on.
pub struct Session {
    directory: RunDirectory,
    config: RunConfig,
    scene: Arc<Scene>,
    trainer: Trainer,
    device: String,
    events: EventSender,
    publisher: Option<Publisher>,
    photographs: Option<Photographs>,
    /// The devices that were tried, the one that is taken first; none where there is no choice.
    tried: Vec<TriedDevice>,
    /// What was taken of the weights that the run starts from.
    taken: Option<Taken>,
    /// Nobody else writes in the folder as long as this is there.
    lock: FolderLock,
}

impl Session {
    fn new(
        (directory, lock): (RunDirectory, FolderLock),
        config: RunConfig,
        scene: Scene,
        trainer: Trainer,
        device: String,
    ) -> Self {
        let scene = Arc::new(scene);
        Session {
            directory,
            config,
            scene,
            trainer,
            device,
            events: EventSender::default(),
            publisher: None,
            photographs: None,
            tried: Vec::new(),
            taken: None,
            lock,
        }
    }

    /// Prepares a new run in a new directory at `path`. Nothing is written unless everything else
    /// is in order.
    ///
    /// # Errors
    /// Where the configuration, the scene, the network and the device do not fit together, there is
    /// no graphics adapter, or the directory exists.
    pub fn create(path: &Path, config: RunConfig, scene: Scene) -> Result<Self, Failure> {
        let begin = |config: &RunConfig, scene: &Scene| RunDirectory::create(path, config, scene);
        Self::begin(config, scene, begin)
    }

    /// As [`Self::create`], in the next free folder in `folder`, which is named after the scene.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_next(folder: &Path, config: RunConfig, scene: Scene) -> Result<Self, Failure> {
        let begin =
            |config: &RunConfig, scene: &Scene| RunDirectory::create_next(folder, config, scene);
        Self::begin(config, scene, begin)
    }

    fn begin(
        mut config: RunConfig,
        scene: Scene,
        begin: impl FnOnce(&RunConfig, &Scene) -> Result<(RunDirectory, FolderLock), RunError>,
    ) -> Result<Self, Failure> {
        config.validate().map_err(RunError::from)?;
        // What is learned depends on it, and whoever goes on with the run may have other threads.
        config.lag = resolved_lag(config.lag, config.batch, config.threads);
        let tried = choose_device(&mut config, scene.figure.keypoints.len());
        let (mut trainer, device, scene) = prepare(&config, scene)?;
        let photographs = photographs(&config, &scene, &trainer)?;
        let start = Start::of(&config, &scene, &mut trainer)?;
        find_adapter().map_err(GeneratorError::from)?;
        let held = begin(&config, &scene)?;
        let taken = start.keep(&held.0, &config, &trainer)?;
        let session = Session::new(held, config, scene, trainer, device);
        Ok(Session { photographs, tried, taken, ..session })
    }

    /// Prepares to go on with the run at `path`, from its latest checkpoint or, where it has none
    /// yet, from the start. `overrides` are `key=value` settings; only some may change in a run
    /// that has begun.
    ///
    /// # Errors
    /// Where the directory is no run, a setting may not change, or the checkpoint is damaged or
    /// does not fit.
    pub fn resume(path: &Path, overrides: &[String]) -> Result<Self, Failure> {
        // Whoever writes there is asked first: what is read below might be changing.
        let lock = RunDirectory::at(path).map_err(no_run_to_go_on_with)?.lock()?;
        let (directory, _, scene) = RunDirectory::open(path)?;
        let config = RunConfig::load_to_go_on(&directory.config_path()).map_err(RunError::from)?;
        let config = config.continued(overrides).map_err(RunError::from)?;
        let (mut trainer, device, scene) = prepare(&config, scene)?;
        find_adapter().map_err(GeneratorError::from)?;
        let taken = match load_latest::<TrainerState>(&directory)? {
            Some(loaded) => {
                let damaged = |unfit: UnfitCheckpoint| RunError::Damaged {
                    path: loaded.folder,
                    found: unfit.to_string(),
                    remedy: format!("put {} back as it was", directory.config_path().display()),
                };
                trainer.restore(&loaded.tensors, loaded.state).map_err(damaged)?;
                None
            }
            None => {
                Start::of(&config, &scene, &mut trainer)?.keep(&directory, &config, &trainer)?
            }
        };
        directory.write_config(&config)?;
        cut_back(&directory.metrics_path(), trainer.step())?;
        if let Some(settings) = directory.settings_at(trainer.step(), trainer.manual_settings())? {
            trainer.set_manual_settings(settings);
        }
        let photographs = photographs(&config, &scene, &trainer)?;
        let session = Session::new((directory, lock), config, scene, trainer, device);
        Ok(Session { photographs, taken, ..session })
    }

    /// The devices that a new run tried as none was named, the one that it takes first; none where
    /// there was no choice.
    pub fn tried_devices(&self) -> &[TriedDevice] {
        &self.tried
    }

    /// What was taken of the weights that a new run starts from, if it starts from any.
    pub fn taken(&self) -> Option<&Taken> {
        self.taken.as_ref()
    }

    /// The people in photographs that the run learns from, and how many of a batch are some.
    pub fn photographs(&self) -> Option<(usize, usize)> {
        self.photographs.as_ref().map(|photographs| (photographs.people(), photographs.count()))
    }

    /// What a share of the samples is drawn for, if anything.
    pub fn focus(&self) -> Option<Focus> {
        self.trainer.newest_policy()?.focus.clone()
    }

    /// The run's directory.
    pub fn directory(&self) -> &RunDirectory {
        &self.directory
    }

    /// The run's scene, with images as the network takes them.
    pub fn scene(&self) -> &Arc<Scene> {
        &self.scene
    }

    /// The run's configuration.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// A reader of the run's events, whose queue holds at most `capacity` of them; see
    /// [`EventSender::subscribe`].
    pub fn subscribe(&mut self, capacity: usize) -> Receiver<RunEvent> {
        self.events.subscribe(capacity)
    }

    /// A watcher, who reads the run's events, sees its newest state and may hand in controls. As
    /// long as no control sets anything, the run comes to the same as without, bit for bit. There
    /// is one watcher: a second takes the first one's place.
    pub fn watch(&mut self) -> Watch {
        let (watch, publisher) = watch(self.subscribe(WATCHER_EVENTS));
        self.publisher = Some(publisher);
        watch
    }

    /// Runs until all steps are done, `stop` is set, or something fails; a checkpoint is written in
    /// each case that leaves anything to write. Readers of events hear of all of it, and never hold
    /// the run up.
    ///
    /// # Errors
    /// Whatever failed first.
    pub fn run(self, stop: Arc<AtomicBool>) -> Result<(), Failure> {
        let (events, directory) = (self.events.clone(), self.directory.clone());
        let result = self.run_threads(stop);
        if let Err(failure) = &result {
            let checkpoint = directory.newest_checkpoint();
            events.send(RunEvent::Failed { message: failure.to_string(), checkpoint });
        }
        result
    }

    fn run_threads(self, stop: Arc<AtomicBool>) -> Result<(), Failure> {
        let Session {
            directory,
            config,
            scene,
            trainer,
            device,
            events,
            publisher,
            photographs,
            tried: _,
            taken: _,
            lock,
        } = self;
        // A card orders work by thread: what this one has begun there ends before another goes on.
        let network = trainer.network().parameters().device();
        network.synchronize().map_err(TrainError::from)?;
        let (generator_end, trainer_end) = connect(trainer.policies());
        let generator_config = GeneratorConfig {
            first_batch: trainer.step(),
            end_batch: config.steps.max(trainer.step()),
            pool: PoolConfig {
                seed: config.seed,
                batch: config.batch - config.photographs.count(config.batch),
                threads: threads(config.threads),
                jitter_ms: config.debug.jitter_ms,
            },
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
                to_events.send(RunEvent::RendererReady(report.clone()));
                let exams = if images > 0 { Exam::all() } else { Vec::new() };
                let sets = ExamStore::of_user().fetch(
                    (&mut app, renderer, &report),
                    &scene,
                    &exams,
                    images,
                    |notice| {
                        to_events.send(RunEvent::ExamNotice(notice));
                    },
                )?;
                let _ = exam_sender.send(sets);
                Ok(generator::run(app, scene, generator_config, generator_end)?)
            })
            .map_err(Failure::Thread)?;
        let training = TrainingLoop {
            directory,
            config,
            scene: for_trainer,
            device,
            events,
            adapter,
            exam_sets,
            publisher,
            photographs,
        };
        let trainer = thread::Builder::new()
            .name("trainer".into())
            .stack_size(TRAINER_STACK)
            .spawn(move || training.run(trainer, trainer_end, &stop))
            .map_err(Failure::Thread)?;
        let trained = trainer.join().unwrap_or(Err(Failure::Panic("trainer")));
        let generated = generator.join().unwrap_or(Err(GeneratorError::Panic.into()));
        drop(lock);
        // A generator that failed is why the trainer had to stop, so its error comes first.
        generated?;
        trained
    }
}

/// The photographs that a run learns from, if there are to be any.
fn photographs(
    config: &RunConfig,
    scene: &Scene,
    trainer: &Trainer,
) -> Result<Option<Photographs>, Failure> {
    let (of, scheme) = (&config.photographs, scene.figure.scheme());
    Ok(Photographs::open(of, &scheme, trainer.spec(), config.batch, config.seed)?)
}

/// What a run has before its first step, besides what its seed says.
struct Start {
    /// What was taken of other weights.
    taken: Option<Taken>,
    is_focused: bool,
}

impl Start {
    /// Has `trainer` start from the weights and for the audit that `config` names.
    fn of(config: &RunConfig, scene: &Scene, trainer: &mut Trainer) -> Result<Self, Failure> {
        let taken = start_from(config, trainer)?;
        let focus = config.focus.open(scene)?;
        if let Some(focus) = &focus {
            trainer.focus_on(focus);
        }
        Ok(Start { taken, is_focused: focus.is_some() })
    }

    /// Keeps it in a checkpoint, so that whoever goes on with the run need not find the other
    /// weights or the audit again.
    fn keep(
        self,
        directory: &RunDirectory,
        config: &RunConfig,
        trainer: &Trainer,
    ) -> Result<Option<Taken>, Failure> {
        if self.taken.is_some() || self.is_focused {
            let (tensors, state) = trainer.save()?;
            save(directory, 0, &tensors, &state, config.checkpoint.keep, None)?;
        }
        Ok(self.taken)
    }
}

/// Has `trainer` start from the weights that `config` names, if it names any.
fn start_from(config: &RunConfig, trainer: &mut Trainer) -> Result<Option<Taken>, Failure> {
    if config.init.is_empty() {
        return Ok(None);
    }
    let path = Path::new(&config.init);
    let RunModel { detector, source } = load_model(path, Which::Newest, &Device::Cpu)?;
    let tensors = detector.network().parameters().tensors().map_err(TrainError::from)?;
    let taken = trainer.start_from(&tensors, &detector.card().keypoints.names)?;
    if taken.tensors == 0 {
        return Err(Failure::Run(RunError::Damaged {
            path: source,
            found: format!(
                "has a network {}, of which nothing fits {}",
                detector.card().network.name,
                config.model
            ),
            remedy: format!("give weights of {}, or --model", config.model),
        }));
    }
    Ok(Some(taken))
}

/// What is no run cannot be gone on with, but begun.
fn no_run_to_go_on_with(error: RunError) -> RunError {
    match error {
        RunError::Damaged { path, found, remedy } => {
            let remedy = format!("{remedy}, or leave --resume out to begin one");
            RunError::Damaged { path, found, remedy }
        }
        other => other,
    }
}

/// A trainer, its device's name, and the scene with images as the network takes them.
fn prepare(config: &RunConfig, scene: Scene) -> Result<(Trainer, String, Scene), Failure> {
    let spec =
        model::spec(&config.model, scene.figure.keypoints.len()).map_err(TrainError::from)?;
    let [width, height] = spec.input_size();
    // Other proportions are refused below, with both sizes.
    let scene = scene.resized(ImageSize { width, height }).unwrap_or(scene);
    let (trainer, device) = trainer(config, &scene)?;
    check_memory(config, trainer.network(), available_bytes()).map_err(RunError::from)?;
    Ok((trainer, device, scene))
}

/// A trainer before its first step, as `config` and `scene` want it, and the name of the device
/// that it trains on.
///
/// # Errors
/// Where the configuration, the scene, the network and the device do not fit together.
pub fn trainer(config: &RunConfig, scene: &Scene) -> Result<(Trainer, String), Failure> {
    let device = open_device(&config.device)?;
    allow_tf32(config.tf32, &device)?;
    let name = device_name(&device);
    let steered =
        HardnessAxis::ALL.into_iter().filter(|axis| scene.axes[*axis as usize].steered).collect();
    let settings = TrainSettings {
        seed: config.seed,
        steps: config.steps,
        model: config.model.clone(),
        loss: config.loss.clone(),
        flips: config.flips,
        lag: resolved_lag(config.lag, config.batch, config.threads),
        optimizer: config.optimizer,
        afl: config.afl.clone(),
        curriculum: config.curriculum.clone(),
        steered_axes: steered,
    };
    let image = [scene.image.width, scene.image.height];
    Ok((Trainer::new(settings, scene.figure.clone(), image, device)?, name))
}
