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

/// Σ over `terms` of A · B, A `rows` x `depth` and B `depth` x `columns`, read in place: nothing is
/// packed.
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

/// What happens to the values that are already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// They are replaced.
    Set,
    /// They are added to, once the sum is complete.
    Add,
    /// The sum goes on from them: the same bits as from one product over all terms.
    Resume,
}

/// Rows of a register tile; with `MOST_VECTORS` vectors of columns it fills almost all of 32
/// registers.
const MOST_ROWS: usize = 6;
const MOST_VECTORS: usize = 4;

impl Product<'_> {
    /// Writes the result to `out`, whose rows are `out_row` values apart. Every entry is one sum in
    /// a fixed order.
    ///
    /// # Panics
    /// If an index lies outside its slice.
    #[inline(always)]
    pub fn write<S: Simd>(&self, simd: S, out: &mut [f32], out_row: usize, write: Write) {
        if self.rows == 0 || self.columns == 0 {
            return;
        }
        self.check(out.len(), out_row);
        // With half of the registers a tile has half of the columns.
        let most =
            S::F32_LANES * if S::REGISTER_COUNT >= 32 { MOST_VECTORS } else { MOST_VECTORS / 2 };
        let blocks = self.rows.div_ceil(MOST_ROWS);
        for column in (0..self.columns).step_by(most) {
            let width = most.min(self.columns - column);
            // Rows are divided evenly: two tiles of 4 rows are quicker than one of 6 and one of 2.
            let mut row = 0;
            for block in 0..blocks {
                let end = self.rows * (block + 1) / blocks;
                let tile = RegisterTile {
                    product: self,
                    row,
                    column,
                    width,
                    out: &mut *out,
                    out_row,
                    write,
                };
                tile.run(simd, end - row);
                row = end;
            }
        }
    }

    /// Checks that every index lies in its slice. All that is computed from indices later, by
    /// [`Registers::sum`], lies between a term's first and last index, so it cannot overflow
    /// either.
    fn check(&self, out: usize, out_row: usize) {
        let Product { rows, columns, depth, .. } = *self;
        let last_out = last(0, &[(rows, out_row), (columns, 1)]);
        assert!(
            last_out.is_some_and(|last| last < out),
            "a product of {rows} x {columns} values does not fit"
        );
        if depth == 0 {
            return;
        }
        for term in self.terms {
            let last_a = last(term.a, &[(rows, self.a_row), (depth, self.a_step)]);
            let last_b = last(term.b, &[(depth, self.b_step), (columns, 1)]);
            assert!(
                last_a.is_some_and(|last| last < self.a.len())
                    && last_b.is_some_and(|last| last < self.b.len()),
                "a product reads beyond its operands"
            );
        }
    }
}

/// The last index from `first` on over dimensions of so many entries (at least one), so far apart;
/// `None` where there is no such number.
fn last(first: usize, dimensions: &[(usize, usize)]) -> Option<usize> {
    dimensions.iter().try_fold(first, |last, (entries, apart)| {
        last.checked_add((entries - 1).checked_mul(*apart)?)
    })
}

struct RegisterTile<'a> {
    product: &'a Product<'a>,
    row: usize,
    column: usize,
    width: usize,
    out: &'a mut [f32],
    out_row: usize,
    write: Write,
}

