//! OKS average precision and recall: COCO's keypoint evaluation (cocodataset.org, "Keypoint
//! Evaluation"; Ronchi & Perona 2017, arXiv 1707.05388), with the same figures as pycocotools.
//!
//! Object keypoint similarity is the mean over a truth's labelled keypoints of exp(-d² / (2 · area
//! · (2σ)²)). Detections take truths greedily, the surest first, at ten similarity thresholds;
//! precision is interpolated at 101 recalls. Keypoints that cannot be told apart are judged by
//! [`symmetry`](super::symmetry)'s rule, truth by truth.

use super::symmetry::Order;
use serde::{Deserialize, Serialize};

/// Detections counted per image, the surest ones.
const MOST_DETECTIONS: usize = 20;
const THRESHOLDS: usize = 10;
const RECALL_POINTS: usize = 101;
/// Areas that count, px²: all, medium, large. (COCO leaves small people out of its keypoint
/// figures.)
const AREA_RANGES: [[f64; 2]; 3] = [[0.0, 1e10], [1024.0, 9216.0], [9216.0, 1e10]];

/// An annotated person. All places are in one image's coordinates, pixels.
#[derive(Clone, Debug)]
pub struct OksTruth {
    /// True places.
    pub keypoints: Vec<[f64; 2]>,
    /// Which of them have a label (visibility above 0). A truth without any neither counts nor is
    /// held against detections.
    pub labelled: Vec<bool>,
    /// The person's area, px².
    pub area: f64,
    /// Left, top, width, height.
    pub bbox: [f64; 4],
    /// Marks a crowd: any number of detections on it are not counted.
    pub crowd: bool,
}

/// A person found.
#[derive(Clone, Debug)]
pub struct OksDetection {
    /// Found places, as many as the truths have.
    pub keypoints: Vec<[f64; 2]>,
    /// How sure the detector is; only the order matters.
    pub score: f64,
}

/// One image's people.
#[derive(Clone, Debug, Default)]
pub struct OksImage {
    /// Annotated.
    pub truths: Vec<OksTruth>,
    /// Found.
    pub detections: Vec<OksDetection>,
}

/// COCO's ten keypoint figures, in [0, 1]; `None` (COCO says -1) where no truth counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OksSummary {
    /// Average precision, mean over the thresholds 0.50, 0.55 ... 0.95.
    pub ap: Option<f64>,
    /// Average precision at 0.50.
    pub ap50: Option<f64>,
    /// Average precision at 0.75.
    pub ap75: Option<f64>,
    /// `ap` of people of 32² to 96² px².
    pub ap_medium: Option<f64>,
    /// `ap` of people above 96² px².
    pub ap_large: Option<f64>,
    /// Greatest recall, mean over the thresholds.
    pub ar: Option<f64>,
    /// Greatest recall at 0.50.
    pub ar50: Option<f64>,
    /// Greatest recall at 0.75.
    pub ar75: Option<f64>,
    /// `ar` of people of 32² to 96² px².
    pub ar_medium: Option<f64>,
    /// `ar` of people above 96² px².
    pub ar_large: Option<f64>,
}

/// COCO's figures over `images`; `sigmas` holds one OKS sigma per keypoint, `symmetry` groups of
/// keypoints that cannot be told apart.
///
/// Where detections are equally sure, earlier images and earlier detections come first, so for
/// pycocotools' figures the images must be in the order of their ids.
pub fn oks_summary(images: &[OksImage], sigmas: &[f32], symmetry: &[Vec<usize>]) -> OksSummary {
    let cases: Vec<Case> = images.iter().map(|image| Case::new(image, sigmas, symmetry)).collect();
    let [all, medium, large] = AREA_RANGES.map(|range| accumulate(&cases, range));
    let (at_50, at_75) = (0, THRESHOLDS / 2);
    OksSummary {
        ap: all.as_ref().map(Curves::ap),
        ap50: all.as_ref().map(|curves| curves.precision[at_50]),
        ap75: all.as_ref().map(|curves| curves.precision[at_75]),
        ap_medium: medium.as_ref().map(Curves::ap),
        ap_large: large.as_ref().map(Curves::ap),
        ar: all.as_ref().map(Curves::ar),
        ar50: all.as_ref().map(|curves| curves.recall[at_50]),
        ar75: all.as_ref().map(|curves| curves.recall[at_75]),
        ar_medium: medium.as_ref().map(Curves::ar),
        ar_large: large.as_ref().map(Curves::ar),
    }
}

