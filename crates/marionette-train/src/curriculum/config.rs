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
    /// How fast the keypoint error changes, either way: |fast − slow moving average|.
    Progress,
    /// p(1 − p) of a sample's hit rate p: highest where half of the keypoints are found.
    Learnability,
}

/// What the steered stream draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyKind {
    /// Every axis up to its reach. The signal says when a reach may grow.
    #[default]
    Frontier,
    /// As `Frontier`, with reaches that follow the schedule alone, whatever the signal.
    Ramp,
    /// More of the bins where the signal is high.
    Hardest,
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
    /// How far the probability leans towards axes whose edge is hard, by the signal, in [0, 1]: with
    /// 1 it is in proportion to how far the signal at the edge lies above that inside.
    pub lean: f64,
    /// Share of an axis' draws that lie at the edge, the last [`Self::edge_width`] of its reach.
    pub edge: f64,
    /// Width of the edge, as a share of the reach.
    pub edge_width: f64,
    /// Share of an axis' draws that lie beyond its reach.
    pub probe: f64,
    /// Share of the run before which no reach listens to the signal.
    pub warmup: f64,
    /// A reach that always grows goes from 0 to 1 in this share of the run.
    pub growth: f64,
    /// A reach rests while the signal at its edge is this far above that inside, in standard
    /// deviations of the signal over samples.
    pub rest_above: f64,
    /// Above this it falls.
    pub fall_above: f64,
}

impl Default for FrontierConfig {
    fn default() -> Self {
        FrontierConfig {
            start: 0.25,
            open_by: 0.6,
            free: [0.5, 0.8],
            rest: 0.4,
            level: 0.3,
            lean: 0.0,
            edge: 0.0,
            edge_width: 0.25,
            probe: 0.0,
            warmup: 0.1,
            growth: 0.4,
            rest_above: 0.4,
            fall_above: 0.8,
        }
    }
}

impl FrontierConfig {
    /// As [`CurriculumConfig::validate`].
    fn validate(&self) -> Vec<(String, String)> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let some = |value: f64| value > 0.0 && value <= 1.0;
        let [few, many] = self.free;
        let a_share = "a share in [0, 1]";
        let above_0 = "above 0, at most 1";
        let checks = [
            ("start", some(self.start), self.start, above_0),
            ("open_by", share(self.open_by), self.open_by, a_share),
            ("free", share(few), few, "two probabilities, [0, 1] at the widest"),
            ("free", share(many), many, "two probabilities, [0, 1] at the widest"),
            ("rest", some(self.rest), self.rest, above_0),
            ("level", share(self.level), self.level, a_share),
            ("lean", share(self.lean), self.lean, a_share),
            ("edge", share(self.edge), self.edge, a_share),
            ("edge_width", some(self.edge_width), self.edge_width, above_0),
            (
                "probe",
                self.probe >= 0.0 && self.probe + self.edge <= 1.0,
                self.probe,
                "a share, with `edge` at most 1",
            ),
            ("warmup", share(self.warmup), self.warmup, a_share),
            ("growth", some(self.growth), self.growth, above_0),
            (
                "rest_above",
                (0.0..=10.0).contains(&self.rest_above),
                self.rest_above,
                "standard deviations, 0 to 10",
            ),
            (
                "fall_above",
                self.fall_above >= self.rest_above && self.fall_above <= 10.0,
                self.fall_above,
                "standard deviations, `rest_above` to 10",
            ),
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
    /// Step of an update, per sample standard deviation of the signal; θ settles at eta / (1 −
    /// inertia) of those.
    pub eta: f64,
    /// Share of θ that an update keeps.
    pub inertia: f64,
    /// Batches over which the statistics of a bin forget (to 1/e).
    pub memory: f64,
    /// Batches over which the fast error average and the streams' losses forget.
    pub recent: f64,
    /// Share of every axis' distribution that stays uniform: a bin's probability is at least floor
    /// / K.
    pub floor: f64,
    /// A bin's probability is at most cap / K.
    pub cap: f64,
    /// Greatest Kullback-Leibler divergence of an axis from uniform, in nats.
    pub max_kl: f64,
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
            eta: 1.0,
            inertia: 0.9,
            memory: 500.0,
            recent: 100.0,
            floor: 0.3,
            cap: 3.0,
            max_kl: 0.5,
            frontier: FrontierConfig::default(),
            mix: StreamMix::default(),
        }
    }
}

impl CurriculumConfig {
    /// Whether the steered stream is drawn up to a reach on every axis.
    pub(super) fn by_reach(&self) -> bool {
        self.steering && self.policy != PolicyKind::Hardest
    }

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
        check(
            (0.0..=100.0).contains(&self.eta),
            "eta",
            &self.eta,
            "a number from 0 to 100 (1 is usual)",
        );
        check((0.0..1.0).contains(&self.inertia), "inertia", &self.inertia, "a number in [0, 1)");
        check((1.0..=1e9).contains(&self.memory), "memory", &self.memory, "at least 1 batch");
        let recent = self.recent >= 1.0 && self.recent < self.memory;
        check(recent, "recent", &self.recent, "at least 1 batch and less than `memory`");
        check(share(self.floor), "floor", &self.floor, "a share in [0, 1]");
        let cap = self.cap > 1.0 && self.cap <= self.bins as f64;
        check(cap, "cap", &self.cap, "more than 1 and at most `bins`");
        check((0.0..=10.0).contains(&self.max_kl), "max_kl", &self.max_kl, "nats, from 0 to 10");
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
