//! The systems of the render world: upload a frame, draw it, copy it out, deliver it.

use super::{
    app::{DrawnFrame, Frame, FrameToDraw},
    gpu::{self, TileRange},
    pictures::PictureTexture,
    pipelines::{Atlas, BUFFER_BYTES, TilePipelines},
};
use crate::scene::{BackdropKind, SceneSample};
use bevy::{
    prelude::*,
    render::{
        MainWorld,
        render_phase::TrackedRenderPass,
        render_resource::*,
        renderer::{RenderDevice, RenderQueue},
    },
};
use std::{collections::VecDeque, ops::Range};

/// The frame being drawn in this update.
#[derive(Resource)]
pub struct Drawing {
    frame: Frame,
    ranges: Vec<TileRange>,
    outlines: Buffer,
    rectangles: Buffer,
    tile_bind: BindGroup,
    light_bind: BindGroup,
    /// What the first and the second half of the camera look at.
    camera_binds: [BindGroup; 2],
    drawn: bool,
}

/// Buffers that are kept and only ever grow.
#[derive(Resource, Default)]
pub struct Uploads {
    tiles: Option<Buffer>,
    groups: Option<Buffer>,
    instances: Option<Buffer>,
    outlines: Option<Buffer>,
    fabrics: Option<Buffer>,
    rectangles: Option<Buffer>,
}

/// Frames that the GPU is still drawing, oldest first, and buffers to read further ones back with.
#[derive(Resource, Default)]
pub struct Ring {
    pending: VecDeque<(Frame, Buffer, wgpu::SubmissionIndex)>,
    free: Vec<Buffer>,
}

/// Where delivered frames go.
#[derive(Resource)]
pub struct Delivery(pub crossbeam_channel::Sender<Result<DrawnFrame, String>>);

/// Takes the frame that the main world wants drawn.
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
    mut uploads: ResMut<Uploads>,
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
    let data = gpu::upload_data(&extracted.0.samples, atlas.columns);
    let uploads = &mut *uploads;
    let uniform = BufferUsages::UNIFORM;
    let write = |kept, usage, bytes, seen| write(kept, usage, &device, &queue, bytes, seen);
    let tiles = write(&mut uploads.tiles, uniform, bytemuck::cast_slice(&data.tiles), BUFFER_BYTES[0]);
    let groups = write(&mut uploads.groups, uniform, bytemuck::cast_slice(&data.groups), BUFFER_BYTES[1]);
    let instances = write(&mut uploads.instances, uniform, bytemuck::cast_slice(&data.instances), BUFFER_BYTES[2]);
    let fabrics = write(&mut uploads.fabrics, uniform, bytemuck::cast_slice(&data.fabrics), BUFFER_BYTES[3]);
    let outlines = write(&mut uploads.outlines, BufferUsages::VERTEX, bytemuck::cast_slice(&data.outlines), 0);
    let rectangles = write(&mut uploads.rectangles, BufferUsages::VERTEX, bytemuck::cast_slice(&data.rectangles), 0);
    // Each tile binds its own part of these.
    let part = |buffer, bytes| {
        BindingResource::Buffer(BufferBinding { buffer, offset: 0, size: std::num::NonZero::new(bytes) })
    };
    let tile_bind = device.create_bind_group(
        "tiles",
        &cache.get_bind_group_layout(&pipelines.tile_layout),
        &BindGroupEntries::sequential((
            part(tiles, BUFFER_BYTES[0]),
            part(groups, BUFFER_BYTES[1]),
            part(instances, BUFFER_BYTES[2]),
            part(fabrics, BUFFER_BYTES[3]),
        )),
    );
    let view = |texture: &Texture| texture.create_view(&TextureViewDescriptor::default());
    let [places, depth] = [&atlas.places, &atlas.depth].map(view);
    let light_bind = device.create_bind_group(
        "light",
        &cache.get_bind_group_layout(&pipelines.light_layout),
        &BindGroupEntries::sequential((&places, &depth, &pictures.view, &pictures.sampler)),
    );
    let camera_binds = [&atlas.drawn, &atlas.blurred].map(|looked_at| {
        device.create_bind_group(
            "camera",
            &cache.get_bind_group_layout(&pipelines.camera_layout),
            &BindGroupEntries::single(&view(looked_at)),
        )
    });
    commands.insert_resource(Drawing {
        frame: extracted.0.clone(),
        ranges: data.ranges,
        outlines: outlines.clone(),
        rectangles: rectangles.clone(),
        tile_bind,
        light_bind,
        camera_binds,
        drawn: false,
    });
}

