//! From a person's box in a picture to a network's input, and from places there back to the
//! picture.

use crate::export::CropRule;
use image::RgbImage;
use marionette_nn::decode::Decoded;

/// The shortest side of a box, pixels. Shorter sides count as this long.
const SHORTEST: f64 = 1e-3;

/// Whether the box `[left, top, width, height]` lies wholly outside of a picture of `width` x
/// `height` pixels.
pub fn is_outside([x, y, w, h]: [f64; 4], width: u32, height: u32) -> bool {
    x >= f64::from(width) || y >= f64::from(height) || x + w <= 0.0 || y + h <= 0.0
}

/// A rectangle of a picture that a network's input shows: the same scale in both directions, no
/// rotation.
///
/// Places are continuous coordinates in either: the origin is the top-left corner of the top-left
/// pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    /// Top-left corner in the picture.
    origin: [f64; 2],
    /// Picture pixels per input pixel.
    scale: f64,
    /// Width and height of the input, pixels.
    input: [usize; 2],
    /// Colour of what lies outside of the picture.
    padding: [u8; 3],
}

impl Crop {
    /// The rectangle around the box `[left, top, width, height]` by `rule`, in the shape of an
    /// input `[width, height]`: the box enlarged around its middle, then widened or heightened. It
    /// may reach out of the picture.
    pub fn new(bbox: [f32; 4], rule: &CropRule, input: [usize; 2]) -> Self {
        Self::around(bbox.map(f64::from), f64::from(rule.enlarge), rule.padding, input)
    }

    /// All of a picture of `width` x `height` pixels, in the middle of the input, what is left of
    /// it in the padding's colour.
    pub fn whole(width: u32, height: u32, rule: &CropRule, input: [usize; 2]) -> Self {
        Self::around([0.0, 0.0, f64::from(width), f64::from(height)], 1.0, rule.padding, input)
    }

    fn around(
        [x, y, width, height]: [f64; 4],
        enlarge: f64,
        padding: [u8; 3],
        input: [usize; 2],
    ) -> Self {
        let sides = input.map(|side| side as f64);
        let middle = [x + width / 2.0, y + height / 2.0];
        // `max` also turns what is no number into a size.
        let scale =
            (width * enlarge / sides[0]).max(height * enlarge / sides[1]).max(SHORTEST / sides[0]);
        let origin = [0, 1].map(|axis| middle[axis] - scale * sides[axis] / 2.0);
        Crop { origin, scale, input, padding }
    }

    /// The rectangle: left, top, width and height in the picture.
    pub fn rectangle(&self) -> [f64; 4] {
        let [width, height] = self.input.map(|side| side as f64 * self.scale);
        [self.origin[0], self.origin[1], width, height]
    }

