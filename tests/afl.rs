//! The adversarial focal loss against an independent implementation: every file in
//! `tests/fixtures/afl/`.

use candle_core::{D, Device, Tensor};
use marionette::nn::heatmap::HeatmapTargets;
use marionette::train::afl::{
    BaseLoss, Critic, MeanSquaredError, Threshold, Topology, raw_scores, weighted,
};
use serde::Deserialize;
use std::{error::Error, fs, path::Path};

type Nested<T> = Vec<Vec<T>>;
type Outcome = Result<(), Box<dyn Error>>;

#[derive(Deserialize)]
struct Fixture {
    conventions: Conventions,
    target: Vec<Vec<Nested<f32>>>,
    prediction: Vec<Vec<Nested<f32>>>,
    alpha: Vec<f32>,
    critic: Layers,
    expected: Expected,
}

#[derive(Deserialize)]
struct Conventions {
    threshold: f64,
    gradient_penalty_lambda: f64,
}

#[derive(Deserialize)]
struct Layers {
    w1: Nested<f32>,
    b1: Vec<f32>,
    w2: Nested<f32>,
    b2: Vec<f32>,
    w3: Nested<f32>,
    b3: Vec<f32>,
}

/// `gradient_penalty` holds λ.
#[derive(Deserialize)]
struct Expected {
    exist_target: Nested<bool>,
    exist_prediction: Nested<bool>,
    topology_target: Vec<Vec<Nested<f32>>>,
    topology_prediction: Vec<Vec<Nested<f32>>>,
    critic_target: Vec<f32>,
    critic_prediction: Vec<f32>,
    gradient_penalty: Vec<f32>,
    critic_loss: f32,
    critic_gradients: Layers,
    difficulty: Vec<f32>,
    base_loss: Vec<f32>,
    adversarial_focal_loss: f32,
}

impl Layers {
    /// (weight, bias), first layer first.
    fn tensors(&self) -> candle_core::Result<[(Tensor, Tensor); 3]> {
        let layer = |weight: &Nested<f32>, bias: &[f32]| -> candle_core::Result<(Tensor, Tensor)> {
            Ok((Tensor::new(weight.clone(), &Device::Cpu)?, Tensor::new(bias, &Device::Cpu)?))
        };
        Ok([layer(&self.w1, &self.b1)?, layer(&self.w2, &self.b2)?, layer(&self.w3, &self.b3)?])
    }
}

/// Equal to 1e-4 relative; values that cancel to (nearly) zero to 1e-6 absolute.
fn check(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let near = (found - expected).abs() <= 1e-4 * expected.abs() + 1e-6;
        assert!(near, "{what}[{index}]: found {found}, expected {expected}");
    }
}

fn flat(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

fn check_file(path: &Path) -> Outcome {
    let fixture: Fixture = serde_json::from_str(&fs::read_to_string(path)?)?;
    let expected = &fixture.expected;
    let lambda = fixture.conventions.gradient_penalty_lambda;
    let shape = [
        fixture.target.len(),
        fixture.target[0].len(),
        fixture.target[0][0].len(),
        fixture.target[0][0][0].len(),
    ];
    let [batch, keypoints, height, width] = shape;
    let maps = |maps: &[Vec<Nested<f32>>]| maps.concat().concat().concat();
    let (target_maps, prediction_maps) = (maps(&fixture.target), maps(&fixture.prediction));

    let topology = |maps: &[f32]| {
        Topology::of(maps, shape, None, Threshold::Absolute(fixture.conventions.threshold))
    };
    let (real, fake) = (topology(&target_maps)?, topology(&prediction_maps)?);
    for (topology, exist) in [(&real, &expected.exist_target), (&fake, &expected.exist_prediction)]
    {
        let found: Vec<bool> =
            topology.existence.iter().map(|existence| *existence > 0.0).collect();
        assert_eq!(found, exist.concat());
        assert!(topology.existence.iter().all(|existence| [0.0, 1.0].contains(existence)));
    }
    check("topology_target", &real.affinities, &maps(&expected.topology_target));
    check("topology_prediction", &fake.affinities, &maps(&expected.topology_prediction));

    let critic = Critic::from_layers(&fixture.critic.tensors()?)?;
    let input = |t: &Topology| {
        Tensor::from_slice(&t.affinities, (batch, 2 * keypoints * keypoints), &Device::Cpu)
    };
    let (real, fake) = (input(&real)?, input(&fake)?);
    let on_fake = flat(&critic.forward(&fake)?)?;
    check("critic_target", &flat(&critic.forward(&real)?)?, &expected.critic_target);
    check("critic_prediction", &on_fake, &expected.critic_prediction);
    let alpha = Tensor::new(fixture.alpha.as_slice(), &Device::Cpu)?;
    let penalty = critic.gradient_penalty(&real, &fake, &alpha)?.affine(lambda, 0.0)?;
    check("gradient_penalty", &flat(&penalty)?, &expected.gradient_penalty);
    let loss = critic.loss(&real, &fake, &alpha, lambda, 0.0)?.total;
    check("critic_loss", &[loss.to_scalar()?], &[expected.critic_loss]);
    let gradients = loss.backward()?;
    let parameters = critic.parameters();
    assert_eq!(parameters.len(), 6);
    for (layer, (weight, bias)) in expected.critic_gradients.tensors()?.iter().enumerate() {
        for (part, wanted) in [("weight", weight), ("bias", bias)] {
            let name = format!("critic.{layer}.{part}");
            let found = gradients.get(&parameters[&name]).ok_or("a parameter has no gradient")?;
            check(&name, &flat(found)?, &flat(wanted)?);
        }
    }

    let difficulty = raw_scores(&on_fake);
    check("difficulty", &difficulty, &expected.difficulty);
    let tensor =
        |maps: Vec<f32>| Tensor::from_vec(maps, (batch, keypoints, height, width), &Device::Cpu);
    let heatmaps = tensor(target_maps)?;
    let targets = HeatmapTargets {
        mask: Tensor::ones((batch, keypoints), heatmaps.dtype(), &Device::Cpu)?,
        mass: heatmaps.flatten_from(2)?.sum(D::Minus1)?,
        coordinates: Tensor::zeros((batch, keypoints, 2), heatmaps.dtype(), &Device::Cpu)?,
        heatmaps,
    };
    let base = MeanSquaredError.per_sample(&tensor(prediction_maps)?, &targets)?;
    check("base_loss", &flat(&base)?, &expected.base_loss);
    let total = weighted(&base, &Tensor::new(difficulty.as_slice(), &Device::Cpu)?)?;
    check("adversarial_focal_loss", &[total.to_scalar()?], &[expected.adversarial_focal_loss]);
    Ok(())
}

#[test]
fn afl_matches_every_fixture() -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/afl");
    let mut files: Vec<_> =
        fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "no fixture in {}", folder.display());
    for path in &files {
        check_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
