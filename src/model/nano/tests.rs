use super::*;
use crate::{
    model::{
        activation,
        conv::conv2d,
        heatmap::{HeatmapTargets, log_softmax, softmax_times_mass},
        norm,
    },
    optim::{AdamW, AdamWSettings, clip_to_norm, collect},
    random,
};
use candle_core::{D, Var};
use rand::Rng;
use std::time::{Duration, Instant};

const KEYPOINTS: usize = 17;

fn images(batch: usize) -> Result<Tensor> {
    let mut random = random::stream(3, 0, 0, "images");
    let values: Vec<f32> = (0..batch * 3 * INPUT * INPUT).map(|_| random.random_range(-2.0..2.0)).collect();
    Tensor::from_vec(values, (batch, 3, INPUT, INPUT), &Device::Cpu)
}

/// Target distributions [B, K, h·w] at random places.
fn targets(nano: &Nano, batch: usize) -> Result<Tensor> {
    let mut random = random::stream(3, 0, 0, "targets");
    let mut place = || [random.random_range(0.0..64.0f32), random.random_range(0.0..64.0f32)];
    let places: Vec<_> = (0..batch * nano.keypoints).map(|_| place()).collect();
    let targets =
        HeatmapTargets::new(&places, &vec![true; places.len()], nano.keypoints, nano.spec().grid(), &Device::Cpu)?;
    targets.heatmaps.flatten_from(2)?.broadcast_div(&targets.mass.unsqueeze(2)?)
}

fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    (log_softmax(logits)? * target)?.sum(D::Minus1)?.mean_all()?.neg()
}

#[test]
fn it_has_the_expected_size_names_and_output() -> Result<()> {
    let nano = Nano::new(KEYPOINTS, 1, &Device::Cpu)?;
    let count = nano.parameters().count();
    assert!((450_000..550_000).contains(&count), "{count} parameters");
    let tensors = nano.parameters().tensors()?;
    for name in ["stem.0.weight", "stem.4.running_var", "blocks.5.conv2.weight", "blocks.0.bn1.bias", "head.bias"] {
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
    let tensors = |keypoints| Nano::new(keypoints, 7, &Device::Cpu)?.parameters().tensors();
    let (few, many) = (tensors(3)?, tensors(21)?);
    for (name, tensor) in few.iter().filter(|(name, _)| !name.starts_with("head")) {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        assert_eq!(values(tensor)?, values(&many[name])?, "{name}");
    }
    Ok(())
}

/// Losses of training on the same eight images.
fn overfit(steps: usize) -> Result<Vec<f32>> {
    let nano = Nano::new(4, 1, &Device::Cpu)?;
    let (x, target) = (images(8)?, targets(&nano, 8)?);
    let variables = nano.parameters().trainable();
    let mut optimizer = AdamW::new(variables, AdamWSettings::default())?;
    let step = |_| {
        let loss = cross_entropy(&nano.forward(&x, true)?, &target)?;
        let mut gradients = collect(variables, loss.backward()?);
        clip_to_norm(&mut gradients, 1.0)?;
        optimizer.step(&gradients, 2e-3)?;
        loss.to_scalar::<f32>()
    };
    (0..steps).map(step).collect()
}

#[test]
fn sixty_steps_overfit_eight_images() -> Result<()> {
    let losses = overfit(60)?;
    // The flat map costs ln 256 = 5.55, and the targets' own entropy is about 2.8.
    assert!((losses[0] - 5.55).abs() < 0.1, "{}", losses[0]);
    assert!(losses[59] < 3.2, "{}", losses[59]);
    Ok(())
}

#[test]
fn training_has_the_same_bits_for_any_number_of_threads() -> Result<()> {
    let run = |threads| -> Result<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(candle_core::Error::wrap)?;
        Ok(pool.install(|| overfit(4))?.into_iter().map(f32::to_bits).collect())
    };
    let alone = run(1)?;
    assert!(alone == run(2)? && alone == run(3)?);
    Ok(())
}

/// The least time of `work` over several runs: the one that other processes disturbed least.
fn least(mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..15 {
        let start = Instant::now();
        work()?;
        least = least.min(start.elapsed());
    }
    Ok(least)
}

/// Not zeros, with which a processor runs faster than with anything else.
fn random_variable(shape: &[usize]) -> Result<Var> {
    let mut random = random::stream(3, 0, 0, "benchmark");
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.random_range(-1.0..1.0)).collect();
    Var::from_vec(values, shape, &Device::Cpu)
}

