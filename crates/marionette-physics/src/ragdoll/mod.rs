//! Ragdolls: a drawn pose is let go for a moment, and gravity, the ground and what carries the
//! figure finish it.
//!
//! Each figure has a rapier world of its own, built anew for each pose, so the outcome is a pure
//! function of what goes in. Bones are rigid bodies with their share of the mass and capsules for
//! their parts; joints keep the limits of the figure file, in its own angles. What comes out is a
//! [`Pose`] again: whatever places parts and keypoints need not know how it came about.

mod body;
mod joint;
#[cfg(test)]
mod tests;

use body::Ragdoll;
use glam::Vec3;
use marionette_figure::{
    Pose, SettleStart, lowest_point, nearest_angles, place_parts, solve, turn,
};

/// Fixed time step, seconds.
const STEP: f32 = 1.0 / 60.0;
/// Farthest that the two sides of a joint may be apart, metres.
const FARTHEST_APART: f32 = 0.02;
/// Farthest that a joint may be turned beyond its limits, radians. What is less is turned back.
const FARTHEST_BEYOND: f32 = 0.3;
/// Fastest that any bone may move, metres a second. Who falls from 2 m arrives with 6; a hand may
/// be twice as fast.
const FASTEST: f32 = 15.0;

/// Why a simulation is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A position is not finite.
    #[error("a bone flew off to infinity")]
    NotFinite,
    /// The two sides of a joint are apart.
    #[error("a joint came apart by more than {FARTHEST_APART} m")]
    Apart,
    /// A bone is turned beyond its limits.
    #[error("a joint was turned beyond its limits by more than {FARTHEST_BEYOND} radians")]
    BeyondLimits,
    /// A bone is faster than any that falls.
    #[error("a bone was faster than {FASTEST} m/s")]
    TooFast,
}

/// Lets a figure go, and returns the pose that it is in after the time.
///
/// # Errors
/// Where the simulation diverged.
pub fn settle(start: &SettleStart) -> Result<Pose, Fault> {
    let mut ragdoll = Ragdoll::new(start);
    for _ in 0..(start.seconds / STEP).round().max(1.0) as u32 {
        ragdoll.step()?;
    }
    let mut pose = start.pose.clone();
    let (root, rotation) = ragdoll.root();
    pose.root = root;
    pose.orientation = (rotation * turn(pose.angles[0]).inverse()).normalize();
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

/// As [`settle`], without saying why there is none: what a scene's sampler settles its figures
/// with.
pub fn settled(start: &SettleStart) -> Option<Pose> {
    settle(start).ok()
}

/// Makes up for the millimetres that joints were apart or beyond their limits: what is held is back
/// in its place, and nothing is below the ground.
fn put_back(start: &SettleStart, pose: &mut Pose) {
    let bones = solve(start.figure, start.shape, pose);
    if start.held.is_empty() {
        let below = lowest_point(&place_parts(start.figure, start.shape, &bones)).min(0.0);
        pose.root.y -= below.max(-FARTHEST_APART);
    } else {
        let before = solve(start.figure, start.shape, start.pose);
        let off = |(bone, point): &(usize, Vec3)| {
            before[*bone].transform_point3(*point) - bones[*bone].transform_point3(*point)
        };
        pose.root += start.held.iter().map(off).sum::<Vec3>() / start.held.len() as f32;
    }
}
