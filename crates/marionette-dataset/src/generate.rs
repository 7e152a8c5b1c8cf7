//! From a job to a data set: the generator on a thread of its own, and whatever it draws onto the
//! disk.

use crate::{
    DatasetError, Format, Job, card, coco, files::Folders, journal::Journal, sample::Sample,
    tars::Tars, yolo,
};
use marionette_base::{
    atomic_file::{PathError, read_file, write_atomic},
    folder_lock::{FolderLock, LockError},
};
use marionette_render::generator::{
    self, GeneratorConfig, GeneratorError, PoolConfig, batches_at_once,
};
use marionette_scene::{ImageSize, Scene};
use marionette_stream::{Batch, connect};
use rayon::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// What is kept of a job until its set is whole: a folder in the set's.
const KEPT: &str = ".generate";
/// The last file of a set to be written.
const WHOLE: &str = "dataset.json";
/// Samples after which the journal is written, where archives do not say.
const MARKED: u64 = 256;
/// The longest description of a job that is read, bytes.
const LONGEST_JOB: u64 = 1 << 20;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Samples that are written.
    pub done: u64,
    /// Samples of this shard.
    pub of: u64,
}

/// What a job came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The set is whole.
    Whole {
        /// Its pictures.
        pictures: u64,
        /// Its annotated figures.
        figures: u64,
    },
    /// It was whole already.
    WasWhole,
    /// It was stopped: what is done is kept.
    Stopped(Progress),
}

