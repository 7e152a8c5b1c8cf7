//! The headless Bevy app that draws frames, and the gate that it passes before its first real one.

use super::{
    adapter::AdapterReport,
    find_adapter,
    labels::label_frame,
    pass::{self, Uploads},
    pictures::{Bank, make_pictures},
    pipelines::{Atlas, TileShaders, queue_pipelines},
    read_back::{self, Delivery, Ring},
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
use marionette_figure::{BodyShape, Figure, Pose, RoundCone};
use marionette_scene::pictures::PictureBank;
use marionette_stream::{
    Backdrop, BackdropKind, Camera, Degradation, FigureSample, Light, PixelId, SampleStream,
    SceneSample, Tile,
};
use std::sync::Arc;

/// What can go wrong with drawing.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no graphics adapter.
    #[error(
        "no Vulkan, Metal or DX12 adapter was found; on Debian or Ubuntu `apt-get install \
         mesa-vulkan-drivers libvulkan1` brings a software one"
    )]
    NoAdapter,
    /// A shader or pipeline could not be built on this adapter.
    #[error("the shaders could not be built on this adapter: {0}")]
    Pipeline(String),
    /// The first frame did not come out as it must.
    #[error(
        "the test tile came out wrong on this adapter ({0}); its driver cannot be trusted with \
         labels"
    )]
    Sentinel(String),
    /// The adapter gave up while drawing.
    #[error("drawing failed: {0}")]
    Device(String),
    /// The atlas would be larger than the adapter allows.
    #[error(
        "{tiles} tiles of {width}x{height} need an atlas larger than this adapter's limit of \
         {limit} pixels; lower the batch"
    )]
    TooLarge {
        /// Tiles a frame.
        tiles: usize,
        /// Width of a tile, pixels.
        width: u32,
        /// Height of a tile, pixels.
        height: u32,
        /// The adapter's limit on a texture's side, pixels.
        limit: u32,
    },
}

/// The shape of the frames that an app draws.
#[derive(Resource, Clone, Copy, Debug, PartialEq, Eq)]
pub struct RendererConfig {
    /// Tiles a frame, at most.
    pub tiles: usize,
    /// Width of a tile, pixels.
    pub width: u32,
    /// Height of a tile, pixels.
    pub height: u32,
    /// Threads for Bevy's own tasks.
    pub threads: usize,
}

impl RendererConfig {
    /// Tiles a row of the atlas: about as many as there are rows.
    pub fn columns(&self) -> u32 {
        (self.tiles as f64).sqrt().ceil().max(1.0) as u32
    }
}

/// A frame to draw: a tag to know it again by, and one sample per tile.
#[derive(Clone)]
pub struct Frame {
    /// Comes back with the pixels.
    pub tag: u64,
    /// The samples, all of the size that the app was made for.
    pub samples: Arc<Vec<SceneSample>>,
}

/// The frame to draw in this update; without one, earlier frames are only delivered.
#[derive(Resource, Default)]
pub struct FrameToDraw(pub Option<Frame>);

/// Where the main world finds the frames that have been drawn.
#[derive(Resource)]
pub struct DrawnFrames(pub crossbeam_channel::Receiver<Result<DrawnFrame, String>>);

/// A drawn frame's pixels, with the samples they were drawn from.
#[derive(Clone)]
pub struct DrawnFrame {
    /// The frame as it was handed in.
    pub frame: Frame,
    /// The pixels of each sample.
    pub tiles: Vec<TilePixels>,
}

/// A tile's pixels, row by row.
#[derive(Clone)]
pub struct TilePixels {
    /// sRGB colour, RGBA.
    pub color: Vec<u8>,
    /// What each pixel shows.
    pub ids: Vec<PixelId>,
    /// Depth, metres.
    pub depth: Vec<f32>,
}

/// Builds a headless app that draws frames of the given shape with the given pictures in their
/// backdrops, and takes it through its first frames until a test tile comes out right three times
/// running.
///
/// # Errors
/// Where there is no adapter, it cannot hold the atlas, or it does not draw what it should.
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
        // Without it extraction and drawing happen within one update, so a frame's samples cannot
        // be overtaken.
        .disable::<bevy::render::pipelined_rendering::PipelinedRenderingPlugin>();
    // There is one event loop a process, and it is the window's.
    #[cfg(feature = "window")]
    let plugins = plugins.disable::<bevy::winit::WinitPlugin>();
    // Nothing here is a view of Bevy's own, but its materials, where they are built in, want the
    // plugin.
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

/// Bevy's pools with `threads` threads for computing. They are the process' own: the first app's
/// sizes stand.
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
    let (sender, receiver) = crossbeam_channel::unbounded();
    let shaders = TileShaders::add_to(&mut app.world_mut().resource_mut::<Assets<Shader>>());
    app.insert_resource(shaders.clone())
        .insert_resource(DrawnFrames(receiver))
        .init_resource::<FrameToDraw>();
    app.sub_app_mut(RenderApp)
        .insert_resource(shaders)
        .insert_resource(config)
        .insert_resource(Bank(pictures.clone()))
        .insert_resource(Delivery(sender))
        .init_resource::<Ring>()
        .init_resource::<Uploads>()
        .add_systems(RenderStartup, (queue_pipelines, make_atlas, make_pictures))
        .add_systems(ExtractSchedule, pass::extract_frame)
        .add_systems(
            Render,
            (
                pass::upload.in_set(RenderSystems::PrepareBindGroups),
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
    // Shaders reach the render world an update late and are built in the next; sixty is far more
    // than any driver takes.
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
            // Take delivery of what is still under way.
            update(app)?;
            while next_drawn(app)?.is_some() {}
            return Ok(());
        }
    }
    Err(RenderError::Sentinel(complaint))
}

