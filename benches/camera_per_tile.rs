//! The peer of the tile pass: the same scenes, drawn as one ordinarily would with Bevy's own
//! renderer. A camera per tile draws into its viewport of one image, shared unit meshes stand for
//! the body parts, `StandardMaterial`s have the colours, a directional light per scene casts
//! shadows, and Bevy's `Readback` brings the picture to the CPU.
//!
//! It is a part of the command (`marionette bench render`, feature `camera-per-tile`), which
//! alternates with it.
//!
//! It does less than the tile pass, always in its own favour: no ids, no depth, no labels, no
//! patterns, no blur or noise of the camera; a capsule of mean radius instead of a round cone. What
//! Bevy offers to make many small views cheaper is used: entities, meshes and materials are kept
//! from frame to frame, a colour that a scene shares between parts is one material, no
//! multisampling, no tone mapping, a single light cluster, one small shadow cascade with the
//! cheapest filter. Bevy's limit of ten directional lights holds per view, so a render layer per
//! tile is enough to give every scene its own sun.

use anyhow::{Context, bail};
use bevy::{
    app::{PluginsState, TaskPoolThreadAssignmentPolicy},
    camera::{ImageRenderTarget, RenderTarget, Viewport, visibility::RenderLayers},
    core_pipeline::tonemapping::{DebandDither, Tonemapping},
    light::{
        CascadeShadowConfigBuilder, DirectionalLightShadowMap, ShadowFilteringMethod,
        cluster::ClusterConfig,
    },
    prelude::*,
    render::{
        RenderApp, RenderPlugin,
        gpu_readback::{Readback, ReadbackComplete},
        render_resource::{PollType, TextureFormat, TextureUsages},
        renderer::RenderDevice,
    },
    window::ExitCondition,
};
use marionette::figure::RoundCone;
use marionette::stream::{PropShape, SceneSample};
use std::{f32::consts::PI, sync::Arc};

/// Texels along the shadow map to each pixel along a tile: 256 for a tile of 64x64. Bevy's own
/// default is 2048 in all.
const SHADOW_TEXELS_A_PIXEL: usize = 4;
/// Farthest that shadows reach from the camera, metres.
const SHADOW_REACH: f32 = 12.0;
/// Half the side of wall and ground, metres.
const PLANE: f32 = 40.0;
/// Frames that may be under way before the CPU waits for one.
const MOST_UNDER_WAY: u64 = 2;

/// A Bevy app with one camera per tile.
pub struct CameraPerTile {
    app: App,
    drawn: u64,
}

/// The scenes of this frame, one per tile.
#[derive(Resource)]
struct Scenes(Arc<Vec<SceneSample>>);

/// Frames whose pixels have arrived, and the newest of them.
#[derive(Resource, Default)]
struct Arrived {
    frames: u64,
    newest: Vec<u8>,
}

/// What all tiles share.
#[derive(Resource)]
struct Shapes {
    capsule: Handle<Mesh>,
    ball: Handle<Mesh>,
    cuboid: Handle<Mesh>,
    plane: Handle<Mesh>,
}

/// The entities of one tile; those that a scene does not need are hidden.
struct TileEntities {
    camera: Entity,
    sun: Entity,
    ground: Entity,
    wall: Entity,
    /// Capsules, balls, cuboids.
    pools: [Vec<Entity>; 3],
    /// Materials and the colours that they have.
    materials: Vec<(Handle<StandardMaterial>, Vec3)>,
}

/// The entities of every tile.
#[derive(Resource, Default)]
struct Tiles(Vec<TileEntities>);

