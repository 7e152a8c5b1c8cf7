//! The frame around the panels: the bar at the top, the line at the bottom, the hint for new users
//! and the message of a failed run.

use crate::{
    keys,
    pacing::Pacing,
    panels,
    state::{Ending, Panel, Viewer},
    widgets::theme,
};
use bevy::prelude::{
    App, Camera2d, ClearColor, Color, Commands, Local, Msaa, Res, ResMut, Result, Startup,
};
use bevy_egui::{
    EguiContexts, EguiPrimaryContextPass,
    egui::{self, Align, Context, RichText, Ui},
};
use marionette_base::shell::quoted;
use marionette_run::Control;

/// The style that was set last: dark, and the zoom.
type Style = Option<(bool, f32)>;

/// Draws the window in egui's schedule.
pub fn plugin(app: &mut App) {
    app.insert_resource(ClearColor(Color::srgb_u8(27, 27, 27)))
        .add_systems(Startup, set_up)
        .add_systems(EguiPrimaryContextPass, draw);
}

fn set_up(mut commands: Commands, mut contexts: EguiContexts) {
    commands.spawn((Camera2d, Msaa::Off));
    if let Ok(context) = contexts.ctx_mut() {
        theme::install(context);
    }
}

fn draw(
    mut contexts: EguiContexts,
    mut viewer: ResMut<Viewer>,
    mut style: Local<Style>,
    pacing: Res<Pacing>,
) -> Result {
    if !pacing.is_drawing() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    set_style(&context, &viewer, &mut style);
    let builder = egui::UiBuilder::new()
        .layer_id(egui::LayerId::background())
        .max_rect(context.viewport_rect());
    let mut ui = egui::Ui::new(context, "viewport".into(), builder);
    show(&mut ui, &mut viewer);
    viewer.frames += 1;
    Ok(())
}

/// Shows the whole window.
fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let context = ui.ctx().clone();
    keys::press(&context, viewer);
    egui::Panel::top("bar").show(ui, |ui| top_bar(ui, viewer));
    egui::Panel::bottom("line").show(ui, |ui| status_line(ui, viewer));
    egui::CentralPanel::default().show(ui, |ui| {
        failure(ui, viewer);
        hint(ui, viewer);
        match viewer.layout.panel {
            Panel::Stage => panels::stage::show(ui, viewer),
            Panel::Batch => panels::batch::show(ui, viewer),
            Panel::Curves => panels::curves::show(ui, viewer),
            Panel::Curriculum => panels::curriculum::show(ui, viewer),
            Panel::Gallery => panels::gallery::show(ui, viewer),
            Panel::Controls => panels::controls::show(ui, viewer),
        }
    });
    keys::sheet(&context, viewer);
}

/// Sets the theme and the zoom if they have changed.
fn set_style(context: &Context, viewer: &Viewer, style: &mut Style) {
    let wanted = (viewer.layout.dark, viewer.layout.zoom);
    if *style != Some(wanted) {
        context.set_theme(if wanted.0 { egui::Theme::Dark } else { egui::Theme::Light });
        context.set_zoom_factor(wanted.1);
        theme::install(context);
        *style = Some(wanted);
    }
}

