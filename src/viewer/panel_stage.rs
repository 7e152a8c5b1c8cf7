//! One figure, large: drawn by the training renderer, with what is known of it and what the network says.

use super::{
    Subject,
    chrome::{Viewer, nothing_yet},
    data::Data,
    layout::{Layout, Overlays},
    paint::{self, Atlas, Settling},
    pose::{self, View},
    stage::{Drawn, Request, Stage, What},
    theme,
};
use crate::{
    run::Snapshot,
    scene::{AXES, Hardness, HardnessAxis, Policy, SampleStream, SceneSample},
    sheet::{Overlay, Panel as SheetPanel, contact_sheet},
    stream::Tile,
    train::Opinion,
};
use bevy_egui::egui::{
    self, Color32, ColorImage, ComboBox, Context, DragValue, Grid, Key, Painter, RichText, ScrollArea, Sense, Slider,
    Stroke, TextureHandle, TextureOptions, Ui, vec2,
};
use glam::Vec2;
use std::sync::Arc;

/// What is on the stage.
#[derive(Clone)]
enum Shown {
    /// A sample posed by hand.
    Hand,
    /// A sample of the run.
    Sample(Arc<SceneSample>, Option<Arc<Policy>>),
    /// Sample `0` of the newest batch, whatever it is.
    Follow(usize),
}

