//! What the window knows and remembers. Panels read and change it; it draws nothing itself.

mod batch;
mod distribution_maps;
mod gallery;
mod layout;
mod run_data;
mod stage;
mod viewer;

pub use gallery::Ranking;
pub use layout::{Layout, Panel};
pub use run_data::{Ending, RunData};
pub use stage::{StageSelection, StageState};
pub use viewer::{PendingValues, Viewer, plugin};
