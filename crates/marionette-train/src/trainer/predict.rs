//! Predictions of the current network on any pictures, without learning from them.

use super::{
    error::TrainError, input::Input, parts::Trainer, sample_metrics::SampleMetrics,
    settings::Flips, symmetry,
};
use crate::afl::{MapPair, Scores};
use candle_core::Tensor;
use marionette_nn::{
    Features,
    detect::{decoded, heatmaps, normalise},
    heatmap::HeatmapTargets,
};
use marionette_stream::Batch;
use std::borrow::Cow;

/// A network's prediction on one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Base loss, where 0 is perfect; none without labels.
    pub loss: Option<f32>,
    /// Difficulty score in [0, 1]; none without a critic.
    pub difficulty: Option<f32>,
    /// Mean distance between predicted and true keypoints, torso lengths.
    pub error: f32,
    /// Share of the visible keypoints found within 0.2 torso lengths.
    pub hit_rate: f32,
    /// Keypoints found: x and y (pixels of the network's input) and score in [0, 1].
    pub found: Vec<[f32; 3]>,
    /// A heatmap per keypoint, row by row.
    pub heatmaps: Vec<f32>,
    /// Columns and rows of a heatmap.
    pub grid: [usize; 2],
}

/// What the trainer thinks of some pictures.
struct Judgement {
    logits: Tensor,
    losses: Vec<f32>,
    scores: Scores,
}

/// Pictures that are probed in one forward pass.
const PROBES: usize = 64;

impl Prediction {
    /// The heatmap of keypoint `keypoint`, if there is one.
    pub fn heatmap(&self, keypoint: usize) -> Option<&[f32]> {
        let cells = self.grid[0] * self.grid[1];
        self.heatmaps.get(keypoint * cells..(keypoint + 1) * cells).filter(|map| !map.is_empty())
    }
}

impl Trainer {
    /// The network's predictions on `batch`, whose tiles have the network's input size. Nothing is
    /// learned and nothing changes: the next step is the same as without this call.
    ///
    /// # Errors
    /// If a tensor operation fails or something is not finite.
    pub fn predict(&self, batch: &Batch) -> Result<Vec<Prediction>, TrainError> {
        let (grid, keypoints) = (self.spec.grid(), self.figure.keypoints.len());
        let input = Input::new(
            batch,
            &[],
            &self.figure,
            &self.spec,
            Flips::None,
            self.settings.seed,
            &self.device,
        )?;
        let Judgement { logits, losses, scores } =
            self.judge_pictures(&input.images, &input.keypoints, &input.labelled())?;
        // The whole heatmaps, also of keypoints without a label.
        let whole = heatmaps(&logits, self.base_loss.activation(), grid)?;
        let decoded = decoded(&whole, keypoints, grid);
        let cells = keypoints * grid.width * grid.height;
        let prediction = |(i, tile): (usize, &marionette_stream::Tile)| {
            let found: Vec<[f32; 3]> =
                decoded[i].iter().map(|found| [found.x, found.y, found.score]).collect();
            let places: Vec<[f32; 2]> = found.iter().map(|[x, y, _]| [*x, *y]).collect();
            let metrics = SampleMetrics::new(
                &places,
                &input.keypoints[i * keypoints..],
                &input.visibility[i * keypoints..],
                tile.labels.torso,
                &self.figure.symmetry,
            );
            Prediction {
                loss: Some(losses[i]),
                difficulty: Some(scores.difficulty[i]),
                error: metrics.error,
                hit_rate: metrics.hit_rate,
                found,
                heatmaps: whole[i * cells..(i + 1) * cells].to_vec(),
                grid: [grid.width, grid.height],
            }
        };
        Ok(batch.tiles.iter().enumerate().map(prediction).collect())
    }
}

/// What the trainer thinks of one picture of a fixed set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Difficulty score in [0, 1].
    pub score: f32,
    /// How far the predicted maps are spread, see [`Scores::blur`](crate::afl::Scores::blur).
    pub blur: f32,
    /// Base loss, where 0 is perfect.
    pub loss: f32,
}

