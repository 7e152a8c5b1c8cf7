//! The plan of an ablation, and its runs one after the other.

use super::{
    arm::Arm,
    outcome::{ExamImages, Outcome, Results},
};
use crate::{
    ConfigError, Failure, MetricsRow, RunConfig, RunDirectory, RunError, RunEvent, Session,
    exam::Exam,
};
use crossbeam_channel::Receiver;
use marionette_base::{
    atomic_file::{PathError, write_atomic},
    json_file::json_text,
};
use marionette_scene::Scene;
use marionette_train::trainer::TrainError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

/// Events of a run that may wait to be read.
const EVENTS: usize = 1024;
/// The exams taken on the way: their images are scored throughout training.
pub(super) const PROBED: [Exam; 3] = [Exam::Easy, Exam::Standard, Exam::Hard];
/// How often they are taken.
const CURVE_POINTS: u64 = 8;

/// What can go wrong with an ablation. Every message says what would do.
#[derive(Debug, thiserror::Error)]
pub enum AblationError {
    /// A run failed, or a file.
    #[error(transparent)]
    Run(#[from] Failure),
    /// The folder is there and was not to be gone on with.
    #[error("{}: has results already; --resume adds to them, or choose another --out", .0.display())]
    Exists(PathBuf),
    /// The folder has results of something else.
    #[error(
        "{}: has results of another configuration ({}); give the same, or choose another --out",
        .folder.display(), .differences.join(", ")
    )]
    Other {
        /// The folder.
        folder: PathBuf,
        /// What differs: key, there, wanted.
        differences: Vec<String>,
    },
}

impl From<RunError> for AblationError {
    fn from(error: RunError) -> Self {
        AblationError::Run(error.into())
    }
}

impl From<PathError> for AblationError {
    fn from(error: PathError) -> Self {
        RunError::from(error).into()
    }
}

/// Arms by seeds, in a folder.
pub struct Plan {
    folder: PathBuf,
    scene: Scene,
    base: RunConfig,
    arms: Vec<Arm>,
    seeds: RangeInclusive<u64>,
}

/// `ablation.json`: what all arms of a folder have in common.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Common {
    scene: String,
    scene_sha256: String,
    config: RunConfig,
}

