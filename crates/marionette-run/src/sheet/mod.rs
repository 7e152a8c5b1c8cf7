//! Contact sheets: tiles side by side, enlarged, with labels, predictions, ids, depth or boxes
//! drawn over them; and photographs with what was found in them.

pub(crate) mod canvas;
pub(crate) mod font;
mod marks;
mod names;
mod photograph;
mod picture;
mod png;
#[cfg(test)]
mod tests;

pub use photograph::{LONG_ENOUGH, Sighting, photograph};
pub use png::save_png;

use canvas::Area;
use image::{Rgb, RgbImage};
use marionette_base::atomic_file::PathError;
use marionette_figure::Figure;
use marionette_stream::Tile;
use std::{path::PathBuf, str::FromStr};

/// Space between tiles and around the sheet, sheet pixels; borders are drawn in it.
const GUTTER: u32 = 12;
/// Width of a panel's border, sheet pixels.
const BORDER: u32 = 4;
/// From a tile's border to its caption, sheet pixels.
const CAPTION_GAP: u32 = 3;
/// The largest enlargement.
pub const LARGEST_SCALE: u32 = 32;
const BACKGROUND: [u8; 3] = [24, 24, 28];
const CAPTION_COLOR: [u8; 3] = [225, 225, 225];

/// One tile of a contact sheet.
#[derive(Clone, Debug)]
pub struct Panel<'a> {
    /// The tile.
    pub tile: &'a Tile,
    /// What a detector says of the primary figure: image pixels, one pair per keypoint. It is drawn
    /// with [`Overlay::Keypoints`]; entries that are not finite, or beyond the figure's keypoints,
    /// are not.
    pub prediction: Option<&'a [[f32; 2]]>,
    /// sRGB colour of a border around the tile: its difficulty, say.
    pub border: Option<[u8; 3]>,
    /// Text below the tile, in capitals; it is wrapped to the tile's width.
    pub caption: Option<String>,
}

/// What is drawn over, or in place of, a tile's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overlay {
    /// Labelled keypoints and skeleton of the primary figure, its own left in orange, its right in
    /// blue, the middle in white: discs where seen, rings where covered. A prediction is drawn as
    /// lime crosses on thin lines.
    Keypoints,
    /// The names of keypoints that are seen, each beside its place.
    Names,
    /// Every part, prop and figure in a colour of its own.
    Ids,
    /// Near bright, far dark, linear in the reciprocal of depth over what is in the tile.
    Depth,
    /// The primary figure's boxes: modal solid, amodal dashed.
    Boxes,
    /// Nothing: the picture alone.
    Plain,
}

impl Overlay {
    /// Every overlay.
    pub const ALL: [Overlay; 6] = [
        Overlay::Keypoints,
        Overlay::Names,
        Overlay::Ids,
        Overlay::Depth,
        Overlay::Boxes,
        Overlay::Plain,
    ];

    /// The name that it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Overlay::Keypoints => "keypoints",
            Overlay::Names => "names",
            Overlay::Ids => "ids",
            Overlay::Depth => "depth",
            Overlay::Boxes => "boxes",
            Overlay::Plain => "none",
        }
    }
}

impl FromStr for Overlay {
    type Err = SheetError;

    fn from_str(name: &str) -> Result<Self, SheetError> {
        Overlay::ALL.into_iter().find(|overlay| overlay.name() == name).ok_or_else(|| {
            SheetError::UnknownOverlay {
                name: name.to_owned(),
                known: Overlay::ALL.map(Overlay::name).join(", "),
            }
        })
    }
}

/// An error of the `sheet` module.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// No overlay goes by this name.
    #[error("no overlay is called {name:?}; the known ones are {known}")]
    UnknownOverlay {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The sheet cannot be a PNG: it has no pixels, say.
    #[error("{}: cannot be encoded as PNG: {source}", path.display())]
    Encode {
        /// Where it was to go.
        path: PathBuf,
        /// What is wrong.
        source: image::ImageError,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] PathError),
}

