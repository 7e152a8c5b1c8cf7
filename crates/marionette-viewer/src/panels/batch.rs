//! The tiles being trained on.

use crate::{
    state::Viewer,
    widgets::{Atlas, overlays, placeholder, theme},
};
use bevy_egui::egui::{Rect, ScrollArea, Sense, Ui, vec2};
use marionette_run::Snapshot;
use marionette_stream::{HardnessAxis, SceneSample};
use marionette_train::trainer::StepReport;
use std::sync::Arc;

/// Shows the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let panel = &mut viewer.batch;
    let shown = panel.shown.newest();
    let wanted = panel.shown.is_ready() && (!panel.hold || shown.is_none());
    let is_new = |newest: &&Arc<Snapshot>| shown.is_none_or(|(old, _)| !Arc::ptr_eq(old, newest));
    if let Some(newest) = viewer.run.newest.as_ref().filter(|newest| wanted && is_new(newest)) {
        let atlas = Atlas::of_tiles(ui.ctx(), "batch", &newest.batch.tiles);
        panel.shown.offer((newest.clone(), atlas));
    }
    let Some(shown) = panel.shown.advance().map(|(shown, _)| shown.clone()) else {
        let (title, text) = if viewer.subject.watch.is_some() {
            (
                "The first batch is on its way",
                "The renderer warms up and the exams' images are drawn or read; then the tiles \
                 being trained on appear here.",
            )
        } else {
            (
                "No batch",
                "This run is over and only read: nothing is trained on. The stage draws any of \
                 its samples again.",
            )
        };
        placeholder(ui, title, text);
        return;
    };
    ui.horizontal(|ui| {
        ui.label(format!("Batch {} of step {}", shown.batch.index, shown.step));
        ui.checkbox(&mut viewer.batch.hold, "hold");
        ui.checkbox(&mut viewer.layout.marks[0], "ground truth");
        ui.checkbox(&mut viewer.layout.marks[1], "prediction");
        ui.separator();
        overlays::legend(ui);
        ui.label("score");
    });
    let mut chosen = None;
    let tiles = &shown.batch.tiles;
    let (gap, room) = (9.0, ui.available_size());
    let columns = columns(tiles.len(), room.x, room.y);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let side = ((ui.available_width() - 12.0) / columns as f32 - gap).max(24.0);
        let tall =
            tiles.first().map_or(side, |tile| side * tile.height as f32 / tile.width.max(1) as f32);
        let rows = tiles.len().div_ceil(columns);
        let (response, painter) = ui.allocate_painter(
            vec2(columns as f32 * (side + gap), rows as f32 * (tall + gap) + gap),
            Sense::click(),
        );
        let low = response.rect.min + vec2(gap * 0.5, gap * 0.5);
        let area = |i: usize| {
            let corner =
                vec2((i % columns) as f32 * (side + gap), (i / columns) as f32 * (tall + gap));
            Rect::from_min_size(low + corner, vec2(side, tall))
        };
        let hovered =
            response.hover_pos().and_then(|at| (0..tiles.len()).find(|i| area(*i).contains(at)));
        for (i, tile) in tiles.iter().enumerate() {
            let area = area(i);
            if let Some((_, Some(atlas))) = viewer.batch.shown.shown() {
                atlas.draw(&painter, i, area);
            }
            let score = shown.report.difficulty.get(i).copied();
            overlays::border(
                &painter,
                area,
                if hovered == Some(i) { 4.0 } else { 2.5 },
                score.map_or(theme::MIDDLE, theme::difficulty),
            );
            let place = overlays::placed(area, [tile.width, tile.height]);
            let size = (side / 64.0).clamp(1.2, 3.0);
            let figure = &viewer.subject.scene.figure;
            if viewer.layout.marks[0] {
                overlays::labels(
                    &painter.with_clip_rect(area),
                    figure,
                    &tile.labels.keypoints,
                    &place,
                    size,
                    [true, true],
                );
            }
            if let Some(found) = shown.report.predictions.get(i).filter(|_| viewer.layout.marks[1])
            {
                overlays::prediction(&painter.with_clip_rect(area), figure, found, &place, size);
            }
        }
        if let Some(i) = hovered {
            let text = description(&tiles[i].scene, &shown.report, i);
            let response = response.on_hover_text_at_pointer(text);
            if response.clicked() {
                chosen = Some(i);
            }
        }
    });
    if let Some(i) = chosen {
        viewer.put_on_stage(&shown, i);
    }
}

/// The number of columns with which all tiles fit into the panel, if that is possible.
fn columns(tiles: usize, width: f32, height: f32) -> usize {
    let fits = |columns: &usize| {
        let side = width / *columns as f32;
        side * tiles.div_ceil(*columns) as f32 <= height || side < 60.0
    };
    (1..=tiles.max(1)).find(fits).unwrap_or(8)
}

/// A sample in words.
fn description(sample: &SceneSample, report: &StepReport, i: usize) -> String {
    let stream = sample.stream.words();
    let mut text = format!("sample {}, attempt {}, {stream}", sample.index, sample.attempt);
    if let Some(metrics) = report.samples.get(i) {
        text += &format!(
            "\nscore {:.2}, error {:.2} torsos, loss {:.2}",
            metrics.difficulty, metrics.error, metrics.loss
        );
    }
    for axis in HardnessAxis::ALL {
        text += &format!("\n{axis} {:.2}", sample.hardness[axis as usize]);
    }
    text + "\nclick: on the stage"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fits_into_its_panel() {
        for tiles in [1, 8, 32, 33] {
            let columns = columns(tiles, 1260.0, 600.0);
            assert!(
                1260.0 / columns as f32 * tiles.div_ceil(columns) as f32 <= 600.0,
                "{tiles}: {columns}"
            );
        }
        assert!(columns(4096, 1260.0, 600.0) < 40);
    }
}
