//! Statistics of the uniform stream. It is the yardstick of a run, because the curriculum cannot
//! change it.

use super::{
    recent::RecentRows,
    sample_metrics::SampleMetrics,
    score_quality::{Judged, ScoreQuality},
};
use marionette_base::statistics::spearman;
use marionette_stream::{AXES, Hardness, Visibility};
use serde::{Deserialize, Serialize};

// Numbers kept of each recent sample.
const STEP: usize = 0;
const SCORE: usize = 1;
const ERROR: usize = 2;
const LOSS: usize = 3;
const BLUR: usize = 4;
/// 1 where no keypoint was found, else 0.
const FAILED: usize = 5;
/// Its hardness, one number an axis, from here on.
const HARDNESS: usize = 6;
const COLUMNS: usize = HARDNESS + AXES;

/// Sums over samples of the uniform stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    samples: u64,
    loss: f64,
    labelled: u64,
    found: u64,
}

impl Standing {
    fn add(&mut self, loss: f32, metrics: &SampleMetrics) {
        self.samples += 1;
        self.loss += f64::from(loss);
        self.labelled += u64::from(metrics.labelled);
        self.found += u64::from(metrics.found);
    }

    /// Mean loss; `None` where there were no samples.
    pub fn loss(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.loss / self.samples as f64)
    }

    /// PCK@0.2 torso over all labelled keypoints; `None` where there were none.
    pub fn pck(&self) -> Option<f64> {
        (self.labelled > 0).then(|| self.found as f64 / self.labelled as f64)
    }
}

/// Statistics of the uniform stream over a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UniformStatistics {
    /// The first twentieth of the run.
    pub start: Standing,
    /// The last tenth of the run.
    pub end: Standing,
    /// A mean pose's score on the same samples as `end`.
    mean_pose_end: Standing,
    /// Per keypoint, the sum of x and y as shares of the image, and their number.
    pose_sums: Vec<[f64; 3]>,
    #[serde(skip)]
    pub(super) recent: RecentRows<COLUMNS>,
}

/// One sample of the uniform stream as the statistics take it in.
pub(super) struct UniformSample<'a> {
    pub loss: f32,
    pub score: f32,
    pub blur: f32,
    pub metrics: SampleMetrics,
    pub hardness: &'a Hardness,
    pub keypoints: &'a [[f32; 2]],
    pub visibility: &'a [Visibility],
    pub torso: f32,
    pub symmetry: &'a [Vec<usize>],
    pub size: [f32; 2],
}

impl UniformStatistics {
    /// No samples yet, of a figure with `keypoints` keypoints.
    pub fn new(keypoints: usize) -> Self {
        UniformStatistics {
            start: Standing::default(),
            end: Standing::default(),
            mean_pose_end: Standing::default(),
            pose_sums: vec![[0.0; 3]; keypoints],
            recent: RecentRows::default(),
        }
    }

    pub(super) fn add(&mut self, step: u64, steps: u64, sample: &UniformSample) {
        let progress = step as f64 / steps.max(1) as f64;
        if progress < 0.05 {
            self.start.add(sample.loss, &sample.metrics);
        }
        if progress >= 0.9 {
            self.end.add(sample.loss, &sample.metrics);
            let mean = self.mean_pose(sample.size);
            let UniformSample { keypoints, visibility, torso, symmetry, .. } = *sample;
            let metrics = SampleMetrics::new(&mean, keypoints, visibility, torso, symmetry);
            self.mean_pose_end.add(0.0, &metrics);
        }
        for ((sum, [x, y]), v) in
            self.pose_sums.iter_mut().zip(sample.keypoints).zip(sample.visibility)
        {
            if *v != Visibility::Outside {
                sum[0] += f64::from(x / sample.size[0]);
                sum[1] += f64::from(y / sample.size[1]);
                sum[2] += 1.0;
            }
        }
        let mut row = [0.0; COLUMNS];
        (row[STEP], row[SCORE], row[ERROR]) = (step as f32, sample.score, sample.metrics.error);
        (row[LOSS], row[BLUR]) = (sample.loss, sample.blur);
        row[FAILED] = f32::from(u8::from(sample.metrics.found == 0));
        row[HARDNESS..].copy_from_slice(sample.hardness);
        self.recent.push(row);
    }

    /// The mean pose so far, in pixels of an image of `size`.
    fn mean_pose(&self, size: [f32; 2]) -> Vec<[f32; 2]> {
        let mean = |sum: &[f64; 3], axis: usize| (sum[axis] / sum[2].max(1.0)) as f32 * size[axis];
        self.pose_sums.iter().map(|sum| [mean(sum, 0), mean(sum, 1)]).collect()
    }

    /// PCK@0.2 torso that always guessing the mean pose reaches on the samples of
    /// [`UniformStatistics::end`].
    pub fn mean_pose_pck(&self) -> Option<f64> {
        self.mean_pose_end.pck()
    }

    /// Spearman's rank correlation of the score with keypoint error over the kept samples from
    /// `from_step` on.
    pub fn score_error_correlation(&self, from_step: u64) -> Option<f32> {
        spearman(&self.column(SCORE, from_step), &self.column(ERROR, from_step))
    }

    /// Spearman's rank correlation of the score with each hardness axis, as above.
    pub fn score_axis_correlations(&self, from_step: u64) -> [Option<f32>; AXES] {
        let scores = self.column(SCORE, from_step);
        std::array::from_fn(|axis| spearman(&scores, &self.column(HARDNESS + axis, from_step)))
    }

    /// How well the score tells what is hard, over the kept samples from `from_step` on.
    pub fn score_quality(&self, from_step: u64) -> ScoreQuality {
        ScoreQuality::new(&Judged {
            error: self.column(ERROR, from_step),
            failed: self.column(FAILED, from_step).iter().map(|failed| *failed > 0.0).collect(),
            score: self.column(SCORE, from_step),
            blur: self.column(BLUR, from_step),
            loss: self.column(LOSS, from_step),
            hardness: std::array::from_fn(|axis| self.column(HARDNESS + axis, from_step)),
        })
    }

    fn column(&self, column: usize, from_step: u64) -> Vec<f32> {
        self.recent
            .iter()
            .filter(|row| row[STEP] >= from_step as f32)
            .map(|row| row[column])
            .collect()
    }
}
