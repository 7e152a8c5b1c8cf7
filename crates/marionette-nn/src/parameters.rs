//! Everything that a network has learned, by name.
//!
//! All trainable values lie in one tensor, and all buffers in another, so that the optimizer and
//! the norm of the gradient are one pass over memory each.

use super::{error::ModelError, named::matching};
use candle_core::{Device, Result, Tensor, Var};
use marionette_base::random;
use rand::Rng;
use rand_distr::StandardNormal;
use std::{collections::BTreeMap, ops::Range};

/// The name of the vector of trainable values, the only variable that an optimizer gets.
pub const VARIABLE: &str = "parameters";

/// Where a named tensor lies among all values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    start: usize,
    shape: Vec<usize>,
}

impl Slot {
    /// Its values, as a range of all.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.shape.iter().product::<usize>()
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its part of `all`, as a tensor that gradients flow through.
    ///
    /// # Errors
    /// If `all` is shorter than it should be.
    pub fn view(&self, all: &Tensor) -> Result<Tensor> {
        all.narrow(0, self.start, self.range().len())?.reshape(self.shape.as_slice())
    }
}

/// A kernel as a matrix among all values. It has a row for each entry of the kernel's first
/// dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Its values, row by row, as a range of all.
    pub values: Range<usize>,
    /// Number of rows.
    pub rows: usize,
}

/// One vector of values with named slots.
#[derive(Clone, Debug, Default)]
struct Stretch {
    values: Vec<f32>,
    slots: BTreeMap<String, Slot>,
}

impl Stretch {
    fn add(&mut self, name: &str, shape: &[usize], values: impl Iterator<Item = f32>) -> Slot {
        let slot = Slot { start: self.values.len(), shape: shape.to_vec() };
        self.values.extend(values.take(slot.range().len()));
        self.slots.insert(name.to_owned(), slot.clone());
        slot
    }
}

/// Parameters that are still being collected.
#[derive(Debug)]
pub(super) struct Draft {
    seed: u64,
    trainable: Stretch,
    hidden: Vec<Matrix>,
    buffers: Stretch,
}

impl Draft {
    /// No parameters yet. Initial values will be sampled from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            trainable: Stretch::default(),
            hidden: Vec::new(),
            buffers: Stretch::default(),
        }
    }

    /// Adds a trainable tensor with normal values of the given deviation, from a random stream of
    /// its own, so the values depend only on the seed and the name.
    pub fn normal(&mut self, name: &str, shape: &[usize], deviation: f64) -> Slot {
        let mut random = random::stream(self.seed, 0, 0, &format!("init/{name}"));
        let values =
            std::iter::repeat_with(|| (random.sample::<f64, _>(StandardNormal) * deviation) as f32);
        self.trainable.add(name, shape, values)
    }

    /// Marks the tensor in `slot` as a kernel from features to features whose scale a norm removes.
    pub fn hidden(&mut self, slot: &Slot) {
        self.hidden.push(Matrix { values: slot.range(), rows: slot.shape[0] });
    }

    /// Adds a trainable tensor that holds `values` over and over.
    pub fn repeated(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Slot {
        self.trainable.add(name, shape, values.iter().copied().cycle())
    }

    /// Adds a trainable vector filled with `value`.
    pub fn constant(&mut self, name: &str, length: usize, value: f32) -> Slot {
        self.trainable.add(name, &[length], std::iter::repeat(value))
    }

    /// Adds a buffer filled with `value`: a vector that no gradient reaches.
    pub fn buffer(&mut self, name: &str, length: usize, value: f32) -> Slot {
        self.buffers.add(name, &[length], std::iter::repeat(value))
    }

    /// The parameters, on `device`.
    ///
    /// # Errors
    /// If the device cannot hold them.
    pub fn build(self, device: &Device) -> Result<Parameters> {
        let variable = |values: Vec<f32>| Var::from_slice(&values, values.len(), device);
        Ok(Parameters {
            device: device.clone(),
            trainable: BTreeMap::from([(VARIABLE.to_owned(), variable(self.trainable.values)?)]),
            slots: self.trainable.slots,
            hidden: self.hidden,
            buffer_values: variable(self.buffers.values)?,
            buffers: self.buffers.slots,
        })
    }
}

/// Parameters (trainable) and buffers (running statistics) of a network.
#[derive(Debug)]
pub struct Parameters {
    device: Device,
    trainable: BTreeMap<String, Var>,
    slots: BTreeMap<String, Slot>,
    hidden: Vec<Matrix>,
    buffer_values: Var,
    buffers: BTreeMap<String, Slot>,
}

impl Parameters {
    /// What an optimizer trains: one vector, under the name [`VARIABLE`].
    pub fn trainable(&self) -> &BTreeMap<String, Var> {
        &self.trainable
    }

    /// The one vector of all trainable values.
    pub fn values(&self) -> &Var {
        &self.trainable[VARIABLE]
    }

    /// The one vector of all buffers.
    pub fn buffer_values(&self) -> &Var {
        &self.buffer_values
    }

    /// The parts of the vector that decay: matrices and kernels, but no biases or norms.
    pub fn decaying(&self) -> Vec<Range<usize>> {
        self.slots.values().filter(|slot| slot.shape.len() > 1).map(Slot::range).collect()
    }

    /// The kernels from features to features that are followed by a norm, so that their scale has
    /// no effect. They are in the order of their values.
    pub fn hidden(&self) -> &[Matrix] {
        &self.hidden
    }

    /// Number of trainable values.
    pub fn count(&self) -> usize {
        self.values().elem_count()
    }

