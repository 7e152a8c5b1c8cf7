//! One step of the closed loop.

use super::{
    error::{MOST_SKIPPED, TrainError},
    input::Input,
    parts::Trainer,
    sample_metrics::SampleMetrics,
    statistics::UniformSample,
    step_timings::Operation,
};
use crate::{
    afl::{AflError, CriticStep, Scores, weighted},
    curriculum,
    photographs::Photograph,
};
use candle_core::Tensor;
use marionette_base::statistics::rank_shares;
use marionette_figure::Figure;
use marionette_nn::{
    detect::decode_output,
    heatmap::HeatmapTargets,
    optim::{clip_factor, collect, global_norm},
};
use marionette_stream::{Batch, Feedback, SampleFeedback, SampleStream};
use std::sync::Arc;

/// The report on one step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The step, from 0.
    pub step: u64,
    /// Why the step was skipped, if it was.
    pub skipped: Option<&'static str>,
    /// Mean base loss of the batch (0 is perfect), without photographs.
    pub loss: f64,
    /// Mean base loss per stream: uniform, steered; `None` for a stream with no sample in the
    /// batch.
    pub stream_losses: [Option<f64>; 2],
    /// What the photographs in the step came to, if there were any.
    pub photographs: Option<PhotographReport>,
    /// Keypoints with a label, and of those found within 0.2 torso lengths.
    pub labelled_found: [u32; 2],
    /// Norm of the gradients before clipping.
    pub gradient_norm: f64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// The critic's step.
    pub critic: Option<CriticStep>,
    /// Share of raw scores strictly inside (0.05, 0.95).
    pub unsaturated: f32,
    /// Effective sample size of the weights, as a share of the batch.
    pub effective_share: f32,
    /// Score per sample; empty for a skipped step.
    pub difficulty: Vec<f32>,
    /// Predicted keypoints per sample, pixels of the image as it was rendered; empty for a skipped
    /// step.
    pub predictions: Vec<Vec<[f32; 2]>>,
    /// The controller's feedback on each sample; empty for a skipped step.
    pub samples: Vec<SampleFeedback>,
}

/// What the photographs of a step came to. All other figures of a step are of renders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhotographReport {
    /// Mean base loss (0 is perfect).
    pub loss: f64,
    /// Keypoints with a label, of people whose torso is labelled.
    pub labelled: u32,
    /// Of those, found within 0.2 torso lengths.
    pub found: u32,
}

/// The results of a step's forward pass.
struct ForwardPass {
    losses: Tensor,
    scores: Scores,
    decoded: Vec<Vec<[f32; 2]>>,
}