impl CameraPerTile {
    /// An app that draws frames of `tiles` tiles of the given size in pixels, taken through its
    /// first frames.
    ///
    /// # Errors
    /// Where the device fails or nothing arrives.
    pub fn new(
        size: [u32; 2],
        threads: usize,
        scenes: &Arc<Vec<SceneSample>>,
    ) -> anyhow::Result<Self> {
        let tiles = scenes.len();
        let threads = TaskPoolThreadAssignmentPolicy {
            min_threads: threads,
            max_threads: threads,
            percent: 1.0,
            on_thread_spawn: None,
            on_thread_destroy: None,
        };
        let mut app = App::new();
        let plugins = DefaultPlugins
            .set(TaskPoolPlugin {
                task_pool_options: TaskPoolOptions { compute: threads, ..default() },
            })
            .set(WindowPlugin {
                primary_window: None,
                exit_condition: ExitCondition::DontExit,
                ..default()
            })
            .set(RenderPlugin { synchronous_pipeline_compilation: true, ..default() })
            .disable::<bevy::render::pipelined_rendering::PipelinedRenderingPlugin>();
        #[cfg(feature = "viewer")]
        let plugins = plugins.disable::<bevy::winit::WinitPlugin>();
        app.add_plugins(plugins)
            .insert_resource(DirectionalLightShadowMap {
                size: SHADOW_TEXELS_A_PIXEL * size[0].max(size[1]) as usize,
            })
            .insert_resource(Scenes(scenes.clone()))
            .init_resource::<Arrived>()
            .init_resource::<Tiles>()
            .add_systems(Startup, move |world: &mut World| set_up(world, tiles, size))
            .add_systems(Update, show)
            .add_observer(|frame: On<ReadbackComplete>, mut arrived: ResMut<Arrived>| {
                arrived.frames += 1;
                arrived.newest.clone_from(&frame.data);
            });
        while app.plugins_state() == PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.cleanup();
        let mut peer = CameraPerTile { app, drawn: 0 };
        // Meshes and shaders take a few updates to reach the GPU.
        for _ in 0..12 {
            peer.draw(scenes)?;
        }
        if peer.frame().iter().skip(1).step_by(4).all(|green| *green == 0) {
            bail!("one camera per tile draws nothing");
        }
        Ok(peer)
    }

    /// Draws one frame, and says how many frames' pixels arrived meanwhile.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn draw(&mut self, scenes: &Arc<Vec<SceneSample>>) -> anyhow::Result<u64> {
        let before = self.app.world().resource::<Arrived>().frames;
        self.app.insert_resource(Scenes(scenes.clone()));
        self.app.update();
        if let Some(exit) = self.app.should_exit() {
            bail!("the render device stopped ({exit:?})");
        }
        self.drawn += 1;
        let arrived = self.app.world().resource::<Arrived>().frames;
        if self.drawn > arrived + MOST_UNDER_WAY {
            let device = self.app.sub_app(RenderApp).world().resource::<RenderDevice>();
            device.poll(PollType::wait_indefinitely()).context("waiting for the GPU failed")?;
        }
        Ok(arrived - before)
    }

    /// The newest frame that has arrived: RGBA, row by row.
    pub fn frame(&self) -> &[u8] {
        &self.app.world().resource::<Arrived>().newest
    }
}

/// Tiles a row.
pub fn columns(tiles: usize) -> u32 {
    (tiles as f64).sqrt().ceil() as u32
}

