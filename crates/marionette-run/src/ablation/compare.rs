//! Statistics over outcomes: each arm's scores, and its differences from a baseline with intervals.
//!
//! Seeds are paired: the arms of a seed begin with the same weights and the same random values. An
//! interval is a bootstrap over both sources of chance: seeds are drawn with replacement, and so
//! are the exams' images, the same ones for all arms and seeds.

use super::outcome::Outcome;
use crate::exam::Exam;
use marionette_base::random;
use marionette_train::trainer::ScoreQuality;
use rand::Rng;
use serde::Serialize;

/// Draws of the bootstrap.
const DRAWS: usize = 2000;

/// What arms are compared by: PCK@0.2 torso in one exam, or the mean of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The exam `standard`.
    Standard,
    /// The exam `easy`.
    Easy,
    /// The exam `hard`.
    Hard,
    /// The exam `natural`.
    Natural,
    /// The mean of the exams `hard-AXIS`.
    HardAxes,
    /// The mean of all exams but `natural`.
    Mean,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 6] = [
        Measure::Standard,
        Measure::Easy,
        Measure::Hard,
        Measure::Natural,
        Measure::HardAxes,
        Measure::Mean,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Standard => "standard",
            Measure::Easy => "easy",
            Measure::Hard => "hard",
            Measure::Natural => "natural",
            Measure::HardAxes => "hard axes",
            Measure::Mean => "mean of 11",
        }
    }

    fn takes(self, exam: Exam) -> bool {
        match self {
            Measure::Standard => exam == Exam::Standard,
            Measure::Easy => exam == Exam::Easy,
            Measure::Hard => exam == Exam::Hard,
            Measure::Natural => exam == Exam::Natural,
            Measure::HardAxes => matches!(exam, Exam::HardAxis(_)),
            Measure::Mean => exam != Exam::Natural,
        }
    }

    /// The measure of `outcome`, image `i` counting `weights[i]` times; `None` without such exams.
    fn of(self, outcome: &Outcome, weights: Option<&[u32]>) -> Option<f64> {
        let exams = outcome.exams.iter().filter(|images| self.takes(images.exam));
        let scores: Vec<f64> = exams
            .map(|images| {
                let sum = |counts: &[u16]| -> f64 {
                    let weight = |i: usize| weights.map_or(1, |w| w.get(i).copied().unwrap_or(0));
                    let counted = (0..).zip(counts);
                    counted.map(|(i, n)| f64::from(weight(i)) * f64::from(*n)).sum()
                };
                sum(&images.found) / sum(&images.labelled).max(1.0)
            })
            .collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }
}

/// How an arm did, over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Standing {
    /// The arm.
    pub arm: String,
    /// Seeds that came to an end.
    pub seeds: usize,
    /// Seeds that diverged.
    pub diverged: usize,
    /// Mean over the seeds, in [`Measure::ALL`] order.
    pub scores: [Option<f64>; 6],
    /// Mean error over the tenth of `standard`'s images with the highest, torso lengths.
    pub worst_tenth: Option<f64>,
    /// Spearman's correlation of score and keypoint error, the mean over the seeds.
    pub score_error: Option<f64>,
    /// What is left of it beyond the spread of the maps.
    pub beyond_blur: Option<f64>,
    /// Images learned from, a seed.
    pub images: u64,
    /// Draws that were rejected, a seed.
    pub rejected: u64,
    /// Minutes, a seed.
    pub minutes: f64,
    /// PCK@0.2 torso in `standard` on the way, the mean over the seeds: images learned from, score.
    pub curve: Vec<(u64, f64)>,
    /// Mean score of the images of `easy`, `standard` and `hard` on the way, likewise.
    pub probed: Vec<(u64, [Option<f64>; 3])>,
}

/// How an arm differs from the baseline in one measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The arm.
    pub arm: String,
    /// What is compared.
    pub measure: Measure,
    /// Seeds that both have.
    pub seeds: usize,
    /// Mean of the paired differences.
    pub mean: f64,
    /// The 95 % interval.
    pub interval: [f64; 2],
    /// Two-sided, corrected for the number of arms (Holm 1979).
    pub p: f64,
}

