use super::*;
use glam::{Quat, Vec3};
use marionette_figure::{
    BodyShape, Figure, Obstacle, ObstacleShape, Pose, SettleStart, load_figure, lowest_point,
    place_parts, solve, turn,
};
use std::path::Path;

fn human() -> Figure {
    load_figure(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/figures/human.toml")))
        .unwrap()
}

/// A standing figure, its feet 1 m above the ground, nothing near it.
fn standing(figure: &Figure) -> Pose {
    let pose = Pose { root: Vec3::Y, ..Pose::at_rest(figure) };
    let lowest = lowest_point(&place_parts(
        figure,
        &BodyShape::default(),
        &solve(figure, &BodyShape::default(), &pose),
    ));
    Pose { root: Vec3::Y * (2.0 - lowest), ..pose }
}

fn start<'a>(figure: &'a Figure, shape: &'a BodyShape, pose: &'a Pose) -> SettleStart<'a> {
    SettleStart {
        figure,
        shape,
        pose,
        obstacles: Vec::new(),
        held: Vec::new(),
        seconds: 0.5,
        strength: 0.0,
        velocity: Vec3::ZERO,
        spin: Vec3::ZERO,
    }
}

#[test]
fn a_limp_fall_changes_the_pose_and_a_stiff_body_in_the_air_keeps_it() {
    let figure = human();
    let shape = BodyShape::default();
    let air = standing(&figure);
    let ground = Pose {
        root: air.root - Vec3::Y * 1.0,
        orientation: Quat::from_rotation_x(0.5),
        ..air.clone()
    };
    let change = |before: &Pose, after: &Pose| {
        before
            .angles
            .iter()
            .zip(&after.angles)
            .map(|(a, b)| turn(*a).angle_between(turn(*b)))
            .fold(0.0, f32::max)
    };
    let fall = SettleStart { seconds: 0.8, ..start(&figure, &shape, &ground) };
    let fallen = settle(&fall).unwrap();
    assert!(
        change(&ground, &fallen) > 0.6,
        "no joint turned by more than {}",
        change(&ground, &fallen)
    );
    assert!(fallen.root.y < ground.root.y - 0.4);
    // Arms and legs apart, so that nothing pushes.
    let mut air = air;
    for (bone, angles) in figure.bones.iter().zip(&mut air.angles) {
        let side = if bone.name.starts_with("right_") { -1.0 } else { 1.0 };
        angles.z = match bone.name.split_once('_').map_or("", |(_, rest)| rest) {
            "upper_arm" => 0.7 * side,
            "thigh" => 0.25 * side,
            _ => 0.0,
        };
    }
    let stiff =
        settle(&SettleStart { strength: 1.0, seconds: 0.4, ..start(&figure, &shape, &air) })
            .unwrap();
    assert!(change(&air, &stiff) < 0.08, "a joint turned by {}", change(&air, &stiff));
    // Nothing but gravity: half g t squared.
    let fallen = air.root.y - stiff.root.y;
    assert!((fallen - 0.5 * 9.81 * 0.4 * 0.4).abs() < 0.05, "fell {fallen} m");
}

#[test]
fn what_cannot_be_simulated_is_a_fault_and_no_pose() {
    let figure = human();
    let shape = BodyShape::default();
    let pose = standing(&figure);
    let fast = SettleStart { velocity: Vec3::X * 40.0, ..start(&figure, &shape, &pose) };
    assert_eq!(settle(&fast), Err(Fault::TooFast));
    let nowhere = Pose { root: Vec3::new(f32::NAN, 1.0, 0.0), ..pose.clone() };
    assert!(settle(&start(&figure, &shape, &nowhere)).is_err());
    // Hips in the middle of a block, a hand and a foot held: whatever comes of it, it is a pose or
    // a fault.
    let hand = figure.bones.iter().position(|bone| bone.name == "left_hand").unwrap();
    let foot = figure.bones.iter().position(|bone| bone.name == "left_foot").unwrap();
    let block = Obstacle {
        shape: ObstacleShape::Cuboid { half_extents: Vec3::splat(0.4) },
        position: pose.root,
        rotation: Quat::IDENTITY,
    };
    let held = vec![(hand, Vec3::ZERO), (foot, Vec3::ZERO)];
    let inside = SettleStart { obstacles: vec![block], held, ..start(&figure, &shape, &pose) };
    if let Ok(pose) = settle(&inside) {
        assert!(pose.root.is_finite() && pose.angles.iter().all(|angles| angles.is_finite()));
    }
}
