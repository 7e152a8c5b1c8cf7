//! Physics: props fall and come to rest, and rays decide whether a scene can be solved at all.
//!
//! Each sample has a small rapier world of its own, so a sample's outcome never depends on its
//! neighbours, and worlds can be stepped in parallel. Figures stand still in it: their parts are
//! fixed capsules (a round cone's mean radius), which is close enough for contacts and for deciding
//! solvability; labels are taken from the pixels later.

mod contact;
pub mod ragdoll;
mod solvability;
mod world;

pub use contact::{floating, prop_penetration};
pub use solvability::{MOST_ATTEMPTS, Solvability, Unsolvable};
pub use world::{Owner, SceneWorld};