/// Draws `panels` row by row, `columns` to a row, every image pixel `scale` (1 to 32) sheet pixels
/// wide.
///
/// `overlays` is a set: order and repetition do not matter. Combined, ids are tinted by depth in
/// place of the picture.
pub fn contact_sheet(
    figure: &Figure,
    panels: &[Panel],
    overlays: &[Overlay],
    columns: usize,
    scale: u32,
) -> RgbImage {
    let layout = Layout::new(panels, columns, scale);
    let scheme = figure.scheme();
    let [width, height] = layout.size();
    let mut sheet = RgbImage::from_pixel(width, height, Rgb(BACKGROUND));
    for (index, panel) in panels.iter().enumerate() {
        let area = layout.tile_area(index, panel.tile);
        if let Some(color) = panel.border {
            canvas::fill_area(&mut sheet, area.grown(BORDER), color);
        }
        picture::draw(&mut sheet, area, panel.tile, overlays, layout.scale);
        let labels = &panel.tile.labels;
        if overlays.contains(&Overlay::Boxes) {
            marks::draw_boxes(&mut sheet, area, labels, layout.scale);
        }
        if overlays.contains(&Overlay::Keypoints) {
            let prediction = panel.prediction.unwrap_or_default();
            marks::draw_keypoints(
                &mut sheet,
                area,
                &scheme,
                &labels.keypoints,
                prediction,
                layout.scale,
            );
        }
        if overlays.contains(&Overlay::Names) {
            names::draw_names(&mut sheet, area, &scheme, &labels.keypoints, layout.scale);
        }
        let top = layout.caption_top(index);
        for (line, text) in layout.caption_lines(panel).iter().enumerate() {
            let y = top + line as u32 * font::LINE * layout.text_scale;
            font::draw(&mut sheet, [area.low[0], y], text, CAPTION_COLOR, layout.text_scale);
        }
    }
    sheet
}

/// Where everything goes: a grid of equal cells, large enough for the largest tile and the longest
/// caption.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layout {
    columns: u32,
    rows: u32,
    /// The largest tile, enlarged.
    tile: [u32; 2],
    /// Height of the captions, with what sets them off from the tiles.
    caption: u32,
    scale: u32,
    text_scale: u32,
}

impl Layout {
    fn new(panels: &[Panel], columns: usize, scale: u32) -> Self {
        let scale = scale.clamp(1, LARGEST_SCALE);
        let columns = columns.clamp(1, panels.len().max(1));
        let rows = panels.len().div_ceil(columns);
        let tile = panels.iter().fold([0, 0], |[width, height], panel| {
            let [w, h] = enlarged(panel.tile, scale);
            [w.max(width), h.max(height)]
        });
        let text_scale = if tile[0] < 220 { 1 } else { 2 };
        let mut layout = Layout {
            columns: columns as u32,
            rows: rows as u32,
            tile,
            caption: 0,
            scale,
            text_scale,
        };
        let lines =
            panels.iter().map(|panel| layout.caption_lines(panel).len()).max().unwrap_or(0) as u32;
        if lines > 0 {
            layout.caption = BORDER + CAPTION_GAP + lines * font::LINE * text_scale;
        }
        layout
    }

    fn cell(&self) -> [u32; 2] {
        [self.tile[0] + GUTTER, self.tile[1] + self.caption + GUTTER]
    }

    fn size(&self) -> [u32; 2] {
        let [width, height] = self.cell();
        [GUTTER + self.columns * width, GUTTER + self.rows * height]
    }

    fn tile_area(&self, index: usize, tile: &Tile) -> Area {
        let [width, height] = self.cell();
        let (column, row) = (index as u32 % self.columns, index as u32 / self.columns);
        let low = [GUTTER + column * width, GUTTER + row * height];
        let [w, h] = enlarged(tile, self.scale);
        Area { low, high: [low[0] + w, low[1] + h] }
    }

    fn caption_top(&self, index: usize) -> u32 {
        GUTTER + index as u32 / self.columns * self.cell()[1] + self.tile[1] + BORDER + CAPTION_GAP
    }

    fn caption_lines(&self, panel: &Panel) -> Vec<String> {
        let fits = (self.tile[0] / (font::ADVANCE * self.text_scale)).max(1);
        panel.caption.as_deref().map_or_else(Vec::new, |caption| font::wrap(caption, fits as usize))
    }
}

fn enlarged(tile: &Tile, scale: u32) -> [u32; 2] {
    [tile.width as u32 * scale, tile.height as u32 * scale]
}
