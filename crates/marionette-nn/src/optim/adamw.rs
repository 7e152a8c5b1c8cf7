//! AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, Alg. 2), with its state open to
//! checkpoints.

use super::{
    error::OptimError,
    gradients::{Gradients, check_shape},
    mean::{Mean, PIECE, has_kernels},
};
use crate::{
    cpu::{slice, slice_mut},
    named::matching,
};
#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, InplaceOp3, Layout, Result, Tensor, Var};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// The settings of AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamWSettings {
    /// Decay of the first moment, β₁.
    pub beta1: f64,
    /// Decay of the second moment, β₂.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, times the learning rate per step; variables of rank 0 and 1 (biases,
    /// batch norm) have none.
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
    /// The parts of the variable that decay, in order.
    decaying: Vec<Range<usize>>,
    /// The parts of the variable that are learned, in order.
    learned: Vec<Range<usize>>,
    /// Those parts, first what decays, as vectors of 1 and 0 on the variable's device, once a step
    /// needed them.
    masks: Option<[Tensor; 2]>,
}

impl Slot {
    fn masks(&mut self) -> Result<[Tensor; 2]> {
        if let Some(masks) = &self.masks {
            return Ok(masks.clone());
        }
        let value = self.variable.as_detached_tensor();
        let mask = |parts: &[Range<usize>]| {
            let mut inside = vec![0f32; value.elem_count()];
            parts.iter().for_each(|part| inside[part.clone()].fill(1.0));
            Tensor::from_vec(inside, value.shape(), value.device())?.to_dtype(value.dtype())
        };
        let masks = [mask(&self.decaying)?, mask(&self.learned)?];
        self.masks = Some(masks.clone());
        Ok(masks)
    }
}

impl AdamW {
    /// An optimizer of `variables`, all moments zero.
    ///
    /// # Errors
    /// If a device cannot hold the moments.
    pub fn new(variables: &BTreeMap<String, Var>, settings: AdamWSettings) -> Result<Self> {
        let mut slots = BTreeMap::new();
        for (name, variable) in variables {
            let zeros = || variable.zeros_like().map(|zeros| zeros.detach());
            let all = 0..variable.elem_count();
            let decaying = if variable.rank() > 1 { vec![all.clone()] } else { Vec::new() };
            let (variable, first, second) = (variable.clone(), zeros()?, zeros()?);
            slots.insert(
                name.clone(),
                Slot { variable, first, second, decaying, learned: vec![all], masks: None },
            );
        }
        Ok(Self { settings, steps: 0, slots })
    }

    /// Limits weight decay to some parts of the variable called `name`, a vector that holds several
    /// tensors.
    pub fn decaying(mut self, name: &str, mut parts: Vec<Range<usize>>) -> Self {
        parts.sort_by_key(|part| part.start);
        if let Some(slot) = self.slots.get_mut(name) {
            slot.decaying = parts;
        }
        self
    }

    /// Leaves some parts of the variable called `name` to another optimizer; they do not decay
    /// either.
    pub fn leaving(mut self, name: &str, parts: impl Iterator<Item = Range<usize>>) -> Self {
        if let Some(slot) = self.slots.get_mut(name) {
            for part in parts {
                slot.decaying = without(&slot.decaying, &part);
                slot.learned = without(&slot.learned, &part);
            }
        }
        self
    }

