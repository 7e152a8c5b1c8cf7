//! Where tiles lie in the atlas, and their views in the canvases.

use super::variants::Scale;
use glam::Vec2;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Place {
    /// The place of tile `tile` in an atlas with `columns` tiles a row of this size in pixels.
    pub fn of_tile(tile: usize, columns: u32, [width, height]: [u32; 2]) -> Self {
        let tile = tile as u32;
        Place { left: tile % columns * width, top: tile / columns * height, width, height }
    }

    /// Left, top, width and height, as shaders read them.
    pub fn to_array(self) -> [u32; 4] {
        [self.left, self.top, self.width, self.height]
    }
}

/// One way to draw a tile: every pixel, or one for every square of them.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Pixels of the tile along either side for one pixel of the view.
    pub scale: u32,
    /// Its place in its canvas, in its own pixels.
    pub place: Place,
    /// The tile's own width and height in the view's pixels. Part of the last pixels may lie beyond
    /// the tile.
    pub size: Vec2,
    /// Where its `GpuTile` starts in the buffer, bytes.
    pub offset: u32,
}

impl View {
    /// The view of tile `tile` at `scale` tile pixels to one of its own.
    pub fn new(tile: usize, columns: u32, size: [u32; 2], scale: u32, offset: u32) -> Self {
        let of_canvas = if scale > 1 { Scale::Coarse } else { Scale::Full };
        let cell = Place::of_tile(tile, columns, cell(of_canvas, size));
        // Only pixels whose middles lie in the tile.
        let [width, height] = size.map(|side| (2 * side + scale - 1) / (2 * scale));
        View {
            scale,
            place: Place { width, height, ..cell },
            size: Vec2::from(size.map(|side| side as f32)) / scale as f32,
            offset,
        }
    }
}

/// Width and height that a tile of `size` has in the canvas of a scale, at most.
pub fn cell(scale: Scale, size: [u32; 2]) -> [u32; 2] {
    match scale {
        Scale::Full => size,
        Scale::Coarse => size.map(|side| side.div_ceil(2)),
    }
}
