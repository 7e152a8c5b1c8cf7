//! Adversarial focal loss on a classifier: which family of poses does a rendered figure show?
//! Compares cross-entropy, focal loss and AFL, three seeds each, on the same pictures.
//!
//! The critic never asks where predictions come from: here it tells class probabilities from
//! one-hot labels.
//!
//! `cargo run --release --example classify_poses` (about five minutes on two cores)

use candle_core::{D, Device, Result as TensorResult, Tensor};
use marionette::{
    base::{
        random,
        statistics::{RunningMoments, effective_share},
    },
    nn::{
        HeatmapNetwork, ModelSpec,
        detect::normalise,
        graph::{Builder, Conv, MapSize},
        optim::{
            AdamW, AdamWSettings, CosineSchedule, Optimizer, OptimizerSettings, clip_factor,
            collect, global_norm,
        },
        softmax::log_softmax,
    },
    physics::Solvability,
    render::{RendererConfig, headless_app, render_samples, sampler},
    scene::{Scene, load_scene},
    train::afl::{AflConfig, Critic, calibrated_scores, weights},
};
use rand::{Rng, seq::SliceRandom};
use rayon::prelude::*;
use std::error::Error;

/// Eight families that are told apart by eye.
const SCENE: &str = r#"
name = "families"
base = "quickstart"
poses = ["stand", "walk", "sit", "squat", "arms_up", "lie_supine", "handstand", "hang"]
"#;
/// How far along every axis pictures go. Dim and noisy ones cannot be told apart by eye either.
const HARDEST: f32 = 0.4;
/// Pixels.
const SIDE: usize = 64;
const TRAIN: usize = 12_288;
const TEST: usize = 1024;
const STEPS: u64 = 600;
const BATCH: usize = 32;
const SEEDS: [u64; 3] = [1, 2, 3];

/// How samples are weighted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Loss {
    CrossEntropy,
    /// (1 − p)² of the true class' probability p (Lin et al. 2017).
    Focal,
    /// The critic's calibrated difficulty.
    Afl,
}

/// Pictures as the network takes them, and what they show.
struct Pictures {
    planes: Vec<f32>,
    families: Vec<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("families.toml");
    std::fs::write(&file, SCENE)?;
    let scene = load_scene(file.to_str().ok_or("the temporary folder has an odd name")?)?;
    let families = scene.figure.poses.len();
    let pictures = render(&scene, TRAIN + TEST, families)?;
    let most = (0..families)
        .map(|family| pictures.families[TRAIN..].iter().filter(|f| **f == family).count())
        .max()
        .unwrap_or(0);
    println!(
        "{TRAIN} pictures to learn from, {TEST} to test on; always guessing the commonest family: \
         {:.3}",
        most as f64 / TEST as f64
    );
    println!(
        "{:<14} {:>24}   {:>6}  {:>16}",
        "loss", "accuracy, seeds 1 to 3", "mean", "effective share"
    );
    for loss in [Loss::CrossEntropy, Loss::Focal, Loss::Afl] {
        let mut found = Vec::new();
        let mut share = 0.0;
        for seed in SEEDS {
            let (accuracy, effective) = train(&pictures, families, loss, seed)?;
            found.push(accuracy);
            share += effective / SEEDS.len() as f64;
        }
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        let each: Vec<String> = found.iter().map(|accuracy| format!("{accuracy:.3}")).collect();
        println!(
            "{:<14} {:>24}   {mean:>6.3}  {share:>16.2}",
            format!("{loss:?}"),
            each.join("   ")
        );
    }
    Ok(())
}

