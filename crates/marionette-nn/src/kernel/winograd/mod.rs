//! Convolution with 3x3 kernels in a quarter of the multiplications: Winograd's F(4x4, 3x3) (Lavin
//! and Gray 2016, "Fast algorithms for convolutional neural networks", arXiv 1509.09308).
//!
//! An output tile of 4x4 pixels is Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, d the 6x6 input pixels that it
//! depends on and g the kernel. Summed over channels, ⊙ becomes 36 matrix products, one for each of
//! the 6x6 places. The input gradient is the same with kernels turned by half a turn, the weight
//! gradient is dg = Gᵀ [(Bᵀ d B) ⊙ (A dY Aᵀ)] G.

mod tiling;
mod transform;

use super::{
    product::{Product, Term, Write},
    scratch::{room, with_scratch},
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;
use tiling::{GAP, PLACES, TAPS};
use transform::{
    Kernels, kernel_gradient, spread_gradient, transform_input, transform_kernels, transform_output,
};

pub use tiling::Tiling;

/// Σ over `tiles` tiles of each term: one place of (Bᵀ d B)ᵀ, in `x`, times one of A dY Aᵀ, in
/// `dy`.
fn gradient_product<'a>(
    tiling: &Tiling,
    x: &'a [f32],
    dy: &'a [f32],
    tiles: usize,
    terms: &'a [Term],
) -> Product<'a> {
    Product {
        rows: tiling.inputs,
        columns: tiling.outputs,
        depth: tiles,
        a: x,
        a_row: 1,
        a_step: tiling.inputs,
        b: dy,
        b_step: tiling.outputs,
        terms,
    }
}

/// Rows of kernels that one task transforms.
const ROWS: usize = 16;

/// The first of all `iterators`, the second of all, and so on.
fn in_step<I: Iterator>(iterators: impl Iterator<Item = I>) -> Vec<Vec<I::Item>> {
    let mut iterators: Vec<_> = iterators.collect();
    debug_assert!(!iterators.is_empty(), "no iterators have no end");
    std::iter::from_fn(|| iterators.iter_mut().map(Iterator::next).collect()).collect()
}

/// G g Gᵀ of all kernels of `weight` [O, C, 3, 3] in `transformed` [36, inputs, outputs], where, as
/// in all such values here, a gap follows each of the 36 places ([`Tiling::weights_len`]). With
/// `backward`, `tiling` is the input gradient's, and every kernel is turned by half a turn.
pub fn weights(tiling: &Tiling, weight: &[f32], backward: bool, transformed: &mut [f32]) {
    let (inputs, outputs) = (tiling.inputs, tiling.outputs);
    let (row, column) = if backward { (outputs * TAPS, TAPS) } else { (TAPS, inputs * TAPS) };
    let kernels = Kernels { weight, row, column, turned: backward };
    let places = transformed.chunks_exact_mut(tiling.place_len());
    let tasks = in_step(places.map(|place| place[..inputs * outputs].chunks_mut(ROWS * outputs)));
    tasks.into_par_iter().enumerate().for_each(|(index, mut places)| {
        let places = &mut places;
        Arch::new().dispatch(Transform { kernels, first: index * ROWS, outputs, places });
    });
}

struct Transform<'a, 'b> {
    kernels: Kernels<'a>,
    first: usize,
    outputs: usize,
    places: &'a mut [&'b mut [f32]],
}

impl WithSimd for Transform<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        transform_kernels(simd, &self.kernels, self.first, self.outputs, self.places);
    }
}

/// One block of Y, the `index`-th of [`Tiling::block_len`] values, of the whole batch `x`.
pub fn forward_block(
    tiling: &Tiling,
    x: &[f32],
    weights: &[f32],
    index: usize,
    y: &mut [f32],
    write: Write,
) {
    let first = index * tiling.block_rows();
    let tiles = tiling.rows_in(y.len()) * tiling.tile_columns();
    let (read, made) = (tiles * tiling.inputs + GAP, tiles * tiling.outputs + GAP);
    with_scratch(PLACES * read, PLACES * made, |inputs, outputs| {
        Arch::new().dispatch(Block { tiling, x, weights, first, tiles, inputs, outputs, y, write });
    });
}

