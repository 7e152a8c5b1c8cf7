//! The keys, and the sheet that explains them.

use crate::state::{Panel, StageState, Viewer};
use bevy_egui::egui::{self, Context, Key};
use glam::Vec2;
use marionette_run::Control;

/// The keys and what they do, for the sheet.
const SHEET: [(&str, &str); 15] = [
    ("1 to 6", "Stage, Batch, Curves, Curriculum, Gallery, Controls"),
    ("Space", "Pause or resume the run"),
    ("N", "One step, then stand still"),
    ("C", "Write a checkpoint now"),
    ("X", "Take all exams now"),
    ("E", "Export the weights of now"),
    ("F", "Stage: freeze, or follow the run"),
    ("R", "Stage: back to the sample's own view"),
    ("H", "Stage: where does the hardness come from"),
    ("arrows", "Stage: walk around; with shift, pan"),
    ("L", "Curves: logarithmic or linear"),
    ("P", "Gallery: export what is shown as a PNG"),
    ("T", "Dark or light"),
    ("+ and -", "Everything larger or smaller"),
    ("?", "This sheet; Esc closes it"),
];

/// Does what the pressed keys ask for.
pub fn press(context: &Context, viewer: &mut Viewer) {
    if context.egui_wants_keyboard_input() {
        return;
    }
    let pressed = |key: Key| {
        context.input(|input| {
            input.key_pressed(key) && !input.modifiers.command && !input.modifiers.alt
        })
    };
    let digits = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6];
    for (key, panel) in digits.into_iter().zip(Panel::ALL) {
        if pressed(key) {
            viewer.layout.panel = panel;
        }
    }
    if pressed(Key::Space) {
        let control = if viewer.is_paused() { Control::Resume } else { Control::Pause };
        viewer.control(control);
    }
    if pressed(Key::N) {
        viewer.control(Control::Step);
    }
    if pressed(Key::C) {
        viewer.control(Control::Checkpoint);
    }
    if pressed(Key::X) {
        viewer.control(Control::Exams);
    }
    if pressed(Key::E) {
        let path = viewer.export_path();
        viewer.control(Control::Export(path));
    }
    if pressed(Key::T) {
        viewer.layout.dark = !viewer.layout.dark;
    }
    if pressed(Key::L) {
        viewer.layout.logarithmic = !viewer.layout.logarithmic;
    }
    if pressed(Key::P) {
        viewer.export_gallery();
    }
    if pressed(Key::Plus) || pressed(Key::Equals) {
        viewer.layout.zoom = (viewer.layout.zoom + 0.1).min(3.0);
    }
    if pressed(Key::Minus) {
        viewer.layout.zoom = (viewer.layout.zoom - 0.1).max(0.5);
    }
    if pressed(Key::Questionmark) || pressed(Key::F1) {
        viewer.help = !viewer.help;
    }
    if pressed(Key::Escape) {
        viewer.help = false;
    }
    if viewer.layout.panel == Panel::Stage {
        press_stage(context, &mut viewer.stage);
    }
}

/// The stage's own keys.
fn press_stage(context: &Context, stage: &mut StageState) {
    let pressed =
        |key: Key| context.input(|input| input.key_pressed(key) && !input.modifiers.command);
    if pressed(Key::F) {
        stage.toggle_follow();
    }
    if pressed(Key::R) {
        stage.reset_view();
    }
    if pressed(Key::H) {
        stage.explain();
    }
    let shift = context.input(|input| input.modifiers.shift);
    for (key, x, y) in [
        (Key::ArrowLeft, -1.0, 0.0),
        (Key::ArrowRight, 1.0, 0.0),
        (Key::ArrowUp, 0.0, -1.0),
        (Key::ArrowDown, 0.0, 1.0),
    ] {
        if pressed(key) && shift {
            stage.pan(Vec2::new(x, y) * 0.05);
        } else if pressed(key) {
            stage.turn(x * 0.2, y * 0.1);
        }
    }
}

/// Shows the sheet of keys if it is open.
pub fn sheet(context: &Context, viewer: &mut Viewer) {
    let mut open = viewer.help;
    egui::Window::new("Keys")
        .open(&mut open)
        .collapsible(false)
        .resizable(false)
        .anchor(egui::Align2::CENTER_CENTER, [0.0, 0.0])
        .show(context, |ui| {
            egui::Grid::new("keys").striped(true).show(ui, |ui| {
                for (key, what) in SHEET {
                    ui.monospace(key);
                    ui.label(what);
                    ui.end_row();
                }
            });
            ui.separator();
            ui.label(
                "Blue borders and bars are easy, orange ones hard. Orange is the figure's own \
                 left, blue its right; lime is the network.",
            );
        });
    viewer.help = open;
}
