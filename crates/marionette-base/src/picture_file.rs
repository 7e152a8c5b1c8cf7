//! Reads pictures that come from anywhere: one reader for photographs to look at, to judge by and
//! to stand behind figures.

use crate::{atomic_file::PathError, toml_file::FileError};
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage, metadata::Orientation,
};
use std::{
    fs::File,
    io::{Cursor, Read},
    path::{Path, PathBuf},
};

/// The largest picture that is decoded, pixels.
const MOST_PIXELS: u64 = 50_000_000;
/// The largest file that is read, bytes: more than the largest picture takes uncompressed.
const LARGEST: u64 = 512 << 20;
/// Enough of a file to tell its format and a PNG's size.
const START: u64 = 32;

/// A picture as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The pixels as they are stored, sRGB.
    pub stored: RgbImage,
    /// How its EXIF data says that they are to be turned to be seen.
    pub orientation: Orientation,
    /// Whether some of its pixels are transparent in the file. The colours below are taken.
    pub transparent: bool,
}

impl Picture {
    /// The picture as people see it: turned and mirrored as its EXIF data says.
    pub fn upright(self) -> RgbImage {
        let mut picture = DynamicImage::ImageRgb8(self.stored);
        picture.apply_orientation(self.orientation);
        picture.into_rgb8()
    }

    /// Whether the picture is seen otherwise than it is stored.
    pub fn is_turned(&self) -> bool {
        self.orientation != Orientation::NoTransforms
    }

    /// Width and height of the picture as people see it, pixels.
    pub fn upright_size(&self) -> [u32; 2] {
        let (width, height) = self.stored.dimensions();
        if swaps_sides(self.orientation) { [height, width] } else { [width, height] }
    }

    /// The PNG or JPEG picture of these bytes, which are those of the file at `path`.
    ///
    /// # Errors
    /// As [`load_picture`].
    pub fn decode(path: &Path, bytes: &[u8]) -> Result<Self, PictureError> {
        let format = |found: String| PictureError::Format { path: path.to_owned(), found };
        let damaged = |error: image::ImageError| {
            format(format!("is damaged: {}", error.to_string().trim_end()))
        };
        let known = image::guess_format(bytes).ok();
        let ends = match known {
            Some(ImageFormat::Png) => png_ends(bytes),
            Some(ImageFormat::Jpeg) => jpeg_ends(bytes),
            Some(other) => {
                let name = other.extensions_str().join("/").to_uppercase();
                return Err(format(format!("is a {name} file")));
            }
            None => return Err(format("is no picture".to_owned())),
        };
        // PNG's decoder calls a size of zero merely invalid.
        if let Some([width, height]) = png_size(bytes) {
            check_size(path, width, height)?;
        }
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
        let reader = reader.map_err(PathError::at(path, "read"))?;
        let mut decoder = reader.into_decoder().map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        check_size(path, width, height)?;
        // JPEG's decoder paints what is missing grey, without a word.
        if !ends {
            let length = bytes.len();
            return Err(format(format!("is damaged: it ends early, after {length} bytes")));
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
        let transparent = has_transparency(&picture);
        Ok(Picture { stored: picture.into_rgb8(), orientation, transparent })
    }
}

/// Why a picture cannot be used. Every message names the file and says what would do.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It could not be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// It is no picture, or a broken one.
    #[error("{}: {found}; give a whole PNG or JPEG picture", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
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

impl PictureError {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            PictureError::Path(PathError { path, .. })
            | PictureError::Format { path, .. }
            | PictureError::Size { path, .. } => path,
        }
    }

    /// The same as the error of a file that names the picture.
    pub fn into_file_error(self) -> FileError {
        let (path, said) = (self.path().to_owned(), self.to_string());
        let message = said.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&said);
        FileError { message: message.to_owned(), line: None, path }
    }
}

