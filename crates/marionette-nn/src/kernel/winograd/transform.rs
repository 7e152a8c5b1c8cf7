//! The transforms of F(4x4, 3x3) at the points 0, ±1, ±2 and infinity, each on whole vectors of
//! channels.
//!
//! All loops over a tile's places are written out by [`each`]. The compiler does not unroll them by
//! itself, and then every value goes through memory, and a transform takes twice as long. What is
//! handed on as a function is not compiled for the vectors at hand, and takes four times as long.

use super::{
    super::{
        product::Write,
        vector::{get, put, scale, scale_add},
    },
    tiling::{MOST_CHANNELS, OutputTile, PLACES, TAPS, TILE, Tiling},
};
use pulp::Simd;

/// Side of what an output tile is made from.
const PATCH: usize = TILE + 2;

/// What lies beyond a map.
static ZEROS: [f32; MOST_CHANNELS] = [0.0; MOST_CHANNELS];

/// An array of `value` for each of the numbers, as the constant `name`.
macro_rules! each {
    ($name:ident in [$($number:literal)*] => $value:expr) => {
        [$({
            const $name: usize = $number;
            $value
        }),*]
    };
}

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

/// Where the channels of the pixels of a square of a map begin, from row `top` and column `left`
/// on. `map` is one image of `height` x `width` x `channels` values; all that lies beyond it is 0.
#[inline(always)]
fn pixels<const SIDE: usize>(
    map: &[f32],
    (height, width, channels): (usize, usize, usize),
    top: isize,
    left: isize,
) -> [[*const f32; SIDE]; SIDE] {
    let inside = |first: isize, place: usize, size: usize| {
        usize::try_from(first + place as isize).ok().filter(|place| *place < size)
    };
    let mut pixels = [[ZEROS[..channels].as_ptr(); SIDE]; SIDE];
    for (i, row) in pixels.iter_mut().enumerate() {
        let Some(y) = inside(top, i, height) else { continue };
        let values = &map[y * width * channels..][..width * channels];
        for (j, pixel) in row.iter_mut().enumerate() {
            if let Some(x) = inside(left, j, width) {
                *pixel = values[x * channels..][..channels].as_ptr();
            }
        }
    }
    pixels
}

/// Checks that the channels are whole vectors and that all places, `step` values apart, have them
/// within `length` values.
fn check<S: Simd>(channels: usize, step: usize, length: usize) {
    let end = step.checked_mul(PLACES - 1).and_then(|last| last.checked_add(channels));
    assert!(
        channels.is_multiple_of(S::F32_LANES) && end.is_some_and(|end| end <= length),
        "{channels} channels of {PLACES} places do not fit"
    );
}

/// Bᵀ d B of one tile, all channels: place p goes to `out[p * step..]`.
///
/// # Panics
/// If the channels are not whole vectors, or `out` is too short.
#[inline(always)]
#[allow(unsafe_code)]
pub fn transform_input<S: Simd>(
    simd: S,
    tiling: &Tiling,
    x: &[f32],
    tile: OutputTile,
    out: &mut [f32],
    step: usize,
) {
    let channels = tiling.inputs;
    let length = tiling.height * tiling.width * channels;
    let first = |place: usize| place as isize - tiling.padding as isize;
    let pixels: [[_; PATCH]; PATCH] = pixels(
        &x[tile.image * length..][..length],
        (tiling.height, tiling.width, channels),
        first(tile.row),
        first(tile.column),
    );
    check::<S>(channels, step, out.len());
    let out = out.as_mut_ptr();
    for channel in (0..channels).step_by(S::F32_LANES) {
        // SAFETY: each pixel has `channels` values, as each place in `out`, and these are whole
        // vectors.
        unsafe {
            let columns = each!(J in [0 1 2 3 4 5] => input_points(
                simd,
                each!(I in [0 1 2 3 4 5] =>
                    pixels[I][J].add(channel).cast::<S::f32s>().read_unaligned()),
            ));
            each!(I in [0 1 2 3 4 5] => {
                let row = input_points(simd, each!(J in [0 1 2 3 4 5] => columns[J][I]));
                each!(J in [0 1 2 3 4 5] => out
                    .add((I * PATCH + J) * step + channel)
                    .cast::<S::f32s>()
                    .write_unaligned(row[J]));
            });
        }
    }
}

/// Aᵀ m A of one tile, all channels: place p comes from `from[p * step..]`, and y[0] is value
/// `start` of the batch.
///
/// # Panics
/// If the channels are not whole vectors, or `from` or `y` is too short.
#[inline(always)]
#[allow(unsafe_code)]
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
    let rows = TILE.min(tiling.out_height - tile.row);
    let columns = TILE.min(tiling.out_width - tile.column);
    let row = tiling.out_width * channels;
    let y = &mut y[tile.pixel(tiling) - start..][..(rows - 1) * row + columns * channels];
    check::<S>(channels, step, from.len());
    let (from, y) = (from.as_ptr(), y.as_mut_ptr());
    for channel in (0..channels).step_by(S::F32_LANES) {
        // SAFETY: each place in `from` has `channels` values, as each pixel of `y` in the first
        // `rows` rows and `columns` columns, and these are whole vectors.
        unsafe {
            let halves = each!(J in [0 1 2 3 4 5] => output_points(
                simd,
                each!(I in [0 1 2 3 4 5] => from
                    .add((I * PATCH + J) * step + channel)
                    .cast::<S::f32s>()
                    .read_unaligned()),
            ));
            each!(I in [0 1 2 3] => if I < rows {
                let values = output_points(simd, each!(J in [0 1 2 3 4 5] => halves[J][I]));
                each!(J in [0 1 2 3] => if J < columns {
                    let at = y.add(I * row + J * channels + channel).cast::<S::f32s>();
                    let value = if write == Write::Set {
                        values[J]
                    } else {
                        simd.add_f32s(values[J], at.read_unaligned())
                    };
                    at.write_unaligned(value);
                });
            });
        }
    }
}

