//! Model files of jointed things as figures.
//!
//! [`import`] reads a URDF file or a glTF file with all that it names and makes a [`Draft`] of it:
//! bones, parts, materials, proposed keypoints. [`write()`] makes a figure's folder of the draft:
//! `figure.toml`, which a person can read and edit, and `meshes/*.ply`.

mod draft;
mod error;
mod finish;
mod gltf;
mod keypoints_file;
mod mesh_files;
mod primitives;
mod propose;
mod simplify;
mod urdf;
mod write;
mod xml;

pub use draft::{
    Draft, DraftBone, DraftFrame, DraftKeypoint, DraftMaterial, DraftPart, DraftPose, DraftShape,
    Follows, Mesh, Options,
};
pub use error::ImportError;
pub use write::write;

use std::{io::Read, path::Path};

/// What a model file is written in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Urdf,
    Gltf,
}

/// Reads the model file at `file` and all that it names.
///
/// # Errors
/// If a file is missing or wrong: which one, where, what was found and what would do.
pub fn import(file: &Path, options: &Options) -> Result<Draft, ImportError> {
    let draft = match format_of(file)? {
        Format::Urdf => urdf::read(file, options)?,
        Format::Gltf => gltf::read(file, options)?,
    };
    finish::finish(draft, file, options)
}

/// The format by the file's first bytes, or else by its extension.
fn format_of(file: &Path) -> Result<Format, ImportError> {
    use marionette_base::atomic_file::PathError;
    let mut start = Vec::new();
    let opened = std::fs::File::open(file);
    let read = opened.and_then(|file| file.take(4096).read_to_end(&mut start));
    read.map_err(PathError::at(file, "read"))?;
    if start.starts_with(b"glTF") {
        return Ok(Format::Gltf);
    }
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    match extension.to_ascii_lowercase().as_str() {
        "gltf" | "glb" => return Ok(Format::Gltf),
        "urdf" | "xacro" => return Ok(Format::Urdf),
        _ => {}
    }
    let text = String::from_utf8_lossy(&start);
    if text.contains("<robot") {
        return Ok(Format::Urdf);
    }
    if text.trim_start().starts_with('{') && text.contains("\"asset\"") {
        return Ok(Format::Gltf);
    }
    let found = match extension.to_ascii_lowercase().as_str() {
        _ if text.contains("<mujoco") => "is a MuJoCo model, which is not read",
        "sdf" => "is an SDF model, which is not read",
        "stl" | "obj" | "dae" | "fbx" => "is a mesh alone, without joints",
        _ => "is no model file that is known",
    };
    Err(ImportError::file(
        file,
        None,
        format!("{found}; give a URDF or a glTF file (.urdf, .gltf, .glb)"),
    ))
}