/// Object keypoint similarity of a detection's `keypoints` with `truth`, in [0, 1].
///
/// A truth without a labelled keypoint is as near as its box, enlarged to three times its size:
/// what matters there is only whether a detection lies about where nothing was labelled.
pub fn oks(
    truth: &OksTruth,
    keypoints: &[[f64; 2]],
    sigmas: &[f32],
    symmetry: &[Vec<usize>],
) -> f64 {
    let any = truth.labelled.contains(&true);
    let [x, y, width, height] = truth.bbox;
    let beyond = |place: f64, low: f64, size: f64| {
        (low - size - place).max(0.0) + (place - low - size * 2.0).max(0.0)
    };
    let order = Order::best(symmetry, keypoints, &truth.keypoints, |k| truth.labelled[k]);
    let (mut sum, mut count) = (0.0, 0u32);
    for (k, ((place, labelled), sigma)) in
        truth.keypoints.iter().zip(&truth.labelled).zip(sigmas).enumerate()
    {
        let found = keypoints[order.of(k)];
        if any && !labelled {
            continue;
        }
        let (dx, dy) = if any {
            (found[0] - place[0], found[1] - place[1])
        } else {
            (beyond(found[0], x, width), beyond(found[1], y, height))
        };
        let variance = (2.0 * f64::from(*sigma)).powi(2);
        sum += (-(dx * dx + dy * dy) / variance / (truth.area + f64::EPSILON) / 2.0).exp();
        count += 1;
    }
    let mean = sum / f64::from(count.max(1));
    if mean.is_nan() { 0.0 } else { mean }
}

/// An image with its surest detections, the surest first, and their similarities with its truths.
struct Case<'a> {
    truths: &'a [OksTruth],
    scores: Vec<f64>,
    /// Extent of each detection's keypoints, px²: COCO's stand-in for a detection's area.
    areas: Vec<f64>,
    /// By detection, then by truth.
    similarity: Vec<Vec<f64>>,
}

impl<'a> Case<'a> {
    fn new(image: &'a OksImage, sigmas: &[f32], symmetry: &[Vec<usize>]) -> Self {
        let mut detections: Vec<&OksDetection> = image.detections.iter().collect();
        detections.sort_by(|a, b| surest_first(a.score, b.score));
        detections.truncate(MOST_DETECTIONS);
        let similarities = |found: &OksDetection| {
            let similarity = |truth| oks(truth, &found.keypoints, sigmas, symmetry);
            image.truths.iter().map(similarity).collect()
        };
        Case {
            truths: &image.truths,
            scores: detections.iter().map(|found| found.score).collect(),
            areas: detections.iter().map(|found| extent(&found.keypoints)).collect(),
            similarity: detections.iter().map(|found| similarities(found)).collect(),
        }
    }

    /// Which truths stand aside for the area range: neither missed nor found.
    fn ignored(&self, range: [f64; 2]) -> Vec<bool> {
        let aside = |truth: &OksTruth| {
            truth.crowd || !truth.labelled.contains(&true) || outside(truth.area, range)
        };
        self.truths.iter().map(aside).collect()
    }

    /// Gives each detection, the surest first, the most similar truth that is left; says how each
    /// of them counts.
    fn outcomes(&self, ignored: &[bool], threshold: f64, range: [f64; 2]) -> Vec<Outcome> {
        // Truths that count come first, and only who found none of them may find one that stands
        // aside.
        let mut order: Vec<usize> = (0..self.truths.len()).collect();
        order.sort_by_key(|truth| ignored[*truth]);
        let mut taken = vec![false; self.truths.len()];
        let mut outcome = |similarity: &[f64], area: f64| {
            let (mut best, mut least) = (None, threshold.min(1.0 - 1e-10));
            for &truth in &order {
                if taken[truth] && !self.truths[truth].crowd {
                    continue;
                }
                if best.is_some_and(|best: usize| !ignored[best]) && ignored[truth] {
                    break;
                }
                if similarity[truth] >= least {
                    (best, least) = (Some(truth), similarity[truth]);
                }
            }
            match best {
                Some(truth) => {
                    taken[truth] = true;
                    if ignored[truth] { Outcome::Ignored } else { Outcome::TruePositive }
                }
                None if outside(area, range) => Outcome::Ignored,
                None => Outcome::FalsePositive,
            }
        };
        self.similarity
            .iter()
            .zip(&self.areas)
            .map(|(similarity, area)| outcome(similarity, *area))
            .collect()
    }
}

