//! One figure, large: drawn by the training renderer, with what is known of it and what the network
//! says.

mod facts;
mod picture;

use super::{
    Subject,
    chrome::Viewer,
    layout::Overlays,
    paint::{Atlas, Settling},
    pose::View,
    stage::{Drawn, Request, Stage, What},
};
use bevy_egui::egui::{
    self, ComboBox, Context, DragValue, Grid, Key, ScrollArea, Slider, TextureHandle, Ui,
};
use glam::Vec2;
use marionette_run::Snapshot;
use marionette_stream::{AXES, Hardness, HardnessAxis, Policy, SceneSample};
use std::sync::Arc;

/// What is on the stage.
#[derive(Clone)]
enum Shown {
    /// A sample posed by hand.
    Posed,
    /// A sample of the run.
    Sample(Arc<SceneSample>, Option<Arc<Policy>>),
    /// Sample `0` of the newest batch, whatever it is.
    Follow(usize),
}

/// The panel's own state.
pub struct StagePanel {
    worker: Stage,
    shown: Shown,
    index: u64,
    hardness: Hardness,
    view: View,
    /// The keypoint whose heatmap is shown; one past the last for all of them.
    heatmap: Option<usize>,
    number: u64,
    /// Something has changed that a new picture has to show.
    stale: bool,
    explain: bool,
    pictures: u64,
    drawn: Option<Drawn>,
    complaint: Option<String>,
    texture: Settling<(TextureHandle, Overlays, u64)>,
    variations: Option<Atlas>,
    explained: Option<Drawn>,
    heat: Settling<(TextureHandle, usize, u64)>,
    followed: u64,
    waiting: bool,
}

impl StagePanel {
    /// An empty stage.
    pub fn new(subject: &Subject) -> Self {
        StagePanel {
            // Now, before the window's own threads stand back: whoever asks the stage wants an
            // answer. It sleeps until it is asked.
            worker: Stage::start(subject),
            shown: Shown::Posed,
            index: 0,
            hardness: [0.3; AXES],
            view: View::default(),
            heatmap: None,
            number: 0,
            stale: true,
            explain: false,
            pictures: 0,
            drawn: None,
            complaint: None,
            texture: Settling::default(),
            variations: None,
            explained: None,
            heat: Settling::default(),
            followed: 0,
            waiting: false,
        }
    }

    /// Puts a sample of the run on the stage; `policy` knows what a replay repeats.
    pub fn choose(&mut self, sample: Arc<SceneSample>, policy: Option<Arc<Policy>>) {
        self.hardness = sample.hardness;
        self.shown = Shown::Sample(sample, policy);
        self.view = View::default();
        self.explained = None;
        self.stale = true;
    }

    /// Shows the heatmap of keypoint `keypoint`, or of all where there is none such.
    pub fn show_heatmap(&mut self, keypoint: usize) {
        self.heatmap = Some(keypoint);
    }

    /// Pictures that have come so far.
    pub fn pictures(&self) -> u64 {
        self.pictures
    }

    /// Whether a sample of the run is on the stage, drawn.
    pub fn shows_sample(&self) -> bool {
        !matches!(self.shown, Shown::Posed) && self.drawn.is_some() && !self.waiting && !self.stale
    }

    /// Whether the hardness has been explained.
    pub fn is_explained(&self) -> bool {
        self.explained.is_some()
    }

