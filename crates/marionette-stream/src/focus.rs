//! Samples that are drawn for what a model fails on.

use super::{AXES, AxisDistribution, Circumstance, Hardness, SceneSample};
use serde::{Deserialize, Serialize};

/// Attempts after which a sample is no longer held to what is wanted: hardness and circumstances
/// may not go together.
pub const MOST_FOCUSED_ATTEMPTS: u32 = 256;

/// What a share of the samples is drawn for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Focus {
    /// The share of all samples, 0 to 1.
    pub share: f32,
    /// What they show, one of these each.
    pub wanted: Vec<Wanted>,
}

/// What some samples are to show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Its number among the findings of the audit that asks for it, from 1; 0 if it has none.
    #[serde(default)]
    pub finding: u32,
    /// What it is, in words.
    pub words: String,
    /// How many of the focused samples are drawn for it: a weight beside those of the others.
    pub weight: f32,
    /// How hard such samples are, per axis.
    pub axes: [AxisDistribution; AXES],
    /// What holds of them, all of it.
    pub circumstances: Vec<Circumstance>,
}

impl Focus {
    /// What a sample is drawn for, by `u` in [0, 1).
    pub fn pick(&self, u: f32) -> Option<&Wanted> {
        let mut left = u * self.wanted.iter().map(|wanted| wanted.weight).sum::<f32>();
        let reached = self.wanted.iter().find(|wanted| {
            left -= wanted.weight;
            left < 0.0
        });
        reached.or(self.wanted.last())
    }
}

impl Wanted {
    /// The hardness of such a sample, by `draws` in [0, 1), one per axis.
    pub fn hardness(&self, draws: &Hardness) -> Hardness {
        std::array::from_fn(|axis| self.axes[axis].quantile(draws[axis]))
    }

    /// The families of poses of which one is asked for; none if any will do.
    pub fn families(&self) -> Vec<usize> {
        let families = self.circumstances.iter().map(Circumstance::families);
        families.into_iter().find(|families| !families.is_empty()).unwrap_or_default()
    }

    /// Whether all that is wanted holds of `sample`.
    pub fn holds(&self, sample: &SceneSample) -> bool {
        self.circumstances.iter().all(|circumstance| circumstance.holds(sample))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weighs_more_is_picked_more_often() {
        let wanted = |weight: f32| Wanted {
            finding: 0,
            words: format!("{weight}"),
            weight,
            axes: std::array::from_fn(|_| AxisDistribution::uniform(1)),
            circumstances: Vec::new(),
        };
        let focus = Focus { share: 0.5, wanted: vec![wanted(1.0), wanted(0.0), wanted(3.0)] };
        let picked = |u: f32| focus.pick(u).map(|wanted| wanted.words.as_str());
        assert_eq!(
            [0.0, 0.24, 0.26, 0.999].map(picked),
            [Some("1"), Some("1"), Some("3"), Some("3")]
        );
        assert_eq!(Focus { share: 1.0, wanted: Vec::new() }.pick(0.5), None);
    }
}
