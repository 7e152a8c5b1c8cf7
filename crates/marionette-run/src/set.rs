//! Settings from the command line: `--set key=value`.

use super::{
    ConfigError, RunConfig,
    old_flips::{NEW_KEY, OldFlips, given_with, is_old},
    removed_keys,
};
use strsim::levenshtein;
use toml::{Table, Value};

/// What may change when a run is continued; a name that ends in a dot stands for all of its table.
const FREE: [&str; 9] = [
    "steps",
    "threads",
    "device",
    "tf32",
    "checkpoint.",
    "exam.every",
    "exam.during",
    "log.",
    "debug.",
];

impl RunConfig {
    /// The defaults with `overrides`, each `key=value` with a dotted key.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn with_overrides(overrides: &[String]) -> Result<Self, ConfigError> {
        Self::default().apply(overrides)
    }

    /// This configuration with `overrides`, each `key=value` with a dotted key and a TOML value;
    /// text needs no quotes. Later ones win. The older keys `flip` and `mirror` set `flips`, and
    /// `mirror=true` wins over `flip` in any order.
    ///
    /// # Errors
    /// An override that is not `key=value`, has an unknown key or a value of the wrong type, or a
    /// result that is out of range, with its key, what was found and what would do.
    pub fn apply(&self, overrides: &[String]) -> Result<Self, ConfigError> {
        let mut config = self.clone();
        let (mut old, mut new) = (OldFlips::default(), false);
        for written in overrides {
            let Some((key, text)) = written.split_once('=') else {
                return Err(ConfigError::one(written, "no value; write key=value"));
            };
            let (key, text) = (key.trim(), text.trim());
            if is_old(key) {
                let value = typed(&Value::Boolean(true), text);
                let value = value.map_err(|message| ConfigError::one(key, message))?;
                old.set(key, value == Value::Boolean(true));
            } else {
                config = config.set(key, text)?;
                new |= key == NEW_KEY;
            }
        }
        if let (true, Some(key)) = (new, old.given()) {
            return Err(ConfigError::one(NEW_KEY, given_with(key)));
        }
        config.flips = old.applied_to(config.flips);
        config.validate()?;
        Ok(config)
    }

    /// This configuration with `overrides`, to continue a run that was begun with it.
    ///
    /// # Errors
    /// As [`Self::apply`], and if more than [`Self::locked_changes`] allows has changed.
    pub fn continued(&self, overrides: &[String]) -> Result<Self, ConfigError> {
        let config = self.apply(overrides)?;
        match self.locked_changes(&config)?.first() {
            None => Ok(config),
            Some(key) => Err(ConfigError::one(
                key,
                "cannot change in a run that has begun, as its result would not be what its files \
                 say; steps, threads, device, tf32, checkpoint.*, exam.every, exam.during, log.* \
                 and debug.* can; for anything else begin another --run",
            )),
        }
    }

    /// The dotted keys that differ in `new` and may not differ in a run that has begun.
    ///
    /// # Errors
    /// If a setting does not fit into TOML; valid ones do.
    pub fn locked_changes(&self, new: &RunConfig) -> Result<Vec<String>, ConfigError> {
        let free = |key: &str| {
            FREE.iter().any(|name| key == *name || (name.ends_with('.') && key.starts_with(name)))
        };
        let (old, new) = (leaves(&self.table()?), leaves(&new.table()?));
        let changed = old.into_iter().zip(new).filter(|(old, new)| old != new);
        Ok(changed.map(|((key, _), _)| key).filter(|key| !free(key)).collect())
    }

    fn table(&self) -> Result<Table, ConfigError> {
        Table::try_from(self).map_err(|error| ConfigError::one("config", error.to_string()))
    }

    fn set(&self, key: &str, text: &str) -> Result<Self, ConfigError> {
        let mut table = self.table()?;
        place(&mut table, key, text).map_err(|mut message| {
            if let Some(advice) = removed_keys::advice(key) {
                return ConfigError::one(key, advice);
            }
            let known = leaves(&table);
            if let Some(closest) = closest(key, known.iter().map(|(name, _)| name.as_str())) {
                message += &format!("; did you mean {closest}?");
            }
            ConfigError::one(key, message)
        })?;
        // One at a time, so that what does not fit can be put down to this key.
        table.try_into().map_err(|error: toml::de::Error| {
            ConfigError::one(key, format!("{text}: {}", error.message()))
        })
    }
}

