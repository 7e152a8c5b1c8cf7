//! A matrix with all its singular values brought near to 1.

use super::product::{Product, Term, Write};
use pulp::{Arch, Simd, WithSimd};

/// Coefficients of x, x³ and x⁵ in a polynomial that, applied again and again, brings all of (0, 1]
/// between 0.7 and 1.2 (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural
/// networks").
pub const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
/// How often the polynomial is applied. It is often enough for singular values above about 1/500 of
/// the matrix's norm.
pub const ITERATIONS: usize = 5;
/// Added to the norm that a matrix is divided by, so that a matrix of zeros stays zero.
pub const TINY: f64 = 1e-7;

/// Brings the singular values of `matrix`, `rows` x `columns` row by row, near to 1 and keeps its
/// singular vectors.
///
/// The iteration X ← (aI + bXXᵀ + c(XXᵀ)²) X works on the smaller of XXᵀ and XᵀX alone, and the
/// product of all its polynomials is applied to the matrix once, at the end. Every entry is summed
/// in a fixed order.
///
/// # Panics
/// If `matrix` does not have `rows` x `columns` values.
pub fn orthogonalise(matrix: &mut [f32], rows: usize, columns: usize) {
    assert_eq!(matrix.len(), rows * columns, "a matrix of {rows} x {columns}");
    Arch::new().dispatch(Orthogonalise { matrix, rows, columns });
}

struct Orthogonalise<'a> {
    matrix: &'a mut [f32],
    rows: usize,
    columns: usize,
}

impl WithSimd for Orthogonalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Orthogonalise { matrix, rows, columns } = self;
        let norm = matrix.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let scale = (1.0 / (norm + TINY)) as f32;
        matrix.iter_mut().for_each(|value| *value *= scale);

        let (wide, side) = (rows <= columns, rows.min(columns));
        let mut gram = vec![0.0; side * side];
        if wide {
            let other: Vec<f32> =
                (0..rows * columns).map(|i| matrix[i % rows * columns + i / rows]).collect();
            product(simd, [rows, columns, rows], (matrix, columns, 1), &other, &mut gram);
        } else {
            product(simd, [columns, rows, columns], (matrix, 1, columns), matrix, &mut gram);
        }

        let square =
            |a: &[f32], b: &[f32], out: &mut [f32]| product(simd, [side; 3], (a, side, 1), b, out);
        let [a, b, c] = COEFFICIENTS.map(|coefficient| coefficient as f32);
        let mut turn = vec![0.0; side * side];
        (0..side).for_each(|i| turn[i * (side + 1)] = 1.0);
        let (mut polynomial, mut spare) = (vec![0.0; side * side], vec![0.0; side * side]);
        for iteration in 0..ITERATIONS {
            square(&gram, &gram, &mut polynomial);
            polynomial
                .iter_mut()
                .zip(&gram)
                .for_each(|(squared, gram)| *squared = b * gram + c * *squared);
            (0..side).for_each(|i| polynomial[i * (side + 1)] += a);
            square(&polynomial, &turn, &mut spare);
            std::mem::swap(&mut turn, &mut spare);
            if iteration + 1 < ITERATIONS {
                square(&polynomial, &gram, &mut spare);
                square(&spare, &polynomial, &mut gram);
            }
        }

        let before = matrix.to_vec();
        if wide {
            product(simd, [rows, rows, columns], (&turn, rows, 1), &before, matrix);
        } else {
            product(simd, [rows, columns, columns], (&before, columns, 1), &turn, matrix);
        }
    }
}

/// A · B, sizes being rows and columns of A and columns of B; A with the steps from row to row and
/// from column to column.
#[inline(always)]
fn product<S: Simd>(
    simd: S,
    [rows, depth, columns]: [usize; 3],
    (a, a_row, a_step): (&[f32], usize, usize),
    b: &[f32],
    out: &mut [f32],
) {
    let terms = &[Term { a: 0, b: 0 }];
    Product { rows, columns, depth, a, a_row, a_step, b, b_step: columns, terms }.write(
        simd,
        out,
        columns,
        Write::Set,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The iteration as it is written down, in double precision.
    fn plain(matrix: &[f32], rows: usize, columns: usize) -> Vec<f64> {
        let norm = matrix.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let mut x: Vec<f64> =
            matrix.iter().map(|value| f64::from(*value) / (norm + TINY)).collect();
        for _ in 0..ITERATIONS {
            let gram: Vec<f64> = (0..rows * rows)
                .map(|i| {
                    (0..columns)
                        .map(|k| x[i / rows * columns + k] * x[i % rows * columns + k])
                        .sum()
                })
                .collect();
            let times = |a: &[f64], b: &[f64], width: usize| -> Vec<f64> {
                let entry = |i: usize| {
                    (0..rows).map(|k| a[i / width * rows + k] * b[k * width + i % width]).sum()
                };
                (0..rows * width).map(entry).collect()
            };
            let squared = times(&gram, &gram, rows);
            let [a, b, c] = COEFFICIENTS;
            let polynomial: Vec<f64> =
                gram.iter().zip(&squared).map(|(gram, squared)| b * gram + c * squared).collect();
            let bent = times(&polynomial, &x, columns);
            x.iter_mut().zip(bent).for_each(|(x, bent)| *x = a * *x + bent);
        }
        x
    }

    fn values(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * i * 31 + i * 17) % 211) as f32 / 100.0 - 1.0).collect()
    }

    #[test]
    fn it_is_the_iteration_that_is_written_down_whatever_the_shape() {
        for (rows, columns) in [(1, 1), (1, 9), (9, 1), (6, 40), (16, 16), (40, 6), (33, 70)] {
            let mut matrix = values(rows * columns);
            let expected = plain(&matrix, rows, columns);
            orthogonalise(&mut matrix, rows, columns);
            for (found, expected) in matrix.iter().zip(&expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 2e-3,
                    "{rows}x{columns}: {found} for {expected}"
                );
            }
        }
    }

    #[test]
    fn rows_come_out_nearly_orthonormal() {
        let (rows, columns) = (12, 100);
        let mut matrix = values(rows * columns);
        orthogonalise(&mut matrix, rows, columns);
        let dot = |i: usize, j: usize| -> f32 {
            (0..columns).map(|k| matrix[i * columns + k] * matrix[j * columns + k]).sum()
        };
        for i in 0..rows {
            assert!((0.4..1.5).contains(&dot(i, i)), "row {i} has square {}", dot(i, i));
            assert!((0..i).all(|j| dot(i, j).abs() < 0.5), "row {i}");
        }
    }

    #[test]
    fn an_empty_matrix_stays_empty() {
        let mut matrix = vec![0.0; 24];
        orthogonalise(&mut matrix, 4, 6);
        assert!(matrix.iter().all(|value| *value == 0.0));
    }
}
