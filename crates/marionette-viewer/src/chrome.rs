//! The window around the panels: its state, the bar at the top, the line at the bottom, the sheet
//! of keys.

use super::{
    Subject, batch, controls, curriculum, curves,
    data::{Data, Ending},
    gallery::{self, Gallery},
    keys,
    layout::{Layout, Panel},
    panel_stage::{self, StagePanel},
    theme,
};
use bevy::prelude::Resource;
use bevy_egui::egui::{self, Align, Context, RichText, Ui};
use marionette_run::Control;
use marionette_train::trainer::ManualSettings;
use std::time::{Duration, Instant};

/// How often the layout is written to disk, if it has changed.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Everything that the window holds.
#[derive(Resource)]
pub struct Viewer {
    /// The run that is shown.
    pub subject: Subject,
    /// What is known of it.
    pub data: Data,
    /// What is remembered.
    pub layout: Layout,
    /// The stage.
    pub stage: StagePanel,
    /// The batch.
    pub batch: batch::BatchPanel,
    /// The gallery.
    pub gallery: Gallery,
    /// Pictures of the distributions over time.
    pub maps: curriculum::Maps,
    /// What is set in the controls and not yet in the run.
    pub controls: controls::Controls,
    /// Whether the sheet of keys is open.
    pub help: bool,
    /// The time that a picture takes.
    pub cost: Duration,
    /// Pictures drawn so far.
    pub pictures: u64,
    saved: (Instant, Layout),
    styled: Option<(bool, f32)>,
}

impl Viewer {
    /// A window on `subject`.
    pub fn new(subject: Subject) -> Self {
        let layout = Layout::load();
        let panel = if subject.watch.is_none() && layout.panel == Panel::Batch {
            Panel::Curves
        } else {
            layout.panel
        };
        let layout = Layout { panel, ..layout };
        Viewer {
            data: Data::read(&subject),
            stage: StagePanel::new(&subject),
            batch: batch::BatchPanel::default(),
            gallery: Gallery::new(&subject),
            maps: curriculum::Maps::default(),
            controls: controls::Controls::default(),
            help: false,
            cost: Duration::ZERO,
            pictures: 0,
            saved: (Instant::now(), layout.clone()),
            styled: None,
            layout,
            subject,
        }
    }

    /// Takes in what the run has to say.
    pub fn attend(&mut self) {
        self.data.hear(&self.subject);
        if let Some(newest) = &self.data.newest {
            self.gallery.take(newest);
        }
        self.stage.attend(self.data.newest.as_ref(), self.layout.panel == Panel::Stage);
        if self.saved.0.elapsed() > SAVE_EVERY && self.saved.1 != self.layout {
            self.layout.save();
            self.saved = (Instant::now(), self.layout.clone());
        }
    }

    /// Says whether anybody looks.
    pub fn looking(&self, looking: bool) {
        if let Some(watch) = &self.subject.watch {
            watch.look(looking);
        }
    }

    /// Whether there is a run that hears controls.
    pub fn is_live(&self) -> bool {
        self.subject.watch.is_some() && self.data.ending.is_none()
    }

    /// Whether the run stands still.
    pub fn paused(&self) -> bool {
        self.is_live() && self.subject.watch.as_ref().is_some_and(|watch| watch.paused())
    }

    /// Steps done, and in all.
    pub fn progress(&self) -> (u64, u64) {
        let last = self.data.curves.get("learning_rate").and_then(|curve| curve.last());
        let logged = last.map_or(0, |point| point[0] as u64);
        let live = self.subject.watch.as_ref().map_or(0, |watch| watch.step());
        (live.max(logged), self.subject.config.steps)
    }

    /// What is set in the run now.
    pub fn settings(&self) -> Option<&ManualSettings> {
        self.data.settings.as_ref().map(|(_, settings)| settings)
    }

    /// Asks something of the run.
    pub fn control(&mut self, control: Control) {
        let live = self.is_live();
        let heard = live && self.subject.watch.as_ref().is_some_and(|watch| watch.control(control));
        if !heard {
            self.data.note("there is no run going on that could do that".to_owned());
        }
        self.data.read_controls(&self.subject);
    }