/// Renders `count` samples of `scene`, with every axis even over its easier part.
fn render(scene: &Scene, count: usize, families: usize) -> Result<Pictures, Box<dyn Error>> {
    let solvability = Solvability::new(scene.figure.clone());
    let samples = (0..count as u64)
        .into_par_iter()
        .map(|index| {
            solvability.first_solvable(index, |attempt| {
                let mut rng = random::stream(0, index, 0, "classify/hardness");
                let hardness = std::array::from_fn(|_| HARDEST * rng.random::<f32>());
                sampler(scene).sample_at(hardness, 0, index, attempt)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (width, height) = (scene.image.width, scene.image.height);
    let config = RendererConfig { tiles: 64, width, height, threads: 2 };
    let (mut app, _) = headless_app(config, &scene.pictures)?;
    let spec = spec(families);
    let size = 3 * spec.input_width * spec.input_height;
    let mut pictures = Pictures { planes: Vec::new(), families: Vec::new() };
    for samples in samples.chunks(512) {
        for tile in render_samples(&mut app, config, &scene.figure, samples)? {
            let start = pictures.planes.len();
            pictures.planes.resize(start + size, 0.0);
            normalise(&tile.color, &spec, false, &mut pictures.planes[start..]);
            pictures.families.push(tile.scene.figures[0].family);
        }
    }
    Ok(pictures)
}

impl Pictures {
    /// The pictures `chosen` as a tensor [B, 3, H, W], and their families one-hot [B, families].
    fn batch(&self, chosen: &[usize], families: usize) -> TensorResult<[Tensor; 2]> {
        let size = 3 * SIDE * SIDE;
        let planes: Vec<f32> =
            chosen.iter().flat_map(|i| &self.planes[i * size..(i + 1) * size]).copied().collect();
        let mut labels = vec![0f32; chosen.len() * families];
        for (row, i) in chosen.iter().enumerate() {
            labels[row * families + self.families[*i]] = 1.0;
        }
        let images = Tensor::from_vec(planes, (chosen.len(), 3, SIDE, SIDE), &Device::Cpu)?;
        Ok([images, Tensor::from_vec(labels, (chosen.len(), families), &Device::Cpu)?])
    }
}

/// What the classifier takes and gives: one "heatmap" of a single cell per family.
fn spec(families: usize) -> ModelSpec {
    ModelSpec {
        name: "pose_classifier".to_owned(),
        keypoints: families,
        input_width: SIDE,
        input_height: SIDE,
        heatmap_width: 1,
        heatmap_height: 1,
        stride: SIDE,
        mean: [0.5; 3],
        deviation: [0.25; 3],
    }
}

/// Four strided convolutions with two in between, and a head that reads the whole last map: 0.4 M
/// parameters.
fn network(families: usize, seed: u64) -> Result<HeatmapNetwork, Box<dyn Error>> {
    let mut layers = Builder::new(seed, MapSize { channels: 3, height: SIDE, width: SIDE });
    let mut x = layers.input();
    for (name, channels, stride) in
        [("a", 32, 2), ("b", 64, 2), ("c", 64, 1), ("d", 96, 2), ("e", 96, 1), ("f", 128, 2)]
    {
        let norm = format!("{name}.norm");
        x = layers.conv(x, Conv::new(name, channels, 3).stride(stride).norm(&norm).relu())?;
    }
    let head = Conv::head("head", families, SIDE / 16).padding(0);
    layers.conv(x, head)?;
    let (graph, parameters) = layers.build(&Device::Cpu)?;
    Ok(HeatmapNetwork::new(spec(families), graph, parameters)?)
}

/// log softmax over the families [B, families].
fn log_probabilities(network: &HeatmapNetwork, x: &Tensor, train: bool) -> TensorResult<Tensor> {
    let logits = network.forward(x, train)?;
    let (batch, families, ..) = logits.dims4()?;
    log_softmax(&logits.reshape((batch, 1, 1, families))?)?.reshape((batch, families))
}

/// Trains a network, and returns its accuracy on the test pictures and the weights' mean effective
/// share of a batch.
fn train(
    pictures: &Pictures,
    families: usize,
    loss: Loss,
    seed: u64,
) -> Result<(f64, f64), Box<dyn Error>> {
    let network = network(families, seed)?;
    let adamw = AdamWSettings::default();
    let mut optimizer = Optimizer::new(
        network.parameters(),
        OptimizerSettings { adamw, matrix_rate: 5.0, matrix_momentum: 0.95 },
    )?;
    let schedule = CosineSchedule { peak: 2e-3, floor: 2e-5, warmup_steps: 20, total_steps: STEPS };
    let config = AflConfig { start: 0.0, ramp: 0.15, ..AflConfig::default() };
    let critic = Critic::new(families, &config.hidden, seed, &Device::Cpu)?;
    let [beta1, beta2] = config.betas;
    let mut critic_optimizer = AdamW::new(
        &critic.parameters(),
        AdamWSettings { beta1, beta2, weight_decay: 0.0, ..AdamWSettings::default() },
    )?;
    let mut moments = RunningMoments::default();
    let mut effective = 0.0;

    let mut order: Vec<usize> = Vec::new();
    for step in 0..STEPS {
        if order.len() < BATCH {
            order = (0..TRAIN).collect();
            order.shuffle(&mut random::stream(seed, step, 0, "classify/order"));
        }
        let chosen = order.split_off(order.len() - BATCH);
        let [images, labels] = pictures.batch(&chosen, families)?;
        let log = log_probabilities(&network, &images, true)?;
        let losses = (&log * &labels)?.sum(D::Minus1)?.neg()?;
        let sample_weights = match loss {
            Loss::CrossEntropy => Tensor::ones(BATCH, losses.dtype(), &Device::Cpu)?,
            Loss::Focal => losses.neg()?.exp()?.affine(-1.0, 1.0)?.sqr()?,
            Loss::Afl => {
                // Scored before the critic learns from the batch (Alg. 2).
                let predicted = log.exp()?.detach();
                let gap = (critic.forward(&labels)? - critic.forward(&predicted)?)?;
                let gap = gap.to_vec1::<f32>()?;
                moments = moments.after(&gap, config.moments_decay);
                let difficulty = calibrated_scores(&gap, &moments, config.gap_clip);
                let mut rng = random::stream(seed, step, 0, "classify/alpha");
                let alpha: Vec<f32> = (0..BATCH).map(|_| rng.random()).collect();
                let alpha = Tensor::from_vec(alpha, BATCH, &Device::Cpu)?;
                let cost = critic.loss(&labels, &predicted, &alpha, config.lambda, config.drift)?;
                let gradients = collect(&critic.parameters(), cost.total.backward()?);
                critic_optimizer.step(&gradients, 1.0, 1e-3)?;
                let weights = weights(&config, &difficulty, step, STEPS);
                Tensor::from_vec(weights, BATCH, &Device::Cpu)?
            }
        };
        effective += f64::from(effective_share(&sample_weights.detach().to_vec1::<f32>()?));
        let total = (losses * sample_weights)?.mean_all()?;
        let gradients = collect(network.parameters().trainable(), total.backward()?);
        let factor = clip_factor(global_norm(&gradients)?, 5.0);
        optimizer.step(&gradients, factor, schedule.rate(step))?;
    }

    let mut right = 0;
    let test: Vec<usize> = (TRAIN..TRAIN + TEST).collect();
    for chosen in test.chunks(64) {
        let [images, _] = pictures.batch(chosen, families)?;
        let found = log_probabilities(&network, &images, false)?.argmax(D::Minus1)?;
        let found = found.to_vec1::<u32>()?;
        right += chosen
            .iter()
            .zip(&found)
            .filter(|(i, found)| pictures.families[**i] == **found as usize)
            .count();
    }
    Ok((right as f64 / TEST as f64, effective / STEPS as f64))
}
