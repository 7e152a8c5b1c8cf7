//! The curriculum: the trainer's feedback on its batches steers what is sampled next.
//!
//! Everything here is a pure function of a [`CurriculumConfig`], a [`ControllerState`] and a
//! [`Feedback`]: no clock, no file, no random value, and sums taken in a fixed order, so the closed
//! loop is reproducible and a checkpointed state continues exactly as if it had never been written.
//!
//! ```text
//! feedback ─► observe ─► effect of every axis on the signal ─► reaches ─► Policy
//!                └─────► statistics per axis and bin, to look at
//! ```
//!
//! [`Feedback`]: marionette_stream::Feedback

mod config;
mod controller;
mod effects;
mod frontier;
mod state;
mod statistics;
mod summary;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use config::{CurriculumConfig, FrontierConfig, PolicyKind, Signal};
pub use controller::{observe, policy};
pub use effects::EffectSums;
pub use state::{AxisState, BinState, ControllerState};
pub use summary::{AxisSummary, BinSummary, CurriculumSummary, summary};
