//! What several panels draw: textures of tiles, keypoints and predictions over them, bars.

use super::theme;
use bevy_egui::egui::{
    Color32, ColorImage, Context, Painter, Pos2, Rect, Stroke, StrokeKind, TextureHandle,
    TextureOptions, Ui, Vec2, pos2, vec2,
};
use marionette_figure::Figure;
use marionette_stream::{LabelledKeypoint, Tile, Visibility};

/// Something with textures that takes the place of an older one. A texture is there a picture after
/// it was made; until then the older one is shown, so that nothing flickers.
pub struct Settling<T> {
    shown: Option<T>,
    coming: Option<(T, u8)>,
}

impl<T> Default for Settling<T> {
    fn default() -> Self {
        Settling { shown: None, coming: None }
    }
}

impl<T> Settling<T> {
    /// The newest, whether or not it is shown yet.
    pub fn newest(&self) -> Option<&T> {
        self.coming.as_ref().map(|(coming, _)| coming).or(self.shown.as_ref())
    }

    /// What is shown in this picture.
    pub fn shown(&self) -> Option<&T> {
        self.shown.as_ref()
    }

    /// Whether a newer one may come: none is on its way.
    pub fn is_ready(&self) -> bool {
        self.coming.is_none()
    }

    /// Something newer.
    pub fn offer(&mut self, newer: T) {
        self.coming = Some((newer, 0));
    }

    /// What is to be shown in this picture; to be asked once a picture.
    pub fn show(&mut self) -> Option<&T> {
        if let Some((coming, age)) = self.coming.take() {
            if age >= 2 {
                self.shown = Some(coming);
            } else {
                self.coming = Some((coming, age + 1));
            }
        }
        self.shown.as_ref()
    }
}

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

/// Draws a whole texture into `area`.
pub fn picture(painter: &Painter, texture: &TextureHandle, area: Rect) {
    painter.image(
        texture.id(),
        area,
        Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)),
        Color32::WHITE,
    );
}

/// From image pixels to the screen, for an image of `size` pixels that fills `area`.
pub fn placed(area: Rect, size: [usize; 2]) -> impl Fn([f32; 2]) -> Pos2 {
    let scale = vec2(area.width() / size[0].max(1) as f32, area.height() / size[1].max(1) as f32);
    move |[x, y]| area.min + vec2(x * scale.x, y * scale.y)
}

/// The largest area of the proportions of `size` in `room`, in its middle.
pub fn fitted(room: Rect, size: [usize; 2]) -> Rect {
    let [width, height] = size.map(|side| side.max(1) as f32);
    let scale = (room.width() / width).min(room.height() / height);
    Rect::from_center_size(room.center(), vec2(width, height) * scale)
}

fn side_color(name: &str) -> Color32 {
    if name.starts_with("left_") {
        theme::LEFT
    } else if name.starts_with("right_") {
        theme::RIGHT
    } else {
        theme::MIDDLE
    }
}

fn edge_color(figure: &Figure, [a, b]: [usize; 2]) -> Color32 {
    match [a, b].map(|k| side_color(&figure.keypoints[k].name)) {
        [one, other] if one == other => one,
        [theme::MIDDLE, side] | [side, theme::MIDDLE] => side,
        _ => theme::MIDDLE,
    }
}

/// A line that is seen on any ground.
pub fn haloed(painter: &Painter, ends: [Pos2; 2], width: f32, color: Color32) {
    painter.line_segment(ends, Stroke::new(width + 1.6, Color32::from_black_alpha(150)));
    painter.line_segment(ends, Stroke::new(width, color));
}

