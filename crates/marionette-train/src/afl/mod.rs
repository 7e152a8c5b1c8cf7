//! Adversarial Focal Loss (Liu et al. 2022, arXiv 2207.07739): a critic that learns to tell the
//! topology of predicted poses from that of true ones scores how hard each sample is. The scores
//! weight the samples of a batch.
//!
//! The loop of Alg. 2 is [`Afl::score`] (before the critic learns from the batch), [`weighted`] on
//! any [`BaseLoss`], and [`Afl::update_critic`].

mod base_loss;
mod config;
mod critic;
mod error;
mod input;
mod jitter;
mod loss;
mod score;
mod topology;

pub use base_loss::{
    BASE_LOSSES, CrossEntropy, Focal, HardKeypoints, MeanSquaredError, Oks, SimCc, SmoothL1,
    base_loss,
};
pub use config::{AflConfig, Existence, Mode, Subject};
pub use critic::{Critic, CriticLoss};
pub use error::AflError;
pub use input::CriticInput;
pub use jitter::jittered;
pub use loss::{BaseLoss, weighted};
pub use score::{Scores, calibrated_scores, permuted, raw_scores, weights};
pub use topology::{Threshold, Topology};

use candle_core::{Device, Tensor};
use input::{Side, critic_inputs};
use marionette_base::{random, statistics::RunningMoments};
use marionette_nn::Features;
use marionette_nn::heatmap::{Grid, gaussians, visible};
use marionette_nn::named::{matching, snapshot};
use marionette_nn::optim::{AdamW, AdamWSettings, collect, global_norm};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A batch as the critic sees it.
#[derive(Debug, Clone, Copy)]
pub struct MapPair<'a> {
    /// `[B, K, h, w]`: the target heatmaps, best from [`Afl::critic_targets`].
    pub target: &'a [f32],
    /// `[B, K, h, w]`: the network's, from [`BaseLoss::heatmaps`].
    pub prediction: &'a [f32],
    /// `[B, K]`: which keypoints are labelled; the others count as missing on both sides, except in
    /// paper mode.
    pub mask: &'a [bool],
    /// `[B, K, h, w]`.
    pub shape: [usize; 4],
    /// The standard deviation of a target, cells.
    pub sigma: f32,
    /// What the network sees in the pictures, from
    /// [`HeatmapNetwork::forward_with_features`](marionette_nn::HeatmapNetwork::forward_with_features);
    /// none for a critic without.
    pub features: Option<&'a Features>,
}

/// The report on a critic update: means over the batch, from its last step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CriticStep {
    /// The critic's loss.
    pub loss: f64,
    /// d(t(y)) - d(t(y')), the critic's estimate of the Wasserstein distance.
    pub gap: f64,
    /// The gradient penalty, without λ.
    pub penalty: f64,
    /// The norm of the loss's gradient by all of the critic's parameters.
    pub gradient_norm: f64,
}

/// The part of an [`Afl`] that is not a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AflState {
    /// The running moments of the gap.
    pub moments: RunningMoments,
    /// The number of the critic's updates.
    pub optimizer_steps: u64,
}

/// The adversarial focal loss of a run: the critic, its optimizer and the running moments of its
/// gap.
///
/// All of it is on the CPU, wherever the network is: what the critic is shown is made there, and
/// its layers are so small that a card would only wait for their launches.
#[derive(Debug)]
pub struct Afl {
    config: AflConfig,
    seed: u64,
    keypoints: usize,
    channels: usize,
    critic: Critic,
    optimizer: AdamW,
    moments: RunningMoments,
}

impl Afl {
    /// An untrained critic for `keypoints` keypoints. `config` should be valid
    /// ([`AflConfig::validate`]). `channels` is how many features of a place there are to see
    /// ([`HeatmapNetwork::feature_channels`](marionette_nn::HeatmapNetwork::feature_channels)); with
    /// 0, and in paper mode, none are looked at.
    ///
    /// # Errors
    /// If memory cannot hold the critic.
    pub fn new(
        config: AflConfig,
        keypoints: usize,
        channels: usize,
        seed: u64,
    ) -> Result<Self, AflError> {
        let inputs = input::width(config.subject(), keypoints, channels);
        let critic = Critic::new(inputs, &config.hidden, seed, &Device::Cpu)?;
        let [beta1, beta2] = config.betas;
        let adam = AdamWSettings { beta1, beta2, weight_decay: 0.0, ..AdamWSettings::default() };
        let optimizer = AdamW::new(&critic.parameters(), adam)?;
        Ok(Self {
            config,
            seed,
            keypoints,
            channels,
            critic,
            optimizer,
            moments: RunningMoments::default(),
        })
    }

