use super::*;
use marionette_base::statistics::{RunningMoments, spearman};
use marionette_nn::{graph::MapSize, named::bits};
use rand::seq::SliceRandom;

const GRID: Grid = Grid { width: 16, height: 16, stride: 4, sigma: 1.0 };
const KEYPOINTS: usize = 8;
const BATCH: usize = 16;

/// A batch of poses: noisy copies of one figure, moved about, with a prediction a pixel or two off
/// for the first half and with its joints interchanged for the second.
struct Poses {
    target: Vec<f32>,
    mask: Vec<bool>,
    prediction: Vec<f32>,
}

impl Poses {
    fn sample(afl: &Afl, step: u64) -> Result<Self, AflError> {
        let mut stream = random::stream(11, step, 0, "poses");
        let mut around = |centre: f32, by: f32| centre + by * (2.0 * stream.random::<f32>() - 1.0);
        let (mut truth, mut guess) = (Vec::new(), Vec::new());
        let mut scramble = random::stream(11, step, 0, "scramble");
        for sample in 0..BATCH {
            let (x, y) = (around(32.0, 6.0), around(32.0, 6.0));
            let joint = |k: usize| {
                [x + if k.is_multiple_of(2) { -8.0 } else { 8.0 }, y - 20.0 + 12.0 * (k / 2) as f32]
            };
            let pose: Vec<[f32; 2]> =
                (0..KEYPOINTS).map(|k| joint(k).map(|v| around(v, 2.0))).collect();
            let mut predicted = pose.clone();
            if sample >= BATCH / 2 {
                predicted.shuffle(&mut scramble);
            }
            truth.extend(pose);
            guess.extend(predicted.into_iter().map(|point| point.map(|v| around(v, 1.5))));
        }
        let labelled = [true; BATCH * KEYPOINTS];
        let (target, mask) = afl.critic_targets(&truth, &labelled, GRID, step)?;
        Ok(Self { target, prediction: gaussians(&guess, &mask, GRID)?, mask })
    }

    fn pair(&self) -> MapPair<'_> {
        let shape = [BATCH, KEYPOINTS, GRID.height, GRID.width];
        MapPair {
            target: &self.target,
            prediction: &self.prediction,
            mask: &self.mask,
            shape,
            sigma: GRID.sigma,
            features: None,
        }
    }
}

fn afl(config: AflConfig) -> Result<Afl, AflError> {
    Afl::new(config, KEYPOINTS, 0, 4)
}

#[test]
fn afl_critic_learns_which_poses_are_scrambled() -> Result<(), AflError> {
    let steps = 300;
    let mut afl = afl(AflConfig { learning_rate: 1e-3, ..AflConfig::default() })?;
    let scrambled: Vec<f32> =
        (0..BATCH).map(|sample| f32::from(u8::from(sample >= BATCH / 2))).collect();
    let mut correlation = 0.0;
    let mut reports = Vec::new();
    for step in 0..steps {
        let poses = Poses::sample(&afl, step)?;
        let scores = afl.score(&poses.pair(), step, steps)?;
        reports.push(afl.update_critic(&scores)?);
        assert!((scores.weights.iter().sum::<f32>() / BATCH as f32 - 1.0).abs() < 1e-5);
        assert!(scores.effective_share() > 0.3);
        if step >= steps - 20 {
            correlation += spearman(&scores.difficulty, &scrambled).unwrap() / 20.0;
        }
    }
    assert!(correlation > 0.5, "{correlation}");
    assert!(reports[steps as usize - 1].gap > reports[0].gap + 0.1, "{:?}", reports.last());
    Ok(())
}

