//! The keys `flip` and `mirror` of older configurations. They are one key today, `flips`, but files
//! and command lines with the old ones are still read.

use marionette_base::toml_file::{FileError, TomlFile};
use marionette_train::trainer::Flips;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The key that replaced the old ones.
pub(super) const NEW_KEY: &str = "flips";

const OLD_KEYS: [&str; 2] = ["flip", "mirror"];

/// Whether `key` is one of the old keys.
pub(super) fn is_old(key: &str) -> bool {
    OLD_KEYS.contains(&key)
}

/// What to say where `flips` and the old key `key` are given together.
pub(super) fn given_with(key: &str) -> String {
    format!("is given together with the older key {key}; give {NEW_KEY} alone")
}

/// The values of the old keys, as far as they are given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OldFlips {
    flip: Option<bool>,
    mirror: Option<bool>,
}

impl OldFlips {
    /// Sets the old key `key`; the last value of a key counts.
    pub fn set(&mut self, key: &str, value: bool) {
        *(if key == "mirror" { &mut self.mirror } else { &mut self.flip }) = Some(value);
    }

    /// The name of an old key that is given.
    pub fn given(&self) -> Option<&'static str> {
        let given = [self.flip, self.mirror].map(|value| value.is_some());
        OLD_KEYS.into_iter().zip(given).find_map(|(key, given)| given.then_some(key))
    }

    /// What becomes of `flips`: `mirror = true` wins over `flip`, and a key that is not given
    /// changes nothing.
    pub fn applied_to(&self, flips: Flips) -> Flips {
        let flip = self.flip.unwrap_or(flips != Flips::None);
        match self.mirror.unwrap_or(flips == Flips::Both) {
            true => Flips::Both,
            false if flip => Flips::Random,
            false => Flips::None,
        }
    }
}

/// Puts `flips` in the place of the old keys at the top of `file`, whose content is `table`.
/// `default` is the value for a file that gives none.
///
/// # Errors
/// Where an old key is neither true nor false, or `flips` is given as well; with the line.
pub(super) fn replace(
    table: &mut DeTable<'_>,
    file: &TomlFile,
    default: Flips,
) -> Result<(), FileError> {
    let mut old = OldFlips::default();
    let mut place = None;
    for key in OLD_KEYS {
        let Some((name, value)) = table.remove_entry(key) else { continue };
        let span = name.span();
        let DeValue::Boolean(given) = value.get_ref() else {
            let found = &file.text[value.span()];
            let message = format!("{key}: found {found}, expected true or false");
            return Err(file.error(Some(span), message));
        };
        if table.contains_key(NEW_KEY) {
            return Err(file.error(Some(span), format!("{NEW_KEY}: {}", given_with(key))));
        }
        old.set(key, *given);
        place = Some(span);
    }
    if let Some(span) = place {
        let value = DeValue::String(old.applied_to(default).name().into());
        table.insert(Spanned::new(span.clone(), NEW_KEY.into()), Spanned::new(span, value));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::RunConfig;
    use marionette_train::trainer::Flips;

    fn load(text: &str) -> Result<Flips, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let error = |error: marionette_base::toml_file::FileError| {
            error.to_string().replace(&format!("{}:", path.display()), "")
        };
        RunConfig::load(&path).map(|config| config.flips).map_err(error)
    }

    #[test]
    fn files_with_the_old_keys_are_read() {
        for (text, flips) in [
            ("", Flips::Random),
            ("flip = true\nmirror = false\n", Flips::Random),
            ("flip = false\nmirror = false\n", Flips::None),
            ("flip = true\nmirror = true\n", Flips::Both),
            ("mirror = true\nflip = false\n", Flips::Both),
            ("flip = false\n", Flips::None),
            ("\"mirror\" = true # each\n[afl]\n", Flips::Both),
            ("mirror = false\n", Flips::Random),
            ("flips = \"none\"\n", Flips::None),
            ("flips = \"random\"\n", Flips::Random),
            ("flips = \"both\"\n", Flips::Both),
        ] {
            assert_eq!(load(text), Ok(flips), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named_with_its_line() {
        for (text, message) in [
            (
                "flips = \"none\"\nsteps = 9\nmirror = true\n",
                "3: flips: is given together with the older key mirror; give flips alone",
            ),
            (
                "flip = true\nflips = \"none\"\n",
                "1: flips: is given together with the older key flip; give flips alone",
            ),
            ("steps = 9\nflip = 3\n", "2: flip: found 3, expected true or false"),
            ("mirror = \"yes\"\n", "1: mirror: found \"yes\", expected true or false"),
            (
                "steps = 9\nflips = \"all\"\n",
                "2: unknown variant `all`, expected one of `none`, `random`, `both`",
            ),
            ("[log]\nflip = true\n", "2: unknown field `flip`, expected `every` or `tensorboard`"),
        ] {
            assert_eq!(load(text), Err(message.to_owned()), "{text}");
        }
        // Other faults keep their lines beside an old key.
        let message = load("mirror = true\n\nstepps = 3\n").unwrap_err();
        assert!(message.starts_with("3: unknown field `stepps`"), "{message}");
        let message = load("mirror = true\nsteps = 0\n").unwrap_err();
        assert!(message.starts_with("2: steps: found 0"), "{message}");
    }

    #[test]
    fn a_new_file_holds_the_new_key_alone() {
        let text = RunConfig { flips: Flips::Both, ..RunConfig::default() }.to_toml().unwrap();
        assert!(text.contains("flips = \"both\"\n"), "{text}");
        assert!(!text.contains("flip =") && !text.contains("mirror"), "{text}");
    }
}
