//! Which pictures are looked at, and what their overlays are called.

use anyhow::{Context, anyhow};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "jpe", "jfif"];

/// A picture to look at.
pub struct Listed {
    /// The file.
    pub path: PathBuf,
    /// The name of its overlay, which no other picture's has.
    pub overlay: String,
}

/// The pictures that `images` names, folders replaced by the pictures in them, sorted by name.
///
/// # Errors
/// If a folder cannot be read or has no pictures.
pub fn list(images: &[PathBuf]) -> anyhow::Result<Vec<Listed>> {
    let mut paths = Vec::new();
    for image in images {
        if image.is_dir() {
            paths.extend(pictures_in(image)?);
        } else {
            paths.push(image.clone());
        }
    }
    let mut taken = HashSet::new();
    let listed = |path: PathBuf| Listed { overlay: overlay_name(&path, &mut taken), path };
    Ok(paths.into_iter().map(listed).collect())
}

fn pictures_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = || format!("{}: cannot be read", folder.display());
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        // Hidden files are other programs' notes on a picture, under the picture's name.
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if ENDINGS.contains(&ending.as_str()) && !hidden && !path.is_dir() {
            pictures.push(path);
        }
    }
    if pictures.is_empty() {
        let folder = folder.display();
        return Err(anyhow!(
            "{folder}: has no pictures; give a folder with .png, .jpg, .jpeg, .jpe or .jfif files in \
             it, or a picture"
        ));
    }
    pictures.sort();
    Ok(pictures)
}

/// `NAME.png`, or `NAME-2.png` and so on where that is taken, in any mixture of capitals.
fn overlay_name(path: &Path, taken: &mut HashSet<String>) -> String {
    let stem = path.file_stem().map_or("picture".into(), |stem| stem.to_string_lossy());
    let names =
        (1..).map(
            |number| {
                if number == 1 { format!("{stem}.png") } else { format!("{stem}-{number}.png") }
            },
        );
    let mut free = names.skip_while(|name| taken.contains(&name.to_lowercase()));
    let name = free.next().unwrap_or_default();
    taken.insert(name.to_lowercase());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_overlays_share_a_name() {
        let paths = ["a.png", "b/a.jpg", "A.jpeg", "a-2.png", "b/c.tar.gz", "a.png"];
        let listed = list(&paths.map(PathBuf::from)).unwrap();
        let names: Vec<&str> = listed.iter().map(|listed| listed.overlay.as_str()).collect();
        assert_eq!(names, ["a.png", "a-2.png", "A-3.png", "a-2-2.png", "c.tar.png", "a-4.png"]);
    }
}
