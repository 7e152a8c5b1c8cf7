//! The render pipelines: they are made once.

use super::{
    atlas::{CLIP_DEPTH, COLOR, DEPTH, DRAWN, ID, PLACE},
    layout::{
        FABRICS_BYTES, GpuOutline, GpuTriangle, INSTANCES_BYTES, LISTS_BYTES, TILE_BYTES,
        TRIANGLE_BYTES,
    },
    shaders::TileShaders,
    variants::{ByPlane, ByShadow, ByShape},
};
use bevy::{
    mesh::VertexBufferLayout,
    prelude::*,
    render::render_resource::{binding_types::*, *},
};
use marionette_stream::BackdropKind;
use std::{mem::offset_of, num::NonZero};

/// One value for each pipeline: its id in the pipeline cache, or the pipeline itself. In the order
/// in which they draw.
pub struct Pipelines<T> {
    /// Ids and depth of ground and wall.
    pub planes: T,
    /// Ids and depth of instances.
    pub instances: ByShape<T>,
    /// Ids and depth of triangles.
    pub triangles: T,
    /// The light on instances, in tiles without triangles.
    pub surfaces: ByShadow<T>,
    /// The light on instances and triangles.
    pub mixed: ByShadow<T>,
    /// The light on ground and wall, for each of [`BackdropKind::ALL`].
    pub backdrops: Vec<ByPlane<ByShadow<T>>>,
    /// The blur.
    pub blurs: BlurHalves<T>,
    /// What the camera makes of the light.
    pub cameras: Cameras<T>,
}

/// The two halves of a blur.
#[derive(Clone, Copy)]
pub struct BlurHalves<T> {
    /// Along the longer side of the motion, or along rows.
    pub first: T,
    /// Along the other side.
    pub second: T,
}

/// What the camera makes of the light of a tile.
#[derive(Clone, Copy)]
pub struct Cameras<T> {
    /// Of a sharp tile.
    pub sharp: T,
    /// Of a soft tile, after the first half of its blur.
    pub soft: T,
    /// Of a wide tile, after its blur.
    pub wide: T,
}

impl Pipelines<CachedRenderPipelineId> {
    /// The pipelines themselves, once all of them have been built.
    pub fn built<'a>(&self, cache: &'a PipelineCache) -> Option<Pipelines<&'a RenderPipeline>> {
        let built = |id| cache.get_render_pipeline(id);
        let planes = |planes: &ByPlane<ByShadow<_>>| {
            let [ground, wall] = [planes.ground, planes.wall].map(|plane| plane.try_map(built));
            Some(ByPlane { ground: ground?, wall: wall? })
        };
        let (blurs, cameras) = (self.blurs, self.cameras);
        Some(Pipelines {
            planes: built(self.planes)?,
            instances: self.instances.try_map(built)?,
            triangles: built(self.triangles)?,
            surfaces: self.surfaces.try_map(built)?,
            mixed: self.mixed.try_map(built)?,
            backdrops: self.backdrops.iter().map(planes).collect::<Option<_>>()?,
            blurs: BlurHalves { first: built(blurs.first)?, second: built(blurs.second)? },
            cameras: Cameras {
                sharp: built(cameras.sharp)?,
                soft: built(cameras.soft)?,
                wide: built(cameras.wide)?,
            },
        })
    }
}

/// The pipelines, and the layouts of their bind groups.
#[derive(Resource)]
pub struct TilePipelines {
    /// The ids in the pipeline cache.
    pub ids: Pipelines<CachedRenderPipelineId>,
    /// The tile itself, for vertex shaders alone. Whenever another tile's uniform buffer is bound,
    /// Mesa's software driver copies what fragment shaders may see of it, even if none reads it.
    pub tile_layout: BindGroupLayoutDescriptor,
    /// What is seen, and the pictures: for light.
    pub light_layout: BindGroupLayoutDescriptor,
    /// The tile's instances and fabrics, for the light on instances and for shadows.
    pub instance_layout: BindGroupLayoutDescriptor,
    /// The same with the tile's triangles.
    pub mixed_layout: BindGroupLayoutDescriptor,
    /// The tile's lists of shadow casters, for shadows.
    pub list_layout: BindGroupLayoutDescriptor,
    /// The light that was drawn, for blur and camera.
    pub camera_layout: BindGroupLayoutDescriptor,
}

