//! Heatmap networks, their targets and their decoder.
//!
//! Image coordinates are continuous pixels: the origin is the top-left corner of the top-left pixel
//! and pixel centres lie at .5. Heatmap cell c covers [c·stride, (c + 1)·stride) of the image, so a
//! coordinate x lies at u = x / stride - 0.5 in cells.

pub mod cpu;
pub mod decode;
pub mod detect;
mod engine;
pub mod graph;
pub mod heatmap;
mod kernel;
pub mod named;
pub mod nano;
mod network;
pub mod optim;
pub mod parameters;
pub mod small;
pub mod softmax;
pub mod stock;

use crate::kernel::shape::ShapeError;
use candle_core::Device;
use serde::{Deserialize, Serialize};

pub use engine::Kind;
pub use network::HeatmapNetwork;
pub use parameters::Parameters;

/// The names that `build` knows.
pub const NETWORKS: [&str; 2] = [nano::NAME, small::NAME];

/// What can go wrong with a network.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No network has this name.
    #[error("unknown network `{name}`: expected one of {known}")]
    UnknownNetwork {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A network without outputs.
    #[error("a network needs at least one keypoint")]
    NoKeypoints,
    /// Tensors to load lack one that the network has, or hold it in another shape or type.
    #[error("tensor {0}")]
    Misfit(#[from] named::Misfit),
    /// Tensors to load hold one that the network lacks.
    #[error("tensor `{name}` belongs to no parameter or buffer of this network")]
    UnknownTensor {
        /// The tensor's name.
        name: String,
    },
    /// Its layers do not fit each other.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// What a network takes and gives; part of its model card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// The name it is built by.
    pub name: String,
    /// Number of heatmaps.
    pub keypoints: usize,
    /// Width of the input, pixels.
    pub input_width: usize,
    /// Height of the input, pixels.
    pub input_height: usize,
    /// Width of a heatmap, cells.
    pub heatmap_width: usize,
    /// Height of a heatmap, cells.
    pub heatmap_height: usize,
    /// Width and height of a heatmap cell, pixels.
    pub stride: usize,
    /// Subtracted from each colour channel (R, G, B in [0, 1]), by whoever makes the input.
    pub mean: [f32; 3],
    /// Each colour channel is then divided by this.
    pub deviation: [f32; 3],
}

impl ModelSpec {
    /// Width and height of the input, pixels.
    pub fn input_size(&self) -> [u32; 2] {
        [self.input_width as u32, self.input_height as u32]
    }

    fn square(name: &str, keypoints: usize, input: usize, stride: usize) -> Self {
        Self {
            name: name.to_owned(),
            keypoints,
            input_width: input,
            input_height: input,
            heatmap_width: input / stride,
            heatmap_height: input / stride,
            stride,
            mean: [0.5; 3],
            deviation: [0.25; 3],
        }
    }
}

/// The network called `name` with one heatmap for each of `keypoints`, its initial values drawn
/// from `seed`.
///
/// # Errors
/// If no network has this name, `keypoints` is zero or the device cannot hold it.
pub fn build(
    name: &str,
    keypoints: usize,
    seed: u64,
    device: &Device,
) -> Result<HeatmapNetwork, ModelError> {
    let spec = spec(name, keypoints)?;
    let builder = match name {
        small::NAME => small::network(keypoints, seed)?,
        _ => nano::network(keypoints, seed)?,
    };
    let (graph, parameters) = builder.build(device)?;
    Ok(HeatmapNetwork::new(spec, graph, parameters))
}

/// What the network called `name` takes and gives.
///
/// # Errors
/// If no network has this name or `keypoints` is zero.
pub fn spec(name: &str, keypoints: usize) -> Result<ModelSpec, ModelError> {
    match name {
        _ if keypoints == 0 => Err(ModelError::NoKeypoints),
        nano::NAME => Ok(nano::spec(keypoints)),
        small::NAME => Ok(small::spec(keypoints)),
        _ => Err(ModelError::UnknownNetwork { name: name.to_owned(), known: NETWORKS.join(", ") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_network_is_refused_with_the_known_ones() {
        let error = build("nono", 17, 1, &Device::Cpu).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("unknown network `nono`: expected one of nano, small"));
        assert!(build("nano", 0, 1, &Device::Cpu).is_err());
    }

    #[test]
    fn every_known_network_is_built_under_its_name() -> Result<(), ModelError> {
        for name in NETWORKS {
            let network = build(name, 17, 1, &Device::Cpu)?;
            let spec = network.spec();
            assert_eq!((spec.name.as_str(), spec.keypoints), (name, 17));
            assert_eq!(spec.heatmap_width * spec.stride, spec.input_width);
            assert_eq!(spec.heatmap_height * spec.stride, spec.input_height);
        }
        Ok(())
    }
}
