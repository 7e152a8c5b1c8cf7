//! The window's Bevy app: its plugins, and how it gives way to the run.

use crate::{
    chrome,
    display::check_display,
    error::ViewerError,
    pacing, schedule, screenshots,
    state::{self, Viewer},
    subject::Subject,
    tour,
};
use bevy::{
    ecs::schedule::{Schedules, SingleThreadedExecutor},
    prelude::*,
    render::{RenderApp, RenderPlugin, pipelined_rendering::PipelinedRenderingPlugin},
    window::{ExitCondition, PresentMode, WindowResolution},
};
use bevy_egui::{EguiGlobalSettings, EguiPlugin};
use marionette_render::task_pools;
use marionette_run::threads;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
};

/// The niceness of the window's threads. At 10, a thread of the run that wants the same core gets
/// nine tenths of it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Opens the window and shows `subject` until it is closed. Call it on the main thread, once per
/// process.
///
/// # Errors
/// Where there is no display, or none that works. The run goes on all the same.
pub fn open(subject: Subject) -> Result<(), ViewerError> {
    check_display()?;
    let built = catch_unwind(AssertUnwindSafe(|| build(subject)));
    let mut app = built.map_err(|panic| ViewerError::Window(panic_message(&*panic)))?;
    // A panic in here only ends the window: the run has threads of its own.
    match catch_unwind(AssertUnwindSafe(move || app.run())) {
        Ok(AppExit::Success) => Ok(()),
        Ok(exit) => Err(ViewerError::Window(format!("the graphics driver gave up ({exit:?})"))),
        Err(panic) => Err(ViewerError::Window(panic_message(&*panic))),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
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
    lower_priority();
    app.add_plugins(
        DefaultPlugins
            .build()
            .disable::<TaskPoolPlugin>()
            .set(WindowPlugin {
                primary_window: Some(Window {
                    title: format!("Marionette: {}", viewer.subject.directory.path().display()),
                    name: Some("marionette".to_owned()),
                    resolution: WindowResolution::new(width, height),
                    // The window must not wait for a display that is slower than the run.
                    present_mode: PresentMode::AutoNoVsync,
                    ..default()
                }),
                exit_condition: ExitCondition::OnPrimaryClosed,
                ..default()
            })
            .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() })
            .disable::<PipelinedRenderingPlugin>(),
    )
    .add_plugins(EguiPlugin { bindless_mode_array_size: None });
    app.world_mut().resource_mut::<EguiGlobalSettings>().enable_ime = false;
    app.insert_resource(viewer).add_plugins((
        schedule::plugin,
        screenshots::plugin,
        state::plugin,
        tour::plugin,
        pacing::plugin,
        chrome::plugin,
    ));
    app.add_systems(Last, close_when_told);
    // The task pools belong to the run. A system of the window must not wait for a system of the
    // generator in them, or the other way round.
    single_threaded(app.world_mut());
    single_threaded(app.sub_app_mut(RenderApp).world_mut());
    app
}

/// Closes the window of a run that a signal has stopped.
fn close_when_told(viewer: ResMut<Viewer>, mut exit: MessageWriter<AppExit>) {
    let told = viewer.subject.close.as_ref().is_some_and(|close| close.load(Ordering::SeqCst));
    if told && viewer.run.ending.is_some() {
        viewer.layout.save();
        exit.write(AppExit::Success);
    }
}

/// Lets the run's threads go first: from here on this thread, and the threads that it starts, take
/// the rest. Among them are the graphics driver's. The pools that the run uses as well exist by
/// now, or are made here.
fn lower_priority() {
    let _ = rayon::current_num_threads();
    #[cfg(target_os = "linux")]
    {
        // On Linux this holds for the calling thread alone. If it is refused, the window's threads
        // keep their priority.
        let _ = rustix::process::nice(NICENESS);
    }
}

fn single_threaded(world: &mut World) {
    world.resource_mut::<Schedules>().iter_mut().for_each(|(_, schedule)| {
        schedule.set_executor(SingleThreadedExecutor::new());
    });
}