/// What happens in an ablation.
pub enum Progress<'a> {
    /// A run begins, or goes on.
    Begins {
        /// Its arm.
        arm: &'a str,
        /// Its seed.
        seed: u64,
        /// Its number among all runs of the plan, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// Something happened in it.
    Event(&'a RunEvent),
    /// It has ended.
    Ended(&'a Outcome),
}

impl Plan {
    /// A plan for `arms` with each of `seeds`, in `folder`. `base` is what all arms have in common;
    /// its seed does not count.
    ///
    /// # Errors
    /// If an arm does not fit `base`.
    pub fn new(
        folder: &Path,
        scene: Scene,
        mut base: RunConfig,
        arms: Vec<Arm>,
        seeds: RangeInclusive<u64>,
    ) -> Result<Self, ConfigError> {
        base.seed = *seeds.start();
        base.exam.every = (base.steps / CURVE_POINTS).max(1);
        base.exam.during = PROBED.map(Exam::name).to_vec();
        base.validate()?;
        for arm in &arms {
            arm.apply(&base)?;
        }
        Ok(Plan { folder: folder.to_owned(), scene, base, arms, seeds })
    }

    /// `results.jsonl`: a line a run.
    pub fn results_path(&self) -> PathBuf {
        self.folder.join("results.jsonl")
    }

    /// The folder of the run of `arm` with `seed`.
    fn run_path(&self, arm: &str, seed: u64) -> PathBuf {
        self.folder.join("runs").join(format!("{arm}-{seed}"))
    }

    /// Begins the folder, or sees whether what is there belongs to this plan.
    fn begin(&self, resume: bool) -> Result<Results, AblationError> {
        let mut scene = Sha256::new();
        scene.update(&self.scene.scene_file.text);
        scene.update(&self.scene.figure_file.text);
        let config = RunConfig { seed: RunConfig::default().seed, ..self.base.clone() };
        let common = Common {
            scene: self.scene.name.clone(),
            scene_sha256: format!("{:x}", scene.finalize()),
            config,
        };
        let path = self.folder.join("ablation.json");
        if path.exists() {
            if !resume {
                return Err(AblationError::Exists(self.folder.clone()));
            }
            let there: Common = fs::read(&path)
                .map_err(PathError::at(&path, "read"))
                .map(|text| serde_json::from_slice(&text))?
                .map_err(|error| RunError::Damaged {
                    path: path.clone(),
                    found: format!("is no ablation: {error}"),
                    remedy: "choose another --out".to_owned(),
                })?;
            let differences = there.differences(&common);
            if !differences.is_empty() {
                return Err(AblationError::Other { folder: self.folder.clone(), differences });
            }
        } else {
            fs::create_dir_all(&self.folder).map_err(PathError::at(&self.folder, "made"))?;
            let text = json_text(&common).map_err(|error| RunError::Content {
                path: path.clone(),
                message: error.to_string(),
            })?;
            write_atomic(&path, text.as_bytes())?;
        }
        Ok(Results::open(&self.results_path())?)
    }

    /// Runs `arm` with `seed` to its end, from wherever it was; `None` if it was stopped on the
    /// way.
    fn run_one(
        &self,
        arm: &Arm,
        seed: u64,
        stop: &Arc<AtomicBool>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<Outcome>, AblationError> {
        let base = RunConfig { seed, ..self.base.clone() };
        let config = arm.apply(&base).map_err(RunError::from)?;
        let path = self.run_path(&arm.name, seed);
        let mut session = if path.join("config.toml").exists() {
            let (_, there, _) = RunDirectory::open(&path)?;
            let differences = differences(&there, &config);
            if !differences.is_empty() {
                return Err(AblationError::Other { folder: path, differences });
            }
            Session::resume(&path, &[])?
        } else {
            Session::create(&path, config.clone(), self.scene.clone())?
        };
        let events = session.subscribe(EVENTS);
        let (began, stopped) = (Instant::now(), stop.clone());
        let running = thread::Builder::new()
            .name("run".into())
            .spawn(move || session.run(stopped))
            .map_err(Failure::Thread)?;
        let mut outcome = follow(&events, &config, progress);
        let ended = running.join().unwrap_or(Err(Failure::Panic("run")));
        match ended {
            Ok(()) if stop.load(Ordering::SeqCst) && outcome.exams.is_empty() => return Ok(None),
            Ok(()) => {}
            Err(Failure::Train(
                error @ (TrainError::Diverged { .. } | TrainError::BrokenWeights { .. }),
            )) => outcome.diverged = Some(error.to_string()),
            Err(failure) => return Err(failure.into()),
        }
        let directory = RunDirectory::at(&path)?;
        (outcome.arm, outcome.seed) = (arm.name.clone(), seed);
        outcome.seconds = began.elapsed().as_secs_f64();
        outcome.images = config.batch as u64 * outcome.step;
        let (rows, _) = MetricsRow::read(&directory.metrics_path());
        outcome.rejected = rows.iter().flat_map(|row| row.rejections.values()).sum();
        for report in directory.exam_reports()? {
            let standard = report.result(Exam::Standard).and_then(|result| result.pck.torso_02);
            let images = config.batch as u64 * report.step;
            outcome.curve.extend(standard.map(|score| (images, score)));
            let scores = PROBED.map(|exam| Some(report.result(exam)?.score.as_ref()?.mean));
            outcome.scores.push((images, scores));
        }
        Ok(Some(outcome))
    }
}

/// What the events of a run come to.
fn follow(
    events: &Receiver<RunEvent>,
    config: &RunConfig,
    progress: &mut dyn FnMut(Progress),
) -> Outcome {
    let mut outcome = Outcome {
        step: 0,
        arm: String::new(),
        seed: 0,
        images: 0,
        rejected: 0,
        seconds: 0.0,
        diverged: None,
        score: None,
        curve: Vec::new(),
        scores: Vec::new(),
        exams: Vec::new(),
    };
    for event in events {
        progress(Progress::Event(&event));
        match &event {
            RunEvent::Step(report) => outcome.step = report.step + 1,
            RunEvent::Exams { report, .. } if report.step == config.steps => {
                outcome.exams = report.exams.iter().map(ExamImages::new).collect();
            }
            RunEvent::Finished(summary) => {
                outcome.step = summary.steps;
                outcome.score = Some(summary.score.clone());
            }
            _ => {}
        }
    }
    outcome
}

/// The keys in which two configurations differ, with their values.
fn differences(there: &RunConfig, wanted: &RunConfig) -> Vec<String> {
    let leaves = |config: &RunConfig| {
        let table = toml::Table::try_from(config).unwrap_or_default();
        crate::set::leaves(&table)
    };
    leaves(there)
        .into_iter()
        .zip(leaves(wanted))
        .filter(|(there, wanted)| there != wanted)
        .map(|((key, there), (_, wanted))| format!("{key}: {there} there, {wanted} wanted"))
        .collect()
}

impl Common {
    fn differences(&self, wanted: &Common) -> Vec<String> {
        let mut found = Vec::new();
        if self.scene != wanted.scene {
            found.push(format!("scene: {} there, {} wanted", self.scene, wanted.scene));
        } else if self.scene_sha256 != wanted.scene_sha256 {
            found.push(format!("the files of scene {} have changed", self.scene));
        }
        found.extend(differences(&self.config, &wanted.config));
        found
    }
}

/// Runs every arm of `plan` with every seed, seed by seed, those that have no outcome yet. Stops
/// once `stop` is set; what was done so far is kept, and `resume` goes on from there.
///
/// # Errors
/// If the folder is of something else, or a run fails for another reason than that it diverged:
/// that is an outcome.
pub fn run(
    plan: &Plan,
    resume: bool,
    stop: &Arc<AtomicBool>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Results, AblationError> {
    let mut results = plan.begin(resume)?;
    let of = plan.arms.len() * plan.seeds.clone().count();
    let runs = plan.seeds.clone().flat_map(|seed| plan.arms.iter().map(move |arm| (seed, arm)));
    for (number, (seed, arm)) in (1..).zip(runs) {
        if results.of(&arm.name, seed).is_some() {
            continue;
        }
        if stop.load(Ordering::SeqCst) {
            break;
        }
        progress(Progress::Begins { arm: &arm.name, seed, number, of });
        let Some(outcome) = plan.run_one(arm, seed, stop, progress)? else { break };
        progress(Progress::Ended(&outcome));
        results.add(outcome)?;
    }
    Ok(results)
}
