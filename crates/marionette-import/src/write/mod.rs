//! A draft as a figure's folder: `figure.toml` and `meshes/*.ply`.

mod figure_file;
mod ply;
mod poses;

use crate::{Draft, ImportError, propose::snake};
use marionette_base::{
    atomic_file::{PathError, write_unsynced},
    new_folder::write_folder,
};
use marionette_figure::{Figure, load_figure};
use std::{fs, path::Path};

/// Writes `draft` as a new folder at `folder`, whole or not at all, and reads it as a figure. What was
/// proposed of poses is changed where the figure cannot take them; notes say so. Returns the figure.
///
/// # Errors
/// If there is something at `folder`, it cannot be written, or what was written is no figure.
pub fn write(draft: &mut Draft, folder: &Path) -> Result<Figure, ImportError> {
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
        let file = folder.join("figure.toml");
        write_unsynced(&file, figure_file::text(draft, &names).as_bytes())?;
        let figure = load_figure(&file)?;
        let notes = poses::made_possible(&mut draft.poses, &figure);
        if notes.is_empty() {
            return Ok(figure);
        }
        draft.notes.extend(notes);
        write_unsynced(&file, figure_file::text(draft, &names).as_bytes())?;
        Ok(load_figure(&file)?)
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
