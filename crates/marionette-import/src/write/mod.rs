//! A draft as a figure's folder: `figure.toml` and `meshes/*.ply`.

mod figure_file;
mod ply;

use crate::{Draft, ImportError, propose::snake};
use marionette_base::{
    atomic_file::{PathError, write_unsynced},
    new_folder::write_folder,
};
use std::{fs, path::Path};

/// Writes `draft` as a new folder at `folder`, whole or not at all.
///
/// # Errors
/// If there is something at `folder`, or it cannot be written.
pub fn write(draft: &Draft, folder: &Path) -> Result<(), ImportError> {
    write_folder(folder, |folder| {
        let names = mesh_names(draft);
        if names.iter().any(Option::is_some) {
            let meshes = folder.join("meshes");
            fs::create_dir(&meshes).map_err(PathError::at(&meshes, "written"))?;
        }
        for (part, name) in draft.parts.iter().zip(&names) {
            if let (Some(mesh), Some(name)) = (part.shape.mesh(), name) {
                write_unsynced(&folder.join(name), ply::ply(mesh).as_bytes())?;
            }
        }
        let text = figure_file::text(draft, &names);
        Ok(write_unsynced(&folder.join("figure.toml"), text.as_bytes())?)
    })
}

/// The file of each part that has triangles, in the figure's folder.
fn mesh_names(draft: &Draft) -> Vec<Option<String>> {
    let mut names: Vec<Option<String>> = Vec::new();
    for part in &draft.parts {
        let plain: String =
            snake(&part.name).chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
        let mut name = format!("meshes/{plain}.ply");
        let mut count = 2;
        while names.iter().flatten().any(|other| *other == name) {
            name = format!("meshes/{plain}_{count}.ply");
            count += 1;
        }
        names.push(part.shape.mesh().map(|_| name));
    }
    names
}
