//! From predictions to an exam's result.

use super::{Exam, ExamSet};
use marionette_figure::KeypointScheme;
use marionette_nn::decode::Decoded;
use marionette_stream::HardnessAxis;
use marionette_train::eval::metric::{
    OksDetection, OksImage, OksSummary, OksTruth, Pck, PckSummary, Person, oks_summary,
};
use marionette_train::trainer::{Judged, Probe, ScoreQuality};
use serde::{Deserialize, Serialize};

/// Equal bins of [0, 1] that results are given for along each axis.
const BINS: usize = 5;

/// How a detector did in an exam.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExamResult {
    /// The exam.
    pub exam: Exam,
    /// How many images it has.
    pub images: usize,
    /// SHA-256 of its images and labels: results compare only where this is the same.
    pub sha256: String,
    /// PCK, its curve, mean error, and all of it per keypoint.
    pub pck: PckSummary,
    /// OKS AP and AR, with the figure's sigmas; a figure's area is its seen pixels, as in COCO.
    pub oks: OksSummary,
    /// PCK@0.2 torso of always guessing the exam's own mean pose: the best that can be done without
    /// looking.
    pub mean_pose: Option<f64>,
    /// Along each axis, bin by bin; bins that the exam has no image in are left out.
    pub axes: Vec<AxisResult>,
    /// What the critic says of the images; of a run in progress alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ExamScore>,
    /// Image by image; not kept in files.
    #[serde(skip)]
    pub per_image: Vec<ImageScore>,
}

/// What the critic of a run says of an exam's images, which stay the same throughout the run: how
/// the scores of easy and hard images change with training is figure 3 of Liu et al. 2022.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExamScore {
    /// Mean difficulty score, in [0, 1].
    pub mean: f64,
    /// How well it tells what is hard.
    pub quality: ScoreQuality,
}

impl ExamScore {
    /// From what the trainer thinks of the images of `set`, which came out as `graded`.
    pub fn new(set: &ExamSet, graded: &[ImageScore], probes: &[Probe]) -> Self {
        let column = |value: fn(&Probe) -> f32| probes.iter().map(value).collect::<Vec<f32>>();
        let score = column(|probe| probe.score);
        let mean = score.iter().map(|s| f64::from(*s)).sum::<f64>() / score.len().max(1) as f64;
        let judged = Judged {
            error: graded.iter().map(|image| image.error).collect(),
            failed: graded.iter().map(|image| image.found == 0).collect(),
            score,
            blur: column(|probe| probe.blur),
            loss: column(|probe| probe.loss),
            hardness: std::array::from_fn(|axis| {
                set.hardness.iter().map(|hardness| hardness[axis]).collect()
            }),
        };
        ExamScore { mean, quality: ScoreQuality::new(&judged) }
    }
}

/// How one image of an exam came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImageScore {
    /// Keypoints with a label.
    pub labelled: u16,
    /// Of those, found within 0.2 torso lengths.
    pub found: u16,
    /// Mean distance, torso lengths, each keypoint by at most 3; 0 for an image without labels.
    pub error: f32,
}

/// Results along one hardness axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisResult {
    /// The axis.
    pub axis: HardnessAxis,
    /// Its bins, from easy to hard.
    pub bins: Vec<BinResult>,
}

/// Results for the images whose hardness lies in [`low`, `high`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BinResult {
    /// Lowest hardness.
    pub low: f32,
    /// Highest hardness.
    pub high: f32,
    /// Images in it.
    pub images: usize,
    /// PCK@0.2 torso.
    pub torso_02: Option<f64>,
    /// Mean distance, torso lengths, each keypoint by at most 3.
    pub mean_error: Option<f64>,
}

/// Grades `predictions`, one per image of `set`, of a figure with the keypoints of `scheme`.
///
/// # Panics
/// Where there is not one prediction per image with one place per keypoint.
pub fn grade(set: &ExamSet, scheme: &KeypointScheme, predictions: &[Vec<Decoded>]) -> ExamResult {
    assert_eq!(predictions.len(), set.len(), "one prediction per image");
    let places: Vec<Vec<[f32; 2]>> = predictions
        .iter()
        .map(|found| found.iter().map(|place| [place.x, place.y]).collect())
        .collect();
    let pck = |images: &mut dyn Iterator<Item = usize>,
               places: &dyn Fn(usize) -> Vec<[f32; 2]>|
     -> PckSummary {
        let mut pck = Pck::new(scheme.twins.clone(), scheme.symmetry.clone());
        images.for_each(|image| pck.add(&set.person(image, &places(image))));
        pck.summary()
    };
    let predicted = |image: usize| places[image].clone();
    let mean_pose = mean_pose(set);
    let axes = HardnessAxis::ALL.map(|axis| {
        let bin_of = |image: usize| {
            ((set.hardness[image][axis as usize] * BINS as f32) as usize).min(BINS - 1)
        };
        let bins = (0..BINS).filter_map(|bin| {
            let images = || (0..set.len()).filter(|image| bin_of(*image) == bin);
            let summary = pck(&mut images(), &predicted);
            (summary.people > 0).then(|| BinResult {
                low: bin as f32 / BINS as f32,
                high: (bin + 1) as f32 / BINS as f32,
                images: summary.people,
                torso_02: summary.torso_02,
                mean_error: summary.mean_error,
            })
        });
        AxisResult { axis, bins: bins.collect() }
    });
    ExamResult {
        exam: set.exam,
        images: set.len(),
        sha256: set.sha256(),
        pck: pck(&mut (0..set.len()), &predicted),
        oks: oks_summary(&oks_images(set, predictions), &scheme.sigmas, &scheme.symmetry),
        mean_pose: pck(&mut (0..set.len()), &|_| mean_pose.clone()).torso_02,
        axes: axes.into(),
        score: None,
        per_image: (0..set.len())
            .map(|image| {
                let one = pck(&mut std::iter::once(image), &predicted);
                ImageScore {
                    labelled: one.keypoints as u16,
                    found: (one.torso_02.unwrap_or(0.0) * one.keypoints as f64).round() as u16,
                    error: one.mean_error.unwrap_or(0.0) as f32,
                }
            })
            .collect(),
    }
}

