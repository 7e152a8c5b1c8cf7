//! Bodies, poses and clothes.

use super::{Keys, Recorder, colors::any_color, framing::ground_axes};
use crate::{
    figure::{BasePose, BodyShape, Figure, Pose, clamp_to_limits, lowest_point, place_keypoints, place_parts, solve},
    scene::{Backdrop, Camera, FigureSample, Scene},
};
use glam::{Quat, Vec2, Vec3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// The figure that is labelled, at the origin.
pub(super) fn primary_figure(scene: &Scene, keys: &Keys, record: &mut Recorder, hardness: f32) -> FigureSample {
    let settings = &scene.randomizers.pose;
    let figure = &*scene.figure;
    let shape = body_shape(figure, &mut keys.stream("body"));
    let mut rng = keys.stream("pose");
    let spread = record.draw("pose.spread", &settings.spread, &mut rng, hardness);
    let limit_blend = record.draw("pose.limit_blend", &settings.limit_blend, &mut rng, hardness).clamp(0.0, 1.0);
    let angles = joint_angles(figure, hardness, spread, limit_blend, &mut rng);
    let tilt = Vec2::new(
        record.draw("pose.tilt_x_deg", &settings.tilt_deg, &mut rng, hardness),
        record.draw("pose.tilt_z_deg", &settings.tilt_deg, &mut rng, hardness),
    );
    let orientation = Quat::from_rotation_x(tilt.x.to_radians()) * Quat::from_rotation_z(tilt.y.to_radians());
    stand(figure, shape, angles, orientation, Vec2::ZERO)
}

/// The other figures, beside, behind and in front of it.
pub(super) fn crowd(
    scene: &Scene,
    keys: &Keys,
    record: &mut Recorder,
    camera: &Camera,
    backdrop: &Backdrop,
    blend: f32,
    hardness: f32,
) -> Vec<FigureSample> {
    let settings = &scene.randomizers.crowd;
    let mut rng = keys.stream("crowd");
    let count = record.draw("crowd.count", &settings.count, &mut rng, hardness).round().clamp(0.0, 8.0) as usize;
    let (right, away) = ground_axes(camera);
    (0..count)
        .map(|_| {
            let side = if rng.random::<bool>() { 1.0 } else { -1.0 };
            let lateral = record.draw("crowd.lateral_m", &settings.lateral_m, &mut rng, hardness) * side;
            let behind = record.draw("crowd.behind_m", &settings.behind_m, &mut rng, hardness);
            let shape = body_shape(&scene.figure, &mut rng);
            let angles = joint_angles(&scene.figure, 0.3, 1.0, 0.1, &mut rng);
            let turn = Quat::from_rotation_y(rng.random::<f32>() * std::f32::consts::TAU);
            let mut figure = stand(&scene.figure, shape, angles, turn, right * lateral + away * behind);
            figure.part_colors = figure_colors(&scene.figure, backdrop, blend, &mut rng);
            figure
        })
        .collect()
}

/// Draws the scales of a body: size and girth from a truncated normal, the rest evenly.
fn body_shape(figure: &Figure, rng: &mut ChaCha8Rng) -> BodyShape {
    let mut between = |[low, high]: [f32; 2]| low + (high - low) * rng.random::<f32>();
    let ranges = &figure.shape;
    BodyShape {
        height: between(ranges.height),
        trunk: between(ranges.trunk),
        arm: between(ranges.arm),
        leg: between(ranges.leg),
        head: between(ranges.head),
        girth: between(ranges.girth),
    }
}

/// A base pose with its own spread, blended towards a random point within the joints' limits.
fn joint_angles(figure: &Figure, hardness: f32, spread: f32, limit_blend: f32, rng: &mut ChaCha8Rng) -> Vec<Vec3> {
    let weight = |pose: &BasePose| pose.weights[0] + (pose.weights[1] - pose.weights[0]) * hardness;
    let mut left = rng.random::<f32>() * figure.poses.iter().map(weight).sum::<f32>();
    let base = figure
        .poses
        .iter()
        .find(|pose| {
            left -= weight(pose);
            left < 0.0
        })
        .unwrap_or(&figure.poses[0]);
    let mirrored = rng.random::<bool>();
    let mut angles: Vec<Vec3> = figure
        .bones
        .iter()
        .enumerate()
        .map(|(i, bone)| {
            // The mirror image of a rotation keeps its x part and turns y and z round.
            if mirrored { base.angles[bone.twin] * Vec3::new(1.0, -1.0, -1.0) } else { base.angles[i] }
        })
        .collect();
    for (bone, angle) in figure.bones.iter().zip(&mut angles) {
        // Most joints stay near the base; some go far, as they do in people.
        let blend = limit_blend * rng.random::<f32>();
        for axis in 0..3 {
            let [low, high] = bone.limits[axis];
            let jitter: f32 = StandardNormal.sample(rng);
            let anywhere = low + (high - low) * rng.random::<f32>();
            let near = angle[axis] + jitter.clamp(-2.5, 2.5) * base.spread * spread;
            angle[axis] = near + (anywhere - near) * blend;
        }
    }
    clamp_to_limits(figure, &mut angles);
    angles
}

/// Poses a body with its lowest part on the ground and its root above `position` (x, z).
fn stand(figure: &Figure, shape: BodyShape, angles: Vec<Vec3>, orientation: Quat, position: Vec2) -> FigureSample {
    let mut pose = Pose { root: Vec3::new(position.x, 0.0, position.y), orientation, angles };
    let bones = solve(figure, &shape, &pose);
    let lift = Vec3::Y * -lowest_point(&place_parts(figure, &shape, &bones));
    pose.root += lift;
    let bones = solve(figure, &shape, &pose);
    FigureSample {
        parts: place_parts(figure, &shape, &bones),
        keypoints: place_keypoints(figure, &shape, &bones),
        shape,
        pose,
        part_colors: Vec::new(),
    }
}

/// Linear RGB per part; clothes go towards the backdrop's colours by `blend`.
pub(super) fn figure_colors(figure: &Figure, backdrop: &Backdrop, blend: f32, rng: &mut ChaCha8Rng) -> Vec<Vec3> {
    // Skin from pale to dark, along a line through measured tones (linear RGB), with a little of every hue.
    let tone = rng.random::<f32>();
    let skin = Vec3::new(0.72, 0.47, 0.36).lerp(Vec3::new(0.06, 0.028, 0.018), tone.sqrt());
    let skin = skin * (0.9 + 0.2 * rng.random::<f32>());
    let hairs = [
        Vec3::new(0.012, 0.010, 0.009),
        Vec3::new(0.06, 0.03, 0.015),
        Vec3::new(0.22, 0.12, 0.05),
        Vec3::new(0.55, 0.40, 0.18),
        Vec3::new(0.30, 0.08, 0.02),
        Vec3::new(0.45, 0.45, 0.46),
    ];
    let hair = if rng.random::<f32>() < 0.12 { skin * 0.92 } else { hairs[rng.random_range(0..hairs.len())] };
    let mut cloth = || {
        let hidden = backdrop.colors[rng.random_range(0..backdrop.colors.len())];
        any_color(rng).lerp(hidden, blend)
    };
    let (shirt, trousers, shoes) = (cloth(), cloth(), cloth());
    let long_sleeves = rng.random::<f32>();
    let shorts = rng.random::<f32>() < 0.3;
    figure
        .parts
        .iter()
        .map(|part| match figure.materials[part.material].as_str() {
            "hair" => hair,
            "eyes" => Vec3::splat(0.02),
            "lips" => skin * Vec3::new(0.8, 0.5, 0.5),
            "shirt" => shirt,
            "sleeves" if long_sleeves < 0.8 => shirt,
            "forearms" if long_sleeves < 0.4 => shirt,
            "shins" if !shorts => trousers,
            "trousers" => trousers,
            "shoes" => shoes,
            _ => skin,
        })
        .collect()
}
