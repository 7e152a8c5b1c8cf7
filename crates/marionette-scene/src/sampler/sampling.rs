//! What every randomizer needs: the scene, random streams, and the list of sampled values.

use crate::{Scene, distribution::Ramp};
use marionette_base::random;
use marionette_figure::{Pose, SettleStart};
use rand_chacha::ChaCha8Rng;

/// A function that lets a pose settle under gravity. It returns the settled pose, or `None` if the
/// simulation diverged.
///
/// It is a parameter, so that scenes can be read and sampled without a physics engine.
/// `marionette_physics::ragdoll` has the real one.
pub type SettleFn = fn(&SettleStart) -> Option<Pose>;

/// Where a sample's random streams come from.
pub(super) struct Keys {
    pub seed: u64,
    pub index: u64,
    pub attempt: u32,
}

/// Attempts after which lasting streams are sampled again, too.
const LASTING: u32 = 32;

impl Keys {
    fn stream(&self, name: &'static str) -> ChaCha8Rng {
        random::stream(self.seed, self.index, self.attempt, name)
    }

    /// A stream that stays the same over many attempts at a sample.
    pub(super) fn lasting_stream(&self, name: &'static str) -> ChaCha8Rng {
        random::stream(self.seed, self.index, self.attempt / LASTING, name)
    }
}

/// What every randomizer needs: the scene, the sample's random streams, and the parameters sampled
/// so far.
pub(super) struct Sampling<'a> {
    pub scene: &'a Scene,
    pub settle: SettleFn,
    pub keys: Keys,
    pub parameters: Vec<(&'static str, f32)>,
}

impl Sampling<'_> {
    /// The random stream of the randomizer `name`.
    pub(super) fn stream(&self, name: &'static str) -> ChaCha8Rng {
        self.keys.stream(name)
    }

    /// As [`Self::stream`], but the same over many attempts at a sample.
    pub(super) fn lasting_stream(&self, name: &'static str) -> ChaCha8Rng {
        self.keys.lasting_stream(name)
    }

    /// Samples the physical parameter `name` at `hardness`. The value is kept with the sample.
    pub(super) fn sample(
        &mut self,
        name: &'static str,
        ramp: &Ramp,
        rng: &mut ChaCha8Rng,
        hardness: f32,
    ) -> f32 {
        let value = ramp.sample(rng, hardness);
        self.parameters.push((name, value));
        value
    }
}