struct Block<'a> {
    tiling: &'a Tiling,
    x: &'a [f32],
    weights: &'a [f32],
    first: usize,
    tiles: usize,
    inputs: &'a mut [f32],
    outputs: &'a mut [f32],
    y: &'a mut [f32],
    write: Write,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Block { tiling, x, weights, first, tiles, inputs, outputs, y, write } = self;
        let (read, made) = (inputs.len() / PLACES, outputs.len() / PLACES);
        let step = tiling.place_len();
        let end = first + tiles / tiling.tile_columns();
        for (index, tile) in tiling.tiles(first..end).enumerate() {
            let inputs = &mut inputs[index * tiling.inputs..];
            transform_input(simd, tiling, x, tile, inputs, read);
        }
        for place in 0..PLACES {
            let product = Product {
                rows: tiles,
                columns: tiling.outputs,
                depth: tiling.inputs,
                a: &inputs[place * read..][..read],
                a_row: tiling.inputs,
                a_step: 1,
                b: &weights[place * step..][..step],
                b_step: tiling.outputs,
                terms: &[Term { a: 0, b: 0 }],
            };
            product.write(simd, &mut outputs[place * made..][..made], tiling.outputs, Write::Set);
        }
        let start = tiling.tiles(first..end).next().map_or(0, |tile| tile.pixel(tiling));
        for (index, tile) in tiling.tiles(first..end).enumerate() {
            let from = &outputs[index * tiling.outputs..];
            transform_output(simd, tiling, from, made, tile, start, y, write);
        }
    }
}

/// (Bᵀ d B) ⊙ (A dY Aᵀ), summed over the tiles of some images, in `sum` [36, C, O].
pub fn weight_gradient_of_part(tiling: &Tiling, x: &[f32], dy: &[f32], sum: &mut [f32]) {
    let rows = tiling.rows_in(dy.len());
    for first in (0..rows).step_by(tiling.block_rows()) {
        let end = rows.min(first + tiling.block_rows());
        let tiles = (end - first) * tiling.tile_columns();
        let (read, made) = (tiles * tiling.inputs + GAP, tiles * tiling.outputs + GAP);
        with_scratch(PLACES * read, PLACES * made, |inputs, outputs| {
            let spread = Spread { tiling, x, dy, rows: first..end, inputs, outputs };
            let write = if first == 0 { Write::Set } else { Write::Add };
            Arch::new().dispatch(GradientBlock { spread, tiles, sum: &mut *sum, write });
        });
    }
}

struct GradientBlock<'a, 'b> {
    spread: Spread<'a>,
    tiles: usize,
    sum: &'b mut [f32],
    write: Write,
}

impl WithSimd for GradientBlock<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let GradientBlock { mut spread, tiles, sum, write } = self;
        spread.spread(simd);
        let Spread { tiling, inputs, outputs, .. } = spread;
        let step = tiling.place_len();
        let (read, made) = (inputs.len() / PLACES, outputs.len() / PLACES);
        for place in 0..PLACES {
            let terms = [Term { a: place * read, b: place * made }];
            let product = gradient_product(tiling, inputs, outputs, tiles, &terms);
            product.write(simd, &mut sum[place * step..][..step], tiling.outputs, write);
        }
    }
}

/// Blocks of tiles that are transformed before they are summed, at least: few, so that they are
/// still in the cache.
const BLOCKS: usize = 4;