impl ExamSet {
    fn person<'a>(&'a self, image: usize, predicted: &'a [[f32; 2]]) -> Person<'a> {
        let keypoints = image * self.keypoints_per_image..(image + 1) * self.keypoints_per_image;
        let [_, _, width, height] = self.boxes[image];
        Person {
            predicted,
            truth: &self.keypoints[keypoints.clone()],
            labelled: &self.labelled[keypoints],
            // A figure seen along its trunk has hardly any torso. A pixel is the smallest length
            // that means something.
            torso: Some(self.torsos[image].max(1.0)),
            box_side: width.max(height),
        }
    }
}

/// The mean place of each keypoint where it is labelled; the middle of the image where it never is.
fn mean_pose(set: &ExamSet) -> Vec<[f32; 2]> {
    let mut sums = vec![[0f64; 3]; set.keypoints_per_image];
    for (index, [x, y]) in
        set.keypoints.iter().enumerate().filter(|(index, _)| set.labelled[*index])
    {
        let sum = &mut sums[index % set.keypoints_per_image];
        for (total, value) in sum.iter_mut().zip([f64::from(*x), f64::from(*y), 1.0]) {
            *total += value;
        }
    }
    let middle = set.size.map(|side| side as f32 / 2.0);
    let mean =
        |[x, y, n]: [f64; 3]| if n > 0.0 { [(x / n) as f32, (y / n) as f32] } else { middle };
    sums.into_iter().map(mean).collect()
}

fn oks_images(set: &ExamSet, predictions: &[Vec<Decoded>]) -> Vec<OksImage> {
    let image = |(image, found): (usize, &Vec<Decoded>)| {
        let person = set.person(image, &[]);
        let truth = OksTruth {
            keypoints: person.truth.iter().map(|place| place.map(f64::from)).collect(),
            labelled: person.labelled.to_vec(),
            area: f64::from(set.areas[image].max(1.0)),
            bbox: set.boxes[image].map(f64::from),
            crowd: false,
        };
        let score = found.iter().map(|place| f64::from(place.score)).sum::<f64>()
            / found.len().max(1) as f64;
        let keypoints =
            found.iter().map(|place| [f64::from(place.x), f64::from(place.y)]).collect();
        OksImage { truths: vec![truth], detections: vec![OksDetection { keypoints, score }] }
    };
    predictions.iter().enumerate().map(image).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images of three keypoints: nose, left and right.
    fn set() -> ExamSet {
        ExamSet {
            exam: Exam::Easy,
            size: [64, 64],
            keypoints_per_image: 3,
            colors: vec![0; 2 * 3 * 64 * 64],
            keypoints: vec![
                [10.0, 10.0],
                [20.0, 30.0],
                [40.0, 30.0],
                [14.0, 10.0],
                [24.0, 30.0],
                [99.0, 30.0],
            ],
            labelled: vec![true, true, true, true, true, false],
            torsos: vec![20.0, 20.0],
            boxes: vec![[5.0, 5.0, 40.0, 30.0]; 2],
            areas: vec![600.0; 2],
            hardness: vec![[0.1; 8], [0.9; 8]],
        }
    }

    fn scheme() -> KeypointScheme {
        let names = ["nose", "left", "right"].map(str::to_owned).to_vec();
        KeypointScheme {
            names,
            twins: vec![0, 2, 1],
            sigmas: vec![0.05; 3],
            symmetry: Vec::new(),
            edges: Vec::new(),
            torso: [1, 2],
        }
    }

    #[test]
    fn metric_grades_count_by_hand_and_bins_divide_them() {
        let set = set();
        let found =
            |places: [[f32; 2]; 3]| places.map(|[x, y]| Decoded { x, y, score: 0.5 }).to_vec();
        // The first image is right; in the second the nose is off by 5 pixels, a quarter of a
        // torso.
        let predictions = [
            found([[10.0, 10.0], [20.0, 30.0], [40.0, 30.0]]),
            found([[19.0, 10.0], [24.0, 30.0], [0.0, 0.0]]),
        ];
        let result = grade(&set, &scheme(), &predictions);
        assert_eq!((result.images, result.pck.keypoints), (2, 5));
        assert_eq!(result.pck.torso_02, Some(0.8));
        for axis in &result.axes {
            let [easy, hard] = &axis.bins[..] else { panic!("two of five bins have an image") };
            assert_eq!((easy.low, easy.images, easy.torso_02), (0.0, 1, Some(1.0)));
            assert_eq!((hard.high, hard.images, hard.torso_02), (1.0, 1, Some(0.5)));
        }
        // The mean pose is (12, 10), (22, 30), (40, 30): all within 4 pixels.
        assert_eq!(result.mean_pose, Some(1.0));
    }
}
