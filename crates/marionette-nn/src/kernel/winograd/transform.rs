//! The transforms of F(4x4, 3x3) at the points 0, ±1, ±2 and infinity, each on whole vectors of
//! channels.
//!
//! The double loops are written out in each: a transform that is handed on as a function is not
//! compiled into the code for the vectors at hand, and takes four times as long.

use super::{
    super::{
        product::Write,
        vector::{get, put, scale, scale_add},
    },
    tiling::{OutputTile, PLACES, TILE, Tiling},
};
use pulp::Simd;

/// Side of what an output tile is made from.
const PATCH: usize = TILE + 2;

/// Bᵀ v.
#[inline(always)]
fn input_points<S: Simd>(simd: S, v: [S::f32s; PATCH]) -> [S::f32s; PATCH] {
    let even = scale_add(simd, v[2], -4.0, v[4]);
    let odd = scale_add(simd, v[1], -4.0, v[3]);
    let half_even = simd.sub_f32s(v[4], v[2]);
    let half_odd = scale(simd, simd.sub_f32s(v[3], v[1]), 2.0);
    [
        scale_add(simd, v[0], 4.0, scale_add(simd, v[2], -5.0, v[4])),
        simd.add_f32s(even, odd),
        simd.sub_f32s(even, odd),
        simd.add_f32s(half_even, half_odd),
        simd.sub_f32s(half_even, half_odd),
        scale_add(simd, v[1], 4.0, scale_add(simd, v[3], -5.0, v[5])),
    ]
}

/// Aᵀ v.
#[inline(always)]
fn output_points<S: Simd>(simd: S, v: [S::f32s; PATCH]) -> [S::f32s; TILE] {
    let (sum1, difference1) = (simd.add_f32s(v[1], v[2]), simd.sub_f32s(v[1], v[2]));
    let (sum2, difference2) = (simd.add_f32s(v[3], v[4]), simd.sub_f32s(v[3], v[4]));
    [
        simd.add_f32s(simd.add_f32s(v[0], sum1), sum2),
        scale_add(simd, difference2, 2.0, difference1),
        scale_add(simd, sum2, 4.0, sum1),
        simd.add_f32s(scale_add(simd, difference2, 8.0, difference1), v[5]),
    ]
}

/// A v.
#[inline(always)]
fn gradient_points<S: Simd>(simd: S, v: [S::f32s; TILE]) -> [S::f32s; PATCH] {
    let (even1, odd1) = (simd.add_f32s(v[0], v[2]), simd.add_f32s(v[1], v[3]));
    let (even2, odd2) =
        (scale_add(simd, v[2], 4.0, v[0]), scale(simd, scale_add(simd, v[3], 4.0, v[1]), 2.0));
    [
        v[0],
        simd.add_f32s(even1, odd1),
        simd.sub_f32s(even1, odd1),
        simd.add_f32s(even2, odd2),
        simd.sub_f32s(even2, odd2),
        v[3],
    ]
}

/// G v.
#[inline(always)]
fn kernel_points<S: Simd>(simd: S, v: [S::f32s; 3]) -> [S::f32s; PATCH] {
    let sixth = scale(simd, simd.add_f32s(v[0], v[2]), -1.0 / 6.0);
    let half = scale(simd, v[1], 1.0 / 6.0);
    let outer = scale_add(simd, v[0], 1.0 / 24.0, scale(simd, v[2], 1.0 / 6.0));
    let middle = scale(simd, v[1], 1.0 / 12.0);
    [
        scale(simd, v[0], 0.25),
        simd.sub_f32s(sixth, half),
        simd.add_f32s(sixth, half),
        simd.add_f32s(outer, middle),
        simd.sub_f32s(outer, middle),
        v[2],
    ]
}

/// Gᵀ v.
#[inline(always)]
fn kernel_sums<S: Simd>(simd: S, v: [S::f32s; PATCH]) -> [S::f32s; 3] {
    let near = scale(simd, simd.add_f32s(v[1], v[2]), -1.0 / 6.0);
    let far = simd.add_f32s(v[3], v[4]);
    let middle = scale(simd, simd.sub_f32s(v[2], v[1]), 1.0 / 6.0);
    [
        scale_add(simd, v[0], 0.25, scale_add(simd, far, 1.0 / 24.0, near)),
        scale_add(simd, simd.sub_f32s(v[3], v[4]), 1.0 / 12.0, middle),
        simd.add_f32s(scale_add(simd, far, 1.0 / 6.0, near), v[5]),
    ]
}

/// Bᵀ d B of one tile, all channels: place p goes to `out[p * step..]`.
#[inline(always)]
pub fn transform_input<S: Simd>(
    simd: S,
    tiling: &Tiling,
    x: &[f32],
    tile: OutputTile,
    out: &mut [f32],
    step: usize,
) {
    let channels = tiling.inputs;
    let image = &x[tile.image * tiling.height * tiling.width * channels..]
        [..tiling.height * tiling.width * channels];
    // Beyond the image the offset wraps to something that is no pixel.
    let inside =
        |place: usize, size: usize| place.checked_sub(tiling.padding).filter(|place| *place < size);
    let mut offsets = [[None; PATCH]; PATCH];
    for i in 0..PATCH {
        for j in 0..PATCH {
            let pixel =
                (inside(tile.row + i, tiling.height), inside(tile.column + j, tiling.width));
            offsets[i][j] = if let (Some(y), Some(x)) = pixel {
                Some((y * tiling.width + x) * channels)
            } else {
                None
            };
        }
    }
    let zero = simd.splat_f32s(0.0);
    for channel in (0..channels).step_by(S::F32_LANES) {
        let mut half = [[zero; PATCH]; PATCH];
        for j in 0..PATCH {
            let mut column = [zero; PATCH];
            for i in 0..PATCH {
                column[i] = match offsets[i][j] {
                    Some(offset) => get::<S>(image, offset + channel),
                    None => zero,
                };
            }
            let column = input_points(simd, column);
            for i in 0..PATCH {
                half[i][j] = column[i];
            }
        }
        for i in 0..PATCH {
            let row = input_points(simd, half[i]);
            for j in 0..PATCH {
                put::<S>(out, (i * PATCH + j) * step + channel, row[j]);
            }
        }
    }
}

