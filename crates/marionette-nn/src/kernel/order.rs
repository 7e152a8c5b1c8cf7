//! Conversion between channels-first and channels-last order.

use rayon::prelude::*;

/// Images of `length` values in `channels` channels: [B, C, H, W] to [B, H, W, C].
pub fn to_channels_last(x: &[f32], channels: usize, length: usize, y: &mut [f32]) {
    let pixels = length / channels;
    y.par_chunks_exact_mut(length).zip(x.par_chunks_exact(length)).for_each(|(y, x)| {
        for (channel, plane) in x.chunks_exact(pixels).enumerate() {
            for (pixel, value) in y.chunks_exact_mut(channels).zip(plane) {
                pixel[channel] = *value;
            }
        }
    });
}

/// The reverse: [B, H, W, C] to [B, C, H, W].
pub fn to_channels_first(x: &[f32], channels: usize, length: usize, y: &mut [f32]) {
    let pixels = length / channels;
    y.par_chunks_exact_mut(length).zip(x.par_chunks_exact(length)).for_each(|(y, x)| {
        for (channel, plane) in y.chunks_exact_mut(pixels).enumerate() {
            for (value, pixel) in plane.iter_mut().zip(x.chunks_exact(channels)) {
                *value = pixel[channel];
            }
        }
    });
}
