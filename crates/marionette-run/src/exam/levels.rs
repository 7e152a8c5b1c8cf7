//! How the error grows along one hardness axis while the others stay easy.

use super::{Exam, ExamResult};
use marionette_base::statistics::spearman;
use marionette_stream::HardnessAxis;
use serde::{Deserialize, Serialize};

/// How a detector's error grows along one hardness axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisErrors {
    /// The axis.
    pub axis: HardnessAxis,
    /// Its levels, from easy to hard.
    pub levels: Vec<LevelErrors>,
    /// Spearman's rank correlation over the levels of the level with [`LevelErrors::missed`]: 1
    /// where each level is worse than the one below it; `None` where there is only one level.
    pub missed_correlation: Option<f32>,
    /// The same with [`LevelErrors::mean_error`].
    pub error_correlation: Option<f32>,
}

/// How a detector did at one level of one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelErrors {
    /// The exam that the level's images are of.
    pub exam: Exam,
    /// Lowest hardness of the axis.
    pub low: f32,
    /// Highest hardness of the axis.
    pub high: f32,
    /// How many images there are.
    pub images: usize,
    /// SHA-256 of images and labels: results compare only where this is the same.
    pub sha256: String,
    /// The share of labelled keypoints that are off by 0.2 torso lengths or more: 1 - PCK@0.2
    /// torso.
    pub missed: Option<f64>,
    /// Mean distance over labelled keypoints, torso lengths, each by at most 3.
    pub mean_error: Option<f64>,
}

impl AxisErrors {
    /// The exams that [`AxisErrors::new`] wants the results of, from easy to hard:
    /// [`Exam::at_level`] at each level.
    pub fn exams(axis: HardnessAxis, levels: u8) -> Vec<Exam> {
        (1..=levels).map(|level| Exam::at_level(axis, level, levels)).collect()
    }

    /// From the results in the exams of all levels of `axis`, in the order of
    /// [`AxisErrors::exams`].
    pub fn new(axis: HardnessAxis, results: &[&ExamResult]) -> Self {
        let share = |level: usize| level as f32 / results.len() as f32;
        let level = |(level, result): (usize, &&ExamResult)| LevelErrors {
            exam: result.exam,
            low: share(level),
            high: share(level + 1),
            images: result.images,
            sha256: result.sha256.clone(),
            missed: result.pck.torso_02.map(|found| 1.0 - found),
            mean_error: result.pck.mean_error,
        };
        let levels: Vec<LevelErrors> = results.iter().enumerate().map(level).collect();
        let correlation = |error: fn(&LevelErrors) -> Option<f64>| {
            let order: Vec<f32> = (0..levels.len()).map(|level| level as f32).collect();
            let errors: Option<Vec<f32>> =
                levels.iter().map(|level| error(level).map(|error| error as f32)).collect();
            spearman(&order, &errors?)
        };
        AxisErrors {
            axis,
            missed_correlation: correlation(|level| level.missed),
            error_correlation: correlation(|level| level.mean_error),
            levels,
        }
    }
}

/// The exam of a level by its name, as in `pose-2-of-5`.
pub(super) fn by_name(name: &str) -> Option<Exam> {
    let (front, levels) = name.split_once("-of-")?;
    let (axis, level) = front.rsplit_once('-')?;
    let (level, levels) = (level.parse().ok()?, levels.parse().ok()?);
    let exam = Exam::AxisLevel { axis: HardnessAxis::by_name(axis)?, level, levels };
    (1..=levels).contains(&level).then_some(exam)
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_train::eval::metric::{Pck, oks_summary};

    fn result(exam: Exam, torso_02: f64, mean_error: f64) -> ExamResult {
        let mut pck = Pck::new(vec![0], Vec::new()).summary();
        (pck.torso_02, pck.mean_error) = (Some(torso_02), Some(mean_error));
        let oks = oks_summary(&[], &[0.05], &[]);
        ExamResult {
            exam,
            images: 9,
            sha256: "x".to_owned(),
            pck,
            oks,
            mean_pose: None,
            axes: Vec::new(),
            score: None,
            per_image: Vec::new(),
        }
    }

    #[test]
    fn metric_levels_by_hand() {
        let exams = AxisErrors::exams(HardnessAxis::Crowd, 4);
        assert_eq!(
            exams.iter().map(|exam| exam.name()).collect::<Vec<_>>()[1..3],
            ["crowd-2-of-4", "crowd-3-of-4"]
        );
        let figures = [(0.9, 0.1), (0.75, 0.3), (0.8, 0.4), (0.5, 0.5)];
        let results: Vec<ExamResult> = exams
            .iter()
            .zip(figures)
            .map(|(exam, (pck, error))| result(*exam, pck, error))
            .collect();
        let errors = AxisErrors::new(HardnessAxis::Crowd, &results.iter().collect::<Vec<_>>());
        assert_eq!(
            errors.levels.iter().map(|level| level.missed).collect::<Vec<_>>(),
            [1.0 - 0.9, 0.25, 1.0 - 0.8, 0.5].map(Some)
        );
        assert_eq!((errors.levels[1].low, errors.levels[1].high), (0.25, 0.5));
        // Ranks 1 3 2 4: squares of the differences sum to 2, so 1 - 6 * 2 / (4 * 15).
        assert!((errors.missed_correlation.unwrap() - 0.8).abs() < 1e-6);
        assert_eq!(errors.error_correlation, Some(1.0));
        let one = AxisErrors::new(HardnessAxis::Crowd, &[&results[0]]);
        assert_eq!((one.missed_correlation, one.levels[0].high), (None, 1.0));
        assert!(AxisErrors::new(HardnessAxis::Crowd, &[]).levels.is_empty());
    }
}