#[test]
fn afl_update_takes_one_plain_adam_step_and_commits_the_moments() -> Result<(), AflError> {
    for mode in [Mode::Calibrated, Mode::Paper] {
        let config = AflConfig { mode, drift: 1.0, ..AflConfig::default() };
        let [mut updated, mut other] = [afl(config.clone())?, afl(config)?];
        let poses = Poses::sample(&updated, 0)?;
        let scores = updated.score(&poses.pair(), 0, 10)?;
        let rows = updated.critic.forward(&scores.inputs[0].tensor()?)?;
        let report = updated.update_critic(&scores)?;
        assert_eq!(updated.save()?.1, AflState { moments: scores.moments, optimizer_steps: 1 });

        let drift = report.loss - (10.0 * report.penalty - report.gap);
        let square = f64::from(rows.sqr()?.mean_all()?.to_scalar::<f32>()?);
        assert!(
            (drift - if mode == Mode::Paper { 0.0 } else { square }).abs() < 1e-5,
            "{mode:?} {drift} {square}"
        );

        // Adam's first step is the learning rate along the gradient's sign; weight decay would
        // lengthen some.
        let start = other.critic().parameters();
        for (name, var) in updated.critic().parameters() {
            let moved =
                (var.as_tensor() - start[&name].as_tensor())?.flatten_all()?.to_vec1::<f32>()?;
            assert!(moved.iter().all(|by| by.abs() < 3.0015e-4), "{name}");
            assert!(name == "critic.2.bias" || moved.iter().any(|by| by.abs() > 2.97e-4), "{name}");
        }
        // Another step samples another α.
        let later = other.update_critic(&Scores { step: 1, ..scores })?;
        assert!(later.gap == report.gap && later.penalty != report.penalty);
    }
    Ok(())
}

#[test]
fn afl_resumes_bit_for_bit() -> Result<(), AflError> {
    let mut first = afl(AflConfig::default())?;
    let run = |afl: &mut Afl, steps: std::ops::Range<u64>| -> Result<Option<Scores>, AflError> {
        let mut last = None;
        for step in steps {
            let scores = afl.score(&Poses::sample(afl, step)?.pair(), step, 10)?;
            afl.update_critic(&scores)?;
            last = Some(scores);
        }
        Ok(last)
    };
    run(&mut first, 0..3)?;
    let (tensors, state) = first.save()?;
    let before = bits(&tensors)?;
    let state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    let expected = run(&mut first, 3..6)?;
    // What was saved must not follow the critic's further training.
    assert_eq!(bits(&tensors)?, before);

    let mut second = Afl::new(AflConfig::default(), KEYPOINTS, 0, 4)?;
    second.load(&tensors, &state)?;
    assert_eq!(run(&mut second, 3..6)?, expected);
    assert_eq!(bits(&second.save()?.0)?, bits(&first.save()?.0)?);
    assert_eq!(second.save()?.1, first.save()?.1);
    Ok(())
}

#[test]
fn afl_load_refuses_a_state_that_does_not_fit() -> Result<(), AflError> {
    let mut target = afl(AflConfig::default())?;
    let (tensors, state) =
        afl(AflConfig { hidden: vec![32, 16], ..AflConfig::default() })?.save()?;
    let before = bits(&target.save()?.0)?;
    assert!(matches!(target.load(&tensors, &state), Err(AflError::State(_))));
    let (mut tensors, state) = target.save()?;
    tensors.insert("network.0.weight".to_owned(), tensors["critic.0.bias"].clone());
    target.load(&tensors, &state)?;
    tensors.remove("critic.0.bias.first");
    assert!(matches!(target.load(&tensors, &state), Err(AflError::Optimizer(_))));
    assert_eq!(bits(&target.save()?.0)?, before);
    Ok(())
}

#[test]
fn afl_nan_poisons_nothing_and_is_hidden_by_the_mask() -> Result<(), AflError> {
    let afl = afl(AflConfig::default())?;
    let mut poses = Poses::sample(&afl, 0)?;
    poses.prediction[7] = f32::NAN;
    let before = bits(&afl.save()?.0)?;
    assert!(matches!(afl.score(&poses.pair(), 0, 10), Err(AflError::NotFinite { .. })));
    poses.mask[0] = false;
    assert!(afl.score(&poses.pair(), 0, 10)?.difficulty.iter().all(|score| score.is_finite()));
    assert_eq!(bits(&afl.save()?.0)?, before);
    Ok(())
}

