//! Keypoints, predictions and boxes over a tile.

use super::canvas::{self, Area};
use crate::{
    figure::{Figure, Keypoint},
    stream::{ImageBox, LabelledKeypoint, Labels, Visibility},
};
use glam::Vec2;
use image::RgbImage;

// Orange, blue and white differ in lightness as well as hue and are told apart under every common colour blindness; the
// prediction differs by its shape besides.
pub const LEFT: [u8; 3] = [255, 140, 25];
pub const RIGHT: [u8; 3] = [60, 145, 255];
pub const MIDDLE: [u8; 3] = [255, 255, 255];
pub const PREDICTION: [u8; 3] = [185, 255, 50];
pub const BOX: [u8; 3] = [255, 120, 220];

/// Radius of a keypoint's mark and half the width of a line, sheet pixels.
fn sizes(area: Area) -> (f32, f32) {
    let side = (area.high[0] - area.low[0]).min(area.high[1] - area.low[1]);
    let unit = (side as f32 / 256.0).clamp(0.4, 2.0);
    (3.4 * unit, 0.9 * unit)
}

/// The colour of the figure's own side that a keypoint is on.
fn side_color(keypoint: &Keypoint) -> [u8; 3] {
    if keypoint.name.starts_with("left_") {
        LEFT
    } else if keypoint.name.starts_with("right_") {
        RIGHT
    } else {
        MIDDLE
    }
}

/// An edge is on a side where neither of its ends is on the other.
fn edge_color(figure: &Figure, [a, b]: [usize; 2]) -> [u8; 3] {
    match [a, b].map(|k| side_color(&figure.keypoints[k])) {
        [one, other] if one == other => one,
        [MIDDLE, side] | [side, MIDDLE] => side,
        _ => MIDDLE,
    }
}

/// The skeleton's edges between the points that there are, each kept clear of the points by `gap`.
fn edges<'a>(
    figure: &'a Figure,
    points: &'a [Option<Vec2>],
    gap: f32,
) -> impl Iterator<Item = ([usize; 2], [Vec2; 2])> + 'a {
    figure.edges.iter().filter_map(move |&edge| {
        let [a, b] = edge.map(|k| points.get(k).copied().flatten());
        let (a, b) = (a?, b?);
        let back = (b - a).normalize_or_zero() * gap;
        (a.distance(b) > 2.0 * gap).then_some((edge, [a + back, b - back]))
    })
}

/// The labelled keypoints and the skeleton between them; the prediction as thin lines beneath and upright crosses on
/// top.
pub fn draw_keypoints(
    sheet: &mut RgbImage,
    area: Area,
    figure: &Figure,
    labels: &[LabelledKeypoint],
    prediction: &[[f32; 2]],
    scale: u32,
) {
    let (radius, half_width) = sizes(area);
    let predicted: Vec<Option<Vec2>> = prediction
        .iter()
        .take(figure.keypoints.len())
        .map(|point| area.place(Vec2::from(*point), scale))
        .map(|point| point.is_finite().then_some(point))
        .collect();
    for (_, ends) in edges(figure, &predicted, 0.0) {
        canvas::line(sheet, area, ends, 0.6 * half_width, PREDICTION);
    }
    let labelled: Vec<Option<Vec2>> = labels
        .iter()
        .map(|label| (label.visibility != Visibility::Outside).then(|| area.place(label.pixel, scale)))
        .collect();
    for (edge, ends) in edges(figure, &labelled, radius) {
        canvas::line(sheet, area, ends, half_width, edge_color(figure, edge));
    }
    for ((keypoint, label), point) in figure.keypoints.iter().zip(labels).zip(&labelled) {
        let Some(point) = *point else { continue };
        let color = side_color(keypoint);
        match label.visibility {
            Visibility::Seen => canvas::disc(sheet, area, point, radius, color),
            // Larger, so that the halo leaves the middle clear.
            Visibility::Covered => canvas::ring(sheet, area, point, 1.3 * radius, half_width, color),
            Visibility::Outside => {}
        }
    }
    for point in predicted.into_iter().flatten() {
        for arm in [Vec2::X, Vec2::Y] {
            let reach = arm * 1.4 * radius;
            canvas::line(sheet, area, [point - reach, point + reach], 0.7 * half_width, PREDICTION);
        }
    }
}

/// The modal box solid, within its edges; the amodal box dashed, just outside its edges, so that both show where they
/// agree.
pub fn draw_boxes(sheet: &mut RgbImage, area: Area, labels: &Labels, scale: u32) {
    let (radius, half_width) = sizes(area);
    let dash = (2.0 * radius).round();
    let corners = |b: ImageBox| [area.place(b.low, scale), area.place(b.high, scale)];
    let [low, high] = corners(labels.amodal_box);
    canvas::paint(sheet, area, [low - 2.0 * half_width, high + 2.0 * half_width], BOX, |p| {
        // On an upright edge x stands still, on a level one y: the sum runs along either.
        let along = (p - low).element_sum().rem_euclid(2.0 * dash);
        let outline = (outside_box(p, [low, high]) - half_width).abs() - half_width;
        outline.max((along - 0.5 * dash).abs() - 0.5 * dash)
    });
    if let Some([low, high]) = labels.modal_box.map(corners) {
        canvas::paint(sheet, area, [low, high], BOX, |p| (outside_box(p, [low, high]) + half_width).abs() - half_width);
    }
}

/// Distance to the nearest side's line, below 0 inside the box.
fn outside_box(p: Vec2, [low, high]: [Vec2; 2]) -> f32 {
    (low - p).max(p - high).max_element()
}