/// One update of the app.
///
/// # Errors
/// Where Bevy wants to exit, which in an app without a window means that the device was lost or
/// refused a command.
pub fn update(app: &mut App) -> Result<(), RenderError> {
    app.update();
    match app.should_exit() {
        None => Ok(()),
        Some(exit) => Err(RenderError::Device(format!("the render device stopped ({exit:?})"))),
    }
}

/// The next frame that has been drawn, if one has.
///
/// # Errors
/// Where the device failed to draw or to read it back.
pub fn next_drawn(app: &App) -> Result<Option<DrawnFrame>, RenderError> {
    app.world().resource::<DrawnFrames>().0.try_recv().ok().transpose().map_err(RenderError::Device)
}

fn pipeline_error(app: &App) -> Result<(), RenderError> {
    use bevy::{render::render_resource::CachedPipelineState, shader::ShaderCacheError};
    let cache = app.sub_app(RenderApp).world().resource::<PipelineCache>();
    let broken = cache.pipelines().find_map(|pipeline| match &pipeline.state {
        // Bevy tries these again: it loads the shaders of its own pipelines in the background.
        CachedPipelineState::Err(
            ShaderCacheError::ShaderNotLoaded(_) | ShaderCacheError::ShaderImportNotYetAvailable,
        ) => None,
        CachedPipelineState::Err(error) => Some(error.to_string()),
        _ => None,
    });
    broken.map_or(Ok(()), |error| Err(RenderError::Pipeline(error)))
}

/// A red ball of radius 0.5 m, 4 m in front of the camera, in even light.
fn sentinel(config: RendererConfig) -> SceneSample {
    let ball = RoundCone { ends: [Vec3::Y, Vec3::Y], radii: [0.5, 0.5] };
    SceneSample {
        index: 0,
        attempt: 0,
        rejections: Vec::new(),
        policy_version: 0,
        stream: SampleStream::Uniform,
        origin: None,
        hardness: [0.0; 8],
        propensity: [1.0; 8],
        figures: vec![FigureSample {
            shape: BodyShape::default(),
            pose: Pose { root: Vec3::Y, orientation: Quat::IDENTITY, angles: Vec::new() },
            part_colors: vec![Vec3::new(0.6, 0.02, 0.02)],
            parts: vec![ball],
            ..FigureSample::default()
        }],
        props: Vec::new(),
        camera: Camera::look_at(
            [config.width, config.height],
            0.5,
            Vec3::new(0.0, 1.0, 4.0),
            Vec3::Y,
            0.0,
        ),
        border: [0, 0, config.width, config.height],
        light: Light {
            sun_direction: Vec3::Y,
            sun_color: Vec3::ZERO,
            sky_color: Vec3::ONE,
            bounce_color: Vec3::ONE,
            softness: 0.0,
            shadows: true,
            lamp: None,
            exposure: 1.0,
        },
        backdrop: Backdrop {
            kind: BackdropKind::Studio,
            colors: [Vec3::new(0.02, 0.02, 0.6); 3],
            ground: Vec3::new(0.02, 0.02, 0.6),
            scale: 1.0,
            contrast: 0.0,
            distance: 3.0,
            seed: 0,
            pictures: [0, 0],
            open: false,
        },
        degradation: Degradation::default(),
        parameters: Vec::new(),
    }
}

fn check_sentinel(drawn: &DrawnFrame, config: RendererConfig) -> Result<(), String> {
    let centre = (config.height / 2 * config.width + config.width / 2) as usize;
    for (tile, pixels) in drawn.tiles.iter().enumerate() {
        for (name, pixel, red, id, depth) in [
            ("centre", centre, true, PixelId::figure(0, 0), 3.5),
            ("corner", 0, false, PixelId::BACKDROP, 7.0),
        ] {
            let rgba = &pixels.color[pixel * 4..][..4];
            let (found_id, found_depth) = (pixels.ids[pixel], pixels.depth[pixel]);
            let is_red = rgba[0] > 120 && rgba[2] < 80;
            let is_blue = rgba[2] > 120 && rgba[0] < 80;
            if !(if red { is_red } else { is_blue })
                || found_id != id
                || (found_depth - depth).abs() > 0.05
            {
                return Err(format!(
                    "tile {tile}, {name}: colour {rgba:?}, id {}, depth {found_depth} m",
                    found_id.0
                ));
            }
        }
    }
    Ok(())
}

/// Draws and labels `samples` on their own, in as many frames as they need: for previews, exams and
/// tests.
///
/// # Errors
/// Where the device fails.
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