impl Trainer {
    /// Learns from one batch and, in the same step, from `photographs`: a step of the network, a
    /// step of the critic, an observation of the controller, which hears of the batch alone.
    ///
    /// A step that would not be finite is skipped and counted; the controller still gets an empty
    /// feedback.
    ///
    /// # Errors
    /// If ten steps in a row were skipped, or a tensor operation fails.
    pub fn learn(
        &mut self,
        batch: &Batch,
        photographs: &[Photograph],
    ) -> Result<StepReport, TrainError> {
        self.timings.begin();
        let mut input = Input::new(
            batch,
            photographs,
            &self.figure,
            &self.spec,
            self.settings.flips,
            self.settings.seed,
            &self.device,
        )?;
        let mut report = StepReport {
            step: self.step,
            skipped: None,
            loss: f64::NAN,
            stream_losses: [None; 2],
            photographs: None,
            labelled_found: [0; 2],
            gradient_norm: f64::NAN,
            learning_rate: self.settings.optimizer.schedule(self.settings.steps).rate(self.step)
                * self.rate_factor,
            critic: None,
            unsaturated: f32::NAN,
            effective_share: f32::NAN,
            difficulty: Vec::new(),
            predictions: Vec::new(),
            samples: Vec::new(),
        };
        let learned = match self.forward_pass(&mut input) {
            Ok(prediction) => self.update(&prediction, &mut report).map(|()| Some(prediction)),
            Err(error) => Err(error),
        };
        let samples = match learned {
            Ok(Some(prediction)) => {
                self.judge(batch, photographs, &input, prediction, &mut report)?
            }
            Ok(None) => Vec::new(),
            Err(TrainError::Afl(AflError::NotFinite { what })) => {
                report.skipped = Some(what);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        self.skipped_in_a_row =
            if report.skipped.is_some() { self.skipped_in_a_row + 1 } else { 0 };
        self.skipped += u64::from(report.skipped.is_some());
        let feedback = Feedback { batch: batch.index, samples };
        curriculum::observe(
            &self.settings.curriculum,
            &self.settings.steered_axes,
            &mut self.controller,
            &feedback,
            self.settings.steps,
        );
        self.policies.push_back(Arc::new(self.next_policy()));
        self.policies.pop_front();
        report.samples = feedback.samples;
        self.step += 1;
        self.timings.record(Operation::Judge);
        match report.skipped {
            Some(reason) if self.skipped_in_a_row >= MOST_SKIPPED => {
                Err(TrainError::Diverged { step: report.step, reason })
            }
            _ => Ok(report),
        }
    }

    /// Forward pass, losses and scores. The scores are taken before the critic learns from the
    /// batch (Alg. 2). Labels of keypoints that cannot be told apart are put into the order that
    /// the network sees them in, for everything that follows.
    fn forward_pass(&mut self, input: &mut Input) -> Result<ForwardPass, TrainError> {
        let grid = self.spec.grid();
        let keypoints = self.figure.keypoints.len();
        self.timings.record(Operation::Input);
        let (logits, features) = self.network.forward_with_features(&input.images, true)?;
        self.timings.record(Operation::Forward);
        if let Some(order) = self.fitted(&logits, &input.keypoints, &input.labelled())? {
            input.reorder(&order);
        }
        let labelled = input.labelled();
        let targets =
            HeatmapTargets::new(&input.keypoints, &labelled, keypoints, grid, &self.device)?;
        self.timings.record(Operation::Input);
        let losses = self.base_loss.per_sample(&logits, &targets)?;
        self.timings.record(Operation::Loss);
        let maps = self.base_loss.heatmaps(&logits, &targets.mass)?;
        let mut scores = self.scores(&maps, &features, &input.keypoints, &labelled)?;
        if self.afl.weighs_by_loss() {
            let losses = losses.to_vec1::<f32>()?;
            scores.weights = self.afl.weights(&losses, self.step, self.settings.steps);
        }
        self.timings.record(Operation::Score);
        let decoded = decode_output(&logits, self.base_loss.activation(), grid)?
            .iter()
            .map(|keypoints| keypoints.iter().map(|found| [found.x, found.y]).collect())
            .collect();
        self.timings.record(Operation::Decode);
        Ok(ForwardPass { losses, scores, decoded })
    }

    /// Backward pass and both optimizers.
    fn update(
        &mut self,
        prediction: &ForwardPass,
        report: &mut StepReport,
    ) -> Result<(), TrainError> {
        let ForwardPass { losses, scores, .. } = prediction;
        let weights = Tensor::from_slice(&scores.weights, scores.weights.len(), &self.device)?;
        let loss = weighted(losses, &weights)?;
        if !loss.to_scalar::<f32>()?.is_finite() {
            return Err(AflError::NotFinite { what: "the loss" }.into());
        }
        let parameters = self.network.parameters().trainable();
        self.timings.record(Operation::Loss);
        let gradients = collect(parameters, loss.backward()?);
        self.timings.record(Operation::Backward);
        report.gradient_norm = global_norm(&gradients)?;
        if !report.gradient_norm.is_finite() {
            return Err(AflError::NotFinite { what: "the gradient" }.into());
        }
        self.timings.record(Operation::Optimizer);
        // The critic goes first: if its step is not finite, neither network nor critic has changed.
        report.critic = Some(self.afl.update_critic(scores)?);
        self.timings.record(Operation::Critic);
        let factor = clip_factor(report.gradient_norm, self.settings.optimizer.clip_norm);
        self.optimizer.step(&gradients, factor, report.learning_rate)?;
        self.timings.record(Operation::Optimizer);
        Ok(())
    }

    /// Measures every sample of a batch that was learned from.
    fn judge(
        &mut self,
        batch: &Batch,
        photographs: &[Photograph],
        input: &Input,
        prediction: ForwardPass,
        report: &mut StepReport,
    ) -> Result<Vec<SampleFeedback>, TrainError> {
        let ForwardPass { losses, scores, decoded, .. } = prediction;
        let losses = losses.to_vec1::<f32>()?;
        let (tiles, pictures) = (batch.tiles.len(), batch.tiles.len() + photographs.len());
        let mean = |of_tiles: bool| {
            let rows = losses.iter().enumerate();
            let chosen = rows.filter(|(row, _)| (row % pictures.max(1) < tiles) == of_tiles);
            let (sum, count) =
                chosen.fold((0.0, 0), |(sum, n), (_, l)| (sum + f64::from(*l), n + 1));
            sum / f64::from(count.max(1))
        };
        report.loss = mean(true);
        if !photographs.is_empty() {
            report.photographs = Some(self.judge_photographs(
                photographs,
                &decoded[tiles..pictures],
                input,
                tiles,
                mean(false),
            ));
        }
        report.unsaturated = scores.raw_unsaturated_share();
        report.effective_share = scores.effective_share();
        let keypoints = self.figure.keypoints.len();
        let mut samples = Vec::with_capacity(batch.tiles.len());
        let mut by_stream = [(0.0, 0u32); 3];
        for (i, tile) in batch.tiles.iter().enumerate() {
            let labels = i * keypoints..(i + 1) * keypoints;
            let (truth, visibility) = (&input.keypoints[labels.clone()], &input.visibility[labels]);
            let symmetry = &self.figure.symmetry;
            let torso = tile.labels.torso;
            let metrics = SampleMetrics::new(&decoded[i], truth, visibility, torso, symmetry);
            report.labelled_found[0] += metrics.labelled;
            report.labelled_found[1] += metrics.found;
            let (sum, count) = &mut by_stream[tile.scene.stream as usize];
            *sum += f64::from(losses[i]);
            *count += 1;
            if tile.scene.stream == SampleStream::Uniform {
                let sample = UniformSample {
                    loss: losses[i],
                    score: scores.difficulty[i],
                    blur: scores.blur[i],
                    metrics,
                    hardness: &tile.scene.hardness,
                    keypoints: truth,
                    visibility,
                    torso,
                    symmetry,
                    size: [tile.width as f32, tile.height as f32],
                };
                self.statistics.add(self.step, self.settings.steps, &sample);
            }
            samples.push(SampleFeedback {
                index: tile.scene.index,
                stream: tile.scene.stream,
                hardness: tile.scene.hardness,
                propensity: tile.scene.propensity,
                loss: losses[i],
                error: metrics.error,
                difficulty: scores.difficulty[i],
            });
            report.predictions.push(unflip(
                &self.figure,
                &decoded[i],
                input.flipped[i],
                tile.width as f32,
            ));
        }
        for (tile, rank) in batch.tiles.iter().zip(rank_shares(&scores.difficulty[..tiles])) {
            self.drawn.add(&tile.scene, rank);
        }
        let [uniform, steered, _] =
            by_stream.map(|(sum, count)| (count > 0).then(|| sum / f64::from(count)));
        report.stream_losses = [uniform, steered];
        report.difficulty = scores.difficulty;
        report.difficulty.truncate(batch.tiles.len());
        Ok(samples)
    }
}

impl Trainer {
    /// What a step's photographs came to, whose rows begin at `first` and have the mean loss
    /// `loss`.
    fn judge_photographs(
        &self,
        photographs: &[Photograph],
        decoded: &[Vec<[f32; 2]>],
        input: &Input,
        first: usize,
        loss: f64,
    ) -> PhotographReport {
        let keypoints = self.figure.keypoints.len();
        let mut report = PhotographReport { loss, labelled: 0, found: 0 };
        for (i, (photograph, found)) in photographs.iter().zip(decoded).enumerate() {
            // PCK is measured by the torso; without one there is no saying what is near.
            let Some(torso) = photograph.person.torso else { continue };
            let row = (first + i) * keypoints..(first + i + 1) * keypoints;
            let (truth, visibility) = (&input.keypoints[row.clone()], &input.visibility[row]);
            let metrics =
                SampleMetrics::new(found, truth, visibility, torso, &self.figure.symmetry);
            report.labelled += metrics.labelled;
            report.found += metrics.found;
        }
        report
    }
}

/// Maps a prediction on a flipped image back to the image as it was rendered.
fn unflip(figure: &Figure, predicted: &[[f32; 2]], flipped: bool, width: f32) -> Vec<[f32; 2]> {
    if !flipped {
        return predicted.to_vec();
    }
    figure
        .keypoints
        .iter()
        .map(|keypoint| [width - predicted[keypoint.twin][0], predicted[keypoint.twin][1]])
        .collect()
}
