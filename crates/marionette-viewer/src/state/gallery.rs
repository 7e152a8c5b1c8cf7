//! The samples of the gallery and their rankings: the hardest, the easiest, those with the largest
//! error, those that the score is wrong about.

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

/// The number of samples above which all are forgotten that no ranking needs.
const KEPT: usize = 700;
/// The number of samples that are shown.
const SHOWN: usize = 40;
/// The number of samples that are kept of each ranking along each axis.
const KEPT_ALONG: usize = 10;
/// With an axis chosen, samples are shown that are at least this hard along it.
const HARD: f32 = 0.6;
/// Scores below the first count as easy, and above the second as hard.
const EASY_SCORE: f32 = 0.4;
const HARD_SCORE: f32 = 0.6;
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
    /// The largest errors.
    Missed,
    /// The largest errors among samples with a low score.
    Overlooked,
    /// The smallest errors among samples with a high score.
    Overrated,
}

impl Ranking {
    /// All of them, in the order of their buttons.
    pub const ALL: [Ranking; 5] = [
        Ranking::Hardest,
        Ranking::Easiest,
        Ranking::Missed,
        Ranking::Overlooked,
        Ranking::Overrated,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        ["hardest", "easiest", "missed", "easy but missed", "hard but found"][self as usize]
    }

    /// The value of a sample with this score and error. `None` if the sample does not belong in the
    /// ranking.
    fn value(self, score: f32, error: f32) -> Option<f32> {
        match self {
            Ranking::Hardest => Some(score),
            Ranking::Easiest => Some(-score),
            Ranking::Missed => Some(error),
            Ranking::Overlooked => (score < EASY_SCORE).then_some(error),
            Ranking::Overrated => (score > HARD_SCORE).then_some(-error),
        }
    }
}

/// A sample of the gallery.
pub struct GallerySample {
    /// Its tile.
    pub tile: Tile,
    /// The network's prediction when it learned from it, pixels.
    pub prediction: Vec<[f32; 2]>,
    /// Its difficulty score then.
    pub score: f32,
    /// Its error then, torso lengths.
    pub error: f32,
    /// The step.
    pub step: u64,
}

impl GallerySample {
    fn caption(&self) -> String {
        format!("{:.2}, {:.2}", self.score, self.error)
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
    /// Kept samples, by index.
    samples: HashMap<u64, GallerySample>,
    /// The newest step whose samples were added.
    step: u64,
    shown: Settling<ShownSamples>,
}

/// The samples that are shown.
pub struct ShownSamples {
    /// What they were chosen by: ranking, axis, and the step in units of [`RENEW_STEPS`].
    chosen_by: (Ranking, Option<HardnessAxis>, u64),
    /// Their indices.
    pub indices: Vec<u64>,
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
            let (tile, prediction) = (tile.clone(), prediction.clone());
            let (score, error, step) = (sample.difficulty, sample.error, newest.step);
            let kept = GallerySample { tile, prediction, score, error, step };
            self.samples.insert(sample.index, kept);
        }
        if self.samples.len() > KEPT {
            self.forget();
        }
    }

    /// Keeps the first samples of every ranking, over all and along each axis.
    fn forget(&mut self) {
        let first = |ranking, axis, count| self.ranked(ranking, axis).into_iter().take(count);
        let of_ranking = |ranking| {
            let along = HardnessAxis::ALL
                .into_iter()
                .flat_map(move |axis| first(ranking, Some(axis), KEPT_ALONG));
            first(ranking, None, SHOWN).chain(along)
        };
        let stay: HashSet<u64> = Ranking::ALL.into_iter().flat_map(of_ranking).collect();
        self.samples.retain(|index, _| stay.contains(index));
    }

    /// The indices of the samples in a ranking, highest value first.
    fn ranked(&self, ranking: Ranking, axis: Option<HardnessAxis>) -> Vec<u64> {
        let matches = |sample: &GallerySample| {
            axis.is_none_or(|axis| sample.tile.scene.hardness[axis as usize] >= HARD)
        };
        let values = self.samples.iter().filter(|(_, sample)| matches(sample));
        let mut ranked: Vec<(f32, u64)> = values
            .filter_map(|(index, sample)| {
                Some((ranking.value(sample.score, sample.error)?, *index))
            })
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().map(|(_, index)| index).collect()
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
            .is_none_or(|shown| shown.chosen_by != chosen_by || shown.indices.is_empty());
        if due && self.shown.is_ready() {
            let indices = self.chosen();
            let tiles =
                indices.iter().filter_map(|index| self.sample(*index)).map(|sample| &sample.tile);
            let atlas = Atlas::of_tiles(context, "gallery", tiles);
            self.shown.offer(ShownSamples { chosen_by, indices, atlas });
        }
        self.shown.advance();
    }

    /// The samples that are shown, if there are any.
    pub fn shown(&self) -> Option<&ShownSamples> {
        self.shown.shown().filter(|shown| !shown.indices.is_empty())
    }

    /// Sample `index`, if it is still kept.
    pub fn sample(&self, index: u64) -> Option<&GallerySample> {
        self.samples.get(&index)
    }

    /// Writes the chosen samples as a contact sheet. Returns where it is, or why there is none.
    pub fn export(&self, subject: &Subject) -> String {
        let chosen = self.chosen();
        let panels: Vec<SheetPanel> = chosen
            .iter()
            .filter_map(|index| self.sample(*index))
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
        let values = |score, error| Ranking::ALL.map(|ranking| ranking.value(score, error));
        assert_eq!(values(0.5, 1.0), [Some(0.5), Some(-0.5), Some(1.0), None, None]);
        assert_eq!(values(0.2, 1.0)[3..], [Some(1.0), None]);
        assert_eq!(values(0.9, 0.1)[3..], [None, Some(-0.1)]);
    }
}
