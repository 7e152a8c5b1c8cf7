//! The pixels that show a figure, and what is measured there.

use glam::{Vec2, Vec3};
use marionette_stream::{ImageBox, PixelId};

/// The pixels that show a figure.
pub struct Mask {
    /// 1 where it is seen, else 0, row by row.
    own: Vec<u8>,
    /// Pixels a row.
    width: usize,
    /// The box around them, if there are any.
    bounds: Option<Bounds>,
}

/// A box of pixels: its first column and row, and one past its last.
#[derive(Clone, Copy, Default)]
struct Bounds {
    low: [usize; 2],
    high: [usize; 2],
}

impl Mask {
    /// Those of figure `index`.
    pub fn new(ids: &[PixelId], width: usize, index: usize) -> Self {
        let own: Vec<u8> = ids.iter().map(|id| u8::from(id.is_figure(index))).collect();
        let mut bounds: Option<Bounds> = None;
        for (y, row) in own.chunks_exact(width).enumerate() {
            let seen = |own: &u8| *own == 1;
            if let (Some(first), Some(last)) =
                (row.iter().position(seen), row.iter().rposition(seen))
            {
                let Bounds { low, high } =
                    bounds.get_or_insert(Bounds { low: [first, y], high: [last + 1, y + 1] });
                *low = [low[0].min(first), low[1]];
                *high = [high[0].max(last + 1), y + 1];
            }
        }
        Mask { own, width, bounds }
    }

    pub fn area(&self) -> u32 {
        self.own.iter().map(|own| u32::from(*own)).sum()
    }

    pub fn image_box(&self) -> Option<ImageBox> {
        let Bounds { low, high } = self.bounds?;
        let [low, high] = [low, high].map(|[x, y]| Vec2::new(x as f32, y as f32));
        Some(ImageBox { low, high })
    }

    /// Distance between the mean sRGB colours of the figure and of the pixels within 4 of it, as a
    /// share of the largest possible, and the mean brightness of the figure.
    pub fn contrast_and_brightness(&self, color: &[u8]) -> (f32, f32) {
        const REACH: usize = 4;
        let Bounds { low, high } = self.bounds.unwrap_or_default();
        let ends = [self.width, self.own.len() / self.width];
        let low = low.map(|low| low.saturating_sub(REACH));
        let high = [0, 1].map(|axis| (high[axis] + REACH).min(ends[axis]));
        let rows = || (low[1]..high[1]).map(|y| y * self.width + low[0]..y * self.width + high[0]);
        let own: Vec<u8> = rows().flat_map(|row| &self.own[row]).copied().collect();
        let width = high[0] - low[0];
        let near = spread(&own, width, REACH);
        let mut sums = [[0u64; 4]; 2];
        for (row, (own, near)) in rows().zip(own.chunks_exact(width).zip(near.chunks_exact(width)))
        {
            let mut of_row = [[0u32; 4]; 2];
            let pixels = color[row.start * 4..row.end * 4].chunks_exact(4);
            for (rgba, (own, near)) in pixels.zip(own.iter().zip(near)) {
                let value = [rgba[0], rgba[1], rgba[2], 1].map(u32::from);
                for (sum, weight) in of_row.iter_mut().zip([*own, near - own].map(u32::from)) {
                    (0..4).for_each(|channel| sum[channel] += weight * value[channel]);
                }
            }
            for (sum, of_row) in sums.iter_mut().flatten().zip(of_row.iter().flatten()) {
                *sum += u64::from(*of_row);
            }
        }
        let [figure, around] = sums.map(|[red, green, blue, count]| {
            Vec3::from([red, green, blue].map(|sum| sum as f32)) / (255.0 * count.max(1) as f32)
        });
        (figure.distance(around) / 3f32.sqrt(), figure.element_sum() / 3.0)
    }
}

/// The mask of what is within `reach` pixels of a mask of rows of `width`, along both sides.
fn spread(mask: &[u8], width: usize, reach: usize) -> Vec<u8> {
    // Whole lines at once: many pixels to an instruction.
    let join = |into: &mut [u8], from: &[u8]| {
        into.iter_mut().zip(from).for_each(|(into, from)| *into |= from)
    };
    let mut wide = mask.to_vec();
    for (from, into) in mask.chunks_exact(width).zip(wide.chunks_exact_mut(width)) {
        for by in (1..=reach).map(|by| by.min(width)) {
            join(&mut into[by..], from);
            join(into, &from[by..]);
        }
    }
    let mut near = wide.clone();
    for by in (1..=reach).map(|rows| (rows * width).min(mask.len())) {
        join(&mut near[by..], &wide);
        join(&mut near, &wide[by..]);
    }
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_spreads_to_all_sides_and_not_around_the_edges() {
        let (width, height, reach) = (11, 9, 4);
        for (x, y) in [(5, 4), (0, 0), (10, 2), (3, 8)] {
            let mut mask = vec![0u8; width * height];
            mask[y * width + x] = 1;
            let near = spread(&mask, width, reach);
            for (i, found) in near.into_iter().enumerate() {
                let within = (i % width).abs_diff(x) <= reach && (i / width).abs_diff(y) <= reach;
                assert_eq!(found == 1, within, "{i} from {x}, {y}");
            }
        }
    }
}
