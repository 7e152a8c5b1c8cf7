//! Conditions that are bound to the factors of a table: indices in place of names.

use crate::{
    error::FindingsError,
    factor::{Factor, UNKNOWN, Values},
    rule::{Condition, Rule, Test, wrong_kind},
};

/// A condition by the factor's index in its table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Term {
    pub factor: usize,
    pub ask: Ask,
}

/// What a factor must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ask {
    Is(u16),
    AtLeast(f32),
    Below(f32),
}

impl Term {
    /// Whether it holds for an entry of its factor.
    pub fn holds(&self, factor: &Factor, entry: usize) -> bool {
        match (&factor.values, self.ask) {
            (Values::Numbers { values, .. }, Ask::AtLeast(cut)) => values[entry] >= cut,
            (Values::Numbers { values, .. }, Ask::Below(cut)) => values[entry] < cut,
            (Values::Categories { entries, .. }, Ask::Is(category)) => entries[entry] == category,
            _ => false,
        }
    }

    /// Whether the two say the same but for where a number is cut.
    pub fn is_alike(&self, other: &Term) -> bool {
        self.factor == other.factor
            && match (self.ask, other.ask) {
                (Ask::Is(a), Ask::Is(b)) => a == b,
                (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
            }
    }

    /// Whether the two may stand in one rule: about one factor, only as a range of numbers.
    pub fn goes_with(&self, other: &Term) -> bool {
        self.factor != other.factor
            || match (self.ask, other.ask) {
                (Ask::AtLeast(low), Ask::Below(high)) | (Ask::Below(high), Ask::AtLeast(low)) => {
                    low < high
                }
                _ => false,
            }
    }

    /// The condition by names, with its words.
    pub fn named(&self, factors: &[Factor]) -> Condition {
        let factor = &factors[self.factor];
        let (test, words) = match self.ask {
            Ask::Is(category) => {
                let name = factor.category(category);
                (Test::Is(name.to_owned()), name.to_owned())
            }
            Ask::AtLeast(cut) => (Test::AtLeast(cut), factor.said_of("at least", cut)),
            Ask::Below(cut) => (Test::Below(cut), factor.said_of("below", cut)),
        };
        Condition { factor: factor.name.clone(), test, words }
    }
}

/// The rule's terms for these factors.
pub(crate) fn bind(rule: &Rule, factors: &[Factor]) -> Result<Vec<Term>, FindingsError> {
    rule.conditions.iter().map(|condition| bind_one(condition, factors)).collect()
}

fn bind_one(condition: &Condition, factors: &[Factor]) -> Result<Term, FindingsError> {
    let factor = factor_named(&condition.factor, factors)?;
    let ask = match (&condition.test, &factors[factor].values) {
        (Test::Is(name), Values::Categories { names, .. }) => {
            let unknown = || FindingsError::UnknownCategory {
                factor: condition.factor.clone(),
                category: name.clone(),
                known: names.join(", "),
            };
            let mut known = (0..UNKNOWN).zip(names);
            let (category, _) = known.find(|(_, known)| *known == name).ok_or_else(unknown)?;
            Ask::Is(category)
        }
        (Test::AtLeast(cut), Values::Numbers { .. }) => Ask::AtLeast(*cut),
        (Test::Below(cut), Values::Numbers { .. }) => Ask::Below(*cut),
        (test, Values::Numbers { .. }) => return Err(wrong_kind(condition, test, "numbers")),
        (test, Values::Categories { .. }) => return Err(wrong_kind(condition, test, "categories")),
    };
    Ok(Term { factor, ask })
}

/// The index of the factor of this name.
pub(crate) fn factor_named(name: &str, factors: &[Factor]) -> Result<usize, FindingsError> {
    factors.iter().position(|factor| factor.name == name).ok_or_else(|| {
        let known: Vec<&str> = factors.iter().map(|factor| factor.name.as_str()).collect();
        FindingsError::UnknownFactor { factor: name.to_owned(), known: known.join(", ") }
    })
}
