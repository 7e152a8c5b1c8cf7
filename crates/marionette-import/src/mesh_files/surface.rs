//! How a material of a mesh file is coloured: with one colour or with a picture.

use glam::Vec2;
use marionette_base::picture_file::load_picture;
use std::path::Path;

/// A picture's sides are averaged down to so many pixels at most: a figure is drawn small.
const LARGEST_SIDE: u32 = 256;

/// The colours of a surface, sRGB.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    pub color: Option<[u8; 3]>,
    texture: Option<Texture>,
}

#[derive(Clone, Debug, PartialEq)]
struct Texture {
    size: [u32; 2],
    pixels: Vec<[u8; 3]>,
}

impl Surface {
    /// The colour at `place` of the picture: from the lower left, 1 is its whole side.
    pub fn at(&self, place: Option<Vec2>) -> Option<[u8; 3]> {
        let (Some(texture), Some(place)) = (&self.texture, place.filter(|p| p.is_finite())) else {
            return self.color;
        };
        let [width, height] = texture.size;
        let pixel = |part: f32, side: u32| {
            let part = part - part.floor();
            ((part * side as f32) as u32).min(side - 1)
        };
        let (column, row) = (pixel(place.x, width), pixel(1.0 - place.y, height));
        Some(texture.pixels[(row * width + column) as usize])
    }

    /// Takes the colours from the picture at `path` where that can be read.
    ///
    /// # Errors
    /// If it cannot, which leaves the surface as it is: one sentence.
    pub fn paint(&mut self, path: &Path) -> Result<(), String> {
        let picture = load_picture(path)
            .map_err(|error| format!("the texture {error}; the plain colour was taken instead."))?;
        let picture = picture.upright();
        let (width, height) = (picture.width(), picture.height());
        let step = width.max(height).div_ceil(LARGEST_SIDE);
        let size = [width.div_ceil(step), height.div_ceil(step)];
        let block = |column: u32, row: u32| {
            let mut sum = [0_u32; 3];
            let mut count = 0;
            for y in row * step..((row + 1) * step).min(height) {
                for x in column * step..((column + 1) * step).min(width) {
                    let pixel = picture.get_pixel(x, y).0;
                    sum = [0, 1, 2].map(|channel| sum[channel] + u32::from(pixel[channel]));
                    count += 1;
                }
            }
            sum.map(|sum| (sum / count) as u8)
        };
        let pixels = (0..size[1]).flat_map(|row| (0..size[0]).map(move |column| (column, row)));
        let pixels = pixels.map(|(column, row)| block(column, row)).collect();
        self.texture = Some(Texture { size, pixels });
        Ok(())
    }
}

/// An sRGB colour of 0 to 1 in bytes.
pub fn bytes(color: [f32; 3]) -> [u8; 3] {
    color.map(|channel| (channel.clamp(0.0, 1.0) * 255.0).round() as u8)
}
