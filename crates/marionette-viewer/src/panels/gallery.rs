//! The gallery: samples by how they fared, or the pictures of a finished run.

use crate::{
    state::{Panel, Ranking, Viewer},
    widgets::{overlays, placeholder, theme},
};
use bevy_egui::egui::{
    self, ColorImage, ComboBox, Rect, ScrollArea, Sense, TextureOptions, Ui, vec2,
};
use marionette_stream::HardnessAxis;
use std::sync::Arc;

/// Shows the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    if viewer.subject.watch.is_none() {
        return past_pictures(ui, viewer);
    }
    let mut export = false;
    ui.horizontal(|ui| {
        for ranking in Ranking::ALL {
            ui.selectable_value(&mut viewer.gallery.ranking, ranking, ranking.name());
        }
        ui.separator();
        let name = |axis: Option<HardnessAxis>| axis.map_or("any axis", HardnessAxis::name);
        ComboBox::from_id_salt("axis").selected_text(name(viewer.gallery.axis)).show_ui(ui, |ui| {
            for axis in [None].into_iter().chain(HardnessAxis::ALL.map(Some)) {
                ui.selectable_value(&mut viewer.gallery.axis, axis, name(axis));
            }
        });
        export = ui.button("Export as PNG").on_hover_text("P").clicked();
        ui.separator();
        overlays::legend(ui);
    });
    if export {
        viewer.export_gallery();
    }
    let gallery = &mut viewer.gallery;
    gallery.renew(ui.ctx());
    let Some(shown) = gallery.shown() else {
        let any = matches!(gallery.ranking, Ranking::Hardest | Ranking::Easiest | Ranking::Missed);
        let text = if any && gallery.axis.is_none() {
            "The first batch is on its way."
        } else {
            "No sample is like that so far."
        };
        placeholder(ui, "Nothing on this wall", text);
        return;
    };
    let mut clicked = None;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let (side, gap) = (104.0, 12.0);
        let columns = ((ui.available_width() - 12.0) / (side + gap)).max(1.0) as usize;
        let rows = shown.indices.len().div_ceil(columns);
        let (response, painter) = ui.allocate_painter(
            vec2(ui.available_width() - 12.0, rows as f32 * (side + 26.0)),
            Sense::click(),
        );
        for (i, index) in shown.indices.iter().enumerate() {
            // The gallery may have dropped it since it was chosen.
            let Some(sample) = gallery.sample(*index) else { continue };
            let corner = vec2(
                (i % columns) as f32 * (side + gap) + 4.0,
                (i / columns) as f32 * (side + 26.0) + 4.0,
            );
            let area = Rect::from_min_size(response.rect.min + corner, vec2(side, side));
            if let Some(atlas) = &shown.atlas {
                atlas.draw(&painter, i, area);
            }
            overlays::border(&painter, area, 2.5, theme::difficulty(sample.score));
            let place = overlays::placed(area, [sample.tile.width, sample.tile.height]);
            let clipped = painter.with_clip_rect(area);
            overlays::labels(
                &clipped,
                &viewer.subject.scene.figure,
                &sample.tile.labels.keypoints,
                &place,
                1.6,
                [true, true],
            );
            if viewer.layout.marks[1] {
                overlays::prediction(
                    &clipped,
                    &viewer.subject.scene.figure,
                    &sample.prediction,
                    &place,
                    1.6,
                );
            }
            let below = area.left_bottom() + vec2(0.0, 4.0);
            let text = format!("score {:.2} error {:.2}", sample.score, sample.error);
            painter.text(
                below,
                egui::Align2::LEFT_TOP,
                text,
                egui::FontId::proportional(10.5),
                ui.visuals().text_color(),
            );
            if response.hover_pos().is_some_and(|at| area.contains(at)) {
                response.clone().on_hover_text_at_pointer(format!(
                    "sample {index}, learned from at step {}\nclick: on the stage",
                    sample.step
                ));
                if response.clicked() {
                    clicked = Some(Arc::new(sample.tile.scene.clone()));
                }
            }
        }
    });
    if let Some(sample) = clicked {
        viewer.stage.choose(sample);
        viewer.layout.panel = Panel::Stage;
    }
}

/// The pictures of a finished run.
fn past_pictures(ui: &mut Ui, viewer: &mut Viewer) {
    if viewer.gallery.pictures.is_empty() {
        placeholder(
            ui,
            "No pictures",
            "A run leaves contact sheets in its folder pictures/ at its beginning and at its end.",
        );
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (path, texture) in &mut viewer.gallery.pictures {
            ui.strong(path.file_name().unwrap_or_default().to_string_lossy());
            if texture.is_none() {
                let Ok(picture) = image::open(&*path) else {
                    ui.label("cannot be read");
                    continue;
                };
                let picture = picture.to_rgba8();
                let size = [picture.width() as usize, picture.height() as usize];
                let image = ColorImage::from_rgba_unmultiplied(size, &picture);
                *texture = Some(ui.ctx().load_texture(
                    path.display().to_string(),
                    image,
                    TextureOptions::LINEAR,
                ));
            }
            if let Some(texture) = texture {
                let [width, height] = texture.size().map(|side| side as f32);
                let scale = (ui.available_width() / width).min(1.0);
                ui.image((texture.id(), vec2(width, height) * scale));
            }
            ui.add_space(8.0);
        }
    });
}