/// Queues the pipelines. The cache builds them before the next frame is drawn.
pub fn queue_pipelines(
    mut commands: Commands,
    cache: Res<PipelineCache>,
    shaders: Res<TileShaders>,
) {
    let buffer = |bytes| uniform_buffer_sized(true, NonZero::new(bytes));
    let tile_layout = BindGroupLayoutDescriptor::new(
        "tiles",
        &BindGroupLayoutEntries::single(ShaderStages::VERTEX, buffer(TILE_BYTES)),
    );
    let instance_layout = BindGroupLayoutDescriptor::new(
        "instances",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::FRAGMENT,
            (buffer(INSTANCES_BYTES), buffer(FABRICS_BYTES)),
        ),
    );
    let mixed_layout = BindGroupLayoutDescriptor::new(
        "instances and triangles",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::FRAGMENT,
            (
                buffer(INSTANCES_BYTES),
                buffer(FABRICS_BYTES),
                storage_buffer_read_only_sized(true, NonZero::new(TRIANGLE_BYTES)),
            ),
        ),
    );
    let list_layout = BindGroupLayoutDescriptor::new(
        "lists",
        &BindGroupLayoutEntries::single(ShaderStages::FRAGMENT, buffer(LISTS_BYTES)),
    );
    let unfiltered = || texture_2d(TextureSampleType::Float { filterable: false });
    let pictures = texture_2d_array(TextureSampleType::Float { filterable: true });
    let light_layout = BindGroupLayoutDescriptor::new(
        "light",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::FRAGMENT,
            (
                texture_2d(TextureSampleType::Uint),
                unfiltered(),
                pictures,
                sampler(SamplerBindingType::Filtering),
            ),
        ),
    );
    let camera_layout = BindGroupLayoutDescriptor::new(
        "camera",
        &BindGroupLayoutEntries::single(ShaderStages::FRAGMENT, unfiltered()),
    );
    let pipeline = |shader: &Handle<Shader>,
                    layout: &[&BindGroupLayoutDescriptor],
                    [vertex, fragment]: [&'static str; 2],
                    targets| {
        RenderPipelineDescriptor {
            label: Some(fragment.into()),
            layout: layout.iter().map(|layout| (*layout).clone()).collect(),
            vertex: VertexState {
                shader: shader.clone(),
                entry_point: Some(vertex.into()),
                ..default()
            },
            fragment: Some(FragmentState {
                shader: shader.clone(),
                entry_point: Some(fragment.into()),
                targets,
                ..default()
            }),
            ..default()
        }
    };
    let tested = |mut pipeline: RenderPipelineDescriptor, write, compare| {
        pipeline.depth_stencil = Some(DepthStencilState {
            format: CLIP_DEPTH,
            depth_write_enabled: Some(write),
            depth_compare: Some(compare),
            stencil: default(),
            bias: default(),
        });
        pipeline
    };
    let seen = |entries| {
        pipeline(
            &shaders.seen,
            &[&tile_layout],
            entries,
            vec![target(ID), target(DEPTH), target(PLACE)],
        )
    };
    let planes = tested(seen(["tile_vertex", "plane_fragment"]), true, CompareFunction::Always);
    let rectangles_around = |entries, buffer| {
        let mut pipeline = tested(seen(entries), true, CompareFunction::Greater);
        pipeline.primitive =
            PrimitiveState { topology: PrimitiveTopology::TriangleStrip, ..default() };
        pipeline.vertex.buffers = vec![buffer];
        cache.queue_render_pipeline(pipeline)
    };
    let instances = ByShape {
        cones: rectangles_around(["cone_vertex", "cone_fragment"], outlines()),
        cuboids: rectangles_around(["cuboid_vertex", "cuboid_fragment"], outlines()),
    };
    let triangles = rectangles_around(["triangle_vertex", "triangle_fragment"], triangles());
    let light = |entries| {
        pipeline(&shaders.light, &[&tile_layout, &light_layout], entries, vec![target(DRAWN)])
    };
    let with = |mut pipeline: RenderPipelineDescriptor, define: &'static str| {
        if let Some(fragment) = &mut pipeline.fragment {
            fragment.shader_defs.push(define.into());
        }
        pipeline
    };
    let shadowed = |mut pipeline: RenderPipelineDescriptor| {
        if pipeline.layout.len() == 2 {
            pipeline.layout.push(instance_layout.clone());
        }
        pipeline.layout.push(list_layout.clone());
        with(pipeline, "SHADOWS")
    };
    let mut surface = light(["tile_vertex", "surface_fragment"]);
    let mut mixed = with(surface.clone(), "TRIANGLES");
    surface.layout.push(instance_layout.clone());
    mixed.layout.push(mixed_layout.clone());
    let both = |plain: RenderPipelineDescriptor, compare| ByShadow {
        plain: cache.queue_render_pipeline(tested(plain.clone(), false, compare)),
        shadowed: cache.queue_render_pipeline(tested(shadowed(plain), false, compare)),
    };
    let [surfaces, mixed] = [surface, mixed].map(|light| both(light, CompareFunction::LessEqual));
    let backdrops = BackdropKind::ALL.map(|kind| {
        let define = match kind {
            BackdropKind::Studio => "STUDIO",
            BackdropKind::Field => "FIELD",
            BackdropKind::Tiles => "TILES",
            BackdropKind::Bricks => "BRICKS",
            BackdropKind::Blocks => "BLOCKS",
            BackdropKind::Foliage => "FOLIAGE",
            BackdropKind::Picture => "PICTURE",
        };
        let plane = |entry| {
            let mut plain = with(light(["rectangle_vertex", entry]), define);
            plain.primitive =
                PrimitiveState { topology: PrimitiveTopology::TriangleStrip, ..default() };
            plain.vertex.buffers = vec![rectangles()];
            both(plain, CompareFunction::Equal)
        };
        ByPlane { ground: plane("ground_fragment"), wall: plane("wall_fragment") }
    });
    let camera = |entry, format| {
        cache.queue_render_pipeline(pipeline(
            &shaders.camera,
            &[&tile_layout, &camera_layout],
            ["tile_vertex", entry],
            vec![target(format)],
        ))
    };
    let blurs = BlurHalves {
        first: camera("first_fragment", DRAWN),
        second: camera("second_fragment", DRAWN),
    };
    let cameras = Cameras {
        sharp: camera("sharp_fragment", COLOR),
        soft: camera("soft_fragment", COLOR),
        wide: camera("wide_fragment", COLOR),
    };
    commands.insert_resource(TilePipelines {
        ids: Pipelines {
            planes: cache.queue_render_pipeline(planes),
            instances,
            triangles,
            surfaces,
            mixed,
            backdrops: backdrops.into(),
            blurs,
            cameras,
        },
        tile_layout,
        light_layout,
        instance_layout,
        mixed_layout,
        list_layout,
        camera_layout,
    });
}

