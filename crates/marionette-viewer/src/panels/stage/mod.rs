//! The stage: one figure, large, rendered by the training renderer; what is known of it, and the
//! network's prediction.

mod choices;
mod facts;
mod picture;

use crate::state::Viewer;
use bevy_egui::egui::{Panel, ScrollArea, Ui};

/// Shows the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    Panel::left("stage-left").exact_size(236.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| choices::show(ui, viewer));
    });
    Panel::right("stage-right").exact_size(300.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| facts::show(ui, viewer));
    });
    picture::show(ui, viewer);
}
