//! The systems of the render world: upload a frame, draw it, copy it out, deliver it.

use super::{
    app::{DrawnFrame, Frame, FrameToDraw},
    gpu,
    pipelines::{Atlas, CUBE_INDICES, TilePipelines},
};
use crate::scene::BackdropKind;
use bevy::{
    prelude::*,
    render::{
        MainWorld,
        render_phase::TrackedRenderPass,
        render_resource::*,
        renderer::{RenderDevice, RenderQueue},
    },
};
use std::collections::VecDeque;

/// The frame being drawn in this update.
#[derive(Resource)]
pub struct Drawing {
    frame: Frame,
    ranges: Vec<[u32; 4]>,
    tile_bind: BindGroup,
    camera_bind: BindGroup,
    drawn: bool,
}

/// Storage buffers that are kept and only ever grow.
#[derive(Resource, Default)]
pub struct Uploads {
    tiles: Option<Buffer>,
    instances: Option<Buffer>,
    bounds: Option<Buffer>,
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
    let tiles = write(&mut uploads.tiles, &device, &queue, bytemuck::cast_slice(&data.tiles));
    let instances = write(&mut uploads.instances, &device, &queue, bytemuck::cast_slice(&data.instances));
    let bounds = write(&mut uploads.bounds, &device, &queue, bytemuck::cast_slice(&data.bounds));
    let tile_bind = device.create_bind_group(
        "tiles",
        &cache.get_bind_group_layout(&pipelines.tile_layout),
        &BindGroupEntries::sequential((
            tiles.as_entire_binding(),
            instances.as_entire_binding(),
            bounds.as_entire_binding(),
        )),
    );
    let drawn = atlas.drawn.create_view(&TextureViewDescriptor::default());
    let camera_bind = device.create_bind_group(
        "camera",
        &cache.get_bind_group_layout(&pipelines.camera_layout),
        &BindGroupEntries::sequential((tiles.as_entire_binding(), &drawn)),
    );
    commands.insert_resource(Drawing {
        frame: extracted.0.clone(),
        ranges: data.tiles.iter().map(|tile| tile.range).collect(),
        tile_bind,
        camera_bind,
        drawn: false,
    });
}

/// Writes `bytes` into the kept buffer, which is made anew, with room to spare, only where it is too small.
fn write<'a>(kept: &'a mut Option<Buffer>, device: &RenderDevice, queue: &RenderQueue, bytes: &[u8]) -> &'a Buffer {
    let needed = (bytes.len() as u64).max(256);
    if kept.as_ref().is_none_or(|buffer| buffer.size() < needed) {
        *kept = None;
    }
    let buffer = kept.get_or_insert_with(|| {
        device.create_buffer(&BufferDescriptor {
            label: None,
            size: (needed + needed / 2).next_multiple_of(256),
            usage: BufferUsages::STORAGE | BufferUsages::COPY_DST,
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
    draw_tiles(&mut encoder, &device, &drawing, &pipelines, &atlas, &built);
    let buffer = copy_out(&mut encoder, &device, &atlas, &mut ring);
    let submission = queue.submit([encoder.finish()]);
    ring.pending.push_back((drawing.frame.clone(), buffer, submission));
    drawing.drawn = true;
}

/// The pipelines, once all of them have been built.
struct Built<'a> {
    backdrops: Vec<&'a RenderPipeline>,
    instances: &'a RenderPipeline,
    camera: &'a RenderPipeline,
}

impl<'a> Built<'a> {
    fn from_cache(pipelines: &TilePipelines, cache: &'a PipelineCache) -> Option<Self> {
        Some(Built {
            backdrops: pipelines.backdrops.iter().map(|id| cache.get_render_pipeline(*id)).collect::<Option<_>>()?,
            instances: cache.get_render_pipeline(pipelines.instances)?,
            camera: cache.get_render_pipeline(pipelines.camera)?,
        })
    }
}

/// Backdrops, then instances, then the camera's pass over it all.
fn draw_tiles(
    encoder: &mut CommandEncoder,
    device: &RenderDevice,
    drawing: &Drawing,
    pipelines: &TilePipelines,
    atlas: &Atlas,
    built: &Built,
) {
    let view = |texture: &Texture| texture.create_view(&TextureViewDescriptor::default());
    let (drawn, ids, depth) = (view(&atlas.drawn), view(&atlas.ids), view(&atlas.depth));
    let (clip_depth, color) = (view(&atlas.clip_depth), view(&atlas.color));
    let attachment = |view| {
        Some(RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: Operations { load: LoadOp::Clear(LinearRgba::NONE.into()), store: StoreOp::Store },
        })
    };
    let tiles = drawing.ranges.len();
    let places: Vec<[u32; 4]> = (0..tiles).map(|tile| gpu::place(tile, atlas.columns, atlas.tile)).collect();
    {
        let mut pass = TrackedRenderPass::new(
            device,
            encoder.begin_render_pass(&RenderPassDescriptor {
                label: Some("tiles"),
                color_attachments: &[attachment(&drawn), attachment(&ids), attachment(&depth)],
                depth_stencil_attachment: Some(RenderPassDepthStencilAttachment {
                    view: &clip_depth,
                    depth_ops: Some(Operations { load: LoadOp::Clear(0.0), store: StoreOp::Discard }),
                    stencil_ops: None,
                }),
                ..default()
            }),
        );
        pass.set_bind_group(0, &drawing.tile_bind, &[]);
        pass.set_vertex_buffer(0, pipelines.cube_vertices.slice(..));
        pass.set_index_buffer(pipelines.cube_indices.slice(..), IndexFormat::Uint16);
        for (kind, pipeline) in BackdropKind::ALL.into_iter().zip(&built.backdrops) {
            pass.set_render_pipeline(pipeline);
            for tile in (0..tiles).filter(|tile| drawing.frame.samples[*tile].backdrop.kind == kind) {
                look_at(&mut pass, places[tile]);
                pass.draw(0..3, tile as u32..tile as u32 + 1);
            }
        }
        pass.set_render_pipeline(built.instances);
        for (tile, [first, end, ..]) in drawing.ranges.iter().copied().enumerate() {
            look_at(&mut pass, places[tile]);
            pass.draw_indexed(0..CUBE_INDICES, 0, first..end);
        }
    }
    let mut pass = TrackedRenderPass::new(
        device,
        encoder.begin_render_pass(&RenderPassDescriptor {
            label: Some("camera"),
            color_attachments: &[attachment(&color)],
            ..default()
        }),
    );
    pass.set_bind_group(0, &drawing.camera_bind, &[]);
    pass.set_render_pipeline(built.camera);
    for (tile, place) in places.into_iter().enumerate() {
        look_at(&mut pass, place);
        pass.draw(0..3, tile as u32..tile as u32 + 1);
    }
}

/// Confines drawing to one tile's place in the atlas.
fn look_at(pass: &mut TrackedRenderPass, [x, y, width, height]: [u32; 4]) {
    pass.set_viewport(x as f32, y as f32, width as f32, height as f32, 0.0, 1.0);
    pass.set_scissor_rect(x, y, width, height);
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