/// Puts the value that `text` stands for in `key`'s place; otherwise says why not.
fn place(table: &mut Table, key: &str, text: &str) -> Result<(), String> {
    if let Some((head, rest)) = key.split_once('.')
        && let Some(Value::Table(inner)) = table.get_mut(head)
    {
        return place(inner, rest, text);
    }
    let beside = names(table);
    match table.get_mut(key) {
        None => Err(format!("unknown key \"{key}\"; there are {beside}")),
        Some(Value::Table(inner)) => {
            Err(format!("is a table; set one of its keys: {}", names(inner)))
        }
        Some(old) => {
            *old = typed(old, text)?;
            Ok(())
        }
    }
}

/// The value that `text` stands for, if it is of `old`'s type.
fn typed(old: &Value, text: &str) -> Result<Value, String> {
    let value = text.parse().unwrap_or_else(|_| Value::String(text.to_owned()));
    match (old, value) {
        // "1" may well be meant as a name.
        (Value::String(_), value) if !value.is_str() => Ok(Value::String(text.to_owned())),
        (Value::Float(_), Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
        // Some numbers may be left to the machine. The others are refused as they are read.
        (Value::Integer(_), Value::String(word)) if word == "auto" => Ok(Value::String(word)),
        (old, value) if old.same_type(&value) => Ok(value),
        (old, _) if text.is_empty() => Err(format!("found nothing, expected {}", kind(old))),
        (old, value) => Err(format!("found {text} ({}), expected {}", kind(&value), kind(old))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list in [ ]",
        Value::Table(_) => "a table",
    }
}

fn names(table: &Table) -> String {
    table.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Every setting with its dotted key.
pub(super) fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                all.extend(
                    leaves(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)),
                );
            }
            _ => all.push((key.clone(), value.clone())),
        }
    }
    all
}

