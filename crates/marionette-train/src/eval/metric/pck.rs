//! PCK, the share of keypoints predicted within a distance of the truth, with its curve and mean
//! error.
//!
//! Two yardsticks: the torso (the longer shoulder-to-opposite-hip diagonal; Yang & Ramanan 2013
//! measure against the torso likewise) and the longer side of the person's box. A keypoint counts
//! where its distance is *strictly* below the threshold. Keypoints are pooled over people. Those
//! that cannot be told apart are judged by [`symmetry`](super::symmetry)'s rule.

use super::{WORST, symmetry::Order};
use serde::{Deserialize, Serialize};

/// Thresholds of the curve: 0, 0.01 ... 0.5 torso lengths.
pub const CURVE_POINTS: usize = 51;
/// The headline threshold's place on the curve: 0.2 torso lengths.
const HEADLINE: usize = 20;
/// PCK@0.1 box.
const BOX_SHARE: f32 = 0.1;

/// One person's predicted and true keypoints, in the same coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Predicted places.
    pub predicted: &'a [[f32; 2]],
    /// True places.
    pub truth: &'a [[f32; 2]],
    /// Which keypoints have a label (visibility above 0).
    pub labelled: &'a [bool],
    /// Torso length, pixels. Where it is not known, or not above 0, the person counts for the box
    /// alone.
    pub torso: Option<f32>,
    /// Longer side of the box, pixels.
    pub box_side: f32,
}

/// PCK over many people.
#[derive(Clone, Debug)]
pub struct Pck {
    twins: Vec<usize>,
    symmetry: Vec<Vec<usize>>,
    /// Per keypoint, those whose labels are exchanged with it: its pair, or its symmetry group and
    /// their twins.
    exchanged: Vec<Vec<usize>>,
    people: usize,
    without_torso: usize,
    /// Per keypoint.
    torso: Vec<Tally>,
    curve: [u64; CURVE_POINTS],
    blind_found: u64,
    box_labelled: u64,
    box_found: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    labelled: u64,
    found: u64,
    error: f64,
}

impl Tally {
    fn share(&self) -> Option<f64> {
        share(self.found, self.labelled)
    }

    fn mean_error(&self) -> Option<f64> {
        (self.labelled > 0).then(|| self.error / self.labelled as f64)
    }
}

/// PCK over many people. What nothing was measured for is `None`, null in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PckSummary {
    /// People counted.
    pub people: usize,
    /// Of those, people whose torso is not known; they count for `box_01` alone.
    pub without_torso: usize,
    /// Labelled keypoints measured against a torso.
    pub keypoints: u64,
    /// PCK@0.2 torso.
    pub torso_02: Option<f64>,
    /// The same where the labels of each left/right pair may be exchanged: the better of the two
    /// ways counts.
    pub torso_02_blind: Option<f64>,
    /// PCK@0.1 of the box' longer side.
    pub box_01: Option<f64>,
    /// PCK at 0, 0.01 ... 0.5 torso lengths; empty where nothing was measured.
    pub curve: Vec<f64>,
    /// Mean of the curve (trapezoid rule), in [0, 1].
    pub auc: Option<f64>,
    /// Mean distance, torso lengths, each keypoint by at most 3.
    pub mean_error: Option<f64>,
    /// Per keypoint, in label order.
    pub per_keypoint: Vec<KeypointScore>,
}

/// How well one of the keypoints is found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeypointScore {
    /// How often it had a label.
    pub labelled: u64,
    /// PCK@0.2 torso.
    pub torso_02: Option<f64>,
    /// Mean distance, torso lengths, each by at most 3.
    pub mean_error: Option<f64>,
}

impl Pck {
    /// Nobody yet; `twins` names the same keypoint of the other side for every keypoint, and
    /// `symmetry` groups of those that cannot be told apart.
    pub fn new(twins: Vec<usize>, symmetry: Vec<Vec<usize>>) -> Self {
        let exchanged = |(k, twin): (usize, &usize)| {
            let group = symmetry.iter().find(|group| group.contains(&k));
            group.map_or(vec![k, *twin], |group| {
                let mut all: Vec<usize> =
                    group.iter().flat_map(|member| [*member, twins[*member]]).collect();
                all.sort_unstable();
                all.dedup();
                all
            })
        };
        Pck {
            exchanged: twins.iter().enumerate().map(exchanged).collect(),
            people: 0,
            without_torso: 0,
            torso: vec![Tally::default(); twins.len()],
            twins,
            symmetry,
            curve: [0; CURVE_POINTS],
            blind_found: 0,
            box_labelled: 0,
            box_found: 0,
        }
    }