/// The panel's own state.
pub struct StagePanel {
    worker: Option<Stage>,
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
    pub fn new(_: &Subject) -> Self {
        StagePanel {
            worker: None,
            shown: Shown::Hand,
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
        !matches!(self.shown, Shown::Hand) && self.drawn.is_some() && !self.waiting && !self.stale
    }

    /// Whether the hardness has been explained.
    pub fn is_explained(&self) -> bool {
        self.explained.is_some()
    }

    /// Takes pictures in, and asks for a new one where something has changed and somebody looks.
    pub fn attend(&mut self, newest: Option<&Arc<Snapshot>>, open: bool) {
        match self.worker.as_ref().and_then(Stage::newest) {
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
                        opinion: drawn.opinion.clone(),
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
            _ => (What::Hand { index: self.index, hardness: self.hardness }, None),
        };
        self.number += 1;
        let explain = std::mem::take(&mut self.explain);
        if let Some(worker) = &self.worker {
            worker.ask(Request { number: self.number, what, view: self.view, explain, policy });
            (self.stale, self.waiting) = (false, true);
        }
    }

    /// Does what the stage's own keys ask for.
    pub fn press(&mut self, context: &Context) {
        let pressed = |key: Key| context.input(|input| input.key_pressed(key) && !input.modifiers.command);
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
            (Shown::Follow(_), Some(drawn)) => Shown::Sample(Arc::new(drawn.small.scene.clone()), None),
            (Shown::Follow(slot), None) => Shown::Follow(*slot),
            _ => Shown::Follow(0),
        };
        self.view = View::default();
        self.stale = true;
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    if viewer.stage.worker.is_none() {
        viewer.stage.worker = Some(Stage::start(&viewer.subject));
    }
    egui::Panel::left("stage-left").exact_size(236.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| left(ui, viewer));
    });
    egui::Panel::right("stage-right").exact_size(300.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| right(ui, viewer));
    });
    middle(ui, viewer);
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
            (stage.shown, stage.stale) = (Shown::Hand, true);
        }
    });
    ui.horizontal(|ui| {
        ui.label("sample");
        if ui.add(DragValue::new(&mut stage.index).range(0..=u64::MAX / 2)).changed() {
            (stage.shown, stage.stale) = (Shown::Hand, true);
        }
        if ui.button("another").clicked() {
            stage.index += 1;
            (stage.shown, stage.stale) = (Shown::Hand, true);
        }
    });
    ui.add_space(4.0);
    ui.strong("Hardness");
    ui.spacing_mut().slider_width = 90.0;
    for axis in HardnessAxis::ALL {
        let before = stage.hardness[axis as usize];
        let mut wanted = before;
        let slider = Slider::new(&mut wanted, 0.0..=1.0).fixed_decimals(2).text(axis.name());
        // A slider rounds what it shows; that is nobody's wish.
        if ui.add(slider).changed() && (wanted - before).abs() > 0.0051 {
            stage.hardness[axis as usize] = wanted;
            (stage.shown, stage.stale) = (Shown::Hand, true);
        }
    }
    ui.horizontal(|ui| {
        for (name, value) in [("easy", 0.0), ("half", 0.5), ("hard", 1.0)] {
            if ui.button(name).clicked() {
                stage.hardness = [value; AXES];
                (stage.shown, stage.stale) = (Shown::Hand, true);
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
    let names: Vec<&str> =
        viewer.subject.scene.figure.keypoints.iter().map(|keypoint| keypoint.name.as_str()).collect();
    let name = |choice: Option<usize>| choice.map_or("none", |k| names.get(k).copied().unwrap_or("all"));
    let stage = &mut viewer.stage;
    ComboBox::from_label("heatmap").selected_text(name(stage.heatmap)).width(120.0).show_ui(ui, |ui| {
        for choice in [None, Some(names.len())].into_iter().chain((0..names.len()).map(Some)) {
            ui.selectable_value(&mut stage.heatmap, choice, name(choice));
        }
    });
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if ui.button("Reset view").on_hover_text("R").clicked() {
            (stage.view, stage.stale) = (View::default(), true);
        }
        if ui.button("Explain").on_hover_text("Where does the hardness come from? (H)").clicked() {
            (stage.explain, stage.stale) = (true, true);
        }
        if ui.button("Replay").on_hover_text("Draw it again, and ask the network of now").clicked() {
            stage.stale = true;
        }
    });
    ui.small("drag: walk around; shift or right button: pan; scroll: zoom");
}

fn middle(ui: &mut Ui, viewer: &mut Viewer) {
    let room = ui.available_rect_before_wrap();
    let Viewer { stage, layout, subject, .. } = viewer;
    if stage.drawn.is_none() {
        let text = stage
            .complaint
            .clone()
            .unwrap_or_else(|| "The stage's own renderer is warming up: a second or two.".to_owned());
        nothing_yet(ui, "The stage is being set", &text);
        return;
    }
    let (response, painter) = ui.allocate_painter(room.size(), Sense::click_and_drag());
    look_around(ui.ctx(), &response, stage);
    texture(ui.ctx(), stage, layout, subject);
    let Some(drawn) = &stage.drawn else { return };
    let tile = &drawn.large;
    let area = paint::fitted(room, [tile.width, tile.height]);
    let painter = painter.with_clip_rect(area);
    if let Some((texture, ..)) = stage.texture.shown() {
        paint::picture(&painter, texture, area);
    }
    if let Some((heat, ..)) = stage.heat.shown().filter(|_| stage.heatmap.is_some()) {
        paint::picture(&painter, heat, area);
    }
    let place = paint::placed(area, [tile.width, tile.height]);
    let size = (area.width() / 130.0).clamp(2.0, 6.0);
    if layout.overlays.colliders {
        for line in pose::colliders(&tile.scene) {
            let points = line.iter().map(|at| place(at.to_array())).collect();
            painter.line(points, Stroke::new(1.0, theme::COLLIDER));
        }
    }
    if layout.overlays.boxes {
        boxes(&painter, tile, &place);
    }
    let figure = &subject.scene.figure;
    paint::labels(
        &painter,
        figure,
        &tile.labels.keypoints,
        &place,
        size,
        [layout.overlays.skeleton, layout.overlays.keypoints],
    );
    if let Ok(opinion) = &drawn.opinion
        && layout.overlays.prediction
    {
        let scale = tile.width as f32 / drawn.small.width.max(1) as f32;
        let found: Vec<[f32; 2]> = opinion.found.iter().map(|[x, y, _]| [x * scale, y * scale]).collect();
        paint::prediction(&painter, figure, &found, &place, size);
    }
    if stage.waiting {
        painter.text(
            area.min + vec2(8.0, 8.0),
            egui::Align2::LEFT_TOP,
            "drawing ...",
            egui::FontId::proportional(13.0),
            theme::MIDDLE,
        );
    }
    if let Some(complaint) = &stage.complaint {
        painter.text(
            area.left_bottom() + vec2(8.0, -8.0),
            egui::Align2::LEFT_BOTTOM,
            complaint,
            egui::FontId::proportional(13.0),
            theme::NOTE,
        );
    }
}

fn look_around(context: &Context, response: &egui::Response, stage: &mut StagePanel) {
    let moved = response.drag_delta();
    if moved != egui::Vec2::ZERO {
        let pan = response.dragged_by(egui::PointerButton::Secondary) || context.input(|input| input.modifiers.shift);
        if pan {
            stage.view.pan += Vec2::new(moved.x, moved.y) / response.rect.height().max(1.0);
            stage.stale = true;
        } else {
            stage.turn(moved.x * 0.01, moved.y * 0.005);
        }
        if let Shown::Follow(_) = stage.shown {
            stage.stale = true;
        }
    }
    let scrolled = if response.hovered() { context.input(|input| input.smooth_scroll_delta().y) } else { 0.0 };
    if scrolled != 0.0 {
        stage.view.zoom = (stage.view.zoom * (scrolled * 0.003).exp()).clamp(0.2, 8.0);
        stage.stale = true;
    }
}

/// Makes the textures that are missing.
fn texture(context: &Context, stage: &mut StagePanel, layout: &Layout, subject: &Subject) {
    stage.texture.show();
    stage.heat.show();
    let Some(drawn) = &stage.drawn else { return };
    let (tile, overlays, pictures) = (&drawn.large, layout.overlays, stage.pictures);
    let known = stage.texture.newest().is_some_and(|(_, o, p)| (*o, *p) == (overlays, pictures));
    if !known && stage.texture.is_ready() {
        let image = if overlays.ids || overlays.depth {
            let chosen = [(overlays.ids, Overlay::Ids), (overlays.depth, Overlay::Depth)];
            let chosen: Vec<Overlay> = chosen.into_iter().filter_map(|(on, overlay)| on.then_some(overlay)).collect();
            tinted(tile, subject, &chosen)
        } else {
            ColorImage::from_rgba_unmultiplied([tile.width, tile.height], &tile.color)
        };
        let texture = context.load_texture("stage", image, TextureOptions::LINEAR);
        stage.texture.offer((texture, overlays, pictures));
    }
    let Some((choice, opinion)) = stage.heatmap.zip(drawn.opinion.as_ref().ok()) else { return };
    let known = stage.heat.newest().is_some_and(|(_, c, p)| (*c, *p) == (choice, pictures));
    if !known && stage.heat.is_ready() {
        let heat = context.load_texture("heat", heated(opinion, choice), TextureOptions::LINEAR);
        stage.heat.offer((heat, choice, pictures));
    }
}

/// The heatmap of one keypoint, or the greatest of all, clear where there is little.
fn heated(opinion: &Opinion, choice: usize) -> ColorImage {
    let [columns, rows] = opinion.grid;
    let mut cells = vec![0f32; columns * rows];
    let keypoints = opinion.found.len();
    for k in if choice < keypoints { choice..choice + 1 } else { 0..keypoints } {
        for (cell, value) in cells.iter_mut().zip(opinion.heatmap(k).unwrap_or_default()) {
            *cell = cell.max(*value);
        }
    }
    let most = cells.iter().copied().fold(1e-6, f32::max);
    let color = |value: &f32| {
        let share = value / most;
        let [r, g, b, _] = theme::heat(share).to_array();
        Color32::from_rgba_unmultiplied(r, g, b, (share.sqrt() * 200.0) as u8)
    };
    ColorImage::new([columns, rows], cells.iter().map(color).collect())
}

/// Ids and depth in place of the picture, as on contact sheets.
fn tinted(tile: &Tile, subject: &Subject, overlays: &[Overlay]) -> ColorImage {
    let panel = SheetPanel { tile, prediction: None, border: None, caption: None };
    let sheet = contact_sheet(&subject.scene.figure, &[panel], overlays, 1, 1);
    let margin = (sheet.width() as usize).saturating_sub(tile.width) / 2;
    let pixel = |i: usize| {
        let [r, g, b] = sheet.get_pixel((margin + i % tile.width) as u32, (margin + i / tile.width) as u32).0;
        Color32::from_rgb(r, g, b)
    };
    ColorImage::new([tile.width, tile.height], (0..tile.width * tile.height).map(pixel).collect())
}

fn boxes(painter: &Painter, tile: &Tile, place: &impl Fn([f32; 2]) -> egui::Pos2) {
    let corners =
        |b: crate::stream::ImageBox| egui::Rect::from_min_max(place(b.low.to_array()), place(b.high.to_array()));
    if let Some(modal) = tile.labels.modal_box {
        paint::border(painter, corners(modal), 2.0, theme::BOX);
    }
    let amodal = corners(tile.labels.amodal_box);
    let outline =
        [amodal.left_top(), amodal.right_top(), amodal.right_bottom(), amodal.left_bottom(), amodal.left_top()];
    painter.extend(egui::Shape::dashed_line(&outline, Stroke::new(2.0, theme::BOX), 6.0, 5.0));
}

fn right(ui: &mut Ui, viewer: &mut Viewer) {
    let Viewer { stage, data, subject, .. } = viewer;
    if let (None, Some(explained)) = (&stage.variations, &stage.explained) {
        let tiles = explained.variations.iter().map(|variation| &variation.tile);
        stage.variations = Atlas::of_tiles(ui.ctx(), "variations", tiles);
    }
    let Some(drawn) = &stage.drawn else {
        ui.label("What is known of the sample will be here.");
        return;
    };
    let scene = &drawn.small.scene;
    let posed = matches!(stage.shown, Shown::Hand);
    let stream = match scene.stream {
        _ if posed => "posed by hand",
        SampleStream::Uniform => "uniform",
        SampleStream::Steered => "steered",
        SampleStream::Replay => "replay",
    };
    ui.strong(format!("Sample {}, {stream}", scene.index));
    ui.label(format!("seed {}, attempt {}, policy {}", subject.config.seed, scene.attempt, scene.policy_version));
    if let Some(origin) = scene.origin {
        ui.label(format!("repeats sample {origin}"));
    }
    match &drawn.opinion {
        Ok(opinion) => {
            let score = opinion.difficulty.map_or("no critic".to_owned(), |score| format!("{score:.2}"));
            ui.label(RichText::new(format!("now: score {score}, error {:.2} torsos", opinion.error)).strong());
            let loss = opinion.loss.map_or(String::new(), |loss| format!(", loss {loss:.2}"));
            ui.label(format!("{:.0} % of what is in sight found{loss}", opinion.hit_rate * 100.0));
        }
        Err(message) => {
            ui.label(RichText::new(message).color(theme::NOTE));
        }
    }
    let measured = &drawn.large.labels.measured;
    ui.label(format!(
        "{} keypoints seen, {:.0} % visible, {:.0} % in frame; drawn in {} ms",
        measured.keypoints_seen,
        measured.visible_share * 100.0,
        measured.in_frame_share * 100.0,
        drawn.took.as_millis()
    ));
    if !posed {
        history(ui, data, scene.origin.unwrap_or(scene.index));
    }
    ui.separator();
    explanation(ui, stage);
    ui.separator();
    egui::CollapsingHeader::new("Parameters").default_open(true).show(ui, |ui| {
        Grid::new("parameters").num_columns(2).striped(true).show(ui, |ui| {
            for (name, value) in &scene.parameters {
                ui.small(*name);
                ui.small(format!("{value:.3}"));
                ui.end_row();
            }
        });
    });
}

fn history(ui: &mut Ui, data: &Data, origin: u64) {
    let verdicts = data.history(origin);
    if verdicts.is_empty() {
        ui.label("no history: it was trained on before the window opened");
        return;
    }
    ui.label(format!("History: trained on {} times", verdicts.len()));
    for verdict in verdicts.iter().rev().take(6) {
        ui.small(format!("step {}: score {:.2}, error {:.2}", verdict.step, verdict.score, verdict.error));
    }
}

/// The same sample with one axis at zero at a time.
fn explanation(ui: &mut Ui, stage: &StagePanel) {
    ui.strong("Where the hardness comes from");
    let Some(explained) = &stage.explained else {
        ui.label("Explain (H) draws the very same sample with one axis at zero at a time, and asks the network.");
        return;
    };
    let figures = |i: usize| explained.variations.get(i)?.opinion.as_ref().ok();
    let Some(base) = figures(0) else {
        ui.label("The network could not be asked.");
        return;
    };
    Grid::new("variations").num_columns(4).striped(true).show(ui, |ui| {
        for title in ["", "at zero", "score", "error"] {
            ui.small(title);
        }
        ui.end_row();
        for i in 0..explained.variations.len() {
            let (response, painter) = ui.allocate_painter(vec2(44.0, 44.0), Sense::hover());
            if let Some(atlas) = &stage.variations {
                atlas.draw(&painter, i, response.rect);
            }
            let hardness = explained.variations[0].tile.scene.hardness;
            match i.checked_sub(1) {
                None => ui.label("as it is"),
                Some(axis) => ui.label(format!("{}\n{:.2}", HardnessAxis::ALL[axis], hardness[axis])),
            };
            if let Some(opinion) = figures(i) {
                let cell = |ui: &mut Ui, value: f32, base: f32| {
                    let change = value - base;
                    let color = if i == 0 || change.abs() < 0.02 {
                        ui.visuals().text_color()
                    } else if change < 0.0 {
                        theme::SERIES[0]
                    } else {
                        theme::NOTE
                    };
                    let change = if i == 0 { String::new() } else { format!("\n{change:+.2}") };
                    ui.label(RichText::new(format!("{value:.2}{change}")).color(color));
                };
                match (opinion.difficulty, base.difficulty) {
                    (Some(score), Some(base)) => cell(ui, score, base),
                    _ => {
                        ui.label("-");
                    }
                }
                cell(ui, opinion.error, base.error);
            } else {
                ui.label("-");
                ui.label("-");
            }
            ui.end_row();
        }
    });
    ui.small("Blue: easier without that axis; orange: harder. Scores need the run's critic.");
}
