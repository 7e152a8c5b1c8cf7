//! Settings that older versions had. A file or a command line that gives one is told what has become
//! of it.

use marionette_base::toml_file::{FileError, TomlFile};
use toml::de::{DeTable, DeValue};

const TEMPERED: &str = "nothing is tempered any more: curriculum.frontier.pace says how much later what \
                        is hard opens; delete it";
const HARDEST: &str = "the hardest bins are no longer drawn more often, as that taught less: samples \
                       widen up to a frontier (curriculum.frontier); delete it";
const EDGE: &str = "a frontier no longer asks for its edge: it moves by each axis' effect, within \
                    curriculum.frontier.pace; delete it";

/// The keys, and what to do instead.
const REMOVED: [(&str, &str); 17] = [
    (
        "curriculum.replay",
        "samples are no longer replayed, as that taught less; delete it, and give mix.replay's \
         share to mix.steered",
    ),
    (
        "curriculum.mix.replay",
        "samples are no longer replayed, as that taught less; delete it, and give its share to \
         mix.steered",
    ),
    ("curriculum.band_low", TEMPERED),
    ("curriculum.band_high", TEMPERED),
    (
        "curriculum.unlearnable_after",
        "no bin is given up any more, as no bin is drawn for being hard; delete it",
    ),
    ("curriculum.eta", HARDEST),
    ("curriculum.inertia", HARDEST),
    ("curriculum.floor", HARDEST),
    ("curriculum.cap", HARDEST),
    ("curriculum.max_kl", HARDEST),
    ("curriculum.frontier.lean", EDGE),
    ("curriculum.frontier.edge", EDGE),
    ("curriculum.frontier.edge_width", EDGE),
    ("curriculum.frontier.probe", EDGE),
    ("curriculum.frontier.growth", EDGE),
    ("curriculum.frontier.rest_above", EDGE),
    ("curriculum.frontier.fall_above", EDGE),
];

/// What to say of `key` if it, or the table it lies in, was removed.
pub(super) fn advice(key: &str) -> Option<&'static str> {
    let within = |removed: &str| {
        key.strip_prefix(removed).is_some_and(|r| r.is_empty() || r.starts_with('.'))
    };
    REMOVED.iter().find(|(removed, _)| within(removed)).map(|(_, advice)| *advice)
}

/// Takes the keys of older versions out of `table`, the content of `file`: runs of those versions
/// can still be looked at and used. Returns the first with its line and what replaces it, as whoever
/// wants to go on with such a run is told.
pub(super) fn remove(table: &mut DeTable<'_>, file: &TomlFile) -> Option<FileError> {
    let mut first = None;
    for (key, advice) in REMOVED {
        let (folders, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut within = Some(&mut *table);
        for folder in folders.split('.').filter(|folder| !folder.is_empty()) {
            within = within.and_then(|table| match table.get_mut(folder)?.get_mut() {
                DeValue::Table(inner) => Some(inner),
                _ => None,
            });
        }
        if let Some((found, _)) = within.and_then(|table| table.remove_entry(name)) {
            first.get_or_insert(file.error(Some(found.span()), format!("{key}: {advice}")));
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use crate::RunConfig;

    #[test]
    fn keys_of_older_versions_are_named_with_their_line_and_what_replaces_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        for (text, line, key) in [
            ("steps = 9\n[curriculum.replay]\nsize = 3\n", 2, "curriculum.replay"),
            ("[curriculum]\nband_low = 1.5\n", 2, "curriculum.band_low"),
            (
                "[curriculum.mix]\nreplay = 0.0\nuniform = 0.05\nsteered = 0.95\n",
                2,
                "curriculum.mix.replay",
            ),
            ("curriculum = { unlearnable_after = 3 }\n", 1, "curriculum.unlearnable_after"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(RunConfig::load(&path).unwrap(), {
                let steps = if text.starts_with("steps") { 9 } else { 1800 };
                RunConfig { steps, ..RunConfig::default() }
            });
            let message = RunConfig::load_to_go_on(&path).unwrap_err().to_string();
            let wanted = format!("config.toml:{line}: {key}: ");
            assert!(message.contains(&wanted) && message.contains("delete it"), "{message}");
        }
        for set in ["curriculum.replay.size=3", "curriculum.band_high=2"] {
            let message = RunConfig::with_overrides(&[set.to_owned()]).unwrap_err().to_string();
            assert!(message.contains("delete it"), "{message}");
        }
    }
}
