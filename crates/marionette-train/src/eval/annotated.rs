//! Pictures as they were annotated: which way round, of which size, and under which name.

use super::coco::CocoImage;
use image::RgbImage;
use marionette_base::picture_file::{PictureError, load_picture};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use unicode_normalization::UnicodeNormalization;

/// Why a picture cannot be judged by. Every message names the file and says what would do.
#[derive(Debug, thiserror::Error)]
pub enum AnnotatedError {
    /// It cannot be used.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// It is not there, but something with almost its name is.
    #[error("{}: is not there; {hint}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What may have been meant.
        hint: String,
    },
    /// It is not the picture that was annotated.
    #[error(
        "{}: is {}x{} pixels where the annotations say {}x{}; give the picture that was annotated",
        .path.display(), .found[0], .found[1], .expected[0], .expected[1]
    )]
    OtherSize {
        /// The file.
        path: PathBuf,
        /// Width and height, pixels.
        found: [u32; 2],
        /// Width and height that were expected, pixels.
        expected: [u32; 2],
    },
}

/// A picture that was annotated.
#[derive(Debug)]
pub struct Annotated {
    /// The pixels in which the annotations count.
    pub pixels: RgbImage,
    /// Whether it is to be turned to be seen, and nothing says whether the annotations are of the
    /// picture as it is stored or as it is seen. It is taken as stored, as COCO does.
    pub unsure: bool,
    /// Whether some of it is transparent in the file.
    pub transparent: bool,
}

/// Loads the picture of `image` from `folder`. Where its file says that it is to be turned, the
/// size in the annotations says which way round it was annotated.
///
/// # Errors
/// If it cannot be used, or is of another size than its annotations say.
pub fn load_annotated(folder: &Path, image: &CocoImage) -> Result<Annotated, AnnotatedError> {
    let path = folder.join(&image.file_name);
    let picture = load_picture(&path).map_err(|error| match error {
        PictureError::Path(ref failed) if failed.error.kind() == io::ErrorKind::NotFound => {
            match hint(folder, &image.file_name) {
                Some(hint) => AnnotatedError::Missing { path: path.clone(), hint },
                None => error.into(),
            }
        }
        error => error.into(),
    })?;
    let (width, height) = picture.stored.dimensions();
    let stored = [width, height];
    let seen = picture.upright_size();
    let fits = |[width, height]: [u32; 2]| {
        image.width.is_none_or(|due| due == width) && image.height.is_none_or(|due| due == height)
    };
    let (turned, transparent) = (picture.is_turned(), picture.transparent);
    match (fits(stored), fits(seen)) {
        (true, both) => {
            Ok(Annotated { pixels: picture.stored, unsure: turned && both, transparent })
        }
        (false, true) => Ok(Annotated { pixels: picture.upright(), unsure: false, transparent }),
        (false, false) => {
            let expected = [image.width.unwrap_or(width), image.height.unwrap_or(height)];
            Err(AnnotatedError::OtherSize { path, found: stored, expected })
        }
    }
}

/// What may have been meant by a name that no file has.
fn hint(folder: &Path, name: &str) -> Option<String> {
    if name.contains('\\') {
        let with_slashes = folder.join(name.replace('\\', "/"));
        let there = if with_slashes.exists() { "" } else { "not " };
        return Some(format!(
            "its name in the annotations has backslashes, which part folders on Windows alone; {} \
             is {there}there",
            with_slashes.display()
        ));
    }
    // One letter may be written in several ways, and files copied from a Mac often are.
    let plain = |name: &str| name.nfc().flat_map(char::to_lowercase).collect::<String>();
    let path = folder.join(name);
    let wanted = plain(path.file_name()?.to_str()?);
    let alike = fs::read_dir(path.parent()?)
        .ok()?
        .flatten()
        .find(|entry| entry.file_name().to_str().is_some_and(|there| plain(there) == wanted))?;
    Some(format!(
        "{} is, whose name differs in case or in how its accents are written",
        alike.path().display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(file_name: &str, size: Option<[u32; 2]>) -> CocoImage {
        let [width, height] = [0, 1].map(|side| size.map(|size| size[side]));
        CocoImage { id: 1, file_name: file_name.to_owned(), width, height }
    }

    #[test]
    fn names_that_are_almost_right_are_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        RgbImage::new(2, 3).save(folder.path().join("b/Mu\u{308}ller.png")).unwrap();
        let said =
            |name: &str| load_annotated(folder.path(), &image(name, None)).unwrap_err().to_string();
        for (name, part) in [
            ("b/M\u{fc}ller.png", "how its accents are written"),
            ("b/mu\u{308}ller.PNG", "differs in case"),
            ("b\\Mu\u{308}ller.png", "has backslashes, which part folders"),
            ("b/Maier.png", "cannot be read: No such file"),
            ("c/Maier.png", "cannot be read: No such file"),
        ] {
            assert!(said(name).contains(part), "{}", said(name));
        }
        let found = load_annotated(folder.path(), &image("b/Mu\u{308}ller.png", Some([2, 3])));
        assert!(!found.unwrap().unsure);
        let other = load_annotated(folder.path(), &image("b/Mu\u{308}ller.png", Some([3, 2])));
        assert!(other.unwrap_err().to_string().contains("is 2x3 pixels where the annotations say"));
    }
}