    /// The device that they are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The name of the trainable tensor in `slot`.
    pub(super) fn name_of(&self, slot: &Slot) -> Option<&str> {
        self.slots.iter().find(|(_, other)| *other == slot).map(|(name, _)| name.as_str())
    }

    /// All parameters and buffers by name, each a tensor of its own that does not follow further
    /// training.
    ///
    /// # Errors
    /// If the device cannot hand them out.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut tensors = BTreeMap::new();
        for (all, slots) in [(self.values(), &self.slots), (&self.buffer_values, &self.buffers)] {
            // A copy of a view would copy all that it is a view of.
            let values = all.to_vec1::<f32>()?;
            for (name, slot) in slots {
                let tensor = Tensor::from_slice(&values[slot.range()], slot.shape(), &self.device)?;
                tensors.insert(name.clone(), tensor);
            }
        }
        Ok(tensors)
    }

    /// Sets all values from `tensors`.
    ///
    /// # Errors
    /// If one is missing, has another shape or type, or is unknown; then nothing has
    /// changed.
    pub fn load(&self, tensors: &BTreeMap<String, Tensor>) -> std::result::Result<(), ModelError> {
        let own = self.tensors()?;
        matching(&own, tensors)?;
        if let Some(name) = tensors.keys().find(|name| !own.contains_key(*name)) {
            return Err(ModelError::UnknownTensor { name: name.clone() });
        }
        let joined = |all: &Var, slots: &BTreeMap<String, Slot>| {
            let mut values = vec![0.0; all.elem_count()];
            for (name, slot) in slots {
                values[slot.range()]
                    .copy_from_slice(&tensors[name].flatten_all()?.to_vec1::<f32>()?);
            }
            Tensor::from_vec(values, all.shape(), &self.device)
        };
        let (trainable, buffers) =
            (joined(self.values(), &self.slots)?, joined(&self.buffer_values, &self.buffers)?);
        self.values().set(&trainable)?;
        self.buffer_values.set(&buffers)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::named;

    fn sample(seed: u64) -> Result<Parameters> {
        let mut draft = Draft::new(seed);
        draft.normal("b.weight", &[2, 3], 0.5);
        draft.constant("a.weight", 3, 1.0);
        draft.buffer("c.mean", 3, 0.0);
        draft.build(&Device::Cpu)
    }

    fn bits(parameters: &Parameters) -> Result<Vec<(String, Vec<u32>)>> {
        named::bits(&parameters.tensors()?)
    }

    #[test]
    fn saved_values_load_bit_for_bit_through_a_safetensors_file()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let (first, second) = (sample(1)?, sample(2)?);
        assert_ne!(bits(&first)?, bits(&second)?);
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("parameters.safetensors");
        let tensors: std::collections::HashMap<_, _> = first.tensors()?.into_iter().collect();
        candle_core::safetensors::save(&tensors, &path)?;
        second.load(&candle_core::safetensors::load(&path, &Device::Cpu)?.into_iter().collect())?;
        assert_eq!(bits(&first)?, bits(&second)?);
        Ok(())
    }

    #[test]
    fn a_snapshot_does_not_follow_later_changes()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let parameters = sample(1)?;
        let (snapshot, before) = (parameters.tensors()?, bits(&parameters)?);
        for variable in parameters.trainable().values() {
            variable.set(&variable.as_tensor().zeros_like()?)?;
        }
        assert_ne!(bits(&parameters)?, before);
        parameters.load(&snapshot)?;
        assert_eq!(bits(&parameters)?, before);
        Ok(())
    }

    #[test]
    fn a_wrong_set_of_tensors_is_named_and_changes_nothing()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let (parameters, other) = (sample(1)?, sample(2)?.tensors()?);
        let before = bits(&parameters)?;
        let refusal = |tensors: &BTreeMap<String, Tensor>| {
            parameters.load(tensors).err().map(|error| error.to_string())
        };

        let mut missing = other.clone();
        missing.remove("c.mean");
        assert_eq!(
            refusal(&missing).as_deref(),
            Some("tensor `c.mean` is missing: expected F32 [3]")
        );
        let mut extra = other.clone();
        extra.insert("d".to_owned(), Tensor::zeros(1, candle_core::DType::F32, &Device::Cpu)?);
        assert_eq!(
            refusal(&extra).as_deref(),
            Some("tensor `d` belongs to no parameter or buffer of this network")
        );
        let mut reshaped = other;
        reshaped.insert(
            "b.weight".to_owned(),
            Tensor::zeros((3, 2), candle_core::DType::F32, &Device::Cpu)?,
        );
        let expected = "tensor `b.weight` does not fit: expected F32 [2, 3], found F32 [3, 2]";
        assert_eq!(refusal(&reshaped).as_deref(), Some(expected));

        assert_eq!(bits(&parameters)?, before);
        Ok(())
    }

    #[test]
    fn weight_decay_is_for_matrices_alone() -> Result<()> {
        let decaying = sample(1)?.decaying();
        assert!(decaying.len() == 1 && decaying[0] == (0..6));
        Ok(())
    }

    #[test]
    fn initial_values_depend_on_the_name_and_not_on_the_order() -> Result<()> {
        let mut reversed = Draft::new(1);
        reversed.buffer("c.mean", 3, 0.0);
        reversed.constant("a.weight", 3, 1.0);
        reversed.normal("another.weight", &[10, 10], 1.0);
        reversed.normal("b.weight", &[2, 3], 0.5);
        let both = (bits(&sample(1)?)?, bits(&reversed.build(&Device::Cpu)?)?);
        assert!(both.0.iter().all(|entry| both.1.contains(entry)));
        Ok(())
    }
}
