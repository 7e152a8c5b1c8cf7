//! Convolution with 3x3 kernels in a quarter of the multiplications: Winograd's F(4x4, 3x3) (Lavin
//! and Gray 2016, "Fast algorithms for convolutional neural networks", arXiv 1509.09308).
//!
//! An output tile of 4x4 pixels is Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, d the 6x6 input pixels that it
//! depends on and g the kernel. Summed over channels, ⊙ becomes 36 matrix products, one for each of
//! the 6x6 places. The input gradient is the same with kernels turned by half a turn, the weight
//! gradient is dg = Gᵀ [(Bᵀ d B) ⊙ (A dY Aᵀ)] G.

mod transform;

use super::{
    product::{Product, Term, Write},
    scratch::{room, with_scratch},
    shape::ConvShape,
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use transform::{
    OutputTile, kernel_gradient, spread_gradient, transform_input, transform_kernels,
    transform_output,
};

/// Side of an output tile.
const TILE: usize = 4;
/// Places that are multiplied for a tile, 6x6.
const PLACES: usize = 36;
/// Tiles that are worked on at once, about: enough to read the weights seldom, few enough for the
/// cache.
const TILES: usize = 32;
/// Between the places' matrices, so that they do not all fall into the same lines of the cache.
const GAP: usize = 16;

/// A convolution that this algorithm can do, and its tiles.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    /// Channels of the input.
    inputs: usize,
    /// Channels of the output.
    outputs: usize,
    height: usize,
    width: usize,
    padding: usize,
    out_height: usize,
    out_width: usize,
}

impl Tiling {
    /// For the forward pass of `shape`, where that is a gain.
    pub fn forward(shape: &ConvShape) -> Option<Self> {
        let (rows, columns) = (shape.out_height().div_ceil(TILE), shape.out_width().div_ceil(TILE));
        // A tile of 36 products replaces at most 16 x 9; those at the right and at the bottom may
        // reach beyond the map.
        let gain =
            (shape.out_height() * shape.out_width() * 9) as f64 / (rows * columns * PLACES) as f64;
        let fits =
            shape.kernel == 3 && shape.stride == 1 && shape.dilation == 1 && shape.groups == 1;
        let whole = shape.inputs.is_multiple_of(16) && shape.outputs.is_multiple_of(16);
        (fits && whole && shape.padding <= 2 && gain >= 1.5).then_some(Tiling {
            inputs: shape.inputs,
            outputs: shape.outputs,
            height: shape.height,
            width: shape.width,
            padding: shape.padding,
            out_height: shape.out_height(),
            out_width: shape.out_width(),
        })
    }

    /// For its input gradient: the convolution of dY.
    pub fn input_gradient(shape: &ConvShape) -> Option<Self> {
        Self::forward(shape).map(|forward| Tiling {
            inputs: forward.outputs,
            outputs: forward.inputs,
            height: forward.out_height,
            width: forward.out_width,
            padding: 2 - forward.padding,
            out_height: forward.height,
            out_width: forward.width,
        })
    }

    /// Values of the transformed kernels, [36, inputs, outputs].
    pub fn weights_len(&self) -> usize {
        PLACES * self.inputs * self.outputs
    }

    fn tile_rows(&self) -> usize {
        self.out_height.div_ceil(TILE)
    }

    fn tile_columns(&self) -> usize {
        self.out_width.div_ceil(TILE)
    }

    /// Rows of tiles in a block. Where the last row of an image is not whole, a block is whole
    /// images.
    fn block_rows(&self) -> usize {
        let rows = TILES.div_ceil(self.tile_columns());
        if self.out_height.is_multiple_of(TILE) {
            rows
        } else {
            rows.next_multiple_of(self.tile_rows())
        }
    }

    /// Output values of a block; the last block of a batch may be shorter.
    pub fn block_len(&self) -> usize {
        let rows = self.block_rows();
        if self.out_height.is_multiple_of(TILE) {
            rows * TILE * self.out_width * self.outputs
        } else {
            rows / self.tile_rows() * self.out_height * self.out_width * self.outputs
        }
    }

    /// Rows of tiles in `values` output values.
    fn rows_in(&self, values: usize) -> usize {
        let row = self.out_width * self.outputs;
        if self.out_height.is_multiple_of(TILE) {
            values / (TILE * row)
        } else {
            values / (self.out_height * row) * self.tile_rows()
        }
    }

