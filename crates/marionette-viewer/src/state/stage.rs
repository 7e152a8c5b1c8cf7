//! The state of the Stage panel: which sample it shows, the newest picture, and when to ask for
//! another.

use super::layout::Overlays;
use crate::{
    stage_renderer::{StagePicture, StageRenderer, StageRequest, StageSource, View},
    subject::Subject,
    widgets::{Atlas, Settling},
};
use bevy_egui::egui::TextureHandle;
use glam::Vec2;
use marionette_run::Snapshot;
use marionette_stream::{AXES, Hardness, SceneSample};
use std::sync::Arc;

/// The sample that is on the stage.
#[derive(Clone)]
pub enum StageSelection {
    /// A sample at the hardness that the user has set.
    Posed,
    /// A sample of the run.
    Sample(Arc<SceneSample>),
    /// This tile of the newest batch, whatever it shows.
    Follow(usize),
}

/// The state of the Stage panel.
pub struct StageState {
    renderer: StageRenderer,
    /// The sample on the stage.
    pub selection: StageSelection,
    /// The index of a posed sample.
    pub index: u64,
    /// The hardness of a posed sample; else that of the chosen sample.
    pub hardness: Hardness,
    /// The view of the sample.
    pub view: View,
    /// The keypoint whose heatmap is shown; one past the last for all of them.
    pub heatmap: Option<usize>,
    /// The newest picture.
    pub picture: Option<StagePicture>,
    /// Why the newest request gave no picture.
    pub complaint: Option<String>,
    /// The picture as a texture, with the overlays and the count of pictures that it was made for.
    pub texture: Settling<(TextureHandle, Overlays, u64)>,
    /// The heatmap as a texture, with the keypoint and the count of pictures that it was made for.
    pub heat: Settling<(TextureHandle, usize, u64)>,
    /// The newest picture with ablations.
    pub explained: Option<StagePicture>,
    /// Its ablations in one texture.
    pub ablation_atlas: Option<Atlas>,
    /// A new picture must be asked for.
    stale: bool,
    /// The next request is to ask for ablations.
    explain: bool,
    /// The number of the newest request.
    requested: u64,
    /// The newest request has no answer yet.
    waiting: bool,
    /// Pictures that have arrived.
    pictures: u64,
    /// The step of the batch that was followed last.
    followed: u64,
}

impl StageState {
    /// An empty stage.
    pub fn new(subject: &Subject) -> Self {
        StageState {
            // The thread is started before the window lowers its own priority: the user waits for
            // its pictures. It sleeps until the first request.
            renderer: StageRenderer::start(subject),
            selection: StageSelection::Posed,
            index: 0,
            hardness: [0.3; AXES],
            view: View::default(),
            heatmap: None,
            picture: None,
            complaint: None,
            texture: Settling::default(),
            heat: Settling::default(),
            explained: None,
            ablation_atlas: None,
            stale: true,
            explain: false,
            requested: 0,
            waiting: false,
            pictures: 0,
            followed: 0,
        }
    }

    /// Puts a sample of the run on the stage.
    pub fn choose(&mut self, sample: Arc<SceneSample>) {
        self.hardness = sample.hardness;
        self.selection = StageSelection::Sample(sample);
        self.view = View::default();
        self.explained = None;
        self.stale = true;
    }

    /// Puts the sample on the stage that `index` and `hardness` describe.
    pub fn pose(&mut self) {
        (self.selection, self.stale) = (StageSelection::Posed, true);
    }

    /// Follows the run, or holds the shown sample if it follows already.
    pub fn toggle_follow(&mut self) {
        self.selection = match (&self.selection, &self.picture) {
            (StageSelection::Follow(_), Some(picture)) => {
                StageSelection::Sample(Arc::new(picture.input.scene.clone()))
            }
            (StageSelection::Follow(slot), None) => StageSelection::Follow(*slot),
            _ => StageSelection::Follow(0),
        };
        self.reset_view();
    }

    /// Goes back to the sample's own view.
    pub fn reset_view(&mut self) {
        (self.view, self.stale) = (View::default(), true);
    }

    /// Turns the view, radians.
    pub fn turn(&mut self, yaw: f32, pitch: f32) {
        self.view.yaw -= yaw;
        self.view.pitch = (self.view.pitch - pitch).clamp(-1.2, 1.2);
        self.stale = true;
    }

    /// Shifts the view, as a share of the picture's sides.
    pub fn pan(&mut self, by: Vec2) {
        self.view.pan += by;
        self.stale = true;
    }

    /// Multiplies the zoom.
    pub fn zoom(&mut self, by: f32) {
        self.view.zoom = (self.view.zoom * by).clamp(0.2, 8.0);
        self.stale = true;
    }

    /// Asks for a picture with ablations.
    pub fn explain(&mut self) {
        (self.explain, self.stale) = (true, true);
    }

    /// Asks for a new picture.
    pub fn renew(&mut self) {
        self.stale = true;
    }

    /// Whether the newest request has no answer yet.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// Pictures that have arrived so far.
    pub fn pictures(&self) -> u64 {
        self.pictures
    }

    /// Whether the picture of a sample of the run is shown and up to date.
    pub fn shows_sample(&self) -> bool {
        !matches!(self.selection, StageSelection::Posed)
            && self.picture.is_some()
            && !self.waiting
            && !self.stale
    }

    /// Whether there is a picture with ablations.
    pub fn is_explained(&self) -> bool {
        self.explained.is_some()
    }

    /// Takes new pictures. Asks for another one if something has changed and the stage is `open`.
    pub fn update(&mut self, newest: Option<&Arc<Snapshot>>, open: bool) {
        match self.renderer.newest() {
            None => {}
            Some(Ok(picture)) => self.take(picture),
            Some(Err((number, message))) => {
                self.waiting &= number < self.requested;
                self.complaint = Some(message);
            }
        }
        let follows = matches!(self.selection, StageSelection::Follow(_));
        if let (true, Some(newest)) = (follows, newest) {
            self.stale |= newest.step != self.followed && !self.waiting;
        }
        if open && self.stale && !(self.waiting && follows) {
            self.ask(newest);
        }
    }

    fn take(&mut self, mut picture: StagePicture) {
        self.waiting &= picture.number < self.requested;
        self.complaint = None;
        self.pictures += 1;
        if !picture.ablations.is_empty() {
            self.ablation_atlas = None;
            self.explained = Some(StagePicture {
                ablations: std::mem::take(&mut picture.ablations),
                large: picture.large.clone(),
                input: picture.input.clone(),
                prediction: picture.prediction.clone(),
                ..picture
            });
        }
        self.picture = Some(picture);
    }

    fn ask(&mut self, newest: Option<&Arc<Snapshot>>) {
        let source = match (&self.selection, newest) {
            (StageSelection::Follow(slot), Some(newest)) if !newest.batch.tiles.is_empty() => {
                self.followed = newest.step;
                let tile = &newest.batch.tiles[slot % newest.batch.tiles.len()];
                self.hardness = tile.scene.hardness;
                StageSource::Sample(Arc::new(tile.scene.clone()))
            }
            (StageSelection::Sample(sample), _) => StageSource::Sample(sample.clone()),
            _ => StageSource::Posed { index: self.index, hardness: self.hardness },
        };
        self.requested += 1;
        let explain = std::mem::take(&mut self.explain);
        let (number, view) = (self.requested, self.view);
        self.renderer.ask(StageRequest { number, source, view, explain });
        (self.stale, self.waiting) = (false, true);
    }
}