#[test]
fn afl_infinite_critic_is_an_error_and_leaves_the_moments() -> Result<(), AflError> {
    let mut afl = afl(AflConfig::default())?;
    let scores = afl.score(&Poses::sample(&afl, 0)?.pair(), 0, 10)?;
    afl.critic().parameters()["critic.2.bias"]
        .set(&Tensor::new(&[f32::INFINITY], &Device::Cpu)?)?;
    assert!(matches!(afl.update_critic(&scores), Err(AflError::NotFinite { .. })));
    assert!(matches!(
        afl.score(&Poses::sample(&afl, 1)?.pair(), 1, 10),
        Err(AflError::NotFinite { .. })
    ));
    assert_eq!(afl.save()?.1, AflState { moments: RunningMoments::default(), optimizer_steps: 0 });
    Ok(())
}

#[test]
fn afl_modes_and_the_null_experiment() -> Result<(), AflError> {
    let score = |config: AflConfig| -> Result<Scores, AflError> {
        let afl = afl(config)?;
        afl.score(&Poses::sample(&afl, 9)?.pair(), 9, 10)
    };
    let calibrated = score(AflConfig::default())?;
    let off = score(AflConfig { mode: Mode::Off, ..AflConfig::default() })?;
    assert_eq!(
        (off.weights.as_slice(), &off.difficulty),
        ([1.0; BATCH].as_slice(), &calibrated.difficulty)
    );
    let paper = score(AflConfig { mode: Mode::Paper, ..AflConfig::default() })?;
    assert_eq!((&paper.weights, &paper.difficulty), (&paper.raw, &paper.raw));
    assert!(paper.raw_unsaturated_share() > 0.99);

    let null = score(AflConfig { permute_scores: true, ..AflConfig::default() })?;
    assert_eq!((&null.raw, &null.gap), (&calibrated.raw, &calibrated.gap));
    assert_ne!(null.difficulty, calibrated.difficulty);
    let sorted = |mut values: Vec<f32>| {
        values.sort_by(f32::total_cmp);
        values
    };
    assert_eq!(sorted(null.difficulty), sorted(calibrated.difficulty));
    // The mean that normalises the weights is summed in another order.
    let (null, calibrated) = (sorted(null.weights), sorted(calibrated.weights));
    assert!(null.iter().zip(&calibrated).all(|(a, b)| (a - b).abs() < 1e-6));
    Ok(())
}

#[test]
fn afl_score_refuses_maps_of_another_shape() -> Result<(), AflError> {
    let afl = afl(AflConfig::default())?;
    let poses = Poses::sample(&afl, 0)?;
    let pair = poses.pair();
    for shape in
        [[BATCH, KEYPOINTS + 1, 16, 16], [BATCH + 1, KEYPOINTS, 16, 16], [BATCH, KEYPOINTS, 16, 15]]
    {
        assert!(matches!(
            afl.score(&MapPair { shape, ..pair }, 0, 10),
            Err(AflError::Length { .. })
        ));
    }
    Ok(())
}

#[test]
fn afl_critic_targets_are_jittered_except_in_paper_mode() -> Result<(), AflError> {
    let keypoints: Vec<[f32; 2]> =
        (0..KEYPOINTS).map(|k| [2 * k, 2 * k + 1].map(|i| 10.0 + 3.0 * i as f32)).collect();
    let mut labelled = [true; KEYPOINTS];
    labelled[2] = false;
    let targets = |mode, step| {
        afl(AflConfig { mode, ..AflConfig::default() })?
            .critic_targets(&keypoints, &labelled, GRID, step)
    };
    let exact = gaussians(&keypoints, &labelled, GRID)?;
    assert_eq!(targets(Mode::Paper, 0)?, (exact.clone(), labelled.to_vec()));
    let (maps, mask) = targets(Mode::Calibrated, 0)?;
    assert_eq!(mask, labelled);
    assert_ne!(maps, exact);
    assert_ne!(maps, targets(Mode::Calibrated, 1)?.0);
    // Half a pixel is an eighth of a cell, over which a Gaussian of σ = 1 changes by at most 0.61 /
    // 8 per axis.
    assert!(maps.iter().zip(&exact).all(|(a, b)| (a - b).abs() < 0.16));
    Ok(())
}

