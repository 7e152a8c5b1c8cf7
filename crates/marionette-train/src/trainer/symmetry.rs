//! Which label each of the keypoints that cannot be told apart learns from.
//!
//! A label file numbers a wheel's bolts, but no picture does. A network that had to learn the
//! numbers would learn that every bolt may be anywhere on the wheel. So the labels of a group are
//! dealt out anew for each sample, such that they fit best to what the network says already. (As in
//! the permutation invariant training of speakers by Yu et al. 2017, arXiv 1607.00325.)

use marionette_base::matching::least_cost;
use marionette_nn::heatmap::Grid;

/// From which label the map of each keypoint learns: entry `r * K + k` is the index of that label
/// among the `keypoints` [R, K] (image pixels), one of the same row. `maps` [R, K, h, w] are the
/// network's. Only the `labelled` [R, K] ask for a map near to them; the others take what is left.
///
/// The sum, over a group's labels, of the squared distance that is expected under the label's map
/// is the least. The spread of a map adds the same to it whatever its label is, so it is the
/// distance from the map's mean place that decides.
pub fn fitted(
    symmetry: &[Vec<usize>],
    count: usize,
    maps: &[f32],
    keypoints: &[[f32; 2]],
    labelled: &[bool],
    grid: Grid,
) -> Vec<usize> {
    let cells = grid.width * grid.height;
    let rows = maps.chunks_exact(count * cells).enumerate();
    let of_row = |(row, maps): (usize, &[f32])| {
        let first = row * count;
        let place = |k: usize| mean_place(&maps[k * cells..][..cells], grid);
        let places: Vec<Option<[f64; 2]>> = (0..count)
            .map(|k| symmetry.iter().any(|group| group.contains(&k)).then(|| place(k)))
            .collect();
        let cost = |k: usize, label: usize| match places[k] {
            Some([x, y]) if labelled[first + label] => {
                let [to_x, to_y] = keypoints[first + label].map(f64::from);
                (x - to_x).powi(2) + (y - to_y).powi(2)
            }
            _ => 0.0,
        };
        least_cost(symmetry, count, cost).into_iter().map(move |label| first + label)
    };
    rows.flat_map(of_row).collect()
}

