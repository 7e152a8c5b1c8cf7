//! Statistics as one picture.

use super::{
    AngleStatistics, Measure, Statistics,
    page::{BAR, Color, FAINT, LINE, MARK, PANEL, Page, TEXT, blend, part, width},
    table::correlation,
};
use image::RgbImage;

/// Width of the page, of one of its two columns, of its margins and of the space between blocks;
/// pixels.
const WIDTH: u32 = 2000;
const COLUMN: u32 = 930;
const MARGIN: u32 = 40;
const GAP: u32 = 60;
/// Left edges of the two columns.
const LEFT: u32 = MARGIN;
const RIGHT: u32 = MARGIN + COLUMN + GAP;
/// Height of a row of bars, and of a bar in it.
const ROW: u32 = 22;
const BAR_HEIGHT: u32 = 16;
/// Maps of keypoints in a row, and the width of one.
const MAPS: u32 = 9;
const MAP: u32 = 192;
/// Longest names that are written out beside bars, characters.
const NAME: usize = 20;

const SEEN: Color = [70, 165, 95];
const OWN: Color = [235, 190, 70];
const OTHER: Color = [255, 120, 220];
const PROP: Color = [60, 145, 255];
const REJECTED: Color = [205, 70, 50];
const NEGATIVE: Color = [40, 110, 210];
const POSITIVE: Color = [205, 105, 15];

/// Draws the statistics as one picture, 2000 pixels wide.
pub fn plots(statistics: &Statistics) -> RgbImage {
    let [image_width, image_height] = statistics.image.map(|side| side.max(1));
    let tall = |side: u32| {
        (u64::from(side) * u64::from(image_height) / u64::from(image_width)).clamp(1, 2000) as u32
    };
    // More than all blocks need; what is left over is cut off.
    let count = |length: usize| length.min(2000) as u32;
    let rows = count(statistics.keypoints.len())
        + count(statistics.angles.len())
        + count(statistics.families.len());
    let maps = count(statistics.keypoints.len()).div_ceil(MAPS) * (tall(MAP) + 2 * LINE);
    let mut page = Page::new(WIDTH, 3000 + rows * ROW + maps + tall(288));

    let Statistics { scene, samples, hardness, .. } = statistics;
    let title =
        format!("{scene}: {samples} samples of {image_width} x {image_height} pixels, {hardness}");
    let top = page.title([LEFT, MARGIN], &title) + GAP / 2;
    let left = visibility(&mut page, [LEFT, top], statistics);
    let right = boxes(&mut page, [RIGHT, top], statistics, tall(288));
    let top = left.max(right) + GAP;
    let left = angles(&mut page, [LEFT, top], statistics);
    let right = families(&mut page, [RIGHT, top], statistics);
    let top = left.max(right) + GAP;
    let top = heat_maps(&mut page, [LEFT, top], statistics, tall(MAP)) + GAP;
    let left = reasons(&mut page, [LEFT, top], statistics);
    let right = axes(&mut page, [RIGHT, top], statistics);
    let top = left.max(right) + GAP;
    let bottom = correlations(&mut page, [LEFT, top], statistics);
    page.cut(bottom + MARGIN)
}

/// Names of a figure's or a user's own may be of any length.
fn short(name: &str) -> String {
    name.chars().take(NAME).collect()
}

/// A bar per keypoint: seen, covered by what, outside.
fn visibility(page: &mut Page, at: [u32; 2], statistics: &Statistics) -> u32 {
    let mut y = page.title(at, "How often keypoints are seen, percent");
    let mut x = at[0];
    let legend = [
        ("seen", SEEN),
        ("by itself", OWN),
        ("by others", OTHER),
        ("by props", PROP),
        ("outside", PANEL),
    ];
    for (text, color) in legend {
        page.fill([x, y], [14, 14], color);
        page.text([x + 20, y], text, FAINT);
        x += 20 + width(text) + 30;
    }
    y += LINE + 10;
    let bar = at[0] + NAME as u32 * 12;
    let length = COLUMN - NAME as u32 * 12 - 70;
    for keypoint in &statistics.keypoints {
        page.text([at[0], y], &short(&keypoint.name), TEXT);
        page.fill([bar, y], [length, BAR_HEIGHT], PANEL);
        let mut before = 0.0;
        let parts = [
            (keypoint.seen, SEEN),
            (keypoint.covered_by_own, OWN),
            (keypoint.covered_by_other, OTHER),
            (keypoint.covered_by_prop, PROP),
        ];
        for (share, color) in parts {
            let (from, to) = (part(length, before), part(length, before + share));
            page.fill([bar + from, y], [to - from, BAR_HEIGHT], color);
            before += share;
        }
        page.text_left_of(at[0] + COLUMN, y, &format!("{:.0}", keypoint.seen * 100.0), TEXT);
        y += ROW;
    }
    y
}

