//! A photograph with what a detector found in it.

use super::{
    canvas::Area,
    marks::{self, Mark, Sizes},
};
use glam::Vec2;
use image::RgbImage;
use marionette_figure::KeypointScheme;

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

/// The picture, enlarged by a whole factor where it is small, with each sighting's keypoints and
/// skeleton (the person's own left in orange, the right in blue, the middle in white, faint where
/// the score is low) and the rectangle that the detector was shown, as far as it is in the picture.
/// Keypoints that are not finite, or beyond the scheme's, are not drawn.
pub fn photograph(picture: &RgbImage, scheme: &KeypointScheme, sightings: &[Sighting]) -> RgbImage {
    let (width, height) = picture.dimensions();
    let scale = LONG_ENOUGH.div_ceil(width.max(height).max(1));
    let mut sheet = RgbImage::from_fn(width * scale, height * scale, |x, y| {
        *picture.get_pixel(x / scale, y / scale)
    });
    for sighting in sightings {
        draw(&mut sheet, scale, [width, height], scheme, sighting);
    }
    sheet
}

fn draw(
    sheet: &mut RgbImage,
    scale: u32,
    [width, height]: [u32; 2],
    scheme: &KeypointScheme,
    sighting: &Sighting,
) {
    let area = Area { low: [0; 2], high: [width * scale, height * scale] };
    let place = |x: f64, y: f64| area.place(Vec2::new(x as f32, y as f32), scale);
    let [left, top, crop_width, crop_height] = sighting.crop;
    // A person may be small in a large picture, and a crop may reach out of it.
    let side = [crop_width, crop_height, f64::from(width.min(height))]
        .into_iter()
        .fold(f64::INFINITY, f64::min);
    let sizes = Sizes::suiting(side as f32 * scale as f32);
    let within = |corner: Vec2| {
        corner.clamp(Vec2::ZERO, Vec2::new(area.high[0] as f32, area.high[1] as f32))
    };
    let corners = [place(left, top), place(left + crop_width, top + crop_height)].map(within);
    marks::draw_crop(sheet, area, corners, sizes);
    let mark = |&[x, y, score]: &[f64; 3]| {
        let opacity = FAINTEST + (1.0 - FAINTEST) * (score as f32 / SURE).clamp(0.0, 1.0);
        let mark = Mark { place: place(x, y), hollow: false, opacity };
        mark.place.is_finite().then_some(mark)
    };
    let marks: Vec<Option<Mark>> =
        sighting.keypoints.iter().take(scheme.names.len()).map(mark).collect();
    marks::draw_skeleton(sheet, area, scheme, &marks, sizes);
}

#[cfg(test)]
mod tests {
    use super::{super::marks::*, *};
    use image::Rgb;
    use marionette_scene::load_scene;

    const GREY: [u8; 3] = [100; 3];

    fn sheet_with(
        width: u32,
        height: u32,
        crop: [f64; 4],
        points: &[(&str, [f64; 3])],
    ) -> RgbImage {
        let scheme = load_scene("quickstart").unwrap().figure.scheme();
        let mut keypoints = vec![[f64::NAN, 0.0, 1.0]; scheme.names.len()];
        for (name, point) in points {
            keypoints[scheme.names.iter().position(|known| known == name).unwrap()] = *point;
        }
        keypoints.push([1.0, 1.0, 1.0]);
        let picture = RgbImage::from_pixel(width, height, Rgb(GREY));
        photograph(&picture, &scheme, &[Sighting { crop, keypoints }])
    }

    #[test]
    fn small_pictures_are_enlarged_and_large_ones_never() {
        for (size, drawn) in [
            ((100, 50), (400, 200)),
            ((383, 2), (766, 4)),
            ((384, 9), (384, 9)),
            ((9, 900), (9, 900)),
        ] {
            assert_eq!(sheet_with(size.0, size.1, [0.0; 4], &[]).dimensions(), drawn);
        }
        assert_eq!(sheet_with(1, 1, [0.0; 4], &[]).dimensions(), (384, 384));
    }

    #[test]
    fn keypoints_land_on_their_place_in_the_colour_of_their_side_and_fade_with_their_score() {
        for (name, color) in [("left_wrist", LEFT), ("right_knee", RIGHT), ("nose", MIDDLE)] {
            let [sure, unsure] = [1.0, 0.0].map(|score| {
                sheet_with(96, 64, [0.0, 0.0, 96.0, 64.0], &[(name, [20.5, 30.25, score])])
            });
            // (20.5, 30.25) times 4 is the corner (82, 121).
            for (x, y) in [(81, 120), (82, 121), (81, 122), (83, 120)] {
                assert_eq!(sure.get_pixel(x, y).0, color, "{name} at {x}, {y}");
            }
            let (faint, strong) = (unsure.get_pixel(82, 121).0, sure.get_pixel(82, 121).0);
            let distance = |color: [u8; 3]| {
                color.iter().zip(GREY).map(|(a, b)| a.abs_diff(b) as u32).sum::<u32>()
            };
            assert!((1..distance(strong) / 3).contains(&distance(faint)), "{faint:?}");
        }
    }

    #[test]
    fn the_crop_is_outlined_as_far_as_it_is_in_the_picture() {
        let sheet = sheet_with(96, 64, [10.0, -500.0, 1000.0, 530.0], &[]);
        assert_eq!(sheet.get_pixel(40, 60).0, BOX, "the left edge, 10 times 4");
        assert_eq!(sheet.get_pixel(200, 119).0, BOX, "the lower edge, 30 times 4");
        assert_eq!(sheet.get_pixel(200, 0).0, BOX, "cut off at the top");
        assert_eq!(sheet.get_pixel(383, 60).0, BOX, "cut off on the right");
        assert_eq!(sheet.get_pixel(200, 60).0, GREY);
        sheet_with(
            96,
            64,
            [f64::NAN, -1e300, 1e300, f64::INFINITY],
            &[("nose", [1e300, -1e300, f64::NAN])],
        );
    }
}