    /// Σ over `tiles` tiles of each term: one place of (Bᵀ d B)ᵀ, in `x`, times one of A dY Aᵀ, in
    /// `dy`.
    fn gradient_product<'a>(
        &self,
        x: &'a [f32],
        dy: &'a [f32],
        tiles: usize,
        terms: &'a [Term],
    ) -> Product<'a> {
        Product {
            rows: self.inputs,
            columns: self.outputs,
            depth: tiles,
            a: x,
            a_row: 1,
            a_step: self.inputs,
            b: dy,
            b_step: self.outputs,
            terms,
        }
    }

    /// The tiles of the rows `first..end`, counted over the images of a batch.
    fn tiles(&self, first: usize, end: usize) -> impl Iterator<Item = OutputTile> {
        let columns = self.tile_columns();
        (first..end).flat_map(move |row| {
            let (image, row) = (row / self.tile_rows(), row % self.tile_rows());
            (0..columns).map(move |column| OutputTile {
                image,
                row: row * TILE,
                column: column * TILE,
            })
        })
    }
}

/// Kernels that one task transforms.
const KERNELS: usize = 1 << 12;

/// The parts of `rows` rows of equal length that belong together: the first [`KERNELS`] values of
/// each, the next of each ...
fn columns(rows: &mut [f32], count: usize) -> Vec<Vec<&mut [f32]>> {
    let mut rows: Vec<_> =
        rows.chunks_exact_mut(rows.len() / count).map(|row| row.chunks_mut(KERNELS)).collect();
    std::iter::from_fn(|| rows.iter_mut().map(Iterator::next).collect()).collect()
}

/// G g Gᵀ of all kernels: `taps` [3, 3, C, O] to [36, C, O]. `turned` turns every kernel by half a
/// turn.
pub fn weights(taps: &[f32], turned: bool, transformed: &mut [f32]) {
    columns(transformed, PLACES).into_par_iter().enumerate().for_each(|(index, mut places)| {
        Arch::new().dispatch(Weights { taps, first: index * KERNELS, turned, places: &mut places });
    });
}

struct Weights<'a, 'b> {
    taps: &'a [f32],
    first: usize,
    turned: bool,
    places: &'a mut [&'b mut [f32]],
}

impl WithSimd for Weights<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        transform_kernels(simd, self.taps, self.first, self.turned, self.places);
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
        let end = first + tiles / tiling.tile_columns();
        for (index, tile) in tiling.tiles(first, end).enumerate() {
            transform_input(simd, tiling, x, tile, &mut inputs[index * tiling.inputs..], read);
        }
        for place in 0..PLACES {
            let product = Product {
                rows: tiles,
                columns: tiling.outputs,
                depth: tiling.inputs,
                a: &inputs[place * read..][..read],
                a_row: tiling.inputs,
                a_step: 1,
                b: &weights[place * tiling.inputs * tiling.outputs..]
                    [..tiling.inputs * tiling.outputs],
                b_step: tiling.outputs,
                terms: &[Term { a: 0, b: 0 }],
            };
            product.write(simd, &mut outputs[place * made..][..made], tiling.outputs, Write::Set);
        }
        let start = tiling.tiles(first, end).next().map_or(0, |tile| tile.pixel(tiling));
        for (index, tile) in tiling.tiles(first, end).enumerate() {
            let from = &outputs[index * tiling.outputs..];
            transform_output(simd, tiling, from, made, tile, start, y, write);
        }
    }
}

/// Adds (Bᵀ d B) ⊙ (A dY Aᵀ), summed over the tiles of some images, to `sum` [36, C, O].
pub fn add_weight_gradient(tiling: &Tiling, x: &[f32], dy: &[f32], sum: &mut [f32]) {
    let rows = tiling.rows_in(dy.len());
    for first in (0..rows).step_by(tiling.block_rows()) {
        let end = rows.min(first + tiling.block_rows());
        let tiles = (end - first) * tiling.tile_columns();
        let (read, made) = (tiles * tiling.inputs + GAP, tiles * tiling.outputs + GAP);
        with_scratch(PLACES * read, PLACES * made, |inputs, outputs| {
            let spread = Spread { tiling, x, dy, first, end, inputs, outputs };
            Arch::new().dispatch(GradientBlock { spread, sum: &mut *sum });
        });
    }
}