/// Sizes and places of boxes; brightness and contrast.
fn boxes(page: &mut Page, at: [u32; 2], statistics: &Statistics, tall: u32) -> u32 {
    const SIDE: u32 = 288;
    const PITCH: u32 = SIDE + 33;
    let y = page.title(at, "Boxes and colours");
    let sizes = &statistics.boxes.sizes;
    page.text([at[0], y], "box width, height (up)", FAINT);
    page.map([at[0], y + LINE], [SIDE, SIDE], sizes, true);
    // Where a box is as large as the image.
    let whole = part(SIDE, 1.0 / sizes.high);
    page.fill([at[0], y + LINE + SIDE - whole], [whole, 1], FAINT);
    page.fill([at[0] + whole, y + LINE + SIDE - whole], [1, whole], FAINT);
    let below = y + LINE + SIDE + 6;
    page.text([at[0], below], "0", FAINT);
    page.text_around(at[0] + whole, below, "1", FAINT);
    page.text_left_of(at[0] + SIDE, below, &format!("{}", sizes.high), FAINT);

    let middle = at[0] + PITCH;
    page.text([middle, y], "box centre in the image", FAINT);
    page.map([middle, y + LINE], [SIDE, tall], &statistics.boxes.centres, false);

    let last = at[0] + 2 * PITCH;
    page.text([last, y], "brightness", FAINT);
    page.histogram([last, y + LINE], [SIDE, 105], &statistics.brightness);
    let second = y + LINE + 105 + LINE + 24;
    page.text([last, second], "contrast", FAINT);
    page.histogram([last, second + LINE], [SIDE, 105], &statistics.contrast);
    (below + LINE).max(y + LINE + tall).max(second + 2 * LINE + 105)
}

/// A row per bone, a range per axis.
fn angles(page: &mut Page, at: [u32; 2], statistics: &Statistics) -> u32 {
    let mut y = page.title(at, "Joint angles, degrees");
    page.text([at[0], y], "grey the limits, blue 5 to 95 percent, white the median", FAINT);
    y += LINE + 6;
    let names = 16 * 12;
    let pitch = (COLUMN - names) / 3;
    let length = pitch - 20;
    let left = |axis: char| at[0] + names + pitch * (axis as u32).saturating_sub('x' as u32);
    // Angles lie between -180 and 180.
    let place = |degrees: f32| part(length, (degrees + 180.0) / 360.0);
    for axis in ['x', 'y', 'z'] {
        page.text([left(axis), y], "-180", FAINT);
        page.text_around(left(axis) + place(0.0), y, &axis.to_string(), TEXT);
        page.text_left_of(left(axis) + length, y, "180", FAINT);
    }
    y += LINE + 4;
    for bone in statistics.angles.chunk_by(|a, b| a.bone == b.bone) {
        page.text([at[0], y], &bone[0].bone.chars().take(15).collect::<String>(), TEXT);
        for AngleStatistics { axis, limits, spread, .. } in bone {
            let x = left(*axis);
            let mut range = |[low, high]: [f32; 2], inset: u32, color: Color| {
                let (from, to) = (place(low), place(high));
                page.fill(
                    [x + from, y + inset],
                    [(to - from).max(2), BAR_HEIGHT - 2 * inset],
                    color,
                );
            };
            range(*limits, 0, [70, 73, 84]);
            range([spread.p5, spread.p95], 3, BAR);
            page.fill([x + place(spread.p50).saturating_sub(1), y], [3, BAR_HEIGHT], MARK);
            page.fill([x + place(0.0), y], [1, ROW], FAINT);
        }
        y += ROW;
    }
    y
}

/// Two columns of bars, the commonest family first: its samples and, behind them, all its draws.
fn families(page: &mut Page, at: [u32; 2], statistics: &Statistics) -> u32 {
    const COLUMNS: usize = 2;
    let top = page.title(at, "Families of poses");
    page.text(
        [at[0], top],
        "blue the samples, red the draws that were rejected, and samples of draws",
        FAINT,
    );
    let top = top + LINE + 6;
    let most = statistics
        .families
        .iter()
        .map(|family| family.samples + family.rejected)
        .max()
        .unwrap_or(0)
        .max(1);
    let rows = statistics.families.len().div_ceil(COLUMNS).max(1);
    let pitch = COLUMN / COLUMNS as u32;
    let longest = statistics
        .families
        .iter()
        .map(|family| family.name.chars().count())
        .max()
        .unwrap_or(0)
        .min(NAME);
    let (names, numbers) = (longest as u32 * 12 + 10, 8 * 12);
    let length = pitch - names - numbers - 24;
    for (index, family) in statistics.families.iter().enumerate() {
        let x = at[0] + (index / rows) as u32 * pitch;
        let y = top + (index % rows) as u32 * ROW;
        page.text([x, y], &short(&family.name), TEXT);
        let draws = family.samples + family.rejected;
        page.bar([x + names, y], [length, BAR_HEIGHT], draws as f32 / most as f32, REJECTED);
        page.fill(
            [x + names, y],
            [part(length, family.samples as f32 / most as f32), BAR_HEIGHT],
            BAR,
        );
        page.text_left_of(
            x + names + length + numbers,
            y,
            &format!("{}/{draws}", family.samples),
            TEXT,
        );
    }
    top + rows as u32 * ROW
}

