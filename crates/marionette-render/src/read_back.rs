//! From the atlas to the CPU: a ring of buffers, so that the GPU draws the next frame while the
//! last one is read.

use super::{
    app::{DrawnFrame, Frame, TilePixels},
    gpu,
    pass::Drawing,
    pipelines::Atlas,
};
use bevy::{
    prelude::*,
    render::{render_resource::*, renderer::RenderDevice},
};
use std::collections::VecDeque;

/// Frames that the GPU is still drawing, oldest first, and buffers to read further ones back with.
#[derive(Resource, Default)]
pub struct Ring {
    pub pending: VecDeque<(Frame, Buffer, wgpu::SubmissionIndex)>,
    free: Vec<Buffer>,
}

/// Where delivered frames go.
#[derive(Resource)]
pub struct Delivery(pub crossbeam_channel::Sender<Result<DrawnFrame, String>>);

impl Ring {
    /// Copies the atlas into a buffer of the ring, and returns that.
    pub fn copy_out(
        &mut self,
        encoder: &mut CommandEncoder,
        device: &RenderDevice,
        atlas: &Atlas,
    ) -> Buffer {
        let (planes, size) = atlas.layout();
        let buffer = self.free.pop().unwrap_or_else(|| {
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
                    layout: TexelCopyBufferLayout {
                        offset,
                        bytes_per_row: Some(row),
                        rows_per_image: None,
                    },
                },
                texture.size(),
            );
        }
        buffer
    }
}

/// Delivers frames that have had an update to be drawn in; all of them where nothing new was
/// submitted.
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
        let read = read_tiles(&device, &atlas, &buffer, submission, frame.samples.len());
        ring.free.push(buffer);
        let delivered = read.map(|tiles| DrawnFrame { frame, tiles });
        // Nobody receives any more while the app is being torn down.
        let _ = delivery.0.send(delivered);
    }
}

/// Waits for a submission and reads the first `count` tiles' pixels.
fn read_tiles(
    device: &RenderDevice,
    atlas: &Atlas,
    buffer: &Buffer,
    submission: wgpu::SubmissionIndex,
    count: usize,
) -> Result<Vec<TilePixels>, String> {
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
    let texels = atlas.read_back().map(|(_, texel)| texel as usize);
    let tiles = (0..count).map(|tile| {
        let [left, top, width, height] =
            gpu::place(tile, atlas.columns, atlas.tile).map(|side| side as usize);
        let pixels = width * height;
        let mut tile = TilePixels {
            color: Vec::with_capacity(pixels * texels[0]),
            ids: Vec::with_capacity(pixels),
            depth: Vec::with_capacity(pixels),
        };
        for y in top..top + height {
            let [color, ids, depth] = [0, 1, 2].map(|plane| {
                let ((offset, row), texel) = (layout[plane], texels[plane]);
                let start = offset as usize + y * row as usize + left * texel;
                &bytes[start..start + width * texel]
            });
            tile.color.extend_from_slice(color);
            tile.ids.extend_from_slice(bytemuck::cast_slice(ids));
            tile.depth.extend_from_slice(bytemuck::cast_slice(depth));
        }
        tile
    });
    let tiles = tiles.collect();
    drop(bytes);
    buffer.unmap();
    Ok(tiles)
}
