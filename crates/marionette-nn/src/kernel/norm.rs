//! Batch norm (Ioffe and Szegedy 2015, arXiv 1502.03167) of maps in channels-last order, with the
//! rectifier and the shortcut that follow it, in one pass over memory each way.
//!
//! The forward pass takes its moments from the blocks that the convolution has just written.
//! Backward takes one pass for the sums and one for the gradient. Sums are taken over fixed blocks
//! and added in order.

use super::vector::{load, store};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Pixels that one task works on.
const PIXELS: usize = 512;

/// Calls a function for all channels, four vectors of them at once where there are so many: while
/// one sum waits for an addition, the others go on.
macro_rules! for_channels {
    ($channels:expr, $lanes:expr, |$from:ident, $vectors:ident| $call:expr) => {
        let mut $from = 0;
        while $from < $channels {
            if $channels - $from >= 4 * $lanes {
                const $vectors: usize = 4;
                $call;
                $from += 4 * $lanes;
            } else {
                const $vectors: usize = 1;
                $call;
                $from += $lanes;
            }
        }
    };
}

/// Count, mean and sum of squared deviations of the channels of one block: `moments` holds C means,
/// then C sums.
pub fn block_moments(block: &[f32], channels: usize, moments: &mut [f32]) {
    Arch::new().dispatch(Moments { block, channels, moments });
}

struct Moments<'a> {
    block: &'a [f32],
    channels: usize,
    moments: &'a mut [f32],
}

impl WithSimd for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Moments { block, channels, moments } = self;
        let (means, squares) = moments.split_at_mut(channels);
        for_channels!(channels, S::F32_LANES, |from, VECTORS| moments_of::<S, VECTORS>(
            simd, block, channels, from, means, squares
        ));
    }
}

/// The moments of VECTORS vectors of channels from `from` on, kept in registers.
#[inline(always)]
fn moments_of<S: Simd, const VECTORS: usize>(
    simd: S,
    block: &[f32],
    channels: usize,
    from: usize,
    means: &mut [f32],
    squares: &mut [f32],
) {
    let share = simd.splat_f32s(1.0 / (block.len() / channels) as f32);
    let mut mean = [simd.splat_f32s(0.0); VECTORS];
    for pixel in block.chunks_exact(channels) {
        for vector in 0..VECTORS {
            let value = load(simd, &pixel[from + vector * S::F32_LANES..]);
            mean[vector] = simd.add_f32s(mean[vector], value);
        }
    }
    for vector in 0..VECTORS {
        mean[vector] = simd.mul_f32s(mean[vector], share);
        store(simd, &mut means[from + vector * S::F32_LANES..], mean[vector]);
    }
    let mut square = [simd.splat_f32s(0.0); VECTORS];
    for pixel in block.chunks_exact(channels) {
        for vector in 0..VECTORS {
            let value = load(simd, &pixel[from + vector * S::F32_LANES..]);
            let deviation = simd.sub_f32s(value, mean[vector]);
            square[vector] = simd.mul_add_e_f32s(deviation, deviation, square[vector]);
        }
    }
    for vector in 0..VECTORS {
        store(simd, &mut squares[from + vector * S::F32_LANES..], square[vector]);
    }
}

/// Mean and variance (biased) of every channel over a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Per channel.
    pub mean: Vec<f32>,
    /// Per channel; the mean squared deviation.
    pub variance: Vec<f32>,
}

impl Statistics {
    /// Joins the moments of blocks of `block` pixels, the last of which may be shorter, of `pixels`
    /// in all (Chan et al. 1983, Eq. 2.1).
    pub fn join(&mut self, moments: &[f32], channels: usize, block: usize, pixels: usize) {
        self.mean.resize(channels, 0.0);
        self.variance.resize(channels, 0.0);
        for channel in 0..channels {
            let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
            for (index, moments) in moments.chunks_exact(2 * channels).enumerate() {
                let n = block.min(pixels - index * block) as f64;
                let difference = f64::from(moments[channel]) - mean;
                let total = count + n;
                mean += difference * n / total;
                squares += f64::from(moments[channels + channel])
                    + difference * difference * count * n / total;
                count = total;
            }
            self.mean[channel] = mean as f32;
            self.variance[channel] = (squares / count.max(1.0)) as f32;
        }
    }
}

