//! The render pipelines, the atlas textures and the read-back ring: everything that is made once.

use super::{
    app::RendererConfig,
    casters::LIST_WORDS,
    gpu::{self, GpuFabric, GpuInstance, GpuOutline, GpuTile, MOST_FABRICS, MOST_INSTANCES},
};
use bevy::{
    mesh::VertexBufferLayout,
    prelude::*,
    render::{
        render_resource::{binding_types::*, *},
        renderer::RenderDevice,
    },
};
use marionette_stream::BackdropKind;
use std::{mem::offset_of, num::NonZero};

/// The pipelines, by their ids in the pipeline cache, in the order in which they draw.
#[derive(Resource)]
pub struct TilePipelines {
    /// Ids and depth of ground and wall.
    pub planes: CachedRenderPipelineId,
    /// Ids and depth of round cones and of cuboids.
    pub instances: [CachedRenderPipelineId; 2],
    /// The light on instances, where nothing casts shadows and where they do.
    pub surfaces: [CachedRenderPipelineId; 2],
    /// The light on the ground and on the wall, for each of [`BackdropKind::ALL`], where no shadow
    /// falls and where one may.
    pub backdrops: [[[CachedRenderPipelineId; 2]; 2]; BackdropKind::ALL.len()],
    /// The halves of a blur: along the longer side of the motion, or along rows, then along the
    /// other.
    pub blurs: [CachedRenderPipelineId; 2],
    /// What the camera makes of a sharp tile, of a soft one whose blur is half done, and of a wide
    /// one.
    pub cameras: [CachedRenderPipelineId; 3],
    /// The tile itself, for vertices alone: Mesa's software driver copies whatever uniform buffer
    /// fragments may see, whether a shader reads it or not, whenever another tile's is bound.
    pub tile_layout: BindGroupLayoutDescriptor,
    pub light_layout: BindGroupLayoutDescriptor,
    /// The tile's instances and fabrics, for the light on instances and where shadows are.
    pub instance_layout: BindGroupLayoutDescriptor,
    /// The tile's lists of what casts shadows, where shadows are.
    pub list_layout: BindGroupLayoutDescriptor,
    pub camera_layout: BindGroupLayoutDescriptor,
}

/// How much of the tiles', instances', fabrics' and lists' buffers a shader sees at once, bytes.
pub const BUFFER_BYTES: [u64; 4] = [
    size_of::<GpuTile>() as u64,
    (MOST_INSTANCES * size_of::<GpuInstance>()) as u64,
    (MOST_FABRICS * size_of::<GpuFabric>()) as u64,
    (LIST_WORDS * size_of::<[u32; 4]>()) as u64,
];

/// The shaders, as assets of the main world.
#[derive(Resource, Clone)]
pub struct TileShaders {
    seen: Handle<Shader>,
    light: Handle<Shader>,
    camera: Handle<Shader>,
}

impl TileShaders {
    /// Adds the embedded shaders to `shaders`.
    pub fn add_to(shaders: &mut Assets<Shader>) -> Self {
        // The last file names the shader; the others are what it stands on.
        macro_rules! shader {
            ($($file:literal),+) => {{
                let files = [$($file),+];
                let source = [$(include_str!(concat!("../../../assets/shaders/", $file))),+].concat();
                shaders.add(Shader::from_wgsl(source, files[files.len() - 1]))
            }};
        }
        TileShaders {
            seen: shader!("tile_data.wgsl", "space.wgsl", "seen.wgsl"),
            light: shader!("tile_data.wgsl", "space.wgsl", "shadow.wgsl", "light.wgsl"),
            camera: shader!("tile_data.wgsl", "camera.wgsl"),
        }
    }
}

/// Linear light, and depth in metres.
const DRAWN: TextureFormat = TextureFormat::Rgba16Float;
/// Written as sRGB by the camera's shader, whose noise is added to encoded values.
const COLOR: TextureFormat = TextureFormat::Rgba8Unorm;
const ID: TextureFormat = TextureFormat::R16Uint;
const DEPTH: TextureFormat = TextureFormat::R32Float;
const PLACE: TextureFormat = TextureFormat::R16Uint;
const CLIP_DEPTH: TextureFormat = TextureFormat::Depth32Float;