    /// Counts a person.
    pub fn add(&mut self, person: &Person) {
        self.people += 1;
        let order = |predicted: &[[f32; 2]]| {
            Order::best(&self.symmetry, predicted, person.truth, |k| person.labelled[k])
        };
        let places = order(person.predicted);
        let distance = |predicted: usize, truth: usize| {
            let ([px, py], [tx, ty]) = (person.predicted[predicted], person.truth[truth]);
            (px - tx).hypot(py - ty)
        };
        let kept = |k: usize| distance(places.of(k), k);
        let labelled = || (0..self.twins.len()).filter(|k| person.labelled[*k]);
        let within = |limit: f32| labelled().filter(|k| kept(*k) < limit).count() as u64;
        if person.box_side > 0.0 {
            self.box_labelled += labelled().count() as u64;
            self.box_found += within(BOX_SHARE * person.box_side);
        }
        let Some(torso) = person.torso.filter(|torso| *torso > 0.0) else {
            self.without_torso += 1;
            return;
        };
        let threshold = |point: usize| point as f32 / 100.0 * torso;
        for (point, found) in self.curve.iter_mut().enumerate() {
            *found += within(threshold(point));
        }
        let twins: Vec<[f32; 2]> = self.twins.iter().map(|twin| person.predicted[*twin]).collect();
        let twins_places = order(&twins);
        let exchanged = |k: usize| distance(self.twins[twins_places.of(k)], k);
        for k in labelled() {
            // A pair is judged as it is or exchanged as a whole, whichever is nearer.
            let all = self.exchanged[k].iter().copied().filter(|end| person.labelled[*end]);
            let [as_it_is, other_way] =
                all.fold([0.0, 0.0], |[a, b], end| [a + kept(end), b + exchanged(end)]);
            let nearest = if other_way < as_it_is { exchanged(k) } else { kept(k) };
            self.blind_found += u64::from(nearest < threshold(HEADLINE));
        }
        let measured: Vec<(usize, f32)> = labelled().map(|k| (k, kept(k))).collect();
        for (k, distance) in measured {
            let tally = &mut self.torso[k];
            tally.labelled += 1;
            tally.found += u64::from(distance < threshold(HEADLINE));
            tally.error += f64::from((distance / torso).min(WORST));
        }
    }

