//! Loading pictures that come from anywhere.

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};
use marionette_base::atomic_file::PathError;
use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::{Path, PathBuf},
};

/// The largest picture that is decoded, pixels.
const MOST_PIXELS: u64 = 50_000_000;

/// Why a picture cannot be used. Every message names the file and says what would do.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It could not be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It is no picture, or a broken one.
    #[error("{}: {found}; give a PNG or JPEG picture", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
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
    /// It has no pixels, or too many.
    #[error("{}: is {width}x{height} pixels; give a picture of at least one pixel and at most 50 megapixels", .path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Width, pixels.
        width: u32,
        /// Height, pixels.
        height: u32,
    },
}

/// The PNG or JPEG picture at `path` as sRGB, told by its content and not by its name; transparency
/// is dropped.
///
/// A rotation in its EXIF data is ignored, as COCO's annotations do: they are made on the pixels as
/// they are stored.
///
/// # Errors If the file cannot be read, is no picture in a known format, is damaged, or has no
/// pixels or more than 50 million (which is found out before any is decoded).
pub fn load_picture(path: &Path) -> Result<RgbImage, PictureError> {
    let mut file = BufReader::new(File::open(path).map_err(PathError::at(path, "read"))?);
    if let Some([width, height]) = png_size(&mut file).map_err(PathError::at(path, "read"))? {
        check_size(path, width, height)?;
    }
    let format = |found: String| PictureError::Format { path: path.to_owned(), found };
    let damaged = |error: image::ImageError| format(format!("is damaged: {error}"));
    let reader =
        ImageReader::new(file).with_guessed_format().map_err(PathError::at(path, "read"))?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg) => {}
        Some(other) => {
            return Err(format(format!(
                "is a {} file",
                other.extensions_str().join("/").to_uppercase()
            )));
        }
        None => return Err(format("is no picture".to_owned())),
    }
    let decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(path, width, height)?;
    Ok(DynamicImage::from_decoder(decoder).map_err(damaged)?.into_rgb8())
}

fn check_size(path: &Path, width: u32, height: u32) -> Result<(), PictureError> {
    if (1..=MOST_PIXELS).contains(&(u64::from(width) * u64::from(height))) {
        return Ok(());
    }
    Err(PictureError::Size { path: path.to_owned(), width, height })
}

/// The width and height in a PNG's header, if it is one: its decoder calls a size of zero merely
/// invalid. Leaves the file at its start.
fn png_size(file: &mut (impl Read + Seek)) -> std::io::Result<Option<[u32; 2]>> {
    let mut start = Vec::new();
    file.by_ref().take(24).read_to_end(&mut start)?;
    file.rewind()?;
    let is_png =
        start.len() == 24 && start.starts_with(b"\x89PNG\r\n\x1a\n") && &start[12..16] == b"IHDR";
    let number =
        |at: usize| start[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    Ok(is_png.then(|| [number(16), number(20)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A PNG file up to and with its header, which claims this size.
    fn header(width: u32, height: u32) -> Vec<u8> {
        let mut ihdr = b"IHDR".to_vec();
        ihdr.extend(width.to_be_bytes());
        ihdr.extend(height.to_be_bytes());
        ihdr.extend([8, 2, 0, 0, 0]);
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        bytes.extend(&ihdr);
        bytes.extend(crc(&ihdr).to_be_bytes());
        bytes
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
    }

    #[test]
    fn content_decides_and_not_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let picture = RgbImage::from_fn(9, 5, |x, y| image::Rgb([x as u8 * 20, y as u8 * 40, 7]));
        let png = folder.path().join("png.jpg");
        picture.save_with_format(&png, ImageFormat::Png).unwrap();
        assert_eq!(load_picture(&png).unwrap(), picture);
        let jpeg = folder.path().join("jpeg");
        picture.save_with_format(&jpeg, ImageFormat::Jpeg).unwrap();
        assert_eq!(load_picture(&jpeg).unwrap().dimensions(), (9, 5));
        let grey = folder.path().join("grey.png");
        image::GrayAlphaImage::from_pixel(2, 3, image::LumaA([90, 0])).save(&grey).unwrap();
        assert_eq!(load_picture(&grey).unwrap(), RgbImage::from_pixel(2, 3, image::Rgb([90; 3])));
    }

    #[test]
    fn what_is_no_usable_picture_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole.png");
        RgbImage::new(64, 64).save(&whole).unwrap();
        let whole = fs::read(whole).unwrap();
        let cases: [(Vec<u8>, &str); 8] = [
            (b"no picture at all".to_vec(), "is no picture; give a PNG or JPEG picture"),
            (Vec::new(), "is no picture"),
            (b"GIF89a\x01\0\x01\0".to_vec(), "is a GIF file; give a PNG or JPEG picture"),
            (whole[..whole.len() - 30].to_vec(), "is damaged"),
            (b"\xff\xd8\xff\xe0 and no more".to_vec(), "is damaged"),
            (header(0, 7), "is 0x7 pixels; give a picture of at least one pixel"),
            (
                header(10_000, 10_000),
                "is 10000x10000 pixels; give a picture of at least one pixel and at most 50",
            ),
            (header(u32::MAX, u32::MAX), "is 4294967295x4294967295 pixels"),
        ];
        for (bytes, part) in cases {
            let path = folder.path().join("a.png");
            fs::write(&path, bytes).unwrap();
            let message = load_picture(&path).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{}: {part}", path.display())), "{message}");
        }
        let missing = load_picture(&folder.path().join("b.png")).unwrap_err().to_string();
        assert!(missing.contains("b.png: cannot be read: No such file"), "{missing}");
        assert!(load_picture(folder.path()).is_err());
    }
}
