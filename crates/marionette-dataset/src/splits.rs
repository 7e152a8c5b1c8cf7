//! Which split a sample belongs to.

use marionette_base::random;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A part of a data set with a purpose of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To learn from.
    Train,
    /// To choose by.
    Val,
    /// To report.
    Test,
}

impl Split {
    /// Every split.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// Its name in paths.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

/// How many of a hundred samples go to each split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Splits {
    percent: [u8; 3],
}

impl Splits {
    /// The split of sample `index`: by its number alone, so that it stays where it is when a set
    /// grows or is made in parts.
    pub fn of(&self, index: u64) -> Split {
        let drawn = random::stream(0, index, 0, "dataset/split").random_range(0..100u8);
        let [train, val, _] = self.percent;
        match drawn {
            drawn if drawn < train => Split::Train,
            drawn if drawn < train + val => Split::Val,
            _ => Split::Test,
        }
    }

    /// The splits that samples can belong to.
    pub fn used(&self) -> impl Iterator<Item = Split> {
        Split::ALL.into_iter().zip(self.percent).filter(|(_, p)| *p > 0).map(|(split, _)| split)
    }
}

impl Default for Splits {
    /// Nine of ten to learn from, the others to choose by.
    fn default() -> Self {
        Splits { percent: [90, 10, 0] }
    }
}

impl FromStr for Splits {
    type Err = String;

    /// Reads `90,5,5`: percent for train, val and test, of which later ones may be left out.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "give up to three whole numbers that sum to 100, for train, val and test, as \
                      in 90,5,5";
        let mut percent = [0; 3];
        let mut given = percent.iter_mut();
        for part in text.split(',') {
            let place = given.next().ok_or(wanted)?;
            *place = part.trim().parse().map_err(|_| wanted)?;
        }
        match percent.iter().map(|p| u32::from(*p)).sum() {
            100 => Ok(Splits { percent }),
            sum => Err(format!("these sum to {sum}; {wanted}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_shared_out_by_their_numbers_as_asked() {
        let splits: Splits = "80,15,5".parse().unwrap();
        let mut counts = [0i32; 3];
        (0..20_000).for_each(|index| counts[splits.of(index) as usize] += 1);
        for (count, percent) in counts.into_iter().zip([80, 15, 5]) {
            assert!((count - 200 * percent).abs() < 250, "{counts:?}");
        }
        // Whoever widens the training split takes nothing out of it.
        let wider: Splits = "90,10".parse().unwrap();
        for index in (0..1000).filter(|index| splits.of(*index) == Split::Train) {
            assert_eq!(wider.of(index), Split::Train);
        }
        assert_eq!(wider.used().collect::<Vec<_>>(), [Split::Train, Split::Val]);
    }

    #[test]
    fn what_does_not_sum_to_a_hundred_is_refused() {
        let said = |text: &str| text.parse::<Splits>().unwrap_err();
        assert!(said("90,5").starts_with("these sum to 95; give"), "{}", said("90,5"));
        assert!(said("300").starts_with("give up to three"), "{}", said("300"));
        for text in ["", "a", "100,0,0,0", "-1,101", "50.5,49.5"] {
            assert!(said(text).contains("give up to three"), "{text}");
        }
    }
}
