//! A hidden way to drive the window: the environment variable `MARIONETTE_WINDOW_SCRIPT` names a
//! file with a script. Tests and the pictures in the documentation use it. Its keys and clicks are
//! handled like those of people.
//!
//! One command per line: `key K`, `click X Y`, `move X Y`, `scroll DY`, `wait step N`, `wait
//! picture`, `wait sample`, `wait explained`, `wait paused`, `wait over`, `wait file PATH`, `wait
//! frames N`, `sleep MS`, `shot PATH`, `resize W H`, `hide`, `unhide`, `set NAME VALUE`, `say
//! TEXT`, `close`.

use crate::{
    schedule::WindowSystems,
    screenshots::ScreenshotRequest,
    state::{Panel, Viewer},
};
use bevy::{
    prelude::{
        App, AppExit, Commands, IntoScheduleConfigs, MessageWriter, PreUpdate, Query, ResMut,
        Resource, Update, With,
    },
    window::{PrimaryWindow, Window},
};
use bevy_egui::{
    EguiInput, EguiInputSet, EguiPreUpdateSet, PrimaryEguiContext,
    egui::{Event, Key, Modifiers, MouseWheelUnit, PointerButton, TouchPhase, Vec2, pos2},
};
use marionette_run::Control;
use marionette_stream::HardnessAxis;
use std::{
    collections::VecDeque,
    path::Path,
    time::{Duration, Instant},
};

/// The number of frames until a change is on the screen.
const SETTLED: u32 = 4;

/// A script and its progress.
#[derive(Resource, Default)]
pub struct Tour {
    /// The commands that are not done.
    lines: VecDeque<String>,
    /// Input for the next frame.
    events: Vec<Event>,
    /// Frames to wait before the next command.
    frames: u32,
    /// The time to wait for before the next command.
    until: Option<Instant>,
    hidden: bool,
    began: Option<Instant>,
    /// The stage's count of pictures at the last `wait picture`.
    pictures: u64,
}

/// Reads the script and runs it.
pub fn plugin(app: &mut App) {
    app.insert_resource(Tour::from_environment())
        .add_systems(Update, advance.in_set(WindowSystems::Tour))
        .add_systems(
            PreUpdate,
            send_input.after(EguiInputSet::WriteEguiEvents).before(EguiPreUpdateSet::BeginPass),
        );
}

fn advance(
    mut viewer: ResMut<Viewer>,
    mut tour: ResMut<Tour>,
    mut commands: Commands,
    mut window: Query<&mut Window, With<PrimaryWindow>>,
    mut exit: MessageWriter<AppExit>,
) {
    let Ok(mut window) = window.single_mut() else { return };
    if tour.advance(&mut viewer, &mut window, &mut commands) {
        viewer.layout.save();
        exit.write(AppExit::Success);
    }
}

/// Hands the script's keys and clicks to egui, where those of people arrive.
fn send_input(mut tour: ResMut<Tour>, mut inputs: Query<&mut EguiInput, With<PrimaryEguiContext>>) {
    if let Ok(mut input) = inputs.single_mut() {
        input.events.append(&mut tour.events);
    }
}

