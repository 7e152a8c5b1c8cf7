//! A tile's pixels, enlarged: the picture, its depth or its ids.

use super::{
    Overlay,
    canvas::{self, Area},
};
use glam::Vec3;
use image::RgbImage;
use marionette_stream::{FAR_DEPTH, PixelId, Shown, Tile};

/// What shows where there is nothing, or nothing is known.
const NOTHING: [u8; 3] = [8, 8, 16];
/// Grey level of the farthest depth that is not nothing.
const FARTHEST: f32 = 32.0;
/// How much of an id's colour follows the picture's luminance.
const LUMINANCE_SHARE: f32 = 0.35;

/// Draws the tile's pixels, each a square of `scale` sheet pixels.
pub fn draw(sheet: &mut RgbImage, area: Area, tile: &Tile, overlays: &[Overlay], scale: u32) {
    let depth = overlays.contains(&Overlay::Depth).then(|| DepthRange::of(&tile.depth));
    let ids = overlays.contains(&Overlay::Ids);
    for index in 0..tile.width * tile.height {
        let mut color = match (&depth, tile.color.get(4 * index..4 * index + 3)) {
            (Some(range), _) => tile.depth.get(index).map_or(NOTHING, |depth| range.shade(*depth)),
            (None, Some(&[r, g, b])) => [r, g, b],
            _ => NOTHING,
        };
        if ids && let Some(id) = tile.ids.get(index) {
            color = tinted(id_color(*id), color);
        }
        let low = [
            area.low[0] + (index % tile.width) as u32 * scale,
            area.low[1] + (index / tile.width) as u32 * scale,
        ];
        canvas::fill_area(sheet, Area { low, high: low.map(|v| v + scale) }, color);
    }
}

/// The reciprocals of the farthest and the nearest depth of a tile.
struct DepthRange {
    far: f32,
    near: f32,
}

impl DepthRange {
    fn of(depth: &[f32]) -> Self {
        let mut range = DepthRange { far: f32::INFINITY, near: 0.0 };
        for reciprocal in
            depth.iter().filter(|depth| is_something(**depth)).map(|depth| depth.recip())
        {
            range.far = range.far.min(reciprocal);
            range.near = range.near.max(reciprocal);
        }
        range
    }

    /// Linear in the reciprocal: a ground that runs to the horizon would leave little of the range
    /// of depth itself.
    fn shade(&self, depth: f32) -> [u8; 3] {
        if !is_something(depth) {
            return NOTHING;
        }
        let span = self.near - self.far;
        let nearness = if span > 0.0 { (depth.recip() - self.far) / span } else { 1.0 };
        [(FARTHEST + (255.0 - FARTHEST) * nearness).round() as u8; 3]
    }
}

fn is_something(depth: f32) -> bool {
    depth > 0.0 && depth < FAR_DEPTH
}

/// `color`, partly as bright as `picture`.
fn tinted(color: Vec3, picture: [u8; 3]) -> [u8; 3] {
    let luminance =
        Vec3::from(picture.map(f32::from)).dot(Vec3::new(0.2126, 0.7152, 0.0722)) / 255.0;
    let shaded = color * (1.0 - LUMINANCE_SHARE + LUMINANCE_SHARE * luminance);
    shaded.to_array().map(|v| (v * 255.0).round() as u8)
}

/// The colour that stands for `id`, sRGB of [0, 1]. Twelve hues, five twelfths apart from one part
/// to the next, in seven rounds of other saturation and brightness (those that keep up to 84 parts
/// apart best); further figures are paler and darker than the primary one, props near grey.
pub fn id_color(id: PixelId) -> Vec3 {
    const HUES: usize = 12;
    const ROUNDS: [[f32; 2]; 7] = [
        [0.95, 1.0],
        [0.5, 1.0],
        [0.95, 0.6],
        [0.5, 0.62],
        [0.46, 0.79],
        [0.7, 0.46],
        [0.91, 0.94],
    ];
    const GOLDEN: f32 = 0.618_034;
    match id.shown() {
        Shown::Backdrop => Vec3::splat(0.2),
        Shown::Figure { figure, part } => {
            let round = part / HUES;
            let hue = ((part * 5 % HUES) as f32 + (round as f32 * GOLDEN).fract()) / HUES as f32;
            let [saturation, value] = ROUNDS[round % ROUNDS.len()];
            let rank = figure.min(3) as i32;
            from_hue(
                (hue + figure as f32 * 0.04).fract(),
                saturation * 0.75f32.powi(rank),
                value * 0.9f32.powi(rank),
            )
        }
        Shown::Prop(prop) => {
            from_hue((0.5 + prop as f32 * GOLDEN).fract(), 0.15, [1.0, 0.78, 0.6][prop % 3])
        }
    }
}

fn from_hue(hue: f32, saturation: f32, value: f32) -> Vec3 {
    let channel = |shift: f32| (((hue + shift).fract() * 6.0 - 3.0).abs() - 1.0).clamp(0.0, 1.0);
    let pure = Vec3::new(channel(0.0), channel(2.0 / 3.0), channel(1.0 / 3.0));
    Vec3::ONE.lerp(pure, saturation) * value
}
