//! The render pipelines, the atlas textures and the read-back ring: everything that is made once.

use super::{
    app::RendererConfig,
    gpu::{GpuFabric, GpuGroup, GpuInstance, GpuName, GpuTile, MOST_FABRICS, MOST_GROUPS, MOST_INSTANCES},
};
use crate::scene::BackdropKind;
use bevy::{
    mesh::VertexBufferLayout,
    prelude::*,
    render::{
        render_resource::{binding_types::*, *},
        renderer::RenderDevice,
    },
};
use std::num::NonZero;

/// The pipelines, by their ids in the pipeline cache, in the order in which they draw.
#[derive(Resource)]
pub struct TilePipelines {
    /// Ids and depth of ground and wall.
    pub planes: CachedRenderPipelineId,
    /// Ids and depth of the instances.
    pub instances: CachedRenderPipelineId,
    /// The light on it all, one for each of [`BackdropKind::ALL`].
    pub shades: [CachedRenderPipelineId; BackdropKind::ALL.len()],
    /// What the camera makes of it.
    pub camera: CachedRenderPipelineId,
    pub tile_layout: BindGroupLayoutDescriptor,
    pub seen_layout: BindGroupLayoutDescriptor,
    pub camera_layout: BindGroupLayoutDescriptor,
    pub cube_vertices: Buffer,
    pub cube_indices: Buffer,
}

/// How much of the tiles', groups', instances' and fabrics' buffers a shader sees at once, bytes.
pub const BUFFER_BYTES: [u64; 4] = [
    size_of::<GpuTile>() as u64,
    (MOST_GROUPS * size_of::<GpuGroup>()) as u64,
    (MOST_INSTANCES * size_of::<GpuInstance>()) as u64,
    (MOST_FABRICS * size_of::<GpuFabric>()) as u64,
];

/// How many indices a cube has.
pub const CUBE_INDICES: u32 = 36;

/// The shaders, as assets of the main world.
#[derive(Resource, Clone)]
pub struct TileShaders {
    pub tile: Handle<Shader>,
    pub camera: Handle<Shader>,
}

impl TileShaders {
    /// Adds the embedded shaders to `shaders`.
    pub fn add_to(shaders: &mut Assets<Shader>) -> Self {
        macro_rules! with_tile_data {
            ($file:literal) => {
                concat!(
                    include_str!("../../assets/shaders/tile_data.wgsl"),
                    include_str!(concat!("../../assets/shaders/", $file))
                )
            };
        }
        TileShaders {
            tile: shaders.add(Shader::from_wgsl(with_tile_data!("tile.wgsl"), "tile.wgsl")),
            camera: shaders.add(Shader::from_wgsl(with_tile_data!("camera.wgsl"), "camera.wgsl")),
        }
    }
}

const COLOR: TextureFormat = TextureFormat::Rgba8UnormSrgb;
const ID: TextureFormat = TextureFormat::R16Uint;
const DEPTH: TextureFormat = TextureFormat::R32Float;
const PLACE: TextureFormat = TextureFormat::R16Uint;
const CLIP_DEPTH: TextureFormat = TextureFormat::Depth32Float;

