//! How rules are searched, and which of them count.

use crate::{error::FindingsError, factor::Factor, score::Score, term::factor_named};
use serde::{Deserialize, Serialize};

/// How rules are searched, and which of them count as findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// Splits the pictures into those that rules are searched in and those they are judged on.
    pub seed: u64,
    /// The most conditions of a rule, 1 to 4.
    pub conditions: usize,
    /// Rules of one length from which longer ones are made.
    pub beam: usize,
    /// The fewest pictures, in either half, in which a rule holds for a keypoint.
    pub least_pictures: usize,
    /// The least effective number of them (Kish), which unequal weights lower.
    pub least_effective: f64,
    /// The greatest share of the keypoints that a rule may take. What fails nearly everywhere is no
    /// blind spot.
    pub most_support: f64,
    /// The least difference of the losses, beyond that of findings before it.
    pub least_effect: f64,
    /// The probability, at most, that a table without any effect gives a finding.
    pub level: f64,
    /// The most findings.
    pub most_findings: usize,
    /// Whether lower losses are findings as well, as in a comparison of two networks.
    pub both_ways: bool,
    /// Factors whose own effect is known beforehand, such as which keypoint it is: it is taken out
    /// first, and they are in a rule only with others.
    pub given: Vec<String>,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            seed: 0,
            conditions: 3,
            beam: 40,
            least_pictures: 30,
            least_effective: 10.0,
            most_support: 0.6,
            least_effect: 0.03,
            level: 0.01,
            most_findings: 12,
            both_ways: false,
            given: Vec::new(),
        }
    }
}

impl Search {
    /// Checks the settings, and finds which of the factors are given.
    pub(crate) fn check(&self, factors: &[Factor]) -> Result<Vec<usize>, FindingsError> {
        let setting = |key, found: String, range| FindingsError::Setting { key, found, range };
        if !(1..=4).contains(&self.conditions) {
            return Err(setting("conditions", self.conditions.to_string(), "1 to 4"));
        }
        if !(1..=1000).contains(&self.beam) {
            return Err(setting("beam", self.beam.to_string(), "1 to 1000"));
        }
        if self.least_pictures < 2 {
            return Err(setting("least_pictures", self.least_pictures.to_string(), "at least 2"));
        }
        for (key, share) in [("most_support", self.most_support), ("level", self.level)] {
            if !(share > 0.0 && share <= 1.0) {
                return Err(setting(key, share.to_string(), "above 0 and at most 1"));
            }
        }
        for (key, least) in
            [("least_effective", self.least_effective), ("least_effect", self.least_effect)]
        {
            if !(least >= 0.0 && least.is_finite()) {
                return Err(setting(key, least.to_string(), "finite and at least 0"));
            }
        }
        self.given.iter().map(|name| factor_named(name, factors)).collect()
    }

    /// Whether a rule with this score is neither too small nor too large.
    pub(crate) fn takes(&self, score: &Score) -> bool {
        self.is_enough(score) && score.support <= self.most_support
    }

    /// Whether there are enough pictures to judge a rule with this score.
    pub(crate) fn is_enough(&self, score: &Score) -> bool {
        score.pictures >= self.least_pictures as f64 && score.effective >= self.least_effective
    }
}
