//! Where the meshes are that a URDF file names.

use std::path::{Path, PathBuf};

/// The file that `name` stands for in the URDF file at `file`: `package://`, `model://`, `file://`,
/// absolute, or relative to the file's folder.
///
/// # Errors
/// If there is none: the places that were looked at.
pub fn find(file: &Path, name: &str, package_dirs: &[PathBuf]) -> Result<PathBuf, Vec<PathBuf>> {
    let name = name.trim().replace('\\', "/");
    // The folders above are those of the whole path.
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = whole.parent().unwrap_or(Path::new("."));
    let mut tried = Vec::new();
    let packaged = ["package://", "model://"].iter().find_map(|start| name.strip_prefix(start));
    if let Some(rest) = packaged {
        let (package, inner) = rest.split_once('/').unwrap_or(("", rest));
        let is_package = |folder: &Path| folder.file_name().is_some_and(|name| name == package);
        for folder in package_dirs {
            tried.push(folder.join(rest));
            tried.push(folder.join(inner));
        }
        for above in folder.ancestors() {
            tried.push(above.join(rest));
            if is_package(above) {
                tried.push(above.join(inner));
            }
        }
        // The package's folder was given another name.
        tried.extend(folder.ancestors().map(|above| above.join(inner)));
    } else {
        let name = name.strip_prefix("file://").unwrap_or(&name);
        tried.push(folder.join(name));
        tried.extend(package_dirs.iter().map(|folder| folder.join(name)));
    }
    match tried.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(tried),
    }
}
