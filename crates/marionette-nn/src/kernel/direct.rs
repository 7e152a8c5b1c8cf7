//! Convolution as a sum of products, one for each place of the kernel, read in place from a padded
//! image.

use super::{
    product::{Product, Term, Write},
    scratch::{room, with_scratch},
    shape::ConvShape,
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// The zeros around an image.
struct Border {
    top: usize,
    left: usize,
    /// Height with the border.
    height: usize,
    /// Width with the border.
    width: usize,
}

impl Border {
    fn len(&self, channels: usize) -> usize {
        self.height * self.width * channels
    }

    /// Copies `image`, `width` pixels wide, into the middle of the zeros.
    fn surround(&self, image: &[f32], width: usize, channels: usize, padded: &mut [f32]) {
        padded.fill(0.0);
        for (row, values) in image.chunks_exact(width * channels).enumerate() {
            let start = ((self.top + row) * self.width + self.left) * channels;
            padded[start..start + values.len()].copy_from_slice(values);
        }
    }
}

fn border(shape: &ConvShape) -> Border {
    let padding = shape.padding;
    Border {
        top: padding,
        left: padding,
        height: shape.height + 2 * padding,
        width: shape.width + 2 * padding,
    }
}

/// Calls `work` with an image and the zeros around it, if there are any.
fn padded(shape: &ConvShape, x: &[f32], work: impl FnOnce(&[f32], Border)) {
    let border = border(shape);
    if shape.padding == 0 {
        return work(x, border);
    }
    with_scratch(border.len(shape.inputs), 0, |padded, _| {
        border.surround(x, shape.width, shape.inputs, padded);
        work(padded, border);
    });
}

/// Height and width of the output for the products. If an image is read without gaps, its rows are
/// one long row.
fn out_rows(shape: &ConvShape) -> (usize, usize) {
    let (height, width) = (shape.out_height(), shape.out_width());
    if shape.kernel == 1 && shape.stride == 1 && shape.padding == 0 {
        (1, height * width)
    } else {
        (height, width)
    }
}

/// Where the kernel's places begin in a padded image `width` pixels wide, and in the packed
/// weights. Neighbours in a row are neighbours in memory as well, so a whole row is one term where
/// groups and dilation allow it. Returns the terms and the number of values in each.
fn taps(shape: &ConvShape, width: usize) -> (Vec<Term>, usize) {
    let ConvShape { inputs, kernel, dilation, .. } = *shape;
    let (depth, columns) = (shape.group_inputs(), shape.group_outputs());
    if shape.groups == 1 && dilation == 1 {
        let row = |ky| Term { a: ky * width * inputs, b: ky * kernel * depth * columns };
        return ((0..kernel).map(row).collect(), kernel * depth);
    }
    let place = |tap| {
        let (ky, kx) = (tap / kernel, tap % kernel);
        Term { a: (ky * width + kx) * dilation * inputs, b: tap * depth * columns }
    };
    ((0..kernel * kernel).map(place).collect(), depth)
}

/// Columns of a panel.
const PANEL_COLUMNS: usize = 64;
/// Rows of a panel where they are divided, too.
const PANEL_ROWS: usize = 96;
/// A product of at most this many rows is over before its weights have come from the second cache.
const FEW_ROWS: usize = 12;

/// A part of the weights that all of an image is multiplied by before the next one is, so that it
/// stays in the cache.
struct Panel {
    columns: Range<usize>,
    terms: Vec<Term>,
    depth: usize,
    write: Write,
}

/// Divides the weights of `terms`, each of `depth` rows and `columns` columns, into panels for
/// products of `rows` rows. Every sum is the same as without panels, bit for bit.
fn panels(terms: &[Term], depth: usize, columns: usize, rows: usize, write: Write) -> Vec<Panel> {
    let mut panels = Vec::new();
    for first in (0..columns).step_by(PANEL_COLUMNS) {
        let range = first..columns.min(first + PANEL_COLUMNS);
        // What is added to must not be until the sum is complete, and a sum of nothing is a sum.
        if rows > FEW_ROWS || write == Write::Add || terms.is_empty() {
            panels.push(Panel { columns: range, terms: terms.to_vec(), depth, write });
            continue;
        }
        let parts = terms.iter().flat_map(|term| {
            (0..depth).step_by(PANEL_ROWS).map(|row| {
                let term = Term { a: term.a + row, b: term.b + row * columns };
                (term, PANEL_ROWS.min(depth - row))
            })
        });
        for (index, (term, depth)) in parts.enumerate() {
            let write = if index == 0 { write } else { Write::Resume };
            panels.push(Panel { columns: range.clone(), terms: vec![term], depth, write });
        }
    }
    panels
}

/// Y of one image; `weights` as from [`super::pack::forward_taps`].
pub fn forward(shape: &ConvShape, x: &[f32], weights: &[f32], y: &mut [f32], write: Write) {
    padded(shape, x, |x, border| {
        Arch::new().dispatch(Forward { shape, border, x, weights, y, write })
    });
}

struct Forward<'a> {
    shape: &'a ConvShape,
    border: Border,
    x: &'a [f32],
    weights: &'a [f32],
    y: &'a mut [f32],
    write: Write,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { shape, border, x, weights, y, write } = self;
        let ConvShape { inputs, outputs, stride, .. } = *shape;
        let (height, width) = out_rows(shape);
        let (terms, depth) = taps(shape, border.width);
        for group in 0..shape.groups {
            let weights =
                &weights[group * weights.len() / shape.groups..][..weights.len() / shape.groups];
            for panel in panels(&terms, depth, shape.group_outputs(), width, write) {
                for row in 0..height {
                    let start = row * stride * border.width * inputs;
                    let product = Product {
                        rows: width,
                        columns: panel.columns.len(),
                        depth: panel.depth,
                        a: &x[start + group * shape.group_inputs()..],
                        a_row: stride * inputs,
                        a_step: 1,
                        b: &weights[panel.columns.start..],
                        b_step: shape.group_outputs(),
                        terms: &panel.terms,
                    };
                    let start = row * width * outputs + group * shape.group_outputs();
                    let y = &mut y[start + panel.columns.start..];
                    product.write(simd, y, outputs, panel.write);
                }
            }
        }
    }
}

