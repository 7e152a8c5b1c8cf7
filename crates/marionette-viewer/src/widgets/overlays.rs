//! Marks that several panels draw: pictures, keypoints, predictions, bars and borders.

use super::theme;
use bevy_egui::egui::{
    Color32, Painter, Pos2, Rect, Stroke, StrokeKind, TextureHandle, Ui, Vec2, pos2, vec2,
};
use marionette_figure::Figure;
use marionette_stream::{LabelledKeypoint, Visibility};

/// Draws a whole texture into `area`.
pub fn picture(painter: &Painter, texture: &TextureHandle, area: Rect) {
    painter.image(
        texture.id(),
        area,
        Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)),
        Color32::WHITE,
    );
}

/// A map from image pixels to the screen, for an image of `size` pixels that fills `area`.
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

/// A line with a dark edge, visible on any background.
pub fn haloed(painter: &Painter, ends: [Pos2; 2], width: f32, color: Color32) {
    painter.line_segment(ends, Stroke::new(width + 1.6, Color32::from_black_alpha(150)));
    painter.line_segment(ends, Stroke::new(width, color));
}

/// The labelled keypoints with the skeleton between them: visible ones as discs, covered ones as
/// rings.
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

/// The network's prediction: crosses on thin lines.
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

/// Bars side by side in `area`. `heights` are in [0, 1] from its bottom, or, if `signed`, in [-1, 1]
/// from its middle.
pub fn bars(painter: &Painter, area: Rect, heights: &[f32], color: impl Fn(usize) -> Color32) {
    let width = area.width() / heights.len().max(1) as f32;
    for (i, height) in heights.iter().enumerate().filter(|(_, height)| height.is_finite()) {
        let top = area.bottom() - area.height() * height.clamp(0.0, 1.0);
        let left = area.left() + i as f32 * width;
        let (from, to) = (pos2(left + 0.5, area.bottom()), pos2(left + width - 0.5, top));
        painter.rect_filled(Rect::from_two_pos(from, to), 0.0, color(i));
    }
}

/// A frame around `area`.
pub fn border(painter: &Painter, area: Rect, width: f32, color: Color32) {
    painter.rect_stroke(area, 0.0, Stroke::new(width, color), StrokeKind::Outside);
}

/// The colours of difficulty, from "easy" to "hard".
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
