//! Everything that a network has learned, by name.

use super::{
    ModelError,
    named::{matching, snapshot},
};
use crate::random;
use candle_core::{Device, Result, Shape, Tensor, Var};
use rand::Rng;
use rand_distr::StandardNormal;
use std::collections::BTreeMap;

/// A network's trainable variables and its buffers (running statistics), under PyTorch-style names, in the order of the
/// names.
///
/// A network's constructor adds to it; afterwards the set is fixed and only values change.
#[derive(Debug)]
pub struct Parameters {
    seed: u64,
    device: Device,
    trainable: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
}

impl Parameters {
    /// An empty set, whose initial values will be drawn from `seed` and placed on `device`.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { seed, device: device.clone(), trainable: BTreeMap::new(), buffers: BTreeMap::new() }
    }

    /// Adds a trainable variable drawn from a normal distribution with mean 0 and the given deviation.
    ///
    /// The draw depends on the seed and the name alone, so that adding a layer changes no other's initial values.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn normal(&mut self, name: &str, shape: impl Into<Shape>, deviation: f64) -> Result<Var> {
        let shape = shape.into();
        let mut random = random::stream(self.seed, 0, 0, &format!("init/{name}"));
        let draw = |_| (random.sample::<f64, _>(StandardNormal) * deviation) as f32;
        let values: Vec<f32> = (0..shape.elem_count()).map(draw).collect();
        let variable = Var::from_vec(values, shape, &self.device)?;
        self.trainable.insert(name.to_owned(), variable.clone());
        Ok(variable)
    }

    /// Adds a trainable variable of one value throughout.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn constant(&mut self, name: &str, shape: impl Into<Shape>, value: f32) -> Result<Var> {
        let variable = filled(shape, value, &self.device)?;
        self.trainable.insert(name.to_owned(), variable.clone());
        Ok(variable)
    }

    /// Adds a buffer of one value throughout: part of a checkpoint, but not trained.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn buffer(&mut self, name: &str, shape: impl Into<Shape>, value: f32) -> Result<Var> {
        let variable = filled(shape, value, &self.device)?;
        self.buffers.insert(name.to_owned(), variable.clone());
        Ok(variable)
    }

    /// The trainable variables, by name.
    pub fn trainable(&self) -> &BTreeMap<String, Var> {
        &self.trainable
    }

    /// Number of trainable values.
    pub fn count(&self) -> usize {
        self.trainable.values().map(|variable| variable.elem_count()).sum()
    }

    /// The device that the values are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Copies of all parameters and buffers, by name: a snapshot that later training steps do not change.
    ///
    /// # Errors
    /// If the device fails to copy.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        snapshot(self.all())
    }

    /// Replaces all parameters and buffers.
    ///
    /// # Errors
    /// If a tensor is missing, is not known here, or has another shape or type than here; nothing has changed then.
    pub fn load(&self, tensors: &BTreeMap<String, Tensor>) -> std::result::Result<(), ModelError> {
        let found = matching(self.all().map(|(name, variable)| (name, variable.as_tensor())), tensors)?;
        let unknown = |name: &&String| !self.trainable.contains_key(*name) && !self.buffers.contains_key(*name);
        if let Some(name) = tensors.keys().find(unknown) {
            return Err(ModelError::UnknownTensor { name: name.clone() });
        }
        // Copied to the device before any is set, so that a device that runs full changes nothing either; copied,
        // because candle refuses to set a variable to a tensor that shares its storage.
        let copy = |tensor: &Tensor| tensor.to_device(&self.device)?.copy();
        let copies = found.into_iter().map(copy).collect::<Result<Vec<_>>>()?;
        for ((_, variable), tensor) in self.all().zip(&copies) {
            variable.set(tensor)?;
        }
        Ok(())
    }

    fn all(&self) -> impl Iterator<Item = (&String, &Var)> {
        self.trainable.iter().chain(&self.buffers)
    }
}

fn filled(shape: impl Into<Shape>, value: f32, device: &Device) -> Result<Var> {
    Var::from_tensor(&Tensor::full(value, shape, device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::named;

    fn sample(seed: u64) -> Result<Parameters> {
        let mut parameters = Parameters::new(seed, &Device::Cpu);
        parameters.normal("b.weight", (2, 3), 0.5)?;
        parameters.constant("a.weight", 3, 1.0)?;
        parameters.buffer("c.mean", 3, 0.0)?;
        Ok(parameters)
    }

    fn bits(parameters: &Parameters) -> Result<Vec<(String, Vec<u32>)>> {
        named::bits(&parameters.tensors()?)
    }

    #[test]
    fn saved_values_load_bit_for_bit_through_a_safetensors_file() -> std::result::Result<(), Box<dyn std::error::Error>>
    {
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
    fn a_snapshot_does_not_follow_later_changes() -> std::result::Result<(), Box<dyn std::error::Error>> {
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
    fn a_wrong_set_of_tensors_is_named_and_changes_nothing() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let (parameters, other) = (sample(1)?, sample(2)?.tensors()?);
        let before = bits(&parameters)?;
        let refusal =
            |tensors: &BTreeMap<String, Tensor>| parameters.load(tensors).err().map(|error| error.to_string());

        let mut missing = other.clone();
        missing.remove("c.mean");
        assert_eq!(refusal(&missing).as_deref(), Some("tensor `c.mean` is missing: expected F32 [3]"));
        let mut extra = other.clone();
        extra.insert("d".to_owned(), Tensor::zeros(1, candle_core::DType::F32, &Device::Cpu)?);
        assert_eq!(refusal(&extra).as_deref(), Some("tensor `d` belongs to no parameter or buffer of this network"));
        let mut reshaped = other;
        reshaped.insert("b.weight".to_owned(), Tensor::zeros((3, 2), candle_core::DType::F32, &Device::Cpu)?);
        let expected = "tensor `b.weight` does not fit: expected F32 [2, 3], found F32 [3, 2]";
        assert_eq!(refusal(&reshaped).as_deref(), Some(expected));

        assert_eq!(bits(&parameters)?, before);
        Ok(())
    }

    #[test]
    fn initial_values_depend_on_the_name_and_not_on_the_order() -> Result<()> {
        let mut reversed = Parameters::new(1, &Device::Cpu);
        reversed.buffer("c.mean", 3, 0.0)?;
        reversed.constant("a.weight", 3, 1.0)?;
        reversed.normal("another.weight", 100, 1.0)?;
        reversed.normal("b.weight", (2, 3), 0.5)?;
        let both = (bits(&sample(1)?)?, bits(&reversed)?);
        assert!(both.0.iter().all(|entry| both.1.contains(entry)));
        Ok(())
    }
}
