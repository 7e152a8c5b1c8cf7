//! The network alone, learning noise: what a training step costs where nothing is rendered, scored
//! or clipped.

use super::{
    afl::{BaseLoss, CrossEntropy},
    trainer::OptimizerConfig,
};
use candle_core::{Device, Result, Tensor};
use marionette_base::random::stream;
use marionette_nn::{
    self as model, HeatmapNetwork, ModelError, ModelSpec,
    heatmap::HeatmapTargets,
    optim::{AdamW, collect},
    parameters::VARIABLE,
};
use rand::Rng;

/// A network with a batch of noise to learn, again and again.
pub struct Rehearsal {
    network: HeatmapNetwork,
    optimizer: AdamW,
    learning_rate: f64,
    images: Tensor,
    targets: HeatmapTargets,
}

impl Rehearsal {
    /// The network called `model` for `keypoints`, its weights and `batch` images of noise with
    /// keypoints at random places, all of `seed`. AdamW takes all of `optimizer`'s steps.
    ///
    /// # Errors
    /// Where there is no such network, or the device has no room for it.
    pub fn new(
        model: &str,
        [keypoints, batch]: [usize; 2],
        optimizer: &OptimizerConfig,
        seed: u64,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let network = model::build(model, keypoints, seed, device)?;
        let (images, targets) = noise(seed, batch, network.spec(), device)?;
        let parameters = network.parameters();
        let learning_rate = optimizer.learning_rate;
        let optimizer = AdamW::new(parameters.trainable(), optimizer.adamw())?
            .decaying(VARIABLE, parameters.decaying());
        Ok(Rehearsal { network, optimizer, learning_rate, images, targets })
    }

    /// One training step, waited for: forward pass on the batch's own statistics, heatmap
    /// cross-entropy, backward pass, AdamW. Gives the loss.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn learn(&mut self) -> Result<f32> {
        let logits = self.network.forward(&self.images, true)?;
        let loss = CrossEntropy.per_sample(&logits, &self.targets)?.mean_all()?;
        let gradients = collect(self.network.parameters().trainable(), loss.backward()?);
        self.optimizer.step(&gradients, 1.0, self.learning_rate)?;
        let loss = loss.to_scalar()?;
        self.images.device().synchronize()?;
        Ok(loss)
    }

    /// One forward pass on the running statistics, and its logits read.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn infer(&self) -> Result<Vec<f32>> {
        self.network.forward(&self.images, false)?.flatten_all()?.to_vec1()
    }
}

/// Normalised images of noise, and the targets of random places in them.
fn noise(
    seed: u64,
    batch: usize,
    spec: &ModelSpec,
    device: &Device,
) -> Result<(Tensor, HeatmapTargets)> {
    let mut random = stream(seed, 0, 0, "rehearsal");
    let (width, height) = (spec.input_width, spec.input_height);
    let values: Vec<f32> =
        (0..batch * 3 * height * width).map(|_| random.random_range(-2.0..2.0)).collect();
    let images = Tensor::from_vec(values, (batch, 3, height, width), device)?;
    let mut place =
        || [random.random_range(0.0..width as f32), random.random_range(0.0..height as f32)];
    let places: Vec<[f32; 2]> = (0..batch * spec.keypoints).map(|_| place()).collect();
    let labelled = vec![true; places.len()];
    let targets = HeatmapTargets::new(&places, &labelled, spec.keypoints, spec.grid(), device)?;
    Ok((images, targets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_learned() {
        let optimizer = OptimizerConfig::default();
        let mut rehearsal = Rehearsal::new("nano", [3, 2], &optimizer, 1, &Device::Cpu).unwrap();
        let first = rehearsal.learn().unwrap();
        let last = (0..20).map(|_| rehearsal.learn().unwrap()).last().unwrap();
        assert!(last < 0.9 * first, "{first} to {last}");
        assert!(rehearsal.infer().unwrap().iter().all(|logit| logit.is_finite()));
    }
}
