//! From the atlas to the CPU, through a ring of buffers: the GPU draws the next frame while the CPU
//! reads the last one.

use super::{
    atlas::{Atlas, ReadBackPlane},
    frame::{Delivery, DrawnFrame, Frame, TilePixels},
    upload::Drawing,
    view::Place,
};
use bevy::{
    prelude::*,
    render::{render_resource::*, renderer::RenderDevice},
};
use std::collections::VecDeque;

/// Frames that the GPU is still drawing, and the buffers for reading frames back.
#[derive(Resource, Default)]
pub struct Ring {
    /// Oldest first.
    pub pending: VecDeque<Submitted>,
    free: Vec<Buffer>,
}

/// A frame that was submitted to the GPU.
pub struct Submitted {
    pub frame: Frame,
    /// Where its pixels will be.
    pub buffer: Buffer,
    pub submission: wgpu::SubmissionIndex,
}

impl Ring {
    /// Copies the atlas into a buffer of the ring, and returns that.
    pub fn copy_out(
        &mut self,
        encoder: &mut CommandEncoder,
        device: &RenderDevice,
        atlas: &Atlas,
    ) -> Buffer {
        let planes = atlas.read_back();
        let buffer = self.free.pop().unwrap_or_else(|| {
            device.create_buffer(&BufferDescriptor {
                label: Some("read-back"),
                size: planes.size,
                usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
                mapped_at_creation: false,
            })
        });
        for plane in [planes.color, planes.ids, planes.depth] {
            let ReadBackPlane { texture, offset, row, .. } = plane;
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

/// Delivers the frames that were submitted in earlier updates. The frame of this update stays, so
/// that the GPU has time to draw it.
pub fn deliver(
    drawing: Option<Res<Drawing>>,
    atlas: Res<Atlas>,
    mut ring: ResMut<Ring>,
    device: Res<RenderDevice>,
    mut delivery: ResMut<Delivery>,
) {
    let newest = usize::from(drawing.is_some_and(|drawing| drawing.drawn));
    while ring.pending.len() > newest {
        let Some(submitted) = ring.pending.pop_front() else { return };
        let Submitted { frame, buffer, submission } = submitted;
        let read = read_tiles(&device, &atlas, &buffer, submission, frame.samples.len());
        ring.free.push(buffer);
        delivery.send(read.map(|tiles| DrawnFrame { frame, tiles }));
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
    let planes = atlas.read_back();
    let tiles = (0..count).map(|tile| {
        let place = Place::of_tile(tile, atlas.columns, atlas.tile);
        let [left, top, width, height] = place.to_array().map(|side| side as usize);
        let pixels = width * height;
        let mut tile = TilePixels {
            color: Vec::with_capacity(pixels * planes.color.texel as usize),
            ids: Vec::with_capacity(pixels),
            depth: Vec::with_capacity(pixels),
        };
        for y in top..top + height {
            let row_of = |plane: &ReadBackPlane| {
                let texel = plane.texel as usize;
                let start = plane.offset as usize + y * plane.row as usize + left * texel;
                &bytes[start..start + width * texel]
            };
            let [color, ids, depth] = [&planes.color, &planes.ids, &planes.depth].map(row_of);
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