/// Queues the pipelines; the cache builds them before the next frame is drawn.
pub fn queue_pipelines(
    mut commands: Commands,
    cache: Res<PipelineCache>,
    shaders: Res<TileShaders>,
) {
    let [tile, instances, fabrics, lists] =
        BUFFER_BYTES.map(|bytes| uniform_buffer_sized(true, NonZero::new(bytes)));
    let tile_layout = BindGroupLayoutDescriptor::new(
        "tiles",
        &BindGroupLayoutEntries::single(ShaderStages::VERTEX, tile),
    );
    let instance_layout = BindGroupLayoutDescriptor::new(
        "instances",
        &BindGroupLayoutEntries::sequential(ShaderStages::FRAGMENT, (instances, fabrics)),
    );
    let list_layout = BindGroupLayoutDescriptor::new(
        "lists",
        &BindGroupLayoutEntries::single(ShaderStages::FRAGMENT, lists),
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
    let instances =
        [["cone_vertex", "cone_fragment"], ["cuboid_vertex", "cuboid_fragment"]].map(|entries| {
            let mut pipeline = tested(seen(entries), true, CompareFunction::Greater);
            pipeline.primitive =
                PrimitiveState { topology: PrimitiveTopology::TriangleStrip, ..default() };
            pipeline.vertex.buffers = vec![outlines()];
            cache.queue_render_pipeline(pipeline)
        });
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
        pipeline.layout.truncate(2);
        pipeline.layout.extend([instance_layout.clone(), list_layout.clone()]);
        with(pipeline, "SHADOWS")
    };
    let mut surface = light(["tile_vertex", "surface_fragment"]);
    surface.layout.push(instance_layout.clone());
    let surfaces = [surface.clone(), shadowed(surface)]
        .map(|part| cache.queue_render_pipeline(tested(part, false, CompareFunction::LessEqual)));
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
        ["ground_fragment", "wall_fragment"].map(|entry| {
            let mut plain = with(light(["rectangle_vertex", entry]), define);
            plain.primitive =
                PrimitiveState { topology: PrimitiveTopology::TriangleStrip, ..default() };
            plain.vertex.buffers = vec![rectangles()];
            [plain.clone(), shadowed(plain)].map(|part| {
                cache.queue_render_pipeline(tested(part, false, CompareFunction::Equal))
            })
        })
    });
    let camera = |entry, format| {
        pipeline(
            &shaders.camera,
            &[&tile_layout, &camera_layout],
            ["tile_vertex", entry],
            vec![target(format)],
        )
    };
    let blurs = ["first_fragment", "second_fragment"]
        .map(|entry| cache.queue_render_pipeline(camera(entry, DRAWN)));
    let cameras = ["sharp_fragment", "soft_fragment", "wide_fragment"]
        .map(|entry| cache.queue_render_pipeline(camera(entry, COLOR)));
    commands.insert_resource(TilePipelines {
        planes: cache.queue_render_pipeline(planes),
        instances,
        surfaces,
        backdrops,
        blurs,
        cameras,
        tile_layout,
        light_layout,
        instance_layout,
        list_layout,
        camera_layout,
    });
}

fn target(format: TextureFormat) -> Option<ColorTargetState> {
    Some(ColorTargetState { format, blend: None, write_mask: ColorWrites::ALL })
}

/// The outline of an instance.
fn outlines() -> VertexBufferLayout {
    let vector = VertexFormat::Float32x4;
    let attributes = [
        (vector, offset_of!(GpuOutline, a)),
        (vector, offset_of!(GpuOutline, b)),
        (vector, offset_of!(GpuOutline, turn)),
        (VertexFormat::Uint32x2, offset_of!(GpuOutline, id_and_place)),
    ];
    let attribute = |((format, offset), shader_location)| VertexAttribute {
        format,
        offset: offset as u64,
        shader_location,
    };
    VertexBufferLayout {
        array_stride: size_of::<GpuOutline>() as u64,
        step_mode: VertexStepMode::Instance,
        attributes: attributes.into_iter().zip(0..).map(attribute).collect(),
    }
}

/// A rectangle within a tile.
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

/// The textures that a frame is drawn into.
#[derive(Resource)]
pub struct Atlas {
    /// Tiles a row.
    pub columns: u32,
    /// Size of a tile, pixels.
    pub tile: [u32; 2],
    /// Of all pixels, and of views that leave some out.
    pub canvases: [Canvas; 2],
    /// What the camera made of the light.
    pub color: Texture,
}

/// The textures that views are drawn into.
pub struct Canvas {
    /// The light that reaches the camera, and depth; of wide tiles in the end after both halves of
    /// their blur.
    pub drawn: Texture,
    /// The same of the tiles that are not sharp, after the first half of their blur.
    pub blurred: Texture,
    /// Ids.
    pub ids: Texture,
    /// Depth, metres.
    pub depth: Texture,
    /// Which of its tile's instances is seen.
    pub places: Texture,
    /// Clip depth.
    pub clip_depth: Texture,
}

impl Canvas {
    fn new(device: &RenderDevice, size: Extent3d) -> Self {
        let (looked_at, copied) = (TextureUsages::TEXTURE_BINDING, TextureUsages::COPY_SRC);
        let texture = |label, format, usage| texture(device, label, size, format, usage);
        Canvas {
            drawn: texture("drawn", DRAWN, looked_at),
            blurred: texture("blurred", DRAWN, looked_at),
            ids: texture("ids", ID, copied),
            depth: texture("depth", DEPTH, copied | looked_at),
            places: texture("places", PLACE, looked_at),
            clip_depth: texture("clip depth", CLIP_DEPTH, TextureUsages::empty()),
        }
    }
}

fn texture(
    device: &RenderDevice,
    label: &'static str,
    size: Extent3d,
    format: TextureFormat,
    usage: TextureUsages,
) -> Texture {
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
}

impl Atlas {
    /// Makes the textures for `config`.
    pub fn new(device: &RenderDevice, config: &RendererConfig) -> Self {
        let columns = config.columns();
        let rows = (config.tiles as u32).div_ceil(columns);
        let tile = [config.width, config.height];
        let size = |[width, height]: [u32; 2]| Extent3d {
            width: columns * width,
            height: rows * height,
            depth_or_array_layers: 1,
        };
        Atlas {
            columns,
            tile,
            canvases: [tile, gpu::coarse(tile)].map(|tile| Canvas::new(device, size(tile))),
            color: texture(device, "color", size(tile), COLOR, TextureUsages::COPY_SRC),
        }
    }

    /// The three textures that are read back, with the bytes of a texel of each.
    pub fn read_back(&self) -> [(&Texture, u32); 3] {
        let [pixels, _] = &self.canvases;
        [(&self.color, 4), (&pixels.ids, 2), (&pixels.depth, 4)]
    }

    /// Where each of [`Atlas::read_back`] starts in a read-back buffer, its padded row length, and
    /// the buffer's size, bytes.
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
