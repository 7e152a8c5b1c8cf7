use super::*;
use crate::{
    HeatmapNetwork, build,
    heatmap::HeatmapTargets,
    optim::{AdamW, AdamWSettings, clip_factor, collect, global_norm},
    softmax::log_softmax,
};
use candle_core::{D, Device, Result, Tensor};
use marionette_base::random;
use rand::Rng;

const KEYPOINTS: usize = 17;

fn network(keypoints: usize, seed: u64) -> Result<HeatmapNetwork> {
    build(NAME, keypoints, seed, &Device::Cpu).map_err(candle_core::Error::wrap)
}

fn images(batch: usize) -> Result<Tensor> {
    let mut random = random::stream(3, 0, 0, "images");
    let values: Vec<f32> =
        (0..batch * 3 * INPUT * INPUT).map(|_| random.random_range(-2.0..2.0)).collect();
    Tensor::from_vec(values, (batch, 3, INPUT, INPUT), &Device::Cpu)
}

/// Target distributions [B, K, h·w] at random places.
fn targets(nano: &HeatmapNetwork, batch: usize) -> Result<Tensor> {
    let mut random = random::stream(3, 0, 0, "targets");
    let mut place = || [random.random_range(0.0..64.0f32), random.random_range(0.0..64.0f32)];
    let places: Vec<_> = (0..batch * nano.spec().keypoints).map(|_| place()).collect();
    let targets = HeatmapTargets::new(
        &places,
        &vec![true; places.len()],
        nano.spec().keypoints,
        nano.spec().grid(),
        &Device::Cpu,
    )?;
    targets.heatmaps.flatten_from(2)?.broadcast_div(&targets.mass.unsqueeze(2)?)
}

fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    (log_softmax(logits)? * target)?.sum(D::Minus1)?.mean_all()?.neg()
}

#[test]
fn it_has_the_expected_size_names_and_output() -> Result<()> {
    let nano = network(KEYPOINTS, 1)?;
    let count = nano.parameters().count();
    assert!((450_000..550_000).contains(&count), "{count} parameters");
    let tensors = nano.parameters().tensors()?;
    for name in [
        "stem.0.weight",
        "stem.4.running_var",
        "blocks.5.conv2.weight",
        "blocks.0.bn1.bias",
        "head.bias",
    ] {
        assert!(tensors.contains_key(name), "{name}");
    }
    for train in [true, false] {
        let y = nano.forward(&images(2)?, train)?;
        assert_eq!(y.dims(), [2, KEYPOINTS, 16, 16]);
        assert!(y.flatten_all()?.to_vec1::<f32>()?.iter().all(|value| value.is_finite()));
    }
    assert!(nano.forward(&images(2)?.narrow(3, 0, 32)?, false).is_err());
    Ok(())
}

#[test]
fn a_head_with_another_number_of_keypoints_leaves_the_body_as_it_was() -> Result<()> {
    let tensors = |keypoints| network(keypoints, 7)?.parameters().tensors();
    let (few, many) = (tensors(3)?, tensors(21)?);
    for (name, tensor) in few.iter().filter(|(name, _)| !name.starts_with("head")) {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        assert_eq!(values(tensor)?, values(&many[name])?, "{name}");
    }
    Ok(())
}

/// Losses of training on the same eight images, and the weights at the end.
fn overfit(steps: usize) -> Result<[Vec<f32>; 2]> {
    let nano = network(4, 1)?;
    let (x, target) = (images(8)?, targets(&nano, 8)?);
    let variables = nano.parameters().trainable();
    let mut optimizer = AdamW::new(variables, AdamWSettings::default())?;
    let step = |_| {
        let loss = cross_entropy(&nano.forward(&x, true)?, &target)?;
        let gradients = collect(variables, loss.backward()?);
        optimizer.step(&gradients, clip_factor(global_norm(&gradients)?, 1.0), 2e-3)?;
        loss.to_scalar::<f32>()
    };
    let losses = (0..steps).map(step).collect::<Result<_>>()?;
    Ok([losses, nano.parameters().values().to_vec1()?])
}

#[test]
fn sixty_steps_overfit_eight_images() -> Result<()> {
    let [losses, _] = overfit(60)?;
    // The flat map costs ln 256 = 5.55, and the targets' own entropy is about 2.8.
    assert!((losses[0] - 5.55).abs() < 0.1, "{}", losses[0]);
    assert!(losses[59] < 3.2, "{}", losses[59]);
    Ok(())
}

#[test]
fn two_hundred_steps_have_the_same_bits_on_one_and_on_two_threads() -> Result<()> {
    let run = |threads| -> Result<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(candle_core::Error::wrap)?;
        Ok(pool.install(|| overfit(200))?.concat().into_iter().map(f32::to_bits).collect())
    };
    assert!(run(1)? == run(2)?);
    Ok(())
}