/// The PNG or JPEG picture at `path`, told by its content and not by its name. Bytes after its end
/// do no harm.
///
/// # Errors
/// If the file cannot be read, is no picture in a known format, is damaged or ends early, or has no
/// pixels or more than 50 million (which is found out before any is decoded).
pub fn load_picture(path: &Path) -> Result<Picture, PictureError> {
    let file = File::open(path).map_err(PathError::at(path, "read"))?;
    let mut bytes = Vec::new();
    let read = |most: u64, bytes: &mut Vec<u8>| {
        (&file).take(most).read_to_end(bytes).map_err(PathError::at(path, "read"))
    };
    read(START, &mut bytes)?;
    // What is no picture is not read whole: it may have no end.
    if image::guess_format(&bytes).is_ok() {
        read(LARGEST, &mut bytes)?;
    }
    Picture::decode(path, &bytes)
}

fn check_size(path: &Path, width: u32, height: u32) -> Result<(), PictureError> {
    if (1..=MOST_PIXELS).contains(&(u64::from(width) * u64::from(height))) {
        return Ok(());
    }
    Err(PictureError::Size { path: path.to_owned(), width, height })
}

fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

fn has_transparency(picture: &DynamicImage) -> bool {
    match picture {
        DynamicImage::ImageLumaA8(pixels) => pixels.pixels().any(|pixel| pixel.0[1] < u8::MAX),
        DynamicImage::ImageRgba8(pixels) => pixels.pixels().any(|pixel| pixel.0[3] < u8::MAX),
        DynamicImage::ImageLumaA16(pixels) => pixels.pixels().any(|pixel| pixel.0[1] < u16::MAX),
        DynamicImage::ImageRgba16(pixels) => pixels.pixels().any(|pixel| pixel.0[3] < u16::MAX),
        _ => false,
    }
}

