//! AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, Alg. 2), with its state open to checkpoints.

use super::{Gradients, OptimError};
use crate::model::named::matching;
use candle_core::{Result, Tensor, Var};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stays the same over a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamWSettings {
    /// Decay of the first moment, β₁.
    pub beta1: f64,
    /// Decay of the second moment, β₂.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, times the learning rate per step; variables of rank 0 and 1 (biases, batch norm) have
    /// none.
    pub weight_decay: f64,
}

impl Default for AdamWSettings {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

/// The optimizer and its moments.
#[derive(Debug)]
pub struct AdamW {
    settings: AdamWSettings,
    steps: u64,
    slots: BTreeMap<String, Slot>,
}

#[derive(Debug)]
struct Slot {
    variable: Var,
    first: Tensor,
    second: Tensor,
}

impl AdamW {
    /// An optimizer of `variables`, all moments zero.
    ///
    /// # Errors
    /// If a device cannot hold the moments.
    pub fn new(variables: &BTreeMap<String, Var>, settings: AdamWSettings) -> Result<Self> {
        let mut slots = BTreeMap::new();
        for (name, variable) in variables {
            let zeros = variable.zeros_like()?.detach();
            slots.insert(name.clone(), Slot { variable: variable.clone(), first: zeros.clone(), second: zeros });
        }
        Ok(Self { settings, steps: 0, slots })
    }