/// What follows a convolution: z = max(scale · y + shift + shortcut, 0), where the shortcut and the
/// maximum are optional.
#[derive(Clone, Copy)]
pub struct Affine<'a> {
    /// Per channel; absent for 1.
    pub scale: Option<&'a [f32]>,
    /// Per channel.
    pub shift: &'a [f32],
    /// Whether negative results become 0.
    pub relu: bool,
}

impl Affine<'_> {
    /// In place, on a few pixels.
    pub fn finish(&self, y: &mut [f32], shortcut: Option<&[f32]>) {
        Arch::new().dispatch(Apply { affine: *self, y: None, shortcut, z: y });
    }

    /// `z` of `y`, on whole maps.
    pub fn apply(&self, y: &[f32], shortcut: Option<&[f32]>, z: &mut [f32]) {
        let length = PIXELS * self.shift.len();
        z.par_chunks_mut(length).zip(y.par_chunks(length)).enumerate().for_each(
            |(index, (z, y))| {
                let shortcut = shortcut.map(|values| &values[index * length..][..z.len()]);
                Arch::new().dispatch(Apply { affine: *self, y: Some(y), shortcut, z });
            },
        );
    }

    #[inline(always)]
    fn value<S: Simd>(
        &self,
        simd: S,
        y: S::f32s,
        shortcut: Option<S::f32s>,
        from: usize,
    ) -> S::f32s {
        let shift = load(simd, &self.shift[from..]);
        let mut value = match self.scale {
            Some(scale) => simd.mul_add_e_f32s(load(simd, &scale[from..]), y, shift),
            None => simd.add_f32s(y, shift),
        };
        if let Some(shortcut) = shortcut {
            value = simd.add_f32s(value, shortcut);
        }
        // A NaN stays a NaN, so that the trainer sees it.
        let zero = simd.splat_f32s(0.0);
        if self.relu {
            simd.select_f32s(simd.less_than_f32s(value, zero), zero, value)
        } else {
            value
        }
    }
}

struct Apply<'a> {
    affine: Affine<'a>,
    /// The input; none if `z` holds it.
    y: Option<&'a [f32]>,
    shortcut: Option<&'a [f32]>,
    z: &'a mut [f32],
}

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.affine.shift.len();
        for (pixel, z) in self.z.chunks_exact_mut(channels).enumerate() {
            for from in (0..channels).step_by(S::F32_LANES) {
                let at = pixel * channels + from..(pixel + 1) * channels;
                let y = match self.y {
                    Some(y) => load(simd, &y[at.clone()]),
                    None => load(simd, &z[from..]),
                };
                let shortcut = self.shortcut.map(|values| load(simd, &values[at]));
                let value = self.affine.value(simd, y, shortcut, from);
                store(simd, &mut z[from..], value);
            }
        }
    }
}

/// Number of values that the `sums` of [`backward_sums`] need for `pixels` pixels.
pub fn sums_len(pixels: usize, channels: usize) -> usize {
    pixels.div_ceil(PIXELS) * 2 * channels
}

/// First pass of the gradient. `dz` becomes the gradient before the rectifier: with `z`, it is set
/// to 0 where `z` is not above 0. Returns the sum of `dz` per channel and, with `deviation` = (y,
/// mean), the sum of its product with y - mean.
pub fn backward_sums(
    z: Option<&[f32]>,
    deviation: Option<(&[f32], &[f32])>,
    dz: &mut [f32],
    channels: usize,
    sums: &mut [f32],
) -> (Vec<f64>, Vec<f64>) {
    let length = PIXELS * channels;
    dz.par_chunks_mut(length).zip(sums.par_chunks_mut(2 * channels)).enumerate().for_each(
        |(index, (dz, sums))| {
            let part = index * length..index * length + dz.len();
            let z = z.map(|z| &z[part.clone()]);
            let deviation = deviation.map(|(y, mean)| (&y[part], mean));
            Arch::new().dispatch(Sums { z, deviation, dz, channels, sums });
        },
    );
    let mut total = (vec![0.0; channels], vec![0.0; channels]);
    for sums in sums.chunks_exact(2 * channels) {
        for channel in 0..channels {
            total.0[channel] += f64::from(sums[channel]);
            total.1[channel] += f64::from(sums[channels + channel]);
        }
    }
    total
}

