//! Keypoints, predictions and boxes over a tile or a photograph.

use super::canvas::{self, Area, Ink};
use glam::Vec2;
use image::RgbImage;
use marionette_figure::KeypointScheme;
use marionette_stream::{ImageBox, LabelledKeypoint, Labels, Visibility};

// Orange, blue and white differ in lightness as well as hue and are told apart under every common
// colour blindness; the prediction differs by its shape besides.
pub const LEFT: [u8; 3] = [255, 140, 25];
pub const RIGHT: [u8; 3] = [60, 145, 255];
pub const MIDDLE: [u8; 3] = [255, 255, 255];
pub const PREDICTION: [u8; 3] = [185, 255, 50];
pub const BOX: [u8; 3] = [255, 120, 220];

/// How large marks are, sheet pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Radius of a keypoint's mark.
    radius: f32,
    /// Half the width of a line.
    half_width: f32,
}

impl Sizes {
    /// What suits a picture of a figure whose shorter side is `side` sheet pixels.
    pub fn suiting(side: f32) -> Self {
        let unit = (side / 256.0).clamp(0.4, 8.0);
        Sizes { radius: 3.4 * unit, half_width: 0.9 * unit }
    }

    fn of_tile(area: Area) -> Self {
        Self::suiting((area.high[0] - area.low[0]).min(area.high[1] - area.low[1]) as f32)
    }
}

/// A keypoint as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Sheet pixels.
    pub place: Vec2,
    /// A ring instead of a disc.
    pub hollow: bool,
    /// 1 hides the picture, 0 is not to be seen.
    pub opacity: f32,
}

/// The colour of the figure's own side that a keypoint is on.
pub fn side_color(name: &str) -> [u8; 3] {
    if name.starts_with("left_") {
        LEFT
    } else if name.starts_with("right_") {
        RIGHT
    } else {
        MIDDLE
    }
}

/// An edge is on a side where neither of its ends is on the other.
fn edge_color(scheme: &KeypointScheme, [a, b]: [usize; 2]) -> [u8; 3] {
    match [a, b].map(|k| side_color(&scheme.names[k])) {
        [one, other] if one == other => one,
        [MIDDLE, side] | [side, MIDDLE] => side,
        _ => MIDDLE,
    }
}

/// The skeleton's edges between the points that there are, each kept clear of the points by `gap`.
fn edges<'a>(
    scheme: &'a KeypointScheme,
    points: &'a [Option<Vec2>],
    gap: f32,
) -> impl Iterator<Item = ([usize; 2], [Vec2; 2])> + 'a {
    scheme.edges.iter().filter_map(move |&edge| {
        let [a, b] = edge.map(|k| points.get(k).copied().flatten());
        let (a, b) = (a?, b?);
        let back = (b - a).normalize_or_zero() * gap;
        (a.distance(b) > 2.0 * gap).then_some((edge, [a + back, b - back]))
    })
}

/// The skeleton between the keypoints that there are, and their marks on top. An edge is as faint
/// as its fainter end.
pub fn draw_skeleton(
    sheet: &mut RgbImage,
    area: Area,
    scheme: &KeypointScheme,
    marks: &[Option<Mark>],
    Sizes { radius, half_width }: Sizes,
) {
    let points: Vec<Option<Vec2>> = marks.iter().map(|mark| mark.map(|mark| mark.place)).collect();
    let opacity = |k: usize| marks[k].map_or(0.0, |mark| mark.opacity);
    for ([a, b], ends) in edges(scheme, &points, radius) {
        let ink = Ink { color: edge_color(scheme, [a, b]), opacity: opacity(a).min(opacity(b)) };
        canvas::line(sheet, area, ends, half_width, ink);
    }
    for (name, mark) in scheme.names.iter().zip(marks) {
        let Some(Mark { place, hollow, opacity }) = *mark else { continue };
        let ink = Ink { color: side_color(name), opacity };
        if hollow {
            // Larger, so that the halo leaves the middle clear.
            canvas::ring(sheet, area, place, 1.3 * radius, half_width, ink);
        } else {
            canvas::disc(sheet, area, place, radius, ink);
        }
    }
}

/// The labelled keypoints and the skeleton between them; the prediction as thin lines beneath and
/// upright crosses on top.
pub fn draw_keypoints(
    sheet: &mut RgbImage,
    area: Area,
    scheme: &KeypointScheme,
    labels: &[LabelledKeypoint],
    prediction: &[[f32; 2]],
    scale: u32,
) {
    let sizes = Sizes::of_tile(area);
    let predicted: Vec<Option<Vec2>> = prediction
        .iter()
        .take(scheme.names.len())
        .map(|point| area.place(Vec2::from(*point), scale))
        .map(|point| point.is_finite().then_some(point))
        .collect();
    for (_, ends) in edges(scheme, &predicted, 0.0) {
        canvas::line(sheet, area, ends, 0.6 * sizes.half_width, PREDICTION);
    }
    let mark = |label: &LabelledKeypoint| {
        let hollow = label.visibility == Visibility::Covered;
        let mark = Mark { place: area.place(label.pixel, scale), hollow, opacity: 1.0 };
        (label.visibility != Visibility::Outside).then_some(mark)
    };
    draw_skeleton(sheet, area, scheme, &labels.iter().map(mark).collect::<Vec<_>>(), sizes);
    for point in predicted.into_iter().flatten() {
        for arm in [Vec2::X, Vec2::Y] {
            let reach = arm * 1.4 * sizes.radius;
            canvas::line(
                sheet,
                area,
                [point - reach, point + reach],
                0.7 * sizes.half_width,
                PREDICTION,
            );
        }
    }
}

/// The modal box solid, within its edges; the amodal box dashed, just outside its edges, so that
/// both show where they agree.
pub fn draw_boxes(sheet: &mut RgbImage, area: Area, labels: &Labels, scale: u32) {
    let Sizes { radius, half_width } = Sizes::of_tile(area);
    let dash = (2.0 * radius).round();
    let corners = |b: ImageBox| [area.place(b.low, scale), area.place(b.high, scale)];
    let [low, high] = corners(labels.amodal_box);
    canvas::paint(sheet, area, [low - 2.0 * half_width, high + 2.0 * half_width], BOX, |p| {
        // On an upright edge x stands still, on a level one y: the sum runs along either.
        let along = (p - low).element_sum().rem_euclid(2.0 * dash);
        let outline = (outside_box(p, [low, high]) - half_width).abs() - half_width;
        outline.max((along - 0.5 * dash).abs() - 0.5 * dash)
    });
    if let Some(corners) = labels.modal_box.map(corners) {
        draw_box(sheet, area, corners, half_width);
    }
}

/// A box as a solid line within its edges; its corners are in sheet pixels.
fn draw_box(sheet: &mut RgbImage, area: Area, corners: [Vec2; 2], half_width: f32) {
    canvas::paint(sheet, area, corners, BOX, |p| {
        (outside_box(p, corners) + half_width).abs() - half_width
    });
}

/// What a crop shows of a picture.
pub fn draw_crop(sheet: &mut RgbImage, area: Area, corners: [Vec2; 2], sizes: Sizes) {
    draw_box(sheet, area, corners, 0.6 * sizes.half_width);
}

/// Distance to the nearest side's line, below 0 inside the box.
fn outside_box(p: Vec2, [low, high]: [Vec2; 2]) -> f32 {
    (low - p).max(p - high).max_element()
}
