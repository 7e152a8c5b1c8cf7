//! The settings that controls may change during a run.

use super::parts::Trainer;
use crate::curriculum;
use marionette_stream::{AXES, AxisDistribution, HardnessAxis, Policy};
use serde::{Deserialize, Serialize};

/// The settings that controls may change, with their current values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManualSettings {
    /// Whether the axes are steered.
    pub steering: bool,
    /// Exponent of the scores in the weights.
    pub gamma: f64,
    /// Factor on the learning rate.
    pub rate_factor: f64,
    /// Axes that are held, with the probabilities of their bins.
    pub locks: [Option<Vec<f32>>; AXES],
}

impl ManualSettings {
    /// The largest γ that can be set.
    pub const MOST_GAMMA: f64 = 8.0;
    /// The largest factor on the learning rate that can be set.
    pub const MOST_FACTOR: f64 = 10.0;

    /// The settings of a run that no control has touched, by the defaults.
    pub fn untouched() -> Self {
        ManualSettings {
            steering: true,
            gamma: 1.0,
            rate_factor: 1.0,
            locks: [const { None }; AXES],
        }
    }

    /// Moves every value into its sensible range. A value that is no number becomes the one in
    /// `before`. Returns a sentence for each change.
    pub fn clamped(mut self, before: &ManualSettings) -> (Self, Vec<String>) {
        let mut said = Vec::new();
        let mut clamp = |name: &str, value: &mut f64, old: f64, most: f64| {
            let wanted = *value;
            *value = if wanted.is_finite() { wanted.clamp(0.0, most) } else { old };
            if *value != wanted {
                said.push(format!("{name} {wanted} is beyond 0 to {most}: it is now {}", *value));
            }
        };
        clamp("gamma", &mut self.gamma, before.gamma, Self::MOST_GAMMA);
        clamp("learning-rate factor", &mut self.rate_factor, before.rate_factor, Self::MOST_FACTOR);
        for (axis, lock) in HardnessAxis::ALL.into_iter().zip(&mut self.locks) {
            let Some(shares) = lock else { continue };
            let bins = shares.len().max(1) as f32;
            let fit = |share: &f32| share.is_finite() && *share >= 0.0;
            let sum: f32 = shares.iter().filter(|share| fit(share)).sum();
            if !shares.iter().all(fit) || sum <= 0.0 {
                said.push(format!(
                    "a lock on {axis} needs shares of 0 or more that are not all 0: it is held \
                     even"
                ));
                shares.fill(1.0 / bins);
            } else {
                shares.iter_mut().for_each(|share| *share /= sum);
            }
        }
        (self, said)
    }
}

/// `policy` with the axes that are held by hand. If there are none, it stays the same.
pub(super) fn locked(mut policy: Policy, locks: &[Option<Vec<f32>>; AXES]) -> Policy {
    for (axis, lock) in locks.iter().enumerate() {
        if let Some(probabilities) = lock.as_ref().filter(|lock| !lock.is_empty()) {
            policy.axes[axis] = AxisDistribution { probabilities: probabilities.clone() };
            policy.freedom.chance[axis] = 1.0;
        }
    }
    policy
}

impl Trainer {
    /// The current settings.
    pub fn manual_settings(&self) -> ManualSettings {
        ManualSettings {
            steering: self.settings.curriculum.steering,
            gamma: self.settings.afl.gamma,
            rate_factor: self.rate_factor,
            locks: self.locks.clone(),
        }
    }

    /// Applies `settings` from the next step on; the batches in flight were sampled before. The
    /// values should be those of [`ManualSettings::clamped`].
    pub fn set_manual_settings(&mut self, settings: ManualSettings) {
        self.settings.curriculum.steering = settings.steering;
        self.settings.afl.gamma = settings.gamma;
        self.afl.set_gamma(settings.gamma);
        self.rate_factor = settings.rate_factor;
        self.locks = settings.locks;
    }

    /// The policy for the next batches: the controller's, where the axes that are held by hand have
    /// their locked distributions, and the focus of the policies before it.
    pub(super) fn next_policy(&self) -> Policy {
        let settings = &self.settings;
        let policy = curriculum::policy(&settings.curriculum, &self.controller, settings.steps);
        let focus = self.policies.back().and_then(|newest| newest.focus.clone());
        Policy { focus, ..locked(policy, &self.locks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_values_are_clamped_and_said_so() {
        let mut locks: [Option<Vec<f32>>; AXES] = Default::default();
        locks[0] = Some(vec![1.0, 3.0]);
        locks[1] = Some(vec![f32::NAN, 1.0]);
        let wild = ManualSettings {
            gamma: 1e30,
            rate_factor: f64::NAN,
            locks,
            ..ManualSettings::untouched()
        };
        let (tame, said) = wild.clamped(&ManualSettings::untouched());
        assert_eq!((tame.gamma, tame.rate_factor), (ManualSettings::MOST_GAMMA, 1.0));
        assert_eq!(
            (tame.locks[0].clone(), tame.locks[1].clone()),
            (Some(vec![0.25, 0.75]), Some(vec![0.5, 0.5]))
        );
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(
            ManualSettings::untouched().clamped(&ManualSettings::untouched()),
            (ManualSettings::untouched(), Vec::new())
        );
    }

    #[test]
    fn a_lock_holds_its_axis_and_no_lock_changes_nothing() {
        let policy = Policy::initial(Default::default(), 6);
        assert_eq!(locked(policy.clone(), &Default::default()), policy);
        let mut locks: [Option<Vec<f32>>; AXES] = Default::default();
        locks[2] = Some(vec![0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        locks[3] = Some(Vec::new());
        let held = locked(policy.clone(), &locks);
        assert_eq!(held.axes[2].probability_at(0.99), 1.0);
        assert_eq!((&held.axes[3], &held.axes[0]), (&policy.axes[3], &policy.axes[0]));
    }
}
