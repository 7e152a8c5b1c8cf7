//! From what a file gave for one picture to keypoints in pixels of its input.

use super::output::{Layout, Output};
use crate::{candidate::Candidate, model::Place};
use marionette_nn::decode::decode;

/// Who is found in one picture, in pixels of the input; `values` is what the file gave for it, and
/// `rows` SimCC's other output.
pub fn candidates(
    output: &Output,
    values: &[f32],
    rows: &[f32],
    sides: &[usize],
    size: [usize; 2],
) -> Vec<Candidate> {
    let places = match output.layout {
        Layout::Heatmaps { to_border } => heatmaps(values, [sides[3], sides[2]], size, to_border),
        Layout::Simcc { .. } => simcc(values, rows, output.keypoints, size),
        Layout::Keypoints { shares } => {
            let unit = if shares { size.map(|side| side as f32) } else { [1.0; 2] };
            triples(values, |[x, y, score]| place([x * unit[0], y * unit[1]], score))
        }
        Layout::Movenet => {
            let [width, height] = size.map(|side| side as f32);
            triples(values, |[y, x, score]| place([x * width, y * height], score))
        }
        Layout::EndToEnd { values: each } => {
            let row = 6 + each * output.keypoints;
            return values.chunks_exact(row).map(|row| end_to_end(row, each)).collect();
        }
        Layout::Raw { classes, values: each } => {
            return raw(values, sides[2], classes, each);
        }
    };
    let score = places.iter().map(|place| place.score).sum::<f32>() / places.len().max(1) as f32;
    vec![Candidate { score, bbox: None, places }]
}

/// A keypoint, unless its place is none.
fn place(at: [f32; 2], score: f32) -> Place {
    let finite = at.iter().all(|value| value.is_finite());
    Place { at: finite.then_some(at), score }
}

fn triples(values: &[f32], place: impl Fn([f32; 3]) -> Place) -> Vec<Place> {
    values.chunks_exact(3).map(|triple| place([triple[0], triple[1], triple[2]])).collect()
}

/// Keypoints in maps of `cells` columns and rows. Cells share the input evenly or, if they reach
/// `to_border`, the first and the last have their middles on its borders.
fn heatmaps(values: &[f32], cells: [usize; 2], size: [usize; 2], to_border: bool) -> Vec<Place> {
    let pixels = |cell: f32, axis: usize| {
        let (cells, side) = (cells[axis] as f32, size[axis] as f32);
        // `decode` counts from the first cell's border.
        if to_border { (cell - 0.5) * side / (cells - 1.0) } else { cell * (side / cells) }
    };
    let found = decode(values, cells[0], cells[1], 1).into_iter();
    found.map(|found| place([pixels(found.x, 0), pixels(found.y, 1)], found.score)).collect()
}

/// Keypoints whose columns and rows are the likeliest ones; the score is the smaller likelihood,
/// and what has none is not found, as in MMPose (`codecs/utils/post_processing.py`,
/// `get_simcc_maximum`).
fn simcc(columns: &[f32], rows: &[f32], keypoints: usize, size: [usize; 2]) -> Vec<Place> {
    let bins = [columns.len(), rows.len()].map(|all| all / keypoints);
    let best = |values: &[f32]| {
        let greater = |best: (usize, f32), (bin, value): (usize, &f32)| {
            if *value > best.1 { (bin, *value) } else { best }
        };
        values.iter().enumerate().fold((0, f32::NEG_INFINITY), greater)
    };
    let pairs = columns.chunks_exact(bins[0]).zip(rows.chunks_exact(bins[1]));
    let found = pairs.map(|(columns, rows)| {
        let ((x, of_x), (y, of_y)) = (best(columns), best(rows));
        let score = of_x.min(of_y);
        let pixels =
            |bin: usize, axis: usize| bin as f32 * size[axis] as f32 / bins[axis] as f32 + 0.5;
        let at = [pixels(x, 0), pixels(y, 1)];
        if score > 0.0 { place(at, score) } else { Place::NONE }
    });
    found.collect()
}

/// A detection's keypoints, of `each` values: x, y and, if there are three, a score.
fn detected(values: impl Iterator<Item = f32>, each: usize, score: f32) -> Vec<Place> {
    let values: Vec<f32> = values.collect();
    let one =
        |values: &[f32]| place([values[0], values[1]], values.get(2).copied().unwrap_or(score));
    values.chunks_exact(each).map(one).collect()
}

fn end_to_end(row: &[f32], each: usize) -> Candidate {
    let [x1, y1, x2, y2, score] = [row[0], row[1], row[2], row[3], row[4]];
    let places = detected(row[6..].iter().copied(), each, score);
    Candidate { score, bbox: Some([x1, y1, x2 - x1, y2 - y1]), places }
}