impl Tour {
    /// The script that the environment names, or an empty one.
    fn from_environment() -> Self {
        let path = std::env::var_os("MARIONETTE_WINDOW_SCRIPT");
        let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned);
        Tour { lines: lines.collect(), began: Some(Instant::now()), ..Tour::default() }
    }

    /// Whether the script has hidden the window.
    pub fn hides_window(&self) -> bool {
        self.hidden
    }

    /// Whether the script has commands to do, so that frames should follow quickly.
    pub fn is_busy(&self) -> bool {
        !self.hidden && self.lines.front().is_some_and(|line| line != "wait over")
    }

    /// Does the next commands until one has to wait. Returns whether to close the window.
    fn advance(
        &mut self,
        viewer: &mut Viewer,
        window: &mut Window,
        commands: &mut Commands,
    ) -> bool {
        while self.frames == 0 && self.until.is_none_or(|until| Instant::now() >= until) {
            let Some(line) = self.lines.front().cloned() else { return false };
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["wait", what @ ..] = words.as_slice() {
                if !self.is_met(what, viewer) {
                    return false;
                }
            } else if words.first() == Some(&"close") {
                return true;
            } else {
                self.command(&words, &line, viewer, window, commands);
            }
            self.lines.pop_front();
        }
        self.frames = self.frames.saturating_sub(1);
        false
    }

    /// Whether the condition of a `wait` is met. Unknown conditions are.
    fn is_met(&mut self, what: &[&str], viewer: &Viewer) -> bool {
        match what {
            ["step", step] => {
                viewer.progress().0 >= number(step) as u64 || viewer.run.ending.is_some()
            }
            ["picture"] => {
                let arrived = viewer.stage.pictures() > self.pictures;
                if arrived {
                    self.pictures = viewer.stage.pictures();
                }
                arrived
            }
            ["explained"] => viewer.stage.is_explained(),
            ["sample"] => viewer.stage.shows_sample(),
            ["paused"] => viewer.is_paused(),
            ["over"] => viewer.run.ending.is_some(),
            ["file", path] => Path::new(path).exists(),
            ["frames", count] => {
                self.frames = number(count) as u32;
                true
            }
            _ => true,
        }
    }

    fn command(
        &mut self,
        words: &[&str],
        line: &str,
        viewer: &mut Viewer,
        window: &mut Window,
        commands: &mut Commands,
    ) {
        match words {
            ["key", name] => {
                let key = if *name == "Space" { Some(Key::Space) } else { Key::from_name(name) };
                let Some(key) = key else { return complain(line) };
                self.events.extend([true, false].map(|pressed| Event::Key {
                    key,
                    physical_key: None,
                    pressed,
                    repeat: false,
                    modifiers: Modifiers::default(),
                }));
                self.frames = 2;
            }
            ["move", x, y] => self.point(x, y),
            ["click", x, y] => {
                self.point(x, y);
                let pos = pos2(number(x) as f32, number(y) as f32);
                self.events.extend([true, false].map(|pressed| Event::PointerButton {
                    pos,
                    button: PointerButton::Primary,
                    pressed,
                    modifiers: Modifiers::default(),
                }));
                self.frames = 2;
            }
            ["scroll", by] => self.events.push(Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: Vec2::new(0.0, number(by) as f32),
                phase: TouchPhase::Move,
                modifiers: Modifiers::default(),
            }),
            ["sleep", milliseconds] => {
                self.until =
                    Some(Instant::now() + Duration::from_millis(number(milliseconds) as u64))
            }
            ["shot", path] => {
                commands.spawn(ScreenshotRequest(path.into()));
                self.frames = SETTLED;
            }
            ["resize", width, height] => {
                window.resolution.set(number(width) as f32, number(height) as f32)
            }
            ["hide"] => self.hidden = true,
            ["unhide"] => self.hidden = false,
            ["say", ..] => {
                let (step, _) = viewer.progress();
                let after = self.began.map_or(0.0, |began| began.elapsed().as_secs_f64());
                let (text, panel, frames) =
                    (line.trim_start_matches("say "), viewer.layout.panel.name(), viewer.frames);
                println!(
                    "tour: {text} (step {step}, {panel} on show, {frames} pictures in \
                     {after:.2} s)"
                );
            }
            ["set", name, value] => set(viewer, name, value),
            _ => complain(line),
        }
    }

    fn point(&mut self, x: &str, y: &str) {
        self.events.push(Event::PointerMoved(pos2(number(x) as f32, number(y) as f32)));
        self.frames = 2;
    }
}

/// Sets something that would take many clicks.
fn set(viewer: &mut Viewer, name: &str, value: &str) {
    match name {
        "panel" => {
            viewer.layout.panel = Panel::ALL[(number(value) as usize).min(Panel::ALL.len() - 1)]
        }
        "hint" => viewer.layout.hint_read = true,
        "gamma" => viewer.control(Control::Gamma(number(value))),
        "rate" => viewer.control(Control::RateFactor(number(value))),
        "steering" => viewer.control(Control::Steering(value == "on")),
        "overlay" => {
            let overlays = &mut viewer.layout.overlays;
            for (known, on) in [
                ("ids", &mut overlays.ids),
                ("depth", &mut overlays.depth),
                ("boxes", &mut overlays.boxes),
                ("colliders", &mut overlays.colliders),
                ("prediction", &mut overlays.prediction),
            ] {
                *on ^= known == value;
            }
        }
        "heatmap" => viewer.stage.heatmap = Some(number(value) as usize),
        "stage" => viewer.put_newest_on_stage(number(value) as usize),
        _ => {
            if let Some(axis) = name.strip_prefix("lock.").and_then(HardnessAxis::by_name) {
                let shares = (value != "off")
                    .then(|| value.split(',').map(|share| number(share) as f32).collect());
                viewer.control(Control::Lock(axis, shares));
            } else {
                complain(name);
            }
        }
    }
}

/// The number in `text`, or NaN.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn complain(line: &str) {
    eprintln!("tour: nothing known of: {line}");
}
