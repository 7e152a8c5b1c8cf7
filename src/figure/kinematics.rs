//! Forward kinematics: from joint angles to bones, parts and keypoints in the world.

use super::{BodyShape, Bone, Figure, Part, RoundCone};
use glam::{Affine3A, EulerRot, Quat, Vec3};

/// A pose: where the root is and how every joint is turned.
#[derive(Clone, Debug, Default, PartialEq)]
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
        let turn = Quat::from_euler(EulerRot::XZY, angle.x, angle.z, angle.y);
        world_from_bone.push(match bone.parent {
            None => Affine3A::from_rotation_translation(pose.orientation * turn, pose.root),
            Some(parent) => {
                let width = Vec3::new(shape.width_scale(figure.bones[parent].width), 1.0, 1.0);
                let offset = bone.offset * width * shape.length_scale(bone.scale);
                world_from_bone[parent] * Affine3A::from_rotation_translation(turn, offset)
            }
        });
    }
    world_from_bone
}

/// The body's own parts in the world, in the figure's part order.
pub fn place_parts(figure: &Figure, shape: &BodyShape, bones: &WorldBones) -> Vec<RoundCone> {
    figure.parts[..figure.body_parts].iter().map(|part| place_part(figure, shape, bones, part, 0.0)).collect()
}

/// One part in the world, its radii `thicker` by so many metres.
pub(super) fn place_part(
    figure: &Figure,
    shape: &BodyShape,
    bones: &WorldBones,
    part: &Part,
    thicker: f32,
) -> RoundCone {
    let scale = figure.bones[part.bone].scale;
    let length = in_bone(figure, shape, part.bone);
    let radius = shape.radius_scale(scale, part.bulk);
    RoundCone {
        ends: part.ends.map(|end| bones[part.bone].transform_point3(end * length)),
        radii: part.radii.map(|r| r * radius + thicker),
    }
}

/// The factors that points in the frame of `bone` are multiplied by.
fn in_bone(figure: &Figure, shape: &BodyShape, bone: usize) -> Vec3 {
    let Bone { scale, width, .. } = figure.bones[bone];
    Vec3::new(shape.width_scale(width), 1.0, 1.0) * shape.length_scale(scale)
}

/// The keypoints of `figure` in the world, in label order.
pub fn place_keypoints(figure: &Figure, shape: &BodyShape, bones: &WorldBones) -> Vec<Vec3> {
    figure
        .keypoints
        .iter()
        .map(|keypoint| bones[keypoint.bone].transform_point3(keypoint.offset * in_bone(figure, shape, keypoint.bone)))
        .collect()
}

/// The lowest height that any part reaches, metres.
pub fn lowest_point(parts: &[RoundCone]) -> f32 {
    parts
        .iter()
        .flat_map(|part| part.ends.iter().zip(part.radii).map(|(end, radius)| end.y - radius))
        .fold(f32::INFINITY, f32::min)
}
