//! The settings: what differs between runs, or from the defaults, first.

use super::{RunFiles, files::flat};
use crate::{
    RunConfig,
    page::{
        escaped, paragraph,
        table::{Cell, Table},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// The section's content.
pub fn html(runs: &[RunFiles]) -> String {
    let defaults = defaults();
    let (columns, about, none): (Vec<(&str, &BTreeMap<String, String>)>, _, _) = match runs {
        [only] => (
            vec![("this run", &only.settings), ("default", &defaults)],
            "Settings that are not the defaults:",
            "All settings are the defaults.",
        ),
        several => (
            several.iter().map(|run| (run.name.as_str(), &run.settings)).collect(),
            "Settings that differ:",
            "All runs have the same settings.",
        ),
    };
    let keys: BTreeSet<&String> =
        columns.iter().flat_map(|(_, settings)| settings.keys()).collect();
    let (differing, same): (Vec<&String>, Vec<&String>) = keys.into_iter().partition(|key| {
        let values: BTreeSet<_> = columns.iter().map(|(_, settings)| settings.get(*key)).collect();
        values.len() > 1
    });
    let scenes = match runs {
        [only] => paragraph(&format!("Scene: {}.", only.scene)),
        several => {
            let named: Vec<String> =
                several.iter().map(|run| format!("{} in {}", run.scene, run.name)).collect();
            let differ = several.iter().any(|run| run.scene != several[0].scene);
            paragraph(&if differ {
                format!("Scenes differ: {}.", named.join(", "))
            } else {
                format!("All runs are of the scene {}.", several[0].scene)
            })
        }
    };
    let first = match &differing[..] {
        [] => paragraph(none),
        keys => paragraph(about) + &table("Settings that differ", keys, &columns),
    };
    let rest = match &same[..] {
        [] => String::new(),
        keys => format!(
            "<details><summary>{} more settings</summary>\n{}</details>\n",
            keys.len(),
            table("Settings that are the same", keys, &columns[..1])
        ),
    };
    scenes + &first + &rest
}

/// All settings of a run of which none is given.
fn defaults() -> BTreeMap<String, String> {
    let text = RunConfig::default().to_toml().unwrap_or_default();
    toml::from_str(&text).map(|table| flat(&table)).unwrap_or_default()
}

fn table(label: &str, keys: &[&String], columns: &[(&str, &BTreeMap<String, String>)]) -> String {
    let head = ["key"].into_iter().chain(columns.iter().map(|(name, _)| *name));
    let cell = |value: Option<&String>| Cell::text(value.map_or("\u{2013}", String::as_str));
    let row = |key: &&String| {
        let cells = columns.iter().map(|(_, settings)| cell(settings.get(*key)));
        // It breaks at its dots, where there is no room.
        let key = escaped(key).replace('.', ".<wbr/>");
        (format!("<code>{key}</code>"), cells.collect())
    };
    let head = head.map(str::to_owned).collect();
    Table { label, head, rows: keys.iter().map(row).collect(), heat: false }.html()
}
