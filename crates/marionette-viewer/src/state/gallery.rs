//! The samples of the gallery and their rankings: the hardest, the easiest, those that got better
//! or worse, those that are not learned.

use crate::{
    subject::Subject,
    widgets::{Atlas, Settling, theme},
};
use bevy_egui::egui::{Context, TextureHandle};
use marionette_run::{
    Snapshot,
    sheet::{Overlay, Panel as SheetPanel, contact_sheet, save_png},
};
use marionette_stream::{HardnessAxis, Tile};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::PathBuf,
};

/// The number of samples that are kept.
const KEPT: usize = 400;
/// The number of samples that are shown.
const SHOWN: usize = 40;
/// With an axis chosen, samples are shown that are at least this hard along it.
const HARD: f32 = 0.6;
/// A sample that got no better in so many training steps counts as not learned.
const PATIENCE: usize = 3;
/// The gallery shows new samples after so many steps. It cannot be looked at if it changes with
/// every batch.
const RENEW_STEPS: u64 = 20;

/// What the gallery's samples are ranked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ranking {
    /// The highest scores.
    #[default]
    Hardest,
    /// The lowest scores.
    Easiest,
    /// The error fell most since the first time.
    Improved,
    /// The error rose most above its least.
    Forgotten,
    /// Trained on often, and no better than at first.
    Unlearnable,
}

impl Ranking {
    /// All of them, in the order of their buttons.
    pub const ALL: [Ranking; 5] = [
        Ranking::Hardest,
        Ranking::Easiest,
        Ranking::Improved,
        Ranking::Forgotten,
        Ranking::Unlearnable,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        ["hardest", "easiest", "most improved", "most forgotten", "unlearnable"][self as usize]
    }

    /// The value of a sample with this score and these errors, oldest first. `None` if the sample
    /// does not belong in the ranking.
    fn value(self, score: f32, errors: &[f32]) -> Option<f32> {
        let (first, last) = (*errors.first()?, *errors.last()?);
        let least = errors.iter().copied().fold(f32::INFINITY, f32::min);
        let times = errors.len();
        match self {
            Ranking::Hardest => Some(score),
            Ranking::Easiest => Some(-score),
            Ranking::Improved => (times > 1 && last < first).then_some(first - last),
            Ranking::Forgotten => (times > 1 && last > least).then_some(last - least),
            Ranking::Unlearnable => (times >= PATIENCE && last >= 0.95 * first).then_some(last),
        }
    }
}

/// A sample of the gallery.
pub struct GallerySample {
    /// Its tile in the newest step that trained on it.
    pub tile: Tile,
    /// The network's prediction in that step, pixels.
    pub prediction: Vec<[f32; 2]>,
    /// Its difficulty score in that step.
    pub score: f32,
    /// Its errors in torso lengths, oldest first.
    pub errors: Vec<f32>,
    /// That step.
    pub step: u64,
}

impl GallerySample {
    fn caption(&self) -> String {
        format!("{:.2}, {:.2}", self.score, self.errors.last().copied().unwrap_or_default())
    }
}

/// The state of the Gallery panel.
#[derive(Default)]
pub struct Gallery {
    /// The chosen ranking.
    pub ranking: Ranking,
    /// Show only samples that are hard along this axis.
    pub axis: Option<HardnessAxis>,
    /// The pictures of a finished run, with textures once they are shown.
    pub pictures: Vec<(PathBuf, Option<TextureHandle>)>,
    /// Kept samples, by the index at which they were first sampled.
    samples: HashMap<u64, GallerySample>,
    /// The newest step whose samples were added.
    step: u64,
    shown: Settling<ShownSamples>,
}

/// The samples that are shown.
pub struct ShownSamples {
    /// What they were chosen by: ranking, axis, and the step in units of [`RENEW_STEPS`].
    chosen_by: (Ranking, Option<HardnessAxis>, u64),
    /// Their first indices.
    pub origins: Vec<u64>,
    /// Their tiles in one texture.
    pub atlas: Option<Atlas>,
}

impl Gallery {
    /// An empty gallery for a run in progress; the pictures of a finished one.
    pub fn new(subject: &Subject) -> Self {
        let mut gallery = Gallery::default();
        if subject.watch.is_none() {
            let entries =
                fs::read_dir(subject.directory.pictures_path()).into_iter().flatten().flatten();
            let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
            paths.sort();
            gallery.pictures = paths.into_iter().map(|path| (path, None)).collect();
        }
        gallery
    }

    /// Adds the samples of a snapshot, unless they were added before.
    pub fn add(&mut self, newest: &Snapshot) {
        if newest.step == self.step {
            return;
        }
        self.step = newest.step;
        let report = &newest.report;
        for ((tile, sample), prediction) in
            newest.batch.tiles.iter().zip(&report.samples).zip(&report.predictions)
        {
            let origin = sample.origin.unwrap_or(sample.index);
            let errors = self.samples.remove(&origin).map_or(Vec::new(), |older| older.errors);
            let errors = errors.into_iter().chain([sample.error]).collect();
            let (tile, prediction) = (tile.clone(), prediction.clone());
            let score = sample.difficulty;
            self.samples.insert(
                origin,
                GallerySample { tile, prediction, score, errors, step: newest.step },
            );
        }
        if self.samples.len() > KEPT + 128 {
            self.forget();
        }
    }

