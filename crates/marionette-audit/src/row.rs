//! What is kept of a picture that a model was judged by.

use crate::{
    facts::{FactList, Facts},
    mistakes::{Outcome, Truths},
};
use marionette_figure::{Figure, KeypointScheme};
use marionette_models::Place;
use marionette_render::label_figure;
use marionette_stream::{Cover, Hardness, LabelledKeypoint, SampleStream, Tile, Visibility};
use marionette_train::eval::metric::{HIT, WORST, symmetry::Order};
use serde::{Deserialize, Serialize};

/// What is kept of a picture: a line of `pictures.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Pictures done with this one, from 1.
    pub step: u64,
    /// Index of the sample; with hardness and the audit's seed it says all of the picture.
    pub index: u64,
    /// Requested hardness per axis.
    pub hardness: Hardness,
    /// Whether it was drawn without regard to what fails.
    pub uniform: bool,
    /// The density of its hardness where it was drawn over that of the uniform population.
    pub density: f64,
    /// What may explain its errors.
    pub facts: Facts,
    /// The keypoints, in label order.
    pub keypoints: Vec<Judged>,
    /// How they came out by the model that it is compared with; empty without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rival: Vec<Option<Result>>,
}

/// What is kept of a keypoint.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Where it is, pixels.
    pub truth: [f32; 2],
    /// Whether it is seen.
    pub visibility: Visibility,
    /// What covers it, where it is covered.
    pub cover: Option<Cover>,
    /// Where the model found it, pixels; `None` where it gave none.
    pub place: Option<[f32; 2]>,
    /// How it came out; `None` where it has no label, or the model does not know the keypoint.
    pub result: Option<Result>,
}

/// How a keypoint came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Result {
    /// How far off, torso lengths, at most 3.
    pub error: f32,
    /// What is there.
    pub outcome: Outcome,
}

impl Result {
    /// Whether it was found: within 0.2 torso lengths.
    pub fn found(&self) -> bool {
        self.error < HIT
    }
}

/// What models are judged by.
pub struct Judge<'a> {
    /// The figure.
    pub figure: &'a Figure,
    /// Its keypoints.
    pub scheme: &'a KeypointScheme,
    /// What may explain errors.
    pub facts: &'a FactList,
}

/// Where a model found the keypoints of a picture.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// Their places, in label order.
    pub places: &'a [Place],
    /// Which keypoints the model knows.
    pub known: &'a [bool],
}

impl Judge<'_> {
    /// What is kept of `tile` by what a model `found`, and another one on the same picture. `step`
    /// and `density` are as in [`Row`].
    pub fn row(
        &self,
        tile: &Tile,
        found: Found,
        rival: Option<Found>,
        step: u64,
        density: f64,
    ) -> Row {
        let truths = TileTruths::new(self, tile);
        let judged = truths.judged(self, tile, found);
        let keypoint = |(label, (place, result)): (&LabelledKeypoint, _)| Judged {
            truth: label.pixel.to_array(),
            visibility: label.visibility,
            cover: label.cover,
            place,
            result,
        };
        let rival = rival.map(|rival| truths.judged(self, tile, rival)).unwrap_or_default();
        Row {
            step,
            index: tile.scene.index,
            hardness: tile.scene.hardness,
            uniform: tile.scene.stream == SampleStream::Uniform,
            density,
            facts: self.facts.of_tile(tile),
            keypoints: tile.labels.keypoints.iter().zip(judged).map(keypoint).collect(),
            rival: rival.into_iter().map(|(_, result)| result).collect(),
        }
    }
}

/// Where the keypoints of a tile are.
struct TileTruths {
    own: Vec<[f32; 2]>,
    labelled: Vec<bool>,
    others: Vec<[f32; 2]>,
}

impl TileTruths {
    fn new(judge: &Judge, tile: &Tile) -> Self {
        let inside = |label: &LabelledKeypoint| label.visibility != Visibility::Outside;
        let labels = &tile.labels.keypoints;
        TileTruths {
            own: labels.iter().map(|label| label.pixel.to_array()).collect(),
            labelled: labels.iter().map(inside).collect(),
            others: (1..tile.scene.figures.len())
                .flat_map(|other| label_figure(judge.figure, tile, other).keypoints)
                .filter(inside)
                .map(|label| label.pixel.to_array())
                .collect(),
        }
    }

