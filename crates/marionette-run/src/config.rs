//! The settings of a run: one set of defaults, and what values are allowed.

use crate::{
    FocusConfig,
    exam::{Exam, ExamError},
    lag, old_flips, removed_keys,
};
use marionette_base::toml_file::{FileError, TomlFile};
use marionette_nn::NETWORKS;
use marionette_train::{
    afl::{AflConfig, BASE_LOSSES},
    curriculum::CurriculumConfig,
    photographs::PhotographConfig,
    trainer::{Flips, OptimizerConfig},
};
use serde::{Deserialize, Serialize};
use std::{fmt, fmt::Display, path::Path};
use toml::de::{DeTable, Deserializer};

/// Everything that decides what a run does, apart from its scene. Any key may be left out of a
/// file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The seed that all of the run's random streams come from; at most 2^63 - 1, as TOML has no
    /// larger numbers.
    pub seed: u64,
    /// Training steps in all, one batch each.
    pub steps: u64,
    /// Samples per batch.
    pub batch: usize,
    /// The network's name, one of [`NETWORKS`].
    pub model: String,
    /// Where the network is trained: "auto", "cpu", "cuda:N" or "metal".
    pub device: String,
    /// Whether products of matrices on a CUDA device may round their factors to TF32, ten bits of
    /// fraction.
    pub tf32: bool,
    /// Threads to use; 0 for one per core.
    pub threads: usize,
    /// Pipeline depth in batches: batch b is sampled with the policy after batch b - lag. From 2
    /// on, rendering and training overlap. In files also "auto": as many as keep all threads busy
    /// with sampling ([`resolved_lag`](super::resolved_lag)); a run writes down what that came to.
    #[serde(with = "lag")]
    pub lag: usize,
    /// The base loss' name, one of [`BASE_LOSSES`].
    pub loss: String,
    /// Which training samples are flipped left to right: "none", "random" (a random half of them)
    /// or "both" (every sample is learned from as it was rendered and flipped, in the same step).
    /// The older keys `flip` and `mirror` are still read.
    pub flips: Flips,
    /// The weights that training starts from, a file or a run; empty for random ones.
    pub init: String,
    /// `[optimizer]`.
    pub optimizer: OptimizerConfig,
    /// `[afl]`: the adversarial focal loss.
    pub afl: AflConfig,
    /// `[curriculum]`: what is sampled next.
    pub curriculum: CurriculumConfig,
    /// `[focus]`: what a share of the samples is drawn for.
    pub focus: FocusConfig,
    /// `[photographs]`: labelled pictures that a part of each batch is taken from.
    pub photographs: PhotographConfig,
    /// `[checkpoint]`.
    pub checkpoint: CheckpointConfig,
    /// `[exam]`: how the network is judged on the way.
    pub exam: ExamConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// `[debug]`.
    pub debug: DebugConfig,
}

/// `[checkpoint]`: when to write one, and how many to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Steps from one checkpoint to the next.
    pub every: u64,
    /// How many of the latest are kept.
    pub keep: usize,
}

/// `[exam]`: how the network is judged. All exams are taken before the first step and after the
/// last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExamConfig {
    /// Images per exam; 0 for no exams.
    pub images: usize,
    /// Steps from one time to the next.
    pub every: u64,
    /// The exams taken on the way.
    pub during: Vec<String>,
    /// The exam that decides which checkpoint is the best, by PCK@0.2 torso.
    pub best: String,
}

impl ExamConfig {
    /// The exams taken on the way, with the one that decides among them.
    ///
    /// # Errors
    /// If one has no such name.
    pub fn during_exams(&self) -> Result<Vec<Exam>, ExamError> {
        let mut exams =
            self.during.iter().map(|name| Exam::by_name(name)).collect::<Result<Vec<_>, _>>()?;
        let decides = Exam::by_name(&self.best)?;
        if !exams.contains(&decides) {
            exams.push(decides);
        }
        Ok(exams)
    }
}

/// `[log]`: how often to write a line of metrics, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Steps from one line to the next.
    pub every: u64,
    /// Whether the same is written for TensorBoard, with distributions and pictures.
    pub tensorboard: bool,
}

/// `[debug]`: for tests of the program itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DebugConfig {
    /// Random sleeps of up to this many milliseconds on either side of the channel, to show that
    /// timing changes nothing.
    pub jitter_ms: u64,
    /// Steps after which the trainer fails, to show what a failure looks like; 0 for never.
    pub fail_after_step: u64,
}

impl Default for RunConfig {
    fn default() -> Self {
        RunConfig {
            seed: 1,
            steps: 1800,
            batch: 32,
            model: "nano".to_owned(),
            device: "auto".to_owned(),
            tf32: false,
            threads: 0,
            lag: 3,
            loss: "cross_entropy".to_owned(),
            flips: Flips::Random,
            init: String::new(),
            optimizer: OptimizerConfig::default(),
            afl: AflConfig::default(),
            curriculum: CurriculumConfig::default(),
            focus: FocusConfig::default(),
            photographs: PhotographConfig::default(),
            checkpoint: CheckpointConfig::default(),
            exam: ExamConfig::default(),
            log: LogConfig::default(),
            debug: DebugConfig::default(),
        }
    }
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        CheckpointConfig { every: 500, keep: 3 }
    }
}

