//! The stage's thread: it renders samples with the training renderer, in apps of its own, and asks
//! the network for predictions.

use super::{
    network,
    request::{AxisAblation, StagePicture, StageRequest, StageSource},
    samples,
};
use crate::subject::Subject;
use bevy::prelude::App;
use candle_core::Device;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};
use marionette_physics::Solvability;
use marionette_render::{RendererConfig, headless_app, render_samples};
use marionette_run::{Control, RunDirectory, Which, load_model, threads};
use marionette_scene::Scene;
use marionette_stream::{AXES, SceneSample, Tile};
use marionette_train::{eval::Detector, trainer::Prediction};
use std::{
    convert::Infallible,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The longer side of the stage's picture, pixels.
const SIDE: u32 = 384;
/// How long to wait for the trainer's predictions. It may be in the middle of exams.
const PATIENCE: Duration = Duration::from_secs(20);

/// A picture, or a request's number and why there is none.
type Answer = Result<StagePicture, (u64, String)>;

/// The window's side of the stage's thread. Dropping it waits until the thread's renderers are gone:
/// a driver that is unloaded while the process exits crashes the process.
pub struct StageRenderer {
    requests: Sender<StageRequest>,
    /// To take back a request that has not begun.
    waiting: Receiver<StageRequest>,
    answers: Receiver<Answer>,
    /// Dropping it ends the worker's wait for the trainer.
    _open: Sender<Infallible>,
    /// The last field: the channels must be closed before the thread is waited for.
    _thread: JoinOnDrop,
}

/// A thread that is waited for when this is dropped.
struct JoinOnDrop(Option<JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl StageRenderer {
    /// Starts the thread. It builds its renderers at the first request.
    pub fn start(subject: &Subject) -> Self {
        let (requests, waiting) = bounded::<StageRequest>(1);
        let (sender, answers) = bounded(1);
        let (open, closed) = bounded(0);
        let (scene, config) = (subject.scene.clone(), subject.config.clone());
        let controls = subject.watch.as_ref().map(|watch| watch.controls());
        let (directory, requested) = (subject.directory.clone(), waiting.clone());
        let work = move || {
            let judge = Solvability::new(scene.figure.clone());
            let (seed, threads, apps) = (config.seed, threads(config.threads), [None, None]);
            Worker {
                scene,
                seed,
                threads,
                judge,
                controls,
                closed,
                directory,
                apps,
                detector: None,
            }
            .serve(&requested, &sender);
        };
        // If no thread can be started there is no stage: the panel keeps waiting, and the run goes
        // on.
        let thread = thread::Builder::new().name("stage".into()).spawn(work).ok();
        StageRenderer { requests, waiting, answers, _open: open, _thread: JoinOnDrop(thread) }
    }

    /// Asks for a picture. The request replaces an earlier one that has not begun.
    pub fn ask(&self, request: StageRequest) {
        let mut request = request;
        while let Err(TrySendError::Full(newer)) = self.requests.try_send(request) {
            request = match self.waiting.try_recv() {
                Ok(older) => newer.after(&older),
                Err(_) => newer,
            };
        }
    }

    /// The newest answer since the last call.
    pub fn newest(&self) -> Option<Answer> {
        self.answers.try_iter().last()
    }
}

struct Worker {
    scene: Arc<Scene>,
    seed: u64,
    threads: usize,
    judge: Solvability,
    controls: Option<Sender<Control>>,
    /// Closed when the window closes.
    closed: Receiver<Infallible>,
    directory: RunDirectory,
    /// The renderers of large pictures and of pictures at the network's input size.
    apps: [Option<(App, RendererConfig)>; 2],
    detector: Option<Detector>,
}

impl Worker {
    /// Answers requests until the window closes.
    fn serve(mut self, requests: &Receiver<StageRequest>, answers: &Sender<Answer>) {
        while let Ok(request) = requests.recv() {
            let number = request.number;
            if answers.send(self.picture(request).map_err(|message| (number, message))).is_err() {
                return;
            }
        }
    }

    fn picture(&mut self, request: StageRequest) -> Result<StagePicture, String> {
        let began = Instant::now();
        let (scene, seed) = (self.scene.clone(), self.seed);
        let (network, large) = (self.network_size(), self.large_size());
        let sample = match request.source {
            StageSource::Posed { index, hardness } => {
                samples::posed(&scene, &self.judge, seed, index, hardness)?
            }
            StageSource::Sample(sample) => (*sample).clone(),
        };
        let sample = samples::scaled(&sample, network);
        let viewed = samples::viewed(&sample, &request.view);
        let mut to_render = vec![viewed.clone()];
        if request.explain {
            let again = |hardness| samples::resampled(&scene, &self.judge, seed, &sample, hardness);
            to_render.push(again(sample.hardness));
            to_render.extend(samples::each_axis_at_zero(sample.hardness).map(again));
        }
        let large = self
            .render(0, large, &[samples::scaled(&viewed, large)])?
            .pop()
            .ok_or("nothing was drawn")?;
        let mut tiles = self.render(1, network, &to_render)?;
        let predictions = self.predictions(&tiles);
        let prediction_of = |i: usize| match &predictions {
            Ok(predictions) => {
                predictions.get(i).cloned().ok_or_else(|| "the network says nothing".to_owned())
            }
            Err(message) => Err(message.clone()),
        };
        let input = tiles.remove(0);
        let ablations = tiles
            .into_iter()
            .enumerate()
            .map(|(i, tile)| AxisAblation { tile, prediction: prediction_of(i + 1) });
        let ablations = ablations.collect();
        Ok(StagePicture {
            number: request.number,
            large,
            input,
            prediction: prediction_of(0),
            ablations,
            took: began.elapsed(),
        })
    }

    fn network_size(&self) -> [u32; 2] {
        [self.scene.image.width, self.scene.image.height]
    }

    fn large_size(&self) -> [u32; 2] {
        let [width, height] = self.network_size();
        let scale = f64::from(SIDE) / f64::from(width.max(height).max(1));
        [width, height].map(|side| (f64::from(side) * scale).round().max(1.0) as u32)
    }

    fn render(
        &mut self,
        which: usize,
        [width, height]: [u32; 2],
        samples: &[SceneSample],
    ) -> Result<Vec<Tile>, String> {
        if self.apps[which].is_none() {
            let tiles = if which == 0 { 1 } else { AXES + 2 };
            let config = RendererConfig { tiles, width, height, threads: self.threads };
            let (app, _) =
                headless_app(config, &self.scene.pictures).map_err(|error| error.to_string())?;
            self.apps[which] = Some((app, config));
        }
        let Some((app, config)) = &mut self.apps[which] else { return Ok(Vec::new()) };
        let rendered = render_samples(app, *config, &self.scene.figure, samples)
            .map_err(|error| error.to_string());
        if rendered.is_err() {
            // A device that was lost may come back.
            self.apps[which] = None;
        }
        rendered
    }

    /// The network's predictions for `tiles`. While the run trains, its own network is asked; after
    /// that, the run's newest network on disk.
    fn predictions(&mut self, tiles: &[Tile]) -> Result<Vec<Prediction>, String> {
        if let Some(controls) = &self.controls {
            let (sender, reply) = bounded(1);
            if controls.try_send(Control::Predict(tiles.to_vec(), sender)).is_ok() {
                select! {
                    recv(reply) -> reply => if let Ok(predictions) = reply {
                        return predictions;
                    },
                    recv(self.closed) -> _ => return Err("the window is closed".to_owned()),
                    default(PATIENCE) => return Err("the trainer is busy with something else; ask again".to_owned()),
                }
            }
            self.controls = None;
        }
        if self.detector.is_none() {
            let model = load_model(self.directory.path(), Which::Newest, &Device::Cpu)
                .map_err(|error| error.to_string())?;
            self.detector = Some(model.detector);
        }
        let Some(detector) = &self.detector else { return Err("there is no network".to_owned()) };
        network::predictions(detector, tiles).map_err(|error| error.to_string())
    }
}
