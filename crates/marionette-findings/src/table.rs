//! Judged keypoints, with the factors of their pictures and their own.

use crate::{
    error::FindingsError,
    factor::{Factor, UNKNOWN, Values},
    rule::Rule,
    term::{Term, bind},
};
use std::collections::BTreeSet;

/// A keypoint that was judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keypoint {
    /// The index of its picture.
    pub picture: u32,
    /// 1 where it was missed, 0 where it was found. To compare two networks, what the one lost less
    /// what the other did: -1, 0 or 1.
    pub loss: f32,
}

/// Pictures with their weights, keypoints with their losses, and the factors of both.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    weights: Vec<f32>,
    keypoints: Vec<Keypoint>,
    /// Those of the pictures, then those of the keypoints.
    factors: Vec<Factor>,
    of_pictures: usize,
}

impl Table {
    /// A table of pictures that count with their `weights`, one each, and whose factors have one
    /// value per picture; and of keypoints, whose factors have one value per keypoint. Importance
    /// weights (how much more often the population has such a picture than the sample) make all
    /// that is said hold for the population; only their ratios matter.
    ///
    /// # Errors
    /// If lengths differ, an index or a number is out of range, two factors have the same name, or
    /// no keypoint has any weight.
    pub fn new(
        weights: Vec<f32>,
        picture_factors: Vec<Factor>,
        keypoints: Vec<Keypoint>,
        keypoint_factors: Vec<Factor>,
    ) -> Result<Self, FindingsError> {
        let bad = |weight: &f32| !weight.is_finite() || *weight < 0.0;
        if let Some(picture) = weights.iter().position(bad) {
            return Err(FindingsError::Weight { picture, weight: weights[picture] });
        }
        let pictures = weights.len();
        for (row, keypoint) in keypoints.iter().enumerate() {
            if keypoint.picture as usize >= pictures {
                let picture = keypoint.picture;
                return Err(FindingsError::Picture { keypoint: row, picture, pictures });
            }
            if !keypoint.loss.is_finite() {
                return Err(FindingsError::Loss { keypoint: row, loss: keypoint.loss });
            }
        }
        if !keypoints.iter().any(|keypoint| weights[keypoint.picture as usize] > 0.0) {
            return Err(FindingsError::Empty);
        }
        for (factors, of, expected) in [
            (&picture_factors, "pictures", pictures),
            (&keypoint_factors, "keypoints", keypoints.len()),
        ] {
            factors.iter().try_for_each(|factor| check_factor(factor, of, expected))?;
        }
        let of_pictures = picture_factors.len();
        let factors: Vec<Factor> = picture_factors.into_iter().chain(keypoint_factors).collect();
        check_names("factors", factors.iter().map(|factor| factor.name.as_str()))?;
        Ok(Self { weights, keypoints, factors, of_pictures })
    }

    /// The pictures' weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The keypoints.
    pub fn keypoints(&self) -> &[Keypoint] {
        &self.keypoints
    }

    /// The factors that have one value per picture.
    pub fn picture_factors(&self) -> &[Factor] {
        &self.factors[..self.of_pictures]
    }

    /// The factors that have one value per keypoint.
    pub fn keypoint_factors(&self) -> &[Factor] {
        &self.factors[self.of_pictures..]
    }

    /// For which of the keypoints the rule holds.
    ///
    /// # Errors
    /// If the rule names a factor or a category that is not in this table.
    pub fn holding(&self, rule: &Rule) -> Result<Vec<bool>, FindingsError> {
        let terms = self.bind(rule)?;
        let rows = self.keypoints.iter().enumerate();
        Ok(rows.map(|(row, k)| self.hold(&terms, k.picture as usize, row)).collect())
    }

    /// The rule's terms for this table.
    pub(crate) fn bind(&self, rule: &Rule) -> Result<Vec<Term>, FindingsError> {
        bind(rule, &self.factors)
    }

    /// The rule of these terms. Conditions on keypoints come first, as the subject.
    pub(crate) fn rule_of(&self, terms: &[Term]) -> Rule {
        let (pictures, keypoints): (Vec<&Term>, Vec<&Term>) =
            terms.iter().partition(|term| self.is_of_pictures(term.factor));
        let ordered = keypoints.into_iter().chain(pictures);
        Rule { conditions: ordered.map(|term| term.named(&self.factors)).collect() }
    }

    /// All factors: those of the pictures first.
    pub(crate) fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// Whether a factor has one value per picture.
    pub(crate) fn is_of_pictures(&self, factor: usize) -> bool {
        factor < self.of_pictures
    }

    /// Whether all terms hold for a keypoint, given by its row and its picture.
    pub(crate) fn hold(&self, terms: &[Term], picture: usize, row: usize) -> bool {
        terms.iter().all(|term| {
            let entry = if self.is_of_pictures(term.factor) { picture } else { row };
            term.holds(&self.factors[term.factor], entry)
        })
    }
}

fn check_factor(factor: &Factor, of: &'static str, expected: usize) -> Result<(), FindingsError> {
    let name = || factor.name.clone();
    let found = factor.len();
    if found != expected {
        return Err(FindingsError::Length { factor: name(), found, expected, of });
    }
    match &factor.values {
        Values::Numbers { values, .. } => match values.iter().position(|v| v.is_infinite()) {
            Some(entry) => Err(FindingsError::Infinite { factor: name(), entry }),
            None => Ok(()),
        },
        Values::Categories { names, entries } => {
            let what = format!("categories of factor \"{}\"", factor.name);
            check_names(&what, names.iter().map(String::as_str))?;
            let bad = |&category: &u16| category != UNKNOWN && category as usize >= names.len();
            match entries.iter().position(bad) {
                Some(entry) => Err(FindingsError::Category {
                    factor: name(),
                    entry,
                    category: entries[entry],
                    categories: names.len(),
                }),
                None => Ok(()),
            }
        }
    }
}

fn check_names<'n>(
    what: &str,
    mut names: impl Iterator<Item = &'n str>,
) -> Result<(), FindingsError> {
    let mut seen = BTreeSet::new();
    match names.find(|name| !seen.insert(*name)) {
        Some(name) => Err(FindingsError::Twice { what: what.to_owned(), name: name.to_owned() }),
        None => Ok(()),
    }
}