    /// Where the weights go that are exported now.
    pub fn export_path(&self) -> std::path::PathBuf {
        let (step, _) = self.progress();
        self.subject.directory.path().join("exported").join(format!("step-{step:06}.safetensors"))
    }
}

/// Draws the whole window.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    let context = ui.ctx().clone();
    style(&context, viewer);
    keys::press(&context, viewer);
    egui::Panel::top("bar").show(ui, |ui| bar(ui, viewer));
    egui::Panel::bottom("line").show(ui, |ui| line(ui, viewer));
    egui::CentralPanel::default().show(ui, |ui| {
        ending(ui, viewer);
        hint(ui, viewer);
        match viewer.layout.panel {
            Panel::Stage => panel_stage::show(ui, viewer),
            Panel::Batch => batch::show(ui, viewer),
            Panel::Curves => curves::show(ui, viewer),
            Panel::Curriculum => curriculum::show(ui, viewer),
            Panel::Gallery => gallery::show(ui, viewer),
            Panel::Controls => controls::show(ui, viewer),
        }
    });
    keys::sheet(&context, viewer);
}

fn style(context: &Context, viewer: &mut Viewer) {
    let wanted = (viewer.layout.dark, viewer.layout.zoom);
    if viewer.styled != Some(wanted) {
        context.set_theme(if wanted.0 { egui::Theme::Dark } else { egui::Theme::Light });
        context.set_zoom_factor(wanted.1);
        theme::install(context);
        viewer.styled = Some(wanted);
    }
}

fn bar(ui: &mut Ui, viewer: &mut Viewer) {
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
        let paused = viewer.paused();
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
        let (text, color) = standing(viewer, paused);
        let dark = viewer.layout.dark;
        ui.label(RichText::new(text).color(theme::text(dark, color)).strong());
        if viewer.data.steering_controls() > 0 {
            let touches = viewer.data.steering_controls();
            ui.label(RichText::new("steered by hand").color(theme::text(dark, theme::NOTE)))
                .on_hover_text(format!(
                    "{touches} settings were changed by hand; hand.jsonl says when and how"
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

fn standing(viewer: &Viewer, paused: bool) -> (&'static str, egui::Color32) {
    match (&viewer.data.ending, &viewer.subject.watch) {
        (Some(Ending::Failed(..)), _) => ("failed", theme::WRONG),
        (Some(Ending::Finished), _) => ("finished", theme::SERIES[2]),
        (Some(Ending::Stopped(_)), _) => ("stopped", theme::NOTE),
        (None, None) => ("read only", theme::SERIES[0]),
        (None, Some(_)) if paused => ("paused", theme::NOTE),
        (None, Some(_)) if viewer.data.newest.is_none() => ("starting", theme::SERIES[0]),
        (None, Some(_)) => ("training", theme::SERIES[2]),
    }
}

fn line(ui: &mut Ui, viewer: &Viewer) {
    ui.horizontal(|ui| {
        let note = viewer.data.notes.back().map_or("", String::as_str);
        let rate =
            viewer.data.last("samples_per_second").map(|rate| format!("{rate:.0} samples/s"));
        let loss = viewer.data.last("loss").map(|loss| format!("loss {loss:.3}"));
        let pck = viewer.data.last("pck").map(|pck| format!("PCK {pck:.3}"));
        let figures: Vec<String> = [loss, pck, rate].into_iter().flatten().collect();
        ui.label(RichText::new(figures.join("   ")).monospace());
        ui.separator();
        ui.add(egui::Label::new(note).truncate()).on_hover_text(note);
    });
}

/// How the run ended, if it did not end well.
fn ending(ui: &mut Ui, viewer: &Viewer) {
    let Some(Ending::Failed(message, checkpoint)) = &viewer.data.ending else { return };
    egui::Frame::group(ui.style()).stroke((2.0, theme::WRONG)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new("The run has failed").color(theme::WRONG).strong());
        ui.label(message);
        match checkpoint {
            Some(checkpoint) => {
                ui.label(format!("The newest checkpoint: {}", checkpoint.display()));
                let run = viewer.subject.directory.path().display();
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

/// What the window is, the first time.
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

/// What a panel says while it has nothing to show.
pub fn nothing_yet(ui: &mut Ui, title: &str, text: &str) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.3);
        ui.label(RichText::new(title).size(20.0));
        ui.label(text);
    });
}
