//! Forward kinematics: from joint angles to bones, parts and keypoints in the world.

use super::{BodyShape, Figure, RoundCone};
use glam::{Affine3A, EulerRot, Quat, Vec3};

/// A pose: where the root is and how every joint is turned.
#[derive(Clone, Debug, PartialEq)]
pub struct Pose {
    /// Position of the root bone, metres.
    pub root: Vec3,
    /// Orientation of the whole figure.
    pub orientation: Quat,
    /// Rotation of each bone about its parent's x, y and z axes, radians. They are applied as twist about y, then about
    /// x, then about z: for a limb that hangs down at rest, that is twist, flexion, abduction.
    pub angles: Vec<Vec3>,
}

/// `world_from_bone` for every bone.
pub type WorldBones = Vec<Affine3A>;

/// Moves every angle into its joint's limits.
pub fn clamp_to_limits(figure: &Figure, angles: &mut [Vec3]) {
    for (bone, angle) in figure.bones.iter().zip(angles) {
        for axis in 0..3 {
            let [low, high] = bone.limits[axis];
            angle[axis] = angle[axis].clamp(low, high);
        }
    }
}

/// The bones of `figure` in the world.
pub fn solve(figure: &Figure, shape: &BodyShape, pose: &Pose) -> WorldBones {
    let mut world_from_bone: WorldBones = Vec::with_capacity(figure.bones.len());
    for (bone, angle) in figure.bones.iter().zip(&pose.angles) {
        let turn = Quat::from_euler(EulerRot::ZXY, angle.z, angle.x, angle.y);
        world_from_bone.push(match bone.parent {
            None => Affine3A::from_rotation_translation(pose.orientation * turn, pose.root),
            Some(parent) => {
                let offset = bone.offset * shape.length_scale(bone.scale);
                world_from_bone[parent] * Affine3A::from_rotation_translation(turn, offset)
            }
        });
    }
    world_from_bone
}

/// The parts of `figure` in the world, in the figure's part order.
pub fn place_parts(figure: &Figure, shape: &BodyShape, bones: &WorldBones) -> Vec<RoundCone> {
    figure
        .parts
        .iter()
        .map(|part| {
            let scale = figure.bones[part.bone].scale;
            let length = shape.length_scale(scale);
            let radius = shape.radius_scale(scale);
            RoundCone {
                ends: part.ends.map(|end| bones[part.bone].transform_point3(end * length)),
                radii: part.radii.map(|r| r * radius),
            }
        })
        .collect()
}

/// The keypoints of `figure` in the world, in label order.
pub fn place_keypoints(figure: &Figure, shape: &BodyShape, bones: &WorldBones) -> Vec<Vec3> {
    figure
        .keypoints
        .iter()
        .map(|keypoint| {
            let length = shape.length_scale(figure.bones[keypoint.bone].scale);
            bones[keypoint.bone].transform_point3(keypoint.offset * length)
        })
        .collect()
}

/// The lowest height that any part reaches, metres.
pub fn lowest_point(parts: &[RoundCone]) -> f32 {
    parts
        .iter()
        .flat_map(|part| part.ends.iter().zip(part.radii).map(|(end, radius)| end.y - radius))
        .fold(f32::INFINITY, f32::min)
}