/// dX of one image; `weights` as from [`super::pack::backward_taps`].
pub fn input_gradient(
    shape: &ConvShape,
    dy: &[f32],
    weights: &[f32],
    dx: &mut [f32],
    write: Write,
) {
    let phases = Phases::new(shape);
    let border = phases.border(shape);
    with_scratch(border.len(shape.outputs), 0, |padded, _| {
        border.surround(dy, shape.out_width(), shape.outputs, padded);
        Arch::new().dispatch(InputGradient {
            shape,
            phases: &phases,
            border,
            dy: padded,
            weights,
            dx,
            write,
        });
    });
}

/// Which rows of the kernel connect an input row with which output rows (the same holds for
/// columns). Input rows that are equal modulo the stride have the same connections.
struct Phases(Vec<Vec<Reach>>);

/// Input row `stride * q + phase` gets its gradient from output row `q + offset` through the
/// kernel's row `tap`.
#[derive(Clone, Copy)]
struct Reach {
    tap: usize,
    offset: isize,
}

impl Phases {
    fn new(shape: &ConvShape) -> Self {
        let stride = shape.stride as isize;
        let reaches = |phase: usize| {
            let reach = |tap: usize| {
                let distance = (phase + shape.padding) as isize - (tap * shape.dilation) as isize;
                (distance.rem_euclid(stride) == 0)
                    .then_some(Reach { tap, offset: distance.div_euclid(stride) })
            };
            (0..shape.kernel).filter_map(reach).collect()
        };
        Phases((0..shape.stride).map(reaches).collect())
    }

    /// The zeros around dY that every reach stays within.
    fn border(&self, shape: &ConvShape) -> Border {
        let offsets = || self.0.iter().flatten().map(|reach| reach.offset);
        let before = offsets().min().unwrap_or(0).min(0).unsigned_abs();
        let after = |size: usize, out: usize| {
            let last = (size.div_ceil(shape.stride) - 1) as isize + offsets().max().unwrap_or(0);
            (last + 1 - out as isize).max(0) as usize
        };
        let (height, width) = (shape.out_height(), shape.out_width());
        Border {
            top: before,
            left: before,
            height: before + height + after(shape.height, height),
            width: before + width + after(shape.width, width),
        }
    }
}

struct InputGradient<'a> {
    shape: &'a ConvShape,
    phases: &'a Phases,
    border: Border,
    dy: &'a [f32],
    weights: &'a [f32],
    dx: &'a mut [f32],
    write: Write,
}

impl WithSimd for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let InputGradient { shape, phases, border, dy, weights, dx, write } = self;
        let ConvShape { inputs, outputs, stride, kernel, .. } = *shape;
        let (depth, columns) = (shape.group_outputs(), shape.group_inputs());
        let mut terms = Vec::with_capacity(kernel * kernel);
        for (phase_y, rows) in phases.0.iter().enumerate() {
            for (phase_x, places) in phases.0.iter().enumerate() {
                if phase_y >= shape.height || phase_x >= shape.width {
                    continue;
                }
                terms.clear();
                for row in rows {
                    for place in places {
                        let from =
                            |start: usize, reach: &Reach| (start as isize + reach.offset) as usize;
                        terms.push(Term {
                            a: (from(border.top, row) * border.width + from(border.left, place))
                                * outputs,
                            b: (row.tap * kernel + place.tap) * depth * columns,
                        });
                    }
                }
                for group in 0..shape.groups {
                    let weights = &weights[group * weights.len() / shape.groups..]
                        [..weights.len() / shape.groups];
                    let places = (shape.width - phase_x).div_ceil(stride);
                    for panel in panels(&terms, depth, columns, places, write) {
                        for (q, y) in (phase_y..shape.height).step_by(stride).enumerate() {
                            let product = Product {
                                rows: places,
                                columns: panel.columns.len(),
                                depth: panel.depth,
                                a: &dy[q * border.width * outputs + group * depth..],
                                a_row: outputs,
                                a_step: 1,
                                b: &weights[panel.columns.start..],
                                b_step: columns,
                                terms: &panel.terms,
                            };
                            let start = (y * shape.width + phase_x) * inputs + group * columns;
                            let dx = &mut dx[start + panel.columns.start..];
                            product.write(simd, dx, stride * inputs, panel.write);
                        }
                    }
                }
            }
        }
    }
}

