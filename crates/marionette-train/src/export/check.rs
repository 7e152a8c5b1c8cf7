//! Test vectors: inputs with a network's outputs. Other programs that run the network can check
//! themselves with them.

use super::{card::ModelCard, error::WeightsError, weights::write_weights};
use candle_core::{Device, Result, Tensor, bail};
use marionette_base::random::stream;
use marionette_nn::{
    HeatmapNetwork, ModelSpec,
    detect::{decoded, heatmaps, normalise},
};
use rand::Rng;
use std::{collections::BTreeMap, f32::consts::TAU, path::Path};

/// Inputs of noise, and as many smooth ones. Noise shows wrong weights; on smooth pictures
/// neighbouring cells agree.
const PAIRS: u64 = 2;
/// Images in one forward pass.
const BATCH: usize = 64;
/// Waves in a channel of a smooth input.
const WAVES: usize = 4;

/// Writes a safetensors file with `images` `[N, 3, H, W]`, normalised inputs; `logits` `[N, K, h,
/// w]`, the network's output for each; `heatmaps` `[N, K, h, w]`, what is decoded; and `keypoints`
/// `[N, K, 3]`, the places (pixels of the input) and the score in it. All are f32.
///
/// The inputs are `pictures`, each the network's input width x height of sRGB pixels, three bytes
/// each; without any, they are made up, and always the same ones.
///
/// # Errors
/// If a picture has another size, the network fails or the file cannot be written, naming the file.
pub fn write_check(
    path: &Path,
    network: &HeatmapNetwork,
    card: &ModelCard,
    pictures: &[&[u8]],
) -> std::result::Result<(), WeightsError> {
    let failed = |error: candle_core::Error| WeightsError::Content {
        path: path.to_owned(),
        message: error.to_string(),
    };
    write_weights(path, &check_vector(network, card, pictures).map_err(failed)?, &BTreeMap::new())
}

fn check_vector(
    network: &HeatmapNetwork,
    card: &ModelCard,
    pictures: &[&[u8]],
) -> Result<BTreeMap<String, Tensor>> {
    let spec = network.spec();
    let values = if pictures.is_empty() { made_up(spec) } else { shown(pictures, spec)? };
    let length = 3 * spec.input_height * spec.input_width;
    let count = values.len() / length;
    let shape = (count, 3, spec.input_height, spec.input_width);
    let images = Tensor::from_vec(values, shape, network.parameters().device())?;
    let forward = |first: usize| {
        let some = images.narrow(0, first, BATCH.min(count - first))?.contiguous()?;
        Ok(network.forward(&some, false)?.detach())
    };
    let logits: Result<Vec<Tensor>> = (0..count).step_by(BATCH).map(forward).collect();
    let logits = Tensor::cat(&logits?, 0)?;
    let maps = heatmaps(&logits, card.activation, spec.grid())?;
    let keypoints: Vec<f32> = decoded(&maps, spec.keypoints, spec.grid())
        .iter()
        .flatten()
        .flat_map(|found| [found.x, found.y, found.score])
        .collect();
    let maps = Tensor::from_vec(maps, logits.shape(), &Device::Cpu)?;
    let keypoints = Tensor::from_vec(keypoints, (count, spec.keypoints, 3), &Device::Cpu)?;
    let named =
        [("images", images), ("logits", logits), ("heatmaps", maps), ("keypoints", keypoints)];
    Ok(named.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect())
}

/// The normalised pixels of `pictures`.
fn shown(pictures: &[&[u8]], spec: &ModelSpec) -> Result<Vec<f32>> {
    let pixels = spec.input_width * spec.input_height;
    let mut values = vec![0.0; pictures.len() * 3 * pixels];
    for (picture, planes) in pictures.iter().zip(values.chunks_exact_mut(3 * pixels)) {
        if picture.len() != 3 * pixels {
            bail!("a picture of {} bytes where {} were expected", picture.len(), 3 * pixels);
        }
        normalise(picture, spec, false, planes);
    }
    Ok(values)
}

fn made_up(spec: &ModelSpec) -> Vec<f32> {
    (0..PAIRS).flat_map(|index| [noise(index, spec), waves(index, spec)].concat()).collect()
}

/// Every value sampled by itself, between the normalised black and white.
fn noise(index: u64, spec: &ModelSpec) -> Vec<f32> {
    let mut random = stream(0, index, 0, "check/noise");
    let mut planes = Vec::with_capacity(3 * spec.input_width * spec.input_height);
    for c in 0..3 {
        let cells = spec.input_width * spec.input_height;
        planes.extend((0..cells).map(|_| normalised(random.random(), c, spec)));
    }
    planes
}

/// The mean of a few waves, each of at most three periods along either side.
fn waves(index: u64, spec: &ModelSpec) -> Vec<f32> {
    let mut random = stream(0, index, 0, "check/waves");
    let mut planes = Vec::with_capacity(3 * spec.input_width * spec.input_height);
    for c in 0..3 {
        let waves: [[f32; 3]; WAVES] = std::array::from_fn(|_| {
            [
                random.random_range(-3.0..3.0),
                random.random_range(-3.0..3.0),
                random.random_range(0.0..1.0),
            ]
        });
        for y in 0..spec.input_height {
            for x in 0..spec.input_width {
                let (u, v) =
                    (x as f32 / spec.input_width as f32, y as f32 / spec.input_height as f32);
                let sum: f32 = waves
                    .iter()
                    .map(|[fx, fy, phase]| (TAU * (fx * u + fy * v + phase)).sin())
                    .sum();
                planes.push(normalised(0.5 + 0.5 * sum / WAVES as f32, c, spec));
            }
        }
    }
    planes
}

fn normalised(color: f32, channel: usize, spec: &ModelSpec) -> f32 {
    (color - spec.mean[channel]) / spec.deviation[channel]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::read_weights;
    use marionette_figure::load_figure;
    use marionette_nn::{build, heatmap::Activation};

    #[test]
    fn pictures_are_shown_in_order_and_only_of_the_right_size() {
        let network = build("nano", 17, 1, &Device::Cpu).unwrap();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml");
        let figure = load_figure(Path::new(path)).unwrap();
        let card = ModelCard::new(&figure, network.spec().clone(), Activation::Softmax);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("check");
        let length = 3 * 64 * 64;
        let (dark, light, short) = (vec![0; length], vec![255; length], vec![0; length - 3]);
        let error = write_check(&path, &network, &card, &[&dark, &short]).unwrap_err().to_string();
        assert!(error.contains("a picture of 12285 bytes where 12288 were expected"), "{error}");
        assert!(!path.exists());
        // More than one forward pass.
        let mut pictures = vec![dark.as_slice(); BATCH + 1];
        pictures[BATCH] = &light;
        write_check(&path, &network, &card, &pictures).unwrap();
        let held = read_weights(&path).unwrap().tensors;
        let first = |name: &str, image: usize| {
            let one = held[name].get(image).unwrap().flatten_all().unwrap();
            one.to_vec1::<f32>().unwrap()[0]
        };
        assert_eq!((first("images", 0), first("images", BATCH)), (-2.0, 2.0));
        assert_eq!(first("logits", 0), first("logits", BATCH - 1));
        assert_ne!(first("logits", 0), first("logits", BATCH));
    }
}