/// (Bᵀ d B) ⊙ (A dY Aᵀ), summed over a batch, in `sums` [36, C, O], divided among the tasks by the
/// 36 places; `spread_x` and `spread_dy` are memory to work in.
///
/// Every sum goes over the tiles in order, however many blocks are transformed at once.
pub fn weight_gradient_by_place(
    tiling: &Tiling,
    x: &[f32],
    dy: &[f32],
    spread_x: &mut Vec<f32>,
    spread_dy: &mut Vec<f32>,
    sums: &mut [f32],
) {
    let rows = tiling.rows_in(dy.len());
    let block = tiling.block_rows() * tiling.tile_columns();
    let (read, made) = (block * tiling.inputs + GAP, block * tiling.outputs + GAP);
    let blocks = rows.div_ceil(tiling.block_rows());
    let at_once = blocks.min(BLOCKS.max(rayon::current_num_threads()));
    let spread_x = room(spread_x, at_once * PLACES * read);
    let spread_dy = room(spread_dy, at_once * PLACES * made);
    for first in (0..blocks).step_by(at_once) {
        let count = at_once.min(blocks - first);
        let rows_of = |index: usize| {
            let start = (first + index) * tiling.block_rows();
            start..rows.min(start + tiling.block_rows())
        };
        let spread = spread_x
            .par_chunks_mut(PLACES * read)
            .zip(spread_dy.par_chunks_mut(PLACES * made))
            .take(count);
        spread.enumerate().for_each(|(index, (inputs, outputs))| {
            Arch::new().dispatch(Spread { tiling, x, dy, rows: rows_of(index), inputs, outputs });
        });
        sums.par_chunks_mut(tiling.place_len()).enumerate().for_each(|(place, sums)| {
            let term = |index: usize| Term {
                a: (index * PLACES + place) * read,
                b: (index * PLACES + place) * made,
            };
            let terms: Vec<Term> = (0..count).map(term).collect();
            // The last block may be shorter.
            let last = rows_of(count - 1).len() * tiling.tile_columns();
            let (whole, rest) =
                if last == block { (&terms[..], &terms[..0]) } else { terms.split_at(count - 1) };
            let mut write = if first == 0 { Write::Set } else { Write::Resume };
            for (terms, depth) in [(whole, block), (rest, last)] {
                if terms.is_empty() {
                    continue;
                }
                let product = gradient_product(tiling, spread_x, spread_dy, depth, terms);
                Arch::new().dispatch(Sum { product, write, sums: &mut *sums });
                write = Write::Resume;
            }
        });
    }
}

struct Spread<'a> {
    tiling: &'a Tiling,
    x: &'a [f32],
    dy: &'a [f32],
    rows: Range<usize>,
    inputs: &'a mut [f32],
    outputs: &'a mut [f32],
}

impl Spread<'_> {
    #[inline(always)]
    fn spread<S: Simd>(&mut self, simd: S) {
        let Spread { tiling, x, dy, rows, inputs, outputs } = self;
        let (read, made) = (inputs.len() / PLACES, outputs.len() / PLACES);
        // One after the other: two maps at once are more than the processor reads ahead.
        for (index, tile) in tiling.tiles(rows.clone()).enumerate() {
            transform_input(simd, tiling, x, tile, &mut inputs[index * tiling.inputs..], read);
        }
        for (index, tile) in tiling.tiles(rows.clone()).enumerate() {
            spread_gradient(simd, tiling, dy, tile, &mut outputs[index * tiling.outputs..], made);
        }
    }
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.spread(simd);
    }
}

struct Sum<'a> {
    product: Product<'a>,
    write: Write,
    sums: &'a mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.product.write(simd, self.sums, self.product.columns, self.write);
    }
}

/// Gᵀ · G of all `sums` [parts, 36, C, O] together: the gradient of the weight, [O, C, 3, 3].
pub fn weight_gradient(tiling: &Tiling, sums: &[f32], gradient: &mut [f32]) {
    let gradient = gradient.chunks_exact_mut(tiling.inputs * TAPS);
    let tasks = in_step(gradient.map(|kernels| kernels.chunks_mut(ROWS * TAPS)));
    tasks.into_par_iter().enumerate().for_each(|(index, mut gradient)| {
        let first = index * ROWS;
        Arch::new().dispatch(Gradient { tiling, sums, first, gradient: &mut gradient });
    });
}

struct Gradient<'a, 'b> {
    tiling: &'a Tiling,
    sums: &'a [f32],
    first: usize,
    gradient: &'a mut [&'b mut [f32]],
}

impl WithSimd for Gradient<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        kernel_gradient(simd, self.tiling, self.sums, self.first, self.gradient);
    }
}
