//! Ragdolls: a drawn pose is let go for a moment, and gravity, the ground and what carries the
//! figure finish it.
//!
//! Each figure has a rapier world of its own, built anew for each pose, so the outcome is a pure
//! function of what goes in. Bones are rigid bodies with their share of the mass and capsules for
//! their parts; joints keep the limits of the figure file, in its own angles. What comes out is a
//! [`Pose`](marionette_figure::Pose) again: whatever places parts and keypoints need not know how it came about.

mod body;
mod fault;
mod joint;
mod settle;
#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use settle::{settle, settled};
