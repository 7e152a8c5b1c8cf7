//! How finely a tile's light is drawn: a tile that will be blurred widely needs fewer pixels of it.

use marionette_stream::Degradation;

/// The largest scale. A larger one would save little time, and edges would begin to move.
const WIDEST_SCALE: f32 = 4.0;

/// The blur that drawing light for squares of pixels brings by itself: its variance in squares of
/// the scale. Interpolation between squares blurs like a triangle as wide as two, by a sixth. Rays
/// pass one or three eighths to either side of the squares' middles (`ray_through` in
/// `space.wgsl`).
const OF_SQUARES: f32 = 1.0 / 6.0 + 5.0 / 64.0;

/// How a tile is blurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blur {
    /// No light reaches a pixel from those beside it.
    Sharp,
    /// Light is drawn and blurred for every pixel.
    Soft,
    /// Light is drawn and blurred for every square of `scale` x `scale` pixels, and interpolated
    /// between their middles.
    Wide { scale: u32 },
}

impl Blur {
    /// How `degradation` blurs.
    ///
    /// The deviation of a wide blur is at least the scale, so about a dozen squares give a pixel
    /// its light.
    pub fn of(degradation: &Degradation) -> Self {
        if !is_soft(degradation) {
            return Blur::Sharp;
        }
        match variance(degradation).sqrt().clamp(1.0, WIDEST_SCALE) as u32 {
            1 if degradation.block <= 1 => Blur::Soft,
            scale => Blur::Wide { scale },
        }
    }

    /// The scale: light is drawn once for so many pixels along either side.
    pub fn scale(self) -> u32 {
        match self {
            Blur::Sharp | Blur::Soft => 1,
            Blur::Wide { scale } => scale,
        }
    }

    /// Standard deviation of the Gaussian that is still needed for the blur of `degradation`, in
    /// pixels over the scale: drawing squares has blurred a little already.
    pub fn gaussian(self, degradation: &Degradation) -> f32 {
        let scale = self.scale() as f32;
        let squares = if scale > 1.0 { OF_SQUARES } else { 0.0 };
        (variance(degradation) / (scale * scale) - squares).max(0.0).sqrt()
    }
}

/// Variance in pixels of the blur that is the same all over the picture. It includes that of a
/// coarse picture, whose pixels gather light over their whole blocks.
fn variance(degradation: &Degradation) -> f32 {
    let block = degradation.block as f32;
    degradation.blur.powi(2) + (block * block - 1.0) / 12.0
}

/// Whether any light reaches a pixel from those beside it.
fn is_soft(degradation: &Degradation) -> bool {
    let unfocused = 2.0 * degradation.aperture;
    // A line as thin as a pixel is blurred a little more, in proportion to the motion.
    let variance = variance(degradation) + unfocused.powi(2) + degradation.motion.length_squared();
    // Below a tenth of a pixel nothing is gathered: see `camera.wgsl`.
    variance > 0.01
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wide_blur_leaves_pixels_out() {
        for (deviation, scale) in [(0.7, 1), (1.9, 1), (2.0, 2), (3.4, 3), (3.99, 3), (16.0, 4)] {
            let degradation = Degradation { blur: deviation, ..Degradation::default() };
            let blur = Blur::of(&degradation);
            assert_eq!(blur.scale(), scale, "{blur:?} for {deviation}");
            let squares = if scale > 1 { OF_SQUARES } else { 0.0 };
            let whole = (blur.gaussian(&degradation).powi(2) + squares).sqrt() * scale as f32;
            assert!((whole - deviation).abs() < 1e-4, "{whole} instead of {deviation}");
        }
        assert_eq!(Blur::of(&Degradation::default()), Blur::Sharp);
    }

    #[test]
    fn a_coarse_picture_is_blurred_by_its_blocks_too() {
        let coarse = |blur, block| Degradation { blur, block, ..Degradation::default() };
        assert_eq!(Blur::of(&coarse(5.0, 3)), Blur::Wide { scale: 4 });
        assert_eq!(Blur::of(&coarse(0.0, 7)), Blur::Wide { scale: 2 });
        let slight = coarse(0.0, 2);
        assert_eq!(Blur::of(&slight), Blur::Wide { scale: 1 });
        assert_eq!(Blur::of(&slight).gaussian(&slight), 0.5);
    }
}