/// The mean place of a map, in pixels of the image; its middle where the map is empty.
fn mean_place(map: &[f32], grid: Grid) -> [f64; 2] {
    let [mut sum, mut x, mut y] = [0.0; 3];
    for (cell, value) in map.iter().enumerate() {
        // Without a softmax, what is around nothing may be below 0.
        let value = f64::from(value.max(0.0));
        sum += value;
        x += value * ((cell % grid.width) as f64 + 0.5);
        y += value * ((cell / grid.width) as f64 + 0.5);
    }
    let [x, y] = if sum > 0.0 {
        [x / sum, y / sum]
    } else {
        [grid.width, grid.height].map(|n| n as f64 / 2.0)
    };
    [x, y].map(|cells| cells * grid.stride as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        afl::AflConfig,
        curriculum::CurriculumConfig,
        trainer::{Flips, OptimizerConfig, SampleMetrics, TrainSettings, Trainer},
    };
    use candle_core::Device;
    use glam::{Vec2, Vec3};
    use marionette_base::random::stream;
    use marionette_figure::Figure;
    use marionette_nn::heatmap::gaussians;
    use marionette_scene::{Sampler, Scene, load_scene};
    use marionette_stream::{
        Batch, ImageBox, LabelledKeypoint, Labels, Measured, SceneSample, Tile, Visibility,
    };
    use rand::Rng;
    use std::sync::Arc;

    const GRID: Grid = Grid { width: 16, height: 16, stride: 4, sigma: 0.5 };

    #[test]
    fn labels_go_to_the_maps_that_they_fit_row_by_row() {
        let places = [[10.0, 10.0], [50.0, 10.0], [30.0, 50.0], [32.0, 32.0]];
        let maps = gaussians(&[places, places].concat(), &[true; 8], GRID).unwrap();
        let rows = [
            [[48.0, 12.0], [33.0, 49.0], [11.0, 9.0], [0.0, 0.0]],
            [[9.0, 9.0], [52.0, 12.0], [28.0, 44.0], [0.0, 0.0]],
        ]
        .concat();
        let order = |groups: &[Vec<usize>], labelled: [bool; 8]| {
            fitted(groups, 4, &maps, &rows, &labelled, GRID)
        };
        assert_eq!(order(&[vec![0, 1, 2]], [true; 8]), [2, 0, 1, 3, 4, 5, 6, 7]);
        assert_eq!(order(&[vec![0, 1]], [true; 8]), [1, 0, 2, 3, 4, 5, 6, 7]);
        // Of the first row's group one label is left, which goes to the map beside it.
        let one = [false, true, false, true, true, true, true, true];
        assert_eq!(order(&[vec![0, 1, 2]], one), [0, 2, 1, 3, 4, 5, 6, 7]);
        assert_eq!(order(&[vec![0, 1, 2]], [false; 8]), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn of_two_maps_that_are_at_either_place_the_one_that_leans_to_a_label_gets_it() {
        let places = [[10.0, 30.0], [50.0, 30.0]];
        let maps = gaussians(&places, &[true; 2], GRID).unwrap();
        let (left, right) = maps.split_at(256);
        let mixed =
            |share: f32| left.iter().zip(right).map(move |(l, r)| share * l + (1.0 - share) * r);
        // Both have their top at the right.
        let maps: Vec<f32> = mixed(0.41).chain(mixed(0.49)).collect();
        assert_eq!(fitted(&[vec![0, 1]], 2, &maps, &places, &[true; 2], GRID), [1, 0]);
        // Maps that say the same, or nothing, leave the labels as they are.
        for share in [0.5, f32::NAN] {
            let maps: Vec<f32> = mixed(share).chain(mixed(share)).collect();
            assert_eq!(fitted(&[vec![0, 1]], 2, &maps, &places, &[true; 2], GRID), [0, 1]);
        }
    }

    /// A figure of two keypoints, which cannot be told apart if they are `grouped`.
    fn dots(scene: &Scene, grouped: bool) -> Arc<Figure> {
        let mut figure = Figure::clone(&scene.figure);
        figure.keypoints.truncate(2);
        for (k, keypoint) in figure.keypoints.iter_mut().enumerate() {
            keypoint.twin = k;
        }
        (figure.torso, figure.edges) = ([0, 1], vec![[0, 1]]);
        figure.symmetry = if grouped { vec![vec![0, 1]] } else { Vec::new() };
        Arc::new(figure)
    }

    /// A picture of two white dots anywhere, far apart, labelled in a random order.
    fn tile(sample: &SceneSample, index: u64) -> Tile {
        let (size, mut random) = (64, stream(5, index, 0, "dots"));
        let mut place =
            || Vec2::new(random.random_range(6.0..58.0), random.random_range(6.0..58.0));
        let first = place();
        let second = std::iter::repeat_with(place).find(|p| p.distance(first) > 20.0).unwrap();
        let white = |x: usize, y: usize| {
            let at = Vec2::new(x as f32 + 0.5, y as f32 + 0.5);
            at.distance(first) < 4.0 || at.distance(second) < 4.0
        };
        let pixels = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
        let keypoint = |pixel| LabelledKeypoint {
            pixel,
            camera: Vec3::Z,
            world: Vec3::ZERO,
            visibility: Visibility::Seen,
            cover: None,
        };
        let whole = ImageBox { low: Vec2::ZERO, high: Vec2::splat(size as f32) };
        Tile {
            width: size,
            height: size,
            color: pixels.flat_map(|(x, y)| [if white(x, y) { 230 } else { 40 }; 4]).collect(),
            ids: Vec::new(),
            depth: Vec::new(),
            labels: Labels {
                keypoints: [first, second].map(keypoint).to_vec(),
                modal_box: None,
                amodal_box: whole,
                mask_area: 100,
                torso: 20.0,
                measured: Measured {
                    visible_share: 1.0,
                    in_frame_share: 1.0,
                    keypoints_seen: 2,
                    contrast: 1.0,
                    brightness: 0.2,
                },
            },
            scene: SceneSample { index, ..sample.clone() },
        }
    }

    /// The share of dots that are found after some steps, whichever of the two finds them.
    fn share_found(scene: &Scene, grouped: bool) -> f32 {
        let steps = 40;
        let settings = TrainSettings {
            seed: 1,
            steps,
            model: "nano".to_owned(),
            loss: "cross_entropy".to_owned(),
            flips: Flips::Random,
            lag: 1,
            optimizer: OptimizerConfig::default(),
            afl: AflConfig::default(),
            curriculum: CurriculumConfig::default(),
            steered_axes: Vec::new(),
        };
        let figure = dots(scene, grouped);
        let mut trainer = Trainer::new(settings, figure, [64, 64], Device::Cpu).unwrap();
        let sample = Sampler::new(scene, |_| None).sample_at([0.0; 8], 1, 0, 0);
        let batch = |index: u64, count: u64| Batch {
            index,
            tiles: (0..count).map(|i| tile(&sample, 1000 * index + i)).collect(),
        };
        for step in 0..steps {
            trainer.learn(&batch(step, 8), &[]).unwrap();
        }
        let fresh = batch(steps, 64);
        let found: u32 = (trainer.predict(&fresh).unwrap().iter().zip(&fresh.tiles))
            .map(|(prediction, tile)| {
                let predicted: Vec<[f32; 2]> =
                    prediction.found.iter().map(|[x, y, _]| [*x, *y]).collect();
                let truth = tile.labels.keypoints.iter().map(|k| k.pixel.to_array());
                let truth: Vec<[f32; 2]> = truth.collect();
                let (seen, both) = ([Visibility::Seen; 2], [vec![0, 1]]);
                SampleMetrics::new(&predicted, &truth, &seen, 20.0, &both).found
            })
            .sum();
        found as f32 / 128.0
    }

    #[test]
    fn dots_that_are_labelled_in_any_order_are_told_apart_only_as_a_group() {
        let scene = load_scene("quickstart").unwrap();
        let [apart, together] = [true, false].map(|grouped| share_found(&scene, grouped));
        assert!(apart > 0.9, "{apart} with a group, {together} without");
        assert!(together < 0.8, "{apart} with a group, {together} without");
    }
}
