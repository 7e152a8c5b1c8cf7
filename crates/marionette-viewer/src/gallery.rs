//! Samples worth a look: the hardest, the easiest, those that got better or worse, those that
//! nobody learns.

use super::{
    Subject,
    chrome::{Viewer, nothing_yet},
    layout::Panel,
    paint::{self, Atlas, Settling},
    theme,
};
use bevy_egui::egui::{
    self, ColorImage, ComboBox, Rect, ScrollArea, Sense, TextureHandle, TextureOptions, Ui, vec2,
};
use marionette_run::{
    Snapshot,
    sheet::{Overlay, Panel as SheetPanel, contact_sheet, save_png},
};
use marionette_stream::{HardnessAxis, Tile};
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// Samples that are kept in mind.
const KEPT: usize = 400;
/// Samples that are shown.
const SHOWN: usize = 40;
/// A sample belongs to an axis where it is at least this hard along it.
const HARD: f32 = 0.6;
/// Looks after which a sample that got no better counts as one that is not learned.
const PATIENCE: usize = 3;

/// What the gallery shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wall {
    /// The highest scores.
    #[default]
    Hardest,
    /// The lowest scores.
    Easiest,
    /// The error fell most since it was first seen.
    Improved,
    /// The error rose most above its least.
    Forgotten,
    /// Seen often, and no better than at first.
    Unlearnable,
}

impl Wall {
    const ALL: [Wall; 5] =
        [Wall::Hardest, Wall::Easiest, Wall::Improved, Wall::Forgotten, Wall::Unlearnable];

    fn name(self) -> &'static str {
        ["hardest", "easiest", "most improved", "most forgotten", "unlearnable"][self as usize]
    }
}

/// A sample, as it was last seen, and how it fared.
struct Kept {
    tile: Tile,
    prediction: Vec<[f32; 2]>,
    score: f32,
    errors: Vec<f32>,
    step: u64,
}

impl Kept {
    /// How much it belongs on a wall; `None` where it does not at all.
    fn rank(&self, wall: Wall) -> Option<f32> {
        rank(wall, self.score, &self.errors)
    }

    fn caption(&self) -> String {
        format!("{:.2}, {:.2}", self.score, self.errors.last().copied().unwrap_or_default())
    }
}

/// How much a sample of this score and these errors, oldest first, belongs on a wall.
fn rank(wall: Wall, score: f32, errors: &[f32]) -> Option<f32> {
    let (first, last) = (*errors.first()?, *errors.last()?);
    let least = errors.iter().copied().fold(f32::INFINITY, f32::min);
    let looks = errors.len();
    match wall {
        Wall::Hardest => Some(score),
        Wall::Easiest => Some(-score),
        Wall::Improved => (looks > 1 && last < first).then_some(first - last),
        Wall::Forgotten => (looks > 1 && last > least).then_some(last - least),
        Wall::Unlearnable => (looks >= PATIENCE && last >= 0.95 * first).then_some(last),
    }
}

/// The panel's own state.
#[derive(Default)]
pub struct Gallery {
    kept: HashMap<u64, Kept>,
    wall: Wall,
    axis: Option<HardnessAxis>,
    taken: u64,
    shown: Settling<Hung>,
    /// Pictures of a run that is over.
    pictures: Vec<(PathBuf, Option<TextureHandle>)>,
}

/// What hangs on a wall.
struct Hung {
    /// What it was chosen for.
    chosen: (Wall, Option<HardnessAxis>, u64),
    samples: Vec<u64>,
    atlas: Option<Atlas>,
}

impl Gallery {
    /// An empty gallery; of a run that is over, its pictures.
    pub fn new(subject: &Subject) -> Self {
        let mut gallery = Gallery::default();
        if subject.watch.is_none() {
            let entries = std::fs::read_dir(subject.directory.pictures_path())
                .into_iter()
                .flatten()
                .flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
            paths.sort();
            gallery.pictures = paths.into_iter().map(|path| (path, None)).collect();
        }
        gallery
    }