/// Forward and backward time of an operation on one input of the given shape.
fn both_ways(shape: [usize; 4], operation: impl Fn(&Tensor) -> Result<Tensor>) -> Result<[Duration; 2]> {
    let x = random_variable(&shape)?;
    let forward = least(|| operation(&x).map(|_| ()))?;
    let y = operation(&x)?;
    // From the output itself, whose gradient candle takes as ones: a sum's would arrive as a slow broadcast.
    Ok([forward, least(|| y.backward().map(|_| ()))?])
}

#[test]
#[ignore = "a benchmark: prints where the time of a training step goes"]
fn time_of_a_training_step() -> Result<()> {
    const BATCH: usize = 32;
    let nano = Nano::new(KEYPOINTS, 1, &Device::Cpu)?;
    let (x, target) = (images(BATCH)?, targets(&nano, BATCH)?);
    let variables = nano.parameters().trainable();
    let mut optimizer = AdamW::new(variables, AdamWSettings::default())?;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;

    let forward = least(|| nano.forward(&x, true).map(|_| ()))?;
    let evaluation = least(|| nano.forward(&x, false).map(|_| ()))?;
    let loss = cross_entropy(&nano.forward(&x, true)?, &target)?;
    let backward = least(|| loss.backward().map(|_| ()))?;
    let gradients = collect(variables, loss.backward()?);
    let clip = least(|| clip_to_norm(&mut gradients.clone(), 1e-3).map(|_| ()))?;
    let update = least(|| optimizer.step(&gradients, 1e-6))?;
    let step = least(|| {
        let loss = cross_entropy(&nano.forward(&x, true)?, &target)?;
        let mut gradients = collect(variables, loss.backward()?);
        clip_to_norm(&mut gradients, 1.0)?;
        optimizer.step(&gradients, 1e-6)
    })?;
    println!("step {:.1} ms: forward {:.1}, backward {:.1}", ms(step), ms(forward), ms(backward));
    println!("clip {:.2}, AdamW {:.2}; evaluation forward {:.1}", ms(clip), ms(update), ms(evaluation));

    let mut totals = [[Duration::ZERO; 2]; 3];
    let convolutions =
        [(3, 32, 64, 2, 1), (32, 64, 32, 2, 1), (64, 64, 16, 1, 2 * BLOCKS as u32), (64, KEYPOINTS, 16, 1, 1)];
    for (inputs, outputs, size, stride, count) in convolutions {
        let weight = random_variable(&[outputs, inputs, 3, 3])?;
        let times = both_ways([BATCH, inputs, size, size], |x| conv2d(x, &weight, stride, 1))?;
        println!("conv {inputs}->{outputs} at {size}: {:.2} + {:.2} ms, {count} times", ms(times[0]), ms(times[1]));
        (0..2).for_each(|i| totals[0][i] += times[i] * count);
    }
    for (channels, size, count) in [(STEM_CHANNELS, 32, 1), (CHANNELS, 16, 2 * BLOCKS as u32 + 1)] {
        let gamma = Var::ones(channels, candle_core::DType::F32, &Device::Cpu)?;
        let normalise =
            |x: &Tensor| norm::batch_norm(x, &gamma, &gamma, &norm::channel_statistics(x)?, norm::Source::Batch, true);
        let times = both_ways([BATCH, channels, size, size], normalise)?;
        (0..2).for_each(|i| totals[1][i] += times[i] * count);
    }
    let times = both_ways([BATCH, CHANNELS, 16, 16], |x| activation::add_relu(x, x))?;
    (0..2).for_each(|i| totals[2][i] += times[i] * BLOCKS as u32);
    for (what, [forward, backward]) in ["convolutions", "batch norm", "residual sums"].iter().zip(totals) {
        println!("{what}: {:.1} + {:.1} ms", ms(forward), ms(backward));
    }
    let mass = Tensor::ones((BATCH, KEYPOINTS), candle_core::DType::F32, &Device::Cpu)?;
    let times = both_ways([BATCH, KEYPOINTS, 16, 16], |x| softmax_times_mass(x, &mass))?;
    println!("softmax heatmaps: {:.2} + {:.2} ms", ms(times[0]), ms(times[1]));
    Ok(())
}
