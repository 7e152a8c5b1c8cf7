//! Softmax over the cells of heatmaps, and the cross-entropy with a target, a map at a time.
//!
//! Sums run in a fixed number of lanes, so that compilers can vectorise them and results have the
//! same bits for any number of threads.

use pulp::Arch;
use rayon::prelude::*;

const LANES: usize = 16;

/// Maps that one task works on.
const MAPS: usize = 16;

/// eˣ for x up to 88, to about one unit in the last place (the coefficients are those of Cephes'
/// `expf`); below -87, where the result would not be a normal number, e⁻⁸⁷.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    let mut series = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        series = series * rest + coefficient;
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    (series * rest * rest + rest + 1.0) * power
}

/// Σ over a map of `term` of each value.
#[inline(always)]
fn sum_of(map: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (chunks, rest) = map.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += term(*value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += term(*value);
    }
    lanes.iter().sum()
}

/// Σ over two maps of `term` of each pair of values.
#[inline(always)]
fn sum_of_pairs(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += term(*a, *b);
    }
    lanes.iter().sum()
}

/// ln Σ eˣ over a map. It is NaN or infinite if a value is.
#[inline(always)]
fn log_sum(map: &[f32]) -> f32 {
    let greatest =
        map.iter().fold(f32::NEG_INFINITY, |most, value| if *value > most { *value } else { most });
    sum_of(map, |value| exp(value - greatest)).ln() + greatest
}

/// ln softmax of every map of `cells` values of `x`.
pub fn log_softmax(x: &[f32], cells: usize, y: &mut [f32]) {
    y.par_chunks_mut(MAPS * cells).zip(x.par_chunks(MAPS * cells)).for_each(|(y, x)| {
        Arch::new().dispatch(|| {
            for (y, x) in y.chunks_exact_mut(cells).zip(x.chunks_exact(cells)) {
                let log_sum = log_sum(x);
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x - log_sum);
            }
        });
    });
}

/// The gradient of [`log_softmax`], whose result is `y`: dy - eʸ Σ dy.
pub fn log_softmax_gradient(y: &[f32], dy: &[f32], cells: usize, dx: &mut [f32]) {
    let maps = y.par_chunks(MAPS * cells).zip(dy.par_chunks(MAPS * cells));
    dx.par_chunks_mut(MAPS * cells).zip(maps).for_each(|(dx, (y, dy))| {
        Arch::new().dispatch(|| {
            let maps = y.chunks_exact(cells).zip(dy.chunks_exact(cells));
            for (dx, (y, dy)) in dx.chunks_exact_mut(cells).zip(maps) {
                let total = sum_of(dy, |dy| dy);
                dx.iter_mut()
                    .zip(y.iter().zip(dy))
                    .for_each(|(dx, (y, dy))| *dx = dy - exp(*y) * total);
            }
        });
    });
}

/// `mass` (one per map) times softmax of every map of `cells` values of `x`.
pub fn softmax_times(x: &[f32], mass: &[f32], cells: usize, y: &mut [f32]) {
    let maps = x.par_chunks(MAPS * cells).zip(mass.par_chunks(MAPS));
    y.par_chunks_mut(MAPS * cells).zip(maps).for_each(|(y, (x, mass))| {
        Arch::new().dispatch(|| {
            for ((y, x), mass) in y.chunks_exact_mut(cells).zip(x.chunks_exact(cells)).zip(mass) {
                let log_sum = log_sum(x);
                y.iter_mut().zip(x).for_each(|(y, x)| *y = mass * exp(x - log_sum));
            }
        });
    });
}

/// The divergence Σ w (ln w - ln softmax x) of every map of `cells` values of `x` from its target,
/// w = target / Σ target; 0 where the target is empty.
pub fn divergence(x: &[f32], target: &[f32], cells: usize, divergence: &mut [f32]) {
    let maps = x.par_chunks(MAPS * cells).zip(target.par_chunks(MAPS * cells));
    divergence.par_chunks_mut(MAPS).zip(maps).for_each(|(divergence, (x, target))| {
        Arch::new().dispatch(|| {
            let maps = x.chunks_exact(cells).zip(target.chunks_exact(cells));
            for (divergence, (x, target)) in divergence.iter_mut().zip(maps) {
                let mass = sum_of(target, |target| target);
                // A map with an empty target is ignored, but a NaN in the target must show.
                if mass <= 0.0 {
                    *divergence = 0.0;
                    continue;
                }
                let log_sum = log_sum(x);
                let missed = sum_of_pairs(x, target, |x, target| target * (log_sum - x));
                let known =
                    sum_of(target, |target| if target > 0.0 { target * target.ln() } else { 0.0 });
                *divergence = (missed + known) / mass - mass.ln();
            }
        });
    });
}

/// The gradient of [`divergence`] by x: dy (softmax x - w).
pub fn divergence_gradient(x: &[f32], target: &[f32], dy: &[f32], cells: usize, dx: &mut [f32]) {
    let maps =
        x.par_chunks(MAPS * cells).zip(target.par_chunks(MAPS * cells)).zip(dy.par_chunks(MAPS));
    dx.par_chunks_mut(MAPS * cells).zip(maps).for_each(|(dx, ((x, target), dy))| {
        Arch::new().dispatch(|| {
            let maps = x.chunks_exact(cells).zip(target.chunks_exact(cells)).zip(dy);
            for (dx, ((x, target), dy)) in dx.chunks_exact_mut(cells).zip(maps) {
                let mass = sum_of(target, |target| target);
                if mass <= 0.0 || *dy == 0.0 {
                    dx.fill(0.0);
                    continue;
                }
                let (log_sum, share) = (log_sum(x), dy / mass);
                for (dx, (x, target)) in dx.iter_mut().zip(x.iter().zip(target)) {
                    *dx = dy * exp(x - log_sum) - share * target;
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_a_few_units_in_the_last_place() {
        for i in -8700..=100 {
            let x = i as f32 * 0.01;
            let expected = f64::from(x).exp();
            assert!(
                (f64::from(exp(x)) / expected - 1.0).abs() < 3e-7,
                "{x}: {} {expected}",
                exp(x)
            );
        }
        assert!(exp(f32::NAN).is_nan() && exp(-1e30) < 1e-37);
    }

    #[test]
    fn what_is_not_finite_shows() {
        for poison in [f32::NAN, f32::INFINITY] {
            let mut x = [0.5; 20];
            x[17] = poison;
            let mut value = [0.0];
            divergence(&x, &[1.0; 20], 20, &mut value);
            assert!(!value[0].is_finite());
        }
    }
}