fn set_up(world: &mut World, tiles: usize, [width, height]: [u32; 2]) {
    let columns = columns(tiles);
    let rows = (tiles as u32).div_ceil(columns);
    let mut atlas = Image::new_target_texture(
        columns * width,
        rows * height,
        TextureFormat::Rgba8UnormSrgb,
        None,
    );
    atlas.texture_descriptor.usage |= TextureUsages::COPY_SRC;
    let atlas = world.resource_mut::<Assets<Image>>().add(atlas);
    world.spawn(Readback::texture(atlas.clone()));
    let mut meshes = world.resource_mut::<Assets<Mesh>>();
    // A polygon of n corners misses its circle by 5 / n^2 of the radius: by as much of a pixel at
    // every size of a tile.
    let finer = (width.max(height) as f32 / 64.0).sqrt();
    let corners = |at_64: f32| (at_64 * finer).round() as u32;
    let shapes = Shapes {
        // As long as wide in all: scaled to a part's length and thickness.
        capsule: meshes.add(
            Capsule3d::new(0.25, 0.5).mesh().longitudes(corners(12.0)).latitudes(corners(6.0)),
        ),
        ball: meshes.add(Sphere::new(1.0).mesh().uv(corners(12.0), corners(8.0))),
        cuboid: meshes.add(Cuboid::new(2.0, 2.0, 2.0)),
        plane: meshes.add(Plane3d::new(Vec3::Y, Vec2::splat(PLANE))),
    };
    let tiles = (0..tiles as u32)
        .map(|tile| {
            let layer = RenderLayers::layer(tile as usize);
            let camera = world.spawn((
                Camera3d::default(),
                Camera {
                    viewport: Some(Viewport {
                        physical_position: UVec2::new(
                            tile % columns * width,
                            tile / columns * height,
                        ),
                        physical_size: UVec2::new(width, height),
                        depth: 0.0..1.0,
                    }),
                    order: tile as isize,
                    ..default()
                },
                RenderTarget::Image(ImageRenderTarget { handle: atlas.clone(), scale_factor: 1.0 }),
                (Msaa::Off, Tonemapping::None, DebandDither::Disabled),
                (ShadowFilteringMethod::Hardware2x2, ClusterConfig::Single),
                layer.clone(),
            ));
            let camera = camera.id();
            let shadows = CascadeShadowConfigBuilder {
                num_cascades: 1,
                minimum_distance: 0.1,
                maximum_distance: SHADOW_REACH,
                ..default()
            };
            let sun = DirectionalLight { shadow_maps_enabled: true, ..default() };
            let sun = world.spawn((sun, shadows.build(), layer.clone())).id();
            let plane = || {
                (
                    Mesh3d(shapes.plane.clone()),
                    MeshMaterial3d::<StandardMaterial>::default(),
                    layer.clone(),
                )
            };
            let (ground, wall) = (world.spawn(plane()).id(), world.spawn(plane()).id());
            TileEntities { camera, sun, ground, wall, pools: default(), materials: Vec::new() }
        })
        .collect();
    world.insert_resource(Tiles(tiles));
    world.insert_resource(shapes);
}

/// A mesh and where it stands: which of the three pools it is from, its transform, its colour.
type Piece = (usize, Transform, Vec3);

fn part(cone: &RoundCone, color: Vec3) -> Piece {
    let [a, b] = cone.ends;
    let radius = (cone.radii[0] + cone.radii[1]) * 0.5;
    let along = b - a;
    let Some(axis) = along.try_normalize() else {
        return (1, Transform::from_translation(a).with_scale(Vec3::splat(radius)), color);
    };
    let scale = Vec3::new(4.0 * radius, along.length() + 2.0 * radius, 4.0 * radius);
    let rotation = Quat::from_rotation_arc(Vec3::Y, axis);
    (0, Transform { translation: (a + b) * 0.5, rotation, scale }, color)
}

fn pieces(sample: &SceneSample) -> impl Iterator<Item = Piece> {
    let parts =
        sample.figures.iter().flat_map(|figure| figure.parts.iter().zip(&figure.part_colors));
    let props = sample.props.iter().map(|prop| {
        let at = |scale| Transform { translation: prop.position, rotation: prop.rotation, scale };
        match prop.shape {
            PropShape::Ball { radius } => (1, at(Vec3::splat(radius)), prop.color),
            PropShape::Cuboid { half_extents } => (2, at(half_extents), prop.color),
            PropShape::Capsule { half_length, radius } => (
                0,
                at(Vec3::new(4.0 * radius, 2.0 * (half_length + radius), 4.0 * radius)),
                prop.color,
            ),
        }
    });
    parts.map(|(cone, color)| part(cone, *color)).chain(props)
}

fn linear(color: Vec3) -> Color {
    Color::linear_rgb(color.x, color.y, color.z)
}

