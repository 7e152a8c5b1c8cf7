use super::*;
use crate::afl::{AflError, BaseLoss, base_loss, weighted};
use candle_core::{DType, Device, Result, Tensor, Var};
use marionette_base::random;
use marionette_nn::heatmap::{Grid, HeatmapTargets};
use rand::Rng;

const GRID: Grid = Grid { width: 5, height: 4, stride: 4, sigma: 1.0 };

/// Two samples of three keypoints in f64: one keypoint unlabelled, one outside the image.
fn targets() -> Result<HeatmapTargets> {
    let keypoints = [[10.0, 6.0], [3.0, 12.5], [17.0, 1.0], [8.0, 8.0], [40.0, 3.0], [1.0, 15.0]];
    let labelled = [true, true, false, true, true, true];
    let targets = HeatmapTargets::new(&keypoints, &labelled, 3, GRID, &Device::Cpu)?;
    let double = |tensor: Tensor| tensor.to_dtype(DType::F64);
    Ok(HeatmapTargets {
        heatmaps: double(targets.heatmaps)?,
        mask: double(targets.mask)?,
        mass: double(targets.mass)?,
        coordinates: double(targets.coordinates)?,
    })
}

/// All base losses, for three keypoints.
fn base_losses() -> Vec<Box<dyn BaseLoss>> {
    BASE_LOSSES.iter().filter_map(|name| base_loss(name, &[0.1, 0.2, 0.3]).ok()).collect()
}

fn output(scale: f64) -> Result<Tensor> {
    let mut stream = random::stream(9, 0, 0, "output");
    let values: Vec<f64> = (0..120).map(|_| scale * (stream.random::<f64>() - 0.5)).collect();
    Tensor::from_vec(values, (2, 3, 4, 5), &Device::Cpu)
}

fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.flatten_all()?.to_vec1()
}

#[test]
fn afl_base_loss_gradients_match_finite_differences_and_vanish_without_labels() -> Result<()> {
    let targets = targets()?;
    for loss in base_losses() {
        let output = Var::from_tensor(&output(3.0)?)?;
        let total = |output: &Tensor| loss.per_sample(output, &targets)?.sum_all();
        let gradients = total(output.as_tensor())?.backward()?;
        let analytic = values(gradients.get(&output).expect("the output is a variable"))?;
        let at = values(&output)?;
        for (index, expected) in analytic.iter().enumerate() {
            let moved = |by: f64| {
                let mut moved = at.clone();
                moved[index] += by;
                total(&Tensor::from_vec(moved, output.shape(), output.device())?)?
                    .to_scalar::<f64>()
            };
            let difference = (moved(1e-6)? - moved(-1e-6)?) / 2e-6;
            assert!(
                (difference - expected).abs() < 1e-8,
                "{} {index}: {difference} {expected}",
                loss.name()
            );
        }
        for unlabelled in [2, 4] {
            assert!(analytic[20 * unlabelled..][..20].iter().all(|&g| g == 0.0), "{}", loss.name());
        }
        assert!(analytic[..20].iter().any(|&g| g != 0.0));
    }
    Ok(())
}