/// Detections as columns of a matrix of `count` columns.
fn raw(values: &[f32], count: usize, classes: usize, each: usize) -> Vec<Candidate> {
    let rows = values.len() / count.max(1);
    let candidate = |column: usize| {
        let value = |row: usize| values[row * count + column];
        let [x, y, width, height] = [0, 1, 2, 3].map(value);
        let score = (4..4 + classes).map(value).fold(f32::NEG_INFINITY, f32::max);
        let places = detected((4 + classes..rows).map(value), each, score);
        let bbox = Some([x - width / 2.0, y - height / 2.0, width, height]);
        Candidate { score, bbox, places }
    };
    (0..count).map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(keypoints: usize, layout: Layout) -> Output {
        Output { at: 0, keypoints, layout }
    }

    fn only(candidates: &[Candidate]) -> Vec<([f32; 2], f32)> {
        let [one] = candidates else { panic!("{candidates:?}") };
        one.places.iter().map(|place| (place.at.unwrap(), place.score)).collect()
    }

    #[test]
    fn a_cell_is_a_share_of_the_input_or_between_its_borders() {
        let mut map = [0.0; 15];
        map[7] = 0.5;
        let found = |to_border: bool| {
            let output = output(1, Layout::Heatmaps { to_border });
            only(&candidates(&output, &map, &[], &[1, 1, 3, 5], [20, 12]))
        };
        assert_eq!(found(false), [([10.0, 6.0], 0.5)]);
        assert_eq!(found(true), [([10.0, 6.0], 0.5)]);
        map[7] = 0.0;
        map[14] = 0.5;
        let corner = |to_border: bool| {
            let output = output(1, Layout::Heatmaps { to_border });
            only(&candidates(&output, &map, &[], &[1, 1, 3, 5], [20, 12]))
        };
        assert_eq!(corner(false), [([18.0, 10.0], 0.5)]);
        assert_eq!(corner(true), [([20.0, 12.0], 0.5)]);
    }

    #[test]
    fn the_likeliest_column_and_row_count_from_the_first_pixels_middle() {
        // Two keypoints, twice as fine as an input of 4x3; the second one is not found.
        let (mut columns, mut rows) = ([0.0; 16], [0.0; 12]);
        (columns[5], rows[2]) = (0.8, 0.6);
        (columns[9], rows[7]) = (0.4, -0.1);
        rows[6..].fill(-0.1);
        let output = output(2, Layout::Simcc { rows: 1 });
        let found = candidates(&output, &columns, &rows, &[1, 2, 8], [4, 3]);
        let [one] = &found[..] else { panic!("{found:?}") };
        assert_eq!(one.places, [Place { at: Some([3.0, 1.5]), score: 0.6 }, Place::NONE]);
    }

    #[test]
    fn triples_are_pixels_or_shares() {
        let values = [0.25, 0.5, 0.9];
        let found =
            |layout| only(&candidates(&output(1, layout), &values, &[], &[1, 1, 3], [64, 32]));
        assert_eq!(found(Layout::Keypoints { shares: false }), [([0.25, 0.5], 0.9)]);
        assert_eq!(found(Layout::Keypoints { shares: true }), [([16.0, 16.0], 0.9)]);
        assert_eq!(found(Layout::Movenet), [([32.0, 8.0], 0.9)]);
    }

    #[test]
    fn detections_are_rows_or_columns() {
        // x1, y1, x2, y2, score, class, then a keypoint.
        let rows = [1.0, 2.0, 5.0, 8.0, 0.9, 0.0, 3.0, 4.0, 0.7];
        let end_to_end = output(1, Layout::EndToEnd { values: 3 });
        let expected = Candidate {
            score: 0.9,
            bbox: Some([1.0, 2.0, 4.0, 6.0]),
            places: vec![Place { at: Some([3.0, 4.0]), score: 0.7 }],
        };
        let found = candidates(&end_to_end, &rows, &[], &[1, 1, 9], [64, 64]);
        assert_eq!(found, std::slice::from_ref(&expected));
        // The same as the second of two columns, of two classes, without a keypoint's own score.
        let columns = [3.0, 5.0, 4.0, 6.0, 0.1, 0.9, 3.0, 4.0];
        let values: Vec<f32> = columns.iter().flat_map(|value| [0.0, *value]).collect();
        let raw = output(1, Layout::Raw { classes: 2, values: 2 });
        let found = candidates(&raw, &values, &[], &[1, 8, 2], [64, 64]);
        let places = vec![Place { at: Some([3.0, 4.0]), score: 0.9 }];
        assert_eq!(found[1], Candidate { places, ..expected });
    }
}
