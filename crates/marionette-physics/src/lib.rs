//! Physics: props fall and come to rest, poses settle, and rays decide whether a sample can be
//! labelled at all.
//!
//! A [`SceneWorld`] is the rapier world of one sample, in which props fall. [`ragdoll`] lets a
//! figure fall or sag from a sampled pose. [`Solvability`] rejects samples that nobody could label,
//! and tries again. Each sample has a small world of its own, so a result never depends on other
//! samples, and worlds can be stepped in parallel. In a [`SceneWorld`], figures are fixed: their
//! parts are capsules with a round cone's mean radius, which is exact enough for contacts and
//! solvability. Labels are taken from the pixels later.
//!
//! ```
//! use marionette_physics::{Solvability, ragdoll};
//! use marionette_scene::{Sampler, load_scene};
//!
//! let scene = load_scene("quickstart")?;
//! let sampler = Sampler::new(&scene, ragdoll::settled);
//! let solvability = Solvability::new(scene.figure.clone());
//! let sample = solvability
//!     .first_solvable(0, |attempt| sampler.sample_at([0.3; 8], 1, 0, attempt))?;
//! println!("solvable at attempt {}", sample.attempt);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod contact;
pub mod ragdoll;
mod solvability;
mod world;

pub use contact::{floating, prop_penetration};
pub use solvability::{MOST_ATTEMPTS, Solvability, Unsolvable};
pub use world::{Owner, SceneWorld};
