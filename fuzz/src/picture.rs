//! Pictures.

use crate::temporary;
use image::{ImageDecoder, ImageReader, Limits};
use marionette_train::eval::picture::load_picture;
use std::io::Cursor;

/// The largest picture that is decoded, pixels. The reader takes larger ones, which cost time and
/// find nothing more.
const MOST_PIXELS: u64 = 1 << 20;

/// A PNG or JPEG picture. One that is read has the size that its file claims.
pub fn picture(bytes: &[u8]) -> bool {
    let claimed = claimed(bytes);
    if claimed.is_some_and(|[width, height]| u64::from(width) * u64::from(height) > MOST_PIXELS) {
        return false;
    }
    match load_picture(&temporary::file("picture", bytes)) {
        Ok(picture) => {
            assert_eq!(Some([picture.width(), picture.height()]), claimed);
            assert_eq!(
                picture.as_raw().len() as u64,
                3 * u64::from(picture.width()) * u64::from(picture.height())
            );
            true
        }
        Err(error) => {
            assert!(error.to_string().contains("picture"));
            false
        }
    }
}

/// The width and height in a picture's header.
fn claimed(bytes: &[u8]) -> Option<[u32; 2]> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    reader.limits(Limits::no_limits());
    let (width, height) = reader.into_decoder().ok()?.dimensions();
    Some([width, height])
}