    /// The place that each keypoint is judged by, and how it came out.
    fn judged(
        &self,
        judge: &Judge,
        tile: &Tile,
        found: Found,
    ) -> Vec<(Option<[f32; 2]>, Option<Result>)> {
        let Found { places, known } = found;
        let truths = Truths {
            own: &self.own,
            labelled: &self.labelled,
            others: &self.others,
            twins: &judge.scheme.twins,
            sigmas: &judge.scheme.sigmas,
            area: tile.labels.mask_area as f32,
        };
        // A keypoint that was not found is as far off as can be.
        let nowhere = [f32::MAX; 2];
        let predicted: Vec<[f32; 2]> =
            places.iter().map(|place| place.at.unwrap_or(nowhere)).collect();
        let judged = |k: usize| self.labelled[k] && known[k];
        let order = Order::best(&judge.scheme.symmetry, &predicted, &self.own, judged);
        // A figure seen along its trunk has hardly any torso; a pixel is the smallest length that
        // means something.
        let torso = tile.labels.torso.max(1.0);
        let keypoint = |k: usize| {
            let place = places[order.of(k)].at;
            let result = judged(k).then(|| match place {
                Some([x, y]) => {
                    let distance = (x - self.own[k][0]).hypot(y - self.own[k][1]) / torso;
                    Result { error: distance.min(WORST), outcome: truths.outcome(k, [x, y]) }
                }
                None => Result { error: WORST, outcome: Outcome::Miss },
            });
            (place, result)
        };
        (0..self.own.len()).map(keypoint).collect()
    }
}

/// Takes keypoints that the model gave in no picture for ones that it does not know; `known` says
/// which are left. Of a command that is not known before.
pub fn forget_never_given(rows: &mut [Row], known: &mut [bool]) {
    for (k, known) in known.iter_mut().enumerate() {
        *known &= is_given(rows, k);
        if !*known {
            rows.iter_mut().for_each(|row| row.keypoints[k].result = None);
        }
    }
}

/// Whether the model gave keypoint `k` in one of the pictures.
pub fn is_given(rows: &[Row], k: usize) -> bool {
    rows.iter().any(|row| row.keypoints[k].place.is_some())
}

impl Row {
    /// How many pictures of the uniform population it stands for.
    pub fn weight(&self) -> f64 {
        1.0 / self.density
    }

    /// Keypoints that were judged, and those of them that were found.
    pub fn counts(&self) -> [u32; 2] {
        self.counts_of(|_| true)
    }

    fn counts_of(&self, keep: impl Fn(usize) -> bool) -> [u32; 2] {
        let kept = || self.keypoints.iter().enumerate().filter(|(k, _)| keep(*k));
        let results = || kept().filter_map(|(_, keypoint)| keypoint.result.as_ref());
        [results().count(), results().filter(|result| result.found()).count()].map(|n| n as u32)
    }

    /// How much it failed, which steers the search: a high power of the share of the `known`
    /// keypoints that was not found. It counts pictures in which nothing was found, and learns from
    /// those that come near.
    pub fn failure(&self, known: &[bool]) -> f64 {
        let [judged, found] = self.counts_of(|k| known[k]);
        if judged > 0 { (f64::from(judged - found) / f64::from(judged)).powi(8) } else { 0.0 }
    }

    /// Whether nothing was found.
    pub fn failed(&self) -> bool {
        matches!(self.counts(), [judged, 0] if judged > 0)
    }

    #[cfg(test)]
    pub(crate) fn for_test(hardness: Hardness, density: f64, failure: f64) -> Self {
        // The share that is missed is the failure's eighth root.
        let missed = (failure.powf(0.125) * 1000.0).round() as usize;
        let keypoint = |k: usize| Judged {
            truth: [0.0; 2],
            visibility: Visibility::Seen,
            cover: None,
            place: Some([0.0; 2]),
            result: Some(Result {
                error: if k < missed { WORST } else { 0.0 },
                outcome: Outcome::Good,
            }),
        };
        Row {
            step: 1,
            index: 0,
            hardness,
            uniform: false,
            density,
            facts: Facts::default(),
            keypoints: (0..1000).map(keypoint).collect(),
            rival: Vec::new(),
        }
    }
}