    /// The place in the input of a place in the picture.
    pub fn to_input(&self, place: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| (place[axis] - self.origin[axis]) / self.scale)
    }

    /// The place in the picture of a place in the input.
    pub fn to_picture(&self, place: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| self.origin[axis] + place[axis] * self.scale)
    }

    /// A keypoint found in the input, as x and y in continuous pixels of the picture and its score.
    pub fn place(&self, found: &Decoded) -> [f64; 3] {
        let [x, y] = self.to_picture([f64::from(found.x), f64::from(found.y)]);
        [x, y, f64::from(found.score)]
    }

    /// The input: width x height sRGB pixels, row by row from the top, three bytes each.
    ///
    /// Every pixel is a mean over the picture, weighted by a triangle as wide as two input pixels
    /// where the picture is shrunk (so that nothing is skipped) and two picture pixels where it is
    /// enlarged (bilinear interpolation). What the triangle has outside of the picture counts as
    /// padding. Work and memory are bounded by the picture and the input, whatever the rectangle.
    pub fn render(&self, picture: &RgbImage) -> Vec<u8> {
        let (width, height) = picture.dimensions();
        let [columns, rows] =
            [(0, width), (1, height)].map(|(axis, size)| self.taps(axis, size as usize));
        let stride = 3 * self.input[0];
        let mut sums = vec![0f32; stride * self.input[1]];
        let mut line = vec![0f32; stride];
        // One line of the picture at a time, so that only the input's own size is held.
        let first = rows
            .iter()
            .filter(|row| !row.weights.is_empty())
            .map(|row| row.first)
            .min()
            .unwrap_or(0);
        let end = rows.iter().map(|row| row.first + row.weights.len()).max().unwrap_or(0);
        let mut next = 0;
        for y in first..end {
            // The rows' triangles begin and end in the rows' order.
            while next < rows.len() && rows[next].first + rows[next].weights.len() <= y {
                next += 1;
            }
            let pixels = &picture.as_raw()[3 * width as usize * y..][..3 * width as usize];
            squeeze(pixels, &columns, &mut line);
            for (j, row) in rows.iter().enumerate().skip(next).take_while(|(_, row)| row.first <= y)
            {
                let Some(weight) = row.weights.get(y - row.first) else { continue };
                for (sum, value) in sums[stride * j..][..stride].iter_mut().zip(&line) {
                    *sum += weight * value;
                }
            }
        }
        let mut bytes = Vec::with_capacity(sums.len());
        for (row, sums) in rows.iter().zip(sums.chunks_exact(stride)) {
            for (column, sum) in columns.iter().zip(sums.chunks_exact(3)) {
                let outside = 1.0 - row.inside * column.inside;
                bytes.extend(
                    [0, 1, 2]
                        .map(|c| (sum[c] + outside * f32::from(self.padding[c])).round() as u8),
                );
            }
        }
        bytes
    }

    /// Which of a picture's `size` pixels along an axis make up each of the input's, and by how
    /// much.
    fn taps(&self, axis: usize, size: usize) -> Vec<Taps> {
        let radius = self.scale.max(1.0);
        let taps = |i: usize| {
            // In pixel centres: pixel p has its centre at p.
            let centre = self.origin[axis] + (i as f64 + 0.5) * self.scale - 0.5;
            let whole = triangle_sum(centre, radius);
            // Both casts saturate, at 0 and far beyond any picture.
            let first = ((centre - radius).ceil().max(0.0) as usize).min(size);
            let end = ((centre + radius).floor() + 1.0).clamp(0.0, size as f64) as usize;
            let weight =
                |pixel: usize| (1.0 - (pixel as f64 - centre).abs() / radius).max(0.0) / whole;
            let weights: Vec<f64> = (first..end).map(weight).collect();
            let inside = weights.iter().sum::<f64>().clamp(0.0, 1.0) as f32;
            Taps {
                first,
                weights: weights.into_iter().map(|weight| weight as f32).collect(),
                inside,
            }
        };
        (0..self.input[axis]).map(taps).collect()
    }
}

/// The picture's pixels along an axis that make up one of the input's.
struct Taps {
    /// The first of them.
    first: usize,
    /// Their shares.
    weights: Vec<f32>,
    /// The sum of the shares: 1 less what lies outside of the picture.
    inside: f32,
}

/// A line of a picture resampled along it.
fn squeeze(pixels: &[u8], columns: &[Taps], line: &mut [f32]) {
    for (column, out) in columns.iter().zip(line.chunks_exact_mut(3)) {
        let mut sum = [0f32; 3];
        let pixels = pixels.get(3 * column.first..).unwrap_or_default();
        for (weight, color) in column.weights.iter().zip(pixels.chunks_exact(3)) {
            for c in 0..3 {
                sum[c] += weight * f32::from(color[c]);
            }
        }
        out.copy_from_slice(&sum);
    }
}

/// The sum of the triangle max(0, 1 - |p - centre| / radius) over all whole numbers p, in the
/// picture or not.
fn triangle_sum(centre: f64, radius: f64) -> f64 {
    // One side of it: the numbers at the distances d, d + 1 ... up to the radius.
    let side = |d: f64| {
        let count = ((radius - d).floor() + 1.0).max(0.0);
        count - (count * d + count * (count - 1.0) / 2.0) / radius
    };
    let left = centre - centre.floor();
    side(left) + side(1.0 - left)
}

#[cfg(test)]
mod tests;