    /// One step down the `gradients`. A variable without a gradient stays as it is, its moments too.
    ///
    /// # Errors
    /// If a gradient has another shape than its variable.
    pub fn step(&mut self, gradients: &Gradients, learning_rate: f64) -> Result<()> {
        self.steps += 1;
        let AdamWSettings { beta1, beta2, epsilon, weight_decay } = self.settings;
        let correction = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let (correction1, correction2) = (correction(beta1), correction(beta2));
        for (name, slot) in &mut self.slots {
            let Some(gradient) = gradients.get(name) else { continue };
            // A gradient can carry its graph; the moments outlive the step and must not keep it.
            let gradient = gradient.detach();
            let variable = slot.variable.as_detached_tensor();
            slot.first = ((&slot.first * beta1)? + (&gradient * (1.0 - beta1))?)?;
            slot.second = ((&slot.second * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
            let deviation = ((&slot.second / correction2)?.sqrt()? + epsilon)?;
            let change = ((&slot.first / deviation)? * (learning_rate / correction1))?;
            let decay = if variable.rank() > 1 { learning_rate * weight_decay } else { 0.0 };
            slot.variable.set(&((variable * (1.0 - decay))? - change)?)?;
        }
        Ok(())
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, as `<variable>.first` and `<variable>.second`: with `steps`, all that a checkpoint needs.
    pub fn state(&self) -> BTreeMap<String, Tensor> {
        let pair = |(name, slot): (&String, &Slot)| {
            [(format!("{name}.first"), slot.first.clone()), (format!("{name}.second"), slot.second.clone())]
        };
        self.slots.iter().flat_map(pair).collect()
    }

    /// Continues from a `state` after `steps` steps.
    ///
    /// # Errors
    /// If a tensor is missing, belongs to no variable, or has another shape or type than it; nothing has changed then.
    pub fn load_state(&mut self, steps: u64, state: &BTreeMap<String, Tensor>) -> std::result::Result<(), OptimError> {
        let own = self.state();
        if let Some(name) = state.keys().find(|name| !own.contains_key(*name)) {
            return Err(OptimError::UnknownState { name: name.clone() });
        }
        let mut moments = BTreeMap::new();
        for ((name, tensor), found) in own.iter().zip(matching(&own, state)?) {
            moments.insert(name.as_str(), found.to_device(tensor.device())?.copy()?);
        }
        for (name, slot) in &mut self.slots {
            for (suffix, moment) in [("first", &mut slot.first), ("second", &mut slot.second)] {
                if let Some(tensor) = moments.remove(format!("{name}.{suffix}").as_str()) {
                    *moment = tensor;
                }
            }
        }
        self.steps = steps;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    const SETTINGS: AdamWSettings = AdamWSettings { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1 };

    fn variables() -> Result<BTreeMap<String, Var>> {
        let matrix = Var::new(&[[1.0f32, -2.0], [0.5, 3.0]], &Device::Cpu)?;
        let vector = Var::new(&[1.0f32, -1.0], &Device::Cpu)?;
        Ok(BTreeMap::from([("matrix".to_owned(), matrix), ("vector".to_owned(), vector)]))
    }

    fn values(variables: &BTreeMap<String, Var>) -> Result<Vec<f32>> {
        let parts = variables.values().map(|variable| variable.flatten_all()?.to_vec1::<f32>());
        Ok(parts.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Gradients that differ from step to step, of all six values in order.
    fn gradient_values(step: u64) -> Vec<f32> {
        (0..6).map(|i| ((step * 7 + i * 3) as f32).sin() * (i as f32 + 0.5)).collect()
    }

    fn gradients(step: u64) -> Result<Gradients> {
        let g = gradient_values(step);
        let matrix = Tensor::from_slice(&g[..4], (2, 2), &Device::Cpu)?;
        let vector = Tensor::from_slice(&g[4..], 2, &Device::Cpu)?;
        Ok(BTreeMap::from([("matrix".to_owned(), matrix), ("vector".to_owned(), vector)]))
    }

    #[test]
    fn steps_match_the_published_algorithm_in_double_precision() -> Result<()> {
        let variables = variables()?;
        let mut expected: Vec<f64> = values(&variables)?.into_iter().map(f64::from).collect();
        let mut moments = [(0.0, 0.0); 6];
        let mut optimizer = AdamW::new(&variables, SETTINGS)?;
        for step in 0..20u64 {
            let rate = 0.01 / (step + 1) as f64;
            optimizer.step(&gradients(step)?, rate)?;
            for (i, g) in gradient_values(step).into_iter().map(f64::from).enumerate() {
                let (m, v) = &mut moments[i];
                (*m, *v) = (0.9 * *m + 0.1 * g, 0.99 * *v + 0.01 * g * g);
                let (m, v) = (*m / (1.0 - 0.9f64.powi(step as i32 + 1)), *v / (1.0 - 0.99f64.powi(step as i32 + 1)));
                let decay = if i < 4 { 0.1 } else { 0.0 };
                expected[i] -= rate * (m / (v.sqrt() + 1e-8) + decay * expected[i]);
            }
        }
        for (value, expected) in values(&variables)?.into_iter().zip(expected) {
            assert!((f64::from(value) - expected).abs() < 2e-6, "{value} {expected}");
        }
        Ok(())
    }

    #[test]
    fn a_run_continued_from_its_state_has_the_same_bits() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let (whole, resumed) = (variables()?, variables()?);
        let mut first = AdamW::new(&whole, SETTINGS)?;
        (0..3).try_for_each(|step| first.step(&gradients(step)?, 0.01))?;
        for (name, variable) in &resumed {
            variable.set(&whole[name].copy()?)?;
        }
        let mut second = AdamW::new(&resumed, SETTINGS)?;
        second.load_state(first.steps(), &first.state())?;
        for optimizer in [&mut first, &mut second] {
            (3..6).try_for_each(|step| optimizer.step(&gradients(step)?, 0.01))?;
        }
        assert_eq!(values(&whole)?, values(&resumed)?);
        assert_eq!(second.steps(), 6);
        Ok(())
    }

    #[test]
    fn a_wrong_state_is_named_and_changes_nothing() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let variables = variables()?;
        let mut optimizer = AdamW::new(&variables, SETTINGS)?;
        let good = optimizer.state();
        let mut refused =
            |state: BTreeMap<String, Tensor>| optimizer.load_state(9, &state).err().map(|e| e.to_string());
        let mut missing = good.clone();
        missing.remove("vector.second");
        assert_eq!(refused(missing).as_deref(), Some("optimizer state `vector.second` is missing: expected F32 [2]"));
        let mut extra = good.clone();
        extra.insert("x.first".to_owned(), good["vector.first"].clone());
        assert_eq!(refused(extra).as_deref(), Some("optimizer state `x.first` belongs to no variable"));
        let mut reshaped = good.clone();
        reshaped.insert("vector.first".to_owned(), good["matrix.first"].clone());
        let message = "optimizer state `vector.first` does not fit: expected F32 [2], found F32 [2, 2]";
        assert_eq!(refused(reshaped).as_deref(), Some(message));
        assert_eq!(optimizer.steps(), 0);
        Ok(())
    }

    #[test]
    fn a_variable_without_a_gradient_stays_as_it_is() -> Result<()> {
        let variables = variables()?;
        let mut optimizer = AdamW::new(&variables, SETTINGS)?;
        let mut gradients = gradients(1)?;
        gradients.remove("matrix");
        optimizer.step(&gradients, 0.1)?;
        assert_eq!(values(&variables)?[..4], [1.0, -2.0, 0.5, 3.0]);
        assert_ne!(values(&variables)?[4..], [1.0, -1.0]);
        Ok(())
    }
}
