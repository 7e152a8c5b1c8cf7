//! Where does a keypoint detector fail? From a table of judged keypoints to rules that a person
//! reads.
//!
//! A [`Table`] has pictures with weights, keypoints with losses, and [`Factor`]s of both: hardness
//! axes, the pose family, from where a figure is seen, what covers a keypoint. [`find`] searches
//! [`Rule`]s of a few conditions under which more is lost than elsewhere, in half of the pictures,
//! and judges them on the other half. [`check`] judges a rule on other pictures, such as fresh ones
//! that were drawn until [`Rule::holds`]. [`sensitivity`] says which factors losses depend on, and
//! which they do not. With the difference of two networks' losses, all of them compare the two.
//!
//! Weights that are the population's density over that of the samples (importance weights) make
//! all that is said hold for the population. Intervals are 95 %, by a bootstrap over pictures. Same
//! table, same settings: same findings, bit for bit.
//!
//! ```
//! use marionette_findings::{Factor, Keypoint, Search, Table, find};
//!
//! // 600 pictures of two keypoints each. From behind, the second is missed.
//! let views: Vec<u16> = (0..600).map(|picture| picture % 3 / 2).collect();
//! let keypoints: Vec<Keypoint> = (0..1200)
//!     .map(|row| {
//!         let missed = views[row / 2] == 1 && row % 2 == 1 || row % 7 == 0;
//!         Keypoint { picture: row as u32 / 2, loss: f32::from(u8::from(missed)) }
//!     })
//!     .collect();
//! let view = Factor::categories("view", ["seen from the front", "seen from behind"], views);
//! let which: Vec<u16> = (0..1200).map(|row| row % 2).collect();
//! let which = Factor::categories("keypoint", ["nose", "wrist"], which);
//!
//! let table = Table::new(vec![1.0; 600], vec![view], keypoints, vec![which])?;
//! let findings = find(&table, &Search::default())?;
//! let first = &findings.list[0];
//! assert_eq!(first.rule.words(), "wrist, seen from behind");
//! assert!(first.inside.value > 0.95 && first.outside.value < 0.25);
//! # Ok::<(), marionette_findings::FindingsError>(())
//! ```

mod adds;
mod beam;
mod candidates;
mod cuts;
mod discount;
mod error;
mod estimate;
mod factor;
mod find;
mod judge;
mod rule;
mod sample;
mod score;
mod sensitivity;
mod settings;
mod table;
mod term;
#[cfg(test)]
mod tests;

pub use error::FindingsError;
pub use estimate::Estimate;
pub use factor::{Factor, UNKNOWN, Values};
pub use find::{Finding, Findings, find};
pub use judge::{Contrast, Judged, check};
pub use rule::{Condition, Rule, Test, Value};
pub use sensitivity::{Level, Sensitivity, Verdict, sensitivity};
pub use settings::Search;
pub use table::{Keypoint, Table};
