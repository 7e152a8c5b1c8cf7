//! Reads a figure file and the meshes that it names, so that its text alone says everything: a run
//! or a data set keeps it as one file.

use marionette_base::{
    atomic_file::folder_of,
    text_file,
    toml_file::{FileError, TomlFile},
};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Write, path::Path};
use toml::Spanned;

/// Largest mesh file that is read, bytes.
const LARGEST_MESH: u64 = 8 << 20;

/// The part of a figure file that names meshes.
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    parts: Vec<NamedPart>,
    #[serde(default)]
    meshes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct NamedPart {
    mesh: Option<Spanned<String>>,
}

/// Reads the figure file at `path`, and for each mesh that its parts name the PLY file beside it.
/// The texts of these are appended as the table `[meshes]`, so that no line of the file moves.
///
/// # Errors
/// If a file cannot be read: which line names it.
pub fn read_figure(path: &Path) -> Result<TomlFile, FileError> {
    let mut file = TomlFile::read(path)?;
    let Named { parts, meshes } = file.parse()?;
    let wanted = parts.iter().filter_map(|part| part.mesh.as_ref());
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for name in wanted.filter(|name| !meshes.contains_key(name.get_ref())) {
        if texts.contains_key(name.get_ref().as_str()) {
            continue;
        }
        let beside = folder_of(path).join(name.get_ref());
        let fail = |message: String| {
            let message = format!("the mesh {} {message}", beside.display());
            file.error(Some(name.span()), message)
        };
        let bytes = marionette_base::atomic_file::read_file(&beside, LARGEST_MESH)
            .map_err(|error| fail(format!("cannot be read: {}", error.error)))?;
        let text = text_file::decode(bytes).map_err(|message| {
            fail(format!("{message}; meshes are ASCII PLY files, save it as one"))
        })?;
        if text.contains("'''") {
            return Err(fail("is no PLY file: it holds '''".into()));
        }
        texts.insert(name.get_ref(), text);
    }
    if texts.is_empty() {
        return Ok(file);
    }
    let mut text = file.text.clone();
    if meshes.is_empty() {
        text.push_str("\n[meshes]\n");
    } else {
        let message = "some of its meshes are in [meshes] and others in files; take them all from \
                       files, or none";
        return Err(file.error(None, message));
    }
    for (name, mesh) in texts {
        let key = toml::Value::from(name).to_string();
        // Writing to a string cannot fail.
        let _ = write!(text, "{key} = '''\n{mesh}'''\n");
    }
    file.text = text;
    Ok(file)
}
