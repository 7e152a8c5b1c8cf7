//! The arms: what each changes in the configuration of a run.

use crate::{ConfigError, RunConfig};

/// One arm of an ablation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// Its name, such as `ramp+paper`.
    pub name: String,
    settings: Vec<&'static str>,
}

/// A name, what it stands for, and the settings that it changes.
type Named = (&'static str, &'static str, &'static [&'static str]);

/// What every arm has in common: no weights of the losses, and a small uniform stream.
const COMMON: [&str; 3] =
    ["afl.mode=off", "curriculum.mix.uniform=0.05", "curriculum.mix.steered=0.95"];

/// What is drawn.
const POLICIES: [Named; 8] = [
    (
        "uniform",
        "every axis even over all of it, no curriculum",
        &["curriculum.steering=false", "curriculum.mix.uniform=1", "curriculum.mix.steered=0"],
    ),
    (
        "ramp",
        "every axis up to a reach that the schedule alone moves",
        &[
            "curriculum.policy=ramp",
            "curriculum.frontier.free=[1, 1]",
            "curriculum.frontier.level=0",
        ],
    ),
    (
        "sparse",
        "each axis free with probability 0.35, otherwise within its easiest quarter",
        &[
            "curriculum.policy=ramp",
            "curriculum.frontier.open_by=0",
            "curriculum.frontier.free=[0.35, 0.35]",
            "curriculum.frontier.rest=0.25",
            "curriculum.frontier.level=0",
        ],
    ),
    (
        "ramp+sparse",
        "the ramp, each axis free with probability 0.5, otherwise times 0.4",
        &[
            "curriculum.policy=ramp",
            "curriculum.frontier.free=[0.5, 0.5]",
            "curriculum.frontier.rest=0.4",
            "curriculum.frontier.level=0",
        ],
    ),
    (
        "schedule",
        "the default but for the signal: its reaches follow the schedule alone",
        &["curriculum.policy=ramp"],
    ),
    (
        "frontier-difficulty",
        "the frontier: its reaches grow the slower, the more an axis matters for the score",
        &["curriculum.policy=frontier", "curriculum.signal=difficulty"],
    ),
    (
        "frontier-error",
        "the same with the keypoint error in place of the score",
        &["curriculum.policy=frontier", "curriculum.signal=error"],
    ),
    (
        "frontier-permuted",
        "the placebo: the same with scores that are shuffled within the batch",
        &["curriculum.policy=frontier", "curriculum.signal=difficulty", "afl.permute_scores=true"],
    ),
];

/// How the losses are weighted, after a `+`.
const WEIGHTS: [Named; 7] = [
    (
        "calibrated",
        "AFL's calibrated weights from the start",
        &["afl.mode=calibrated", "afl.start=0", "afl.ramp=0.15"],
    ),
    ("paper", "AFL's weights as in the paper", &["afl.mode=paper"]),
    (
        "late",
        "AFL's calibrated weights in the last fifth alone",
        &["afl.mode=calibrated", "afl.start=0.8", "afl.ramp=0.1"],
    ),
    (
        "easy",
        "AFL's weights turned round: easy samples count more",
        &["afl.mode=calibrated", "afl.start=0", "afl.ramp=0.15", "afl.gamma=-0.5"],
    ),
    (
        "loss-weight",
        "weighted by the losses in place of the scores",
        &["afl.mode=loss", "afl.start=0", "afl.ramp=0.15"],
    ),
    ("ohkm", "the hardest half of a sample's keypoints added to the loss", &["loss=ohkm"]),
    ("focal", "the focal loss of each keypoint", &["loss=focal"]),
];

/// There is no such arm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no arm is called \"{name}\"; there are {}, each alone or with one of {}",
    names(&POLICIES, ""), names(&WEIGHTS, "+")
)]
pub struct ArmError {
    /// The name asked for.
    pub name: String,
}

/// The names, each after `sign`.
fn names(named: &[Named], sign: &str) -> String {
    named.iter().map(|(name, ..)| format!("{sign}{name}")).collect::<Vec<_>>().join(", ")
}

/// Every arm's name and what it stands for: what is drawn, then what may follow a `+`.
pub fn arms() -> impl Iterator<Item = (String, &'static str)> {
    let policies = POLICIES.iter().map(|(name, about, _)| ((*name).to_owned(), *about));
    policies.chain(WEIGHTS.iter().map(|(name, about, _)| (format!("+{name}"), *about)))
}

impl Arm {
    /// The arm called `name`.
    ///
    /// # Errors
    /// If there is none, with the names there are.
    pub fn by_name(name: &str) -> Result<Self, ArmError> {
        let find = |named: &'static [Named], name: &str| named.iter().find(|arm| arm.0 == name);
        let unknown = || ArmError { name: name.to_owned() };
        let (policy, weights) = match find(&POLICIES, name) {
            Some(policy) => (policy, None),
            None => {
                let (policy, weights) = name.rsplit_once('+').ok_or_else(unknown)?;
                let policy = find(&POLICIES, policy).ok_or_else(unknown)?;
                (policy, Some(find(&WEIGHTS, weights).ok_or_else(unknown)?))
            }
        };
        let settings = COMMON.iter().chain(policy.2).chain(weights.map_or(&[][..], |w| w.2));
        Ok(Arm { name: name.to_owned(), settings: settings.copied().collect() })
    }

    /// `base` as this arm changes it.
    ///
    /// # Errors
    /// If a setting does not fit the others of `base`.
    pub fn apply(&self, base: &RunConfig) -> Result<RunConfig, ConfigError> {
        let settings: Vec<String> = self.settings.iter().map(|text| (*text).to_owned()).collect();
        base.apply(&settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arm_is_a_valid_configuration_and_no_two_are_the_same() {
        let base = RunConfig::default();
        let mut seen: Vec<(String, RunConfig)> = Vec::new();
        for (policy, ..) in POLICIES {
            for suffix in std::iter::once(String::new()).chain(WEIGHTS.map(|w| format!("+{}", w.0)))
            {
                let name = format!("{policy}{suffix}");
                let arm = Arm::by_name(&name).unwrap();
                let config = arm.apply(&base).unwrap();
                let same = seen.iter().find(|(_, other)| *other == config);
                assert_eq!(same.map(|(other, _)| other), None, "{name}");
                seen.push((name, config));
            }
        }
    }

    #[test]
    fn unknown_arms_are_refused_with_the_names_there_are() {
        for name in ["", "even", "uniform+", "ramp+sparse+", "+late", "uniform+late+late"] {
            let message = Arm::by_name(name).unwrap_err().to_string();
            assert!(message.contains(&format!("\"{name}\"")), "{message}");
            assert!(message.contains("ramp+sparse") && message.contains("+late"), "{message}");
        }
    }
}