/// Writes `bytes` into the kept buffer, which is made anew, with room to spare, only where it is too small. From every byte that is
/// written, shaders may see `seen` bytes on.
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

/// Draws the uploaded frame and copies it into a buffer of the ring, in one submission.
pub fn draw(
    drawing: Option<ResMut<Drawing>>,
    pipelines: Res<TilePipelines>,
    atlas: Res<Atlas>,
    cache: Res<PipelineCache>,
    mut ring: ResMut<Ring>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
) {
    let Some(mut drawing) = drawing else { return };
    let Some(built) = Built::from_cache(&pipelines, &cache) else { return };
    let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor::default());
    draw_tiles(&mut encoder, &device, &drawing, &atlas, &built);
    let buffer = copy_out(&mut encoder, &device, &atlas, &mut ring);
    let submission = queue.submit([encoder.finish()]);
    ring.pending.push_back((drawing.frame.clone(), buffer, submission));
    drawing.drawn = true;
}

/// The pipelines, once all of them have been built.
struct Built<'a> {
    planes: &'a RenderPipeline,
    instances: [&'a RenderPipeline; 2],
    surfaces: &'a RenderPipeline,
    /// Of each kind the ground and the wall, where no shadow falls and where one may.
    backdrops: Vec<[[&'a RenderPipeline; 2]; 2]>,
    blur: &'a RenderPipeline,
    cameras: [&'a RenderPipeline; 2],
}

impl<'a> Built<'a> {
    fn from_cache(pipelines: &TilePipelines, cache: &'a PipelineCache) -> Option<Self> {
        let built = |id| cache.get_render_pipeline(id);
        let both = |[first, second]: [_; 2]| Some([built(first)?, built(second)?]);
        Some(Built {
            planes: built(pipelines.planes)?,
            instances: both(pipelines.instances)?,
            surfaces: built(pipelines.surfaces)?,
            backdrops: (pipelines.backdrops.into_iter())
                .map(|[ground, wall]| Some([both(ground)?, both(wall)?]))
                .collect::<Option<_>>()?,
            blur: built(pipelines.blur)?,
            cameras: both(pipelines.cameras)?,
        })
    }
}

/// What is seen where, then the light on it, then the camera's passes over it all.
///
/// Light costs much, so it is left until it is known what is seen: the rectangles around instances overlap.
fn draw_tiles(encoder: &mut CommandEncoder, device: &RenderDevice, drawing: &Drawing, atlas: &Atlas, built: &Built) {
    let view = |texture: &Texture| texture.create_view(&TextureViewDescriptor::default());
    let (drawn, ids, depth, places) = (view(&atlas.drawn), view(&atlas.ids), view(&atlas.depth), view(&atlas.places));
    let (blurred, clip_depth, color) = (view(&atlas.blurred), view(&atlas.clip_depth), view(&atlas.color));
    let mut begin = |label, targets: &[&TextureView], clip_depth: Option<(&TextureView, Option<Operations<f32>>)>| {
        let attachment = |view| {
            let ops = Operations { load: LoadOp::Clear(LinearRgba::NONE.into()), store: StoreOp::Store };
            Some(RenderPassColorAttachment { view, depth_slice: None, resolve_target: None, ops })
        };
        let targets: Vec<_> = targets.iter().map(|view| attachment(*view)).collect();
        let pass = encoder.begin_render_pass(&RenderPassDescriptor {
            label: Some(label),
            color_attachments: &targets,
            depth_stencil_attachment: clip_depth.map(|(view, depth_ops)| RenderPassDepthStencilAttachment {
                view,
                depth_ops,
                stencil_ops: None,
            }),
            ..default()
        });
        Pass { pass: TrackedRenderPass::new(device, pass.forget_lifetime()), drawing, atlas }
    };
    let [of_drawn, of_blurred] = &drawing.camera_binds;
    {
        let write = Operations { load: LoadOp::Clear(0.0), store: StoreOp::Store };
        let mut seen = begin("seen", &[&ids, &depth, &places], Some((&clip_depth, Some(write))));
        seen.draw_whole(built.planes, 0.0, |_| true);
        seen.draw_instances(built.instances);
    }
    {
        let mut light = begin("light", &[&drawn], Some((&clip_depth, None)));
        light.pass.set_bind_group(1, &drawing.light_bind, &[]);
        for (kind, both) in BackdropKind::ALL.into_iter().zip(&built.backdrops) {
            for (pipelines, at) in both.iter().zip([GROUND, WALL]) {
                light.draw_backdrop(*pipelines, at, kind);
            }
        }
        light.draw_whole(built.surfaces, INSTANCES, |_| true);
    }
    {
        let mut blur = begin("blur", &[&blurred], None);
        blur.pass.set_bind_group(1, of_drawn, &[]);
        blur.draw_whole(built.blur, 0.0, |sample| sample.degradation.is_soft());
    }
    let [sharp, soft] = built.cameras;
    let mut camera = begin("camera", &[&color], None);
    camera.pass.set_bind_group(1, of_drawn, &[]);
    camera.draw_whole(sharp, 0.0, |sample| !sample.degradation.is_soft());
    camera.pass.set_bind_group(1, of_blurred, &[]);
    camera.draw_whole(soft, 0.0, |sample| sample.degradation.is_soft());
}

/// Clip depths, reversed, of what a pixel may show; that of instances is the least. `seen.wgsl` writes them.
const WALL: f32 = 0.0;
const GROUND: f32 = 0.25;
const INSTANCES: f32 = 0.5;

/// A render pass over the atlas.
struct Pass<'a> {
    pass: TrackedRenderPass<'a>,
    drawing: &'a Drawing,
    atlas: &'a Atlas,
}

impl<'a> Pass<'a> {
    /// Runs a pipeline over the tiles whose samples are `wanted`, at one clip depth.
    fn draw_whole(&mut self, pipeline: &'a RenderPipeline, at: f32, wanted: impl Fn(&SceneSample) -> bool) {
        let drawing = self.drawing;
        self.pass.set_render_pipeline(pipeline);
        for (tile, range) in drawing.ranges.iter().enumerate() {
            if wanted(&drawing.frame.samples[tile]) {
                self.look_at(tile, [at, at]);
                self.pass.set_bind_group(0, &drawing.tile_bind, &range.offsets);
                self.pass.draw(0..3, 0..1);
            }
        }
    }

    /// Draws ground or wall of tiles whose backdrops are of one kind: with the first of two pipelines where no shadow falls, with the
    /// second where one may.
    fn draw_backdrop(&mut self, pipelines: [&'a RenderPipeline; 2], at: f32, kind: BackdropKind) {
        let drawing = self.drawing;
        self.pass.set_vertex_buffer(0, drawing.rectangles.slice(..));
        for (part, pipeline) in pipelines.into_iter().enumerate() {
            self.pass.set_render_pipeline(pipeline);
            for (tile, range) in drawing.ranges.iter().enumerate() {
                let rectangles = range.backdrop[part].clone();
                if drawing.frame.samples[tile].backdrop.kind == kind && !rectangles.is_empty() {
                    self.look_at(tile, [at, at]);
                    self.pass.set_bind_group(0, &drawing.tile_bind, &range.offsets);
                    self.pass.draw(0..4, rectangles);
                }
            }
        }
    }

    /// Draws a rectangle for each round cone with the first of two pipelines, one for each cuboid with the second.
    fn draw_instances(&mut self, [cones, cuboids]: [&'a RenderPipeline; 2]) {
        let drawing = self.drawing;
        self.pass.set_vertex_buffer(0, drawing.outlines.slice(..));
        let of_kind: [(_, fn(&TileRange) -> &Range<u32>); 2] =
            [(cones, |range| &range.cones), (cuboids, |range| &range.cuboids)];
        for (pipeline, instances) in of_kind {
            self.pass.set_render_pipeline(pipeline);
            for (tile, range) in drawing.ranges.iter().enumerate().filter(|(_, range)| !instances(range).is_empty()) {
                self.look_at(tile, [0.0, 1.0]);
                self.pass.set_bind_group(0, &drawing.tile_bind, &range.offsets);
                self.pass.draw(0..4, instances(range).clone());
            }
        }
    }

    /// Confines drawing to one tile's place in the atlas, and to a range of clip depths.
    fn look_at(&mut self, tile: usize, [low, high]: [f32; 2]) {
        let [x, y, width, height] = gpu::place(tile, self.atlas.columns, self.atlas.tile);
        self.pass.set_viewport(x as f32, y as f32, width as f32, height as f32, low, high);
        self.pass.set_scissor_rect(x, y, width, height);
    }
}

/// Copies the atlas into a buffer of the ring, and returns that.
fn copy_out(encoder: &mut CommandEncoder, device: &RenderDevice, atlas: &Atlas, ring: &mut Ring) -> Buffer {
    let (planes, size) = atlas.layout();
    let buffer = ring.free.pop().unwrap_or_else(|| {
        device.create_buffer(&BufferDescriptor {
            label: Some("read-back"),
            size,
            usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
            mapped_at_creation: false,
        })
    });
    for ((texture, _), (offset, row)) in atlas.read_back().into_iter().zip(planes) {
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            TexelCopyBufferInfo {
                buffer: &buffer,
                layout: TexelCopyBufferLayout { offset, bytes_per_row: Some(row), rows_per_image: None },
            },
            texture.size(),
        );
    }
    buffer
}

/// Delivers frames that have had an update to be drawn in; all of them where nothing new was submitted.
pub fn deliver(
    drawing: Option<Res<Drawing>>,
    atlas: Res<Atlas>,
    mut ring: ResMut<Ring>,
    device: Res<RenderDevice>,
    delivery: Res<Delivery>,
) {
    let newest = usize::from(drawing.is_some_and(|drawing| drawing.drawn));
    while ring.pending.len() > newest {
        let Some((frame, buffer, submission)) = ring.pending.pop_front() else { return };
        let read = read_planes(&device, &atlas, &buffer, submission);
        ring.free.push(buffer);
        let delivered = read.map(|[color, ids, depth]| DrawnFrame { frame, columns: atlas.columns, color, ids, depth });
        // Nobody receives any more while the app is being torn down.
        let _ = delivery.0.send(delivered);
    }
}

/// Waits for a submission and reads its colour, id and depth planes, each with its rows' padding cut off.
fn read_planes(
    device: &RenderDevice,
    atlas: &Atlas,
    buffer: &Buffer,
    submission: wgpu::SubmissionIndex,
) -> Result<[Vec<u8>; 3], String> {
    let (sender, mapped) = crossbeam_channel::bounded(1);
    buffer.slice(..).map_async(MapMode::Read, move |result| {
        let _ = sender.send(result);
    });
    device
        .wgpu_device()
        .poll(PollType::Wait { submission_index: Some(submission), timeout: None })
        .map_err(|e| format!("waiting for the GPU failed: {e}"))?;
    mapped
        .recv()
        .map_err(|_| "the GPU never answered".to_owned())?
        .map_err(|e| format!("a frame could not be read back: {e}"))?;
    let bytes = buffer.slice(..).get_mapped_range();
    let (layout, _) = atlas.layout();
    let mut planes = [Vec::new(), Vec::new(), Vec::new()];
    for (((texture, texel), (offset, row)), plane) in atlas.read_back().into_iter().zip(layout).zip(&mut planes) {
        let used = (texture.width() * texel) as usize;
        plane.reserve_exact(used * texture.height() as usize);
        for y in 0..texture.height() as usize {
            plane.extend_from_slice(&bytes[offset as usize + y * row as usize..][..used]);
        }
    }
    drop(bytes);
    buffer.unmap();
    Ok(planes)
}
