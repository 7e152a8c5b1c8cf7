//! Pixels as files: JPEG, PNG, depth and ids.

use crate::job::Pictures;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use marionette_stream::{FAR_DEPTH, PixelId, Tile};

/// The tile's colours as a file.
///
/// # Errors
/// What the encoder says.
pub fn picture(tile: &Tile, pictures: Pictures) -> Result<Vec<u8>, String> {
    let size = [tile.width, tile.height];
    match pictures {
        Pictures::Jpg { quality } => {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, quality);
            // Colour at half the resolution would blur limbs that are a few pixels wide.
            encoder.set_sampling_factor(SamplingFactor::F_1_1);
            let sides = size.map(|side| u16::try_from(side).map_err(|e| e.to_string()));
            let [width, height] = sides;
            encoder
                .encode(&tile.color, width?, height?, ColorType::Rgba)
                .map_err(|e| e.to_string())?;
            Ok(bytes)
        }
        Pictures::Png => {
            let rgb: Vec<u8> = tile.rgb();
            png(&rgb, size, ExtendedColorType::Rgb8)
        }
    }
}

/// The tile's depth as a PNG of 16 bits: millimetres along the camera's forward axis; 0 where no
/// surface is seen or it is farther away than 65.535 m.
///
/// # Errors
/// What the encoder says.
pub fn depth(tile: &Tile) -> Result<Vec<u8>, String> {
    gray(tile, tile.depth.iter().map(|metres| millimetres(*metres)))
}

fn millimetres(metres: f32) -> u16 {
    let millimetres = (metres * 1000.0).round();
    let seen = metres < FAR_DEPTH && (0.0..=f32::from(u16::MAX)).contains(&millimetres);
    if seen { millimetres as u16 } else { 0 }
}

/// What each pixel shows as a PNG of 16 bits, see [`PixelId`].
///
/// # Errors
/// What the encoder says.
pub fn ids(tile: &Tile) -> Result<Vec<u8>, String> {
    gray(tile, tile.ids.iter().map(|PixelId(id)| *id))
}

fn gray(tile: &Tile, values: impl Iterator<Item = u16>) -> Result<Vec<u8>, String> {
    let bytes: Vec<u8> = values.flat_map(u16::to_ne_bytes).collect();
    png(&bytes, [tile.width, tile.height], ExtendedColorType::L16)
}

fn png(bytes: &[u8], size: [usize; 2], color: ExtendedColorType) -> Result<Vec<u8>, String> {
    let mut file = Vec::new();
    let [width, height] = size.map(|side| side as u32);
    let encoder = PngEncoder::new(&mut file);
    encoder.write_image(bytes, width, height, color).map_err(|e| e.to_string())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_in_millimetres_and_nothing_is_nought() {
        assert_eq!(millimetres(1.2345), 1235);
        assert_eq!(millimetres(65.535), 65535);
        for far in [65.6, FAR_DEPTH, f32::INFINITY, f32::NAN] {
            assert_eq!(millimetres(far), 0);
        }
    }
}
