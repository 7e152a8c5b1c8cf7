//! What becomes of a picture that is kept as a JPEG: its own blocks and halos, as the format makes them.

use image::{ExtendedColorType, ImageFormat, codecs::jpeg::JpegEncoder};

/// Replaces the colours (RGBA, `width` x `height`) by what a JPEG file of that `quality` (1 to 100) keeps of them.
///
/// The encoder works in whole numbers, so the result is the same on every machine.
pub fn keep(rgba: &mut [u8], width: u32, height: u32, quality: u8) {
    let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut file = Vec::new();
    let kept = JpegEncoder::new_with_quality(&mut file, quality)
        .encode(&rgb, width, height, ExtendedColorType::Rgb8)
        .and_then(|()| image::load_from_memory_with_format(&file, ImageFormat::Jpeg));
    // Neither fails for an image in memory; if one did, the picture would stay as it is.
    if let Ok(kept) = kept {
        for (pixel, kept) in rgba.chunks_exact_mut(4).zip(kept.into_rgb8().pixels()) {
            pixel[..3].copy_from_slice(&kept.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lower_quality_keeps_less_and_opacity_stays() {
        let picture: Vec<u8> = (0..40 * 24u32)
            .flat_map(|i| [(i * 37 % 251) as u8, (i * 11 % 241) as u8, (i % 40 * 6) as u8, 255])
            .collect();
        let lost = |quality| {
            let mut kept = picture.clone();
            keep(&mut kept, 40, 24, quality);
            assert!(kept.chunks_exact(4).all(|pixel| pixel[3] == 255));
            kept.iter().zip(&picture).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>()
        };
        assert!(lost(90) > 0 && lost(20) > lost(90), "{} at 20, {} at 90", lost(20), lost(90));
    }
}