impl Default for ExamConfig {
    fn default() -> Self {
        let during = ["standard", "easy", "hard"].map(str::to_owned).to_vec();
        ExamConfig { images: 256, every: 300, during, best: "standard".to_owned() }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { every: 10, tensorboard: true }
    }
}

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its dotted key, such as `optimizer.learning_rate`.
    pub key: String,
    /// What was found and what would do.
    pub message: String,
}

/// All settings that are wrong, one per line of its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// At least one.
    pub faults: Vec<Fault>,
}

impl ConfigError {
    pub(super) fn one(key: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError { faults: vec![Fault { key: key.into(), message: message.into() }] }
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Fault { key, message }) in self.faults.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{key}: {message}")?;
        }
        Ok(())
    }
}

impl RunConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// All that are out of range, with their keys, what was found and what would do.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, key: &str, found: &dyn Display, expected: &str| {
            if !fine {
                faults.push(Fault {
                    key: key.to_owned(),
                    message: format!("found {found}, expected {expected}"),
                });
            }
        };
        check(i64::try_from(self.seed).is_ok(), "seed", &self.seed, "at most 9223372036854775807");
        check((1..=1_000_000_000).contains(&self.steps), "steps", &self.steps, "1 to 1000000000");
        check((1..=4096).contains(&self.batch), "batch", &self.batch, "1 to 4096 samples");
        let (networks, losses) = (NETWORKS.join(", "), BASE_LOSSES);
        check(
            NETWORKS.contains(&self.model.as_str()),
            "model",
            &quoted(&self.model),
            &format!("one of {networks}"),
        );
        check(
            is_device_name(&self.device),
            "device",
            &quoted(&self.device),
            "auto, cpu, cuda:N or metal",
        );
        check(self.threads <= 4096, "threads", &self.threads, "0 (all cores) to 4096");
        check(
            (1..=lag::MOST).contains(&self.lag) || self.lag == lag::AUTO,
            "lag",
            &self.lag,
            "1 to 64 batches (2 or more is recommended) or auto",
        );
        let known_losses = format!("one of {}", losses.join(", "));
        check(losses.contains(&self.loss.as_str()), "loss", &quoted(&self.loss), &known_losses);
        let o = self.optimizer;
        let mut number = |fine: bool, key: &str, found: f64, expected: &str| {
            check(fine, &format!("optimizer.{key}"), &found, expected);
        };
        let rate = o.learning_rate > 0.0 && o.learning_rate <= 10.0;
        number(rate, "learning_rate", o.learning_rate, "above 0, at most 10");
        number(
            (0.0..=1.0).contains(&o.final_rate),
            "final_rate",
            o.final_rate,
            "a share of learning_rate, 0 to 1",
        );
        number((0.0..=1.0).contains(&o.warmup), "warmup", o.warmup, "a share of all steps, 0 to 1");
        let rate = (0.0..=1.0).contains(&o.matrix_rate);
        number(rate, "matrix_rate", o.matrix_rate, "0 (AdamW trains all) to 1");
        let momentum = (0.0..1.0).contains(&o.matrix_momentum);
        number(momentum, "matrix_momentum", o.matrix_momentum, "at least 0, below 1");
        number((0.0..=1.0).contains(&o.weight_decay), "weight_decay", o.weight_decay, "0 to 1");
        number((0.0..1.0).contains(&o.beta1), "beta1", o.beta1, "at least 0, below 1");
        number((0.0..1.0).contains(&o.beta2), "beta2", o.beta2, "at least 0, below 1");
        number(o.epsilon > 0.0 && o.epsilon <= 1.0, "epsilon", o.epsilon, "above 0, at most 1");
        number(
            o.clip_norm > 0.0 && o.clip_norm <= 1e9,
            "clip_norm",
            o.clip_norm,
            "above 0, at most 1e9",
        );
        let CheckpointConfig { every, keep } = self.checkpoint;
        check(
            every >= 1 && every <= i64::MAX as u64,
            "checkpoint.every",
            &every,
            "at least 1 step",
        );
        check(
            (1..=1_000_000).contains(&keep),
            "checkpoint.keep",
            &keep,
            "1 to 1000000 checkpoints",
        );
        check(
            self.exam.images <= 100_000,
            "exam.images",
            &self.exam.images,
            "0 (no exams) to 100000",
        );
        let every = self.exam.every;
        check(every >= 1 && every <= i64::MAX as u64, "exam.every", &every, "at least 1 step");
        let exams = Exam::all().into_iter().map(Exam::name).collect::<Vec<_>>().join(", ");
        for (key, name) in self
            .exam
            .during
            .iter()
            .map(|name| ("exam.during", name))
            .chain([("exam.best", &self.exam.best)])
        {
            check(Exam::by_name(name).is_ok(), key, &quoted(name), &format!("one of {exams}"));
        }
        let every = self.log.every;
        check(every >= 1 && every <= i64::MAX as u64, "log.every", &every, "at least 1 step");
        let jitter = self.debug.jitter_ms;
        check(jitter <= 10_000, "debug.jitter_ms", &jitter, "0 to 10000 milliseconds");
        let fail = self.debug.fail_after_step;
        check(fail <= i64::MAX as u64, "debug.fail_after_step", &fail, "0 (never) or a step");
        // The loss' own check does not repeat what it found.
        let afl = toml::Table::try_from(&self.afl).unwrap_or_default();
        faults.extend(self.afl.validate().into_iter().map(|(key, message)| {
            let found =
                afl.get(&key).map(|value| format!("found {value}; it ")).unwrap_or_default();
            Fault { key: format!("afl.{key}"), message: format!("{found}{message}") }
        }));
        for (table, wrong) in [
            ("curriculum", self.curriculum.validate()),
            ("focus", self.focus.validate()),
            ("photographs", self.photographs.validate()),
        ] {
            let named = |(key, message)| Fault { key: format!("{table}.{key}"), message };
            faults.extend(wrong.into_iter().map(named));
        }
        if self.photographs.share > 0.0 && self.batch < 2 {
            let message = format!("found {}, and photographs need a batch of 2", self.batch);
            faults.push(Fault { key: "batch".to_owned(), message });
        }
        if faults.is_empty() { Ok(()) } else { Err(ConfigError { faults }) }
    }

    /// The text of a configuration file with every setting in it.
    ///
    /// # Errors
    /// If a setting is wrong, as [`Self::validate`].
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        self.validate()?;
        toml::to_string(self).map_err(|error| ConfigError::one("config", error.to_string()))
    }

    /// Reads and checks the configuration file at `path`. Settings that older versions had are left
    /// out.
    ///
    /// # Errors
    /// Whatever is wrong, with the file, the line where there is one to name, what was found and
    /// what would do.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        Ok(Self::read(path)?.0)
    }

    /// As [`Self::load`], for whoever trains by it: what it comes to must be what the file says.
    ///
    /// # Errors
    /// As [`Self::load`], and where the file has a setting that is no more, with what replaces it.
    pub fn load_to_go_on(path: &Path) -> Result<Self, FileError> {
        match Self::read(path)? {
            (_, Some(removed)) => Err(removed),
            (config, None) => Ok(config),
        }
    }

    fn read(path: &Path) -> Result<(Self, Option<FileError>), FileError> {
        let file = TomlFile::read(path)?;
        let fail = |error: toml::de::Error| file.error(error.span(), error.message());
        let mut table = DeTable::parse(&file.text).map_err(fail)?;
        let removed = removed_keys::remove(table.get_mut(), &file);
        old_flips::replace(table.get_mut(), &file, RunConfig::default().flips)?;
        let config = RunConfig::deserialize(Deserializer::from(table)).map_err(fail)?;
        config.validate().map_err(|error| {
            let line = error.faults.first().and_then(|fault| file.line_of(&fault.key));
            FileError { line, ..file.error(None, error.to_string()) }
        })?;
        Ok((config, removed))
    }
}

