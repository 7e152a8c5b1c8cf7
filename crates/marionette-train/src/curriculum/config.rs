//! The settings of the curriculum.

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

/// The replay list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    /// Samples held at most; 0 keeps none, and the replay stream then samples as the steered one.
    pub size: usize,
    /// Replays after which a sample is dropped.
    pub uses: u32,
    /// A sample is admitted when its difficulty rank in its batch, in [0, 1], is at least this.
    pub admit: f64,
    /// Share of a sample's weight that depends on how long it has not been seen, in [0, 1); the
    /// rest depends on its rank.
    pub staleness: f64,
    /// After this many replays a sample is dropped if its error has not fallen.
    pub patience: u32,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        ReplayConfig { size: 256, uses: 5, admit: 0.75, staleness: 0.2, patience: 3 }
    }
}

/// How feedback becomes a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CurriculumConfig {
    /// Whether the axes are steered. Without it every axis stays uniform while statistics are still
    /// gathered; the replay stream is governed by `mix.replay` and `replay.size` alone.
    pub steering: bool,
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
    /// Below this ratio of steered to uniform loss, tempering is undone step by step.
    pub band_low: f64,
    /// Above this ratio of steered to uniform loss, the distributions are tempered towards uniform.
    pub band_high: f64,
    /// Updates without progress after which a bin of the highest errors counts as unlearnable.
    pub unlearnable_after: u32,
    /// Shares of the three streams.
    pub mix: StreamMix,
    /// The replay list.
    pub replay: ReplayConfig,
}

impl Default for CurriculumConfig {
    fn default() -> Self {
        CurriculumConfig {
            steering: true,
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
            band_low: 1.5,
            band_high: 3.0,
            unlearnable_after: 20,
            mix: StreamMix::default(),
            replay: ReplayConfig::default(),
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
        check(
            (0.0..=1e6).contains(&self.band_low),
            "band_low",
            &self.band_low,
            "a ratio of losses, from 0",
        );
        let band = self.band_high >= self.band_low && self.band_high <= 1e6;
        check(band, "band_high", &self.band_high, "a ratio of losses, at least `band_low`");
        let after = self.unlearnable_after >= 1;
        check(after, "unlearnable_after", &self.unlearnable_after, "at least 1 update");
        let StreamMix { uniform, steered, replay } = self.mix;
        for (key, value) in
            [("mix.uniform", uniform), ("mix.steered", steered), ("mix.replay", replay)]
        {
            check(share(f64::from(value)), key, &value, "a share in [0, 1]");
        }
        let sum = uniform + steered + replay;
        check((sum - 1.0).abs() < 1e-3, "mix", &format!("shares that sum to {sum}"), "a sum of 1");
        check(
            uniform > 0.0,
            "mix.uniform",
            &uniform,
            "more than 0: the uniform stream is the yardstick",
        );
        check(self.replay.uses >= 1, "replay.uses", &self.replay.uses, "at least 1 use");
        check(share(self.replay.admit), "replay.admit", &self.replay.admit, "a rank in [0, 1]");
        let stale = (0.0..1.0).contains(&self.replay.staleness);
        check(stale, "replay.staleness", &self.replay.staleness, "a share in [0, 1)");
        check(
            self.replay.patience >= 1,
            "replay.patience",
            &self.replay.patience,
            "at least 1 use",
        );
        check(
            self.replay.size <= 65_536,
            "replay.size",
            &self.replay.size,
            "at most 65536: it travels with each batch",
        );
        faults
    }
}
