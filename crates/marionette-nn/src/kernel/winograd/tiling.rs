//! How a convolution is cut into output tiles of 4x4 pixels, and the tiles into blocks.

use super::super::shape::ConvShape;
use std::ops::Range;

/// Side of an output tile.
pub const TILE: usize = 4;
/// Places that are multiplied for a tile, 6x6.
pub const PLACES: usize = 36;
/// Values of a kernel, 3x3.
pub const TAPS: usize = 9;
/// Values between the matrices of two places, so that they do not all share the same cache lines.
pub const GAP: usize = 16;
/// Channels of a convolution that is computed this way, at most.
pub const MOST_CHANNELS: usize = 1 << 12;
/// About how many tiles are computed at once: enough to read the weights rarely, few enough for the
/// cache.
const TILES: usize = 32;

/// A convolution that this algorithm can compute, and its tiles.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Height of the input.
    pub height: usize,
    /// Width of the input.
    pub width: usize,
    /// Zeros around the input.
    pub padding: usize,
    /// Height of the output.
    pub out_height: usize,
    /// Width of the output.
    pub out_width: usize,
}

impl Tiling {
    /// For the forward pass of `shape`, if it is faster this way.
    pub fn forward(shape: &ConvShape) -> Option<Self> {
        let (rows, columns) = (shape.out_height().div_ceil(TILE), shape.out_width().div_ceil(TILE));
        // A tile of 36 products replaces at most 16 x 9; those at the right and at the bottom may
        // reach beyond the map.
        let gain =
            (shape.out_height() * shape.out_width() * 9) as f64 / (rows * columns * PLACES) as f64;
        let fits =
            shape.kernel == 3 && shape.stride == 1 && shape.dilation == 1 && shape.groups == 1;
        let whole = shape.inputs.is_multiple_of(16) && shape.outputs.is_multiple_of(16);
        let few = shape.inputs.max(shape.outputs) <= MOST_CHANNELS;
        (fits && whole && few && shape.padding <= 2 && gain >= 1.5).then_some(Tiling {
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

    /// Values of the transformed kernels, [36, inputs, outputs], with a gap after each place.
    pub fn weights_len(&self) -> usize {
        PLACES * self.place_len()
    }

    /// Values from one place of the transformed kernels to the next.
    pub fn place_len(&self) -> usize {
        self.inputs * self.outputs + GAP
    }

    /// Rows of tiles in an image.
    fn tile_rows(&self) -> usize {
        self.out_height.div_ceil(TILE)
    }

    /// Tiles in a row.
    pub fn tile_columns(&self) -> usize {
        self.out_width.div_ceil(TILE)
    }

    /// Rows of tiles in a block. Where the last row of an image is not whole, a block is whole
    /// images.
    pub fn block_rows(&self) -> usize {
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
    pub fn rows_in(&self, values: usize) -> usize {
        let row = self.out_width * self.outputs;
        if self.out_height.is_multiple_of(TILE) {
            values / (TILE * row)
        } else {
            values / (self.out_height * row) * self.tile_rows()
        }
    }

    /// The tiles of some rows, counted over the images of a batch.
    pub fn tiles(&self, rows: Range<usize>) -> impl Iterator<Item = OutputTile> {
        let columns = self.tile_columns();
        rows.flat_map(move |row| {
            let (image, row) = (row / self.tile_rows(), row % self.tile_rows());
            (0..columns).map(move |column| OutputTile {
                image,
                row: row * TILE,
                column: column * TILE,
            })
        })
    }
}

/// Where an output tile begins.
#[derive(Clone, Copy)]
pub struct OutputTile {
    /// Image of the batch.
    pub image: usize,
    /// First row.
    pub row: usize,
    /// First column.
    pub column: usize,
}

impl OutputTile {
    /// Offset of its first pixel's first value in the batch of outputs.
    pub fn pixel(&self, tiling: &Tiling) -> usize {
        ((self.image * tiling.out_height + self.row) * tiling.out_width + self.column)
            * tiling.outputs
    }
}
