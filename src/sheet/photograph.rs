//! A photograph with what a detector found in it.

use super::{
    canvas::Area,
    marks::{self, Mark, Sizes},
};
use crate::figure::KeypointScheme;
use glam::Vec2;
use image::RgbImage;

/// A picture's longer side is enlarged to at least this, pixels: marks need room.
pub const LONG_ENOUGH: u32 = 384;
/// The score from which a keypoint is drawn solid; below it is the fainter the lower.
const SURE: f32 = 0.5;
/// Opacity of a keypoint with a score of 0.
const FAINTEST: f32 = 0.15;

/// A person found in a photograph, in its continuous pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The rectangle that the detector was shown: left, top, width, height.
    pub crop: [f64; 4],
    /// x, y and score of every keypoint.
    pub keypoints: Vec<[f64; 3]>,
}

/// The picture, enlarged by a whole factor where it is small, with the sighting's keypoints and skeleton (the person's own
/// left in orange, the right in blue, the middle in white, faint where the score is low) and the rectangle that the detector
/// was shown. Keypoints that are not finite, or beyond the scheme's, are not drawn.
pub fn photograph(picture: &RgbImage, scheme: &KeypointScheme, sighting: &Sighting) -> RgbImage {
    let (width, height) = picture.dimensions();
    let scale = LONG_ENOUGH.div_ceil(width.max(height).max(1));
    let mut sheet = RgbImage::from_fn(width * scale, height * scale, |x, y| *picture.get_pixel(x / scale, y / scale));
    let area = Area { low: [0; 2], high: [width * scale, height * scale] };
    let place = |x: f64, y: f64| area.place(Vec2::new(x as f32, y as f32), scale);
    let [left, top, crop_width, crop_height] = sighting.crop;
    // A person may be small in a large picture, and a crop may reach out of it.
    let side = [crop_width, crop_height, f64::from(width.min(height))].into_iter().fold(f64::INFINITY, f64::min);
    let sizes = Sizes::suiting(side as f32 * scale as f32);
    let corners = [place(left, top), place(left + crop_width, top + crop_height)];
    marks::draw_crop(&mut sheet, area, corners, sizes);
    let mark = |&[x, y, score]: &[f64; 3]| {
        let opacity = FAINTEST + (1.0 - FAINTEST) * (score as f32 / SURE).clamp(0.0, 1.0);
        let mark = Mark { place: place(x, y), hollow: false, opacity };
        mark.place.is_finite().then_some(mark)
    };
    let marks: Vec<Option<Mark>> = sighting.keypoints.iter().take(scheme.names.len()).map(mark).collect();
    marks::draw_skeleton(&mut sheet, area, scheme, &marks, sizes);
    sheet
}