/// How a detection counts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// It matches a true person.
    TruePositive,
    /// It matches nobody.
    FalsePositive,
    /// It does not count.
    Ignored,
}

/// Interpolated precision (mean over the recalls) and greatest recall, at every threshold.
struct Curves {
    precision: [f64; THRESHOLDS],
    recall: [f64; THRESHOLDS],
}

impl Curves {
    fn ap(&self) -> f64 {
        self.precision.iter().sum::<f64>() / THRESHOLDS as f64
    }

    fn ar(&self) -> f64 {
        self.recall.iter().sum::<f64>() / THRESHOLDS as f64
    }
}

fn accumulate(cases: &[Case], range: [f64; 2]) -> Option<Curves> {
    let ignored: Vec<Vec<bool>> = cases.iter().map(|case| case.ignored(range)).collect();
    let truths = ignored.as_slice().concat().iter().filter(|ignored| !**ignored).count();
    if truths == 0 {
        return None;
    }
    let scores: Vec<f64> = cases.iter().flat_map(|case| case.scores.iter().copied()).collect();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| surest_first(scores[*a], scores[*b]));
    let mut curves = Curves { precision: [0.0; THRESHOLDS], recall: [0.0; THRESHOLDS] };
    for t in 0..THRESHOLDS {
        let outcomes: Vec<Outcome> = cases
            .iter()
            .zip(&ignored)
            .flat_map(|(case, ignored)| case.outcomes(ignored, threshold(t), range))
            .collect();
        let sorted: Vec<Outcome> = order.iter().map(|i| outcomes[*i]).collect();
        (curves.precision[t], curves.recall[t]) = precision_and_recall(&sorted, truths);
    }
    Some(curves)
}

/// Interpolated precision (mean over the recalls) and greatest recall of detections, the surest
/// first.
fn precision_and_recall(outcomes: &[Outcome], truths: usize) -> (f64, f64) {
    let (mut right, mut wrong) = (0.0, 0.0);
    let (mut precision, mut recall) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        right += f64::from(u8::from(*outcome == Outcome::TruePositive));
        wrong += f64::from(u8::from(*outcome == Outcome::FalsePositive));
        precision.push(right / (wrong + right + f64::EPSILON));
        recall.push(right / truths as f64);
    }
    for i in (1..precision.len()).rev() {
        precision[i - 1] = precision[i - 1].max(precision[i]);
    }
    let at = |point: usize| {
        // numpy's linspace, to the bit: many recalls are exact hundredths.
        let least = if point == RECALL_POINTS - 1 { 1.0 } else { point as f64 * 0.01 };
        precision.get(recall.partition_point(|recall| *recall < least)).copied().unwrap_or(0.0)
    };
    (
        (0..RECALL_POINTS).map(at).sum::<f64>() / RECALL_POINTS as f64,
        recall.last().copied().unwrap_or(0.0),
    )
}

/// The thresholds 0.50, 0.55 ... 0.95 as numpy's linspace gives them, to the bit.
fn threshold(t: usize) -> f64 {
    if t == THRESHOLDS - 1 { 0.95 } else { 0.5 + t as f64 * ((0.95 - 0.5) / 9.0) }
}

/// Descending; both zeros are the same.
fn surest_first(a: f64, b: f64) -> std::cmp::Ordering {
    (b + 0.0).total_cmp(&(a + 0.0))
}

fn outside(area: f64, [least, most]: [f64; 2]) -> bool {
    area < least || area > most
}

