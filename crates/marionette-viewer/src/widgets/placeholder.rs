//! What a panel shows while it has no data.

use bevy_egui::egui::{RichText, Ui};

/// Shows a title and a sentence in the middle of an empty panel.
pub fn placeholder(ui: &mut Ui, title: &str, text: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.label(RichText::new(title).size(20.0));
        ui.label(text);
    });
}
