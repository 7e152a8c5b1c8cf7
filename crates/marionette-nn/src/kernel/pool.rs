//! Max and average pooling of maps in channels-last order, an image at a time.

use super::shape::ShapeError;
use rayon::prelude::*;

/// A pooling with square windows. Values outside the map are ignored in a maximum and count as zero
/// in an average, as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolShape {
    /// Channels of input and output.
    pub channels: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Side of a window.
    pub kernel: usize,
    /// From one window to the next.
    pub stride: usize,
    /// Border around the input; at most half the kernel, so that every window covers a pixel.
    pub padding: usize,
}

impl PoolShape {
    /// This shape, if there can be such a pooling.
    ///
    /// # Errors
    /// If a size is zero, the window is larger than the map, or the border more than half a window.
    pub fn check(self) -> Result<Self, ShapeError> {
        let Self { channels, height, width, kernel, stride, padding } = self;
        let positive = ![channels, height, width, kernel, stride].contains(&0);
        let fits = positive && 2 * padding <= kernel && kernel <= height.min(width) + 2 * padding;
        if fits { Ok(self) } else { Err(ShapeError::pool(&self)) }
    }

    /// Height of the output.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Width of the output.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    fn in_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn out_len(&self) -> usize {
        self.out_height() * self.out_width() * self.channels
    }

    /// Calls `visit` with the first values of each output pixel and of each input pixel in its
    /// window, in order.
    fn windows(&self, mut visit: impl FnMut(usize, usize)) {
        let inside = |out: usize, place: usize, size: usize| {
            (out * self.stride + place).checked_sub(self.padding).filter(|place| *place < size)
        };
        for out_y in 0..self.out_height() {
            for out_x in 0..self.out_width() {
                let output = (out_y * self.out_width() + out_x) * self.channels;
                for y in (0..self.kernel).filter_map(|ky| inside(out_y, ky, self.height)) {
                    for x in (0..self.kernel).filter_map(|kx| inside(out_x, kx, self.width)) {
                        visit(output, (y * self.width + x) * self.channels);
                    }
                }
            }
        }
    }
}

/// The greatest value of every window: `x` [B, H, W, C] to `y` [B, H', W', C]. A NaN is greater
/// than any number.
pub fn max(shape: &PoolShape, x: &[f32], y: &mut [f32]) {
    y.par_chunks_mut(shape.out_len()).zip(x.par_chunks(shape.in_len())).for_each(|(y, x)| {
        y.fill(f32::NEG_INFINITY);
        shape.windows(|output, input| {
            for (y, x) in y[output..][..shape.channels].iter_mut().zip(&x[input..]) {
                *y = if *x > *y || x.is_nan() { *x } else { *y };
            }
        });
    });
}

/// Adds the gradient of [`max`] to `dx`: each goes to the first of its window's greatest values.
pub fn add_max_gradient(shape: &PoolShape, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let images = (
        x.par_chunks(shape.in_len()),
        y.par_chunks(shape.out_len()),
        dy.par_chunks(shape.out_len()),
    );
    dx.par_chunks_mut(shape.in_len()).zip(images.into_par_iter()).for_each(|(dx, (x, y, dy))| {
        let mut given = vec![false; shape.out_len()];
        shape.windows(|output, input| {
            for channel in 0..shape.channels {
                let (output, input) = (output + channel, input + channel);
                if x[input] == y[output] && !given[output] {
                    given[output] = true;
                    dx[input] += dy[output];
                }
            }
        });
    });
}

/// The mean of every window: `x` [B, H, W, C] to `y` [B, H', W', C].
pub fn average(shape: &PoolShape, x: &[f32], y: &mut [f32]) {
    let share = 1.0 / (shape.kernel * shape.kernel) as f32;
    y.par_chunks_mut(shape.out_len()).zip(x.par_chunks(shape.in_len())).for_each(|(y, x)| {
        y.fill(0.0);
        shape.windows(|output, input| {
            for (y, x) in y[output..][..shape.channels].iter_mut().zip(&x[input..]) {
                *y += share * x;
            }
        });
    });
}

/// Adds the gradient of [`average`] to `dx`.
pub fn add_average_gradient(shape: &PoolShape, dy: &[f32], dx: &mut [f32]) {
    let share = 1.0 / (shape.kernel * shape.kernel) as f32;
    dx.par_chunks_mut(shape.in_len()).zip(dy.par_chunks(shape.out_len())).for_each(|(dx, dy)| {
        shape.windows(|output, input| {
            for (dx, dy) in dx[input..][..shape.channels].iter_mut().zip(&dy[output..]) {
                *dx += share * dy;
            }
        });
    });
}
