//! Drawing shapes given by their distance: smooth edges, cut off at the tile's border.

use glam::Vec2;
use image::{Rgb, RgbImage};

const HALO: [u8; 3] = [0, 0, 0];
const HALO_OPACITY: f32 = 0.6;

/// A rectangle of sheet pixels: from `low` up to, not including, `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub low: [u32; 2],
    pub high: [u32; 2],
}

impl Area {
    /// The area with `by` more pixels on every side.
    pub fn grown(self, by: u32) -> Self {
        Area { low: self.low.map(|v| v.saturating_sub(by)), high: self.high.map(|v| v + by) }
    }

    /// Where image coordinates land in the sheet, both continuous.
    pub fn place(self, pixel: Vec2, scale: u32) -> Vec2 {
        Vec2::new(self.low[0] as f32, self.low[1] as f32) + pixel * scale as f32
    }
}

/// What a shape is painted with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink {
    pub color: [u8; 3],
    /// 1 hides the picture, 0 is not to be seen.
    pub opacity: f32,
}

impl From<[u8; 3]> for Ink {
    fn from(color: [u8; 3]) -> Self {
        Ink { color, opacity: 1.0 }
    }
}

/// Fills the part of `area` that lies in the sheet.
pub fn fill_area(sheet: &mut RgbImage, area: Area, color: [u8; 3]) {
    for y in area.low[1]..area.high[1].min(sheet.height()) {
        for x in area.low[0]..area.high[0].min(sheet.width()) {
            sheet.put_pixel(x, y, Rgb(color));
        }
    }
}

/// Paints where `distance` is below 0, over a dark halo that sets it off from any picture. Nothing
/// of the shape lies beyond the corners `low` and `high`.
pub fn paint(
    sheet: &mut RgbImage,
    area: Area,
    [low, high]: [Vec2; 2],
    ink: impl Into<Ink>,
    distance: impl Fn(Vec2) -> f32,
) {
    let Ink { color, opacity } = ink.into();
    if !low.is_finite() || !high.is_finite() {
        return;
    }
    let from = |axis: usize| ((low[axis] - 2.0).max(0.0) as u32).max(area.low[axis]);
    let to = |axis: usize, most: u32| {
        ((high[axis] + 3.0).max(0.0) as u32).min(area.high[axis]).min(most)
    };
    for y in from(1)..to(1, sheet.height()) {
        for x in from(0)..to(0, sheet.width()) {
            let d = distance(Vec2::new(x as f32 + 0.5, y as f32 + 0.5));
            let pixel = sheet.get_pixel_mut(x, y);
            blend(pixel, HALO, opacity * HALO_OPACITY * (1.5 - d).clamp(0.0, 1.0));
            blend(pixel, color, opacity * (0.5 - d).clamp(0.0, 1.0));
        }
    }
}

fn blend(pixel: &mut Rgb<u8>, color: [u8; 3], opacity: f32) {
    if opacity > 0.0 {
        for (channel, wanted) in pixel.0.iter_mut().zip(color) {
            *channel =
                (f32::from(*channel) * (1.0 - opacity) + f32::from(wanted) * opacity).round() as u8;
        }
    }
}

/// A line from `a` to `b`.
pub fn line(
    sheet: &mut RgbImage,
    area: Area,
    [a, b]: [Vec2; 2],
    half_width: f32,
    ink: impl Into<Ink>,
) {
    let along = b - a;
    let length_squared = along.length_squared().max(1e-6);
    let corners = [a.min(b) - half_width, a.max(b) + half_width];
    paint(sheet, area, corners, ink, |p| {
        let t = ((p - a).dot(along) / length_squared).clamp(0.0, 1.0);
        p.distance(a + along * t) - half_width
    });
}

/// A filled disc.
pub fn disc(sheet: &mut RgbImage, area: Area, centre: Vec2, radius: f32, ink: impl Into<Ink>) {
    paint(sheet, area, [centre - radius, centre + radius], ink, |p| p.distance(centre) - radius);
}

/// A ring whose outer radius is `radius`; within it the picture stays as it is.
pub fn ring(
    sheet: &mut RgbImage,
    area: Area,
    centre: Vec2,
    radius: f32,
    half_width: f32,
    ink: impl Into<Ink>,
) {
    paint(sheet, area, [centre - radius, centre + radius], ink, |p| {
        (p.distance(centre) - (radius - half_width)).abs() - half_width
    });
}
