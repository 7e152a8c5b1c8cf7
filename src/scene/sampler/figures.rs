//! Bodies and poses.

use super::{Keys, Recorder, clothes, framing::ground_axes};
use crate::{
    figure::{BasePose, BodyShape, Figure, Pose, clamp_to_limits, lowest_point, place_parts, solve},
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
    let shape = figure.shape.draw(&mut keys.stream("body"));
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
            let shape = scene.figure.shape.draw(&mut rng);
            let angles = joint_angles(&scene.figure, 0.3, 1.0, 0.1, &mut rng);
            let turn = Quat::from_rotation_y(rng.random::<f32>() * std::f32::consts::TAU);
            let mut figure = stand(&scene.figure, shape, angles, turn, right * lateral + away * behind);
            clothes::dress(&scene.figure, &mut figure, backdrop, blend, &mut rng);
            figure
        })
        .collect()
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
    pose.root += Vec3::Y * -lowest_point(&place_parts(figure, &shape, &bones));
    FigureSample { shape, pose, ..FigureSample::default() }
}