#[test]
fn afl_the_mask_applies_to_both_sides_except_in_paper_mode() -> Result<(), AflError> {
    for mode in [Mode::Calibrated, Mode::Paper] {
        let afl = afl(AflConfig { mode, ..AflConfig::default() })?;
        let mut poses = Poses::sample(&afl, 0)?;
        poses.mask[3] = false;
        let cells = GRID.width * GRID.height;
        let before = afl.score(&poses.pair(), 0, 10)?;
        poses.target[3 * cells..][..cells].fill(0.0);
        let without_target = afl.score(&poses.pair(), 0, 10)?;
        poses.prediction[3 * cells..][..cells].fill(0.0);
        let without_both = afl.score(&poses.pair(), 0, 10)?;
        assert_eq!(before == without_target, mode == Mode::Calibrated);
        assert_eq!(without_target == without_both, mode == Mode::Calibrated);
    }
    Ok(())
}

/// Predictions that are true poses, but in the second half of the batch not that of their picture;
/// and what a network might see: at the true place of each keypoint something of its own.
fn mistaken(afl: &Afl, step: u64) -> Result<(Poses, Features), AflError> {
    let mut poses = Poses::sample(afl, step)?;
    let cells = GRID.width * GRID.height;
    let size = MapSize { channels: KEYPOINTS, height: GRID.height, width: GRID.width };
    let mut features = Features { values: vec![0.0; BATCH * cells * KEYPOINTS], size };
    for (index, map) in poses.target.chunks_exact(cells).enumerate() {
        let (sample, keypoint) = (index / KEYPOINTS, index % KEYPOINTS);
        for (cell, value) in map.iter().enumerate() {
            features.values[(sample * cells + cell) * KEYPOINTS + keypoint] = *value;
        }
    }
    poses.prediction.copy_from_slice(&poses.target);
    let half = poses.prediction.len() / 2;
    poses.prediction[half..].rotate_left(KEYPOINTS * cells);
    Ok((poses, features))
}

#[test]
fn afl_critic_of_keypoints_tells_a_plausible_pose_of_another_picture_and_one_of_poses_cannot()
-> Result<(), AflError> {
    let steps = 200;
    let wrong: Vec<f32> = (0..BATCH).map(|i| if i >= BATCH / 2 { 1.0 } else { 0.0 }).collect();
    let mut correlations = [0.0; 2];
    for (subject, correlation) in
        [Subject::Keypoint, Subject::Pose].into_iter().zip(&mut correlations)
    {
        let config = AflConfig { subject, learning_rate: 1e-3, ..AflConfig::default() };
        let mut afl = Afl::new(config, KEYPOINTS, KEYPOINTS, 4)?;
        for step in 0..steps {
            let (poses, features) = mistaken(&afl, step)?;
            let pair = MapPair { features: Some(&features), ..poses.pair() };
            let scores = afl.score(&pair, step, steps)?;
            afl.update_critic(&scores)?;
            if step >= steps - 20 {
                *correlation += spearman(&scores.difficulty, &wrong).unwrap_or(0.0) / 20.0;
            }
        }
    }
    let [keypoint, pose] = correlations;
    assert!(keypoint > 0.8 && pose.abs() < 0.2, "{keypoint} {pose}");
    Ok(())
}

#[test]
fn afl_score_refuses_features_of_another_size() -> Result<(), AflError> {
    let afl = Afl::new(AflConfig::default(), KEYPOINTS, KEYPOINTS, 4)?;
    let (poses, mut features) = mistaken(&afl, 0)?;
    features.values.pop();
    for features in [None, Some(&features)] {
        let refused = afl.score(&MapPair { features, ..poses.pair() }, 0, 10);
        assert!(matches!(refused, Err(AflError::Length { what: "a batch of features", .. })));
    }
    Ok(())
}
