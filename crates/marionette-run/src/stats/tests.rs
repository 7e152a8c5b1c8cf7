//! Statistics of three samples, by hand.

use super::*;
use glam::Vec3;
use marionette_scene::{Scene, load_scene};
use marionette_stream::{Cover, HardnessAxis, Rejection, Visibility};

/// A sample at hardness `hardness` of every axis whose keypoints all lie at `place`.
fn sample(
    scene: &Scene,
    hardness: f32,
    place: [f32; 2],
    visibility: Visibility,
    cover: Option<Cover>,
) -> SampleFacts {
    SampleFacts {
        hardness: [hardness; 8],
        rejections: Vec::new(),
        family: scene.poses[0],
        rejected_families: Vec::new(),
        angles: vec![Vec3::ZERO; scene.figure.bones.len()],
        keypoints: vec![KeypointFacts { place, visibility, cover }; scene.figure.keypoints.len()],
        bounds: [0.25, 0.0, 0.75, 1.0],
        area: 0.2,
        measures: [hardness; MEASURES],
    }
}

fn three(scene: &Scene) -> Vec<SampleFacts> {
    let mut samples = vec![
        sample(scene, 0.1, [0.1, 0.1], Visibility::Seen, None),
        sample(scene, 0.15, [0.9, 0.9], Visibility::Covered, Some(Cover::Prop)),
        sample(scene, 0.9, [7.0, 0.5], Visibility::Outside, None),
    ];
    samples[1].rejections = vec![Rejection::OutOfFrame];
    samples[2].rejections = vec![Rejection::Covered, Rejection::OutOfFrame];
    samples[2].rejected_families = vec![scene.poses[0], scene.poses[1]];
    samples[2].family = *scene.poses.last().unwrap();
    samples[2].bounds = [0.0, 0.0, 9.0, 0.5];
    samples[2].measures[Measure::Visible as usize] = -1.0;
    let turning = scene.figure.bones.iter().position(|bone| bone.name == "left_shin").unwrap();
    samples[1].angles[turning].x = 90f32.to_radians();
    samples
}

#[test]
fn statistics_by_hand() {
    let scene = load_scene("quickstart").unwrap();
    let found = Statistics::gather(&scene, "everything even", &three(&scene));
    assert_eq!((found.samples, found.scene.as_str()), (3, "quickstart"));
    let third = 1.0 / 3.0;
    let nose = &found.keypoints[0];
    assert_eq!(
        (nose.seen, nose.covered(), nose.covered_by_prop, nose.outside),
        (third, third, third, third)
    );
    assert_eq!((nose.covered_by_own, nose.covered_by_other), (0.0, 0.0));
    // What is outside the image is not on its map.
    assert_eq!(nose.places.counts.iter().sum::<u32>(), 2);
    let side = nose.places.side;
    assert_eq!((nose.places.counts[2 * side + 2], nose.places.counts[21 * side + 21]), (1, 1));

    assert_eq!((found.boxes.width.p50, found.boxes.height.p50), (0.5, 1.0));
    assert_eq!(
        found.boxes.sizes.counts.iter().sum::<u32>(),
        3,
        "the largest counts in the last column"
    );
    assert_eq!((found.families[0].samples, found.families[0].rejected), (2, 1));
    assert_eq!(found.families.iter().map(|family| family.samples).sum::<usize>(), 3);
    let shin = found
        .angles
        .iter()
        .find(|angles| angles.bone == "left_shin" && angles.axis == 'x')
        .unwrap();
    assert!((shin.spread.mean - 30.0).abs() < 1e-3 && shin.spread.p50 == 0.0);
    assert!(shin.limits[0] < shin.limits[1]);

    assert_eq!((found.attempts.draws, found.attempts.mean, found.attempts.most), (6, 2.0, 3));
    assert_eq!(found.attempts.samples[..4], [1, 1, 1, 0]);
    let reasons: Vec<_> =
        found.rejections.iter().map(|reason| (reason.reason, reason.draws)).collect();
    assert_eq!(reasons, [(Rejection::OutOfFrame, 2), (Rejection::Covered, 1)]);
    let pose = &found.axes[HardnessAxis::Pose as usize];
    let bins: Vec<_> = pose.bins.iter().map(|bin| (bin.draws, bin.rejected)).collect();
    // One of three draws at 0.1 and 0.15, two of three at 0.9.
    assert_eq!(bins, [(3, Some(third)), (0, None), (0, None), (0, None), (3, Some(2.0 / 3.0))]);
    assert_eq!(pose.correlations[&Measure::Bend], Some(1.0));
    let same: Vec<SampleFacts> =
        three(&scene).into_iter().map(|s| SampleFacts { hardness: [0.3; 8], ..s }).collect();
    assert_eq!(
        Statistics::gather(&scene, "all the same", &same).axes[0].correlations[&Measure::Bend],
        None
    );
    // Ranks 1 2 3 against 2 3 1.
    assert!((pose.correlations[&Measure::Visible].unwrap() + 0.5).abs() < 1e-6);
}

#[test]
fn tables_and_plots_show_all_of_it_and_none_of_nothing() {
    let scene = load_scene("quickstart").unwrap();
    let statistics = Statistics::gather(&scene, "everything even", &three(&scene));
    let text = table(&statistics);
    for part in [
        "3 samples of quickstart, 64x64 pixels, everything even",
        "right_ankle          33.3     33.3        0.0        0.0      33.3      33.3",
        "6 draws for 3 samples: 2.00 a sample, 3 at most; 50.0 % were rejected",
        "too few keypoints are in the image",
        "kpts seen",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    let picture = plots(&statistics);
    assert_eq!(picture.width(), 2000);
    assert_eq!(picture, plots(&statistics));
    // No samples at all: nothing to see, nothing to break.
    let empty = Statistics::gather(&scene, "everything even", &[]);
    assert!(table(&empty).starts_with("0 samples"));
    assert!(plots(&empty).height() > 500);
    let json = serde_json::to_value(&statistics).unwrap();
    assert_eq!(json["axes"][0]["correlations"]["bend"], 1.0);
    assert_eq!(json["measures"]["visible"]["p50"], serde_json::json!(0.1f32));
}
