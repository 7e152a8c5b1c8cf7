//! The one matrix product that all convolutions are made of.

use pulp::{Simd, WithSimd};

/// Where one product of a sum begins in its two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// Offset of its first value in `a`.
    pub a: usize,
    /// Offset of its first value in `b`.
    pub b: usize,
}

/// Σ over `terms` of A · B, A `rows` x `depth` and B `depth` x `columns`, read in place: nothing is packed.
///
/// Entry (r, k) of a term's A is `a[term.a + r * a_row + k * a_step]`; entry (k, c) of its B is
/// `b[term.b + k * b_step + c]`.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// Rows of A and of the result.
    pub rows: usize,
    /// Columns of B and of the result.
    pub columns: usize,
    /// Columns of A, rows of B.
    pub depth: usize,
    /// Values of all A.
    pub a: &'a [f32],
    /// From one row of A to the next.
    pub a_row: usize,
    /// From one column of A to the next.
    pub a_step: usize,
    /// Values of all B.
    pub b: &'a [f32],
    /// From one row of B to the next.
    pub b_step: usize,
    /// What is summed, in this order.
    pub terms: &'a [Term],
}

/// What becomes of the values that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// They are replaced.
    Set,
    /// They are added to.
    Add,
}

/// Rows of a register tile; with `MOST_VECTORS` vectors of columns it fills 32 registers but for a few.
const MOST_ROWS: usize = 6;
const MOST_VECTORS: usize = 4;

impl Product<'_> {
    /// Writes the result to `out`, whose rows are `out_row` values apart. Every entry is one sum in a fixed order.
    ///
    /// # Panics
    /// If an index lies outside its slice.
    #[inline(always)]
    pub fn write<S: Simd>(&self, simd: S, out: &mut [f32], out_row: usize, write: Write) {
        if self.rows == 0 || self.columns == 0 {
            return;
        }
        self.check(out.len(), out_row);
        // Half of the registers hold half of the columns.
        let most = S::F32_LANES * if S::REGISTER_COUNT >= 32 { MOST_VECTORS } else { MOST_VECTORS / 2 };
        let blocks = self.rows.div_ceil(MOST_ROWS);
        for column in (0..self.columns).step_by(most) {
            let width = most.min(self.columns - column);
            // Rows are shared out evenly: two tiles of 4 rows are quicker than one of 6 and one of 2.
            let mut row = 0;
            for block in 0..blocks {
                let end = self.rows * (block + 1) / blocks;
                let tile = Tile { product: self, row, column, width, out: &mut *out, out_row, write };
                tile.run(simd, end - row);
                row = end;
            }
        }
    }

    fn check(&self, out: usize, out_row: usize) {
        let Product { rows, columns, depth, .. } = *self;
        assert!((rows - 1) * out_row + columns <= out, "a product of {rows} x {columns} values does not fit");
        if depth == 0 {
            return;
        }
        let last_a = (rows - 1) * self.a_row + (depth - 1) * self.a_step;
        let last_b = (depth - 1) * self.b_step + columns - 1;
        for term in self.terms {
            assert!(
                term.a + last_a < self.a.len() && term.b + last_b < self.b.len(),
                "a product reads beyond its operands"
            );
        }
    }
}

struct Tile<'a> {
    product: &'a Product<'a>,
    row: usize,
    column: usize,
    width: usize,
    out: &'a mut [f32],
    out_row: usize,
    write: Write,
}

impl Tile<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S, rows: usize) {
        match rows {
            1 => self.rows::<S, 1>(simd),
            2 => self.rows::<S, 2>(simd),
            3 => self.rows::<S, 3>(simd),
            4 => self.rows::<S, 4>(simd),
            5 => self.rows::<S, 5>(simd),
            _ => self.rows::<S, MOST_ROWS>(simd),
        }
    }

    #[inline(always)]
    fn rows<S: Simd, const ROWS: usize>(self, simd: S) {
        match self.width.div_ceil(S::F32_LANES) {
            1 => simd.vectorize(Registers::<ROWS, 1>(self)),
            2 => simd.vectorize(Registers::<ROWS, 2>(self)),
            3 => simd.vectorize(Registers::<ROWS, 3>(self)),
            _ => simd.vectorize(Registers::<ROWS, MOST_VECTORS>(self)),
        }
    }
}

/// A tile of ROWS rows and VECTORS vectors of columns, kept in registers.
struct Registers<'a, const ROWS: usize, const VECTORS: usize>(Tile<'a>);

impl<const ROWS: usize, const VECTORS: usize> WithSimd for Registers<'_, ROWS, VECTORS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.0.width == VECTORS * S::F32_LANES {
            self.sum::<S, false>(simd);
        } else {
            self.sum::<S, true>(simd);
        }
    }
}

impl<const ROWS: usize, const VECTORS: usize> Registers<'_, ROWS, VECTORS> {
    /// PARTIAL: the last vector is not whole.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn sum<S: Simd, const PARTIAL: bool>(self, simd: S) {
        let Tile { product, row, column, width, out, out_row, write } = self.0;
        let lanes = S::F32_LANES;
        let mask = simd.mask_between_m32s(0, (width - (VECTORS - 1) * lanes) as u32);
        // SAFETY: `Product::check` has seen that the first and the last value of every term and of the result lie in
        // their slices, and all others lie between those; a vector that is not whole is masked.
        unsafe {
            let load = |at: *const f32, vector: usize| {
                if PARTIAL && vector + 1 == VECTORS {
                    simd.mask_load_ptr_f32s(mask, at.add(vector * lanes))
                } else {
                    at.add(vector * lanes).cast::<S::f32s>().read_unaligned()
                }
            };
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            for term in product.terms {
                let mut a = product.a.as_ptr().add(term.a + row * product.a_row);
                let mut b = product.b.as_ptr().add(term.b + column);
                for _ in 0..product.depth {
                    let mut values = [simd.splat_f32s(0.0); VECTORS];
                    for vector in 0..VECTORS {
                        values[vector] = load(b, vector);
                    }
                    for r in 0..ROWS {
                        let factor = simd.splat_f32s(*a.add(r * product.a_row));
                        for vector in 0..VECTORS {
                            sums[r][vector] = simd.mul_add_e_f32s(factor, values[vector], sums[r][vector]);
                        }
                    }
                    a = a.wrapping_add(product.a_step);
                    b = b.wrapping_add(product.b_step);
                }
            }
            for r in 0..ROWS {
                let at = out.as_mut_ptr().add((row + r) * out_row + column);
                for vector in 0..VECTORS {
                    let mut value = sums[r][vector];
                    if write == Write::Add {
                        value = simd.add_f32s(load(at, vector), value);
                    }
                    if PARTIAL && vector + 1 == VECTORS {
                        simd.mask_store_ptr_f32s(mask, at.add(vector * lanes), value);
                    } else {
                        at.add(vector * lanes).cast::<S::f32s>().write_unaligned(value);
                    }
                }
            }
        }
    }
}