    /// The target heatmaps to show the critic at `step`: those of the keypoints (`[B, K]` places in
    /// image pixels), moved by up to half a pixel unless in paper mode. Without the moves the
    /// critic could tell targets from predictions by their quantisation. Also returns which
    /// keypoints have a map.
    ///
    /// # Errors
    /// [`AflError::Length`] if there is not one label per keypoint.
    pub fn critic_targets(
        &self,
        keypoints: &[[f32; 2]],
        labelled: &[bool],
        grid: Grid,
        step: u64,
    ) -> Result<(Vec<f32>, Vec<bool>), AflError> {
        error::check_length("a batch of labels", labelled.len(), keypoints.len())?;
        let mask = visible(keypoints, labelled, grid)?;
        let maps = match self.config.mode {
            Mode::Paper => gaussians(keypoints, &mask, grid)?,
            _ => gaussians(
                &jittered(keypoints, self.config.target_jitter_px, self.seed, step),
                &mask,
                grid,
            )?,
        };
        Ok((maps, mask))
    }

    /// The scores and weights of a batch at `step` (from 0) of `total_steps`. Changes nothing.
    /// These scores are already standardised with the batch's own moments, but the running moments
    /// are updated in [`Afl::update_critic`].
    ///
    /// # Errors
    /// [`AflError::Length`] if `maps` does not fit its shape or the critic; [`AflError::NotFinite`]
    /// if a heatmap or a value of the critic is not finite, and the step should be skipped.
    pub fn score(&self, maps: &MapPair, step: u64, total_steps: u64) -> Result<Scores, AflError> {
        let keypoints = maps.shape[1];
        error::check_length("a pose", keypoints, self.keypoints)?;
        error::check_length("a mask of keypoints", maps.mask.len(), maps.shape[0] * keypoints)?;
        let mask = (self.config.mode != Mode::Paper).then_some(maps.mask);
        let threshold = self.config.threshold(maps.sigma);
        let topology = |heatmaps| Topology::of(heatmaps, maps.shape, mask, threshold);
        let (target, prediction) = (topology(maps.target)?, topology(maps.prediction)?);
        let sides = [(&target, maps.target), (&prediction, maps.prediction)]
            .map(|(topology, maps)| Side { topology, maps });
        let subject = self.config.subject();
        let inputs =
            critic_inputs(subject, sides, maps.shape, maps.mask, maps.features, self.channels)?;
        let [on_target, on_prediction] = [self.values(&inputs[0])?, self.values(&inputs[1])?];

        let blur = |(existence, mask): (&[f32], &[bool])| {
            let labelled = mask.iter().filter(|labelled| **labelled).count().max(1) as f32;
            let exist = existence.iter().zip(mask).filter(|(_, labelled)| **labelled);
            1.0 - exist.map(|(existence, _)| existence).sum::<f32>() / labelled
        };
        let blur = prediction
            .existence
            .chunks_exact(keypoints)
            .zip(maps.mask.chunks_exact(keypoints))
            .map(blur)
            .collect();
        let factor = |mask: &[bool]| {
            let labelled = mask.iter().filter(|labelled| **labelled).count();
            self.config.gap_factor(labelled, keypoints) as f32
        };
        let gap: Vec<f32> = on_target
            .iter()
            .zip(&on_prediction)
            .zip(maps.mask.chunks_exact(keypoints))
            .map(|((real, fake), mask)| factor(mask) * (real - fake))
            .collect();
        let moments = self.moments.after(&gap, self.config.moments_decay);
        let raw = raw_scores(&on_prediction);
        let mut difficulty = match self.config.mode {
            Mode::Paper => raw.clone(),
            Mode::Calibrated | Mode::Loss | Mode::Off => {
                calibrated_scores(&gap, &moments, self.config.gap_clip)
            }
        };
        if self.config.permute_scores {
            difficulty = permuted(difficulty, self.seed, step);
        }
        let weights = weights(&self.config, &difficulty, step, total_steps);
        Ok(Scores { difficulty, weights, raw, gap, blur, step, moments, inputs })
    }

    /// Whether samples are weighted by their losses in place of their scores.
    pub fn weighs_by_loss(&self) -> bool {
        self.config.mode == Mode::Loss
    }

    /// The weights at `step` of `total_steps` of samples with these values, losses or scores.
    pub fn weights(&self, values: &[f32], step: u64, total_steps: u64) -> Vec<f32> {
        weights(&self.config, values, step, total_steps)
    }

