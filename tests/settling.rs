//! What settles, seen from outside: samples of the families that do, judged as every sample is.

use marionette::base::toml_file::TomlFile;
use marionette::figure::{DEEPEST, Support, lowest_point};
use marionette::physics::{Solvability, floating, prop_penetration};
use marionette::render::sampler;
use marionette::scene::{Scene, load_scene, parse_scene};
use marionette::stream::{PropRole, Rejection, SceneSample};

const SAMPLES: u64 = 240;

/// The scene `all`, with these families alone.
fn scene_of(families: &[&str]) -> Scene {
    let text = format!("name = \"settled\"\nbase = \"all\"\nposes = {families:?}\n");
    parse_scene(TomlFile { path: "settled.toml".into(), text }).unwrap()
}

fn settled_families() -> Scene {
    let all = load_scene("all").unwrap();
    let settled = all.figure.poses.iter().filter(|pose| pose.settle.is_some());
    scene_of(&settled.map(|pose| pose.name.as_str()).collect::<Vec<_>>())
}

/// Solvable samples at all levels of hardness, and the reasons for what was drawn in vain.
fn solvable(scene: &Scene, count: u64) -> (Vec<SceneSample>, Vec<Rejection>) {
    let judge = Solvability::new(scene.figure.clone());
    let sample = |index: u64| {
        let hardness = [(index % 11) as f32 / 10.0; 8];
        judge
            .first_solvable(index, |attempt| sampler(scene).sample_at(hardness, 9, index, attempt))
            .unwrap()
    };
    let samples: Vec<SceneSample> = (0..count).map(sample).collect();
    let rejections = samples.iter().flat_map(|sample| sample.rejections.clone()).collect();
    (samples, rejections)
}

#[test]
fn next_to_none_that_settled_floats_or_goes_through_itself_the_ground_or_what_carries_it() {
    let scene = settled_families();
    let (samples, rejections) = solvable(&scene, SAMPLES);
    let figure = &*scene.figure;
    let (mut deep, mut afloat) = (0, 0);
    for sample in &samples {
        let primary = &sample.figures[0];
        let bar = matches!(figure.poses[primary.family].support, Support::Bar(_));
        let hand = |part: usize| figure.bones[figure.parts[part].bone].name.ends_with("hand");
        let through_prop = primary.flesh.iter().enumerate().any(|(index, part)| {
            let fixed = sample.props.iter().filter(|prop| prop.role == PropRole::Support);
            !(bar && hand(index))
                && fixed.into_iter().any(|prop| prop_penetration(part, prop) > DEEPEST)
        });
        let through_itself = figure.goes_through_itself(&primary.flesh, 0.0);
        deep +=
            u64::from(through_itself || through_prop || lowest_point(&primary.flesh) < -DEEPEST);
        afloat += u64::from(floating(figure, primary, &sample.props) > 0.03);
        assert!(primary.pose.angles.iter().zip(&figure.bones).all(|(angles, bone)| {
            (0..3).all(|axis| {
                (bone.limits[axis][0] - 1e-4..=bone.limits[axis][1] + 1e-4).contains(&angles[axis])
            })
        }));
    }
    let diverged = rejections.iter().filter(|reason| **reason == Rejection::Diverged).count();
    println!(
        "{deep} deep, {afloat} afloat of {SAMPLES}; {diverged} of {} redraws diverged",
        rejections.len()
    );
    assert!(
        deep * 100 < SAMPLES && afloat * 100 < SAMPLES,
        "{deep} deep, {afloat} afloat of {SAMPLES}"
    );
    // What diverges is drawn again; were it many, the families would be rarer than their weights
    // say.
    assert!(
        diverged as u64 * 10 < SAMPLES,
        "{diverged} simulations diverged for {SAMPLES} samples"
    );
}

#[test]
fn a_sample_drawn_twice_is_the_same_to_the_bit() {
    let scene = settled_families();
    for index in 0..24 {
        let draw = || sampler(&scene).sample_at([0.5; 8], 3, index, 0);
        let bits = |sample: &SceneSample| {
            let pose = &sample.figures[0].pose;
            let angles = pose.angles.iter().flat_map(|angles| angles.to_array());
            angles
                .chain(pose.root.to_array())
                .chain(pose.orientation.to_array())
                .map(f32::to_bits)
                .collect::<Vec<_>>()
        };
        assert_eq!(bits(&draw()), bits(&draw()));
        assert_eq!(draw(), draw());
    }
}

#[test]
fn who_sits_is_on_the_seat_and_the_feet_are_near_the_ground() {
    let scene = scene_of(&["sit"]);
    let (samples, _) = solvable(&scene, 40);
    let mut seats = 0;
    for sample in &samples {
        let figure = &sample.figures[0];
        let Some(seat) = sample.props.iter().find(|prop| prop.role == PropRole::Support) else {
            continue;
        };
        seats += 1;
        let trunk_or_thigh = |part: usize| {
            let bone = scene.figure.parts[part].bone;
            bone == 0 || scene.figure.bones[bone].parent == Some(0)
        };
        let body = figure.flesh.iter().enumerate().filter(|(part, _)| trunk_or_thigh(*part));
        let depth =
            body.map(|(_, part)| prop_penetration(part, seat)).fold(f32::NEG_INFINITY, f32::max);
        let low = lowest_point(&figure.flesh);
        assert!(
            (-0.03..=DEEPEST).contains(&depth) || low.abs() < 0.03,
            "sample {}: {depth} m in the seat",
            sample.index
        );
        assert!(low < 0.25, "sample {}: nothing is lower than {low} m", sample.index);
    }
    assert!(seats >= 25, "only {seats} of 40 sit on a seat");
}

#[test]
fn hands_stay_at_the_bar_and_the_body_hangs_below() {
    let scene = scene_of(&["hang"]);
    let (samples, _) = solvable(&scene, 30);
    for sample in &samples {
        let (figure, bar) = (
            &sample.figures[0],
            sample.props.iter().find(|prop| prop.role == PropRole::Support).unwrap(),
        );
        for side in ["left_hand", "right_hand"] {
            let own = |part: usize| scene.figure.bones[scene.figure.parts[part].bone].name == side;
            let hand = figure.flesh.iter().enumerate().filter(|(part, _)| own(*part));
            let depth =
                hand.map(|(_, part)| prop_penetration(part, bar)).fold(f32::NEG_INFINITY, f32::max);
            assert!(depth > -0.03, "sample {}: {side} is {} m from the bar", sample.index, -depth);
        }
        assert!(
            figure.pose.root.y < bar.position.y - 0.2,
            "sample {}: hips at {}",
            sample.index,
            figure.pose.root.y
        );
    }
}

#[test]
fn who_leans_touches_ground_and_wall() {
    let scene = scene_of(&["lean"]);
    let (samples, _) = solvable(&scene, 20);
    for sample in &samples {
        let (figure, wall) = (
            &sample.figures[0],
            sample.props.iter().find(|prop| prop.role == PropRole::Support).unwrap(),
        );
        let depth = figure
            .flesh
            .iter()
            .map(|part| prop_penetration(part, wall))
            .fold(f32::NEG_INFINITY, f32::max);
        assert!((-0.03..=DEEPEST).contains(&depth) && lowest_point(&figure.flesh).abs() < 0.03);
    }
}
