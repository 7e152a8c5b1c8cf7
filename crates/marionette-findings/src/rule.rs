//! Rules: conditions that a person reads, and that hold for a keypoint or do not.

use crate::error::FindingsError;
use serde::{Deserialize, Serialize};

/// A conjunction of conditions. One without any holds always.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What must hold, all of it.
    pub conditions: Vec<Condition>,
}

/// A condition on one factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The factor's name.
    pub factor: String,
    /// What it must be.
    pub test: Test,
    /// How it is said.
    pub words: String,
}

/// What a factor must be. An unknown value fits none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// The category of this name.
    Is(String),
    /// One of the categories of these names.
    AnyOf(Vec<String>),
    /// At least so much.
    AtLeast(f32),
    /// Less than so much.
    Below(f32),
}

/// A value of a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// A number; NaN where it is not known.
    Number(f32),
    /// The name of a category.
    Category(&'v str),
}

impl Rule {
    /// The rule as it is said: "wrist, seen from behind, lighting at least .70".
    pub fn words(&self) -> String {
        if self.conditions.is_empty() {
            return "everything".to_owned();
        }
        let words: Vec<&str> = self.conditions.iter().map(|c| c.words.as_str()).collect();
        words.join(", ")
    }

    /// Whether the rule holds where the factors have these values. So a caller may draw samples
    /// until it does.
    ///
    /// # Errors
    /// If there is no value for a factor that the rule names, or one of the wrong kind.
    pub fn holds<'v>(
        &self,
        value: impl Fn(&str) -> Option<Value<'v>>,
    ) -> Result<bool, FindingsError> {
        let mut all = true;
        for condition in &self.conditions {
            let factor = condition.factor.as_str();
            let value = value(factor).ok_or_else(|| FindingsError::UnknownFactor {
                factor: factor.to_owned(),
                known: "none of this name, nor a value for it".to_owned(),
            })?;
            all &= match (&condition.test, value) {
                (Test::Is(name), Value::Category(category)) => name == category,
                (Test::AnyOf(names), Value::Category(category)) => {
                    names.iter().any(|name| name == category)
                }
                (Test::AtLeast(cut), Value::Number(number)) => number >= *cut,
                (Test::Below(cut), Value::Number(number)) => number < *cut,
                (test, value) => {
                    let has = match value {
                        Value::Number(_) => "numbers",
                        Value::Category(_) => "categories",
                    };
                    return Err(wrong_kind(condition, test, has));
                }
            };
        }
        Ok(all)
    }

    /// The conditions whose factors pass `keep`: such as those of pictures, which are known before
    /// a network has seen one.
    #[must_use]
    pub fn part(&self, keep: impl Fn(&str) -> bool) -> Rule {
        let kept = self.conditions.iter().filter(|condition| keep(&condition.factor));
        Rule { conditions: kept.cloned().collect() }
    }
}

/// The error of a condition on values of the other kind.
pub(crate) fn wrong_kind(condition: &Condition, test: &Test, has: &'static str) -> FindingsError {
    let takes = if matches!(test, Test::Is(_) | Test::AnyOf(_)) { "categories" } else { "numbers" };
    let (words, factor) = (condition.words.clone(), condition.factor.clone());
    FindingsError::Kind { words, factor, takes, has }
}