impl RegisterTile<'_> {
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
struct Registers<'a, const ROWS: usize, const VECTORS: usize>(RegisterTile<'a>);

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
        let RegisterTile { product, row, column, width, out, out_row, write } = self.0;
        let lanes = S::F32_LANES;
        let mask = simd.mask_between_m32s(0, (width - (VECTORS - 1) * lanes) as u32);
        // SAFETY: `Product::check` has seen, without overflow, that the first and the last value of
        // every term and of the result lie in their slices, and all others lie between those; a
        // vector that is not whole is masked.
        unsafe {
            let load = |at: *const f32, vector: usize| {
                if PARTIAL && vector + 1 == VECTORS {
                    simd.mask_load_ptr_f32s(mask, at.add(vector * lanes))
                } else {
                    at.add(vector * lanes).cast::<S::f32s>().read_unaligned()
                }
            };
            let out = out.as_mut_ptr().add(row * out_row + column);
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            if write == Write::Resume {
                for r in 0..ROWS {
                    for vector in 0..VECTORS {
                        sums[r][vector] = load(out.add(r * out_row), vector);
                    }
                }
            }
            // The places of terms without depth were not looked at.
            let terms = if product.depth == 0 { &[] } else { product.terms };
            for term in terms {
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
                            sums[r][vector] =
                                simd.mul_add_e_f32s(factor, values[vector], sums[r][vector]);
                        }
                    }
                    a = a.wrapping_add(product.a_step);
                    b = b.wrapping_add(product.b_step);
                }
            }
            for r in 0..ROWS {
                let at = out.add(r * out_row);
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

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::{Arch, Scalar};

    struct Run<'a> {
        product: Product<'a>,
        out: &'a mut [f32],
        out_row: usize,
        write: Write,
    }

    impl WithSimd for Run<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            self.product.write(simd, self.out, self.out_row, self.write);
        }
    }

    /// Runs on this machine's best vectors, on narrower ones where it has them, and on none.
    fn on_all(mut run: impl FnMut(&dyn Fn(Run))) {
        run(&|product| Arch::new().dispatch(product));
        #[cfg(target_arch = "x86_64")]
        if let Some(simd) = pulp::x86::V3::try_new() {
            run(&|product| Simd::vectorize(simd, product));
        }
        run(&|product| Scalar::new().vectorize(product));
    }

    #[test]
    fn every_size_of_tile_is_right_on_every_kind_of_vector() {
        let value = |index: usize| (index * 37 % 101) as f32 / 50.0 - 1.0;
        let (a, b): (Vec<f32>, Vec<f32>) =
            ((0..4000).map(value).collect(), (5..6000).map(value).collect());
        let terms = [Term { a: 3, b: 0 }, Term { a: 700, b: 1500 }, Term { a: 1, b: 40 }];
        for (rows, columns, depth) in
            [(1, 1, 1), (2, 17, 3), (5, 64, 7), (6, 33, 4), (7, 70, 2), (13, 130, 5), (9, 15, 0)]
        {
            let product = |terms| Product {
                rows,
                columns,
                depth,
                a: &a,
                a_row: 19,
                a_step: 2,
                b: &b,
                b_step: 150,
                terms,
            };
            let expected = |r: usize, c: usize| -> f32 {
                let at = |t: &Term, k: usize| a[t.a + r * 19 + k * 2] * b[t.b + k * 150 + c];
                terms.iter().map(|t| (0..depth).map(|k| at(t, k)).sum::<f32>()).sum()
            };
            on_all(|run| {
                let out_row = columns + 3;
                let mut out = vec![7.0; rows * out_row];
                run(Run { product: product(&terms), out: &mut out, out_row, write: Write::Set });
                run(Run {
                    product: product(&terms[..1]),
                    out: &mut out,
                    out_row,
                    write: Write::Add,
                });
                for r in 0..rows {
                    for c in 0..out_row {
                        let once: f32 = if c < columns {
                            let first: f32 = (0..depth)
                                .map(|k| {
                                    a[terms[0].a + r * 19 + k * 2] * b[terms[0].b + k * 150 + c]
                                })
                                .sum();
                            expected(r, c) + first
                        } else {
                            // What lies between the rows is nobody's.
                            7.0
                        };
                        assert!(
                            (out[r * out_row + c] - once).abs() < 1e-4,
                            "{rows}x{columns}x{depth}: ({r}, {c})"
                        );
                    }
                }
            });
        }
    }

    #[test]
    fn a_sum_that_is_resumed_has_the_bits_of_one_that_never_stopped() {
        let value = |index: usize| (index * 37 % 101) as f32 / 30.0 - 1.6;
        let (a, b): (Vec<f32>, Vec<f32>) =
            ((0..400).map(value).collect(), (3..3000).map(value).collect());
        let (rows, columns, depth, a_row) = (7, 37, 11, 20);
        let product = Product {
            rows,
            columns,
            depth,
            a: &a,
            a_row,
            a_step: 1,
            b: &b,
            b_step: 40,
            terms: &[],
        };
        let terms = [Term { a: 0, b: 0 }, Term { a: 11, b: 900 }, Term { a: 22, b: 1800 }];
        on_all(|run| {
            let all = |parts: &[(&[Term], Write)]| {
                let mut out = vec![7.0; rows * columns];
                for (terms, write) in parts {
                    let product = Product { terms, ..product };
                    run(Run { product, out: &mut out, out_row: columns, write: *write });
                }
                out
            };
            let at_once = all(&[(&terms, Write::Set)]);
            assert_eq!(at_once, all(&[(&terms[..1], Write::Set), (&terms[1..], Write::Resume)]));
            // What is added up first and then added is another sum.
            assert_ne!(at_once, all(&[(&terms[..1], Write::Set), (&terms[1..], Write::Add)]));
        });
    }

    /// A product of 3 x 3 values that reads and writes up to the ends of its slices.
    fn tight<'a>(a: &'a [f32], b: &'a [f32], terms: &'a [Term]) -> Product<'a> {
        Product { rows: 3, columns: 3, depth: 4, a, a_row: 4, a_step: 1, b, b_step: 3, terms }
    }

    /// Whether a product is refused before it touches anything.
    fn is_refused(product: Product, out: usize, out_row: usize) -> bool {
        let mut out = vec![0.0; out];
        let run = || {
            let run = Run { product, out: &mut out, out_row, write: Write::Set };
            Arch::new().dispatch(run);
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err()
    }

    #[test]
    fn whatever_lies_beyond_is_noticed() {
        let (a, b) = (vec![0.0; 12], vec![0.0; 12]);
        let terms = |a, b| [Term { a, b }];
        assert!(!is_refused(tight(&a, &b, &terms(0, 0)), 9, 3));
        let far = [1, 1 << 61, 1 << 62, 1 << 63, usize::MAX / 3, usize::MAX - 1, usize::MAX];
        for far in far {
            for terms in [terms(far, 0), terms(0, far)] {
                assert!(is_refused(tight(&a, &b, &terms), 9, 3), "{terms:?}");
            }
            let terms = terms(0, 0);
            let product = tight(&a, &b, &terms);
            for beyond in [
                Product { rows: far.saturating_add(3), ..product },
                Product { columns: far.saturating_add(3), ..product },
                Product { depth: far.saturating_add(4), ..product },
                Product { a_row: far.saturating_add(4), ..product },
                Product { a_step: far.saturating_add(1), ..product },
                Product { b_step: far.saturating_add(3), ..product },
                // Its factor makes this one small again where it overflows.
                Product { a_step: 1 << 61, depth: 9, ..product },
            ] {
                assert!(is_refused(beyond, 9, 3), "{far}");
            }
            assert!(is_refused(product, 9, far.saturating_add(3)), "{far}");
        }
        assert!(is_refused(tight(&a, &b, &terms(0, 0)), 8, 3));
    }
}