impl Trainer {
    /// What the trainer thinks of `images` (sRGB, three bytes a pixel, the network's input size)
    /// with `keypoints` (image pixels, image after image), of which the `labelled` have a label.
    /// Nothing is learned and nothing changes.
    ///
    /// # Errors
    /// If a tensor operation fails or something is not finite.
    pub fn probe(
        &self,
        images: &[&[u8]],
        keypoints: &[[f32; 2]],
        labelled: &[bool],
    ) -> Result<Vec<Probe>, TrainError> {
        let count = self.figure.keypoints.len();
        let (width, height) = (self.spec.input_width, self.spec.input_height);
        let mut probes = Vec::with_capacity(images.len());
        let labels = keypoints.chunks(PROBES * count).zip(labelled.chunks(PROBES * count));
        for (images, (keypoints, labelled)) in images.chunks(PROBES).zip(labels) {
            let mut planes = vec![0.0; images.len() * 3 * width * height];
            for (planes, image) in planes.chunks_exact_mut(3 * width * height).zip(images) {
                normalise(image, &self.spec, false, planes);
            }
            let images = Tensor::from_vec(planes, (images.len(), 3, height, width), &self.device)?;
            let Judgement { losses, scores, .. } =
                self.judge_pictures(&images, keypoints, labelled)?;
            let values = losses.into_iter().zip(scores.difficulty).zip(scores.blur);
            probes.extend(values.map(|((loss, score), blur)| Probe { score, blur, loss }));
        }
        Ok(probes)
    }

    /// Forward pass, losses and scores of `images` [B, 3, H, W], with nothing learned.
    fn judge_pictures(
        &self,
        images: &Tensor,
        keypoints: &[[f32; 2]],
        labelled: &[bool],
    ) -> Result<Judgement, TrainError> {
        let (grid, count) = (self.spec.grid(), self.figure.keypoints.len());
        let (logits, features) = self.network.forward_with_features(images, false)?;
        let order = self.fitted(&logits, keypoints, labelled)?;
        let (keypoints, labelled) = match &order {
            None => (Cow::Borrowed(keypoints), Cow::Borrowed(labelled)),
            Some(order) => (
                order.iter().map(|label| keypoints[*label]).collect(),
                order.iter().map(|label| labelled[*label]).collect(),
            ),
        };
        let targets = HeatmapTargets::new(&keypoints, &labelled, count, grid, &self.device)?;
        let losses = self.base_loss.per_sample(&logits, &targets)?.to_vec1::<f32>()?;
        let maps = self.base_loss.heatmaps(&logits, &targets.mass)?;
        let scores = self.scores(&maps, &features, &keypoints, &labelled)?;
        Ok(Judgement { logits, losses, scores })
    }

    /// From which label each keypoint is to learn, where the figure has keypoints that cannot be told
    /// apart and the network's output on a batch is `logits`; see [`symmetry::fitted`]. `None` where
    /// every keypoint has its own.
    pub(super) fn fitted(
        &self,
        logits: &Tensor,
        keypoints: &[[f32; 2]],
        labelled: &[bool],
    ) -> candle_core::Result<Option<Vec<usize>>> {
        let (groups, grid) = (&self.figure.symmetry, self.spec.grid());
        if groups.is_empty() {
            return Ok(None);
        }
        let maps = heatmaps(logits, self.base_loss.activation(), grid)?;
        let count = self.figure.keypoints.len();
        Ok(Some(symmetry::fitted(groups, count, &maps, keypoints, labelled, grid)))
    }

    /// Scores of the predicted `maps` [B, K, h, w], of which those without a label are empty, beside
    /// `keypoints` (input pixels, image after image), of which the `labelled` have a label.
    pub(super) fn scores(
        &self,
        maps: &Tensor,
        features: &Features,
        keypoints: &[[f32; 2]],
        labelled: &[bool],
    ) -> Result<Scores, TrainError> {
        let grid = self.spec.grid();
        let shape = maps.dims4()?.into();
        let maps = maps.flatten_all()?.to_vec1::<f32>()?;
        let (target, mask) = self.afl.critic_targets(keypoints, labelled, grid, self.step)?;
        let pair = MapPair {
            target: &target,
            prediction: &maps,
            mask: &mask,
            shape,
            sigma: grid.sigma,
            features: Some(features),
        };
        Ok(self.afl.score(&pair, self.step, self.settings.steps)?)
    }
}
