//! The systems of the render world that upload a frame and draw it.

use super::{
    app::{Frame, FrameToDraw},
    blur::Blur,
    gpu::{self, TileRange, View},
    pictures::PictureTexture,
    pipelines::{Atlas, BUFFER_BYTES, TilePipelines},
    read_back::Ring,
};
use bevy::{
    prelude::*,
    render::{
        MainWorld,
        render_phase::TrackedRenderPass,
        render_resource::*,
        renderer::{RenderDevice, RenderQueue},
    },
};
use marionette_stream::{BackdropKind, SceneSample};
use std::ops::Range;

/// The frame being drawn in this update.
#[derive(Resource)]
pub struct Drawing {
    frame: Frame,
    ranges: Vec<TileRange>,
    outlines: Buffer,
    rectangles: Buffer,
    tile_bind: BindGroup,
    instance_bind: BindGroup,
    list_bind: BindGroup,
    /// Of each canvas what is seen, for light; what was drawn, and what came of the first half of a
    /// blur, for the camera.
    light_binds: [BindGroup; 2],
    camera_binds: [[BindGroup; 2]; 2],
    pub drawn: bool,
}

/// Buffers that are kept and only ever grow.
#[derive(Resource, Default)]
pub struct Uploads {
    tiles: Option<Buffer>,
    lists: Option<Buffer>,
    instances: Option<Buffer>,
    outlines: Option<Buffer>,
    fabrics: Option<Buffer>,
    rectangles: Option<Buffer>,
}

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
    let tiles =
        write(&mut uploads.tiles, uniform, bytemuck::cast_slice(&data.tiles), BUFFER_BYTES[0]);
    let instances = write(
        &mut uploads.instances,
        uniform,
        bytemuck::cast_slice(&data.instances),
        BUFFER_BYTES[1],
    );
    let fabrics =
        write(&mut uploads.fabrics, uniform, bytemuck::cast_slice(&data.fabrics), BUFFER_BYTES[2]);
    let lists =
        write(&mut uploads.lists, uniform, bytemuck::cast_slice(&data.lists), BUFFER_BYTES[3]);
    let outlines =
        write(&mut uploads.outlines, BufferUsages::VERTEX, bytemuck::cast_slice(&data.outlines), 0);
    let rectangles = write(
        &mut uploads.rectangles,
        BufferUsages::VERTEX,
        bytemuck::cast_slice(&data.rectangles),
        0,
    );
    // Each tile binds its own part of these.
    let part = |buffer, bytes| {
        BindingResource::Buffer(BufferBinding {
            buffer,
            offset: 0,
            size: std::num::NonZero::new(bytes),
        })
    };
    let bind = |label, layout, entries: &[BindGroupEntry]| {
        device.create_bind_group(label, &cache.get_bind_group_layout(layout), entries)
    };
    let tile_bind = bind(
        "tiles",
        &pipelines.tile_layout,
        &BindGroupEntries::single(part(tiles, BUFFER_BYTES[0])),
    );
    let instance_bind = bind(
        "instances",
        &pipelines.instance_layout,
        &BindGroupEntries::sequential((
            part(instances, BUFFER_BYTES[1]),
            part(fabrics, BUFFER_BYTES[2]),
        )),
    );
    let list_bind = bind(
        "lists",
        &pipelines.list_layout,
        &BindGroupEntries::single(part(lists, BUFFER_BYTES[3])),
    );
    let view = |texture: &Texture| texture.create_view(&TextureViewDescriptor::default());
    let light_binds = atlas.canvases.each_ref().map(|canvas| {
        let [places, depth] = [&canvas.places, &canvas.depth].map(view);
        let entries =
            BindGroupEntries::sequential((&places, &depth, &pictures.view, &pictures.sampler));
        bind("light", &pipelines.light_layout, &entries)
    });
    let camera_binds = atlas.canvases.each_ref().map(|canvas| {
        [&canvas.drawn, &canvas.blurred].map(|looked_at| {
            bind("camera", &pipelines.camera_layout, &BindGroupEntries::single(&view(looked_at)))
        })
    });
    commands.insert_resource(Drawing {
        frame: extracted.0.clone(),
        ranges: data.ranges,
        outlines: outlines.clone(),
        rectangles: rectangles.clone(),
        tile_bind,
        instance_bind,
        list_bind,
        light_binds,
        camera_binds,
        drawn: false,
    });
}