    /// Takes pictures in, and asks for a new one where something has changed and somebody looks.
    pub fn attend(&mut self, newest: Option<&Arc<Snapshot>>, open: bool) {
        match self.worker.newest() {
            None => {}
            Some(Ok(mut drawn)) => {
                self.waiting &= drawn.number < self.number;
                self.complaint = None;
                self.pictures += 1;
                if drawn.variations.is_empty() {
                    self.drawn = Some(drawn);
                } else {
                    self.variations = None;
                    let variations = std::mem::take(&mut drawn.variations);
                    let copy = Drawn {
                        variations,
                        large: drawn.large.clone(),
                        small: drawn.small.clone(),
                        prediction: drawn.prediction.clone(),
                        ..drawn
                    };
                    self.drawn = Some(drawn);
                    self.explained = Some(copy);
                }
            }
            Some(Err((number, message))) => {
                self.waiting &= number < self.number;
                self.complaint = Some(message);
            }
        }
        if let (Shown::Follow(_), Some(newest)) = (&self.shown, newest) {
            self.stale |= newest.step != self.followed && !self.waiting;
        }
        if open && self.stale && !(self.waiting && matches!(self.shown, Shown::Follow(_))) {
            self.ask(newest);
        }
    }

    fn ask(&mut self, newest: Option<&Arc<Snapshot>>) {
        let (what, policy) = match (&self.shown, newest) {
            (Shown::Follow(slot), Some(newest)) if !newest.batch.tiles.is_empty() => {
                self.followed = newest.step;
                let tile = &newest.batch.tiles[slot % newest.batch.tiles.len()];
                self.hardness = tile.scene.hardness;
                (What::Sample(Arc::new(tile.scene.clone())), Some(newest.policy.clone()))
            }
            (Shown::Sample(sample, policy), _) => (What::Sample(sample.clone()), policy.clone()),
            _ => (What::Posed { index: self.index, hardness: self.hardness }, None),
        };
        self.number += 1;
        let explain = std::mem::take(&mut self.explain);
        self.worker.ask(Request { number: self.number, what, view: self.view, explain, policy });
        (self.stale, self.waiting) = (false, true);
    }

    /// Does what the stage's own keys ask for.
    pub fn press(&mut self, context: &Context) {
        let pressed =
            |key: Key| context.input(|input| input.key_pressed(key) && !input.modifiers.command);
        if pressed(Key::F) {
            self.freeze();
        }
        if pressed(Key::R) {
            (self.view, self.stale) = (View::default(), true);
        }
        if pressed(Key::H) {
            (self.explain, self.stale) = (true, true);
        }
        let shift = context.input(|input| input.modifiers.shift);
        for (key, x, y) in [
            (Key::ArrowLeft, -1.0, 0.0),
            (Key::ArrowRight, 1.0, 0.0),
            (Key::ArrowUp, 0.0, -1.0),
            (Key::ArrowDown, 0.0, 1.0),
        ] {
            if pressed(key) && shift {
                self.view.pan += Vec2::new(x, y) * 0.05;
                self.stale = true;
            } else if pressed(key) {
                self.turn(x * 0.2, y * 0.1);
            }
        }
    }

    fn turn(&mut self, yaw: f32, pitch: f32) {
        self.view.yaw -= yaw;
        self.view.pitch = (self.view.pitch - pitch).clamp(-1.2, 1.2);
        self.stale = true;
    }

    /// Follows the run, or holds what is shown just now.
    fn freeze(&mut self) {
        self.shown = match (&self.shown, &self.drawn) {
            (Shown::Follow(_), Some(drawn)) => {
                Shown::Sample(Arc::new(drawn.small.scene.clone()), None)
            }
            (Shown::Follow(slot), None) => Shown::Follow(*slot),
            _ => Shown::Follow(0),
        };
        self.view = View::default();
        self.stale = true;
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    egui::Panel::left("stage-left").exact_size(236.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| left(ui, viewer));
    });
    egui::Panel::right("stage-right").exact_size(300.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| facts::show(ui, viewer));
    });
    picture::show(ui, viewer);
}

