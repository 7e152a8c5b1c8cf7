//! The window's whole state, and what every panel may ask of it.

use super::{
    batch::BatchState,
    distribution_maps::DistributionMaps,
    gallery::Gallery,
    layout::{Layout, Panel},
    run_data::RunData,
    stage::StageState,
};
use crate::{schedule::WindowSystems, subject::Subject};
use bevy::{
    prelude::{App, IntoScheduleConfigs, Query, ResMut, Resource, Update, With},
    window::{PrimaryWindow, Window},
};
use marionette_run::{Control, Snapshot};
use marionette_train::trainer::ManualSettings;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often the layout is written to disk, if it has changed.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// The window's whole state.
#[derive(Resource)]
pub struct Viewer {
    /// The run that is shown.
    pub subject: Subject,
    /// What the window knows of the run.
    pub run: RunData,
    /// What the window remembers from one time to the next.
    pub layout: Layout,
    /// The Stage panel.
    pub stage: StageState,
    /// The Batch panel.
    pub batch: BatchState,
    /// The Gallery panel.
    pub gallery: Gallery,
    /// The heat maps of the Curriculum panel.
    pub maps: DistributionMaps,
    /// Values of the Controls panel that the run does not have yet.
    pub pending: PendingValues,
    /// Whether the sheet of keys is open.
    pub help: bool,
    /// The time that a frame takes.
    pub frame_cost: Duration,
    /// Frames drawn so far.
    pub frames: u64,
    /// When the layout was last saved, and as what.
    saved: (Instant, Layout),
}

/// Values that a slider or a field holds while the user still changes it.
#[derive(Default)]
pub struct PendingValues {
    /// Exponent of the scores.
    pub gamma: Option<f64>,
    /// Factor on the learning rate.
    pub rate_factor: Option<f64>,
}

/// Updates the state once per frame. The [`Viewer`] itself is the app's to insert.
pub fn plugin(app: &mut App) {
    app.add_systems(Update, update.in_set(WindowSystems::State));
}

fn update(mut viewer: ResMut<Viewer>, window: Query<&Window, With<PrimaryWindow>>) {
    viewer.update();
    if let Ok(window) = window.single() {
        viewer.layout.window = [window.width(), window.height()];
    }
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
            run: RunData::read(&subject),
            stage: StageState::new(&subject),
            batch: BatchState::default(),
            gallery: Gallery::new(&subject),
            maps: DistributionMaps::default(),
            pending: PendingValues::default(),
            help: false,
            frame_cost: Duration::ZERO,
            frames: 0,
            saved: (Instant::now(), layout.clone()),
            layout,
            subject,
        }
    }

    /// Takes the run's events and its newest state, and saves the layout now and then.
    fn update(&mut self) {
        self.run.update(&self.subject);
        if let Some(newest) = &self.run.newest {
            self.gallery.add(newest);
        }
        self.stage.update(self.run.newest.as_ref(), self.layout.panel == Panel::Stage);
        if self.saved.0.elapsed() > SAVE_EVERY && self.saved.1 != self.layout {
            self.layout.save();
            self.saved = (Instant::now(), self.layout.clone());
        }
    }

    /// Tells the run whether the window can be seen. If not, the run publishes no states.
    pub fn set_visible(&self, visible: bool) {
        if let Some(watch) = &self.subject.watch {
            watch.look(visible);
        }
    }

    /// Whether a run is in progress and takes controls.
    pub fn is_live(&self) -> bool {
        self.subject.watch.is_some() && self.run.ending.is_none()
    }

    /// Whether the run is paused.
    pub fn is_paused(&self) -> bool {
        self.is_live() && self.subject.watch.as_ref().is_some_and(|watch| watch.paused())
    }

    /// Steps done, and steps in all.
    pub fn progress(&self) -> (u64, u64) {
        let last = self.run.curves.get("learning_rate").and_then(|curve| curve.last());
        let logged = last.map_or(0, |point| point[0] as u64);
        let live = self.subject.watch.as_ref().map_or(0, |watch| watch.step());
        (live.max(logged), self.subject.config.steps)
    }

    /// The settings that are in force in the run.
    pub fn settings(&self) -> Option<&ManualSettings> {
        self.run.settings.as_ref().map(|(_, settings)| settings)
    }

    /// Sends a control to the run. Where there is no run in progress, a note says so.
    pub fn control(&mut self, control: Control) {
        let live = self.is_live();
        let taken = live && self.subject.watch.as_ref().is_some_and(|watch| watch.control(control));
        if !taken {
            self.run.add_note("there is no run going on that could do that".to_owned());
        }
        self.run.read_control_records(&self.subject);
    }

    /// The file that an export of the weights goes to now.
    pub fn export_path(&self) -> PathBuf {
        let (step, _) = self.progress();
        self.subject.directory.path().join("exported").join(format!("step-{step:06}.safetensors"))
    }

    /// Writes the gallery's samples as a contact sheet, and adds a note about it.
    pub fn export_gallery(&mut self) {
        let note = self.gallery.export(&self.subject);
        self.run.add_note(note);
    }

    /// Puts tile `i` of `snapshot` on the stage and opens the stage.
    pub fn put_on_stage(&mut self, snapshot: &Snapshot, i: usize) {
        if let Some(tile) = snapshot.batch.tiles.get(i) {
            self.stage.choose(Arc::new(tile.scene.clone()));
            self.layout.panel = Panel::Stage;
        }
    }

    /// Puts tile `i` of the newest snapshot on the stage and opens the stage.
    pub fn put_newest_on_stage(&mut self, i: usize) {
        if let Some(newest) = self.run.newest.clone() {
            self.put_on_stage(&newest, i);
        }
    }
}
