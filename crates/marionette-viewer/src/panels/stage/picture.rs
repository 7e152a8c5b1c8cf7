//! The stage's picture and its overlays.

use crate::{
    stage_renderer::samples,
    state::{Layout, StageState, Viewer},
    subject::Subject,
    widgets::{overlays as marks, placeholder, theme},
};
use bevy_egui::egui::{
    self, Color32, ColorImage, Context, Painter, Sense, Stroke, TextureOptions, Ui, vec2,
};
use glam::Vec2;
use marionette_run::sheet::{Overlay, Panel as SheetPanel, contact_sheet};
use marionette_stream::{ImageBox, Tile};
use marionette_train::trainer::Prediction;

/// Shows the picture with its overlays.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let room = ui.available_rect_before_wrap();
    let Viewer { stage, layout, subject, .. } = viewer;
    if stage.picture.is_none() {
        let text = stage.complaint.clone().unwrap_or_else(|| {
            "The stage's own renderer is warming up: a second or two.".to_owned()
        });
        placeholder(ui, "The stage is being set", &text);
        return;
    }
    let (response, painter) = ui.allocate_painter(room.size(), Sense::click_and_drag());
    look_around(ui.ctx(), &response, stage);
    texture(ui.ctx(), stage, layout, subject);
    let Some(picture) = &stage.picture else { return };
    let tile = &picture.large;
    let area = marks::fitted(room, [tile.width, tile.height]);
    let painter = painter.with_clip_rect(area);
    if let Some((texture, ..)) = stage.texture.shown() {
        marks::picture(&painter, texture, area);
    }
    if let Some((heat, ..)) = stage.heat.shown().filter(|_| stage.heatmap.is_some()) {
        marks::picture(&painter, heat, area);
    }
    let place = marks::placed(area, [tile.width, tile.height]);
    let size = (area.width() / 130.0).clamp(2.0, 6.0);
    if layout.overlays.colliders {
        for line in samples::colliders(&tile.scene) {
            let points = line.iter().map(|at| place(at.to_array())).collect();
            painter.line(points, Stroke::new(1.0, theme::COLLIDER));
        }
    }
    if layout.overlays.boxes {
        boxes(&painter, tile, &place);
    }
    let figure = &subject.scene.figure;
    marks::labels(
        &painter,
        figure,
        &tile.labels.keypoints,
        &place,
        size,
        [layout.overlays.skeleton, layout.overlays.keypoints],
    );
    if let Ok(prediction) = &picture.prediction
        && layout.overlays.prediction
    {
        let scale = tile.width as f32 / picture.input.width.max(1) as f32;
        let found: Vec<[f32; 2]> =
            prediction.found.iter().map(|[x, y, _]| [x * scale, y * scale]).collect();
        marks::prediction(&painter, figure, &found, &place, size);
    }
    if stage.is_waiting() {
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

fn look_around(context: &Context, response: &egui::Response, stage: &mut StageState) {
    let moved = response.drag_delta();
    if moved != egui::Vec2::ZERO {
        let pan = response.dragged_by(egui::PointerButton::Secondary)
            || context.input(|input| input.modifiers.shift);
        if pan {
            stage.pan(Vec2::new(moved.x, moved.y) / response.rect.height().max(1.0));
        } else {
            stage.turn(moved.x * 0.01, moved.y * 0.005);
        }
    }
    let scrolled =
        if response.hovered() { context.input(|input| input.smooth_scroll_delta().y) } else { 0.0 };
    if scrolled != 0.0 {
        stage.zoom((scrolled * 0.003).exp());
    }
}

/// Makes the textures that are missing, for the picture and the heatmap.
fn texture(context: &Context, stage: &mut StageState, layout: &Layout, subject: &Subject) {
    stage.texture.advance();
    stage.heat.advance();
    let Some(picture) = &stage.picture else { return };
    let (tile, overlays, pictures) = (&picture.large, layout.overlays, stage.pictures());
    let known = stage.texture.newest().is_some_and(|(_, o, p)| (*o, *p) == (overlays, pictures));
    if !known && stage.texture.is_ready() {
        let image = if overlays.ids || overlays.depth {
            let chosen = [(overlays.ids, Overlay::Ids), (overlays.depth, Overlay::Depth)];
            let chosen: Vec<Overlay> =
                chosen.into_iter().filter_map(|(on, overlay)| on.then_some(overlay)).collect();
            tinted(tile, subject, &chosen)
        } else {
            ColorImage::from_rgba_unmultiplied([tile.width, tile.height], &tile.color)
        };
        let texture = context.load_texture("stage", image, TextureOptions::LINEAR);
        stage.texture.offer((texture, overlays, pictures));
    }
    let Some((choice, prediction)) = stage.heatmap.zip(picture.prediction.as_ref().ok()) else {
        return;
    };
    let known = stage.heat.newest().is_some_and(|(_, c, p)| (*c, *p) == (choice, pictures));
    if !known && stage.heat.is_ready() {
        let heat = context.load_texture("heat", heated(prediction, choice), TextureOptions::LINEAR);
        stage.heat.offer((heat, choice, pictures));
    }
}

/// The heatmap of one keypoint, or the maximum over all of them. Low values are transparent.
fn heated(prediction: &Prediction, choice: usize) -> ColorImage {
    let [columns, rows] = prediction.grid;
    let mut cells = vec![0f32; columns * rows];
    let keypoints = prediction.found.len();
    for k in if choice < keypoints { choice..choice + 1 } else { 0..keypoints } {
        for (cell, value) in cells.iter_mut().zip(prediction.heatmap(k).unwrap_or_default()) {
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

/// The picture tinted with ids and depth, as on contact sheets.
fn tinted(tile: &Tile, subject: &Subject, overlays: &[Overlay]) -> ColorImage {
    let panel = SheetPanel { tile, prediction: None, border: None, caption: None };
    let sheet = contact_sheet(&subject.scene.figure, &[panel], overlays, 1, 1);
    let margin = (sheet.width() as usize).saturating_sub(tile.width) / 2;
    let pixel = |i: usize| {
        let [r, g, b] =
            sheet.get_pixel((margin + i % tile.width) as u32, (margin + i / tile.width) as u32).0;
        Color32::from_rgb(r, g, b)
    };
    ColorImage::new([tile.width, tile.height], (0..tile.width * tile.height).map(pixel).collect())
}

fn boxes(painter: &Painter, tile: &Tile, place: &impl Fn([f32; 2]) -> egui::Pos2) {
    let corners =
        |b: ImageBox| egui::Rect::from_min_max(place(b.low.to_array()), place(b.high.to_array()));
    if let Some(modal) = tile.labels.modal_box {
        marks::border(painter, corners(modal), 2.0, theme::BOX);
    }
    let amodal = corners(tile.labels.amodal_box);
    let outline = [
        amodal.left_top(),
        amodal.right_top(),
        amodal.right_bottom(),
        amodal.left_bottom(),
        amodal.left_top(),
    ];
    painter.extend(egui::Shape::dashed_line(&outline, Stroke::new(2.0, theme::BOX), 6.0, 5.0));
}