fn left(ui: &mut Ui, viewer: &mut Viewer) {
    let batch = viewer.data.newest.as_ref().map_or(0, |newest| newest.batch.tiles.len());
    let stage = &mut viewer.stage;
    let following = matches!(stage.shown, Shown::Follow(_));
    ui.horizontal(|ui| {
        ui.add_enabled_ui(batch > 0, |ui| {
            let text = if following { "Freeze" } else { "Follow the run" };
            if ui.button(text).on_hover_text("F").clicked() {
                stage.freeze();
            }
        });
        if let Shown::Follow(slot) = &mut stage.shown {
            let most = batch.saturating_sub(1);
            stage.stale |= ui.add(DragValue::new(slot).range(0..=most).prefix("tile ")).changed();
        } else if ui.button("Pose").on_hover_text("Pose a scene with the sliders").clicked() {
            (stage.shown, stage.stale) = (Shown::Posed, true);
        }
    });
    ui.horizontal(|ui| {
        ui.label("sample");
        if ui.add(DragValue::new(&mut stage.index).range(0..=u64::MAX / 2)).changed() {
            (stage.shown, stage.stale) = (Shown::Posed, true);
        }
        if ui.button("another").clicked() {
            stage.index += 1;
            (stage.shown, stage.stale) = (Shown::Posed, true);
        }
    });
    ui.add_space(4.0);
    ui.strong("Hardness");
    ui.spacing_mut().slider_width = 90.0;
    for axis in HardnessAxis::ALL {
        let before = stage.hardness[axis as usize];
        let mut wanted = before;
        let slider = Slider::new(&mut wanted, 0.0..=1.0).fixed_decimals(2).text(axis.name());
        // A slider rounds what it shows; that is nobody's control.
        if ui.add(slider).changed() && (wanted - before).abs() > 0.0051 {
            stage.hardness[axis as usize] = wanted;
            (stage.shown, stage.stale) = (Shown::Posed, true);
        }
    }
    ui.horizontal(|ui| {
        for (name, value) in [("easy", 0.0), ("half", 0.5), ("hard", 1.0)] {
            if ui.button(name).clicked() {
                stage.hardness = [value; AXES];
                (stage.shown, stage.stale) = (Shown::Posed, true);
            }
        }
    });
    ui.add_space(4.0);
    ui.strong("Overlays");
    let overlays = &mut viewer.layout.overlays;
    Grid::new("overlays").num_columns(2).show(ui, |ui| {
        ui.checkbox(&mut overlays.skeleton, "skeleton");
        ui.checkbox(&mut overlays.keypoints, "keypoints");
        ui.end_row();
        ui.checkbox(&mut overlays.ids, "ids");
        ui.checkbox(&mut overlays.depth, "depth");
        ui.end_row();
        ui.checkbox(&mut overlays.boxes, "boxes");
        ui.checkbox(&mut overlays.colliders, "colliders");
        ui.end_row();
        ui.checkbox(&mut overlays.prediction, "prediction");
        ui.end_row();
    });
    let names: Vec<&str> = viewer
        .subject
        .scene
        .figure
        .keypoints
        .iter()
        .map(|keypoint| keypoint.name.as_str())
        .collect();
    let name =
        |choice: Option<usize>| choice.map_or("none", |k| names.get(k).copied().unwrap_or("all"));
    let stage = &mut viewer.stage;
    ComboBox::from_label("heatmap").selected_text(name(stage.heatmap)).width(120.0).show_ui(
        ui,
        |ui| {
            for choice in [None, Some(names.len())].into_iter().chain((0..names.len()).map(Some)) {
                ui.selectable_value(&mut stage.heatmap, choice, name(choice));
            }
        },
    );
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if ui.button("Reset view").on_hover_text("R").clicked() {
            (stage.view, stage.stale) = (View::default(), true);
        }
        if ui.button("Explain").on_hover_text("Where does the hardness come from? (H)").clicked() {
            (stage.explain, stage.stale) = (true, true);
        }
        if ui.button("Replay").on_hover_text("Draw it again, and ask the network of now").clicked()
        {
            stage.stale = true;
        }
    });
    ui.small("drag: walk around; shift or right button: pan; scroll: zoom");
}
