//! The window's app: what runs in which schedule, how often it draws, and when it does not.

use super::{
    Subject, ViewerError,
    chrome::{self, Viewer},
    shots, theme,
    tour::Tour,
};
use bevy::{
    ecs::{schedule::Schedules, system::SystemParam},
    input::{
        keyboard::KeyboardInput,
        mouse::{MouseButtonInput, MouseWheel},
    },
    prelude::*,
    render::{Render, RenderApp, RenderPlugin, RenderSystems},
    window::{
        CursorMoved, ExitCondition, PresentMode, PrimaryWindow, WindowOccluded, WindowResolution,
    },
    winit::{UpdateMode, WINIT_WINDOWS, WinitSettings},
};
use bevy_egui::{
    EguiContexts, EguiGlobalSettings, EguiInput, EguiPlugin, EguiPrimaryContextPass,
    PrimaryEguiContext, egui,
};
use marionette_render::task_pools;
use marionette_run::threads;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The least time from one picture to the next while nobody touches anything.
const REFRESH: Duration = Duration::from_millis(100);
/// The most time, however little of the machine is left.
const SLOWEST: Duration = Duration::from_millis(1000);
/// How long after something was touched the window answers at once.
const TOUCHED: Duration = Duration::from_secs(1);
/// How often a window that nobody can see looks whether it can be seen.
const HIDDEN: Duration = Duration::from_millis(500);
/// How far the window's threads stand back: at 10, a thread of the run's that wants the same core
/// gets nine tenths of it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;
/// The share of the time that pictures may take: one part in so many.
const SHARE: u32 = 6;

/// When the window draws.
#[derive(Resource)]
struct Pacing {
    began: Instant,
    /// Microseconds that the last picture took, from the first system to the last.
    took: Arc<AtomicU64>,
    /// The same, smoothed.
    cost: Duration,
    /// The time from one picture to the next.
    wait: Duration,
    /// When somebody last moved or pressed something.
    touched: Option<Instant>,
    occluded: bool,
    drawing: bool,
}

/// When the picture being made was begun, for the render world.
#[derive(Resource, Clone)]
struct Stopwatch {
    origin: Instant,
    began: Arc<AtomicU64>,
    took: Arc<AtomicU64>,
}

/// Runs the window until it is closed.
pub fn run(subject: Subject) -> Result<(), ViewerError> {
    let built = catch_unwind(AssertUnwindSafe(|| build(subject)));
    let mut app = built.map_err(|panic| ViewerError::Window(said(&*panic)))?;
    // Whatever goes wrong from here on goes wrong in the window; the run has threads of its own.
    match catch_unwind(AssertUnwindSafe(move || app.run())) {
        Ok(AppExit::Success) => Ok(()),
        Ok(exit) => Err(ViewerError::Window(format!("the graphics driver gave up ({exit:?})"))),
        Err(panic) => Err(ViewerError::Window(said(&*panic))),
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("the windowing system does not say why")
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn build(subject: Subject) -> App {
    let viewer = Viewer::new(subject);
    let [width, height] = viewer.layout.window.map(|side| side as u32);
    let mut app = App::new();
    app.add_plugins(task_pools(threads(viewer.subject.config.threads)));
    give_way();
    app.add_plugins(
        DefaultPlugins
            .build()
            .disable::<TaskPoolPlugin>()
            .set(WindowPlugin {
                primary_window: Some(Window {
                    title: format!("Marionette: {}", viewer.subject.directory.path().display()),
                    name: Some("marionette".to_owned()),
                    resolution: WindowResolution::new(width, height),
                    // Not to wait for a display that is slower than the run.
                    present_mode: PresentMode::AutoNoVsync,
                    ..default()
                }),
                exit_condition: ExitCondition::OnPrimaryClosed,
                ..default()
            })
            .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() })
            .disable::<bevy::render::pipelined_rendering::PipelinedRenderingPlugin>(),
    )
    .add_plugins(EguiPlugin { bindless_mode_array_size: None })
    .insert_resource(ClearColor(Color::srgb_u8(27, 27, 27)))
    .insert_resource(WinitSettings {
        focused_mode: update_mode(REFRESH, false),
        unfocused_mode: update_mode(REFRESH, false),
    });
    let stopwatch =
        Stopwatch { origin: Instant::now(), began: Arc::default(), took: Arc::default() };
    app.insert_resource(Pacing {
        began: Instant::now(),
        took: stopwatch.took.clone(),
        cost: Duration::ZERO,
        wait: REFRESH,
        touched: None,
        occluded: false,
        drawing: true,
    })
    .insert_resource(stopwatch.clone())
    .insert_resource(Tour::of_environment())
    .insert_resource(viewer);
    app.world_mut().resource_mut::<EguiGlobalSettings>().enable_ime = false;
    app.add_systems(Startup, set_up)
        .add_systems(First, begin)
        .add_systems(Update, (attend, pace).chain())
        .add_systems(Update, shots::take)
        .add_systems(
            PreUpdate,
            type_for_tour
                .after(bevy_egui::EguiInputSet::WriteEguiEvents)
                .before(bevy_egui::EguiPreUpdateSet::BeginPass),
        )
        .add_systems(EguiPrimaryContextPass, draw);
    app.sub_app_mut(RenderApp)
        .insert_resource(stopwatch)
        .add_systems(Render, stop_watch.in_set(RenderSystems::Cleanup));
    // The pools are the run's: a system of the window's must not wait for one of the generator's,
    // nor the other way round.
    single_threaded(app.world_mut());
    single_threaded(app.sub_app_mut(RenderApp).world_mut());
    app
}