    /// One step of descent along the `gradients` times `factor`. A variable without a gradient
    /// stays as it is, its moments too.
    ///
    /// # Errors
    /// If a gradient has another shape than its variable.
    pub fn step(&mut self, gradients: &Gradients, factor: f64, learning_rate: f64) -> Result<()> {
        self.steps += 1;
        let AdamWSettings { beta1, beta2, epsilon, weight_decay } = self.settings;
        let correction = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let descend = Descend {
            rate: learning_rate / correction(beta1),
            deviation: 1.0 / correction(beta2).sqrt(),
            epsilon,
            kept: 1.0 - learning_rate * weight_decay,
        };
        for (name, slot) in &mut self.slots {
            let Some(gradient) = gradients.get(name) else { continue };
            check_shape(name, gradient, &slot.first)?;
            // A gradient can carry its graph; the moments outlive the step and must not keep it.
            let gradient = gradient.detach().contiguous()?;
            let mean = |kept, square| Mean { kept, new: 1.0 - kept, factor, square };
            let means = [mean(beta1, false), mean(beta2, true)];
            if has_kernels(&gradient) {
                slot.first.inplace_op2(&gradient, &means[0])?;
                slot.second.inplace_op2(&gradient, &means[1])?;
                let masks = if gradient.device().is_cpu() { None } else { Some(slot.masks()?) };
                let Slot { decaying, learned, .. } = &*slot;
                let descend = InPlace { descend, decaying, learned, masks };
                slot.variable.inplace_op3(&slot.first, &slot.second, &descend)?;
            } else {
                slot.first = means[0].composed(&slot.first, &gradient)?;
                slot.second = means[1].composed(&slot.second, &gradient)?;
                let value = descend.composed(slot)?;
                slot.variable.set(&value)?;
            }
        }
        Ok(())
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, as `<variable>.first` and `<variable>.second`: with `steps`, all that a
    /// checkpoint needs. They do not follow further steps.
    ///
    /// # Errors
    /// If a device fails to copy.
    pub fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut state = BTreeMap::new();
        for (name, slot) in &self.slots {
            state.insert(format!("{name}.first"), slot.first.copy()?);
            state.insert(format!("{name}.second"), slot.second.copy()?);
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
        state: &BTreeMap<String, Tensor>,
    ) -> std::result::Result<(), OptimError> {
        let own = self.state()?;
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

/// What is left of `ranges` without `part`.
fn without(ranges: &[Range<usize>], part: &Range<usize>) -> Vec<Range<usize>> {
    let around = |range: &Range<usize>| {
        [
            range.start..range.end.min(part.start.max(range.start)),
            part.end.clamp(range.start, range.end)..range.end,
        ]
    };
    ranges.iter().flat_map(around).filter(|range| !range.is_empty()).collect()
}

/// What a step does with a variable, given its moments: θ ← kept · θ - rate · m / (√v · deviation +
/// ε), `kept` only in the parts that decay.
#[derive(Clone, Copy)]
pub struct Descend {
    pub rate: f64,
    pub deviation: f64,
    pub epsilon: f64,
    pub kept: f64,
}

impl Descend {
    fn composed(&self, slot: &mut Slot) -> Result<Tensor> {
        let [decaying, learned] = slot.masks()?;
        let (kept, rates) = (decaying.affine(self.kept - 1.0, 1.0)?, (learned * self.rate)?);
        let deviation = slot.second.sqrt()?.affine(self.deviation, self.epsilon)?;
        (slot.variable.as_detached_tensor() * kept)? - ((&slot.first / deviation)? * rates)?
    }
}

struct InPlace<'a> {
    descend: Descend,
    decaying: &'a [Range<usize>],
    learned: &'a [Range<usize>],
    /// Both as masks, where the values are not the CPU's.
    #[cfg_attr(not(feature = "cuda"), expect(dead_code))]
    masks: Option<[Tensor; 2]>,
}

impl InplaceOp3 for InPlace<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(
        &self,
        value: &mut CpuStorage,
        layout: &Layout,
        first: &CpuStorage,
        first_layout: &Layout,
        second: &CpuStorage,
        second_layout: &Layout,
    ) -> Result<()> {
        let (first, second) = (slice(first, first_layout)?, slice(second, second_layout)?);
        let Descend { rate, deviation, epsilon, kept } = self.descend;
        let [rate, deviation, epsilon, kept] =
            [rate, deviation, epsilon, kept].map(|value| value as f32);
        let value = slice_mut(value, layout)?;
        for part in self.decaying {
            value[part.clone()]
                .par_chunks_mut(PIECE)
                .for_each(|part| part.iter_mut().for_each(|value| *value *= kept));
        }
        for part in self.learned {
            let moments =
                first[part.clone()].par_chunks(PIECE).zip(second[part.clone()].par_chunks(PIECE));
            value[part.clone()].par_chunks_mut(PIECE).zip(moments).for_each(
                |(value, (first, second))| {
                    for ((value, first), second) in value.iter_mut().zip(first).zip(second) {
                        *value -= rate * first / (second.sqrt() * deviation + epsilon);
                    }
                },
            );
        }
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        value: &mut CudaStorage,
        layout: &Layout,
        first: &CudaStorage,
        first_layout: &Layout,
        second: &CudaStorage,
        second_layout: &Layout,
    ) -> Result<()> {
        let Some(masks) = &self.masks else { candle_core::bail!("adamw: its masks are missing") };
        let moments = ((first, first_layout), (second, second_layout));
        crate::cuda::adamw(&self.descend, (value, layout), moments.0, moments.1, masks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    const SETTINGS: AdamWSettings =
        AdamWSettings { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weight_decay: 0.1 };

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
            optimizer.step(&gradients(step)?, 1.0, rate)?;
            for (i, g) in gradient_values(step).into_iter().map(f64::from).enumerate() {
                let (m, v) = &mut moments[i];
                (*m, *v) = (0.9 * *m + 0.1 * g, 0.99 * *v + 0.01 * g * g);
                let (m, v) = (
                    *m / (1.0 - 0.9f64.powi(step as i32 + 1)),
                    *v / (1.0 - 0.99f64.powi(step as i32 + 1)),
                );
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
    fn a_run_continued_from_its_state_has_the_same_bits()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let (whole, resumed) = (variables()?, variables()?);
        let mut first = AdamW::new(&whole, SETTINGS)?;
        (0..3).try_for_each(|step| first.step(&gradients(step)?, 1.0, 0.01))?;
        for (name, variable) in &resumed {
            variable.set(&whole[name].copy()?)?;
        }
        let mut second = AdamW::new(&resumed, SETTINGS)?;
        second.load_state(first.steps(), &first.state()?)?;
        for optimizer in [&mut first, &mut second] {
            (3..6).try_for_each(|step| optimizer.step(&gradients(step)?, 1.0, 0.01))?;
        }
        assert_eq!(values(&whole)?, values(&resumed)?);
        assert_eq!(second.steps(), 6);
        Ok(())
    }

    #[test]
    fn a_wrong_state_is_named_and_changes_nothing()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let variables = variables()?;
        let mut optimizer = AdamW::new(&variables, SETTINGS)?;
        let good = optimizer.state()?;
        let mut refused = |state: BTreeMap<String, Tensor>| {
            optimizer.load_state(9, &state).err().map(|e| e.to_string())
        };
        let mut missing = good.clone();
        missing.remove("vector.second");
        assert_eq!(
            refused(missing).as_deref(),
            Some("optimizer state `vector.second` is missing: expected F32 [2]")
        );
        let mut extra = good.clone();
        extra.insert("x.first".to_owned(), good["vector.first"].clone());
        assert_eq!(
            refused(extra).as_deref(),
            Some("optimizer state `x.first` belongs to no variable")
        );
        let mut reshaped = good.clone();
        reshaped.insert("vector.first".to_owned(), good["matrix.first"].clone());
        let message =
            "optimizer state `vector.first` does not fit: expected F32 [2], found F32 [2, 2]";
        assert_eq!(refused(reshaped).as_deref(), Some(message));
        assert_eq!(optimizer.steps(), 0);
        Ok(())
    }

    #[test]
    fn other_devices_take_the_same_steps_and_parts_of_a_vector_can_decay() -> Result<()> {
        // In f64 the optimizer is put together from candle's own operations, as on a GPU.
        let start = Tensor::new(&[1.0f32, -2.0, 0.5, 3.0], &Device::Cpu)?;
        let mut values = Vec::new();
        for dtype in [DType::F32, DType::F64] {
            let variable = Var::from_tensor(&start.to_dtype(dtype)?)?;
            let variables = BTreeMap::from([("all".to_owned(), variable.clone())]);
            let mut optimizer = AdamW::new(&variables, SETTINGS)?.decaying("all", vec![2..3, 0..1]);
            for step in 0..5 {
                let gradient = Tensor::from_slice(&gradient_values(step)[..4], 4, &Device::Cpu)?
                    .to_dtype(dtype)?;
                optimizer.step(&BTreeMap::from([("all".to_owned(), gradient)]), 0.5, 0.01)?;
            }
            values.push(variable.to_dtype(DType::F32)?.to_vec1::<f32>()?);
        }
        for (fused, composed) in values[0].iter().zip(&values[1]) {
            assert!((fused - composed).abs() < 1e-6, "{values:?}");
        }
        // Without a gradient only the decay acts.
        let variables = BTreeMap::from([("all".to_owned(), Var::from_tensor(&start)?)]);
        let mut optimizer = AdamW::new(&variables, SETTINGS)?.decaying("all", vec![1..2, 2..3]);
        optimizer.step(&BTreeMap::from([("all".to_owned(), start.zeros_like()?)]), 1.0, 1.0)?;
        assert_eq!(variables["all"].to_vec1::<f32>()?, [1.0, -1.8, 0.45, 3.0]);
        Ok(())
    }

    #[test]
    fn a_variable_without_a_gradient_stays_as_it_is() -> Result<()> {
        let variables = variables()?;
        let mut optimizer = AdamW::new(&variables, SETTINGS)?;
        let mut gradients = gradients(1)?;
        gradients.remove("matrix");
        optimizer.step(&gradients, 1.0, 0.1)?;
        assert_eq!(values(&variables)?[..4], [1.0, -2.0, 0.5, 3.0]);
        assert_ne!(values(&variables)?[4..], [1.0, -1.0]);
        Ok(())
    }
}