    /// What has been counted.
    pub fn summary(&self) -> PckSummary {
        let all = self.torso.iter().fold(Tally::default(), |sum, tally| Tally {
            labelled: sum.labelled + tally.labelled,
            found: sum.found + tally.found,
            error: sum.error + tally.error,
        });
        let curve: Vec<f64> =
            self.curve.iter().filter_map(|found| share(*found, all.labelled)).collect();
        let area = curve.windows(2).map(|ends| (ends[0] + ends[1]) / 2.0).sum::<f64>();
        let auc = (!curve.is_empty()).then(|| area / (CURVE_POINTS - 1) as f64);
        PckSummary {
            people: self.people,
            without_torso: self.without_torso,
            keypoints: all.labelled,
            torso_02: all.share(),
            torso_02_blind: share(self.blind_found, all.labelled),
            box_01: share(self.box_found, self.box_labelled),
            curve,
            auc,
            mean_error: all.mean_error(),
            per_keypoint: self
                .torso
                .iter()
                .map(|tally| KeypointScore {
                    labelled: tally.labelled,
                    torso_02: tally.share(),
                    mean_error: tally.mean_error(),
                })
                .collect(),
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_pck_counts_by_hand() {
        // Two pairs and one in the middle; torso 100, box 200.
        let mut pck = Pck::new(vec![1, 0, 3, 2, 4], Vec::new());
        let truth = [[0.0, 0.0], [100.0, 0.0], [0.0, 50.0], [100.0, 50.0], [50.0, 80.0]];
        // The first pair is exchanged; the second is off by 10 and by exactly 20; the middle is
        // right.
        let predicted = [[100.0, 0.0], [0.0, 0.0], [10.0, 50.0], [120.0, 50.0], [50.0, 80.0]];
        let person = Person {
            predicted: &predicted,
            truth: &truth,
            labelled: &[true; 5],
            torso: Some(100.0),
            box_side: 200.0,
        };
        pck.add(&person);
        pck.add(&Person { labelled: &[true, false, false, false, false], torso: None, ..person });
        let summary = pck.summary();
        assert_eq!((summary.people, summary.without_torso, summary.keypoints), (2, 1, 5));
        assert_eq!(summary.torso_02, Some(0.4), "strictly below 20: the third and the fifth");
        assert_eq!(summary.torso_02_blind, Some(0.8));
        assert_eq!(summary.box_01, Some(2.0 / 6.0), "strictly below 20 pixels, among six");
        assert_eq!((summary.curve[0], summary.curve[1], summary.curve[50]), (0.0, 0.2, 0.6));
        assert!((summary.mean_error.unwrap() - (1.0 + 1.0 + 0.1 + 0.2) / 5.0).abs() < 1e-6);
        assert_eq!(summary.per_keypoint[3].torso_02, Some(0.0));
        // 0 up to 0, 0.2 up to 0.10, 0.4 up to 0.20, 0.6 beyond, with slopes of one step in
        // between.
        let area = 0.2 * 0.5 + (0.2 * 9.0 + 0.3) + (0.4 * 9.0 + 0.5) + 0.6 * 29.0;
        assert!((summary.auc.unwrap() - area / 50.0).abs() < 1e-2, "{:?}", summary.auc);
    }

    #[test]
    fn metric_pck_of_keypoints_that_cannot_be_told_apart_is_that_of_their_best_permutation() {
        // Two wheels of two bolts each, which are each other's twins; torso 100.
        let truth = [[0.0, 0.0], [0.0, 50.0], [300.0, 0.0], [300.0, 50.0]];
        let summary = |predicted: [[f32; 2]; 4], labelled: [bool; 4], symmetry: &[Vec<usize>]| {
            let mut pck = Pck::new(vec![2, 3, 0, 1], symmetry.to_vec());
            let person = Person {
                predicted: &predicted,
                truth: &truth,
                labelled: &labelled,
                torso: Some(100.0),
                box_side: 100.0,
            };
            pck.add(&person);
            pck.summary()
        };
        let wheels = [vec![0, 1], vec![2, 3]];
        // The left wheel's bolts are numbered the other way round.
        let turned = [[0.0, 50.0], [0.0, 5.0], [300.0, 0.0], [300.0, 50.0]];
        let found = summary(turned, [true; 4], &wheels);
        assert_eq!((found.torso_02, found.box_01), (Some(1.0), Some(1.0)));
        assert!((found.mean_error.unwrap() - 0.05 / 4.0).abs() < 1e-6);
        assert!((found.per_keypoint[0].mean_error.unwrap() - 0.05).abs() < 1e-6);
        assert_eq!(summary(turned, [true; 4], &[]).torso_02, Some(0.5));
        // Where a label is missing, nothing is asked of either bolt but to be there.
        let one = summary(turned, [true, false, true, true], &wheels);
        assert_eq!((one.torso_02, one.per_keypoint[1].labelled), (Some(1.0), 0));
        // The wheels are exchanged, and the bolts of one numbered the other way round as well.
        let exchanged = [[300.0, 50.0], [300.0, 0.0], [0.0, 0.0], [0.0, 50.0]];
        let found = summary(exchanged, [true; 4], &wheels);
        assert_eq!((found.torso_02, found.torso_02_blind), (Some(0.0), Some(1.0)));
        assert_eq!(summary(exchanged, [true; 4], &[]).torso_02_blind, Some(0.5));
    }

    #[test]
    fn metric_what_was_not_measured_is_no_number() {
        let place = [[1.0, 1.0]];
        let mut pck = Pck::new(vec![0], Vec::new());
        let person = Person {
            predicted: &place,
            truth: &place,
            labelled: &[true],
            torso: Some(0.0),
            box_side: 0.0,
        };
        pck.add(&person);
        let summary = pck.summary();
        assert_eq!((summary.people, summary.without_torso, summary.keypoints), (1, 1, 0));
        let figures = [
            summary.torso_02,
            summary.torso_02_blind,
            summary.box_01,
            summary.auc,
            summary.mean_error,
        ];
        assert_eq!(figures, [None; 5]);
        assert!(summary.curve.is_empty() && summary.per_keypoint[0].mean_error.is_none());
        pck.add(&Person { torso: Some(1.0), box_side: 1.0, ..person });
        assert_eq!((pck.summary().torso_02, pck.summary().box_01), (Some(1.0), Some(1.0)));
    }
}