/// Lets the run's threads go first: from here on this thread and those that it starts, the graphics
/// driver's among them, take what is left. The pools that both use are there by now, or are made
/// now.
fn give_way() {
    let _ = rayon::current_num_threads();
    #[cfg(target_os = "linux")]
    {
        // On Linux this is of the calling thread alone. Where it is refused, the window takes its
        // turn like all others.
        let _ = rustix::process::nice(NICENESS);
    }
}

fn single_threaded(world: &mut World) {
    world.resource_mut::<Schedules>().iter_mut().for_each(|(_, schedule)| {
        schedule.set_executor(bevy::ecs::schedule::SingleThreadedExecutor::new());
    });
}

fn set_up(mut commands: Commands, mut contexts: EguiContexts) {
    commands.spawn((Camera2d, Msaa::Off));
    if let Ok(context) = contexts.ctx_mut() {
        theme::install(context);
    }
}

fn begin(mut pacing: ResMut<Pacing>, stopwatch: Res<Stopwatch>) {
    pacing.began = Instant::now();
    stopwatch.began.store(stopwatch.origin.elapsed().as_micros() as u64, Ordering::Relaxed);
}

/// The picture is drawn, as far as this thread is concerned.
fn stop_watch(stopwatch: Res<Stopwatch>) {
    let began = stopwatch.began.load(Ordering::Relaxed);
    stopwatch.took.store(
        (stopwatch.origin.elapsed().as_micros() as u64).saturating_sub(began),
        Ordering::Relaxed,
    );
}

/// Takes in what the run has to say, and does the next thing of a tour.
fn attend(
    mut viewer: ResMut<Viewer>,
    mut tour: ResMut<Tour>,
    mut commands: Commands,
    mut windows: Query<(Entity, &mut Window), With<PrimaryWindow>>,
    mut exit: MessageWriter<AppExit>,
) {
    viewer.attend();
    let Ok((_, mut window)) = windows.single_mut() else { return };
    viewer.layout.window = [window.width(), window.height()];
    if tour.go_on(&mut viewer, &mut window, &mut commands) {
        viewer.layout.save();
        exit.write(AppExit::Success);
    }
}

