//! The bank of pictures.

use super::{canvas::SIDE, grounds, places};
use glam::Vec3;
use image::{DynamicImage, RgbImage, imageops::FilterType};
use marionette_base::picture_file::{PictureError, load_picture};
use rayon::prelude::*;
use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
};

/// The number of places, pictures to stand behind figures. They are the first pictures of a bank.
pub const PLACES: usize = 96;
/// The number of grounds, pictures to lie under figures. They follow the places.
pub const GROUNDS: usize = 24;

/// The pictures of a scene's backdrops: [`PLACES`] places, then [`GROUNDS`] grounds. A scene
/// without pictures has a single grey one.
#[derive(Clone, Debug)]
pub struct PictureBank {
    /// The pictures.
    pub pictures: Arc<Vec<Picture>>,
    /// Pictures of the user's that have transparent pixels, which are taken as if they were not.
    pub transparent: Vec<PathBuf>,
}

/// A picture of a [`PictureBank`].
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// sRGB and opacity, [`SIDE`] by [`SIDE`], rows from the top.
    pub pixels: Vec<[u8; 4]>,
    /// Linear RGB: the means of three by three fields, rows from the top.
    pub means: [Vec3; 9],
}

impl Picture {
    fn new(pixels: Vec<[u8; 4]>) -> Self {
        let side = SIDE as usize;
        let mut sums = [(Vec3::ZERO, 0.0); 9];
        for (i, pixel) in pixels.iter().enumerate() {
            let (column, row) = (i % side * 3 / side, i / side * 3 / side);
            let encoded = Vec3::new(pixel[0].into(), pixel[1].into(), pixel[2].into()) / 255.0;
            sums[row * 3 + column].0 += encoded.powf(2.2);
            sums[row * 3 + column].1 += 1.0;
        }
        Picture { pixels, means: sums.map(|(sum, count)| sum / count) }
    }
}

static PAINTED: LazyLock<Arc<Vec<Picture>>> = LazyLock::new(|| {
    let places = (0..PLACES as u64).into_par_iter().map(|index| places::paint(index).into_pixels());
    let grounds =
        (0..GROUNDS as u64).into_par_iter().map(|index| grounds::paint(index).into_pixels());
    Arc::new(places.chain(grounds).map(Picture::new).collect())
});

impl PictureBank {
    /// A bank for scenes that show no pictures.
    pub fn empty() -> Self {
        PictureBank {
            pictures: Arc::new(vec![Picture::new(vec![
                [128, 128, 128, 255];
                (SIDE * SIDE) as usize
            ])]),
            transparent: Vec::new(),
        }
    }

    /// The program's own pictures. If there are `files`, they replace the places. If there are more
    /// files than the bank holds, it takes some of them at even distances; if there are fewer, each
    /// is there several times.
    ///
    /// # Errors
    /// If one of the files is not a readable picture.
    pub fn new(files: &[PathBuf]) -> Result<Self, PictureError> {
        if files.is_empty() {
            return Ok(PictureBank { pictures: PAINTED.clone(), transparent: Vec::new() });
        }
        let chosen = (0..PLACES).into_par_iter().map(|slot| {
            let index =
                if files.len() > PLACES { slot * files.len() / PLACES } else { slot % files.len() };
            let picture = load_picture(&files[index])?;
            let transparent = picture.transparent.then(|| files[index].clone());
            Ok((square(picture.upright()), transparent))
        });
        let chosen = chosen.collect::<Result<Vec<_>, PictureError>>()?;
        let (mut pictures, transparent): (Vec<Picture>, Vec<Option<PathBuf>>) =
            chosen.into_iter().unzip();
        pictures.extend(PAINTED[PLACES..].iter().cloned());
        let mut transparent: Vec<PathBuf> = transparent.into_iter().flatten().collect();
        transparent.sort();
        transparent.dedup();
        Ok(PictureBank { pictures: Arc::new(pictures), transparent })
    }
}

/// The middle square of a picture, in the bank's size.
fn square(picture: RgbImage) -> Picture {
    let picture = DynamicImage::ImageRgb8(picture);
    let side = picture.width().min(picture.height());
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    let square = picture
        .crop_imm(left, top, side, side)
        .resize_exact(SIDE, SIDE, FilterType::Triangle)
        .to_rgba8();
    Picture::new(square.pixels().map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2], 255]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn painted_pictures_repeat_and_differ() {
        let again = places::paint(3).into_pixels();
        assert_eq!(PAINTED[3].pixels, again);
        assert_eq!(PAINTED.len(), PLACES + GROUNDS);
        for (i, a) in PAINTED.iter().enumerate() {
            assert_eq!(a.pixels.len(), (SIDE * SIDE) as usize);
            assert!(PAINTED[..i].iter().all(|b| a != b), "picture {i} is there twice");
        }
    }
}