/// Queues the pipelines; the cache builds them before the next frame is drawn.
pub fn queue_pipelines(
    mut commands: Commands,
    device: Res<RenderDevice>,
    cache: Res<PipelineCache>,
    shaders: Res<TileShaders>,
) {
    let tile_bytes = BUFFER_BYTES[0];
    let [tile, groups, instances, fabrics] = BUFFER_BYTES.map(|bytes| uniform_buffer_sized(true, NonZero::new(bytes)));
    let tile_layout = BindGroupLayoutDescriptor::new(
        "tiles",
        &BindGroupLayoutEntries::sequential(ShaderStages::VERTEX_FRAGMENT, (tile, groups, instances, fabrics)),
    );
    let camera_layout = BindGroupLayoutDescriptor::new(
        "camera",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::VERTEX_FRAGMENT,
            (
                uniform_buffer_sized(true, NonZero::new(tile_bytes)),
                texture_2d(TextureSampleType::Float { filterable: false }),
                texture_2d(TextureSampleType::Float { filterable: false }),
            ),
        ),
    );
    let seen_layout = BindGroupLayoutDescriptor::new(
        "seen",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::FRAGMENT,
            (
                texture_2d(TextureSampleType::Uint),
                texture_2d_array(TextureSampleType::Float { filterable: true }),
                sampler(SamplerBindingType::Filtering),
            ),
        ),
    );
    let pipeline =
        |name: &'static str, shader: &Handle<Shader>, layout: &[&BindGroupLayoutDescriptor]| RenderPipelineDescriptor {
            label: Some(name.into()),
            layout: layout.iter().map(|layout| (*layout).clone()).collect(),
            vertex: VertexState { shader: shader.clone(), entry_point: Some("tile_vertex".into()), ..default() },
            fragment: Some(FragmentState {
                shader: shader.clone(),
                entry_point: Some(format!("{name}_fragment").into()),
                targets: vec![target(COLOR)],
                ..default()
            }),
            ..default()
        };
    let seen = |name, write, compare| {
        let mut pipeline = pipeline(name, &shaders.tile, &[&tile_layout]);
        if let Some(fragment) = &mut pipeline.fragment {
            fragment.targets = vec![target(ID), target(DEPTH), target(PLACE)];
        }
        pipeline.depth_stencil = Some(DepthStencilState {
            format: CLIP_DEPTH,
            depth_write_enabled: Some(write),
            depth_compare: Some(compare),
            stencil: default(),
            bias: default(),
        });
        pipeline
    };
    let planes = seen("plane", false, CompareFunction::Always);
    let mut instances = seen("instance", true, CompareFunction::Greater);
    // Drawing the far sides of the boxes keeps an instance visible while the camera is inside its box.
    instances.primitive = PrimitiveState { cull_mode: Some(Face::Front), ..default() };
    instances.vertex.entry_point = Some("instance_vertex".into());
    instances.vertex.buffers = instance_buffers();
    let shades = BackdropKind::ALL.map(|kind| {
        let mut shade = pipeline("shade", &shaders.tile, &[&tile_layout, &seen_layout]);
        let define = match kind {
            BackdropKind::Studio => "STUDIO",
            BackdropKind::Field => "FIELD",
            BackdropKind::Tiles => "TILES",
            BackdropKind::Bricks => "BRICKS",
            BackdropKind::Blocks => "BLOCKS",
            BackdropKind::Foliage => "FOLIAGE",
            BackdropKind::Picture => "PICTURE",
        };
        if let Some(fragment) = &mut shade.fragment {
            fragment.shader_defs.push(define.into());
        }
        cache.queue_render_pipeline(shade)
    });
    let camera = pipeline("camera", &shaders.camera, &[&camera_layout]);
    let corners: [[f32; 4]; 8] = std::array::from_fn(|i| {
        let side = |bit: usize| if i & bit == 0 { -1.0 } else { 1.0 };
        [side(1), side(2), side(4), 0.0]
    });
    // Counter-clockwise seen from outside.
    let indices: [u16; CUBE_INDICES as usize] =
        [0, 2, 1, 1, 2, 3, 4, 5, 6, 5, 7, 6, 0, 1, 4, 1, 5, 4, 2, 6, 3, 3, 6, 7, 0, 4, 2, 2, 4, 6, 1, 3, 5, 3, 7, 5];
    let buffer =
        |contents, usage| device.create_buffer_with_data(&BufferInitDescriptor { label: None, contents, usage });
    commands.insert_resource(TilePipelines {
        planes: cache.queue_render_pipeline(planes),
        instances: cache.queue_render_pipeline(instances),
        shades,
        camera: cache.queue_render_pipeline(camera),
        tile_layout,
        seen_layout,
        camera_layout,
        cube_vertices: buffer(bytemuck::cast_slice(&corners), BufferUsages::VERTEX),
        cube_indices: buffer(bytemuck::cast_slice(&indices), BufferUsages::INDEX),
    });
}