    /// Lets the critic learn from the batch that was scored, and adds the batch to the running
    /// moments.
    ///
    /// # Errors
    /// [`AflError::NotFinite`] if the critic's loss or gradient is not finite; that step of its
    /// optimizer is then not taken, and the moments stay as they are.
    pub fn update_critic(&mut self, scores: &Scores) -> Result<CriticStep, AflError> {
        let [real, fake] = &scores.inputs;
        let (real, fake) = (real.tensor()?, fake.tensor()?);
        let mut report = self.critic_step(&real, &fake, scores.step, 0)?;
        for attempt in 1..self.config.critic_steps {
            report = self.critic_step(&real, &fake, scores.step, attempt)?;
        }
        self.moments = scores.moments;
        Ok(report)
    }

    /// One step of the critic's optimizer, with an α per row of its input from the stream (seed,
    /// step, attempt, "afl/alpha").
    fn critic_step(
        &mut self,
        real: &Tensor,
        fake: &Tensor,
        step: u64,
        attempt: u32,
    ) -> Result<CriticStep, AflError> {
        let rows = real.dim(0)?;
        let mut stream = random::stream(self.seed, step, attempt, "afl/alpha");
        let alpha: Vec<f32> = (0..rows).map(|_| stream.random()).collect();
        let alpha = Tensor::from_vec(alpha, rows, &Device::Cpu)?;
        let loss = self.critic.loss(real, fake, &alpha, self.config.lambda, self.config.drift())?;
        let gradients = collect(&self.critic.parameters(), loss.total.backward()?);
        let scalar = |of: &Tensor| of.to_scalar::<f32>().map(f64::from);
        let report = CriticStep {
            loss: scalar(&loss.total)?,
            gap: scalar(&loss.gap)?,
            penalty: scalar(&loss.penalty)?,
            gradient_norm: global_norm(&gradients)?,
        };
        if !(report.loss.is_finite() && report.gradient_norm.is_finite()) {
            return Err(AflError::NotFinite { what: "the critic's loss or gradient" });
        }
        self.optimizer.step(&gradients, 1.0, self.config.learning_rate)?;
        Ok(report)
    }

    /// The critic's value of every sample: the mean of those of its rows.
    fn values(&self, input: &CriticInput) -> Result<Vec<f32>, AflError> {
        let values = self.critic.forward(&input.tensor()?)?.to_vec1::<f32>()?;
        if !values.iter().all(|value| value.is_finite()) {
            return Err(AflError::NotFinite { what: "the critic's value" });
        }
        let rows = match self.config.subject() {
            Subject::Pose => 1,
            Subject::Keypoint => self.keypoints,
        };
        let mean = |rows: &[f32]| rows.iter().sum::<f32>() / rows.len() as f32;
        Ok(values.chunks_exact(rows).map(mean).collect())
    }

    /// Sets the exponent of the scores in the weights, from the next step on.
    pub fn set_gamma(&mut self, gamma: f64) {
        self.config.gamma = gamma;
    }

    /// The critic.
    pub fn critic(&self) -> &Critic {
        &self.critic
    }

    /// Everything that a bit-exact resume needs: the parameters by name, their moments as
    /// `<name>.first` and `<name>.second`, and the numbers beside them. The tensors do not follow
    /// further training.
    ///
    /// # Errors
    /// If a tensor cannot be copied.
    pub fn save(&self) -> Result<(BTreeMap<String, Tensor>, AflState), AflError> {
        let mut tensors = self.optimizer.state()?;
        tensors.extend(snapshot(&self.critic.parameters())?);
        Ok((tensors, AflState { moments: self.moments, optimizer_steps: self.optimizer.steps() }))
    }

    /// Puts back what [`Afl::save`] gave. Other tensors in the map are ignored.
    ///
    /// # Errors
    /// [`AflError::State`] or [`AflError::Optimizer`] if a tensor is missing or of another
    /// shape or type; then nothing has changed.
    pub fn load(
        &mut self,
        tensors: &BTreeMap<String, Tensor>,
        state: &AflState,
    ) -> Result<(), AflError> {
        let parameters = self.critic.parameters();
        let values =
            matching(parameters.iter().map(|(name, var)| (name, var.as_tensor())), tensors)?;
        let values: Vec<_> = values
            .into_iter()
            .map(|value| value.to_device(&Device::Cpu))
            .collect::<Result<_, _>>()?;
        let own = self.optimizer.state()?;
        let moments = tensors.iter().filter(|(name, _)| own.contains_key(*name));
        let moments = moments.map(|(name, tensor)| (name.clone(), tensor.clone())).collect();
        self.optimizer.load_state(state.optimizer_steps, &moments)?;
        for (var, value) in parameters.values().zip(&values) {
            var.set(value)?;
        }
        self.moments = state.moments;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