struct GradientBlock<'a, 'b> {
    spread: Spread<'a>,
    sum: &'b mut [f32],
}

impl WithSimd for GradientBlock<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let GradientBlock { mut spread, sum } = self;
        spread.spread(simd);
        let Spread { tiling, first, end, inputs, outputs, .. } = spread;
        let (read, made) = (inputs.len() / PLACES, outputs.len() / PLACES);
        for place in 0..PLACES {
            let terms = [Term { a: place * read, b: place * made }];
            let product = tiling.gradient_product(
                inputs,
                outputs,
                (end - first) * tiling.tile_columns(),
                &terms,
            );
            let sum = &mut sum[place * tiling.inputs * tiling.outputs..]
                [..tiling.inputs * tiling.outputs];
            product.write(simd, sum, tiling.outputs, Write::Add);
        }
    }
}

/// Blocks of tiles that are transformed before they are summed.
const BLOCKS: usize = 16;

/// (Bᵀ d B) ⊙ (A dY Aᵀ), summed over a batch, in `sums` [36, C, O], shared out by the 36 places;
/// `spread_x` and `spread_dy` are memory to work in.
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
    let spread_x = room(spread_x, blocks.min(BLOCKS) * PLACES * read);
    let spread_dy = room(spread_dy, blocks.min(BLOCKS) * PLACES * made);
    sums.fill(0.0);
    for first in (0..blocks).step_by(BLOCKS) {
        let count = BLOCKS.min(blocks - first);
        let spread = spread_x
            .par_chunks_mut(PLACES * read)
            .zip(spread_dy.par_chunks_mut(PLACES * made))
            .take(count);
        spread.enumerate().for_each(|(index, (inputs, outputs))| {
            let first = (first + index) * tiling.block_rows();
            let end = rows.min(first + tiling.block_rows());
            Arch::new().dispatch(Spread { tiling, x, dy, first, end, inputs, outputs });
        });
        // The last block may be shorter.
        let last = (rows - (first + count - 1) * tiling.block_rows()).min(tiling.block_rows())
            * tiling.tile_columns();
        sums.par_chunks_mut(tiling.inputs * tiling.outputs).enumerate().for_each(
            |(place, sums)| {
                let term = |index: usize| Term {
                    a: (index * PLACES + place) * read,
                    b: (index * PLACES + place) * made,
                };
                let terms: Vec<Term> = (0..count).map(term).collect();
                let (whole, rest) = if last == block {
                    (&terms[..], &terms[..0])
                } else {
                    terms.split_at(count - 1)
                };
                for (terms, depth) in [(whole, block), (rest, last)] {
                    let product = tiling.gradient_product(spread_x, spread_dy, depth, terms);
                    Arch::new().dispatch(AddTo { product, sums: &mut *sums });
                }
            },
        );
    }
}

struct Spread<'a> {
    tiling: &'a Tiling,
    x: &'a [f32],
    dy: &'a [f32],
    first: usize,
    end: usize,
    inputs: &'a mut [f32],
    outputs: &'a mut [f32],
}

impl Spread<'_> {
    #[inline(always)]
    fn spread<S: Simd>(&mut self, simd: S) {
        let Spread { tiling, x, dy, first, end, inputs, outputs } = self;
        let (read, made) = (inputs.len() / PLACES, outputs.len() / PLACES);
        for (index, tile) in tiling.tiles(*first, *end).enumerate() {
            transform_input(simd, tiling, x, tile, &mut inputs[index * tiling.inputs..], read);
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

struct AddTo<'a> {
    product: Product<'a>,
    sums: &'a mut [f32],
}

impl WithSimd for AddTo<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if !self.product.terms.is_empty() {
            self.product.write(simd, self.sums, self.product.columns, Write::Add);
        }
    }
}

/// Gᵀ · G of the sums [36, C, O]: the gradient of the taps, [3, 3, C, O].
pub fn weight_gradient(sums: &[f32], taps: &mut [f32]) {
    columns(taps, 9).into_par_iter().enumerate().for_each(|(index, mut taps)| {
        Arch::new().dispatch(Gradient { sums, first: index * KERNELS, taps: &mut taps });
    });
}

struct Gradient<'a, 'b> {
    sums: &'a [f32],
    first: usize,
    taps: &'a mut [&'b mut [f32]],
}

impl WithSimd for Gradient<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        kernel_gradient(simd, self.sums, self.first, self.taps);
    }
}