/// Draws as often as is worth it: ten times a second, less often where a picture takes long, not at
/// all where nobody sees it.
fn pace(
    mut pacing: ResMut<Pacing>,
    mut viewer: ResMut<Viewer>,
    tour: Res<Tour>,
    mut occluded: MessageReader<WindowOccluded>,
    mut settings: ResMut<WinitSettings>,
    mut cameras: Query<&mut Camera>,
    window: Query<Entity, With<PrimaryWindow>>,
    mut touches: Touches,
) {
    if touches.any() {
        pacing.touched = Some(Instant::now());
    }
    let touched = pacing.touched.is_some_and(|touched| touched.elapsed() < TOUCHED);
    if let Some(last) = occluded.read().last() {
        pacing.occluded = last.occluded;
    }
    let drawing = !(pacing.occluded || tour.hidden() || minimised(&window));
    if drawing != pacing.drawing {
        pacing.drawing = drawing;
        viewer.looking(drawing);
        cameras.iter_mut().for_each(|mut camera| camera.is_active = drawing);
    }
    let took = Duration::from_micros(pacing.took.load(Ordering::Relaxed)).min(SLOWEST);
    pacing.cost = (pacing.cost * 3 + took) / 4;
    viewer.cost = pacing.cost;
    pacing.wait = rested(pacing.wait, pacing.cost * SHARE);
    let wait = match () {
        () if !drawing => HIDDEN,
        () if tour.hurried() => REFRESH,
        () => pacing.wait,
    };
    let mode = update_mode(wait, touched);
    if settings.focused_mode != mode {
        *settings = WinitSettings { focused_mode: mode, unfocused_mode: mode };
    }
}

/// Draws every `wait`, and at once when something happens to the window only while somebody is at
/// it: winit's own request to draw counts as something, so that every picture would be drawn twice.
fn update_mode(wait: Duration, touched: bool) -> UpdateMode {
    UpdateMode::Reactive {
        wait,
        react_to_device_events: false,
        react_to_user_events: false,
        react_to_window_events: touched,
    }
}

/// What tells that somebody is at the window.
#[derive(SystemParam)]
struct Touches<'w, 's> {
    moved: MessageReader<'w, 's, CursorMoved>,
    buttons: MessageReader<'w, 's, MouseButtonInput>,
    wheel: MessageReader<'w, 's, MouseWheel>,
    keys: MessageReader<'w, 's, KeyboardInput>,
}

impl Touches<'_, '_> {
    fn any(&mut self) -> bool {
        self.moved.read().count()
            + self.buttons.read().count()
            + self.wheel.read().count()
            + self.keys.read().count()
            > 0
    }
}

/// The time to rest after a picture where it should be `wanted` and is `now`: in coarse steps, and
/// not shorter before it should be much shorter, because a change is itself a reason to draw at
/// once.
fn rested(now: Duration, wanted: Duration) -> Duration {
    if wanted <= now && wanted * 2 > now {
        return now;
    }
    let steps = [100, 150, 220, 330, 500, 700].map(Duration::from_millis);
    steps.into_iter().find(|step| *step >= wanted).unwrap_or(SLOWEST)
}

/// Whether the window is minimised, where the system tells.
fn minimised(window: &Query<Entity, With<PrimaryWindow>>) -> bool {
    let Ok(entity) = window.single() else { return false };
    WINIT_WINDOWS
        .with_borrow(|windows| windows.get_window(entity).and_then(|window| window.is_minimized()))
        .unwrap_or(false)
}

/// Keys and clicks of a tour come in where those of people do.
fn type_for_tour(
    mut tour: ResMut<Tour>,
    mut inputs: Query<&mut EguiInput, With<PrimaryEguiContext>>,
) {
    if let Ok(mut input) = inputs.single_mut() {
        input.events.extend(tour.typed());
    }
}

fn draw(mut contexts: EguiContexts, mut viewer: ResMut<Viewer>, pacing: Res<Pacing>) -> Result {
    if !pacing.drawing {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let builder = egui::UiBuilder::new()
        .layer_id(egui::LayerId::background())
        .max_rect(context.viewport_rect());
    let mut ui = egui::Ui::new(context, "viewport".into(), builder);
    chrome::show(&mut ui, &mut viewer);
    viewer.pictures += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_between_pictures_follows_their_cost_without_changing_all_the_time() {
        let rest = |now, wanted| {
            rested(Duration::from_millis(now), Duration::from_millis(wanted)).as_millis()
        };
        assert_eq!(
            [rest(100, 30), rest(100, 60), rest(100, 101), rest(150, 120), rest(150, 76)],
            [100, 100, 150, 150, 150]
        );
        assert_eq!(
            [rest(150, 60), rest(100, 90_000), rest(1000, 501), rest(1000, 90)],
            [100, 1000, 1000, 100]
        );
    }
}
