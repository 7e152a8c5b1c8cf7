//! What varies from picture to picture, or from keypoint to keypoint.

/// Stands for a category that is not known.
pub const UNKNOWN: u16 = u16::MAX;

/// Something that varies and may explain losses: a hardness axis, the pose family, what covers a
/// keypoint. It has one value per picture, or one per keypoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// Its name, by which rules know it.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// The values of a factor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers.
    Numbers {
        /// One each; NaN where it is not known.
        values: Vec<f32>,
        /// What a rule calls it: "lighting" in "lighting at least .70".
        subject: String,
        /// What follows the number, such as "pixels"; may be empty.
        unit: String,
    },
    /// Categories.
    Categories {
        /// Their names as a rule says them: "seen from behind".
        names: Vec<String>,
        /// One each, an index of `names`; [`UNKNOWN`] where it is not known.
        entries: Vec<u16>,
    },
}

impl Factor {
    /// Numbers, which rules call by the factor's name.
    pub fn numbers(name: impl Into<String>, values: Vec<f32>) -> Self {
        let name = name.into();
        let values = Values::Numbers { values, subject: name.clone(), unit: String::new() };
        Self { name, values }
    }

    /// Categories, with an index of `names` per entry.
    pub fn categories(
        name: impl Into<String>,
        names: impl IntoIterator<Item = impl Into<String>>,
        entries: Vec<u16>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self { name: name.into(), values: Values::Categories { names, entries } }
    }

    /// The same factor, but rules say `new_subject` and put `new_unit` after numbers. Categories
    /// have their own words, and stay as they are.
    #[must_use]
    pub fn said(mut self, new_subject: impl Into<String>, new_unit: impl Into<String>) -> Self {
        if let Values::Numbers { subject, unit, .. } = &mut self.values {
            (*subject, *unit) = (new_subject.into(), new_unit.into());
        }
        self
    }

    /// The name of a category; nothing for numbers, which have none.
    pub(crate) fn category(&self, category: u16) -> &str {
        match &self.values {
            Values::Numbers { .. } => "",
            Values::Categories { names, .. } => &names[category as usize],
        }
    }

    /// What is said of a number, such as "lighting at least .70".
    pub(crate) fn said_of(&self, comparison: &str, number: f32) -> String {
        let (subject, unit) = match &self.values {
            Values::Numbers { subject, unit, .. } => (subject, unit.as_str()),
            Values::Categories { .. } => (&self.name, ""),
        };
        let space = if unit.is_empty() { "" } else { " " };
        format!("{subject} {comparison} {}{space}{unit}", number_words(number))
    }

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            Values::Numbers { values, .. } => values.len(),
            Values::Categories { entries, .. } => entries.len(),
        }
    }
}

/// A number in words: shares without their 0 and with two digits at least, as in `.70`.
pub(crate) fn number_words(number: f32) -> String {
    let text = format!("{number}");
    let Some((whole, digits)) = text.split_once('.') else { return text };
    if whole != "0" && whole != "-0" {
        return text;
    }
    let sign = if whole == "-0" { "-" } else { "" };
    format!("{sign}.{digits:0<2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_shortly() {
        let said: Vec<String> =
            [0.7, 0.035, -0.5, 12.5, 3.0, 0.0, 120.0].into_iter().map(number_words).collect();
        assert_eq!(said, [".70", ".035", "-.50", "12.5", "3", "0", "120"]);
    }
}
