//! The systems of the render world that take a frame from the main world and upload it.

use super::{
    atlas::Atlas,
    frame::{Frame, FrameToDraw},
    frame_data::{FrameData, TileRange},
    layout::{FABRICS_BYTES, INSTANCES_BYTES, LISTS_BYTES, TILE_BYTES, TRIANGLE_BYTES},
    pictures::PictureTexture,
    pipelines::TilePipelines,
    variants::ByScale,
};
use bevy::{
    prelude::*,
    render::{
        MainWorld,
        render_resource::*,
        renderer::{RenderDevice, RenderQueue},
    },
};
use bytemuck::cast_slice;
use std::num::NonZero;

/// The frame being drawn in this update.
#[derive(Resource)]
pub struct Drawing {
    pub frame: Frame,
    pub ranges: Vec<TileRange>,
    pub outlines: Buffer,
    pub rectangles: Buffer,
    pub tile_bind: BindGroup,
    pub triangles: Buffer,
    pub instance_bind: BindGroup,
    /// Instances and triangles.
    pub mixed_bind: BindGroup,
    pub list_bind: BindGroup,
    /// What is seen in each canvas, for light.
    pub light_binds: ByScale<BindGroup>,
    /// The light in each canvas, for blur and camera.
    pub camera_binds: ByScale<CameraBinds>,
    /// Whether its commands were submitted to the GPU.
    pub drawn: bool,
}

/// The two textures of a canvas that blur and camera read.
pub struct CameraBinds {
    /// The light that was drawn.
    pub drawn: BindGroup,
    /// The light after the first half of the blur.
    pub blurred: BindGroup,
}

/// Buffers that are kept and only ever grow.
#[derive(Resource, Default)]
pub struct Buffers {
    tiles: Option<Buffer>,
    lists: Option<Buffer>,
    instances: Option<Buffer>,
    outlines: Option<Buffer>,
    triangles: Option<Buffer>,
    fabrics: Option<Buffer>,
    rectangles: Option<Buffer>,
}

/// Takes the frame that the main world wants to have drawn.
pub fn extract_frame(mut main_world: ResMut<MainWorld>, mut commands: Commands) {
    match main_world.resource_mut::<FrameToDraw>().0.take() {
        Some(frame) => commands.insert_resource(Extracted(frame)),
        None => commands.remove_resource::<Extracted>(),
    }
}

/// A frame between extraction and upload.
#[derive(Resource, Clone)]
pub struct Extracted(Frame);

/// Uploads the extracted frame's tiles and instances.
pub fn upload(
    mut commands: Commands,
    extracted: Option<Res<Extracted>>,
    mut buffers: ResMut<Buffers>,
    pipelines: Res<TilePipelines>,
    atlas: Res<Atlas>,
    pictures: Res<PictureTexture>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
    cache: Res<PipelineCache>,
) {
    let Some(extracted) = extracted else {
        commands.remove_resource::<Drawing>();
        return;
    };
    let data = FrameData::new(&extracted.0.samples, atlas.columns);
    let kept = &mut *buffers;
    let write = |kept, usage, bytes, seen| write(kept, usage, &device, &queue, bytes, seen);
    let (uniform, vertex) = (BufferUsages::UNIFORM, BufferUsages::VERTEX);
    let tiles = write(&mut kept.tiles, uniform, cast_slice(&data.tiles), TILE_BYTES);
    let instances =
        write(&mut kept.instances, uniform, cast_slice(&data.instances), INSTANCES_BYTES);
    let fabrics = write(&mut kept.fabrics, uniform, cast_slice(&data.fabrics), FABRICS_BYTES);
    let lists = write(&mut kept.lists, uniform, cast_slice(&data.lists), LISTS_BYTES);
    let outlines = write(&mut kept.outlines, vertex, cast_slice(&data.outlines), 0);
    // A tile sees as many as the tile with most of them has.
    let most = data.ranges.iter().map(|range| range.triangles.len()).max().unwrap_or(0).max(1);
    let most_triangles = most as u64 * TRIANGLE_BYTES;
    let triangles = write(
        &mut kept.triangles,
        vertex | BufferUsages::STORAGE,
        cast_slice(&data.triangles),
        most_triangles,
    );
    let rectangles = write(&mut kept.rectangles, vertex, cast_slice(&data.rectangles), 0);
    // Each tile binds its own part of these.
    let part = |buffer, bytes| {
        BindingResource::Buffer(BufferBinding { buffer, offset: 0, size: NonZero::new(bytes) })
    };
    let bind = |label, layout, entries: &[BindGroupEntry]| {
        device.create_bind_group(label, &cache.get_bind_group_layout(layout), entries)
    };
    let tile_bind =
        bind("tiles", &pipelines.tile_layout, &BindGroupEntries::single(part(tiles, TILE_BYTES)));
    let instance_bind = bind(
        "instances",
        &pipelines.instance_layout,
        &BindGroupEntries::sequential((
            part(instances, INSTANCES_BYTES),
            part(fabrics, FABRICS_BYTES),
        )),
    );
    let mixed_bind = bind(
        "instances and triangles",
        &pipelines.mixed_layout,
        &BindGroupEntries::sequential((
            part(instances, INSTANCES_BYTES),
            part(fabrics, FABRICS_BYTES),
            part(triangles, most_triangles),
        )),
    );
    let list_bind =
        bind("lists", &pipelines.list_layout, &BindGroupEntries::single(part(lists, LISTS_BYTES)));
    let view = |texture: &Texture| texture.create_view(&TextureViewDescriptor::default());
    let light_binds = atlas.canvases.map(|canvas| {
        let [places, depth] = [&canvas.places, &canvas.depth].map(view);
        let entries =
            BindGroupEntries::sequential((&places, &depth, &pictures.view, &pictures.sampler));
        bind("light", &pipelines.light_layout, &entries)
    });
    let camera_binds = atlas.canvases.map(|canvas| {
        let camera = |texture: &Texture| {
            bind("camera", &pipelines.camera_layout, &BindGroupEntries::single(&view(texture)))
        };
        CameraBinds { drawn: camera(&canvas.drawn), blurred: camera(&canvas.blurred) }
    });
    commands.insert_resource(Drawing {
        frame: extracted.0.clone(),
        ranges: data.ranges,
        outlines: outlines.clone(),
        rectangles: rectangles.clone(),
        triangles: triangles.clone(),
        tile_bind,
        instance_bind,
        mixed_bind,
        list_bind,
        light_binds,
        camera_binds,
        drawn: false,
    });
}

/// Writes `bytes` into the kept buffer. Makes it anew, with room to spare, if it is too small.
/// Behind every byte that is written, the buffer has room for the `seen` bytes that shaders may see
/// from there.
fn write<'a>(
    kept: &'a mut Option<Buffer>,
    usage: BufferUsages,
    device: &RenderDevice,
    queue: &RenderQueue,
    bytes: &[u8],
    seen: u64,
) -> &'a Buffer {
    let needed = (bytes.len() as u64 + seen).max(256);
    if kept.as_ref().is_none_or(|buffer| buffer.size() < needed) {
        *kept = None;
    }
    let buffer = kept.get_or_insert_with(|| {
        device.create_buffer(&BufferDescriptor {
            label: None,
            size: (needed + needed / 2).next_multiple_of(256),
            usage: usage | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    });
    queue.write_buffer(buffer, 0, bytes);
    buffer
}
