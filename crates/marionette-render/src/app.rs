//! The headless Bevy app that draws frames, and the test that it passes before its first real one.

use super::{
    adapter::{AdapterReport, find_adapter},
    atlas::Atlas,
    error::RenderError,
    frame::{self, Delivery, DrawnFrame, DrawnFrames, Frame, FrameToDraw, RendererConfig},
    labels::label_frame,
    pass,
    pictures::{Bank, make_pictures},
    pipelines::queue_pipelines,
    read_back::{self, Ring},
    sentinel::{check_sentinel, sentinel},
    shaders::TileShaders,
    upload::{self, Buffers},
};
use bevy::{
    app::{PluginsState, TaskPoolThreadAssignmentPolicy},
    prelude::*,
    render::{
        Render, RenderApp, RenderPlugin, RenderStartup, RenderSystems,
        render_resource::PipelineCache,
        renderer::{RenderDevice, RenderGraph, RenderGraphSystems},
    },
    window::ExitCondition,
};
use marionette_figure::Figure;
use marionette_scene::pictures::PictureBank;
use marionette_stream::{SceneSample, Tile};
use std::sync::Arc;

/// Builds a headless app that draws frames of the given shape with the given pictures in their
/// backdrops. Before it returns, the app draws a test tile until that has come out right three
/// times running.
///
/// # Errors
/// If there is no adapter, if it cannot hold the atlas, or if the test tile comes out wrong.
pub fn headless_app(
    config: RendererConfig,
    pictures: &PictureBank,
) -> Result<(App, AdapterReport), RenderError> {
    let adapter = find_adapter()?;
    let mut app = App::new();
    let plugins = DefaultPlugins
        .set(task_pools(config.threads))
        .set(WindowPlugin {
            primary_window: None,
            exit_condition: ExitCondition::DontExit,
            ..default()
        })
        .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() })
        // Without this plugin one update both extracts and draws a frame, so a later frame cannot
        // replace its samples in between.
        .disable::<bevy::render::pipelined_rendering::PipelinedRenderingPlugin>();
    // A process has one event loop, and the window needs it.
    #[cfg(feature = "window")]
    let plugins = plugins.disable::<bevy::winit::WinitPlugin>();
    // This app has no views of Bevy's own. Only Bevy's materials need the plugin, in builds that
    // have them.
    #[cfg(all(feature = "window", not(feature = "camera-per-tile")))]
    let plugins = plugins.disable::<bevy::core_pipeline::CorePipelinePlugin>();
    app.add_plugins(plugins);
    plugin(&mut app, config, pictures);
    while app.plugins_state() == PluginsState::Adding {
        bevy::tasks::tick_global_task_pools_on_main_thread();
    }
    app.finish();
    app.cleanup();
    let limit =
        app.sub_app(RenderApp).world().resource::<RenderDevice>().limits().max_texture_dimension_2d;
    let rows = (config.tiles as u32).div_ceil(config.columns());
    if config.columns() * config.width > limit || rows * config.height > limit {
        let RendererConfig { tiles, width, height, .. } = config;
        return Err(RenderError::TooLarge { tiles, width, height, limit });
    }
    warm_up(&mut app, config)?;
    Ok((app, adapter))
}

/// Bevy's pools with `threads` threads for computing. All apps of a process share them, with the
/// sizes that the first app gave.
pub fn task_pools(threads: usize) -> TaskPoolPlugin {
    let compute = TaskPoolThreadAssignmentPolicy {
        min_threads: threads,
        max_threads: threads,
        percent: 1.0,
        on_thread_spawn: None,
        on_thread_destroy: None,
    };
    let one = TaskPoolThreadAssignmentPolicy { min_threads: 1, max_threads: 1, ..compute.clone() };
    TaskPoolPlugin {
        task_pool_options: TaskPoolOptions {
            io: one.clone(),
            async_compute: one,
            compute,
            ..default()
        },
    }
}

