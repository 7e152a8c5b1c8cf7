//! The order of the window's systems in a frame.

use bevy::prelude::{App, IntoScheduleConfigs, SystemSet, Update};

/// The window's systems in `Update`, in the order in which they run. The panels are drawn after
/// `Update`, in egui's own schedule.
#[derive(SystemSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowSystems {
    /// Starts the screenshots that the script asked for in the frame before.
    Screenshots,
    /// Takes the run's events and its newest state.
    State,
    /// Does the script's next commands.
    Tour,
    /// Decides when the next frame is drawn.
    Pacing,
}

/// Declares the order.
pub fn plugin(app: &mut App) {
    use WindowSystems::{Pacing, Screenshots, State, Tour};
    app.configure_sets(Update, (Screenshots, State, Tour, Pacing).chain());
}
