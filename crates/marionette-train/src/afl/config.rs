//! The settings of the adversarial focal loss.

use super::topology::Threshold;
use marionette_base::toml_file::exact;
use serde::{Deserialize, Serialize};

/// How scores become weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A standardised, clipped gap between target and prediction, with weights of mean 1. The paper
    /// notes that its own scores may start at any value and may saturate, because a Wasserstein
    /// critic has no fixed zero.
    #[default]
    Calibrated,
    /// Eq. 4 of the paper, unchanged.
    Paper,
    /// Every weight is 1. Samples are still scored as in `Calibrated`.
    Off,
    /// As `Calibrated`, with each sample's own loss in place of its score: what needs no critic.
    Loss,
}

/// What the critic gives one value for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Each keypoint: its rows of the topology, beside what the network sees where the keypoint is,
    /// or where it is predicted. A pose that is plausible, but not the one in the picture, can be
    /// told. A sample's value is the mean over its keypoints.
    #[default]
    Keypoint,
    /// The whole pose by its topology alone, as in the paper.
    Pose,
}

/// How far a keypoint of a heatmap exists for the critic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Existence {
    /// The less, the wider the map is spread beyond a target. So the critic sees that maps are
    /// blurred.
    #[default]
    Soft,
    /// Wholly, if any cell reaches the threshold itself, as in the paper.
    Threshold,
    /// Wholly, if the map is not empty: the threshold is a share of its maximum.
    Maximum,
}

/// The settings of the adversarial focal loss. All may be left out of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AflConfig {
    /// How scores become weights: "calibrated", "paper", "off" or "loss".
    pub mode: Mode,
    /// The power γ of the score in a calibrated weight; 0 makes all weights 1, and below 0 easy
    /// samples count more.
    pub gamma: f64,
    /// The smallest and the largest calibrated weight, before they are brought back to mean 1.
    #[serde(deserialize_with = "exact")]
    pub clip: [f64; 2],
    /// How many standard deviations a calibrated gap may lie off the running mean.
    pub gap_clip: f64,
    /// The share of all steps after which calibrated weights begin to differ from 1.
    pub start: f64,
    /// The share of all steps over which they then ramp in.
    pub ramp: f64,
    /// How much of its weight a batch keeps in the gap's running moments with each later one.
    pub moments_decay: f64,
    /// λ, the weight of the critic's gradient penalty.
    pub lambda: f64,
    /// The weight of d(t(y))², which holds the critic's values near zero; unused in paper mode.
    pub drift: f64,
    /// What the critic gives one value for: "keypoint" or "pose". In paper mode always "pose".
    pub subject: Subject,
    /// The critic's learning rate (Adam).
    pub learning_rate: f64,
    /// Adam's β₁ and β₂ for the critic.
    #[serde(deserialize_with = "exact")]
    pub betas: [f64; 2],
    /// The widths of the critic's hidden layers.
    pub hidden: Vec<usize>,
    /// How far a keypoint exists: "soft", "threshold" or "maximum". In paper mode always
    /// "threshold".
    pub existence: Existence,
    /// The value below which a heatmap's cell counts as empty: absolute if existence is by
    /// threshold, otherwise a share of the map's maximum.
    pub threshold: f64,
    /// The gap is divided by this power of the share of the keypoints that are labelled: those
    /// without a label take entries out of the topology. 0 leaves it; unused in paper mode.
    pub labelled_power: f64,
    /// The greatest random move of the critic's targets along either axis, image pixels; unused in
    /// paper mode.
    pub target_jitter_px: f64,
    /// The critic's updates per batch.
    pub critic_steps: u32,
    /// Whether the scores of a batch are permuted at random. This is the null experiment: a score
    /// then says nothing about its sample.
    pub permute_scores: bool,
}

impl Default for AflConfig {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            gamma: 1.0,
            clip: [0.25, 4.0],
            gap_clip: 3.0,
            // Earlier they cost a point: see docs/RESULTS.md.
            start: 0.8,
            ramp: 0.1,
            moments_decay: 0.99,
            lambda: 10.0,
            drift: 1e-3,
            subject: Subject::default(),
            learning_rate: 3e-4,
            betas: [0.0, 0.9],
            hidden: vec![64, 64],
            existence: Existence::default(),
            threshold: 0.1,
            labelled_power: 1.7,
            target_jitter_px: 0.5,
            critic_steps: 1,
            permute_scores: false,
        }
    }
}