/// Where each keypoint lies in the image.
fn heat_maps(page: &mut Page, at: [u32; 2], statistics: &Statistics, tall: u32) -> u32 {
    let top = page.title(at, "Where keypoints lie in the image, seen or covered");
    let pitch = (WIDTH - 2 * MARGIN) / MAPS;
    for (index, keypoint) in (0..).zip(&statistics.keypoints) {
        let (x, y) = (at[0] + index % MAPS * pitch, top + index / MAPS * (tall + 2 * LINE));
        page.map([x, y], [MAP, tall], &keypoint.places, false);
        page.text([x, y + tall + 6], &keypoint.name.chars().take(17).collect::<String>(), TEXT);
    }
    top + (statistics.keypoints.len() as u32).div_ceil(MAPS) * (tall + 2 * LINE)
}

/// A bar per reason, and how many draws samples took.
fn reasons(page: &mut Page, at: [u32; 2], statistics: &Statistics) -> u32 {
    let attempts = &statistics.attempts;
    let mut y = page.title(at, "Rejected draws");
    let text = format!(
        "{} draws for {} samples, {:.2} a sample",
        attempts.draws, statistics.samples, attempts.mean
    );
    page.text([at[0], y], &text, FAINT);
    y += LINE + 6;
    let most = statistics.rejections.iter().map(|reason| reason.share).fold(1e-6, f32::max);
    let names = 46 * 12;
    let length = COLUMN - names - 90;
    for reason in &statistics.rejections {
        page.text([at[0], y], &reason.reason.to_string(), TEXT);
        page.bar([at[0] + names, y], [length, BAR_HEIGHT], reason.share / most, REJECTED);
        page.text_left_of(at[0] + COLUMN, y, &format!("{:.1}%", reason.share * 100.0), TEXT);
        y += ROW;
    }
    y += 10;
    page.text([at[0], y], "samples that took so many draws", FAINT);
    y += LINE + 4;
    let last = attempts.samples.len();
    for (taken, samples) in (1..).zip(&attempts.samples) {
        let share = *samples as f32 / statistics.samples.max(1) as f32;
        let name = if taken == last { format!("{taken} or more") } else { taken.to_string() };
        page.text_left_of(at[0] + 10 * 12, y, &name, TEXT);
        page.bar([at[0] + 11 * 12, y], [COLUMN - 11 * 12 - 90, BAR_HEIGHT], share, BAR);
        page.text_left_of(at[0] + COLUMN, y, &samples.to_string(), TEXT);
        y += ROW;
    }
    y
}

/// The share of draws that was rejected, by axis and hardness.
fn axes(page: &mut Page, at: [u32; 2], statistics: &Statistics) -> u32 {
    const CELL: [u32; 2] = [150, 34];
    let mut y = page.title(at, "Rejected by hardness, percent of the draws");
    let names = 14 * 12;
    for (index, bin) in (0..).zip(statistics.axes.first().map_or(&[][..], |axis| &axis.bins)) {
        let middle = at[0] + names + index * CELL[0] + CELL[0] / 2;
        page.text_around(middle, y, &format!("{:.1}-{:.1}", bin.low, bin.high), FAINT);
    }
    y += LINE + 4;
    for axis in &statistics.axes {
        page.text([at[0], y + 8], axis.axis.name(), TEXT);
        for (index, bin) in (0..).zip(&axis.bins) {
            let percent = |share: f32| format!("{:.0}", share * 100.0);
            let text = bin.rejected.map_or("-".to_owned(), percent);
            page.cell(
                [at[0] + names + index * CELL[0], y],
                CELL,
                &text,
                blend(PANEL, REJECTED, bin.rejected.unwrap_or(0.0)),
            );
        }
        y += CELL[1];
    }
    y
}

/// Hardness against measures.
fn correlations(page: &mut Page, at: [u32; 2], statistics: &Statistics) -> u32 {
    const CELL: [u32; 2] = [144, 34];
    let mut y = page.title(at, "Rank correlation of requested hardness with what was measured");
    let names = 14 * 12;
    for (index, measure) in (0..).zip(Measure::ALL) {
        page.text_around(at[0] + names + index * CELL[0] + CELL[0] / 2, y, measure.name(), FAINT);
    }
    y += LINE + 4;
    for axis in &statistics.axes {
        page.text([at[0], y + 8], axis.axis.name(), TEXT);
        for (index, value) in (0..).zip(axis.correlations.values()) {
            let strength = value.unwrap_or(0.0);
            let color = blend(
                PANEL,
                if strength < 0.0 { NEGATIVE } else { POSITIVE },
                strength.abs() * 1.25,
            );
            page.cell([at[0] + names + index * CELL[0], y], CELL, &correlation(*value), color);
        }
        y += CELL[1];
    }
    y
}