/// Writes `bytes` into the kept buffer, which is made anew, with room to spare, only where it is
/// too small. From every byte that is written, shaders may see `seen` bytes on.
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
    let buffer = ring.copy_out(&mut encoder, &device, &atlas);
    let submission = queue.submit([encoder.finish()]);
    ring.pending.push_back((drawing.frame.clone(), buffer, submission));
    drawing.drawn = true;
}

/// The pipelines, once all of them have been built.
struct Built<'a> {
    planes: &'a RenderPipeline,
    instances: [&'a RenderPipeline; 2],
    surfaces: [&'a RenderPipeline; 2],
    /// Of each kind the ground and the wall, where no shadow falls and where one may.
    backdrops: Vec<[[&'a RenderPipeline; 2]; 2]>,
    blurs: [&'a RenderPipeline; 2],
    cameras: [&'a RenderPipeline; 3],
}

impl<'a> Built<'a> {
    fn from_cache(pipelines: &TilePipelines, cache: &'a PipelineCache) -> Option<Self> {
        let built = |id| cache.get_render_pipeline(id);
        let both = |[first, second]: [_; 2]| Some([built(first)?, built(second)?]);
        let [sharp, soft, wide] = pipelines.cameras;
        Some(Built {
            planes: built(pipelines.planes)?,
            instances: both(pipelines.instances)?,
            surfaces: both(pipelines.surfaces)?,
            backdrops: (pipelines.backdrops.into_iter())
                .map(|[ground, wall]| Some([both(ground)?, both(wall)?]))
                .collect::<Option<_>>()?,
            blurs: both(pipelines.blurs)?,
            cameras: [built(sharp)?, built(soft)?, built(wide)?],
        })
    }
}

/// What is seen where, then the light on it and its blur, of the tiles whose light is drawn for
/// every pixel and then of the others; last what the camera makes of it all.
///
/// Light costs much, so it is left until it is known what is seen: the rectangles around instances
/// overlap.
fn draw_tiles(
    encoder: &mut CommandEncoder,
    device: &RenderDevice,
    drawing: &Drawing,
    atlas: &Atlas,
    built: &Built,
) {
    let all: Vec<usize> = (0..drawing.ranges.len()).collect();
    let (coarse, fine): (Vec<_>, Vec<_>) =
        all.iter().partition(|tile| drawing.ranges[**tile].views[COARSE].scale > 1);
    draw_canvas(encoder, device, drawing, atlas, built, PIXELS, &all, &fine);
    if !coarse.is_empty() {
        draw_canvas(encoder, device, drawing, atlas, built, COARSE, &coarse, &coarse);
    }
    let color = atlas.color.create_view(&TextureViewDescriptor::default());
    let pass = begin(encoder, device, "camera", &[(&color, CLEARED)], None);
    let mut camera = Pass { pass, drawing, tiles: &all, viewport: PIXELS, view: COARSE };
    let [sharp, soft, wide] = built.cameras;
    let blur = |sample: &SceneSample| Blur::of(&sample.degradation);
    let [[of_drawn, of_blurred], [of_coarse, _]] = &drawing.camera_binds;
    camera.pass.set_bind_group(1, of_drawn, &[]);
    camera.draw_whole(sharp, 0.0, Reads::Tile, |sample| blur(sample) == Blur::Sharp);
    camera.draw_whole(wide, 0.0, Reads::Tile, |sample| blur(sample) == Blur::Wide { scale: 1 });
    camera.pass.set_bind_group(1, of_coarse, &[]);
    camera.draw_whole(wide, 0.0, Reads::Tile, |sample| blur(sample).scale() > 1);
    camera.pass.set_bind_group(1, of_blurred, &[]);
    camera.draw_whole(soft, 0.0, Reads::Tile, |sample| blur(sample) == Blur::Soft);
}

/// What is seen where of some tiles, the light on it of some of them and its blur, in the canvas of
/// one kind of view.
fn draw_canvas(
    encoder: &mut CommandEncoder,
    device: &RenderDevice,
    drawing: &Drawing,
    atlas: &Atlas,
    built: &Built,
    view: usize,
    seen: &[usize],
    lit: &[usize],
) {
    let of = |texture: &Texture| texture.create_view(&TextureViewDescriptor::default());
    let canvas = &atlas.canvases[view];
    let [drawn, blurred, clip_depth] = [&canvas.drawn, &canvas.blurred, &canvas.clip_depth].map(of);
    let shown = [&canvas.ids, &canvas.depth, &canvas.places].map(of);
    let mut begin = |label, tiles, targets: &[_], clip_depth| {
        let pass = begin(encoder, device, label, targets, clip_depth);
        Pass { pass, drawing, tiles, viewport: view, view }
    };
    {
        let write = Operations { load: LoadOp::Clear(0.0), store: StoreOp::Store };
        let mut pass = begin(
            "seen",
            seen,
            &shown.each_ref().map(|view| (view, CLEARED)),
            Some((&clip_depth, Some(write))),
        );
        pass.draw_whole(built.planes, 0.0, Reads::Tile, |_| true);
        pass.draw_instances(built.instances);
    }
    {
        let mut light = begin("light", lit, &[(&drawn, CLEARED)], Some((&clip_depth, None)));
        light.pass.set_bind_group(1, &drawing.light_binds[view], &[]);
        for (kind, both) in BackdropKind::ALL.into_iter().zip(&built.backdrops) {
            for (pipelines, at) in both.iter().zip([GROUND, WALL]) {
                light.draw_backdrop(*pipelines, at, kind);
            }
        }
        let [unshadowed, shadowed] = built.surfaces;
        light.draw_whole(unshadowed, INSTANCES, Reads::Instances, |sample| !sample.light.shadows);
        light.draw_whole(shadowed, INSTANCES, Reads::Lists, |sample| sample.light.shadows);
    }
    let ([first, second], [of_drawn, of_blurred]) = (built.blurs, &drawing.camera_binds[view]);
    {
        let mut blur = begin("first half of blur", lit, &[(&blurred, CLEARED)], None);
        blur.pass.set_bind_group(1, of_drawn, &[]);
        blur.draw_whole(first, 0.0, Reads::Tile, |sample| {
            Blur::of(&sample.degradation) != Blur::Sharp
        });
    }
    let mut blur = begin("second half of blur", lit, &[(&drawn, LoadOp::Load)], None);
    blur.pass.set_bind_group(1, of_blurred, &[]);
    // The camera does it itself where it looks at every pixel.
    let wanted = |sample: &SceneSample| matches!(Blur::of(&sample.degradation), Blur::Wide { .. });
    blur.draw_whole(second, 0.0, Reads::Tile, wanted);
}

/// Begins a pass that draws into `targets`, and tests or writes a clip depth where there is one.
fn begin<'a>(
    encoder: &mut CommandEncoder,
    device: &RenderDevice,
    label: &str,
    targets: &[(&TextureView, LoadOp<wgpu::Color>)],
    clip_depth: Option<(&TextureView, Option<Operations<f32>>)>,
) -> TrackedRenderPass<'a> {
    let attachments = targets.iter().map(|(view, load)| {
        let ops = Operations { load: *load, store: StoreOp::Store };
        Some(RenderPassColorAttachment { view, depth_slice: None, resolve_target: None, ops })
    });
    let targets: Vec<_> = attachments.collect();
    let pass = encoder.begin_render_pass(&RenderPassDescriptor {
        label: Some(label),
        color_attachments: &targets,
        depth_stencil_attachment: clip_depth.map(|(view, depth_ops)| {
            RenderPassDepthStencilAttachment { view, depth_ops, stencil_ops: None }
        }),
        ..default()
    });
    TrackedRenderPass::new(device, pass.forget_lifetime())
}

/// A tile's views, see [`TileRange::views`], and the canvases that they are drawn into: all pixels,
/// or those that light is drawn for where that is not all.
const PIXELS: usize = 0;
const COARSE: usize = 1;

const CLEARED: LoadOp<wgpu::Color> = LoadOp::Clear(wgpu::Color::TRANSPARENT);

/// Clip depths, reversed, of what a pixel may show; that of instances is the least. `seen.wgsl`
/// writes them.
const WALL: f32 = 0.0;
const GROUND: f32 = 0.25;
const INSTANCES: f32 = 0.5;

/// What a pipeline reads of a tile: the tile itself, its instances and their fabrics too, or the
/// lists of what casts shadows as well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Tile,
    Instances,
    Lists,
}

/// A render pass over some tiles.
struct Pass<'a> {
    pass: TrackedRenderPass<'a>,
    drawing: &'a Drawing,
    tiles: &'a [usize],
    /// Which view of a tile it is confined to.
    viewport: usize,
    /// Which view's data it reads.
    view: usize,
}

impl<'a> Pass<'a> {
    /// Runs a pipeline over the tiles whose samples are `wanted`, at one clip depth.
    fn draw_whole(
        &mut self,
        pipeline: &'a RenderPipeline,
        at: f32,
        reads: Reads,
        wanted: impl Fn(&SceneSample) -> bool,
    ) {
        let drawing = self.drawing;
        self.pass.set_render_pipeline(pipeline);
        for tile in self.tiles {
            if wanted(&drawing.frame.samples[*tile]) {
                self.look_at(*tile, [at, at]);
                self.bind(*tile, reads);
                self.pass.draw(0..3, 0..1);
            }
        }
    }

    /// Draws ground or wall of tiles whose backdrops are of one kind: with the first of two
    /// pipelines where no shadow falls, with the second where one may.
    fn draw_backdrop(&mut self, pipelines: [&'a RenderPipeline; 2], at: f32, kind: BackdropKind) {
        let drawing = self.drawing;
        self.pass.set_vertex_buffer(0, drawing.rectangles.slice(..));
        for (part, (pipeline, reads)) in
            pipelines.into_iter().zip([Reads::Tile, Reads::Lists]).enumerate()
        {
            self.pass.set_render_pipeline(pipeline);
            for tile in self.tiles {
                let rectangles = drawing.ranges[*tile].backdrop[part].clone();
                if drawing.frame.samples[*tile].backdrop.kind == kind && !rectangles.is_empty() {
                    self.look_at(*tile, [at, at]);
                    self.bind(*tile, reads);
                    self.pass.draw(0..4, rectangles);
                }
            }
        }
    }

    /// Draws a rectangle for each round cone with the first of two pipelines, one for each cuboid
    /// with the second.
    fn draw_instances(&mut self, [cones, cuboids]: [&'a RenderPipeline; 2]) {
        let drawing = self.drawing;
        self.pass.set_vertex_buffer(0, drawing.outlines.slice(..));
        let of_kind: [(_, fn(&TileRange) -> &Range<u32>); 2] =
            [(cones, |range| &range.cones), (cuboids, |range| &range.cuboids)];
        for (pipeline, instances) in of_kind {
            self.pass.set_render_pipeline(pipeline);
            for tile in self.tiles {
                let instances = instances(&drawing.ranges[*tile]);
                if !instances.is_empty() {
                    self.look_at(*tile, [0.0, 1.0]);
                    self.bind(*tile, Reads::Tile);
                    self.pass.draw(0..4, instances.clone());
                }
            }
        }
    }

    /// Binds what is read of a tile.
    fn bind(&mut self, tile: usize, reads: Reads) {
        let (drawing, range) = (self.drawing, &self.drawing.ranges[tile]);
        let [instances, fabrics, lists] = range.offsets;
        self.pass.set_bind_group(0, &drawing.tile_bind, &[range.views[self.view].offset]);
        if reads != Reads::Tile {
            self.pass.set_bind_group(2, &drawing.instance_bind, &[instances, fabrics]);
        }
        if reads == Reads::Lists {
            self.pass.set_bind_group(3, &drawing.list_bind, &[lists]);
        }
    }

    /// Confines drawing to one tile, and to a range of clip depths.
    fn look_at(&mut self, tile: usize, [low, high]: [f32; 2]) {
        let View { place: [x, y, width, height], size, .. } =
            self.drawing.ranges[tile].views[self.viewport];
        self.pass.set_viewport(x as f32, y as f32, size.x, size.y, low, high);
        self.pass.set_scissor_rect(x, y, width, height);
    }
}