#[test]
fn afl_base_losses_by_hand() -> Result<()> {
    let targets = targets()?;
    let zeros = Tensor::zeros((2, 3, 4, 5), DType::F64, &Device::Cpu)?;
    let (maps, mask) = (values(&targets.heatmaps)?, values(&targets.mask)?);
    assert_eq!(mask, [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    let coordinates = values(&targets.coordinates)?;
    let smooth = |d: f64| if d < 1.0 { d * d / 2.0 } else { d - 0.5 };
    let per_keypoint = |index: usize| {
        let map = &maps[20 * index..][..20];
        let mass: f64 = map.iter().sum();
        // A flat output is uniform over the 20 cells and decodes to the middle of the map.
        let divergence: f64 = map.iter().map(|v| v / mass * (v / mass * 20.0).ln()).sum();
        let square = map.iter().map(|v| v * v).sum::<f64>() / 20.0;
        let l1 = smooth((coordinates[2 * index] - 2.0).abs())
            + smooth((coordinates[2 * index + 1] - 1.5).abs());
        // The marginals of a flat output are even over 5 columns and over 4 rows.
        let marginal = |length: usize, of: &dyn Fn(usize) -> usize| -> f64 {
            let mut sums = vec![0.0; length];
            map.iter().enumerate().for_each(|(cell, value)| sums[of(cell)] += value / mass);
            sums.iter().map(|p| p * (p * length as f64).ln()).sum()
        };
        let simcc = marginal(5, &|cell| cell % 5) + marginal(4, &|cell| cell / 5);
        let squared =
            (coordinates[2 * index] - 2.0).powi(2) + (coordinates[2 * index + 1] - 1.5).powi(2);
        let (first, second) = if index < 3 { (0, 1) } else { (3, 5) };
        let side = |axis: usize| {
            (coordinates[2 * first + axis] - coordinates[2 * second + axis]).abs().max(1.0)
        };
        let sigma = 0.1 * (index % 3 + 1) as f64;
        let oks = 1.0 - (-squared / (8.0 * sigma * sigma * side(0) * side(1))).exp();
        let focal = divergence * (1.0 - (-divergence).exp()).powi(2);
        [divergence, square, l1 / 2.0, simcc, oks, divergence, focal]
    };
    for (which, loss) in base_losses().iter().enumerate() {
        let found = values(&loss.per_sample(&zeros, &targets)?)?;
        for (sample, [a, b]) in [[0, 1], [3, 5]].into_iter().enumerate() {
            let mut expected = (per_keypoint(a)[which] + per_keypoint(b)[which]) / 2.0;
            if loss.name() == "ohkm" {
                // Of two labelled keypoints, the half is the worse one.
                expected += per_keypoint(a)[which].max(per_keypoint(b)[which]);
            }
            assert!(
                (found[sample] - expected).abs() < 1e-6,
                "{}: {} {expected}",
                loss.name(),
                found[sample]
            );
        }
    }
    Ok(())
}

#[test]
fn afl_perfect_predictions_cost_nothing_and_equal_their_targets() -> Result<()> {
    let targets = targets()?;
    let logits = targets.heatmaps.maximum(1e-30)?.log()?;
    // The mass was summed in f32, which shows in the seventh digit.
    assert!(
        values(&CrossEntropy.per_sample(&logits, &targets)?)?.iter().all(|loss| loss.abs() < 1e-6)
    );
    assert!(
        values(&MeanSquaredError.per_sample(&targets.heatmaps, &targets)?)?
            .iter()
            .all(|&loss| loss == 0.0)
    );
    // A spike on the very cell: (10, 6) px is the centre of cell (2, 1).
    let one = HeatmapTargets::new(&[[10.0, 6.0]], &[true], 1, GRID, &Device::Cpu)?;
    let spike = one.heatmaps.affine(100.0, 0.0)?;
    assert!(SmoothL1.per_sample(&spike, &one)?.to_vec1::<f32>()?[0] < 1e-9);

    let maps = CrossEntropy.heatmaps(&logits, &targets.mass)?;
    let (maps, expected) = (values(&maps)?, values(&targets.heatmaps)?);
    assert!(maps.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
    assert_eq!(values(&MeanSquaredError.heatmaps(&targets.heatmaps, &targets.mass)?)?, expected);
    Ok(())
}

#[test]
fn afl_cross_entropy_stays_finite_for_extreme_logits() -> Result<()> {
    let targets = targets()?;
    let loss = CrossEntropy.per_sample(&output(1e5)?.to_dtype(DType::F64)?, &targets)?;
    assert!(values(&loss)?.iter().all(|loss| loss.is_finite() && *loss > 0.0));
    Ok(())
}

#[test]
fn afl_a_sample_without_labels_costs_nothing() -> Result<()> {
    let targets = HeatmapTargets::new(&[[1.0; 2]; 3], &[false; 3], 3, GRID, &Device::Cpu)?;
    let output = Tensor::ones((1, 3, 4, 5), DType::F32, &Device::Cpu)?;
    for loss in base_losses() {
        assert_eq!(loss.per_sample(&output, &targets)?.to_vec1::<f32>()?, [0.0], "{}", loss.name());
    }
    Ok(())
}

#[test]
fn afl_weighted_weights_first_and_passes_no_gradient_to_the_weights() -> Result<()> {
    let losses = Var::new(&[1.0f32, 2.0, 4.0], &Device::Cpu)?;
    let weights = Var::new(&[2.0f32, 0.5, 1.0], &Device::Cpu)?;
    let total = weighted(losses.as_tensor(), weights.as_tensor())?;
    assert!((total.to_scalar::<f32>()? - 7.0 / 3.0).abs() < 1e-6);
    let gradients = total.backward()?;
    assert!(gradients.get(&weights).is_none());
    let gradient = gradients.get(&losses).expect("the losses are a variable").to_vec1::<f32>()?;
    assert!(gradient.iter().zip([2.0, 0.5, 1.0]).all(|(g, w)| (g - w / 3.0).abs() < 1e-6));
    Ok(())
}

#[test]
fn afl_base_loss_is_found_by_name_and_an_unknown_name_lists_the_known() {
    for loss in base_losses() {
        assert_eq!(base_loss(loss.name(), &[0.1]).unwrap().name(), loss.name());
    }
    let Err(error @ AflError::UnknownBaseLoss { .. }) = base_loss("mse?", &[0.1]) else {
        panic!("an unknown loss was found")
    };
    assert!(error.to_string().contains("cross_entropy, mean_squared_error, smooth_l1"), "{error}");
}
