//! How well the difficulty score tells what is hard, beside what costs nothing to know.

use marionette_base::statistics::{auroc, partial_spearman, spearman};
use marionette_stream::AXES;
use serde::{Deserialize, Serialize};

/// Bins per axis of the cells.
const BINS: usize = 6;
/// Bins of the scores.
const SCORE_BINS: usize = 20;

/// Samples that a score is judged on; one value a sample.
pub struct Judged {
    /// Keypoint error, torso lengths.
    pub error: Vec<f32>,
    /// Whether no keypoint was found.
    pub failed: Vec<bool>,
    /// The critic's score.
    pub score: Vec<f32>,
    /// How far the predicted maps are spread, see [`Scores::blur`](crate::afl::Scores::blur).
    pub blur: Vec<f32>,
    /// The loss.
    pub loss: Vec<f32>,
    /// Hardness by axis.
    pub hardness: [Vec<f32>; AXES],
}

/// How well one number tells what is hard. What is not defined is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    /// Spearman's rank correlation with keypoint error, sample by sample.
    pub error: Option<f32>,
    /// The area under the ROC curve for samples of which no keypoint is found.
    pub failures: Option<f32>,
    /// Spearman's rank correlation of the means over cells - one of six bins of one axis each -
    /// with those of the error.
    pub cells: Option<f32>,
}

/// How well the difficulty score tells what is hard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreQuality {
    /// Samples judged on.
    pub samples: usize,
    /// The critic's score.
    pub score: Telling,
    /// For comparison: one minus the mean existence of the predicted keypoints, which no critic is
    /// needed for.
    pub blur: Telling,
    /// For comparison: the loss, which knows the truth.
    pub loss: Telling,
    /// Partial rank correlation of score and error, given blur.
    pub beyond_blur: Option<f32>,
    /// Partial rank correlation of score and error, given the loss.
    pub beyond_loss: Option<f32>,
    /// Spearman's rank correlation of the score with each axis.
    pub score_axis: [Option<f32>; AXES],
    /// Partial rank correlation of the score with each axis, given the error: what the score holds
    /// against an axis beyond what it does to the keypoints.
    #[serde(default)]
    pub score_axis_beyond_error: [Option<f32>; AXES],
    /// Spearman's rank correlation of the error with each axis.
    pub error_axis: [Option<f32>; AXES],
    /// How many samples have which score, in equal bins of [0, 1]; zeros in files of before it was
    /// counted.
    #[serde(default)]
    pub histogram: [u32; SCORE_BINS],
}

impl ScoreQuality {
    /// How well the score of these samples tells what is hard.
    pub fn new(judged: &Judged) -> Self {
        let Judged { error, failed, score, blur, loss, hardness } = judged;
        let cells_of_error = cell_means(hardness, error);
        let telling = |values: &[f32]| Telling {
            error: spearman(values, error),
            failures: auroc(values, failed),
            cells: spearman(&cell_means(hardness, values), &cells_of_error),
        };
        let along = |values: &[f32]| hardness.each_ref().map(|axis| spearman(values, axis));
        ScoreQuality {
            samples: error.len(),
            score: telling(score),
            blur: telling(blur),
            loss: telling(loss),
            beyond_blur: partial_spearman(score, error, blur),
            beyond_loss: partial_spearman(score, error, loss),
            score_axis: along(score),
            score_axis_beyond_error: hardness
                .each_ref()
                .map(|axis| partial_spearman(score, axis, error)),
            error_axis: along(error),
            histogram: histogram(score),
        }
    }
}

/// How many of the scores lie in which equal bin of [0, 1].
fn histogram(scores: &[f32]) -> [u32; SCORE_BINS] {
    let mut counts = [0; SCORE_BINS];
    for score in scores {
        counts[((score * SCORE_BINS as f32) as usize).min(SCORE_BINS - 1)] += 1;
    }
    counts
}

/// The mean of `values` in every cell that has a sample.
fn cell_means(hardness: &[Vec<f32>; AXES], values: &[f32]) -> Vec<f32> {
    let of_axis = |axis: &Vec<f32>| {
        let mut sums = [(0.0, 0u32); BINS];
        for (hardness, value) in axis.iter().zip(values) {
            let bin = ((hardness * BINS as f32) as usize).min(BINS - 1);
            sums[bin] = (sums[bin].0 + f64::from(*value), sums[bin].1 + 1);
        }
        sums.map(|(sum, count)| (count > 0).then(|| (sum / f64::from(count)) as f32))
    };
    hardness.iter().flat_map(of_axis).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_base::random::stream;
    use rand::Rng;

    /// Samples whose error grows along the first axis, and by something that only the score sees.
    fn judged(insight: f32) -> Judged {
        let mut random = stream(1, 0, 0, "score quality");
        let mut draw = || (0..4000).map(|_| random.random::<f32>()).collect::<Vec<f32>>();
        let hardness: [Vec<f32>; AXES] = std::array::from_fn(|_| draw());
        let (unseen, noise) = (draw(), draw());
        let error: Vec<f32> = hardness[0].iter().zip(&unseen).map(|(a, b)| a + b).collect();
        let blur: Vec<f32> = hardness[0].iter().zip(&noise).map(|(a, n)| a + n).collect();
        let score = blur.iter().zip(&unseen).map(|(b, u)| b + insight * u).collect();
        let failed = error.iter().map(|error| *error > 1.5).collect();
        Judged { loss: error.clone(), failed, error, score, blur, hardness }
    }

    #[test]
    fn scores_are_counted_in_twenty_bins() {
        let counts = histogram(&[0.0, 0.04, 0.06, 0.99, 1.0, 1.5]);
        assert_eq!((counts[0], counts[1], counts[19]), (2, 1, 3));
        assert_eq!(counts.iter().sum::<u32>(), 6);
    }

    #[test]
    fn a_score_is_credited_with_what_it_adds_to_the_blur() {
        let seeing = ScoreQuality::new(&judged(1.0));
        assert!(seeing.beyond_blur.unwrap() > 0.5, "{seeing:?}");
        assert!(seeing.score.failures.unwrap() > seeing.blur.failures.unwrap());
        assert!(seeing.score_axis[0].unwrap() > 0.3 && seeing.score_axis[1].unwrap().abs() < 0.05);
        assert!(seeing.score.cells.unwrap() > 0.5);
        // The score is the error and noise, so the error explains what it has of the axis.
        let beyond = seeing.score_axis_beyond_error[0].unwrap();
        assert!(beyond.abs() < 0.2 && beyond < seeing.score_axis[0].unwrap(), "{beyond}");
        // The loss is the error, so nothing is left beyond it.
        assert_eq!((seeing.loss.error, seeing.beyond_loss), (Some(1.0), None));
        let blind = ScoreQuality::new(&judged(0.0));
        assert_eq!(blind.beyond_blur, None);
        assert_eq!(blind.score, blind.blur);
        assert_eq!(
            ScoreQuality::new(&Judged {
                error: vec![],
                failed: vec![],
                score: vec![],
                blur: vec![],
                loss: vec![],
                hardness: Default::default()
            }),
            ScoreQuality::default()
        );
    }
}