fn target(format: TextureFormat) -> Option<ColorTargetState> {
    Some(ColorTargetState { format, blend: None, write_mask: ColorWrites::ALL })
}

/// The vertex buffer of the instances' outlines.
fn outlines() -> VertexBufferLayout {
    let vector = VertexFormat::Float32x4;
    of_instances::<GpuOutline>([
        (vector, offset_of!(GpuOutline, a)),
        (vector, offset_of!(GpuOutline, b)),
        (vector, offset_of!(GpuOutline, turn)),
        (VertexFormat::Uint32x2, offset_of!(GpuOutline, which)),
    ])
}

/// The vertex buffer of the triangles.
fn triangles() -> VertexBufferLayout {
    let vector = VertexFormat::Float32x4;
    of_instances::<GpuTriangle>([
        (vector, offset_of!(GpuTriangle, a)),
        (vector, offset_of!(GpuTriangle, b)),
        (vector, offset_of!(GpuTriangle, c)),
        (VertexFormat::Uint32x4, offset_of!(GpuTriangle, which)),
    ])
}

/// A vertex buffer with one `T` for each instance, and some of its fields as attributes.
fn of_instances<T>(fields: [(VertexFormat, usize); 4]) -> VertexBufferLayout {
    let attribute = |((format, offset), shader_location)| VertexAttribute {
        format,
        offset: offset as u64,
        shader_location,
    };
    VertexBufferLayout {
        array_stride: size_of::<T>() as u64,
        step_mode: VertexStepMode::Instance,
        attributes: fields.into_iter().zip(0..).map(attribute).collect(),
    }
}

/// The vertex buffer of the rectangles within tiles.
fn rectangles() -> VertexBufferLayout {
    VertexBufferLayout {
        array_stride: size_of::<Vec4>() as u64,
        step_mode: VertexStepMode::Instance,
        attributes: vec![VertexAttribute {
            format: VertexFormat::Float32x4,
            offset: 0,
            shader_location: 0,
        }],
    }
}
