//! Predictions of a network that was loaded from a file.

use candle_core::{Device, Tensor};
use marionette_nn::detect::{decoded, heatmaps, normalise};
use marionette_stream::Tile;
use marionette_train::{
    eval::Detector,
    trainer::{Prediction, SampleMetrics},
};

/// Predictions for `tiles`. They have no difficulty score: a file holds no critic.
pub fn predictions(detector: &Detector, tiles: &[Tile]) -> candle_core::Result<Vec<Prediction>> {
    let (network, activation) = (detector.network(), detector.card().activation);
    let spec = network.spec();
    let pixels = spec.input_width * spec.input_height;
    let mut input = vec![0f32; tiles.len() * 3 * pixels];
    for (planes, tile) in input.chunks_exact_mut(3 * pixels).zip(tiles) {
        normalise(&tile.color, spec, false, planes);
    }
    let input = Tensor::from_vec(
        input,
        (tiles.len(), 3, spec.input_height, spec.input_width),
        &Device::Cpu,
    )?;
    let grid = spec.grid();
    let maps = heatmaps(&network.forward(&input, false)?, activation, grid)?;
    let cells = spec.keypoints * grid.width * grid.height;
    let decoded = decoded(&maps, spec.keypoints, grid);
    let prediction = |(i, tile): (usize, &Tile)| {
        let found: Vec<[f32; 3]> =
            decoded[i].iter().map(|found| [found.x, found.y, found.score]).collect();
        let places: Vec<[f32; 2]> = found.iter().map(|[x, y, _]| [*x, *y]).collect();
        let truth: Vec<[f32; 2]> =
            tile.labels.keypoints.iter().map(|keypoint| keypoint.pixel.to_array()).collect();
        let visibility: Vec<_> =
            tile.labels.keypoints.iter().map(|keypoint| keypoint.visibility).collect();
        let symmetry = &detector.card().keypoints.symmetry;
        let metrics = SampleMetrics::new(&places, &truth, &visibility, tile.labels.torso, symmetry);
        Prediction {
            loss: None,
            difficulty: None,
            error: metrics.error,
            hit_rate: metrics.hit_rate,
            found,
            heatmaps: maps[i * cells..(i + 1) * cells].to_vec(),
            grid: [grid.width, grid.height],
        }
    };
    Ok(tiles.iter().enumerate().map(prediction).collect())
}