fn target(format: TextureFormat) -> Option<ColorTargetState> {
    Some(ColorTargetState { format, blend: None, write_mask: ColorWrites::ALL })
}

/// Corners of a cube, an instance, and what that is called.
fn instance_buffers() -> Vec<VertexBufferLayout> {
    let buffer = |array_stride, step_mode, formats: &[VertexFormat], first| {
        let mut offset = 0;
        let attributes = formats.iter().zip(first..).map(|(format, shader_location)| {
            let attribute = VertexAttribute { format: *format, offset, shader_location };
            offset += format.size();
            attribute
        });
        VertexBufferLayout { array_stride, step_mode, attributes: attributes.collect() }
    };
    vec![
        buffer(16, VertexStepMode::Vertex, &[VertexFormat::Float32x4], 0),
        buffer(size_of::<GpuInstance>() as u64, VertexStepMode::Instance, &[VertexFormat::Float32x4; 4], 1),
        buffer(size_of::<GpuName>() as u64, VertexStepMode::Instance, &[VertexFormat::Uint32x2], 5),
    ]
}

/// The textures that a frame is drawn into.
#[derive(Resource)]
pub struct Atlas {
    /// Tiles a row.
    pub columns: u32,
    /// Size of a tile, pixels.
    pub tile: [u32; 2],
    /// What the shaders made of the scene.
    pub drawn: Texture,
    /// What the camera made of that.
    pub color: Texture,
    /// Ids.
    pub ids: Texture,
    /// Depth, metres.
    pub depth: Texture,
    /// Which of its tile's instances is seen, used while drawing only.
    pub places: Texture,
    /// Clip depth, used while drawing only.
    pub clip_depth: Texture,
}

impl Atlas {
    /// Makes the textures for `config`.
    pub fn new(device: &RenderDevice, config: &RendererConfig) -> Self {
        let columns = config.columns();
        let rows = (config.tiles as u32).div_ceil(columns);
        let size = Extent3d { width: columns * config.width, height: rows * config.height, depth_or_array_layers: 1 };
        let texture = |label, format, usage| {
            device.create_texture(&TextureDescriptor {
                label: Some(label),
                size,
                mip_level_count: 1,
                sample_count: 1,
                dimension: TextureDimension::D2,
                format,
                usage: TextureUsages::RENDER_ATTACHMENT | usage,
                view_formats: &[],
            })
        };
        Atlas {
            columns,
            tile: [config.width, config.height],
            drawn: texture("drawn", COLOR, TextureUsages::TEXTURE_BINDING),
            color: texture("color", COLOR, TextureUsages::COPY_SRC),
            ids: texture("ids", ID, TextureUsages::COPY_SRC | TextureUsages::TEXTURE_BINDING),
            depth: texture("depth", DEPTH, TextureUsages::COPY_SRC | TextureUsages::TEXTURE_BINDING),
            places: texture("places", PLACE, TextureUsages::TEXTURE_BINDING),
            clip_depth: texture("clip depth", CLIP_DEPTH, TextureUsages::empty()),
        }
    }

    /// The three textures that are read back, with the bytes of a texel of each.
    pub fn read_back(&self) -> [(&Texture, u32); 3] {
        [(&self.color, 4), (&self.ids, 2), (&self.depth, 4)]
    }

    /// Where each of [`Atlas::read_back`] starts in a read-back buffer, its padded row length, and the buffer's size, bytes.
    pub fn layout(&self) -> ([(u64, u32); 3], u64) {
        let mut offset = 0;
        let planes = self.read_back().map(|(texture, texel)| {
            // wgpu copies rows of multiples of 256 bytes only.
            let row = (texture.width() * texel).next_multiple_of(256);
            let start = offset;
            offset += u64::from(row) * u64::from(texture.height());
            (start, row)
        });
        (planes, offset)
    }
}