/// All arms, and all but the baseline against it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The baseline's name.
    pub baseline: String,
    /// Every arm, in the order of the first outcomes.
    pub standings: Vec<Standing>,
    /// Every other arm and measure.
    pub differences: Vec<Difference>,
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn standing(arm: &str, outcomes: &[&Outcome]) -> Standing {
    let ended: Vec<&Outcome> =
        outcomes.iter().copied().filter(|outcome| outcome.diverged.is_none()).collect();
    let average = |value: &dyn Fn(&Outcome) -> u64| {
        (outcomes.iter().map(|o| value(o)).sum::<u64>()) / outcomes.len().max(1) as u64
    };
    let mut points: Vec<u64> =
        ended.iter().flat_map(|o| o.curve.iter().map(|(images, _)| *images)).collect();
    points.sort_unstable();
    points.dedup();
    let at = |images: u64| {
        let scores = ended.iter().flat_map(|o| &o.curve).filter(|(at, _)| *at == images);
        mean(scores.map(|(_, score)| *score)).map(|score| (images, score))
    };
    let probed = |images: u64| {
        let rows = || ended.iter().flat_map(|o| &o.scores).filter(|(at, _)| *at == images);
        std::array::from_fn(|exam| mean(rows().filter_map(|(_, scores)| scores[exam])))
    };
    let score = |value: &dyn Fn(&ScoreQuality) -> Option<f32>| {
        mean(ended.iter().filter_map(|o| value(o.score.as_ref()?)).map(f64::from))
    };
    Standing {
        arm: arm.to_owned(),
        seeds: ended.len(),
        diverged: outcomes.len() - ended.len(),
        scores: Measure::ALL.map(|m| mean(ended.iter().filter_map(|o| m.of(o, None)))),
        worst_tenth: mean(
            ended.iter().filter_map(|o| o.exam(Exam::Standard)).map(|images| images.worst_tenth),
        ),
        score_error: score(&|score| score.score.error),
        beyond_blur: score(&|score| score.beyond_blur),
        images: average(&|o| o.images),
        rejected: average(&|o| o.rejected),
        minutes: outcomes.iter().map(|o| o.seconds / 60.0).sum::<f64>()
            / outcomes.len().max(1) as f64,
        probed: points.iter().map(|images| (*images, probed(*images))).collect(),
        curve: points.into_iter().filter_map(at).collect(),
    }
}

