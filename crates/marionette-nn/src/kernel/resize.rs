//! Upsampling of maps in channels-last order by a whole factor, an image at a time.

use rayon::prelude::*;

/// How values between the pixels are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The pixel's own value.
    Nearest,
    /// Linear in both directions between pixel centres, constant beyond the outermost (PyTorch's
    /// `align_corners=False`).
    Bilinear,
}

/// An upsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResizeShape {
    /// Channels of input and output.
    pub channels: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// How many times as high and as wide the output is.
    pub factor: usize,
    /// How values between the pixels are computed.
    pub interpolation: Interpolation,
}

/// The two pixels that an output pixel lies between, along one side, and their shares.
pub type Between = [(usize, f32); 2];

impl ResizeShape {
    fn in_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn out_len(&self) -> usize {
        self.in_len() * self.factor * self.factor
    }

    /// Where the output pixels lie along a side of `size` input pixels.
    pub fn places(&self, size: usize) -> Vec<Between> {
        let place = |out: usize| match self.interpolation {
            Interpolation::Nearest => [(out / self.factor, 1.0), (out / self.factor, 0.0)],
            Interpolation::Bilinear => {
                let at = ((out as f32 + 0.5) / self.factor as f32 - 0.5).max(0.0);
                let first = (at as usize).min(size - 1);
                let share = at - first as f32;
                [(first, 1.0 - share), ((first + 1).min(size - 1), share)]
            }
        };
        (0..size * self.factor).map(place).collect()
    }

    /// Calls `visit` with the first values of each output pixel and of each input pixel that it is
    /// made of, and the share.
    fn shares(&self, mut visit: impl FnMut(usize, usize, f32)) {
        let (rows, columns) = (self.places(self.height), self.places(self.width));
        for (out_y, row) in rows.iter().enumerate() {
            for (out_x, column) in columns.iter().enumerate() {
                let output = (out_y * columns.len() + out_x) * self.channels;
                for (y, down) in row {
                    for (x, across) in column {
                        let share = down * across;
                        if share > 0.0 {
                            visit(output, (y * self.width + x) * self.channels, share);
                        }
                    }
                }
            }
        }
    }
}

/// `x` [B, H, W, C] to `y` [B, factor · H, factor · W, C].
pub fn forward(shape: &ResizeShape, x: &[f32], y: &mut [f32]) {
    y.par_chunks_mut(shape.out_len()).zip(x.par_chunks(shape.in_len())).for_each(|(y, x)| {
        y.fill(0.0);
        shape.shares(|output, input, share| {
            for (y, x) in y[output..][..shape.channels].iter_mut().zip(&x[input..]) {
                *y += share * x;
            }
        });
    });
}

/// Adds the gradient of [`forward`] to `dx`.
pub fn add_gradient(shape: &ResizeShape, dy: &[f32], dx: &mut [f32]) {
    dx.par_chunks_mut(shape.in_len()).zip(dy.par_chunks(shape.out_len())).for_each(|(dx, dy)| {
        shape.shares(|output, input, share| {
            for (dx, dy) in dx[input..][..shape.channels].iter_mut().zip(&dy[output..]) {
                *dx += share * dy;
            }
        });
    });
}