fn extent(keypoints: &[[f64; 2]]) -> f64 {
    let side = |axis: usize| {
        let ends =
            |[low, high]: [f64; 2], place: &[f64; 2]| [low.min(place[axis]), high.max(place[axis])];
        let [low, high] = keypoints.iter().fold([f64::INFINITY, f64::NEG_INFINITY], ends);
        (high - low).max(0.0)
    };
    side(0) * side(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth(x: f64) -> OksTruth {
        OksTruth {
            keypoints: vec![[x, 0.0], [x, 100.0]],
            labelled: vec![true; 2],
            area: 5000.0,
            bbox: [x - 25.0, 0.0, 50.0, 100.0],
            crowd: false,
        }
    }

    fn found(x: f64, score: f64) -> OksDetection {
        OksDetection { keypoints: vec![[x, 0.0], [x, 100.0]], score }
    }

    #[test]
    fn metric_oks_counts_by_hand() {
        let sigmas = [0.05; 2];
        let image =
            OksImage { truths: vec![truth(0.0), truth(500.0)], detections: vec![found(0.0, 0.9)] };
        assert_eq!(oks(&image.truths[0], &image.detections[0].keypoints, &sigmas, &[]), 1.0);
        // d² / (2 · 5000 · 0.1²) = 1.
        assert!(
            (oks(&truth(0.0), &found(10.0, 0.0).keypoints, &sigmas, &[]) - (-1.0f64).exp()).abs()
                < 1e-6
        );
        let summary = oks_summary(std::slice::from_ref(&image), &sigmas, &[]);
        // Precision 1 at the recalls 0 to 0.5, 51 of 101.
        assert!((summary.ap.unwrap() - 51.0 / 101.0).abs() < 1e-9);
        assert_eq!(summary.ar, Some(0.5));
        assert_eq!((summary.ap_medium, summary.ap_large), (summary.ap, None));
        let twice = OksImage {
            detections: vec![found(0.0, 0.5), found(0.0, 0.9), found(500.0, 0.1)],
            ..image
        };
        let summary = oks_summary(&[twice], &sigmas, &[]);
        assert_eq!(
            summary.ar,
            Some(1.0),
            "the second find of the first person is wrong, the other person is found"
        );
        let expected = (51.0 + 50.0 * 2.0 / 3.0) / 101.0;
        assert!((summary.ap.unwrap() - expected).abs() < 1e-9, "{summary:?}");
    }

    #[test]
    fn metric_oks_of_keypoints_that_cannot_be_told_apart_is_that_of_their_best_permutation() {
        let (sigmas, pair) = ([0.05; 2], [vec![0, 1]]);
        let mut turned = found(10.0, 0.9);
        turned.keypoints.reverse();
        let similarity = |symmetry: &[Vec<usize>], truth: &OksTruth| {
            oks(truth, &turned.keypoints, &sigmas, symmetry)
        };
        assert!((similarity(&pair, &truth(0.0)) - (-1.0f64).exp()).abs() < 1e-6);
        assert!(similarity(&[], &truth(0.0)) < 1e-6);
        let half = OksTruth { labelled: vec![true, false], ..truth(0.0) };
        assert!((similarity(&pair, &half) - (-1.0f64).exp()).abs() < 1e-6);
        // Each truth in a picture has an order of its own.
        let image =
            OksImage { truths: vec![truth(0.0), truth(10.0)], detections: vec![turned.clone()] };
        assert_eq!(oks_summary(std::slice::from_ref(&image), &sigmas, &pair).ar, Some(0.5));
        assert_eq!(oks_summary(&[image], &sigmas, &[]).ar, Some(0.0));
    }

    #[test]
    fn metric_oks_has_no_figure_where_nothing_counts() {
        let aside = OksTruth { labelled: vec![false; 2], ..truth(0.0) };
        let crowd = OksTruth { crowd: true, ..truth(0.0) };
        let empty = OksImage { truths: vec![aside, crowd], detections: vec![found(0.0, 1.0)] };
        assert_eq!(oks_summary(&[empty], &[0.05; 2], &[]), OksSummary::default());
        assert_eq!(oks_summary(&[], &[0.05; 2], &[]), OksSummary::default());
        let nothing_found = OksImage { truths: vec![truth(0.0)], detections: Vec::new() };
        assert_eq!(oks_summary(&[nothing_found], &[0.05; 2], &[]).ap, Some(0.0));
        let nowhere =
            OksImage { truths: vec![truth(0.0)], detections: vec![found(f64::NAN, f64::NAN)] };
        assert_eq!(oks_summary(&[nowhere], &[0.05; 2], &[]).ar, Some(0.0));
    }
}
