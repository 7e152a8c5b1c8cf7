//! Lets a figure go and reads the pose that results.

use super::{
    body::{Ragdoll, STEP},
    fault::{FARTHEST_APART, FARTHEST_BEYOND, Fault},
};
use glam::Vec3;
use marionette_figure::{
    Pose, SettleStart, lowest_point, nearest_angles, place_parts, solve, turn,
};

/// Lets a figure go and returns its pose after the time.
///
/// # Errors
/// If the simulation diverged.
pub fn settle(start: &SettleStart) -> Result<Pose, Fault> {
    let mut ragdoll = Ragdoll::new(start);
    for _ in 0..(start.seconds / STEP).round().max(1.0) as u32 {
        ragdoll.step()?;
    }
    let mut pose = start.pose.clone();
    let (root, rotation) = ragdoll.root();
    pose.root = root;
    pose.orientation =
        (rotation * (start.figure.bones[0].rest * turn(pose.angles[0])).inverse()).normalize();
    for joint in ragdoll.joints() {
        let (rotation, apart) = ragdoll.measure(joint);
        if apart > FARTHEST_APART {
            return Err(Fault::Apart);
        }
        let angles =
            nearest_angles(&start.figure.bones[joint.bone].limits, rotation, joint.angles, 12);
        if turn(angles).angle_between(rotation) > FARTHEST_BEYOND {
            return Err(Fault::BeyondLimits);
        }
        pose.angles[joint.bone] = angles;
    }
    put_back(start, &mut pose);
    if pose.root.is_finite()
        && pose.orientation.is_finite()
        && pose.angles.iter().all(|angles| angles.is_finite())
    {
        Ok(pose)
    } else {
        Err(Fault::NotFinite)
    }
}

/// As [`settle`], without the reason for a failure: the function that a scene's sampler takes.
pub fn settled(start: &SettleStart) -> Option<Pose> {
    settle(start).ok()
}

/// Corrects the millimetres by which joints were apart or beyond their limits: held points go back
/// to their places, and no part is below the ground.
fn put_back(start: &SettleStart, pose: &mut Pose) {
    let bones = solve(start.figure, start.shape, pose);
    if start.held.is_empty() {
        let below = lowest_point(&place_parts(start.figure, start.shape, &bones)).min(0.0);
        pose.root.y -= below.max(-FARTHEST_APART * start.figure.stature);
    } else {
        let before = solve(start.figure, start.shape, start.pose);
        let off = |(bone, point): &(usize, Vec3)| {
            before[*bone].transform_point3(*point) - bones[*bone].transform_point3(*point)
        };
        pose.root += start.held.iter().map(off).sum::<Vec3>() / start.held.len() as f32;
    }
}
