//! The optimizer of a network: Muon trains the kernels between features, AdamW trains all else.

use super::{
    adamw::{AdamW, AdamWSettings},
    error::OptimError,
    gradients::Gradients,
    muon::Muon,
};
use crate::{
    named::matching,
    parameters::{Parameters, VARIABLE},
};
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of [`Muon`]'s momentum in a saved state.
const MOMENTUM: &str = "momentum";

/// The settings of both optimizers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OptimizerSettings {
    /// For all that Muon does not train.
    pub adamw: AdamWSettings,
    /// Muon's rate as a multiple of AdamW's; 0 to train everything with AdamW.
    pub matrix_rate: f64,
    /// Share of its momentum that Muon keeps from step to step.
    pub matrix_momentum: f64,
}

/// The optimizer of a network.
#[derive(Debug)]
pub struct Optimizer {
    adamw: AdamW,
    muon: Option<Muon>,
    matrix_rate: f64,
}

impl Optimizer {
    /// An optimizer of a network's `parameters`.
    ///
    /// # Errors
    /// If a device cannot hold its state.
    pub fn new(parameters: &Parameters, settings: OptimizerSettings) -> Result<Self> {
        let OptimizerSettings { adamw, matrix_rate, matrix_momentum } = settings;
        let adamw =
            AdamW::new(parameters.trainable(), adamw)?.decaying(VARIABLE, parameters.decaying());
        if matrix_rate == 0.0 || parameters.hidden().is_empty() {
            return Ok(Optimizer { adamw, muon: None, matrix_rate });
        }
        let matrices = parameters.hidden();
        let adamw = adamw.leaving(VARIABLE, matrices.iter().map(|matrix| matrix.values.clone()));
        let muon = Some(Muon::new(parameters.values(), matrices, matrix_momentum)?);
        Ok(Optimizer { adamw, muon, matrix_rate })
    }

    /// One step of descent along the `gradients` times `factor`.
    ///
    /// # Errors
    /// If a gradient has another shape than its variable.
    pub fn step(&mut self, gradients: &Gradients, factor: f64, learning_rate: f64) -> Result<()> {
        self.adamw.step(gradients, factor, learning_rate)?;
        match (&mut self.muon, gradients.get(VARIABLE)) {
            (Some(muon), Some(gradient)) => {
                muon.step(gradient, factor, learning_rate * self.matrix_rate)
            }
            _ => Ok(()),
        }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.adamw.steps()
    }