/// Whether `name` has the form of a device's name: "auto", "cpu", "cuda:N" or "metal". Whether this
/// build and this machine have it is another matter.
pub fn is_device_name(name: &str) -> bool {
    let ordinal =
        |n: &str| !n.is_empty() && n.len() <= 3 && n.bytes().all(|byte| byte.is_ascii_digit());
    matches!(name, "auto" | "cpu" | "metal") || name.strip_prefix("cuda:").is_some_and(ordinal)
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_survive_a_file() {
        let config = RunConfig { seed: i64::MAX as u64, ..RunConfig::default() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, config.to_toml().unwrap()).unwrap();
        assert_eq!(RunConfig::load(&path).unwrap(), config);
        std::fs::write(&path, "").unwrap();
        assert_eq!(RunConfig::load(&path).unwrap(), RunConfig::default());
    }

    #[test]
    fn every_fault_is_named_with_its_key() {
        let mut config =
            RunConfig { lag: 0, model: "nono".to_owned(), seed: u64::MAX, ..RunConfig::default() };
        config.optimizer.learning_rate = f64::NAN;
        config.afl.gamma = -9.0;
        config.curriculum.bins = 3;
        let text = config.validate().unwrap_err().to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert_eq!(lines[1], "model: found \"nono\", expected one of nano, small, base");
        assert_eq!(lines[3], "optimizer.learning_rate: found NaN, expected above 0, at most 10");
        assert_eq!(lines[4], "afl.gamma: found -9.0; it must be a power from -8 to 8");
        assert_eq!(lines[5], "curriculum.bins: found 3, expected 5 to 8");
    }

    #[test]
    fn device_names() {
        assert!(["auto", "cpu", "metal", "cuda:0", "cuda:12"].into_iter().all(is_device_name));
        assert!(
            !["", "gpu", "cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:+1"]
                .into_iter()
                .any(is_device_name)
        );
    }
}