impl AflConfig {
    /// What is wrong with these settings, as (field, message); empty if nothing is.
    pub fn validate(&self) -> Vec<(String, String)> {
        let not_negative = |value: f64| value.is_finite() && value >= 0.0;
        let [low, high] = self.clip;
        let checks = [
            ("gamma", (-8.0..=8.0).contains(&self.gamma), "must be a power from -8 to 8"),
            (
                "clip",
                low > 0.0 && low <= 1.0 && 1.0 <= high && high.is_finite(),
                "must be [low, high], 0 < low <= 1 <= high",
            ),
            ("gap_clip", not_negative(self.gap_clip) && self.gap_clip > 0.0, "must be above 0"),
            (
                "start",
                (0.0..=1.0).contains(&self.start),
                "must be a share of all steps, from 0 to 1",
            ),
            ("ramp", (0.0..=1.0).contains(&self.ramp), "must be a share of all steps, from 0 to 1"),
            (
                "moments_decay",
                (0.0..1.0).contains(&self.moments_decay),
                "must be at least 0 and below 1",
            ),
            ("lambda", not_negative(self.lambda), "must be at least 0"),
            ("drift", not_negative(self.drift), "must be at least 0"),
            (
                "learning_rate",
                not_negative(self.learning_rate) && self.learning_rate > 0.0,
                "must be above 0",
            ),
            (
                "betas",
                self.betas.iter().all(|beta| (0.0..1.0).contains(beta)),
                "must both be at least 0 and below 1",
            ),
            (
                "hidden",
                self.hidden.iter().all(|&width| width > 0),
                "must not hold a layer of width 0",
            ),
            ("threshold", self.threshold > 0.0 && self.threshold < 1.0, "must lie between 0 and 1"),
            (
                "labelled_power",
                (0.0..=3.0).contains(&self.labelled_power),
                "must be a power from 0 to 3 (1.7 is usual)",
            ),
            ("target_jitter_px", not_negative(self.target_jitter_px), "must be at least 0 pixels"),
            ("critic_steps", self.critic_steps > 0, "must be at least 1"),
        ];
        let failed = checks.into_iter().filter(|(_, holds, _)| !holds);
        failed.map(|(field, _, message)| (field.to_owned(), message.to_owned())).collect()
    }

    /// What the critic judges in this mode.
    pub(super) fn subject(&self) -> Subject {
        if self.mode == Mode::Paper { Subject::Pose } else { self.subject }
    }

    /// The topology's threshold in this mode, for targets of standard deviation `sigma` in cells.
    pub(super) fn threshold(&self, sigma: f32) -> Threshold {
        match (self.mode, self.existence) {
            (Mode::Paper, _) | (_, Existence::Threshold) => Threshold::Absolute(self.threshold),
            (_, Existence::Maximum) => Threshold::OfMaximum(self.threshold),
            (_, Existence::Soft) => {
                Threshold::Soft { share: self.threshold, variance: f64::from(sigma).powi(2) }
            }
        }
    }

    /// What the gap of a sample of `keypoints` keypoints, of which `labelled` are labelled, is
    /// multiplied with in this mode.
    pub(super) fn gap_factor(&self, labelled: usize, keypoints: usize) -> f64 {
        if self.mode == Mode::Paper || self.labelled_power == 0.0 {
            return 1.0;
        }
        (keypoints as f64 / labelled.max(1) as f64).powf(self.labelled_power)
    }

    /// The drift term's weight in this mode.
    pub(super) fn drift(&self) -> f64 {
        if self.mode == Mode::Paper { 0.0 } else { self.drift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn afl_gap_factor_makes_up_for_keypoints_without_a_label_except_in_paper_mode() {
        let config = AflConfig { labelled_power: 1.5, ..AflConfig::default() };
        assert_eq!([16, 4, 0].map(|n| config.gap_factor(n, 16)), [1.0, 8.0, 64.0]);
        assert_eq!(AflConfig { mode: Mode::Paper, ..config.clone() }.gap_factor(4, 16), 1.0);
        assert_eq!(AflConfig { labelled_power: 0.0, ..config }.gap_factor(4, 16), 1.0);
    }

    #[test]
    fn afl_config_reads_defaults_and_names_what_is_wrong() {
        let config: AflConfig = serde_json::from_str(r#"{"mode": "paper", "gamma": 2}"#).unwrap();
        assert_eq!(config, AflConfig { mode: Mode::Paper, gamma: 2.0, ..AflConfig::default() });
        assert!(serde_json::from_str::<AflConfig>(r#"{"gama": 2}"#).is_err());
        assert!(AflConfig::default().validate().is_empty());
        let wrong = AflConfig {
            gamma: f64::NAN,
            clip: [2.0, 4.0],
            betas: [0.0, 1.0],
            ..AflConfig::default()
        };
        let fields: Vec<_> = wrong.validate().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["gamma", "clip", "betas"]);
    }
}
