//! A hidden way to drive the window: a script in the file that `MARIONETTE_WINDOW_SCRIPT` names,
//! for tests and for the pictures in the documentation. Keys and clicks take the way that those of
//! people take.
//!
//! One command a line: `key K`, `click X Y`, `move X Y`, `scroll DY`, `wait step N`, `wait
//! picture`, `wait sample`, `wait explained`, `wait paused`, `wait over`, `wait file PATH`, `wait
//! frames N`, `sleep MS`, `shot PATH`, `resize W H`, `hide`, `unhide`, `set NAME VALUE`, `say
//! TEXT`, `close`.

use super::{chrome::Viewer, layout::Panel, shots::Shot};
use bevy::{
    prelude::{Commands, Resource},
    window::Window,
};
use bevy_egui::egui::{
    Event, Key, Modifiers, MouseWheelUnit, PointerButton, TouchPhase, Vec2, pos2,
};
use marionette_run::Control;
use marionette_stream::HardnessAxis;
use std::{
    collections::VecDeque,
    path::Path,
    time::{Duration, Instant},
};

/// Pictures that a change takes to be on the screen.
const SETTLED: u32 = 4;

/// A script, and how far it has come.
#[derive(Resource, Default)]
pub struct Tour {
    lines: VecDeque<String>,
    events: Vec<Event>,
    frames: u32,
    until: Option<Instant>,
    hidden: bool,
    began: Option<Instant>,
    pictures: u64,
}

impl Tour {
    /// The script of the environment; none where none is named.
    pub fn of_environment() -> Self {
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
    pub fn hidden(&self) -> bool {
        self.hidden
    }

    /// Whether the script has something to do.
    pub fn hurried(&self) -> bool {
        !self.hidden && self.lines.front().is_some_and(|line| line != "wait over")
    }

    /// What is typed and clicked in this picture.
    pub fn typed(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Does what comes next, until something has to be waited for. Returns whether the window is to
    /// be closed.
    pub fn go_on(
        &mut self,
        viewer: &mut Viewer,
        window: &mut Window,
        commands: &mut Commands,
    ) -> bool {
        while self.frames == 0 && self.until.is_none_or(|until| Instant::now() >= until) {
            let Some(line) = self.lines.front().cloned() else { return false };
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["wait", what @ ..] = words.as_slice() {
                if !self.has_come(what, viewer) {
                    return false;
                }
            } else if words.first() == Some(&"close") {
                return true;
            } else {
                self.act(&words, &line, viewer, window, commands);
            }
            self.lines.pop_front();
        }
        self.frames = self.frames.saturating_sub(1);
        false
    }

    fn has_come(&mut self, what: &[&str], viewer: &Viewer) -> bool {
        match what {
            ["step", step] => {
                viewer.progress().0 >= number(step) as u64 || viewer.data.ending.is_some()
            }
            ["picture"] => {
                let come = viewer.stage.pictures() > self.pictures;
                if come {
                    self.pictures = viewer.stage.pictures();
                }
                come
            }
            ["explained"] => viewer.stage.is_explained(),
            ["sample"] => viewer.stage.shows_sample(),
            ["paused"] => viewer.paused(),
            ["over"] => viewer.data.ending.is_some(),
            ["file", path] => Path::new(path).exists(),
            ["frames", count] => {
                self.frames = number(count) as u32;
                true
            }
            _ => true,
        }
    }

    fn act(
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
                commands.spawn(Shot(path.into()));
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
                let (what, panel, pictures) =
                    (line.trim_start_matches("say "), viewer.layout.panel.name(), viewer.pictures);
                println!(
                    "tour: {what} (step {step}, {panel} on show, {pictures} pictures in \
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

/// Sets what takes many clicks to set.
fn set(viewer: &mut Viewer, name: &str, value: &str) {
    match name {
        "panel" => {
            viewer.layout.panel = Panel::ALL[(number(value) as usize).min(Panel::ALL.len() - 1)]
        }
        "hint" => viewer.layout.hint_read = true,
        "gamma" => viewer.control(Control::Gamma(number(value))),
        "floor" => viewer.control(Control::Floor(number(value))),
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
        "heatmap" => viewer.stage.show_heatmap(number(value) as usize),
        "stage" => super::batch::stage_newest(viewer, number(value) as usize),
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

/// What is no number counts as one that is none.
fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn complain(line: &str) {
    eprintln!("tour: nothing known of: {line}");
}