    /// Keeps the first samples of every ranking and the newest others.
    fn forget(&mut self) {
        let mut stay: Vec<u64> = Vec::new();
        for ranking in Ranking::ALL {
            stay.extend(self.ranked(ranking, None).into_iter().take(KEPT / Ranking::ALL.len()));
        }
        // The newest may be replayed again.
        let mut others: Vec<(u64, u64)> =
            self.samples.iter().map(|(origin, sample)| (sample.step, *origin)).collect();
        others.sort_unstable_by(|a, b| b.cmp(a));
        stay.extend(others.into_iter().map(|(_, origin)| origin).take(KEPT / 2));
        let stay: HashSet<u64> = stay.into_iter().collect();
        self.samples.retain(|origin, _| stay.contains(origin));
    }

    /// The first indices of the samples in a ranking, highest value first.
    fn ranked(&self, ranking: Ranking, axis: Option<HardnessAxis>) -> Vec<u64> {
        let matches = |sample: &GallerySample| {
            axis.is_none_or(|axis| sample.tile.scene.hardness[axis as usize] >= HARD)
        };
        let values = self.samples.iter().filter(|(_, sample)| matches(sample));
        let mut ranked: Vec<(f32, u64)> = values
            .filter_map(|(origin, sample)| {
                Some((ranking.value(sample.score, &sample.errors)?, *origin))
            })
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().map(|(_, origin)| origin).collect()
    }

    /// The first samples of the chosen ranking.
    fn chosen(&self) -> Vec<u64> {
        self.ranked(self.ranking, self.axis).into_iter().take(SHOWN).collect()
    }

    /// Chooses the samples to show when they are due. Call it once per frame.
    pub fn renew(&mut self, context: &Context) {
        let chosen_by = (self.ranking, self.axis, self.step / RENEW_STEPS);
        let due = self
            .shown
            .newest()
            .is_none_or(|shown| shown.chosen_by != chosen_by || shown.origins.is_empty());
        if due && self.shown.is_ready() {
            let origins = self.chosen();
            let tiles =
                origins.iter().filter_map(|origin| self.sample(*origin)).map(|sample| &sample.tile);
            let atlas = Atlas::of_tiles(context, "gallery", tiles);
            self.shown.offer(ShownSamples { chosen_by, origins, atlas });
        }
        self.shown.advance();
    }

    /// The samples that are shown, if there are any.
    pub fn shown(&self) -> Option<&ShownSamples> {
        self.shown.shown().filter(|shown| !shown.origins.is_empty())
    }

    /// The sample that was first sampled as `origin`, if it is still kept.
    pub fn sample(&self, origin: u64) -> Option<&GallerySample> {
        self.samples.get(&origin)
    }

    /// Writes the chosen samples as a contact sheet. Returns where it is, or why there is none.
    pub fn export(&self, subject: &Subject) -> String {
        let chosen = self.chosen();
        let panels: Vec<SheetPanel> = chosen
            .iter()
            .filter_map(|origin| self.sample(*origin))
            .map(|sample| {
                let [r, g, b, _] = theme::difficulty(sample.score).to_array();
                SheetPanel {
                    tile: &sample.tile,
                    prediction: Some(&sample.prediction),
                    border: Some([r, g, b]),
                    caption: Some(sample.caption()),
                }
            })
            .collect();
        if panels.is_empty() {
            return "the gallery is empty: nothing was exported".to_owned();
        }
        let axis = self.axis.map_or(String::new(), |axis| format!("-{axis}"));
        let name = format!(
            "gallery-{}{axis}-step-{:06}.png",
            self.ranking.name().replace(' ', "-"),
            self.step
        );
        let path = subject.directory.pictures_path().join(name);
        let _ = fs::create_dir_all(subject.directory.pictures_path());
        let sheet = contact_sheet(&subject.scene.figure, &panels, &[Overlay::Keypoints], 8, 3);
        match save_png(&path, &sheet) {
            Ok(()) => format!("gallery in {}", path.display()),
            Err(error) => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_belong_in_rankings_by_how_they_fared() {
        let ranks =
            |errors: &[f32]| Ranking::ALL.map(|ranking| ranking.value(0.5, errors).is_some());
        assert_eq!(ranks(&[1.0]), [true, true, false, false, false]);
        assert_eq!(ranks(&[1.0, 0.4]), [true, true, true, false, false]);
        assert_eq!(ranks(&[1.0, 0.4, 1.1]), [true, true, false, true, true]);
    }
}