/// Adds dW of one image to `sum`, [g, k, k, C / g, O / g].
pub fn add_weight_gradient(shape: &ConvShape, x: &[f32], dy: &[f32], sum: &mut [f32]) {
    padded(shape, x, |x, border| {
        Arch::new().dispatch(WeightGradient { shape, border, x, dy, sum })
    });
}

struct WeightGradient<'a> {
    shape: &'a ConvShape,
    border: Border,
    x: &'a [f32],
    dy: &'a [f32],
    sum: &'a mut [f32],
}

impl WithSimd for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let WeightGradient { shape, border, x, dy, sum } = self;
        let ConvShape { inputs, outputs, stride, .. } = *shape;
        let (height, width) = out_rows(shape);
        let (taps, rows) = taps(shape, border.width);
        let terms: Vec<Term> = (0..height)
            .map(|row| Term { a: row * stride * border.width * inputs, b: row * width * outputs })
            .collect();
        for group in 0..shape.groups {
            let sum = &mut sum[group * sum_len(shape)..][..sum_len(shape)];
            for tap in &taps {
                let product = Product {
                    rows,
                    columns: shape.group_outputs(),
                    depth: width,
                    a: &x[tap.a + group * shape.group_inputs()..],
                    a_row: 1,
                    a_step: stride * inputs,
                    b: &dy[group * shape.group_outputs()..],
                    b_step: outputs,
                    terms: &terms,
                };
                product.write(simd, &mut sum[tap.b..], shape.group_outputs(), Write::Add);
            }
        }
    }
}

fn sum_len(shape: &ConvShape) -> usize {
    shape.weight_len() / shape.groups
}

/// Input channels of one task.
const ROWS: usize = 64;
/// Pixels that are summed at once, at least, if there are as many: few, so that what one task reads
/// of them is still in the cache for its next rows and columns.
const PIXELS: usize = 256;

/// dW of a batch in `sums`, [g, k, k, C / g, O / g], divided among the tasks by parts of the
/// weight; `padded` is memory to work in.
pub fn weight_gradient_by_place(
    shape: &ConvShape,
    x: &[f32],
    dy: &[f32],
    padded: &mut Vec<f32>,
    sums: &mut [f32],
) {
    let border = border(shape);
    let length = border.len(shape.inputs);
    let batch = x.len() / shape.in_len();
    let x = if shape.padding == 0 {
        x
    } else {
        let padded = room(padded, batch * length);
        let images = padded.par_chunks_mut(length).zip(x.par_chunks(shape.in_len()));
        images.for_each(|(padded, x)| border.surround(x, shape.width, shape.inputs, padded));
        &*padded
    };
    let (taps, rows) = taps(shape, border.width);
    let (height, width) = (shape.out_height(), shape.out_width());
    let row = |image: usize, row: usize| Term {
        a: image * length + row * shape.stride * border.width * shape.inputs,
        b: image * shape.out_len() + row * width * shape.outputs,
    };
    let terms: Vec<Term> =
        (0..batch).flat_map(|image| (0..height).map(move |y| row(image, y))).collect();
    let columns = shape.group_outputs();
    let piece = if rows.is_multiple_of(ROWS) { ROWS } else { rows };
    sums.par_chunks_mut(piece * columns).enumerate().for_each(|(index, sums)| {
        let (group, place) =
            (index * piece / (rows * taps.len()), index * piece % (rows * taps.len()));
        for (index, terms) in terms.chunks(PIXELS.div_ceil(width)).enumerate() {
            let product = Product {
                rows: piece,
                columns,
                depth: width,
                a: &x[taps[place / rows].a + place % rows + group * shape.group_inputs()..],
                a_row: 1,
                a_step: shape.stride * shape.inputs,
                b: &dy[group * columns..],
                b_step: shape.outputs,
                terms,
            };
            let write = if index == 0 { Write::Set } else { Write::Resume };
            Arch::new().dispatch(Sums { product, write, sums: &mut *sums });
        }
    });
}

struct Sums<'a> {
    product: Product<'a>,
    write: Write,
    sums: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.product.write(simd, self.sums, self.product.columns, self.write);
    }
}