    /// Takes a state in.
    pub fn take(&mut self, newest: &Arc<Snapshot>) {
        if newest.step == self.taken {
            return;
        }
        self.taken = newest.step;
        let report = &newest.report;
        for ((tile, sample), prediction) in
            newest.batch.tiles.iter().zip(&report.samples).zip(&report.predictions)
        {
            let origin = sample.origin.unwrap_or(sample.index);
            let errors = self.kept.remove(&origin).map_or(Vec::new(), |kept| kept.errors);
            let errors = errors.into_iter().chain([sample.error]).collect();
            let (tile, prediction) = (tile.clone(), prediction.clone());
            self.kept.insert(
                origin,
                Kept { tile, prediction, score: sample.difficulty, errors, step: newest.step },
            );
        }
        if self.kept.len() > KEPT + 128 {
            self.forget();
        }
    }

    /// Keeps those that belong on some wall most.
    fn forget(&mut self) {
        let mut stay: Vec<u64> = Vec::new();
        for wall in Wall::ALL {
            stay.extend(self.best(wall, None).into_iter().take(KEPT / Wall::ALL.len()));
        }
        // The others by their last look: they may come again.
        let mut others: Vec<(u64, u64)> =
            self.kept.iter().map(|(origin, kept)| (kept.step, *origin)).collect();
        others.sort_unstable_by(|a, b| b.cmp(a));
        stay.extend(others.into_iter().map(|(_, origin)| origin).take(KEPT / 2));
        let stay: std::collections::HashSet<u64> = stay.into_iter().collect();
        self.kept.retain(|origin, _| stay.contains(origin));
    }

    /// What belongs on a wall, first what belongs there most.
    fn best(&self, wall: Wall, axis: Option<HardnessAxis>) -> Vec<u64> {
        let belongs =
            |kept: &Kept| axis.is_none_or(|axis| kept.tile.scene.hardness[axis as usize] >= HARD);
        let ranked = self.kept.iter().filter(|(_, kept)| belongs(kept));
        let mut ranked: Vec<(f32, u64)> =
            ranked.filter_map(|(origin, kept)| Some((kept.rank(wall)?, *origin))).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().map(|(_, origin)| origin).collect()
    }