/// A dY Aᵀ of one tile, all channels: place p goes to `out[p * step..]`.
///
/// # Panics
/// If the channels are not whole vectors, or `out` is too short.
#[inline(always)]
#[allow(unsafe_code)]
pub fn spread_gradient<S: Simd>(
    simd: S,
    tiling: &Tiling,
    dy: &[f32],
    tile: OutputTile,
    out: &mut [f32],
    step: usize,
) {
    let channels = tiling.outputs;
    let length = tiling.out_height * tiling.out_width * channels;
    let pixels: [[_; TILE]; TILE] = pixels(
        &dy[tile.image * length..][..length],
        (tiling.out_height, tiling.out_width, channels),
        tile.row as isize,
        tile.column as isize,
    );
    check::<S>(channels, step, out.len());
    let out = out.as_mut_ptr();
    for channel in (0..channels).step_by(S::F32_LANES) {
        // SAFETY: each pixel has `channels` values, as each place in `out`, and these are whole
        // vectors.
        unsafe {
            let columns = each!(J in [0 1 2 3] => gradient_points(
                simd,
                each!(I in [0 1 2 3] =>
                    pixels[I][J].add(channel).cast::<S::f32s>().read_unaligned()),
            ));
            each!(I in [0 1 2 3 4 5] => {
                let row = gradient_points(simd, each!(J in [0 1 2 3] => columns[J][I]));
                each!(J in [0 1 2 3 4 5] => out
                    .add((I * PATCH + J) * step + channel)
                    .cast::<S::f32s>()
                    .write_unaligned(row[J]));
            });
        }
    }
}

/// Room for one value of each lane of the widest vectors there are, tap by tap.
type Taps = [[f32; 16]; TAPS];

/// The 3x3 kernels of a weight, seen as a matrix of kernels.
#[derive(Clone, Copy)]
pub struct Kernels<'a> {
    /// Their values.
    pub weight: &'a [f32],
    /// From a row's kernels to the next row's.
    pub row: usize,
    /// From a column's kernels to the next column's.
    pub column: usize,
    /// Whether every kernel is turned by half a turn.
    pub turned: bool,
}

impl Kernels<'_> {
    /// The kernels of one row, from `column` on, tap by tap.
    #[inline(always)]
    fn taps<S: Simd>(&self, row: usize, column: usize) -> [S::f32s; TAPS] {
        let mut lanes: Taps = [[0.0; 16]; TAPS];
        for lane in 0..S::F32_LANES {
            let kernel = &self.weight[row * self.row + (column + lane) * self.column..][..TAPS];
            for (tap, value) in kernel.iter().enumerate() {
                lanes[if self.turned { TAPS - 1 - tap } else { tap }][lane] = *value;
            }
        }
        lanes.map(|lanes| get::<S>(&lanes, 0))
    }
}

/// G g Gᵀ of some rows of `columns` kernels, from row `first` on, as many as each of `places` has
/// room for.
#[inline(always)]
pub fn transform_kernels<S: Simd>(
    simd: S,
    kernels: &Kernels,
    first: usize,
    columns: usize,
    places: &mut [&mut [f32]],
) {
    for row in 0..places[0].len() / columns {
        for column in (0..columns).step_by(S::F32_LANES) {
            let taps = kernels.taps::<S>(first + row, column);
            let halves = each!(J in [0 1 2] => kernel_points(
                simd,
                each!(I in [0 1 2] => taps[I * 3 + J]),
            ));
            each!(I in [0 1 2 3 4 5] => {
                let values = kernel_points(simd, each!(J in [0 1 2] => halves[J][I]));
                each!(J in [0 1 2 3 4 5] =>
                    put::<S>(places[I * PATCH + J], row * columns + column, values[J]));
            });
        }
    }
}

/// Gᵀ u G of the kernels of some inputs, from input `first` on, as many as the rows of `gradient`
/// [O], each [inputs, 3, 3], have; u is the sum over `sums` [parts, 36, C, O].
#[inline(always)]
pub fn kernel_gradient<S: Simd>(
    simd: S,
    tiling: &Tiling,
    sums: &[f32],
    first: usize,
    gradient: &mut [&mut [f32]],
) {
    let (length, step) = (tiling.weights_len(), tiling.place_len());
    for input in 0..gradient[0].len() / TAPS {
        for output in (0..tiling.outputs).step_by(S::F32_LANES) {
            let at = (first + input) * tiling.outputs + output;
            let halves = each!(J in [0 1 2 3 4 5] => kernel_sums(
                simd,
                each!(I in [0 1 2 3 4 5] => {
                    let at = (I * PATCH + J) * step + at;
                    let mut sum = get::<S>(sums, at);
                    for part in (length..sums.len()).step_by(length) {
                        sum = simd.add_f32s(sum, get::<S>(sums, part + at));
                    }
                    sum
                }),
            ));
            let mut lanes: Taps = [[0.0; 16]; TAPS];
            each!(I in [0 1 2] => {
                let row = kernel_sums(simd, each!(J in [0 1 2 3 4 5] => halves[J][I]));
                each!(J in [0 1 2] => put::<S>(&mut lanes[I * 3 + J], 0, row[J]));
            });
            for (lane, kernels) in gradient[output..].iter_mut().take(S::F32_LANES).enumerate() {
                for (tap, value) in kernels[input * TAPS..][..TAPS].iter_mut().enumerate() {
                    *value = lanes[tap][lane];
                }
            }
        }
    }
}
