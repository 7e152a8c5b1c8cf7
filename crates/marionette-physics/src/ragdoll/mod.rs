//! Ragdolls: a sampled pose is let go for a short time. Gravity, the ground and the figure's
//! supports change it.
//!
//! Each figure has a rapier world of its own, built anew for each pose, so the result is a pure
//! function of the input. Bones are rigid bodies with their share of the mass and capsules for
//! their parts. Joints keep the limits of the figure file, in its own angles. The result is a
//! [`Pose`](marionette_figure::Pose) again, so parts and keypoints are placed as in any other pose.

mod body;
mod fault;
mod joint;
mod settle;
#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use settle::{settle, settled};
