//! A page to draw plots on: text, bars, maps and matrices, in the style of the contact sheets.

use super::{Grid, Histogram};
use crate::sheet::{
    canvas::{self, Area},
    font,
};
use image::{Rgb, RgbImage, imageops::crop_imm};

pub type Color = [u8; 3];

const BACKGROUND: Color = [24, 24, 28];
/// What empty bars and cells are drawn in.
pub const PANEL: Color = [44, 46, 54];
/// Plain text.
pub const TEXT: Color = [225, 225, 225];
/// Text of lesser weight.
pub const FAINT: Color = [150, 152, 160];
/// Bars.
pub const BAR: Color = [60, 145, 255];
/// Marks on bars.
pub const MARK: Color = [255, 255, 255];

/// Page pixels per font pixel of plain text, and of titles.
const SCALE: u32 = 2;
const TITLE_SCALE: u32 = 3;
/// From one line of text to the next, page pixels.
pub const LINE: u32 = font::LINE * SCALE;
/// Height of a title with the space below it, page pixels.
pub const TITLE: u32 = font::LINE * TITLE_SCALE + 10;

/// A page to draw plots on.
pub struct Page(RgbImage);

impl Page {
    /// An empty page.
    pub fn new(width: u32, height: u32) -> Self {
        Page(RgbImage::from_pixel(width, height, Rgb(BACKGROUND)))
    }

    /// The page down to `height`.
    pub fn cut(self, height: u32) -> RgbImage {
        crop_imm(&self.0, 0, 0, self.0.width(), height.clamp(1, self.0.height())).to_image()
    }

    /// Fills a rectangle of `size` at the corner `at`.
    pub fn fill(&mut self, at: [u32; 2], size: [u32; 2], color: Color) {
        canvas::fill_area(
            &mut self.0,
            Area { low: at, high: [at[0] + size[0], at[1] + size[1]] },
            color,
        );
    }

    /// A line of text that begins at the corner `at`.
    pub fn text(&mut self, at: [u32; 2], text: &str, color: Color) {
        font::draw(&mut self.0, at, text, color, SCALE);
    }

    /// A line of text that ends at `right`.
    pub fn text_left_of(&mut self, right: u32, top: u32, text: &str, color: Color) {
        self.text([right.saturating_sub(width(text)), top], text, color);
    }

    /// A line of text around `middle`.
    pub fn text_around(&mut self, middle: u32, top: u32, text: &str, color: Color) {
        self.text([middle.saturating_sub(width(text) / 2), top], text, color);
    }

    /// A title; returns where what it heads begins.
    pub fn title(&mut self, at: [u32; 2], text: &str) -> u32 {
        font::draw(&mut self.0, at, text, TEXT, TITLE_SCALE);
        at[1] + TITLE
    }

    /// A bar whose first `share` is filled.
    pub fn bar(&mut self, at: [u32; 2], size: [u32; 2], share: f32, color: Color) {
        self.fill(at, size, PANEL);
        self.fill(at, [part(size[0], share), size[1]], color);
    }

    /// A map of `grid`, brighter where there are more points; the rows that come first in the grid
    /// are at the top, or at the bottom where it is `upward`.
    pub fn map(&mut self, at: [u32; 2], size: [u32; 2], grid: &Grid, upward: bool) {
        let most = grid.counts.iter().copied().max().unwrap_or(0).max(1);
        let edge = |index: usize, length: u32| (index as u32 * length) / grid.side as u32;
        for (index, count) in grid.counts.iter().enumerate() {
            let (column, row) = (index % grid.side, index / grid.side);
            let row = if upward { grid.side - 1 - row } else { row };
            let low = [edge(column, size[0]), edge(row, size[1])];
            let high = [edge(column + 1, size[0]), edge(row + 1, size[1])];
            // The root, so that what is rare still shows.
            let color = heat((*count as f32 / most as f32).sqrt());
            self.fill(
                [at[0] + low[0], at[1] + low[1]],
                [high[0] - low[0], high[1] - low[1]],
                color,
            );
        }
    }

    /// Upright bars, the highest as high as the plot, and the ends of the scale below.
    pub fn histogram(&mut self, at: [u32; 2], size: [u32; 2], histogram: &Histogram) {
        self.fill(at, size, PANEL);
        let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
        let bins = histogram.counts.len() as u32;
        for (bin, count) in (0..).zip(&histogram.counts) {
            let (left, right) = (bin * size[0] / bins, (bin + 1) * size[0] / bins);
            let height = part(size[1], *count as f32 / most as f32);
            let corner = [at[0] + left, at[1] + size[1] - height];
            self.fill(corner, [(right - left).saturating_sub(1), height], BAR);
        }
        let below = at[1] + size[1] + 4;
        self.text([at[0], below], &format!("{}", histogram.low), FAINT);
        self.text_left_of(at[0] + size[0], below, &format!("{}", histogram.high), FAINT);
    }

    /// A cell of a matrix with `text` in its middle.
    pub fn cell(&mut self, at: [u32; 2], size: [u32; 2], text: &str, color: Color) {
        self.fill(at, [size[0].saturating_sub(2), size[1].saturating_sub(2)], color);
        let top = at[1] + size[1].saturating_sub(7 * SCALE + 2) / 2;
        self.text_around(at[0] + size[0] / 2, top, text, TEXT);
    }
}

/// How wide a line of text is, page pixels.
pub fn width(text: &str) -> u32 {
    text.chars().count() as u32 * font::ADVANCE * SCALE
}

/// `share` of `length`, no more than all of it.
pub fn part(length: u32, share: f32) -> u32 {
    (length as f32 * share.clamp(0.0, 1.0)).round() as u32
}

/// From `from` to `to` by `share`.
pub fn blend(from: Color, to: Color, share: f32) -> Color {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|i| {
        (f32::from(from[i]) + (f32::from(to[i]) - f32::from(from[i])) * share).round() as u8
    })
}

/// From dark over red to a light yellow.
fn heat(share: f32) -> Color {
    const RED: Color = [205, 70, 50];
    const YELLOW: Color = [255, 240, 170];
    if share < 0.5 { blend(PANEL, RED, 2.0 * share) } else { blend(RED, YELLOW, 2.0 * share - 1.0) }
}
