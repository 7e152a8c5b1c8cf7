//! The names of keypoints, written into a tile so that none covers another.

use super::{
    canvas::{self, Area},
    font, marks,
};
use glam::Vec2;
use image::RgbImage;
use marionette_figure::KeypointScheme;
use marionette_stream::{LabelledKeypoint, Visibility};

const SHADE: [u8; 3] = [16, 16, 20];

/// Writes the name of each keypoint in the image beside its place, and a line from the place to it.
/// A name that has no room beside its place goes to the nearest row that has.
pub fn draw_names(
    sheet: &mut RgbImage,
    area: Area,
    scheme: &KeypointScheme,
    labels: &[LabelledKeypoint],
    scale: u32,
) {
    let mut taken: Vec<[f32; 4]> = Vec::new();
    for (name, label) in scheme.names.iter().zip(labels) {
        if label.visibility == Visibility::Outside {
            continue;
        }
        let place = area.place(label.pixel, scale);
        let size =
            Vec2::new((name.chars().count() as u32 * font::ADVANCE) as f32, font::LINE as f32);
        let low = Vec2::new(area.low[0] as f32, area.low[1] as f32);
        let high = Vec2::new(area.high[0] as f32, area.high[1] as f32) - size;
        let free = |at: Vec2| {
            let [left, top, right, bottom] = [at.x, at.y, at.x + size.x, at.y + size.y];
            let apart = |other: &[f32; 4]| {
                right <= other[0] || other[2] <= left || bottom <= other[1] || other[3] <= top
            };
            taken.iter().all(apart)
        };
        let rows = (0..40).flat_map(|row| [-(row as f32), row as f32]);
        let tried = rows.flat_map(|row| {
            let beside = Vec2::new(size.x * 0.5 + 8.0, 0.0);
            let step = Vec2::new(0.0, row * size.y);
            [place + beside + step, place - beside + step].map(|middle| middle - size * 0.5)
        });
        let mut inside = tried.map(|at| at.clamp(low, high.max(low)).floor());
        let Some(at) = inside.find(|at| free(*at)) else { continue };
        taken.push([at.x, at.y, at.x + size.x, at.y + size.y]);
        let color = marks::side_color(name);
        canvas::line(sheet, area, [place, at + size * 0.5], 0.5, color);
        let corner = [at.x.max(0.0) as u32, at.y.max(0.0) as u32];
        let far = [corner[0] + size.x as u32, corner[1] + size.y as u32];
        canvas::fill_area(sheet, Area { low: corner, high: far }, SHADE);
        font::draw(sheet, corner.map(|side| side + 1), name, color, 1);
    }
}