/// The known key that `key` may have been meant for: a few letters off, or without its table.
fn closest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    let off = |name: &'a str| levenshtein(key, name).min(1 + levenshtein(key, last(name)));
    known
        .map(|name| (off(name), name))
        .min()
        .filter(|(off, _)| *off > 0 && *off <= 1 + key.len() / 5)
        .map(|(_, n)| n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_train::{afl::Mode, trainer::Flips};

    fn set(overrides: &[&str]) -> Result<RunConfig, ConfigError> {
        RunConfig::with_overrides(
            &overrides.iter().map(|&text| text.to_owned()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn overrides_reach_every_kind_of_setting() {
        let config = set(&[
            "steps = 20",
            "afl.mode=paper",
            "afl.hidden=[16]",
            "optimizer.clip_norm=2",
            "device=cuda:0",
            "loss=\"smooth_l1\"",
            "flips=none",
            "curriculum.mix.uniform=0.25",
            "curriculum.mix.steered=0.75",
            "steps=30",
        ])
        .unwrap();
        assert_eq!((config.steps, config.afl.mode, config.flips), (30, Mode::Paper, Flips::None));
        assert_eq!((config.afl.hidden, config.optimizer.clip_norm), (vec![16], 2.0));
        assert_eq!((config.device.as_str(), config.loss.as_str()), ("cuda:0", "smooth_l1"));
        assert_eq!((config.curriculum.mix.uniform, config.seed), (0.25, 1));
    }

    #[test]
    fn a_begun_run_may_change_only_what_does_not_change_its_meaning() {
        let old = RunConfig::default();
        let free = [
            "steps=9",
            "threads=2",
            "checkpoint.every=5",
            "log.every=1",
            "debug.jitter_ms=3",
            "seed=1",
        ];
        let new = old.continued(&free.map(str::to_owned)).unwrap();
        assert_eq!((new.steps, new.checkpoint.every), (9, 5));
        let locked = ["seed=2", "afl.gamma=2", "steps=9"].map(str::to_owned);
        assert_eq!(
            old.locked_changes(&old.apply(&locked).unwrap()).unwrap(),
            ["afl.gamma", "seed"]
        );
        let message = old.continued(&locked).unwrap_err().to_string();
        assert!(message.starts_with("afl.gamma: cannot change"), "{message}");
    }

    #[test]
    fn the_old_keys_set_the_new_one() {
        for (overrides, flips) in [
            (&[][..], Flips::Random),
            (&["flip=false"], Flips::None),
            (&["flip=true"], Flips::Random),
            (&["mirror=true"], Flips::Both),
            (&["mirror=true", "flip=false"], Flips::Both),
            (&["flip=false", "mirror=true"], Flips::Both),
            (&["mirror=true", "mirror=false"], Flips::Random),
            (&["flip=false", "mirror=false"], Flips::None),
            (&["flips=both"], Flips::Both),
            (&["flips=\"none\""], Flips::None),
        ] {
            assert_eq!(set(overrides).unwrap().flips, flips, "{overrides:?}");
        }
        let both = RunConfig { flips: Flips::Both, ..RunConfig::default() };
        for (text, flips) in [
            ("flip=false", Flips::Both),
            ("mirror=false", Flips::Random),
            ("flips=none", Flips::None),
        ] {
            assert_eq!(both.apply(&[text.to_owned()]).unwrap().flips, flips, "{text}");
        }
    }

    #[test]
    fn old_and_new_keys_together_or_with_a_wrong_value_are_refused() {
        for (overrides, message) in [
            (
                &["flips=none", "flip=false"][..],
                "flips: is given together with the older key flip; give flips alone",
            ),
            (
                &["mirror=true", "flips=both"],
                "flips: is given together with the older key mirror; give flips alone",
            ),
            (&["mirror=3"], "mirror: found 3 (a whole number), expected true or false"),
            (&["flip="], "flip: found nothing, expected true or false"),
            (
                &["flips=true"],
                "flips: true: unknown variant `true`, expected one of `none`, `random`, `both`",
            ),
        ] {
            assert_eq!(set(overrides).unwrap_err().to_string().trim_end(), message);
        }
    }

    #[test]
    fn a_run_with_the_old_keys_continues() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let text = RunConfig::default().to_toml().unwrap();
        let old = text.replace("flips = \"random\"", "flip = true\nmirror = true");
        assert_ne!(text, old);
        std::fs::write(&path, old).unwrap();
        let begun = RunConfig::load(&path).unwrap();
        for same in [&[][..], &["mirror=true"], &["flips=both"], &["flip=false"]] {
            let overrides: Vec<_> = same.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(begun.continued(&overrides).unwrap(), begun, "{same:?}");
        }
        let message = begun.continued(&["mirror=false".to_owned()]).unwrap_err().to_string();
        assert!(message.starts_with("flips: cannot change"), "{message}");
    }

    #[test]
    fn the_closest_key_is_a_few_letters_off_or_stands_in_a_table() {
        let known = ["batch", "optimizer.clip_norm", "step_size", "steps"];
        for (key, meant) in [
            ("stepps", Some("steps")),
            ("clip_norm", Some("optimizer.clip_norm")),
            ("optimizer.clipnorm", Some("optimizer.clip_norm")),
            ("btahc", None),
            ("steps", None),
            ("resolution", None),
        ] {
            assert_eq!(closest(key, known.into_iter()), meant, "{key}");
        }
    }
}