/// Makes the set of `job` from `scene` in the folder `out`, on `threads` threads, until it is whole
/// or `stop` is set. With `resume`, a set that was begun there is gone on with. `progress` hears of
/// every batch.
///
/// # Errors
/// If the folder holds something else or another set, another process writes there, the renderer
/// fails or the disk refuses. What was written stays, to go on with.
pub fn generate(
    scene: &Scene,
    job: &Job,
    out: &Path,
    resume: bool,
    threads: usize,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Outcome, DatasetError> {
    let Some((mut writer, _lock)) = Writer::open(out, job, resume)? else {
        return Ok(Outcome::WasWhole);
    };
    let [width, height] = job.size;
    let sized = scene.resized(ImageSize { width, height }).unwrap_or_else(|| scene.clone());
    let (samples, tiles) = (job.samples(), job.tiles() as u64);
    let reached =
        |done: u64| Progress { done: done - samples.start, of: samples.end - samples.start };
    if writer.journal.done() < samples.end {
        let pool = PoolConfig { seed: job.seed, batch: job.tiles(), threads, jitter_ms: 0 };
        let config = GeneratorConfig {
            first_batch: writer.journal.done() / tiles,
            end_batch: samples.end.div_ceil(tiles),
            pool,
        };
        draw(Arc::new(sized.clone()), job, config, stop, |batch| {
            writer.write(&sized, job, batch)?;
            progress(reached(writer.next));
            Ok(())
        })?;
    }
    if writer.next < samples.end {
        writer.stop()?;
        return Ok(Outcome::Stopped(reached(writer.journal.done())));
    }
    writer.finish(&sized, job)
}

/// Has the batches of `config` drawn and calls `write` for each, until `stop` is set.
fn draw(
    scene: Arc<Scene>,
    job: &Job,
    config: GeneratorConfig,
    stop: &AtomicBool,
    mut write: impl FnMut(Batch) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let policy = Arc::new(job.policy.clone());
    let (generator_end, consumer_end) =
        connect(vec![policy.clone(); batches_at_once(config.pool.threads, config.pool.batch)]);
    let generating = move || -> Result<(), GeneratorError> {
        let (app, ..) = generator::renderer(&scene, config)?;
        generator::run(app, scene, config, generator_end)
    };
    let generator = thread::Builder::new().name("generator".into()).spawn(generating);
    let generator = generator.map_err(PathError::at(Path::new("a thread"), "started"))?;
    let mut written = Ok(());
    for _ in config.first_batch..config.end_batch {
        // A generator that has gone says below why.
        let Ok(batch) = consumer_end.receive() else { break };
        consumer_end.publish(policy.clone());
        written = write(batch);
        if written.is_err() || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    drop(consumer_end);
    let generated = generator.join().unwrap_or(Err(GeneratorError::Panic));
    written?;
    Ok(generated?)
}

/// Writes samples in order.
struct Writer {
    root: PathBuf,
    sink: Sink,
    journal: Journal,
    /// The next sample to be written.
    next: u64,
}

enum Sink {
    Folders(Folders),
    Tars(Tars),
}

impl Writer {
    /// The writer of `job` in `root`, which goes on where that was left; `None` if the set is whole.
    fn open(
        root: &Path,
        job: &Job,
        resume: bool,
    ) -> Result<Option<(Self, FolderLock)>, DatasetError> {
        let kept = root.join(KEPT);
        let (whole, begun) = (root.join(WHOLE), kept.join("job.json"));
        let written = [&whole, &begun].into_iter().find(|path| path.exists());
        match written {
            Some(path) if resume => job.check_same(&read_job(path)?, root)?,
            _ => check_empty(root)?,
        }
        fs::create_dir_all(&kept).map_err(PathError::at(&kept, "made"))?;
        let lock = FolderLock::take(&kept.join("lock")).map_err(|error| match error {
            LockError::Path(error) => error.into(),
            LockError::Held { holder, .. } => DatasetError::Held { path: root.to_owned(), holder },
        })?;
        if whole.exists() {
            clear(&kept)?;
            return Ok(None);
        }
        write_job(&begun, job)?;
        let sink = match job.format {
            Format::Coco | Format::Yolo => Sink::Folders(Folders::new(root, job)?),
            Format::WebDataset => Sink::Tars(Tars::new(root, job)),
        };
        let journal = Journal::open(&kept.join("journal.jsonl"), job.samples().start)?;
        let next = journal.done();
        Ok(Some((Writer { root: root.to_owned(), sink, journal, next }, lock)))
    }

    /// Writes those samples of a batch that are next.
    fn write(&mut self, scene: &Scene, job: &Job, batch: Batch) -> Result<(), DatasetError> {
        let wanted = self.next..job.samples().end;
        let with_facts = job.samples().start..job.samples().start + card::LOOKED_AT;
        let tiles: Vec<_> =
            batch.tiles.iter().filter(|tile| wanted.contains(&tile.scene.index)).collect();
        let samples = tiles
            .into_par_iter()
            .map(|tile| {
                let facts = with_facts.contains(&tile.scene.index);
                Sample::new(tile, &scene.figure, job, facts)
            })
            .collect::<Result<Vec<_>, _>>()?;
        drop(batch);
        let every = match self.sink {
            Sink::Folders(_) => MARKED,
            Sink::Tars(_) => job.per_archive,
        };
        for samples in samples.chunk_by(|one, other| one.index / every == other.index / every) {
            match &mut self.sink {
                Sink::Folders(folders) => folders.write(samples)?,
                Sink::Tars(tars) => tars.write(samples)?,
            }
            for sample in samples {
                self.journal.add(&sample.line);
                self.next = sample.index + 1;
            }
            if self.next.is_multiple_of(every) || self.next == wanted.end {
                self.mark()?;
            }
        }
        Ok(())
    }

    /// Makes sure that what was written stays.
    fn mark(&mut self) -> Result<(), DatasetError> {
        match &mut self.sink {
            Sink::Folders(folders) => folders.finish()?,
            Sink::Tars(tars) => tars.finish()?,
        }
        self.journal.mark(self.next)
    }

    /// Keeps what can be kept. An archive that is not full is made anew.
    fn stop(&mut self) -> Result<(), DatasetError> {
        match self.sink {
            Sink::Folders(_) if self.next > self.journal.done() => self.mark(),
            _ => Ok(()),
        }
    }

    /// Writes what describes the set as a whole, last that it is whole.
    fn finish(self, scene: &Scene, job: &Job) -> Result<Outcome, DatasetError> {
        let Writer { root, journal, .. } = self;
        let category = Job::category(&scene.figure.name);
        match job.format {
            Format::Coco => coco::write(&root, job, category, &scene.figure, &journal)?,
            Format::Yolo => {
                let yaml = yolo::data_yaml(category, &scene.figure.scheme(), &job.splits);
                write_atomic(&root.join("data.yaml"), yaml.as_bytes())?;
            }
            Format::WebDataset => {}
        }
        write_atomic(&root.join("scene.toml"), scene.scene_file.text.as_bytes())?;
        write_atomic(&root.join("figure.toml"), scene.figure_file.text.as_bytes())?;
        let (pictures, figures) = card::write(&root, scene, job, category, &journal)?;
        write_job(&root.join(WHOLE), job)?;
        clear(&root.join(KEPT))?;
        Ok(Outcome::Whole { pictures, figures })
    }
}

/// Refuses a folder that has something in it.
fn check_empty(root: &Path) -> Result<(), DatasetError> {
    if !root.exists() {
        return Ok(());
    }
    let entries = fs::read_dir(root).map_err(PathError::at(root, "read"))?;
    // A job that was killed as it began leaves a lock, and nothing else.
    let kept = root.join(KEPT);
    let begun = kept.join("job.json").exists();
    match entries.flatten().map(|entry| entry.path()).find(|path| *path != kept || begun) {
        None => Ok(()),
        Some(path) => Err(DatasetError::NotEmpty {
            path: root.to_owned(),
            first: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }),
    }
}

fn read_job(path: &Path) -> Result<Job, DatasetError> {
    let bytes = read_file(path, LONGEST_JOB)?;
    serde_json::from_slice(&bytes).map_err(|error| DatasetError::Damaged {
        path: path.to_owned(),
        found: format!("is damaged or of another version: {error}"),
    })
}

fn write_job(path: &Path, job: &Job) -> Result<(), DatasetError> {
    let text = serde_json::to_string_pretty(job).map_err(|error| DatasetError::Damaged {
        path: path.to_owned(),
        found: format!("cannot be written: {error}"),
    })?;
    Ok(write_atomic(path, (text + "\n").as_bytes())?)
}

fn clear(kept: &Path) -> Result<(), DatasetError> {
    Ok(fs::remove_dir_all(kept).map_err(PathError::at(kept, "removed"))?)
}