/// The labelled keypoints: the skeleton between them, discs where seen, rings where covered.
pub fn labels(
    painter: &Painter,
    figure: &Figure,
    labels: &[LabelledKeypoint],
    place: &impl Fn([f32; 2]) -> Pos2,
    size: f32,
    [skeleton, keypoints]: [bool; 2],
) {
    let point = |k: usize| {
        let label = labels.get(k)?;
        (label.visibility != Visibility::Outside).then(|| place(label.pixel.to_array()))
    };
    if skeleton {
        for edge in &figure.edges {
            if let [Some(a), Some(b)] = edge.map(point) {
                haloed(painter, [a, b], 0.5 * size, edge_color(figure, *edge));
            }
        }
    }
    if keypoints {
        for (k, keypoint) in figure.keypoints.iter().enumerate() {
            let Some(at) = point(k) else { continue };
            let color = side_color(&keypoint.name);
            if labels[k].visibility == Visibility::Covered {
                painter.circle_stroke(
                    at,
                    size * 1.2,
                    Stroke::new(0.5 * size + 1.2, Color32::from_black_alpha(150)),
                );
                painter.circle_stroke(at, size * 1.2, Stroke::new(0.5 * size, color));
            } else {
                painter.circle_filled(at, size + 0.8, Color32::from_black_alpha(150));
                painter.circle_filled(at, size, color);
            }
        }
    }
}

/// What the network says: crosses on thin lines.
pub fn prediction(
    painter: &Painter,
    figure: &Figure,
    found: &[[f32; 2]],
    place: &impl Fn([f32; 2]) -> Pos2,
    size: f32,
) {
    let point =
        |k: usize| found.get(k).filter(|at| at.iter().all(|v| v.is_finite())).map(|at| place(*at));
    for edge in &figure.edges {
        if let [Some(a), Some(b)] = edge.map(point) {
            painter.line_segment([a, b], Stroke::new(0.3 * size, theme::PREDICTION));
        }
    }
    for at in (0..found.len()).filter_map(point) {
        for arm in [vec2(1.4 * size, 0.0), vec2(0.0, 1.4 * size)] {
            haloed(painter, [at - arm, at + arm], 0.45 * size, theme::PREDICTION);
        }
    }
}

/// Bars side by side in `area`; `heights` in [0, 1] from its foot, or in [-1, 1] from its middle
/// where `signed`.
pub fn bars(
    painter: &Painter,
    area: Rect,
    heights: &[f32],
    signed: bool,
    color: impl Fn(usize) -> Color32,
) {
    let width = area.width() / heights.len().max(1) as f32;
    let foot = if signed { area.center().y } else { area.bottom() };
    for (i, height) in heights.iter().enumerate().filter(|(_, height)| height.is_finite()) {
        let reach = if signed {
            area.height() * 0.5 * height.clamp(-1.0, 1.0)
        } else {
            area.height() * height.clamp(0.0, 1.0)
        };
        let left = area.left() + i as f32 * width;
        let bar =
            Rect::from_two_pos(pos2(left + 0.5, foot), pos2(left + width - 0.5, foot - reach));
        painter.rect_filled(bar, 0.0, color(i));
    }
}

/// A frame around `area`.
pub fn border(painter: &Painter, area: Rect, width: f32, color: Color32) {
    painter.rect_stroke(area, 0.0, Stroke::new(width, color), StrokeKind::Outside);
}

/// The colours of difficulty, with words.
pub fn legend(ui: &mut Ui) {
    ui.label("easy");
    let (response, painter) =
        ui.allocate_painter(Vec2::new(90.0, 10.0), bevy_egui::egui::Sense::hover());
    let area = response.rect;
    for i in 0..30 {
        let left = area.left() + area.width() * i as f32 / 30.0;
        let stripe = Rect::from_min_max(
            pos2(left, area.top()),
            pos2(left + area.width() / 30.0 + 0.5, area.bottom()),
        );
        painter.rect_filled(stripe, 0.0, theme::difficulty(i as f32 / 29.0));
    }
    ui.label("hard");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_is_shown_until_the_newer_has_settled() {
        let mut settling = Settling::default();
        assert_eq!((settling.show().copied(), settling.is_ready()), (None, true));
        settling.offer(1);
        assert_eq!(
            [settling.show().copied(), settling.show().copied(), settling.show().copied()],
            [None, None, Some(1)]
        );
        settling.offer(2);
        assert_eq!(
            (settling.newest().copied(), settling.show().copied(), settling.is_ready()),
            (Some(2), Some(1), false)
        );
    }
}
