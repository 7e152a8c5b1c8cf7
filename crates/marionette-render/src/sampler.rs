//! The sampler that the renderer's callers share.

use marionette_physics::ragdoll;
use marionette_scene::{Sampler, Scene};

/// The sampler of `scene` whose figures settle as ragdolls.
pub fn sampler(scene: &Scene) -> Sampler<'_> {
    Sampler::new(scene, ragdoll::settled)
}
