//! Unfolding a padded sample into patches (im2col) and folding patches back (its transpose).

use candle_core::{Result, Shape, bail};
use std::{cell::RefCell, ops::Range};

/// Patches are unfolded for about this many output cells at a time, so that they stay in the second-level cache.
const CELLS_PER_BLOCK: usize = 512;

/// The sizes of one convolution: [B, C, H, W] with kernels [O, C, k, k] to [B, O, H', W'].
#[derive(Clone, Copy)]
pub struct Geometry {
    pub batch: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub out_height: usize,
    pub out_width: usize,
}

impl Geometry {
    /// # Errors
    /// If the shapes do not fit each other, a size or the stride is zero, or the kernel exceeds the padded input.
    pub fn new(x: &Shape, weight: &Shape, stride: usize, padding: usize) -> Result<Self> {
        let (batch, channels, height, width) = x.dims4()?;
        let (outputs, weight_channels, kernel, kernel_width) = weight.dims4()?;
        if weight_channels != channels || kernel != kernel_width {
            bail!("conv2d: expected square kernels over {channels} channels for an input {x:?}, found {weight:?}");
        }
        if stride == 0 || x.elem_count() == 0 || weight.elem_count() == 0 {
            bail!("conv2d: empty input {x:?} or kernels {weight:?}, or stride {stride} of zero");
        }
        if kernel > height.min(width) + 2 * padding {
            bail!("conv2d: kernels {weight:?} exceed the input {x:?} with a padding of {padding}");
        }
        let out = |size: usize| (size + 2 * padding - kernel) / stride + 1;
        let (out_height, out_width) = (out(height), out(width));
        Ok(Self { batch, channels, height, width, outputs, kernel, stride, padding, out_height, out_width })
    }

    /// Values in one input sample.
    pub fn in_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Cells in one output map.
    pub fn out_cells(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Values in one output sample.
    pub fn out_len(&self) -> usize {
        self.outputs * self.out_cells()
    }

    /// Values in one patch, C·k·k.
    pub fn taps(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    /// Consecutive output rows, cut into blocks by size alone.
    pub fn row_blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let (height, rows) = (self.out_height, (CELLS_PER_BLOCK / self.out_width).max(1));
        (0..height).step_by(rows).map(move |start| start..(start + rows).min(height))
    }

    fn plane_height(&self) -> usize {
        self.height + 2 * self.padding
    }

    fn plane_width(&self) -> usize {
        self.width + 2 * self.padding
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Hands this thread's scratch to `work`, which must not call back into this function (nor wait for other tasks of the
/// thread pool, which could).
pub fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with_borrow_mut(work)
}

/// Buffers kept from one call to the next, as fresh ones would cost more in page faults than their use does.
#[derive(Default)]
pub struct Scratch {
    /// One sample with its zero border, [C, H + 2p, W + 2p].
    plane: Vec<f32>,
    /// Patches as columns, [C·k·k, cells].
    patches: Vec<f32>,
}

impl Scratch {
    /// Zeroes the plane.
    pub fn clear(&mut self, g: &Geometry) {
        self.plane.clear();
        self.plane.resize(g.channels * g.plane_height() * g.plane_width(), 0.0);
    }

    /// Copies the sample `x` into the plane.
    pub fn pad(&mut self, g: &Geometry, x: &[f32]) {
        self.clear(g);
        for (i, row) in x.chunks_exact(g.width).enumerate() {
            self.plane[plane_row(g, i)..][..g.width].copy_from_slice(row);
        }
    }

    /// Copies the plane, less its border, into the sample `x`.
    pub fn crop(&self, g: &Geometry, x: &mut [f32]) {
        for (i, row) in x.chunks_exact_mut(g.width).enumerate() {
            row.copy_from_slice(&self.plane[plane_row(g, i)..][..g.width]);
        }
    }

    /// The first `len` values of the patch buffer, to be overwritten.
    pub fn patches(&mut self, len: usize) -> &mut [f32] {
        if self.patches.len() < len {
            self.patches.resize(len, 0.0);
        }
        &mut self.patches[..len]
    }

    /// The patches of the output rows `rows` as columns, [C·k·k, cells].
    pub fn unfold(&mut self, g: &Geometry, rows: Range<usize>) -> &[f32] {
        let cells = rows.len() * g.out_width;
        self.patches(g.taps() * cells);
        let patches = &mut self.patches[..g.taps() * cells];
        for (tap, column) in patches.chunks_exact_mut(cells).enumerate() {
            for (row, to) in rows.clone().zip(column.chunks_exact_mut(g.out_width)) {
                let from = &self.plane[tap_start(g, tap, row)..];
                match g.stride {
                    1 => copy_row(to, from),
                    2 => copy_every(to, from, 2),
                    stride => copy_every(to, from, stride),
                }
            }
        }
        patches
    }

    /// Adds the patches of the output rows `rows` to the plane cells that they were taken from.
    pub fn fold(&mut self, g: &Geometry, rows: Range<usize>) {
        let cells = rows.len() * g.out_width;
        for (tap, column) in self.patches[..g.taps() * cells].chunks_exact(cells).enumerate() {
            for (row, from) in rows.clone().zip(column.chunks_exact(g.out_width)) {
                let to = &mut self.plane[tap_start(g, tap, row)..];
                for (to, from) in to.iter_mut().step_by(g.stride).zip(from) {
                    *to += from;
                }
            }
        }
    }
}

/// Where row `i` of a sample (counted over all its channels) starts in the plane.
fn plane_row(g: &Geometry, i: usize) -> usize {
    let (channel, y) = (i / g.height, i % g.height);
    (channel * g.plane_height() + y + g.padding) * g.plane_width() + g.padding
}

/// Where the plane cells that the patch value `tap` of output row `row` takes start.
fn tap_start(g: &Geometry, tap: usize, row: usize) -> usize {
    let (channel, dy, dx) = (tap / (g.kernel * g.kernel), tap / g.kernel % g.kernel, tap % g.kernel);
    (channel * g.plane_height() + row * g.stride + dy) * g.plane_width() + dx
}

/// Copies `to.len()` values, in pieces of a length known to the compiler: a call of `memcpy` for a short row costs more
/// than the copy.
fn copy_row(to: &mut [f32], from: &[f32]) {
    let (to_pieces, to_rest) = to.as_chunks_mut::<8>();
    let (from_pieces, _) = from.as_chunks::<8>();
    for (to, from) in to_pieces.iter_mut().zip(from_pieces) {
        *to = *from;
    }
    let done = to_pieces.len() * 8;
    for (to, from) in to_rest.iter_mut().zip(&from[done..]) {
        *to = *from;
    }
}

#[inline(always)]
fn copy_every(to: &mut [f32], from: &[f32], stride: usize) {
    for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
        *to = *from;
    }
}