    /// Writes what is shown as a contact sheet; says where, or why not.
    pub fn export(&mut self, subject: &Subject) -> String {
        let shown: Vec<u64> = self.best(self.wall, self.axis).into_iter().take(SHOWN).collect();
        let panels: Vec<SheetPanel> = shown
            .iter()
            .filter_map(|origin| self.kept.get(origin))
            .map(|kept| {
                let [r, g, b, _] = theme::difficulty(kept.score).to_array();
                SheetPanel {
                    tile: &kept.tile,
                    prediction: Some(&kept.prediction),
                    border: Some([r, g, b]),
                    caption: Some(kept.caption()),
                }
            })
            .collect();
        if panels.is_empty() {
            return "the gallery is empty: nothing was exported".to_owned();
        }
        let axis = self.axis.map_or(String::new(), |axis| format!("-{axis}"));
        let name = format!(
            "gallery-{}{axis}-step-{:06}.png",
            self.wall.name().replace(' ', "-"),
            self.taken
        );
        let path = subject.directory.pictures_path().join(name);
        let _ = std::fs::create_dir_all(subject.directory.pictures_path());
        let sheet = contact_sheet(&subject.scene.figure, &panels, &[Overlay::Keypoints], 8, 3);
        match save_png(&path, &sheet) {
            Ok(()) => format!("gallery in {}", path.display()),
            Err(error) => error.to_string(),
        }
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    if viewer.subject.watch.is_none() {
        return past(ui, viewer);
    }
    let mut export = false;
    ui.horizontal(|ui| {
        for wall in Wall::ALL {
            ui.selectable_value(&mut viewer.gallery.wall, wall, wall.name());
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
        paint::legend(ui);
    });
    if export {
        let said = viewer.gallery.export(&viewer.subject);
        viewer.data.note(said);
    }
    let gallery = &mut viewer.gallery;
    // Chosen anew now and then, not with every batch: a wall that never stands still cannot be
    // looked at.
    let chosen = (gallery.wall, gallery.axis, gallery.taken / 20);
    let renew =
        gallery.shown.newest().is_none_or(|hung| hung.chosen != chosen || hung.samples.is_empty());
    if renew && gallery.shown.is_ready() {
        let samples: Vec<u64> =
            gallery.best(gallery.wall, gallery.axis).into_iter().take(SHOWN).collect();
        let tiles =
            samples.iter().filter_map(|origin| gallery.kept.get(origin)).map(|kept| &kept.tile);
        let atlas = Atlas::of_tiles(ui.ctx(), "gallery", tiles);
        gallery.shown.offer(Hung { chosen, samples, atlas });
    }
    gallery.shown.show();
    let Some(hung) = gallery.shown.shown().filter(|hung| !hung.samples.is_empty()) else {
        let text = match gallery.wall {
            Wall::Hardest | Wall::Easiest => "The first batch is on its way.",
            Wall::Improved | Wall::Forgotten => {
                "Samples come here once they have been replayed: after some dozens of steps."
            }
            Wall::Unlearnable => {
                "Samples come here that were replayed at least twice and got no better. None so \
                 far."
            }
        };
        nothing_yet(ui, "Nothing on this wall", text);
        return;
    };
    let mut clicked = None;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let (side, gap) = (104.0, 12.0);
        let columns = ((ui.available_width() - 12.0) / (side + gap)).max(1.0) as usize;
        let rows = hung.samples.len().div_ceil(columns);
        let (response, painter) = ui.allocate_painter(
            vec2(ui.available_width() - 12.0, rows as f32 * (side + 26.0)),
            Sense::click(),
        );
        for (i, origin) in hung.samples.iter().enumerate() {
            // It may have been forgotten since it was chosen.
            let Some(kept) = gallery.kept.get(origin) else { continue };
            let corner = vec2(
                (i % columns) as f32 * (side + gap) + 4.0,
                (i / columns) as f32 * (side + 26.0) + 4.0,
            );
            let area = Rect::from_min_size(response.rect.min + corner, vec2(side, side));
            if let Some(atlas) = &hung.atlas {
                atlas.draw(&painter, i, area);
            }
            paint::border(&painter, area, 2.5, theme::difficulty(kept.score));
            let place = paint::placed(area, [kept.tile.width, kept.tile.height]);
            let clipped = painter.with_clip_rect(area);
            paint::labels(
                &clipped,
                &viewer.subject.scene.figure,
                &kept.tile.labels.keypoints,
                &place,
                1.6,
                [true, true],
            );
            if viewer.layout.marks[1] {
                paint::prediction(
                    &clipped,
                    &viewer.subject.scene.figure,
                    &kept.prediction,
                    &place,
                    1.6,
                );
            }
            let below = area.left_bottom() + vec2(0.0, 4.0);
            let text = format!(
                "score {:.2} error {:.2}",
                kept.score,
                kept.errors.last().copied().unwrap_or_default()
            );
            painter.text(
                below,
                egui::Align2::LEFT_TOP,
                text,
                egui::FontId::proportional(10.5),
                ui.visuals().text_color(),
            );
            if response.hover_pos().is_some_and(|at| area.contains(at)) {
                let errors: Vec<String> =
                    kept.errors.iter().map(|error| format!("{error:.2}")).collect();
                response.clone().on_hover_text_at_pointer(format!(
                    "sample {origin}, last seen at step {}\nerrors: {}\nclick: on the stage",
                    kept.step,
                    errors.join(", ")
                ));
                if response.clicked() {
                    clicked = Some(Arc::new(kept.tile.scene.clone()));
                }
            }
        }
    });
    if let Some(sample) = clicked {
        let policy = viewer.data.newest.as_ref().map(|newest| newest.policy.clone());
        viewer.stage.choose(sample, policy);
        viewer.layout.panel = Panel::Stage;
    }
}

/// The pictures that a run left.
fn past(ui: &mut Ui, viewer: &mut Viewer) {
    if viewer.gallery.pictures.is_empty() {
        nothing_yet(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_belong_on_walls_by_how_they_fared() {
        let ranks = |errors: &[f32]| Wall::ALL.map(|wall| rank(wall, 0.5, errors).is_some());
        assert_eq!(ranks(&[1.0]), [true, true, false, false, false]);
        assert_eq!(ranks(&[1.0, 0.4]), [true, true, true, false, false]);
        assert_eq!(ranks(&[1.0, 0.4, 1.1]), [true, true, false, true, true]);
    }
}
