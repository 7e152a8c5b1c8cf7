//! Pictures.

use image::{ImageDecoder, ImageReader, Limits};
use marionette_base::picture_file::Picture;
use std::{io::Cursor, path::Path};

/// The largest picture that is decoded, pixels. The reader takes larger ones, which cost time and
/// find nothing more.
const MOST_PIXELS: u64 = 1 << 20;

/// A PNG or JPEG picture. One that is read has the size that its file claims.
pub fn picture(bytes: &[u8]) -> bool {
    let claimed = claimed(bytes);
    if claimed.is_some_and(|[width, height]| u64::from(width) * u64::from(height) > MOST_PIXELS) {
        return false;
    }
    let picture = match Picture::decode(Path::new("some.picture"), bytes) {
        Ok(picture) => picture,
        Err(error) => {
            assert!(error.to_string().starts_with("some.picture: "));
            assert!(!error.into_file_error().message.is_empty());
            return false;
        }
    };
    let (width, height) = picture.stored.dimensions();
    assert_eq!(Some([width, height]), claimed);
    assert_eq!(picture.stored.as_raw().len(), 3 * width as usize * height as usize);
    let (seen, is_turned) = (picture.upright_size(), picture.is_turned());
    let stored = picture.stored.clone();
    let upright = picture.upright();
    assert_eq!([upright.width(), upright.height()], seen);
    assert!(is_turned || upright == stored);
    true
}

/// The width and height in a picture's header.
fn claimed(bytes: &[u8]) -> Option<[u32; 2]> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.limits(Limits::no_limits());
    let (width, height) = reader.into_decoder().ok()?.dimensions();
    Some([width, height])
}
