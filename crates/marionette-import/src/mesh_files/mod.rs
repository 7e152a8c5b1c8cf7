//! Meshes that model files name: STL, OBJ, COLLADA.

mod dae;
mod obj;
mod stl;
mod surface;
#[cfg(test)]
mod tests;

use crate::{ImportError, Mesh};
use glam::Vec3;
use marionette_base::atomic_file::read_file;
use std::path::Path;
use surface::Surface;

/// The largest mesh file that is read, bytes: some four million triangles.
const LARGEST: u64 = 512 << 20;
/// sRGB colour of what has none.
pub(crate) const UNCOLORED: [u8; 3] = [179; 3];

/// Reads the mesh file at `path`: three vertices of its own for each triangle, in the file's own
/// frame (of a COLLADA file: metres, z up). Notes what was left out.
///
/// # Errors
/// If the file cannot be read, is no mesh that is known, is damaged or has no triangles.
pub fn read_mesh(path: &Path, notes: &mut Vec<String>) -> Result<Mesh, ImportError> {
    let bytes = read_file(path, LARGEST)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let mut soup = Soup::default();
    match extension.to_ascii_lowercase().as_str() {
        "stl" | "stlb" => stl::read(path, &bytes, &mut soup)?,
        "obj" => obj::read(path, &bytes, &mut soup)?,
        "dae" => dae::read(path, bytes, &mut soup)?,
        other => {
            let message = format!(
                "a mesh that ends in \".{other}\" is not read; convert it to STL, OBJ or COLLADA \
                 (.stl, .obj, .dae)"
            );
            return Err(ImportError::file(path, None, message));
        }
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    notes.extend(soup.notes.iter().map(|note| format!("{name}: {note}")));
    if soup.broken > 0 {
        notes.push(format!(
            "{name}: {} triangles with coordinates that are no numbers were left out.",
            soup.broken
        ));
    }
    if soup.positions.is_empty() {
        let message = "has no triangles; give a mesh that has some, or take the shape out";
        return Err(ImportError::file(path, None, message));
    }
    Ok(soup.into_mesh())
}

/// Triangles as they are read, each with vertices of its own.
#[derive(Debug, Default)]
struct Soup {
    positions: Vec<Vec3>,
    colors: Vec<Option<[u8; 3]>>,
    /// Triangles that were left out because a coordinate was no number.
    broken: usize,
    notes: Vec<String>,
}

impl Soup {
    fn triangle(&mut self, corners: [Vec3; 3], colors: [Option<[u8; 3]>; 3]) {
        if corners.iter().all(|corner| corner.is_finite()) {
            self.positions.extend(corners);
            self.colors.extend(colors);
        } else {
            self.broken += 1;
        }
    }

    /// A flat polygon, as a fan of triangles.
    fn polygon(&mut self, corners: &[(Vec3, Option<[u8; 3]>)]) {
        for at in 2..corners.len() {
            let fan = [corners[0], corners[at - 1], corners[at]];
            self.triangle(fan.map(|(place, _)| place), fan.map(|(_, color)| color));
        }
    }

    fn into_mesh(self) -> Mesh {
        let colored = self.colors.iter().any(Option::is_some);
        let color = |color: &Option<[u8; 3]>| color.unwrap_or(UNCOLORED);
        Mesh {
            triangles: (0..self.positions.len() as u32 / 3)
                .map(|triangle| [3 * triangle, 3 * triangle + 1, 3 * triangle + 2])
                .collect(),
            colors: if colored { self.colors.iter().map(color).collect() } else { Vec::new() },
            positions: self.positions,
            ..Mesh::default()
        }
    }
}