/// The width and height in a PNG's header, if these are the bytes of one.
fn png_size(bytes: &[u8]) -> Option<[u32; 2]> {
    let start = bytes.get(..24)?;
    let number =
        |at: usize| start[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    (start.starts_with(PNG) && &start[12..16] == b"IHDR").then(|| [number(16), number(20)])
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Whether a PNG's chunks go on to the last, which is called IEND (PNG specification, 5.6).
fn png_ends(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(PNG.len()..).unwrap_or_default();
    // Length, name, content, checksum.
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let whole = (u32::from_be_bytes(*length) as usize).saturating_add(8);
        if after.len() < whole {
            return false;
        }
        if after.starts_with(b"IEND") {
            return true;
        }
        rest = &after[whole..];
    }
    false
}

/// Whether a JPEG's segments go on to the marker for the end of the image (ITU-T T.81, B.1 and
/// B.2). A preview inside of a segment has an end of its own, which does not count.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        // The next marker: 0xFF, and anything else than a stuffed 0 or more 0xFF. This also passes
        // over the coded pixels.
        let Some(at) = rest.iter().position(|byte| *byte == 0xFF) else { return false };
        rest = &rest[at + 1..];
        let Some(marker) = rest.first() else { return false };
        match marker {
            0xD9 => return true,
            // Another 0xFF may begin the marker.
            0xFF => {}
            // Stuffing, restarts, the start and the reserved marker have no content.
            0x00 | 0x01 | 0xD0..=0xD8 => rest = &rest[1..],
            _ => {
                let Some(length) = rest.get(1..3) else { return false };
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                match rest.get(1 + length.max(2)..) {
                    Some(after) => rest = after,
                    None => return false,
                }
            }
        }
    }
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
        assert_eq!(load_picture(&png).unwrap().stored, picture);
        let jpeg = folder.path().join("jpeg");
        picture.save_with_format(&jpeg, ImageFormat::Jpeg).unwrap();
        assert_eq!(load_picture(&jpeg).unwrap().stored.dimensions(), (9, 5));
        let grey = folder.path().join("grey.png");
        image::GrayAlphaImage::from_pixel(2, 3, image::LumaA([90, 0])).save(&grey).unwrap();
        let grey = load_picture(&grey).unwrap();
        assert_eq!(grey.stored, RgbImage::from_pixel(2, 3, image::Rgb([90; 3])));
        assert!(grey.transparent && !load_picture(&png).unwrap().transparent);
    }

    #[test]
    fn what_is_no_usable_picture_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole.png");
        RgbImage::new(64, 64).save(&whole).unwrap();
        let whole = fs::read(whole).unwrap();
        let cases: [(Vec<u8>, &str); 8] = [
            (b"no picture at all".to_vec(), "is no picture; give a whole PNG or JPEG picture"),
            (Vec::new(), "is no picture"),
            (b"GIF89a\x01\0\x01\0".to_vec(), "is a GIF file; give a whole PNG or JPEG picture"),
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

    /// An EXIF block that says how the picture is to be turned (TIFF 6.0, tag 0x0112).
    fn exif(orientation: u8) -> Vec<u8> {
        let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        tiff.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        tiff
    }

    /// A picture of two colours in a JPEG file that is to be turned like this.
    fn turned_jpeg(orientation: u8) -> Vec<u8> {
        let half = |x, y| if x < 24 && y < 16 { image::Rgb([250, 20, 20]) } else { BLUE };
        let picture = RgbImage::from_fn(48, 32, half);
        let mut jpeg = Cursor::new(Vec::new());
        picture.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
        let jpeg = jpeg.into_inner();
        let content = [b"Exif\0\0".to_vec(), exif(orientation)].concat();
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], b"\xff\xe1", &length, &content, &jpeg[2..]].concat()
    }

    const BLUE: image::Rgb<u8> = image::Rgb([20, 20, 250]);

    #[test]
    fn all_eight_orientations_are_turned_upright() {
        // Which corner of what is seen is red: right, bottom (EXIF 2.3, 4.6.4 A).
        let corners = [
            (1, [false, false]),
            (2, [true, false]),
            (3, [true, true]),
            (4, [false, true]),
            (5, [false, false]),
            (6, [true, false]),
            (7, [true, true]),
            (8, [false, true]),
        ];
        for (orientation, [right, bottom]) in corners {
            let bytes = turned_jpeg(orientation);
            let picture = Picture::decode(Path::new("a.jpg"), &bytes).unwrap();
            assert_eq!(picture.stored.dimensions(), (48, 32), "orientation {orientation}");
            let size = picture.upright_size();
            assert_eq!(size, if orientation > 4 { [32, 48] } else { [48, 32] });
            let upright = picture.upright();
            assert_eq!(<[u32; 2]>::from(upright.dimensions()), size);
            for (x, at_right) in [(4, false), (size[0] - 5, true)] {
                for (y, at_bottom) in [(4, false), (size[1] - 5, true)] {
                    let red = upright.get_pixel(x, y).0[0] > 128;
                    let expected = at_right == right && at_bottom == bottom;
                    assert_eq!(red, expected, "orientation {orientation} at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn files_that_end_early_are_refused_and_bytes_after_the_end_are_not() {
        let picture = RgbImage::from_fn(50, 40, |x, y| image::Rgb([x as u8 * 5, y as u8 * 6, 90]));
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).unwrap();
            let bytes = bytes.into_inner();
            let decode = |bytes: &[u8]| Picture::decode(Path::new("a"), bytes);
            let whole = decode(&bytes).unwrap();
            for length in 0..bytes.len() {
                assert!(decode(&bytes[..length]).is_err(), "{format:?} of {length} bytes");
            }
            let longer = [bytes.as_slice(), b"\xff\xd8 and more"].concat();
            assert_eq!(decode(&longer).unwrap(), whole);
        }
        // Its preview is whole; it is not.
        let preview = turned_jpeg(1);
        let length = (preview.len() as u16 + 2).to_be_bytes();
        let rest = &preview[2..preview.len() - 9];
        let half = [b"\xff\xd8\xff\xe2".as_slice(), &length, &preview, rest].concat();
        let message = Picture::decode(Path::new("a"), &half).unwrap_err().to_string();
        assert!(message.contains("ends early"), "{message}");
    }
}
