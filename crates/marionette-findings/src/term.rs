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
    Among(Categories),
    AtLeast(f32),
    Below(f32),
}

/// Some of the first 64 categories of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Categories(u64);

impl Categories {
    /// How many categories of a factor can be in a set.
    pub const MOST: u16 = 64;

    /// These, of which those beyond the first 64 are left out.
    pub fn of(categories: impl IntoIterator<Item = u16>) -> Self {
        let few = categories.into_iter().filter(|category| *category < Self::MOST);
        Categories(few.fold(0, |set, category| set | 1 << category))
    }

    pub fn has(self, category: u16) -> bool {
        category < Self::MOST && self.0 >> category & 1 == 1
    }

    pub fn iter(self) -> impl Iterator<Item = u16> {
        (0..Self::MOST).filter(move |category| self.has(*category))
    }

    fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl Term {
    /// Whether it holds for an entry of its factor.
    pub fn holds(&self, factor: &Factor, entry: usize) -> bool {
        match (&factor.values, self.ask) {
            (Values::Numbers { values, .. }, Ask::AtLeast(cut)) => values[entry] >= cut,
            (Values::Numbers { values, .. }, Ask::Below(cut)) => values[entry] < cut,
            (Values::Categories { entries, .. }, Ask::Is(category)) => entries[entry] == category,
            (Values::Categories { entries, .. }, Ask::Among(set)) => set.has(entries[entry]),
            _ => false,
        }
    }

    /// The terms that this one of several categories is made of: each with a category less. None of
    /// another one.
    pub fn parts(&self) -> Vec<Term> {
        let Ask::Among(set) = self.ask else { return Vec::new() };
        let without = |left_out: u16| Categories::of(set.iter().filter(|one| *one != left_out));
        set.iter().map(|left_out| Term { ask: Ask::Among(without(left_out)), ..*self }).collect()
    }

    /// Whether it is about several categories.
    pub fn is_set(&self) -> bool {
        matches!(self.ask, Ask::Among(_))
    }

    /// Whether the two say the same but for where a number is cut, or share a category.
    pub fn is_alike(&self, other: &Term) -> bool {
        self.factor == other.factor
            && match (self.ask, other.ask) {
                (Ask::Is(a), Ask::Is(b)) => a == b,
                (Ask::Among(set), Ask::Is(one)) | (Ask::Is(one), Ask::Among(set)) => set.has(one),
                (Ask::Among(a), Ask::Among(b)) => a.overlaps(b),
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
            Ask::Among(set) => {
                let names: Vec<String> =
                    set.iter().map(|one| factor.category(one).to_owned()).collect();
                let words = names.join(" or ");
                (Test::AnyOf(names), words)
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
            Ask::Is(category_named(name, condition, names, UNKNOWN)?)
        }
        (Test::AnyOf(wanted), Values::Categories { names, .. }) => {
            let category = |name| category_named(name, condition, names, Categories::MOST);
            Ask::Among(Categories::of(wanted.iter().map(category).collect::<Result<Vec<_>, _>>()?))
        }
        (Test::AtLeast(cut), Values::Numbers { .. }) => Ask::AtLeast(*cut),
        (Test::Below(cut), Values::Numbers { .. }) => Ask::Below(*cut),
        (test, Values::Numbers { .. }) => return Err(wrong_kind(condition, test, "numbers")),
        (test, Values::Categories { .. }) => return Err(wrong_kind(condition, test, "categories")),
    };
    Ok(Term { factor, ask })
}

/// The index of the category called `name`, among the first `most`.
fn category_named(
    name: &String,
    condition: &Condition,
    names: &[String],
    most: u16,
) -> Result<u16, FindingsError> {
    let known = (0..most).zip(names).find(|(_, known)| *known == name);
    known.map(|(category, _)| category).ok_or_else(|| FindingsError::UnknownCategory {
        factor: condition.factor.clone(),
        category: name.clone(),
        known: names.join(", "),
    })
}

/// The index of the factor of this name.
pub(crate) fn factor_named(name: &str, factors: &[Factor]) -> Result<usize, FindingsError> {
    factors.iter().position(|factor| factor.name == name).ok_or_else(|| {
        let known: Vec<&str> = factors.iter().map(|factor| factor.name.as_str()).collect();
        FindingsError::UnknownFactor { factor: name.to_owned(), known: known.join(", ") }
    })
}
