//! The settings of the curriculum.

use marionette_base::toml_file::exact;
use marionette_stream::StreamMix;
use serde::{Deserialize, Serialize};

/// The signal that the controller steers towards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// The mean rank, within its batch, of the adversarial difficulty score. Ranks, because raw
    /// scores drift as the critic trains.
    #[default]
    Difficulty,
    /// The mean keypoint error.
    Error,
}

/// What the steered stream draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyKind {
    /// Every axis up to its reach, which grows the slower, the more the axis matters by the signal.
    #[default]
    Frontier,
    /// As `Frontier`, with reaches that follow the schedule alone, whatever the signal.
    Ramp,
}

/// How far along the axes samples reach, and along how many of them at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrontierConfig {
    /// The reach of every axis at the start, a hardness in (0, 1].
    pub start: f64,
    /// Share of the run after which every axis is fully open, whatever the signal.
    pub open_by: f64,
    /// The probability that an axis is free in a sample: with nothing open and with all axes open.
    #[serde(deserialize_with = "exact")]
    pub free: [f64; 2],
    /// What the hardness of an axis that is not free is multiplied with.
    pub rest: f64,
    /// The probability that a sample is level: equally hard in every respect, see
    /// [`Freedom`](marionette_stream::Freedom).
    pub level: f64,
    /// How much sooner than [`Self::open_by`] an axis that does not matter is open, and how much
    /// later the one that matters most: factors, 1 for an axis of average effect on the signal.
    #[serde(deserialize_with = "exact")]
    pub pace: [f64; 2],
    /// Share of the run before which no reach listens to the signal.
    pub warmup: f64,
}

impl Default for FrontierConfig {
    fn default() -> Self {
        FrontierConfig {
            start: 0.25,
            open_by: 0.6,
            free: [0.5, 0.8],
            rest: 0.4,
            level: 0.3,
            pace: [0.5, 1.4],
            warmup: 0.1,
        }
    }
}

impl FrontierConfig {
    /// As [`CurriculumConfig::validate`].
    fn validate(&self) -> Vec<(String, String)> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let some = |value: f64| value > 0.0 && value <= 1.0;
        let ([few, many], [quickest, slowest]) = (self.free, self.pace);
        let a_share = "a share in [0, 1]";
        let above_0 = "above 0, at most 1";
        let checks = [
            ("start", some(self.start), self.start, above_0),
            ("open_by", share(self.open_by), self.open_by, a_share),
            ("free", share(few), few, "two probabilities, [0, 1] at the widest"),
            ("free", share(many), many, "two probabilities, [0, 1] at the widest"),
            ("rest", some(self.rest), self.rest, above_0),
            ("level", share(self.level), self.level, a_share),
            ("pace", quickest > 0.0 && quickest <= 1.0, quickest, "a factor above 0, at most 1"),
            ("pace", (1.0..=10.0).contains(&slowest), slowest, "a factor from 1 to 10"),
            ("warmup", share(self.warmup), self.warmup, a_share),
        ];
        let failed = checks.into_iter().filter(|(_, fine, ..)| !fine);
        failed
            .map(|(key, _, found, wanted)| {
                (format!("frontier.{key}"), format!("found {found}, expected {wanted}"))
            })
            .collect()
    }
}

/// How feedback becomes a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CurriculumConfig {
    /// Whether the axes are steered. Without it every axis stays uniform while statistics are still
    /// gathered.
    pub steering: bool,
    /// What the steered stream draws.
    pub policy: PolicyKind,
    /// The signal that the controller steers towards.
    pub signal: Signal,
    /// Bins per axis, K.
    pub bins: usize,
    /// Batches learned from between two updates of the distributions.
    pub update_every: u64,
    /// Batches over which the statistics of a bin forget (to 1/e).
    pub memory: f64,
    /// Batches over which the streams' losses forget.
    pub recent: f64,
    /// `[curriculum.frontier]`: how far and along how many axes.
    pub frontier: FrontierConfig,
    /// Shares of the two streams.
    pub mix: StreamMix,
}

impl Default for CurriculumConfig {
    fn default() -> Self {
        CurriculumConfig {
            steering: true,
            policy: PolicyKind::default(),
            signal: Signal::Difficulty,
            bins: 6,
            update_every: 10,
            memory: 500.0,
            recent: 100.0,
            frontier: FrontierConfig::default(),
            mix: StreamMix::default(),
        }
    }
}

impl CurriculumConfig {
    /// What is wrong with the settings: the key, and a message with the value found and the values
    /// allowed. Empty if nothing is wrong.
    pub fn validate(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, key: &str, found: &dyn std::fmt::Display, wanted: &str| {
            if !fine {
                faults.push((key.to_string(), format!("found {found}, expected {wanted}")));
            }
        };
        let share = |value: f64| (0.0..=1.0).contains(&value);
        check((5..=8).contains(&self.bins), "bins", &self.bins, "5 to 8");
        check(self.update_every >= 1, "update_every", &self.update_every, "at least 1 batch");
        check((1.0..=1e9).contains(&self.memory), "memory", &self.memory, "at least 1 batch");
        let recent = self.recent >= 1.0 && self.recent < self.memory;
        check(recent, "recent", &self.recent, "at least 1 batch and less than `memory`");
        let StreamMix { uniform, steered } = self.mix;
        for (key, value) in [("mix.uniform", uniform), ("mix.steered", steered)] {
            check(share(f64::from(value)), key, &value, "a share in [0, 1]");
        }
        let sum = uniform + steered;
        check((sum - 1.0).abs() < 1e-3, "mix", &format!("shares that sum to {sum}"), "a sum of 1");
        check(
            uniform > 0.0,
            "mix.uniform",
            &uniform,
            "more than 0: the uniform stream is the yardstick",
        );
        faults.extend(self.frontier.validate());
        faults
    }
}