fn top_bar(ui: &mut Ui, viewer: &mut Viewer) {
    ui.horizontal(|ui| {
        for (i, panel) in Panel::ALL.into_iter().enumerate() {
            let label = ui.selectable_label(
                viewer.layout.panel == panel,
                RichText::new(panel.name()).size(15.0),
            );
            if label.on_hover_text(format!("key {}", i + 1)).clicked() {
                viewer.layout.panel = panel;
            }
        }
        ui.separator();
        let live = viewer.is_live();
        let paused = viewer.is_paused();
        ui.add_enabled_ui(live, |ui| {
            let (text, control) =
                if paused { ("Resume", Control::Resume) } else { ("Pause", Control::Pause) };
            if ui.button(text).on_hover_text("space").clicked() {
                viewer.control(control);
            }
            if ui.button("Step").on_hover_text("one step, then stand still (N)").clicked() {
                viewer.control(Control::Step);
            }
        });
        let (step, steps) = viewer.progress();
        ui.add(
            egui::ProgressBar::new(step as f32 / steps.max(1) as f32)
                .desired_width(150.0)
                .text(format!("{step} / {steps}")),
        );
        let (text, color) = run_status(viewer, paused);
        let dark = viewer.layout.dark;
        ui.label(RichText::new(text).color(theme::text(dark, color)).strong());
        let changes = viewer.run.steering_controls();
        if changes > 0 {
            ui.label(RichText::new("steered by hand").color(theme::text(dark, theme::NOTE)))
                .on_hover_text(format!(
                    "{changes} settings were changed by hand; hand.jsonl says when and how"
                ));
        }
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            if ui.button("?").on_hover_text("keys").clicked() {
                viewer.help = !viewer.help;
            }
            let other = if viewer.layout.dark { "Light" } else { "Dark" };
            if ui.button(other).on_hover_text("T").clicked() {
                viewer.layout.dark = !viewer.layout.dark;
            }
        });
    });
}

/// The run's status in a word, with its colour.
fn run_status(viewer: &Viewer, paused: bool) -> (&'static str, egui::Color32) {
    match (&viewer.run.ending, &viewer.subject.watch) {
        (Some(Ending::Failed(..)), _) => ("failed", theme::WRONG),
        (Some(Ending::Finished), _) => ("finished", theme::SERIES[2]),
        (Some(Ending::Stopped(_)), _) => ("stopped", theme::NOTE),
        (None, None) => ("read only", theme::SERIES[0]),
        (None, Some(_)) if paused => ("paused", theme::NOTE),
        (None, Some(_)) if viewer.run.newest.is_none() => ("starting", theme::SERIES[0]),
        (None, Some(_)) => ("training", theme::SERIES[2]),
    }
}

/// Values of the newest metrics, and the newest note.
fn status_line(ui: &mut Ui, viewer: &Viewer) {
    ui.horizontal(|ui| {
        let note = viewer.run.notes.back().map_or("", String::as_str);
        let rate =
            viewer.run.last_value("samples_per_second").map(|rate| format!("{rate:.0} samples/s"));
        let loss = viewer.run.last_value("loss").map(|loss| format!("loss {loss:.3}"));
        let pck = viewer.run.last_value("pck").map(|pck| format!("PCK {pck:.3}"));
        let values: Vec<String> = [loss, pck, rate].into_iter().flatten().collect();
        ui.label(RichText::new(values.join("   ")).monospace());
        ui.separator();
        ui.add(egui::Label::new(note).truncate()).on_hover_text(note);
    });
}

/// The message of a failed run, with how to go on from it.
fn failure(ui: &mut Ui, viewer: &Viewer) {
    let Some(Ending::Failed(message, checkpoint)) = &viewer.run.ending else { return };
    egui::Frame::group(ui.style()).stroke((2.0, theme::WRONG)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new("The run has failed").color(theme::WRONG).strong());
        ui.label(message);
        match checkpoint {
            Some(checkpoint) => {
                ui.label(format!("The newest checkpoint: {}", checkpoint.display()));
                let run = quoted(viewer.subject.directory.path());
                ui.label(
                    RichText::new(format!("marionette train --run {run} --resume")).monospace(),
                );
            }
            None => {
                ui.label("There is no checkpoint yet: the run starts over with --resume.");
            }
        }
    });
}

/// A hint for new users, until it is read.
fn hint(ui: &mut Ui, viewer: &mut Viewer) {
    if viewer.layout.hint_read {
        return;
    }
    egui::Frame::group(ui.style()).stroke((1.0, theme::SERIES[0])).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(
                "The run goes on whatever you do here, also when you close the window. Keys 1 to \
                 6 change the panel, a click on a tile puts it on the stage, space stands still, \
                 ? shows all keys.",
            );
            if ui.button("Got it").clicked() {
                viewer.layout.hint_read = true;
            }
        });
    });
}