struct Sums<'a> {
    z: Option<&'a [f32]>,
    deviation: Option<(&'a [f32], &'a [f32])>,
    dz: &'a mut [f32],
    channels: usize,
    sums: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Sums { z, deviation, dz, channels, sums } = self;
        let (sums, products) = sums.split_at_mut(channels);
        for_channels!(channels, S::F32_LANES, |from, VECTORS| sums_of::<S, VECTORS>(
            simd, z, deviation, dz, channels, from, sums, products
        ));
    }
}

/// The sums of VECTORS vectors of channels from `from` on, kept in registers.
#[inline(always)]
fn sums_of<S: Simd, const VECTORS: usize>(
    simd: S,
    z: Option<&[f32]>,
    deviation: Option<(&[f32], &[f32])>,
    dz: &mut [f32],
    channels: usize,
    from: usize,
    sums: &mut [f32],
    products: &mut [f32],
) {
    let zero = simd.splat_f32s(0.0);
    let (mut sum, mut product) = ([zero; VECTORS], [zero; VECTORS]);
    let mut means = [zero; VECTORS];
    if let Some((_, mean)) = deviation {
        for vector in 0..VECTORS {
            means[vector] = load(simd, &mean[from + vector * S::F32_LANES..]);
        }
    }
    for (pixel, dz) in dz.chunks_exact_mut(channels).enumerate() {
        let pixel = pixel * channels..(pixel + 1) * channels;
        for vector in 0..VECTORS {
            let at = from + vector * S::F32_LANES;
            let mut gradient = load(simd, &dz[at..]);
            if let Some(z) = z {
                let passes = simd.greater_than_f32s(load(simd, &z[pixel.clone()][at..]), zero);
                gradient = simd.select_f32s(passes, gradient, zero);
                store(simd, &mut dz[at..], gradient);
            }
            sum[vector] = simd.add_f32s(sum[vector], gradient);
            if let Some((y, _)) = deviation {
                let y = load(simd, &y[pixel.clone()][at..]);
                let deviation = simd.sub_f32s(y, means[vector]);
                product[vector] = simd.mul_add_e_f32s(gradient, deviation, product[vector]);
            }
        }
    }
    for vector in 0..VECTORS {
        store(simd, &mut sums[from + vector * S::F32_LANES..], sum[vector]);
        store(simd, &mut products[from + vector * S::F32_LANES..], product[vector]);
    }
}

/// Second pass: dy = `by_gradient` · g + `by_value` · y + `constant`, all per channel. `g` is the
/// first pass's.
pub fn backward_apply(
    g: &[f32],
    y: &[f32],
    by_gradient: &[f32],
    by_value: &[f32],
    constant: &[f32],
    dy: &mut [f32],
) {
    let channels = constant.len();
    let length = PIXELS * channels;
    dy.par_chunks_mut(length).zip(g.par_chunks(length)).zip(y.par_chunks(length)).for_each(
        |((dy, g), y)| {
            Arch::new().dispatch(Gradient { g, y, by_gradient, by_value, constant, dy });
        },
    );
}

struct Gradient<'a> {
    g: &'a [f32],
    y: &'a [f32],
    by_gradient: &'a [f32],
    by_value: &'a [f32],
    constant: &'a [f32],
    dy: &'a mut [f32],
}

impl WithSimd for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let channels = self.constant.len();
        let inputs = self.g.chunks_exact(channels).zip(self.y.chunks_exact(channels));
        for (dy, (g, y)) in self.dy.chunks_exact_mut(channels).zip(inputs) {
            for from in (0..channels).step_by(S::F32_LANES) {
                let of = |values: &[f32]| load(simd, &values[from..]);
                let value = simd.mul_add_e_f32s(of(self.by_value), of(y), of(self.constant));
                let value = simd.mul_add_e_f32s(of(self.by_gradient), of(g), value);
                store(simd, &mut dy[from..], value);
            }
        }
    }
}
