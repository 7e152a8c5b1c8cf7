//! Forward kinematics: from joint angles to bones, parts and keypoints in the world.

use super::{BodyShape, Bone, Figure, Follows, Freedom, Part, RoundCone};
use glam::{Affine3A, EulerRot, Mat3, Quat, Vec3};

/// A pose: where the root is and how every joint is turned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pose {
    /// Position of the root bone, metres.
    pub root: Vec3,
    /// Orientation of the whole figure.
    pub orientation: Quat,
    /// Rotation of each bone about its parent's x, y and z axes, radians. They are applied as twist
    /// about y, then about x, then about z: for a limb that hangs down at rest, that is twist,
    /// flexion, abduction.
    pub angles: Vec<Vec3>,
    /// Shift of each bone along its own axes at rest, metres. Empty where no joint slides.
    pub slides: Vec<Vec3>,
}

impl Pose {
    /// The figure as its file has it: every angle 0, the root at the origin.
    pub fn at_rest(figure: &Figure) -> Self {
        Pose {
            angles: vec![Vec3::ZERO; figure.bones.len()],
            slides: figure.no_slides(),
            ..Pose::default()
        }
    }
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

/// Moves every joint into its limits, and those that follow others to where these move them.
pub fn keep_to_joints(figure: &Figure, pose: &mut Pose) {
    clamp_to_limits(figure, &mut pose.angles);
    for (bone, slide) in figure.bones.iter().zip(&mut pose.slides) {
        let [low, high] = [0, 1].map(|end| Vec3::from(bone.slides.map(|range| range[end])));
        *slide = slide.clamp(low, high);
    }
    for (index, bone) in figure.bones.iter().enumerate() {
        let Some(Follows { bone: leader, factor, offset }) = bone.follows else { continue };
        for freedom in bone.freedoms() {
            let (values, ranges, axis) = match freedom {
                Freedom::Turn(axis) => (&mut pose.angles, &bone.limits, axis),
                Freedom::Slide(axis) => (&mut pose.slides, &bone.slides, axis),
            };
            let [low, high] = ranges[axis];
            values[index][axis] = (values[leader][axis] * factor + offset).clamp(low, high);
        }
    }
}

/// The rotation that a bone's angles stand for, from its own frame into its parent's.
pub fn turn(angles: Vec3) -> Quat {
    Quat::from_euler(EulerRot::XZY, angles.x, angles.z, angles.y)
}

/// The angles within a joint's limits whose rotation is nearest to `rotation`, found from `guess`
/// in at most `rounds` rounds.
///
/// Several sets of angles can stand for one rotation: where z is near a right angle, x and y turn
/// about the same axis. The set near the guess is found.
pub fn nearest_angles(limits: &[[f32; 2]; 3], rotation: Quat, guess: Vec3, rounds: u32) -> Vec3 {
    /// Keeps the steps finite where two axes fall together.
    const DAMPING: f32 = 1e-4;
    let low = Vec3::from(limits.map(|[low, _]| low));
    let high = Vec3::from(limits.map(|[_, high]| high));
    let mut angles = guess.clamp(low, high);
    for _ in 0..rounds {
        let [about_x, about_z] = [Quat::from_rotation_x(angles.x), Quat::from_rotation_z(angles.z)];
        let left = rotation * turn(angles).inverse();
        let left = (if left.w < 0.0 { -left } else { left }).to_scaled_axis();
        if left.length_squared() < 1e-10 {
            break;
        }
        // The axes that the three angles turn about, in the parent's frame.
        let axes = Mat3::from_cols(Vec3::X, about_x * (about_z * Vec3::Y), about_x * Vec3::Z);
        let mut free = Vec3::ONE;
        let mut step = Vec3::ZERO;
        // Gauss-Newton. An angle that would go beyond its limit is held there, and the others make
        // up for it.
        for _ in 0..3 {
            let held = axes * Mat3::from_diagonal(free);
            let normal = held.transpose() * held
                + Mat3::from_diagonal(Vec3::splat(DAMPING) + (Vec3::ONE - free));
            step = normal.inverse() * (held.transpose() * left);
            let beyond = |axis: usize| {
                free[axis] > 0.0
                    && ((step[axis] < 0.0 && angles[axis] <= low[axis])
                        || (step[axis] > 0.0 && angles[axis] >= high[axis]))
            };
            let Some(axis) = (0..3).find(|axis| beyond(*axis)) else { break };
            free[axis] = 0.0;
        }
        angles = (angles + step.clamp_length_max(0.7)).clamp(low, high);
    }
    angles
}

/// The bones of `figure` in the world.
pub fn solve(figure: &Figure, shape: &BodyShape, pose: &Pose) -> WorldBones {
    let mut world_from_bone: WorldBones = Vec::with_capacity(figure.bones.len());
    for (index, (bone, angle)) in figure.bones.iter().zip(&pose.angles).enumerate() {
        let turn = bone.rest * turn(*angle);
        world_from_bone.push(match bone.parent {
            None => Affine3A::from_rotation_translation(pose.orientation * turn, pose.root),
            Some(parent) => {
                let width = Vec3::new(shape.scale(figure.bones[parent].width), 1.0, 1.0);
                let length = figure.shape.length_scale(shape, bone.scale);
                let slide = pose.slides.get(index).map_or(Vec3::ZERO, |by| bone.rest * *by);
                let offset = bone.offset * width * length + slide * length;
                world_from_bone[parent] * Affine3A::from_rotation_translation(turn, offset)
            }
        });
    }
    world_from_bone
}

/// The body's own parts in the world, in the figure's part order.
pub fn place_parts(figure: &Figure, shape: &BodyShape, bones: &WorldBones) -> Vec<RoundCone> {
    figure.parts[..figure.body_parts]
        .iter()
        .map(|part| place_part(figure, shape, bones, part, 0.0))
        .collect()
}

/// One part in the world. Its radii are larger by `thicker` metres.
pub(super) fn place_part(
    figure: &Figure,
    shape: &BodyShape,
    bones: &WorldBones,
    part: &Part,
    thicker: f32,
) -> RoundCone {
    let scale = figure.bones[part.bone].scale;
    let length = in_bone(figure, shape, part.bone);
    let radius = figure.shape.radius_scale(shape, scale, part.bulk);
    RoundCone {
        ends: part.ends.map(|end| bones[part.bone].transform_point3(end * length)),
        radii: part.radii.map(|r| r * radius + thicker),
    }
}

/// The factors that points in the frame of `bone` are multiplied by.
pub(crate) fn in_bone(figure: &Figure, shape: &BodyShape, bone: usize) -> Vec3 {
    let Bone { scale, width, .. } = figure.bones[bone];
    Vec3::new(shape.scale(width), 1.0, 1.0) * figure.shape.length_scale(shape, scale)
}

/// The keypoints of `figure` in the world, in label order.
pub fn place_keypoints(figure: &Figure, shape: &BodyShape, bones: &WorldBones) -> Vec<Vec3> {
    figure
        .keypoints
        .iter()
        .map(|keypoint| {
            bones[keypoint.bone]
                .transform_point3(keypoint.offset * in_bone(figure, shape, keypoint.bone))
        })
        .collect()
}

/// The bones that grip, left ones first, and the points where they hold something, in the bones'
/// frames, metres.
pub fn grips(figure: &Figure, shape: &BodyShape) -> Vec<(usize, Vec3)> {
    let gripping = figure.bones.iter().enumerate().filter_map(|(bone, Bone { grip, .. })| {
        grip.map(|point| (bone, point * in_bone(figure, shape, bone)))
    });
    let mut grips: Vec<(usize, Vec3)> = gripping.collect();
    grips.sort_by_key(|(bone, _)| figure.bones[*bone].name.starts_with("right_"));
    grips
}

/// The lowest height that any part reaches, metres.
pub fn lowest_point(parts: &[RoundCone]) -> f32 {
    parts
        .iter()
        .flat_map(|part| part.ends.iter().zip(part.radii).map(|(end, radius)| end.y - radius))
        .fold(f32::INFINITY, f32::min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use marionette_base::random::stream;
    use rand::Rng;

    #[test]
    fn a_rotation_within_limits_is_found_again_from_nearby_and_one_beyond_ends_on_the_limits() {
        let limits = [[-2.5, 1.3], [-0.8, 0.9], [-0.3, 1.5]];
        let mut rng = stream(1, 0, 0, "angles");
        for _ in 0..2000 {
            let angles = Vec3::from(limits.map(|[low, high]| rng.random_range(low..=high)));
            let guess = angles + Vec3::from([(); 3].map(|()| rng.random_range(-0.3..0.3)));
            let found = nearest_angles(&limits, turn(angles), guess, 12);
            assert!(
                turn(found).angle_between(turn(angles)) < 2e-2,
                "{angles} was taken for {found}"
            );
            let anything = turn(Vec3::from([(); 3].map(|()| rng.random_range(-3.0..3.0))));
            let found = nearest_angles(&limits, anything, guess, 12);
            assert!((0..3).all(|axis| (limits[axis][0]..=limits[axis][1]).contains(&found[axis])));
        }
        let knee = [[0.0, 2.6], [-0.2, 0.2], [0.0, 0.0]];
        let stretched =
            nearest_angles(&knee, Quat::from_rotation_x(-0.4), Vec3::new(0.3, 0.0, 0.0), 12);
        assert!(stretched.length() < 1e-3, "{stretched}");
    }
}
