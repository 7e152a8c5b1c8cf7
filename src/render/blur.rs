//! For how many of a soft tile's pixels its blur is computed: what is blurred widely has nothing that needs all of them.

use crate::scene::Degradation;

/// Farthest from one place to the next where a picture is smooth, pixels.
const WIDEST_STRIDE: f32 = 8.0;

/// How a tile is blurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blur {
    /// No light reaches a pixel from those beside it.
    Sharp,
    /// At every pixel.
    Soft,
    /// At one place in every `stride` pixels along either side; what lies between is interpolated.
    Smooth { stride: u32 },
    /// At one place in every `stride` pixels along either side, for the whole block around it.
    Coarse { stride: u32 },
}

impl Blur {
    /// How `degradation` blurs.
    ///
    /// A smooth picture's Gaussian has a deviation of at least the stride: what its places would take for something coarser is below a
    /// fiftieth by then, and straight lines do between them.
    pub fn of(degradation: &Degradation) -> Self {
        if !is_soft(degradation) {
            return Blur::Sharp;
        }
        if degradation.block > 1 {
            return Blur::Coarse { stride: degradation.block };
        }
        match degradation.blur.min(WIDEST_STRIDE) as u32 {
            0 | 1 => Blur::Soft,
            stride => Blur::Smooth { stride },
        }
    }

    /// Pixels from one place to the next.
    pub fn stride(self) -> u32 {
        match self {
            Blur::Sharp | Blur::Soft => 1,
            Blur::Smooth { stride } | Blur::Coarse { stride } => stride,
        }
    }

    /// Standard deviation of the Gaussian, pixels, that makes up a blur of `whole` together with what lies between the places: straight
    /// lines blur like a triangle as wide as two strides, by a variance of a sixth of a stride squared.
    pub fn gaussian(self, whole: f32) -> f32 {
        match self {
            Blur::Smooth { stride } => (whole * whole - (stride * stride) as f32 / 6.0).sqrt(),
            _ => whole,
        }
    }
}

/// Whether any light reaches a pixel from those beside it.
fn is_soft(degradation: &Degradation) -> bool {
    let block = degradation.block as f32;
    let unfocused = 2.0 * degradation.aperture;
    // What a line as thin as a pixel gets too is in proportion to the motion.
    let variance = degradation.blur.powi(2)
        + (block * block - 1.0) / 12.0
        + unfocused.powi(2)
        + degradation.motion.length_squared();
    // Below a tenth of a pixel nothing is gathered: see `camera.wgsl`.
    variance > 0.01
}

/// Whether a tile is blurred along its columns first: along the longer side of its motion. `camera.wgsl` has it too.
pub fn columns_first(degradation: &Degradation) -> bool {
    degradation.motion.y.abs() > degradation.motion.x.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wide_blur_leaves_places_out() {
        for (deviation, stride) in [(0.7, 1), (1.9, 1), (2.0, 2), (3.4, 3), (7.9, 7), (16.0, 8)] {
            let blur = Blur::of(&Degradation { blur: deviation, ..Degradation::default() });
            assert_eq!(blur.stride(), stride, "{blur:?} for {deviation}");
            let between = if stride > 1 { (stride * stride) as f32 / 6.0 } else { 0.0 };
            assert!((blur.gaussian(deviation).powi(2) + between - deviation * deviation).abs() < 1e-4);
        }
        assert_eq!(Blur::of(&Degradation::default()), Blur::Sharp);
    }

    #[test]
    fn a_coarse_picture_has_a_place_for_each_block() {
        let blur = Blur::of(&Degradation { blur: 5.0, block: 3, ..Degradation::default() });
        assert_eq!((blur, blur.gaussian(5.0)), (Blur::Coarse { stride: 3 }, 5.0));
    }
}
