//! The networks that can be built by name.

use super::{error::ModelError, model_spec::ModelSpec, nano, network::HeatmapNetwork, small};
use candle_core::Device;

/// The names that [`build`] knows.
pub const NETWORKS: [&str; 3] = [nano::NAME, small::NAME, small::BLURRED];

/// The network called `name` with one heatmap for each of `keypoints`, its initial values sampled
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
        small::NAME | small::BLURRED => small::network(keypoints, seed, name == small::BLURRED)?,
        _ => nano::network(keypoints, seed)?,
    };
    let (graph, parameters) = builder.build(device)?;
    HeatmapNetwork::new(spec, graph, parameters)
}

/// What the network called `name` takes and gives.
///
/// # Errors
/// If no network has this name or `keypoints` is zero.
pub fn spec(name: &str, keypoints: usize) -> Result<ModelSpec, ModelError> {
    match name {
        _ if keypoints == 0 => Err(ModelError::NoKeypoints),
        nano::NAME => Ok(nano::spec(keypoints)),
        small::NAME | small::BLURRED => Ok(small::spec(name, keypoints)),
        _ => Err(ModelError::UnknownNetwork { name: name.to_owned(), known: NETWORKS.join(", ") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_network_is_refused_with_the_known_ones() {
        let error = build("nono", 17, 1, &Device::Cpu).err().map(|error| error.to_string());
        assert_eq!(
            error.as_deref(),
            Some("unknown network `nono`: expected one of nano, small, base")
        );
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