    /// AdamW's moments and Muon's momentum by name: with `steps`, all that a checkpoint needs. They
    /// do not follow further steps.
    ///
    /// # Errors
    /// If a device fails to copy.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = self.adamw.state()?;
        if let Some(muon) = &self.muon {
            state.insert(MOMENTUM.to_owned(), muon.state()?);
        }
        Ok(state)
    }

    /// Continues from a `state` after `steps` steps.
    ///
    /// # Errors
    /// If a tensor is missing, belongs to no variable, or has another shape or type than it;
    /// nothing has changed then.
    pub fn load_state(
        &mut self,
        steps: u64,
        mut state: BTreeMap<String, Tensor>,
    ) -> std::result::Result<(), OptimError> {
        let own = self.muon.as_ref().map(Muon::state).transpose()?;
        let own: BTreeMap<_, _> =
            own.into_iter().map(|momentum| (MOMENTUM.to_owned(), momentum)).collect();
        let momentum = matching(&own, &state)?.into_iter().next().cloned();
        if self.muon.is_some() {
            state.remove(MOMENTUM);
        }
        self.adamw.load_state(steps, &state)?;
        match (&mut self.muon, momentum) {
            (Some(muon), Some(momentum)) => Ok(muon.load_state(&momentum)?),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate as model;
    use candle_core::Device;

    fn settings(matrix_rate: f64) -> OptimizerSettings {
        OptimizerSettings { adamw: AdamWSettings::default(), matrix_rate, matrix_momentum: 0.95 }
    }

    fn gradients(parameters: &Parameters, step: usize) -> Result<Gradients> {
        let values =
            (0..parameters.count()).map(|i| ((i * 37 + step * 11) % 101) as f32 / 100.0 - 0.5);
        Ok(Gradients::from([(VARIABLE.to_owned(), Tensor::from_iter(values, &Device::Cpu)?)]))
    }

    #[test]
    fn kernels_between_features_are_muons_and_the_rest_is_adamws() -> Result<()> {
        let network = model::build("nano", 3, 1, &Device::Cpu).map_err(candle_core::Error::wrap)?;
        let other = model::build("nano", 3, 1, &Device::Cpu).map_err(candle_core::Error::wrap)?;
        let (parameters, alone) = (network.parameters(), other.parameters());
        Optimizer::new(parameters, settings(10.0))?.step(&gradients(parameters, 0)?, 1.0, 2e-3)?;
        Optimizer::new(alone, settings(0.0))?.step(&gradients(alone, 0)?, 1.0, 2e-3)?;
        let (found, adamw) = (parameters.tensors()?, alone.tensors()?);
        for (name, tensor) in &found {
            let same = tensor.flatten_all()?.to_vec1::<f32>()?
                == adamw[name].flatten_all()?.to_vec1::<f32>()?;
            let muons = tensor.rank() == 4 && name != "stem.0.weight" && name != "head.weight";
            assert_eq!(same, !muons, "{name}");
        }
        assert_eq!(parameters.hidden().len(), 13);
        Ok(())
    }

    /// On the first CUDA device, without which it fails: `scripts/gpu-round` runs it where there is
    /// one.
    #[cfg(feature = "cuda")]
    #[test]
    fn a_card_takes_the_steps_that_the_processor_takes() -> Result<()> {
        let stepped = |device: &Device| {
            let network = model::build("nano", 3, 1, device).map_err(candle_core::Error::wrap)?;
            let parameters = network.parameters();
            let mut optimizer = Optimizer::new(parameters, settings(10.0))?;
            for step in 0..3 {
                let gradients = gradients(parameters, step)?.into_iter();
                let moved = gradients.map(|(name, values)| Ok((name, values.to_device(device)?)));
                optimizer.step(&moved.collect::<Result<_>>()?, 0.5, 2e-3)?;
            }
            parameters.values().to_vec1::<f32>()
        };
        let (card, expected) = (stepped(&Device::new_cuda(0)?)?, stepped(&Device::Cpu)?);
        for (i, (card, expected)) in card.iter().zip(&expected).enumerate() {
            assert!((card - expected).abs() < 1e-4, "value {i}: {card} {expected}");
        }
        Ok(())
    }

    #[test]
    fn a_saved_state_goes_on_as_if_it_had_not_been_saved()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let (one, two) =
            (model::build("nano", 3, 1, &Device::Cpu)?, model::build("nano", 3, 1, &Device::Cpu)?);
        let mut through = Optimizer::new(one.parameters(), settings(10.0))?;
        through.step(&gradients(one.parameters(), 0)?, 1.0, 2e-3)?;
        let (steps, state) = (through.steps(), through.state()?);
        two.parameters().load(&one.parameters().tensors()?)?;
        let mut resumed = Optimizer::new(two.parameters(), settings(10.0))?;
        resumed.load_state(steps, state.clone())?;
        through.step(&gradients(one.parameters(), 1)?, 1.0, 2e-3)?;
        resumed.step(&gradients(two.parameters(), 1)?, 1.0, 2e-3)?;
        let values = |parameters: &Parameters| parameters.values().to_vec1::<f32>();
        assert_eq!(values(one.parameters())?, values(two.parameters())?);

        let mut without = state.clone();
        without.remove(MOMENTUM);
        assert!(
            resumed
                .load_state(steps, without)
                .is_err_and(|error| error.to_string().contains(MOMENTUM))
        );
        let mut alone = Optimizer::new(two.parameters(), settings(0.0))?;
        assert!(
            alone.load_state(steps, state).is_err_and(|error| error.to_string().contains(MOMENTUM))
        );
        Ok(())
    }
}