/// A difference, with `p` not yet corrected; `None` where the arms share no seed.
fn difference(measure: Measure, arm: &str, pairs: &[(&Outcome, &Outcome)]) -> Option<Difference> {
    let paired = |weights: Option<&[u32]>, pair: &(&Outcome, &Outcome)| {
        Some(measure.of(pair.0, weights)? - measure.of(pair.1, weights)?)
    };
    let observed = mean(pairs.iter().filter_map(|pair| paired(None, pair)))?;
    let images = pairs.iter().flat_map(|(a, _)| &a.exams).map(|e| e.found.len()).max()?;
    let mut draws: Vec<f64> = (0..DRAWS as u64)
        .filter_map(|draw| {
            let mut rng = random::stream(0, draw, 0, "ablation/bootstrap");
            let mut weights = vec![0u32; images];
            (0..images).for_each(|_| weights[rng.random_range(0..images)] += 1);
            let chosen = (0..pairs.len()).map(|_| &pairs[rng.random_range(0..pairs.len())]);
            mean(chosen.filter_map(|pair| paired(Some(&weights), pair)))
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    let quantile = |share: f64| draws[((draws.len() - 1) as f64 * share).round() as usize];
    let beyond = |sign: f64| draws.iter().filter(|d| sign * **d <= 0.0).count() as f64;
    let tail = beyond(1.0).min(beyond(-1.0)).max(1.0) / draws.len() as f64;
    Some(Difference {
        arm: arm.to_owned(),
        measure,
        seeds: pairs.len(),
        mean: observed,
        interval: [quantile(0.025), quantile(0.975)],
        p: (2.0 * tail).min(1.0),
    })
}

/// Holm's correction of the values of `p`: the least times their number, the next times one fewer
/// ...
fn correct(differences: &mut [Difference]) {
    let mut order: Vec<usize> = (0..differences.len()).collect();
    order.sort_by(|a, b| differences[*a].p.total_cmp(&differences[*b].p));
    let mut least = 0.0f64;
    for (rank, index) in order.into_iter().enumerate() {
        let factor = (differences.len() - rank) as f64;
        least = least.max((factor * differences[index].p).min(1.0));
        differences[index].p = least;
    }
}

/// Compares the arms of `outcomes` with `baseline`.
pub fn compare(outcomes: &[Outcome], baseline: &str) -> Comparison {
    let mut arms: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !arms.contains(&outcome.arm.as_str()) {
            arms.push(&outcome.arm);
        }
    }
    let of = |arm: &str| -> Vec<&Outcome> { outcomes.iter().filter(|o| o.arm == arm).collect() };
    let base = of(baseline);
    let mut differences = Vec::new();
    for measure in Measure::ALL {
        let one = |arm: &&str| {
            let pairs: Vec<(&Outcome, &Outcome)> = of(arm)
                .into_iter()
                .filter_map(|own| Some((own, *base.iter().find(|b| b.seed == own.seed)?)))
                .filter(|(a, b)| a.diverged.is_none() && b.diverged.is_none())
                .collect();
            difference(measure, arm, &pairs)
        };
        let mut found: Vec<Difference> =
            arms.iter().filter(|arm| **arm != baseline).filter_map(one).collect();
        correct(&mut found);
        differences.append(&mut found);
    }
    Comparison {
        baseline: baseline.to_owned(),
        standings: arms.iter().map(|arm| standing(arm, &of(arm))).collect(),
        differences,
    }
}

impl Comparison {
    /// The difference of `arm` in `measure`.
    pub fn difference(&self, arm: &str, measure: Measure) -> Option<&Difference> {
        self.differences.iter().find(|d| d.arm == arm && d.measure == measure)
    }

    /// The share of the baseline's images after which `arm` is as good in `standard` as the
    /// baseline is at the end, by its curve; `None` where it never is.
    pub fn images_to_reach(&self, arm: &str) -> Option<f64> {
        let find = |name: &str| self.standings.iter().find(|standing| standing.arm == name);
        let (images, wanted) = find(&self.baseline)?.curve.last().copied()?;
        let curve = &find(arm)?.curve;
        let at = curve.iter().position(|(_, score)| *score >= wanted)?;
        let (x1, y1) = curve[at];
        let (x0, y0) = if at > 0 { curve[at - 1] } else { (0, 0.0) };
        let share = if y1 > y0 { (wanted - y0) / (y1 - y0) } else { 1.0 };
        Some((x0 as f64 + share * (x1 - x0) as f64) / images.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ablation::ExamImages;

    /// An outcome whose arm finds `share` of ten keypoints in each of `images` images, give or take
    /// what `noise` says.
    fn outcome(arm: &str, seed: u64, share: f64, noise: f64) -> Outcome {
        let mut rng = random::stream(seed, 0, 0, arm);
        let exams = Exam::all().into_iter().map(|exam| ExamImages {
            exam,
            sha256: String::new(),
            labelled: vec![10; 200],
            found: (0..200)
                .map(|_| (10.0 * share + noise * rng.random_range(-1.0..1.0)).round() as u16)
                .collect(),
            worst_tenth: 1.0,
        });
        Outcome {
            step: 100,
            arm: arm.to_owned(),
            seed,
            images: 3200,
            rejected: 1,
            seconds: 60.0,
            diverged: None,
            score: None,
            curve: vec![(0, 0.0), (1600, share / 2.0), (3200, share)],
            scores: vec![(0, [Some(0.5); 3])],
            exams: exams.collect(),
        }
    }

    #[test]
    fn a_difference_beyond_the_noise_is_found_and_one_within_it_is_not() {
        let mut outcomes = Vec::new();
        for seed in 1..=5 {
            outcomes.push(outcome("uniform", seed, 0.5, 3.0));
            outcomes.push(outcome("better", seed, 0.6, 3.0));
            outcomes.push(outcome("same", seed, 0.5, 3.0));
        }
        let mut lost = outcome("better", 6, 0.0, 0.0);
        lost.diverged = Some("the loss".to_owned());
        lost.exams.clear();
        outcomes.push(lost);
        let compared = compare(&outcomes, "uniform");
        let better = compared.difference("better", Measure::HardAxes).unwrap();
        assert!((better.mean - 0.1).abs() < 0.01 && better.interval[0] > 0.08, "{better:?}");
        assert!(better.p < 0.01 && better.seeds == 5, "{better:?}");
        let same = compared.difference("same", Measure::Standard).unwrap();
        assert!(same.interval[0] < 0.0 && same.interval[1] > 0.0 && same.p > 0.05, "{same:?}");
        assert!(compared.difference("uniform", Measure::Mean).is_none());
        assert_eq!((compared.standings[1].seeds, compared.standings[1].diverged), (5, 1));
        // 0.5 lies two thirds of the way from 0.3 to 0.6.
        let reached = compared.images_to_reach("better").unwrap();
        assert!((reached - (0.5 + 0.5 * 2.0 / 3.0)).abs() < 1e-6, "{reached}");
        assert_eq!(compared.images_to_reach("uniform"), Some(1.0));
        assert_eq!(compare(&outcomes, "ramp").differences, []);
    }

    #[test]
    fn holm_corrects_the_least_most() {
        let of = |p| Difference {
            arm: String::new(),
            measure: Measure::Mean,
            seeds: 1,
            mean: 0.0,
            interval: [0.0; 2],
            p,
        };
        let mut differences = [of(0.03), of(0.01), of(0.04)];
        correct(&mut differences);
        let found: Vec<f64> = differences.iter().map(|d| (d.p * 1e6).round() / 1e6).collect();
        assert_eq!(found, [0.06, 0.03, 0.06]);
    }
}
