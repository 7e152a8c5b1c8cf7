//! The controls of a run, and those that were applied.

use crate::state::{PendingValues, Viewer};
use bevy_egui::egui::{DragValue, Grid, RichText, ScrollArea, Slider, Ui};
use marionette_run::Control;
use marionette_train::trainer::ManualSettings;
use serde_json::Value;

/// Shows the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let mut controls = Vec::new();
    ui.columns(2, |columns| {
        offered(&mut columns[0], viewer, &mut controls);
        applied(&mut columns[1], viewer);
    });
    for control in controls {
        viewer.control(control);
    }
}

/// The controls that can be used now. Those that are used are added to `controls`.
fn offered(ui: &mut Ui, viewer: &mut Viewer, controls: &mut Vec<Control>) {
    let (live, paused) = (viewer.is_live(), viewer.is_paused());
    if !live {
        ui.label(RichText::new("There is no run going on: nothing can be touched.").strong());
    }
    ui.add_enabled_ui(live, |ui| {
        ui.heading("The run");
        ui.horizontal_wrapped(|ui| {
            let (text, control) =
                if paused { ("Resume", Control::Resume) } else { ("Pause", Control::Pause) };
            if ui.button(text).on_hover_text("space").clicked() {
                controls.push(control);
            }
            for (text, key, control) in [
                ("Step once", "N", Control::Step),
                ("Checkpoint now", "C", Control::Checkpoint),
                ("Exams now", "X", Control::Exams),
            ] {
                if ui.button(text).on_hover_text(key).clicked() {
                    controls.push(control);
                }
            }
            if ui
                .button("Export weights")
                .on_hover_text(format!("E: to {}", viewer.export_path().display()))
                .clicked()
            {
                controls.push(Control::Export(viewer.export_path()));
            }
        });
        ui.small("None of these changes what the run comes to.");
        ui.add_space(10.0);
        ui.heading("Steering");
        ui.small(
            "Each of these does change it: it is written into hand.jsonl, and the run is marked \
             as steered by hand.",
        );
        let Some(settings) = viewer.settings().cloned() else {
            ui.label("These can be set from the first step on.");
            return;
        };
        let mut steering = settings.steering;
        if ui.checkbox(&mut steering, "the curriculum steers the axes").changed() {
            controls.push(Control::Steering(steering));
        }
        let PendingValues { gamma, rate_factor } = &mut viewer.pending;
        Grid::new("values").num_columns(3).show(ui, |ui| {
            value(
                ui,
                "γ, exponent of the scores",
                gamma,
                settings.gamma,
                ManualSettings::MOST_GAMMA,
                |v| controls.push(Control::Gamma(v)),
            );
            value(
                ui,
                "factor on the learning rate",
                rate_factor,
                settings.rate_factor,
                ManualSettings::MOST_FACTOR,
                |v| controls.push(Control::RateFactor(v)),
            );
        });
        let held = settings.locks.iter().filter(|lock| lock.is_some()).count();
        let held = match held {
            0 => "No axis is".to_owned(),
            1 => "One axis is".to_owned(),
            held => format!("{held} axes are"),
        };
        ui.label(format!("{held} held by hand; the Curriculum panel holds them and lets them go."));
    });
}

/// A slider and a field for a value. It takes effect when the user lets go of them. The run clamps
/// a value beyond the range and says so in a note.
fn value(
    ui: &mut Ui,
    name: &str,
    pending: &mut Option<f64>,
    in_force: f64,
    most: f64,
    mut control: impl FnMut(f64),
) {
    ui.label(name);
    let mut shown = pending.unwrap_or(in_force);
    let slider = ui.add(Slider::new(&mut shown, 0.0..=most).show_value(false));
    let typed = ui.add(DragValue::new(&mut shown).speed(0.01).max_decimals(3));
    if slider.changed() || typed.changed() {
        *pending = Some(shown);
    }
    let let_go = slider.drag_stopped()
        || typed.drag_stopped()
        || typed.lost_focus()
        || (slider.changed() && !slider.dragged());
    if let (Some(wanted), true) = (*pending, let_go) {
        control(wanted);
        *pending = None;
    }
    ui.end_row();
}

/// The controls that were applied, and all notes.
fn applied(ui: &mut Ui, viewer: &Viewer) {
    let room = ui.available_height();
    ui.heading("Touched by hand");
    if viewer.run.control_records.is_empty() {
        ui.label("Nothing so far: the run comes to the same, bit for bit, as without a window.");
    }
    ScrollArea::vertical().id_salt("applied").max_height(room * 0.4).show(ui, |ui| {
        Grid::new("applied").num_columns(4).striped(true).show(ui, |ui| {
            for record in viewer.run.control_records.iter().rev().take(200) {
                ui.label(format!("step {}", record.step));
                ui.label(&record.what);
                ui.label(written(&record.value));
                ui.label(if record.steers { "steers" } else { "" });
                ui.end_row();
            }
        });
    });
    ui.add_space(10.0);
    ui.heading("Said");
    ScrollArea::vertical().id_salt("notes").auto_shrink(false).show(ui, |ui| {
        for note in viewer.run.notes.iter().rev() {
            ui.label(note);
        }
        ui.small(format!(
            "a picture of this window takes {:.0} ms",
            viewer.frame_cost.as_secs_f64() * 1000.0
        ));
    });
}

/// A control's value as text: shares in percent, no value as an empty text.
fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(shares) => {
            let share =
                |share: &Value| format!("{:.0}", share.as_f64().unwrap_or_default() * 100.0);
            shares.iter().map(share).collect::<Vec<_>>().join(" ") + " %"
        }
        other => other.to_string().chars().take(48).collect(),
    }
}
