//! From the rotations of a motion capture's joints to the joint angles of a figure.

use super::{names::Map, parse::Bvh};
use crate::{BodyShape, Figure, Pose, nearest_angles, solve};
use glam::{EulerRot, Mat3, Quat, Vec3};
use std::f32::consts::{PI, TAU};

/// A bone in the middle is only turned to lie as its joint does at rest if they differ by more,
/// radians: trunks are drawn straight or curved, and both stand upright.
const SLANTED: f32 = 0.5;
/// A root that is tilted more has no place among families that stand, radians.
const TUMBLED: f32 = 1.05;
/// Rounds in which the angles within limits that are nearest to a rotation are looked for.
const ROUNDS: u32 = 16;

/// How the joints of a file lead the bones of a figure.
pub(super) struct Retarget<'a> {
    figure: &'a Figure,
    /// The joint that leads each bone.
    joints: Vec<Option<usize>>,
    /// `figure_from_file`: axes of the file's world in the figure's.
    upright: Quat,
    /// What turns each bone from the figure's rest to the file's, in the figure's axes.
    to_rest: Vec<Quat>,
    /// `rest_from_bone` of each bone.
    rest: Vec<Quat>,
}

impl<'a> Retarget<'a> {
    pub fn new(figure: &'a Figure, bvh: &Bvh, map: &Map) -> Self {
        let bones = &figure.bones;
        let shape = BodyShape::default();
        let world = solve(figure, &shape, &Pose::at_rest(figure));
        let rest: Vec<Quat> =
            world.iter().map(|bone| Quat::from_mat3a(&bone.matrix3).normalize()).collect();
        let places: Vec<Vec3> = world.iter().map(|bone| bone.translation.into()).collect();
        let upright = axes(bvh, figure, map);
        let file_places: Vec<Vec3> = bvh.rest().into_iter().map(|at| upright * at).collect();
        let mut to_rest = vec![Quat::IDENTITY; bones.len()];
        for bone in 0..bones.len() {
            let Some(joint) = map.joints[bone] else {
                to_rest[bone] = bones[bone].parent.map_or(Quat::IDENTITY, |p| to_rest[p]);
                continue;
            };
            // The bones that are led by joints below, whatever is between.
            let below = (0..bones.len()).filter(|other| {
                *other != bone
                    && above(*other, |bone| bones[bone].parent).any(|other| other == bone)
                    && map.joints[*other].is_some_and(|other| {
                        above(other, |joint| bvh.joints[joint].parent).any(|other| other == joint)
                    })
            });
            let next = below.min_by_key(|other| above(*other, |b| bones[b].parent).count());
            let directions = next.and_then(|next| {
                let ours = (places[next] - places[bone]).try_normalize()?;
                let theirs = file_places[map.joints[next]?] - file_places[joint];
                Some((ours, theirs.try_normalize()?))
            });
            to_rest[bone] = match directions {
                Some((ours, theirs)) => {
                    let middle = bones[bone].twin == bone;
                    match middle && ours.angle_between(theirs) < SLANTED {
                        true => Quat::IDENTITY,
                        false => Quat::from_rotation_arc(ours, theirs),
                    }
                }
                // A hand goes on as the forearm, a toe as the foot.
                None => bones[bone].parent.map_or(Quat::IDENTITY, |parent| to_rest[parent]),
            };
        }
        Retarget { figure, joints: map.joints.clone(), upright, to_rest, rest }
    }

