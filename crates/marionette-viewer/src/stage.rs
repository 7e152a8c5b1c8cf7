//! The stage's worker: draws samples with the training renderer, in an app and on a thread of its
//! own, and asks the network.

use super::{
    Subject,
    pose::{self, View},
};
use bevy::prelude::App;
use candle_core::{Device, Tensor};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};
use marionette_nn::detect::{decoded, heatmaps, normalise};
use marionette_physics::Solvability;
use marionette_render::{RendererConfig, headless_app, render_samples};
use marionette_run::{Control, RunDirectory, Which, load_model, threads};
use marionette_scene::Scene;
use marionette_stream::{AXES, Hardness, Policy, SceneSample, Tile};
use marionette_train::{
    eval::Detector,
    trainer::{Prediction, SampleMetrics},
};
use std::{
    convert::Infallible,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The longer side of the stage's picture, pixels.
pub const SIDE: u32 = 384;
/// How long the trainer is given to say what its network makes of a picture; exams may be under
/// way.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is to be drawn.
#[derive(Clone, Debug)]
pub enum What {
    /// A sample at a hardness of one's own.
    Posed {
        /// Which.
        index: u64,
        /// How hard.
        hardness: Hardness,
    },
    /// A sample as it is.
    Sample(Arc<SceneSample>),
}

/// A request for a picture.
#[derive(Clone)]
pub struct Request {
    /// Comes back with the picture.
    pub number: u64,
    /// What is to be drawn.
    pub what: What,
    /// From where.
    pub view: View,
    /// Whether to draw it with each axis at zero as well.
    pub explain: bool,
    /// For replayed samples: knows what they repeat.
    pub policy: Option<Arc<Policy>>,
}

impl Request {
    /// This request in the place of `older`: an explanation that was asked for is not lost to a
    /// turn of the view.
    fn after(self, older: &Request) -> Request {
        let explain = older.explain
            && matches!((&older.what, &self.what), (What::Sample(a), What::Sample(b)) if Arc::ptr_eq(a, b));
        Request { explain: self.explain || explain, ..self }
    }
}

/// A sample with one axis at zero, or as it is.
#[derive(Clone)]
pub struct Variation {
    /// The picture as the network takes it.
    pub tile: Tile,
    /// What the network makes of it.
    pub prediction: Result<Prediction, String>,
}

/// What has been drawn.
pub struct Drawn {
    /// The request's number.
    pub number: u64,
    /// The picture, large, with its labels.
    pub large: Tile,
    /// The same as the network takes it.
    pub small: Tile,
    /// What the network makes of it.
    pub prediction: Result<Prediction, String>,
    /// As it is, then with each axis at zero; empty unless asked for.
    pub variations: Vec<Variation>,
    /// The time that it took.
    pub took: Duration,
}

/// The worker, from the window's side. Dropping it waits until the worker's renderers are gone: a
/// driver that is unloaded while the process exits takes the process down with it.
pub struct Stage {
    requests: Sender<Request>,
    /// To take back a request that is not begun.
    waiting: Receiver<Request>,
    drawn: Receiver<Result<Drawn, (u64, String)>>,
    /// Its end tells a worker who waits for the trainer that nobody wants to know any more.
    _open: Sender<Infallible>,
    /// Last, so that the channels are closed when it is waited for.
    _thread: Joined,
}

/// A thread that is waited for when this is dropped.
struct Joined(Option<JoinHandle<()>>);

impl Drop for Joined {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Stage {
    /// Starts the worker; it builds its renderer with the first request.
    pub fn start(subject: &Subject) -> Self {
        let (requests, waiting) = bounded::<Request>(1);
        let (sender, drawn) = bounded(1);
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
        // Where no thread can be had there is no stage; the panel goes on waiting, and the run goes
        // on.
        let thread = thread::Builder::new().name("stage".into()).spawn(work).ok();
        Stage { requests, waiting, drawn, _open: open, _thread: Joined(thread) }
    }

    /// Asks for a picture. It takes the place of an earlier request that is not begun.
    pub fn ask(&self, request: Request) {
        let mut request = request;
        while let Err(TrySendError::Full(newer)) = self.requests.try_send(request) {
            request = match self.waiting.try_recv() {
                Ok(older) => newer.after(&older),
                Err(_) => newer,
            };
        }
    }

    /// The newest picture, if there is a new one.
    pub fn newest(&self) -> Option<Result<Drawn, (u64, String)>> {
        self.drawn.try_iter().last()
    }
}

struct Worker {
    scene: Arc<Scene>,
    seed: u64,
    threads: usize,
    judge: Solvability,
    controls: Option<Sender<Control>>,
    /// Ends with the window.
    closed: Receiver<Infallible>,
    directory: RunDirectory,
    /// The renderers of large pictures and of the network's.
    apps: [Option<(App, RendererConfig)>; 2],
    detector: Option<Detector>,
}

impl Worker {
    /// Draws what is requested until the window closes.
    fn serve(mut self, requests: &Receiver<Request>, drawn: &Sender<Result<Drawn, (u64, String)>>) {
        while let Ok(request) = requests.recv() {
            let number = request.number;
            if drawn.send(self.draw(request).map_err(|message| (number, message))).is_err() {
                return;
            }
        }
    }

    fn draw(&mut self, request: Request) -> Result<Drawn, String> {
        let began = Instant::now();
        let (scene, seed) = (self.scene.clone(), self.seed);
        let (network, large) = (self.network_size(), self.large_size());
        let sample = match request.what {
            What::Posed { index, hardness } => {
                pose::by_hand(&scene, &self.judge, seed, index, hardness)?
            }
            What::Sample(sample) => (*sample).clone(),
        };
        let sample = pose::scaled(&sample, network);
        let seen = pose::viewed(&sample, &request.view);
        let mut samples = vec![seen.clone()];
        if request.explain {
            let policy = request.policy.as_deref();
            samples.push(pose::redrawn(
                &scene,
                &self.judge,
                seed,
                &sample,
                policy,
                sample.hardness,
            ));
            samples.extend(pose::without_each(sample.hardness).map(|hardness| {
                pose::redrawn(&scene, &self.judge, seed, &sample, policy, hardness)
            }));
        }
        let large = self
            .render(0, large, &[pose::scaled(&seen, large)])?
            .pop()
            .ok_or("nothing was drawn")?;
        let mut tiles = self.render(1, network, &samples)?;
        let predictions = self.predictions(&tiles);
        let prediction_of = |i: usize| match &predictions {
            Ok(predictions) => {
                predictions.get(i).cloned().ok_or_else(|| "the network says nothing".to_owned())
            }
            Err(message) => Err(message.clone()),
        };
        let small = tiles.remove(0);
        let variations = tiles
            .into_iter()
            .enumerate()
            .map(|(i, tile)| Variation { tile, prediction: prediction_of(i + 1) });
        let variations = variations.collect();
        Ok(Drawn {
            number: request.number,
            large,
            small,
            prediction: prediction_of(0),
            variations,
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
        let drawn = render_samples(app, *config, &self.scene.figure, samples)
            .map_err(|error| error.to_string());
        if drawn.is_err() {
            // A device that was lost may come back.
            self.apps[which] = None;
        }
        drawn
    }

    /// What the network makes of `tiles`: the very one that is being trained or, where that has
    /// gone, the run's newest on disk.
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
        detected(detector, tiles).map_err(|error| error.to_string())
    }
}

/// What a network from a file makes of `tiles`; there is no critic to score them.
fn detected(detector: &Detector, tiles: &[Tile]) -> candle_core::Result<Vec<Prediction>> {
    let (network, activation) = (detector.network(), detector.card().activation);
    let spec = network.spec();
    let pixels = spec.input_width * spec.input_height;
    let mut input = vec![0f32; tiles.len() * 3 * pixels];
    for (planes, tile) in input.chunks_exact_mut(3 * pixels).zip(tiles) {
        normalise(&tile.color, spec, false, planes);
    }
    let input = Tensor::from_vec(
        input,
        (tiles.len(), 3, spec.input_height, spec.input_width),
        &Device::Cpu,
    )?;
    let grid = spec.grid();
    let maps = heatmaps(&network.forward(&input, false)?, activation, grid)?;
    let cells = spec.keypoints * grid.width * grid.height;
    let decoded = decoded(&maps, spec.keypoints, grid);
    let prediction = |(i, tile): (usize, &Tile)| {
        let found: Vec<[f32; 3]> =
            decoded[i].iter().map(|found| [found.x, found.y, found.score]).collect();
        let places: Vec<[f32; 2]> = found.iter().map(|[x, y, _]| [*x, *y]).collect();
        let truth: Vec<[f32; 2]> =
            tile.labels.keypoints.iter().map(|keypoint| keypoint.pixel.to_array()).collect();
        let visibility: Vec<_> =
            tile.labels.keypoints.iter().map(|keypoint| keypoint.visibility).collect();
        let metrics = SampleMetrics::new(&places, &truth, &visibility, tile.labels.torso);
        Prediction {
            loss: None,
            difficulty: None,
            error: metrics.error,
            hit_rate: metrics.hit_rate,
            found,
            heatmaps: maps[i * cells..(i + 1) * cells].to_vec(),
            grid: [grid.width, grid.height],
        }
    };
    Ok(tiles.iter().enumerate().map(prediction).collect())
}
