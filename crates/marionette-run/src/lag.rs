//! The pipeline's depth where the machine decides on it.

use super::resources::threads;
use marionette_render::generator::batches_at_once;
use serde::{Deserializer, Serializer, de};
use std::fmt;

/// What [`RunConfig::lag`](super::RunConfig::lag) is for `"auto"`.
pub(super) const AUTO: usize = usize::MAX;
/// The greatest depth.
pub(super) const MOST: usize = 64;

/// `lag`, or where that is "auto" the depth that keeps `wanted_threads` (0 for one per core) busy
/// with batches of `batch` samples.
pub fn resolved_lag(lag: usize, batch: usize, wanted_threads: usize) -> usize {
    if lag != AUTO {
        return lag;
    }
    batches_at_once(threads(wanted_threads), batch).min(MOST)
}

pub(super) fn serialize<S: Serializer>(lag: &usize, to: S) -> Result<S::Ok, S::Error> {
    if *lag == AUTO { to.serialize_str("auto") } else { to.serialize_u64(*lag as u64) }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    from.deserialize_any(Lag)
}

struct Lag;

impl de::Visitor<'_> for Lag {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number of batches or \"auto\"")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<usize, E> {
        // Numbers out of range are told with all other faults.
        Ok(usize::try_from(number).unwrap_or(0).min(AUTO - 1))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<usize, E> {
        Ok(usize::try_from(number).unwrap_or(AUTO).min(AUTO - 1))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<usize, E> {
        // A setting that was text stays text where it is set anew.
        let number = || text.parse().ok().filter(|number| *number != AUTO);
        let refused = || E::invalid_value(de::Unexpected::Str(text), &self);
        if text == "auto" { Ok(AUTO) } else { number().ok_or_else(refused) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunConfig;

    #[test]
    fn auto_keeps_every_thread_busy() {
        assert_eq!(resolved_lag(5, 32, 16), 5);
        assert_eq!([2, 8, 16, 64].map(|threads| resolved_lag(AUTO, 32, threads)), [3, 3, 6, 24]);
        assert_eq!(resolved_lag(AUTO, 1, 64), 64);
    }

    #[test]
    fn auto_survives_a_file_and_other_words_are_refused() {
        let read = |value: &str| RunConfig::with_overrides(&[format!("lag={value}")]);
        let auto = read("auto").unwrap();
        assert_eq!(auto.lag, AUTO);
        assert!(auto.to_toml().unwrap().contains("lag = \"auto\""));
        assert_eq!(read("7").unwrap().lag, 7);
        assert_eq!(auto.continued(&["steps=9".to_owned()]).unwrap().lag, AUTO);
        let both = ["lag=auto", "lag=7"].map(str::to_owned);
        assert_eq!(RunConfig::with_overrides(&both).unwrap().lag, 7);
        let steps = RunConfig::with_overrides(&["steps=auto".to_owned()]).unwrap_err().to_string();
        assert!(steps.contains("steps") && steps.contains("auto"), "{steps}");
        for (value, part) in [
            ("some", "found some (text), expected a whole number"),
            ("0", "found 0, expected 1 to 64 batches"),
            ("65", "found 65, expected 1 to 64 batches"),
            ("-1", "found 0, expected 1 to 64 batches"),
        ] {
            let message = read(value).unwrap_err().to_string();
            assert!(message.contains("lag") && message.contains(part), "{value}: {message}");
        }
    }
}
