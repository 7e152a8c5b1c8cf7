//! Ablations: arms that differ in one thing each, on paired seeds, at equal steps and images.
//!
//! ```text
//! Plan ─► for each seed and arm a run ─► Outcome, a line of results.jsonl ─► compare ─► table, page
//! ```
//!
//! The last checkpoint of a run counts. Every arm of a seed begins with the same weights and is
//! graded on the same images.

mod arm;
mod compare;
mod outcome;
mod page;
mod plan;

pub use arm::{Arm, ArmError, arms};
pub use compare::{Comparison, Difference, Measure, Standing, compare};
pub use outcome::{ExamImages, Outcome, Results};
pub use page::page;
pub use plan::{AblationError, Plan, Progress, run};
