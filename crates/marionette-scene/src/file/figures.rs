//! The figures of scenes: those that come with the program, and others by their files.

use super::{Scene, SceneError, SceneFile, check};
use marionette_base::toml_file::TomlFile;
use marionette_figure::{Figure, parse_figure, read_figure};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The figures that come with the program: name and text.
const EMBEDDED: [(&str, &str); 3] = [
    ("human", include_str!("../../../../assets/figures/human.toml")),
    ("dog", include_str!("../../../../assets/figures/dog.toml")),
    ("arm", include_str!("../../../../assets/figures/arm.toml")),
];
/// The figure's file in a figure's folder.
const IN_FOLDER: &str = "figure.toml";

/// The names of the figures that come with the program.
pub fn embedded_figures() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(name, _)| *name)
}

fn embedded(name: &str) -> Option<TomlFile> {
    let (name, text) = EMBEDDED.iter().find(|(known, _)| *known == name)?;
    Some(TomlFile { path: format!("assets/figures/{name}.toml").into(), text: (*text).into() })
}

/// The figure file at `path`, or in the folder `path`; `None` if there is none.
fn at(path: &Path) -> Option<PathBuf> {
    [path.to_owned(), path.join(IN_FOLDER)].into_iter().find(|path| path.is_file())
}

/// The figure file that is meant by `--figure`.
pub(super) fn named_figure(
    name_or_path: &str,
    read_from: &mut Vec<PathBuf>,
) -> Result<TomlFile, SceneError> {
    let path = Path::new(name_or_path);
    if let Some(path) = at(path) {
        read_from.push(path.clone());
        return read_figure(&path);
    }
    embedded(name_or_path).ok_or_else(|| {
        let message = missing(name_or_path, path);
        SceneError { path: path.to_owned(), line: None, message }
    })
}

/// The figure file that a scene names: one that comes with the program, a file beside the scene
/// file, or a folder beside it that has a `figure.toml`.
pub(super) fn find_figure(
    file: &TomlFile,
    name: &Spanned<String>,
    read_from: &mut Vec<PathBuf>,
) -> Result<TomlFile, SceneError> {
    let written = name.get_ref();
    let beside = file.path.parent().unwrap_or(Path::new("")).join(written);
    if let Some(path) = at(&beside) {
        let file = read_figure(&path);
        read_from.push(path);
        return file;
    }
    embedded(written).ok_or_else(|| file.error(Some(name.span()), missing(written, &beside)))
}

fn missing(name: &str, path: &Path) -> String {
    let known = embedded_figures().collect::<Vec<_>>().join(", ");
    format!(
        "no figure \"{name}\": {} is not a file, nor a folder with a {IN_FOLDER}; with the program \
         come {known}",
        path.display()
    )
}

/// The complete scene `file` with the figure of `figure_file` in place of its own.
pub(super) fn with_other_figure(
    file: TomlFile,
    figure_file: TomlFile,
    read_from: Vec<PathBuf>,
) -> Result<Scene, SceneError> {
    let figure = parse_figure(&figure_file)?;
    let file = for_figure(file, &figure)?;
    let mut table: toml::Table = file.parse()?;
    // As a scene beside the figure's file would name it.
    let name = match embedded_figures().find(|name| *name == figure.name) {
        Some(name) if embedded(name).is_some_and(|known| known.text == figure_file.text) => name,
        _ => figure_file.path.file_name().and_then(|name| name.to_str()).unwrap_or(IN_FOLDER),
    };
    table.insert("figure".into(), name.into());
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    check(TomlFile { path: file.path, text }, figure, figure_file, read_from)
}

/// The scene file without its list of poses if that names any that `figure` lacks: the list is made
/// for another figure.
pub(super) fn for_figure(file: TomlFile, figure: &Figure) -> Result<TomlFile, SceneError> {
    let entries: SceneFile = file.parse()?;
    let lacks = |name: &String| !figure.poses.iter().any(|family| family.name == *name);
    if !entries.poses.iter().flatten().any(lacks) {
        return Ok(file);
    }
    let mut table: toml::Table = file.parse()?;
    table.remove("poses");
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    Ok(TomlFile { path: file.path, text })
}
