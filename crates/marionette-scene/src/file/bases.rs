//! Scenes that rest on other scenes.

use super::{SceneError, SceneFile, complaints, embedded, embedded_scenes};
use crate::motion::absolute_motions;
use glob::Pattern;
use marionette_base::{atomic_file::folder_of, toml_file::TomlFile};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// How many scenes may be based on one another.
const MOST_BASES: usize = 8;

/// A scene file together with its bases.
pub(super) struct Merged {
    /// The scene file with all values from its base, and from the base's base, written out, so that
    /// a run's copy of it needs no other scene.
    pub file: TomlFile,
    /// The scene file as it was written, whose lines errors name.
    pub written: TomlFile,
    /// The name of its figure, with the file that names it.
    pub figure: (TomlFile, Spanned<String>),
    /// Whether its poses are from a base that names another figure.
    pub foreign_poses: bool,
}

/// Reads the scenes that `file` rests on, and puts all values together.
pub(super) fn merged(
    file: TomlFile,
    depth: usize,
    read_from: &mut Vec<PathBuf>,
) -> Result<Merged, SceneError> {
    let entries: SceneFile = file.parse()?;
    complaints(&file, &entries)?;
    let own_figure = entries.figure.clone().map(|name| (file.clone(), name));
    let Some(base) = &entries.base else {
        let missing = |key: &str| {
            file.error(None, format!("there is no `{key}`, and no `base` scene to take it from"))
        };
        if entries.image.is_none() {
            return Err(missing("image"));
        }
        let figure = own_figure.ok_or_else(|| missing("figure"))?;
        let written = file.clone();
        let file = with_absolute_patterns(file, &entries)?;
        return Ok(Merged { file, written, figure, foreign_poses: false });
    };
    if depth == MOST_BASES {
        let message =
            format!("{MOST_BASES} scenes rest on one another; they may be going round in a circle");
        return Err(file.error(Some(base.span()), message));
    }
    let beside = file.path.parent().unwrap_or(Path::new("")).join(base.get_ref());
    let base_file = if beside.is_file() {
        read_from.push(beside.clone());
        TomlFile::read(&beside)?
    } else {
        embedded(base.get_ref()).ok_or_else(|| {
            let known = embedded_scenes().collect::<Vec<_>>().join(", ");
            let message = format!(
                "no scene \"{}\": {} is not a file, and with the program come {known}",
                base.get_ref(),
                beside.display()
            );
            file.error(Some(base.span()), message)
        })?
    };
    let base = merged(base_file, depth + 1, read_from)?;
    let mut merged: toml::Table = base.file.parse()?;
    let foreign_poses = entries.poses.is_none() && (own_figure.is_some() || base.foreign_poses);
    let mut own: toml::Table = file.parse()?;
    own.remove("base");
    if let Some(patterns) = &entries.backgrounds {
        own.insert("backgrounds".into(), absolute(&file, patterns)?.into());
    }
    if let Some(poses) = absolute_motions(&file, entries.poses.as_deref()) {
        own.insert("poses".into(), poses.into());
    }
    for (key, value) in own {
        match (merged.get_mut(&key).and_then(toml::Value::as_table_mut), value) {
            (Some(section), toml::Value::Table(own)) => section.extend(own),
            (_, value) => {
                merged.insert(key, value);
            }
        }
    }
    let text = toml::to_string(&merged).map_err(|e| file.error(None, e.to_string()))?;
    let figure = own_figure.unwrap_or(base.figure);
    let merged = TomlFile { path: file.path.clone(), text };
    Ok(Merged { file: merged, written: file, figure, foreign_poses })
}

/// The scene file with absolute patterns of pictures and motions, which are valid from any folder.
fn with_absolute_patterns(file: TomlFile, entries: &SceneFile) -> Result<TomlFile, SceneError> {
    let motions = absolute_motions(&file, entries.poses.as_deref());
    if entries.backgrounds.is_none() && motions.is_none() {
        return Ok(file);
    }
    let mut table: toml::Table = file.parse()?;
    if let Some(patterns) = &entries.backgrounds {
        table.insert("backgrounds".into(), absolute(&file, patterns)?.into());
    }
    if let Some(poses) = motions {
        table.insert("poses".into(), poses.into());
    }
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    Ok(TomlFile { path: file.path, text })
}

/// The patterns as absolute paths. Each must match a file. Only what the file says is a pattern:
/// the name of its own folder may have any characters.
fn absolute(file: &TomlFile, patterns: &[Spanned<String>]) -> Result<Vec<String>, SceneError> {
    let folder = folder_of(&file.path);
    let each = patterns.iter().map(|pattern| {
        let fail = |message: String| file.error(Some(pattern.span()), message);
        let written = pattern.get_ref();
        let text = |path: PathBuf| {
            let path = std::path::absolute(path).map_err(|e| fail(e.to_string()))?;
            path.into_os_string().into_string().map_err(|_| fail("the path is not UTF-8".into()))
        };
        let literal = folder.join(written);
        let path = if literal.is_file() {
            Pattern::escape(&text(literal)?)
        } else if Path::new(written).is_absolute() {
            written.clone()
        } else {
            format!("{}/{written}", Pattern::escape(&text(folder.to_owned())?))
        };
        if matches(&path).map_err(fail)?.is_empty() {
            let folder = text(folder.to_owned())?;
            return Err(fail(format!("no file matches \"{written}\" in {folder}")));
        }
        Ok(path)
    });
    each.collect()
}

/// The files that match a pattern, in the order of their names.
pub(super) fn matches(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let paths = glob::glob(pattern)
        .map_err(|e| format!("\"{pattern}\" is no pattern of file names: {e}"))?;
    Ok(paths.filter_map(Result::ok).filter(|path| path.is_file()).collect())
}
