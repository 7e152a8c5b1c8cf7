//! What can be touched, and what was.

use super::chrome::Viewer;
use bevy_egui::egui::{DragValue, Grid, RichText, ScrollArea, Slider, Ui};
use marionette_run::Control;
use marionette_train::trainer::ManualSettings;
use serde_json::Value;

/// Values that are being set and have not arrived yet.
#[derive(Default)]
pub struct Controls {
    gamma: Option<f64>,
    floor: Option<f64>,
    factor: Option<f64>,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let mut controls = Vec::new();
    ui.columns(2, |columns| {
        touch(&mut columns[0], viewer, &mut controls);
        touched(&mut columns[1], viewer);
    });
    for control in controls {
        viewer.control(control);
    }
}

fn touch(ui: &mut Ui, viewer: &mut Viewer, controls: &mut Vec<Control>) {
    let (live, paused) = (viewer.is_live(), viewer.paused());
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
        let Some(hand) = viewer.settings().cloned() else {
            ui.label("These can be set from the first step on.");
            return;
        };
        let mut steering = hand.steering;
        if ui.checkbox(&mut steering, "the curriculum steers the axes").changed() {
            controls.push(Control::Steering(steering));
        }
        let Controls { gamma, floor, factor } = &mut viewer.controls;
        Grid::new("values").num_columns(3).show(ui, |ui| {
            value(
                ui,
                "γ, exponent of the scores",
                gamma,
                hand.gamma,
                ManualSettings::MOST_GAMMA,
                |v| controls.push(Control::Gamma(v)),
            );
            value(ui, "floor, share that stays uniform", floor, hand.floor, 1.0, |v| {
                controls.push(Control::Floor(v))
            });
            value(
                ui,
                "factor on the learning rate",
                factor,
                hand.rate_factor,
                ManualSettings::MOST_FACTOR,
                |v| controls.push(Control::RateFactor(v)),
            );
        });
        let held = hand.locks.iter().filter(|lock| lock.is_some()).count();
        let held = match held {
            0 => "No axis is".to_owned(),
            1 => "One axis is".to_owned(),
            held => format!("{held} axes are"),
        };
        ui.label(format!("{held} held by hand; the Curriculum panel holds them and lets them go."));
    });
}

/// A value that takes effect when it is let go of. What is typed beyond its range arrives as it is,
/// and the run says what it made of it.
fn value(
    ui: &mut Ui,
    name: &str,
    set: &mut Option<f64>,
    now: f64,
    most: f64,
    mut control: impl FnMut(f64),
) {
    ui.label(name);
    let mut shown = set.unwrap_or(now);
    let slider = ui.add(Slider::new(&mut shown, 0.0..=most).show_value(false));
    let typed = ui.add(DragValue::new(&mut shown).speed(0.01).max_decimals(3));
    if slider.changed() || typed.changed() {
        *set = Some(shown);
    }
    let let_go = slider.drag_stopped()
        || typed.drag_stopped()
        || typed.lost_focus()
        || (slider.changed() && !slider.dragged());
    if let (Some(wanted), true) = (*set, let_go) {
        control(wanted);
        *set = None;
    }
    ui.end_row();
}

fn touched(ui: &mut Ui, viewer: &Viewer) {
    let room = ui.available_height();
    ui.heading("Touched by hand");
    if viewer.data.controls.is_empty() {
        ui.label("Nothing so far: the run comes to the same, bit for bit, as without a window.");
    }
    ScrollArea::vertical().id_salt("hand").max_height(room * 0.4).show(ui, |ui| {
        Grid::new("hand").num_columns(4).striped(true).show(ui, |ui| {
            for line in viewer.data.controls.iter().rev().take(200) {
                ui.label(format!("step {}", line.step));
                ui.label(&line.what);
                ui.label(written(&line.value));
                ui.label(if line.steers { "steers" } else { "" });
                ui.end_row();
            }
        });
    });
    ui.add_space(10.0);
    ui.heading("Said");
    ScrollArea::vertical().id_salt("said").auto_shrink(false).show(ui, |ui| {
        for note in viewer.data.notes.iter().rev() {
            ui.label(note);
        }
        ui.small(format!(
            "a picture of this window takes {:.0} ms",
            viewer.cost.as_secs_f64() * 1000.0
        ));
    });
}

/// A value as it is shown: shares in percent, no value as nothing.
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