/// Adds the tile renderer to an app that has Bevy's own render plugin.
fn plugin(app: &mut App, config: RendererConfig, pictures: &PictureBank) {
    let (delivery, drawn_frames) = frame::delivery();
    let shaders = TileShaders::add_to(&mut app.world_mut().resource_mut::<Assets<Shader>>());
    app.insert_resource(shaders.clone())
        .insert_resource(drawn_frames)
        .init_resource::<FrameToDraw>();
    app.sub_app_mut(RenderApp)
        .insert_resource(shaders)
        .insert_resource(config)
        .insert_resource(Bank(pictures.clone()))
        .insert_resource(delivery)
        .init_resource::<Ring>()
        .init_resource::<Buffers>()
        .add_systems(RenderStartup, (queue_pipelines, make_atlas, make_pictures))
        .add_systems(ExtractSchedule, upload::extract_frame)
        .add_systems(
            Render,
            (
                upload::upload.in_set(RenderSystems::PrepareBindGroups),
                read_back::deliver.in_set(RenderSystems::Cleanup),
            ),
        )
        .add_systems(RenderGraph, pass::draw.in_set(RenderGraphSystems::Render));
}

fn make_atlas(mut commands: Commands, device: Res<RenderDevice>, config: Res<RendererConfig>) {
    commands.insert_resource(Atlas::new(&device, &config));
}

/// Draws the test tile until the pipelines are built and it has come out right three times running.
fn warm_up(app: &mut App, config: RendererConfig) -> Result<(), RenderError> {
    let frame = Frame { tag: u64::MAX, samples: Arc::new(vec![sentinel(config); config.tiles]) };
    let mut right = 0;
    let mut complaint = "no frame was drawn".to_owned();
    // Shaders reach the render world one update late and are built in the next one. No driver takes
    // nearly as many as sixty.
    for _ in 0..60 {
        app.world_mut().resource_mut::<FrameToDraw>().0 = Some(frame.clone());
        update(app)?;
        pipeline_error(app)?;
        while let Some(drawn) = next_drawn(app)? {
            match check_sentinel(&drawn, config) {
                Ok(()) => right += 1,
                Err(wrong) => (right, complaint) = (0, wrong),
            }
        }
        if right >= 3 {
            // Take the last frame, which is still being drawn.
            update(app)?;
            while next_drawn(app)?.is_some() {}
            return Ok(());
        }
    }
    Err(RenderError::Sentinel(complaint))
}

/// Updates the app once.
///
/// # Errors
/// [`RenderError::Device`] if Bevy wants to exit: in an app without a window the device was lost or
/// refused a command. [`RenderError::NotTaken`] if drawn frames were not taken ([`next_drawn`]).
pub fn update(app: &mut App) -> Result<(), RenderError> {
    app.update();
    if let Some(exit) = app.should_exit() {
        return Err(RenderError::Device(format!("the render device stopped ({exit:?})")));
    }
    if app.sub_app(RenderApp).world().resource::<Delivery>().overflowed {
        return Err(RenderError::NotTaken { most: frame::MOST_WAITING });
    }
    Ok(())
}

/// The next frame that has been drawn, if there is one.
///
/// # Errors
/// If the device failed to draw or to read it back.
pub fn next_drawn(app: &App) -> Result<Option<DrawnFrame>, RenderError> {
    app.world().resource::<DrawnFrames>().0.try_recv().ok().transpose().map_err(RenderError::Device)
}

fn pipeline_error(app: &App) -> Result<(), RenderError> {
    use bevy::{render::render_resource::CachedPipelineState, shader::ShaderCacheError};
    let cache = app.sub_app(RenderApp).world().resource::<PipelineCache>();
    let broken = cache.pipelines().find_map(|pipeline| match &pipeline.state {
        // Bevy tries again by itself: it loads the shaders of its own pipelines in the background.
        CachedPipelineState::Err(
            ShaderCacheError::ShaderNotLoaded(_) | ShaderCacheError::ShaderImportNotYetAvailable,
        ) => None,
        CachedPipelineState::Err(error) => Some(error.to_string()),
        _ => None,
    });
    broken.map_or(Ok(()), |error| Err(RenderError::Pipeline(error)))
}

/// Draws and labels `samples` on their own, in as many frames as they need: for previews, exams and
/// tests.
///
/// # Errors
/// If the device fails.
pub fn render_samples(
    app: &mut App,
    config: RendererConfig,
    figure: &Figure,
    samples: &[SceneSample],
) -> Result<Vec<Tile>, RenderError> {
    let mut tiles = Vec::with_capacity(samples.len());
    for (tag, chunk) in samples.chunks(config.tiles).enumerate() {
        app.world_mut().resource_mut::<FrameToDraw>().0 =
            Some(Frame { tag: tag as u64, samples: Arc::new(chunk.to_vec()) });
        update(app)?;
        // An update without a new frame delivers the last one.
        update(app)?;
        while let Some(drawn) = next_drawn(app)? {
            tiles.extend(label_frame(figure, drawn));
        }
    }
    Ok(tiles)
}
