//! The curriculum: the trainer's feedback on its batches steers what is sampled next.
//!
//! Everything here is a pure function of a [`CurriculumConfig`], a [`ControllerState`] and a
//! [`Feedback`]: no clock, no file, no random value, and sums taken in a fixed order, so the closed
//! loop is reproducible and a checkpointed state continues exactly as if it had never been written.
//!
//! ```text
//! feedback ─► observe ─► statistics per axis and bin ─► utilities ─► θ ─► guard ─► Policy
//!                └─────► replay list ─────────────────────────────────────────────►┘
//! ```
//!
//! [`Feedback`]: marionette_stream::Feedback

mod config;
mod controller;
mod frontier;
mod guard;
mod replay;
mod state;
mod statistics;
mod summary;
mod unlearnable;
mod utility;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use config::{CurriculumConfig, FrontierConfig, PolicyKind, ReplayConfig, Signal};
pub use controller::{observe, policy};
pub use state::{AxisState, BinState, ControllerState, ReplayState};
pub use summary::{AxisSummary, BinSummary, CurriculumSummary, summary};
