//! The render pipelines, the atlas textures and the read-back ring: everything that is made once.

use super::app::RendererConfig;
use crate::scene::BackdropKind;
use bevy::{
    mesh::VertexBufferLayout,
    prelude::*,
    render::{
        render_resource::{binding_types::*, *},
        renderer::RenderDevice,
    },
};

/// The three pipelines, by their ids in the pipeline cache.
#[derive(Resource)]
pub struct TilePipelines {
    /// One for each of [`BackdropKind::ALL`].
    pub backdrops: [CachedRenderPipelineId; BackdropKind::ALL.len()],
    pub instances: CachedRenderPipelineId,
    pub camera: CachedRenderPipelineId,
    pub tile_layout: BindGroupLayoutDescriptor,
    pub camera_layout: BindGroupLayoutDescriptor,
    pub cube_vertices: Buffer,
    pub cube_indices: Buffer,
}

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
const CLIP_DEPTH: TextureFormat = TextureFormat::Depth32Float;

/// Queues the pipelines; the cache builds them before the next frame is drawn.
pub fn queue_pipelines(
    mut commands: Commands,
    device: Res<RenderDevice>,
    cache: Res<PipelineCache>,
    shaders: Res<TileShaders>,
) {
    let tile_layout = BindGroupLayoutDescriptor::new(
        "tiles",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::VERTEX_FRAGMENT,
            (
                storage_buffer_read_only_sized(false, None),
                storage_buffer_read_only_sized(false, None),
                storage_buffer_read_only_sized(false, None),
            ),
        ),
    );
    let camera_layout = BindGroupLayoutDescriptor::new(
        "camera",
        &BindGroupLayoutEntries::sequential(
            ShaderStages::FRAGMENT,
            (storage_buffer_read_only_sized(false, None), texture_2d(TextureSampleType::Float { filterable: false })),
        ),
    );
    let target = |format| Some(ColorTargetState { format, blend: None, write_mask: ColorWrites::ALL });
    let pipeline =
        |name: &'static str, shader: &Handle<Shader>, layout: &BindGroupLayoutDescriptor| RenderPipelineDescriptor {
            label: Some(name.into()),
            layout: vec![layout.clone()],
            vertex: VertexState { shader: shader.clone(), entry_point: Some("tile_vertex".into()), ..default() },
            fragment: Some(FragmentState {
                shader: shader.clone(),
                entry_point: Some(format!("{name}_fragment").into()),
                targets: vec![target(COLOR), target(ID), target(DEPTH)],
                ..default()
            }),
            ..default()
        };
    let clip_depth = |write, compare| {
        Some(DepthStencilState {
            format: CLIP_DEPTH,
            depth_write_enabled: Some(write),
            depth_compare: Some(compare),
            stencil: default(),
            bias: default(),
        })
    };
    let backdrops = BackdropKind::ALL.map(|kind| {
        let mut backdrop = RenderPipelineDescriptor {
            depth_stencil: clip_depth(false, CompareFunction::Always),
            ..pipeline("backdrop", &shaders.tile, &tile_layout)
        };
        let define = match kind {
            BackdropKind::Studio => "STUDIO",
            BackdropKind::Field => "FIELD",
            BackdropKind::Tiles => "TILES",
            BackdropKind::Bricks => "BRICKS",
            BackdropKind::Blocks => "BLOCKS",
            BackdropKind::Foliage => "FOLIAGE",
        };
        if let Some(fragment) = &mut backdrop.fragment {
            fragment.shader_defs.push(define.into());
        }
        cache.queue_render_pipeline(backdrop)
    });
    let mut instances = RenderPipelineDescriptor {
        depth_stencil: clip_depth(true, CompareFunction::Greater),
        // Drawing the far sides of the boxes keeps an instance visible while the camera is inside its box.
        primitive: PrimitiveState { cull_mode: Some(Face::Front), ..default() },
        ..pipeline("instance", &shaders.tile, &tile_layout)
    };
    instances.vertex.entry_point = Some("instance_vertex".into());
    instances.vertex.buffers = vec![VertexBufferLayout {
        array_stride: 16,
        step_mode: VertexStepMode::Vertex,
        attributes: vec![VertexAttribute { format: VertexFormat::Float32x4, offset: 0, shader_location: 0 }],
    }];
    let mut camera = pipeline("camera", &shaders.camera, &camera_layout);
    if let Some(fragment) = &mut camera.fragment {
        fragment.targets = vec![target(COLOR)];
    }
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
        backdrops,
        instances: cache.queue_render_pipeline(instances),
        camera: cache.queue_render_pipeline(camera),
        tile_layout,
        camera_layout,
        cube_vertices: buffer(bytemuck::cast_slice(&corners), BufferUsages::VERTEX),
        cube_indices: buffer(bytemuck::cast_slice(&indices), BufferUsages::INDEX),
    });
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
            ids: texture("ids", ID, TextureUsages::COPY_SRC),
            depth: texture("depth", DEPTH, TextureUsages::COPY_SRC),
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