    /// The figure's angles in a frame, radians, within limits; near `last` where several sets
    /// stand for one rotation. `None` where the figure lies or tumbles.
    pub fn angles(&self, bvh: &Bvh, frame: &[f32], last: Option<&[Vec3]>) -> Option<Vec<Vec3>> {
        let bones = &self.figure.bones;
        let turned = bvh.turned(frame);
        let ours = |joint: usize| self.upright * turned[joint] * self.upright.inverse();
        let root = self.joints[0].map_or(Quat::IDENTITY, ours);
        if (root * Vec3::Y).angle_between(Vec3::Y) > TUMBLED {
            return None;
        }
        // Which way it walks does not matter.
        let ahead = root * Vec3::Z;
        let heading = Quat::from_rotation_y(-ahead.x.atan2(ahead.z));
        let mut from_rest: Vec<Quat> = Vec::with_capacity(bones.len());
        let mut angles: Vec<Vec3> = Vec::with_capacity(bones.len());
        for (index, bone) in bones.iter().enumerate() {
            let parent = bone.parent.map_or(Quat::IDENTITY, |parent| from_rest[parent]);
            let Some(joint) = self.joints[index] else {
                // A bone without a joint keeps its place on its parent.
                from_rest.push(parent);
                angles.push(within(bone.limits, Vec3::ZERO));
                continue;
            };
            let wanted = (heading * ours(joint) * self.to_rest[index]).normalize();
            from_rest.push(wanted);
            let rest = self.rest[index];
            let turn = (rest.inverse() * parent.inverse() * wanted * rest).normalize();
            let near = last.map_or(Vec3::ZERO, |last| last[index]);
            let guess = within(bone.limits, euler_near(turn, near));
            angles.push(nearest_angles(&bone.limits, turn, guess, ROUNDS));
        }
        Some(angles)
    }
}

/// A bone or joint and all that it hangs on.
fn above(from: usize, parent: impl Fn(usize) -> Option<usize>) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(from), move |at| parent(*at))
}

fn within(limits: [[f32; 2]; 3], angles: Vec3) -> Vec3 {
    angles.clamp(limits.map(|[low, _]| low).into(), limits.map(|[_, high]| high).into())
}

/// The angles of a rotation that are nearer to `near`: two sets stand for each.
fn euler_near(turn: Quat, near: Vec3) -> Vec3 {
    let (x, z, y) = turn.to_euler(EulerRot::XZY);
    let around = |angles: Vec3| angles - ((angles - near) / TAU).round() * TAU;
    let [a, b] = [Vec3::new(x, y, z), Vec3::new(x + PI, y + PI, PI - z)].map(around);
    if b.distance(near) + 1e-4 < a.distance(near) { b } else { a }
}

/// The file's axes in the figure's: its trunk points up, and its left is on the left. Files have
/// y or z up, and face any way along an axis.
fn axes(bvh: &Bvh, figure: &Figure, map: &Map) -> Quat {
    let places = bvh.rest();
    let place = |bone: usize| map.joints[bone].map(|joint| places[joint]);
    let (mut up, mut left) = (Vec3::ZERO, Vec3::ZERO);
    let world = solve(figure, &BodyShape::default(), &Pose::at_rest(figure));
    for (index, bone) in figure.bones.iter().enumerate() {
        let Some(at) = place(index) else { continue };
        let parent = bone.parent.and_then(|parent| Some((parent, place(parent)?)));
        if let Some((parent, from)) = parent.filter(|_| bone.twin == index) {
            // Trunks point up, tails back: each bone says as much about up as it points there.
            let ours = world[index].translation - world[parent].translation;
            up += (at - from).normalize_or_zero() * Vec3::from(ours).normalize_or_zero().y;
        }
        if bone.twin != index
            && bone.name.starts_with("left_")
            && let Some(other) = place(bone.twin)
        {
            left += (at - other).normalize_or_zero();
        }
    }
    let up = nearest_axis(up).unwrap_or(Vec3::Y);
    let left = nearest_axis(left - up * left.dot(up)).unwrap_or(match up.y.abs() > 0.5 {
        true => Vec3::X * up.y,
        false => Vec3::X,
    });
    Quat::from_mat3(&Mat3::from_cols(left, up, left.cross(up)).transpose())
}

/// The axis of the file's world that a direction is nearest to; `None` of no direction.
fn nearest_axis(direction: Vec3) -> Option<Vec3> {
    let longest = direction.abs().max_element();
    (longest > 1e-3).then(|| {
        let axis = (0..3).find(|axis| direction[*axis].abs() == longest).unwrap_or(1);
        let mut found = Vec3::ZERO;
        found[axis] = direction[axis].signum();
        found
    })
}