/// Aᵀ m A of one tile, all channels: place p comes from `from[p * step..]`, and y[0] is value
/// `start` of the batch.
#[inline(always)]
pub fn transform_output<S: Simd>(
    simd: S,
    tiling: &Tiling,
    from: &[f32],
    step: usize,
    tile: OutputTile,
    start: usize,
    y: &mut [f32],
    write: Write,
) {
    let channels = tiling.outputs;
    let first = tile.pixel(tiling) - start;
    let rows = TILE.min(tiling.out_height - tile.row);
    let columns = TILE.min(tiling.out_width - tile.column);
    let zero = simd.splat_f32s(0.0);
    for channel in (0..channels).step_by(S::F32_LANES) {
        let mut half = [[zero; PATCH]; TILE];
        for j in 0..PATCH {
            let mut column = [zero; PATCH];
            for i in 0..PATCH {
                column[i] = get::<S>(from, (i * PATCH + j) * step + channel);
            }
            let column = output_points(simd, column);
            for i in 0..TILE {
                half[i][j] = column[i];
            }
        }
        for i in 0..rows {
            let row = output_points(simd, half[i]);
            for j in 0..columns {
                let at = first + (i * tiling.out_width + j) * channels + channel;
                let value = if write == Write::Add {
                    simd.add_f32s(row[j], get::<S>(y, at))
                } else {
                    row[j]
                };
                put::<S>(y, at, value);
            }
        }
    }
}

/// A dY Aᵀ of one tile, all channels: place p goes to `out[p * step..]`.
#[inline(always)]
pub fn spread_gradient<S: Simd>(
    simd: S,
    tiling: &Tiling,
    dy: &[f32],
    tile: OutputTile,
    out: &mut [f32],
    step: usize,
) {
    let channels = tiling.outputs;
    let first = tile.pixel(tiling);
    let rows = TILE.min(tiling.out_height - tile.row);
    let columns = TILE.min(tiling.out_width - tile.column);
    let zero = simd.splat_f32s(0.0);
    for channel in (0..channels).step_by(S::F32_LANES) {
        let mut half = [[zero; TILE]; PATCH];
        for j in 0..columns {
            let mut column = [zero; TILE];
            for i in 0..rows {
                column[i] = get::<S>(dy, first + (i * tiling.out_width + j) * channels + channel);
            }
            let column = gradient_points(simd, column);
            for i in 0..PATCH {
                half[i][j] = column[i];
            }
        }
        for i in 0..PATCH {
            let row = gradient_points(simd, half[i]);
            for j in 0..PATCH {
                put::<S>(out, (i * PATCH + j) * step + channel, row[j]);
            }
        }
    }
}

/// G g Gᵀ of the kernels from `first` on, as many as each of `places` holds.
#[inline(always)]
pub fn transform_kernels<S: Simd>(
    simd: S,
    taps: &[f32],
    first: usize,
    turned: bool,
    places: &mut [&mut [f32]],
) {
    let kernels = taps.len() / 9;
    let zero = simd.splat_f32s(0.0);
    for kernel in (0..places[0].len()).step_by(S::F32_LANES) {
        let mut half = [[zero; 3]; PATCH];
        for j in 0..3 {
            let mut column = [zero; 3];
            for i in 0..3 {
                let tap = if turned { 8 - (i * 3 + j) } else { i * 3 + j };
                column[i] = get::<S>(taps, tap * kernels + first + kernel);
            }
            let column = kernel_points(simd, column);
            for i in 0..PATCH {
                half[i][j] = column[i];
            }
        }
        for i in 0..PATCH {
            let row = kernel_points(simd, half[i]);
            for j in 0..PATCH {
                put::<S>(places[i * PATCH + j], kernel, row[j]);
            }
        }
    }
}

/// Gᵀ u G of the kernels from `first` on, as many as each of `taps` holds; u is the sum over
/// `sums` [parts, 36, `kernels`].
#[inline(always)]
pub fn kernel_gradient<S: Simd>(
    simd: S,
    sums: &[f32],
    kernels: usize,
    first: usize,
    taps: &mut [&mut [f32]],
) {
    let parts = sums.len() / (PLACES * kernels);
    let zero = simd.splat_f32s(0.0);
    for kernel in (0..taps[0].len()).step_by(S::F32_LANES) {
        let mut half = [[zero; PATCH]; 3];
        for j in 0..PATCH {
            let mut column = [zero; PATCH];
            for i in 0..PATCH {
                let mut at = (i * PATCH + j) * kernels + first + kernel;
                column[i] = get::<S>(sums, at);
                for _ in 1..parts {
                    at += PLACES * kernels;
                    column[i] = simd.add_f32s(column[i], get::<S>(sums, at));
                }
            }
            let column = kernel_sums(simd, column);
            for i in 0..3 {
                half[i][j] = column[i];
            }
        }
        for i in 0..3 {
            let row = kernel_sums(simd, half[i]);
            for j in 0..3 {
                put::<S>(taps[i * 3 + j], kernel, row[j]);
            }
        }
    }
}
