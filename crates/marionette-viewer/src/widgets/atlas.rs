//! Many tiles in one texture.

use bevy_egui::egui::{
    Color32, ColorImage, Context, Painter, Rect, TextureHandle, TextureOptions, pos2, vec2,
};
use marionette_stream::Tile;

/// Tiles side by side in one texture.
pub struct Atlas {
    texture: TextureHandle,
    columns: usize,
    rows: usize,
}

impl Atlas {
    /// The tiles' colours; all have the size of the first. `None` where there are none.
    pub fn of_tiles<'a>(
        context: &Context,
        name: &str,
        tiles: impl IntoIterator<Item = &'a Tile>,
    ) -> Option<Self> {
        let tiles: Vec<&Tile> = tiles.into_iter().collect();
        let (width, height) = tiles.first().map(|tile| (tile.width, tile.height))?;
        let columns = (tiles.len() as f64).sqrt().ceil() as usize;
        let rows = tiles.len().div_ceil(columns);
        let mut pixels = vec![0u8; columns * width * rows * height * 4];
        for (i, tile) in tiles
            .iter()
            .enumerate()
            .filter(|(_, tile)| (tile.width, tile.height) == (width, height))
        {
            let (left, top) = (i % columns * width, i / columns * height);
            for (y, row) in tile.color.chunks_exact(width * 4).enumerate() {
                let start = ((top + y) * columns * width + left) * 4;
                pixels[start..start + width * 4].copy_from_slice(row);
            }
        }
        let image = ColorImage::from_rgba_unmultiplied([columns * width, rows * height], &pixels);
        Some(Atlas {
            texture: context.load_texture(name, image, TextureOptions::NEAREST),
            columns,
            rows,
        })
    }

    /// Draws tile `index` into `area`.
    pub fn draw(&self, painter: &Painter, index: usize, area: Rect) {
        let (column, row) = (index % self.columns, index / self.columns);
        let size = vec2(1.0 / self.columns as f32, 1.0 / self.rows as f32);
        let uv = Rect::from_min_size(pos2(column as f32 * size.x, row as f32 * size.y), size);
        painter.image(self.texture.id(), area, uv, Color32::WHITE);
    }
}