/// Moves the kept entities to where this frame's scenes have them.
fn show(
    mut commands: Commands,
    scenes: Res<Scenes>,
    shapes: Res<Shapes>,
    mut tiles: ResMut<Tiles>,
    mut materials: ResMut<Assets<StandardMaterial>>,
    mut meshes: Query<
        (&mut Transform, &mut Visibility, &mut MeshMaterial3d<StandardMaterial>),
        Without<Camera3d>,
    >,
    mut cameras: Query<(&mut Transform, &mut Projection), With<Camera3d>>,
    mut suns: Query<
        (&mut Transform, &mut DirectionalLight),
        (Without<Camera3d>, Without<MeshMaterial3d<StandardMaterial>>),
    >,
) {
    for (index, (tile, sample)) in tiles.0.iter_mut().zip(scenes.0.iter()).enumerate() {
        let TileEntities { camera, sun, ground, wall, pools, materials: colors } = tile;
        let mut color_count = 0;
        let mut material_of = |color: Vec3| {
            let known = colors[..color_count].iter().position(|(_, known)| *known == color);
            let slot = known.unwrap_or(color_count);
            if known.is_none() {
                color_count += 1;
            }
            match colors.get_mut(slot) {
                Some((handle, had)) => {
                    if *had != color
                        && let Some(mut material) = materials.get_mut(&*handle)
                    {
                        material.base_color = linear(color);
                        *had = color;
                    }
                    handle.clone()
                }
                None => {
                    let handle = materials.add(StandardMaterial {
                        base_color: linear(color),
                        perceptual_roughness: 1.0,
                        reflectance: 0.0,
                        ..default()
                    });
                    colors.push((handle.clone(), color));
                    handle
                }
            }
        };
        let mut place = |entity: Entity, to: Transform, material: Handle<StandardMaterial>| {
            if let Ok((mut transform, mut visibility, mut shown)) = meshes.get_mut(entity) {
                *transform = to;
                visibility.set_if_neq(Visibility::Inherited);
                shown.set_if_neq(MeshMaterial3d(material));
            }
        };
        let [right, down, forward] = sample.camera.axes();
        let facing = Vec3::new(-forward.x, 0.0, -forward.z).try_normalize().unwrap_or(Vec3::Z);
        let [a, b, c] = sample.backdrop.colors;
        place(*ground, Transform::default(), material_of(sample.backdrop.ground));
        let upright = Quat::from_rotation_arc(Vec3::Y, facing);
        let behind =
            Transform::from_translation(facing * -sample.backdrop.distance).with_rotation(upright);
        place(*wall, behind, material_of((a + b + c) / 3.0));
        let mut used = [0; 3];
        for (shape, transform, color) in pieces(sample) {
            let material = material_of(color);
            match pools[shape].get(used[shape]) {
                Some(entity) => place(*entity, transform, material),
                None => {
                    let mesh = [&shapes.capsule, &shapes.ball, &shapes.cuboid][shape].clone();
                    let layer = RenderLayers::layer(index);
                    let piece =
                        commands.spawn((Mesh3d(mesh), MeshMaterial3d(material), transform, layer));
                    pools[shape].push(piece.id());
                }
            }
            used[shape] += 1;
        }
        for (pool, used) in pools.iter().zip(used) {
            for entity in pool.iter().skip(used) {
                if let Ok((_, mut visibility, _)) = meshes.get_mut(*entity) {
                    visibility.set_if_neq(Visibility::Hidden);
                }
            }
        }
        // Bevy's exposure turns 1.2 * 2^9.7 cd/m2 into 1.
        let unit = 1.2 * 2f32.powf(9.7) * sample.light.exposure;
        if let Ok((mut transform, mut light)) = suns.get_mut(*sun) {
            transform.look_to(-sample.light.sun_direction, Vec3::Y);
            (light.color, light.illuminance) = (linear(sample.light.sun_color), PI * unit);
        }
        if let Ok((mut transform, mut projection)) = cameras.get_mut(*camera) {
            let rotation = Quat::from_mat3(&Mat3::from_cols(right, -down, -forward));
            *transform = Transform::from_translation(sample.camera.eye()).with_rotation(rotation);
            let size = Vec2::new(sample.camera.width as f32, sample.camera.height as f32);
            *projection = Projection::Perspective(PerspectiveProjection {
                fov: 2.0 * (0.5 * size.y / sample.camera.focal.y).atan(),
                aspect_ratio: size.x / size.y,
                near: 0.05,
                ..default()
            });
        }
        let ambient = (sample.light.sky_color + sample.light.bounce_color) * 0.5;
        commands.entity(*camera).insert(AmbientLight {
            color: linear(ambient),
            brightness: unit,
            ..default()
        });
    }
}
