//! When the window draws a frame: ten times a second, less often if frames take long, and not at
//! all while nobody can see it. Training must not lose time to the window.

use crate::{schedule::WindowSystems, state::Viewer, tour::Tour};
use bevy::{
    ecs::system::SystemParam,
    input::{
        keyboard::KeyboardInput,
        mouse::{MouseButtonInput, MouseWheel},
    },
    prelude::*,
    render::{Render, RenderApp, RenderSystems},
    window::{CursorMoved, PrimaryWindow, WindowOccluded},
    winit::{UpdateMode, WINIT_WINDOWS, WinitSettings},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The least time between two frames without input.
const REFRESH: Duration = Duration::from_millis(100);
/// The most time between two frames, however busy the machine is.
const SLOWEST: Duration = Duration::from_millis(1000);
/// How long after an input the window draws at once on every event.
const INPUT_TIME: Duration = Duration::from_secs(1);
/// How often a hidden window checks whether it can be seen again.
const HIDDEN: Duration = Duration::from_millis(500);
/// Frames may take one part in so many of the time.
const SHARE: u32 = 6;

/// When the window draws.
#[derive(Resource)]
pub struct Pacing {
    /// Microseconds that the last frame took, from the first system to the last.
    took: Arc<AtomicU64>,
    /// The same, smoothed.
    cost: Duration,
    /// The time between two frames.
    wait: Duration,
    /// When the user last moved or pressed something.
    last_input: Option<Instant>,
    occluded: bool,
    drawing: bool,
}

impl Pacing {
    /// Whether the window is drawn: not while nobody can see it.
    pub fn is_drawing(&self) -> bool {
        self.drawing
    }
}

/// Measures frames. The main world has one and the render world another; they share the values.
#[derive(Resource, Clone)]
struct Stopwatch {
    origin: Instant,
    /// When the frame began, microseconds after `origin`.
    began: Arc<AtomicU64>,
    /// Microseconds that the last frame took.
    took: Arc<AtomicU64>,
}

/// Sets the frame rate. Needs winit's and the renderer's plugins before it.
pub fn plugin(app: &mut App) {
    let stopwatch =
        Stopwatch { origin: Instant::now(), began: Arc::default(), took: Arc::default() };
    let mode = update_mode(REFRESH, false);
    app.insert_resource(WinitSettings { focused_mode: mode, unfocused_mode: mode })
        .insert_resource(Pacing {
            took: stopwatch.took.clone(),
            cost: Duration::ZERO,
            wait: REFRESH,
            last_input: None,
            occluded: false,
            drawing: true,
        })
        .insert_resource(stopwatch.clone())
        .add_systems(First, begin_frame)
        .add_systems(Update, pace.in_set(WindowSystems::Pacing));
    app.sub_app_mut(RenderApp)
        .insert_resource(stopwatch)
        .add_systems(Render, end_frame.in_set(RenderSystems::Cleanup));
}

fn begin_frame(stopwatch: Res<Stopwatch>) {
    stopwatch.began.store(stopwatch.origin.elapsed().as_micros() as u64, Ordering::Relaxed);
}

/// The end of the frame's work on this thread.
fn end_frame(stopwatch: Res<Stopwatch>) {
    let began = stopwatch.began.load(Ordering::Relaxed);
    let now = stopwatch.origin.elapsed().as_micros() as u64;
    stopwatch.took.store(now.saturating_sub(began), Ordering::Relaxed);
}

/// Decides when the next frame is drawn.
fn pace(
    mut pacing: ResMut<Pacing>,
    mut viewer: ResMut<Viewer>,
    tour: Res<Tour>,
    mut occluded: MessageReader<WindowOccluded>,
    mut settings: ResMut<WinitSettings>,
    mut cameras: Query<&mut Camera>,
    window: Query<Entity, With<PrimaryWindow>>,
    mut input: UserInput,
) {
    if input.any() {
        pacing.last_input = Some(Instant::now());
    }
    let active = pacing.last_input.is_some_and(|last| last.elapsed() < INPUT_TIME);
    if let Some(last) = occluded.read().last() {
        pacing.occluded = last.occluded;
    }
    let drawing = !(pacing.occluded || tour.hides_window() || minimised(&window));
    if drawing != pacing.drawing {
        pacing.drawing = drawing;
        viewer.set_visible(drawing);
        cameras.iter_mut().for_each(|mut camera| camera.is_active = drawing);
    }
    let took = Duration::from_micros(pacing.took.load(Ordering::Relaxed)).min(SLOWEST);
    pacing.cost = (pacing.cost * 3 + took) / 4;
    viewer.frame_cost = pacing.cost;
    pacing.wait = next_wait(pacing.wait, pacing.cost * SHARE);
    let wait = match () {
        () if !drawing => HIDDEN,
        () if tour.is_busy() => REFRESH,
        () => pacing.wait,
    };
    let mode = update_mode(wait, active);
    if settings.focused_mode != mode {
        *settings = WinitSettings { focused_mode: mode, unfocused_mode: mode };
    }
}

/// Draws every `wait`. Events of the window only cause a frame while the user is `active`: winit's
/// own request to draw is such an event, so every frame would be drawn twice.
fn update_mode(wait: Duration, active: bool) -> UpdateMode {
    UpdateMode::Reactive {
        wait,
        react_to_device_events: false,
        react_to_user_events: false,
        react_to_window_events: active,
    }
}

/// The user's input to the window.
#[derive(SystemParam)]
struct UserInput<'w, 's> {
    moved: MessageReader<'w, 's, CursorMoved>,
    buttons: MessageReader<'w, 's, MouseButtonInput>,
    wheel: MessageReader<'w, 's, MouseWheel>,
    keys: MessageReader<'w, 's, KeyboardInput>,
}

impl UserInput<'_, '_> {
    /// Whether there was any since the last call.
    fn any(&mut self) -> bool {
        self.moved.read().count()
            + self.buttons.read().count()
            + self.wheel.read().count()
            + self.keys.read().count()
            > 0
    }
}

/// The next time between frames, where it is `now` and should be `wanted`. It changes in coarse
/// steps, and becomes shorter only if it should be much shorter: every change causes a frame.
fn next_wait(now: Duration, wanted: Duration) -> Duration {
    if wanted <= now && wanted * 2 > now {
        return now;
    }
    let steps = [100, 150, 220, 330, 500, 700].map(Duration::from_millis);
    steps.into_iter().find(|step| *step >= wanted).unwrap_or(SLOWEST)
}

/// Whether the window is minimised, on systems that report it.
fn minimised(window: &Query<Entity, With<PrimaryWindow>>) -> bool {
    let Ok(entity) = window.single() else { return false };
    WINIT_WINDOWS
        .with_borrow(|windows| windows.get_window(entity).and_then(|window| window.is_minimized()))
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_between_frames_follows_their_cost_without_changing_all_the_time() {
        let next = |now, wanted| {
            next_wait(Duration::from_millis(now), Duration::from_millis(wanted)).as_millis()
        };
        assert_eq!(
            [next(100, 30), next(100, 60), next(100, 101), next(150, 120), next(150, 76)],
            [100, 100, 150, 150, 150]
        );
        assert_eq!(
            [next(150, 60), next(100, 90_000), next(1000, 501), next(1000, 90)],
            [100, 1000, 1000, 100]
        );
    }
}
