//! The system of the render world that draws the uploaded frame.

use super::{
    atlas::Atlas,
    blur::Blur,
    frame_data::TileRange,
    layout::{CLIP_GROUND, CLIP_INSTANCES, CLIP_WALL},
    pipelines::{BlurHalves, Cameras, Pipelines, TilePipelines},
    read_back::{Ring, Submitted},
    upload::Drawing,
    variants::{ByScale, ByShadow, ByShape, Scale},
    view::{Place, View},
};
use bevy::{
    prelude::*,
    render::{
        render_phase::TrackedRenderPass,
        render_resource::*,
        renderer::{RenderDevice, RenderQueue},
    },
};
use marionette_stream::{BackdropKind, SceneSample};
use std::ops::Range;

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
    let Some(built) = pipelines.ids.built(&cache) else { return };
    let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor::default());
    draw_tiles(&mut encoder, &device, &drawing, &atlas, &built);
    let buffer = ring.copy_out(&mut encoder, &device, &atlas);
    let submission = queue.submit([encoder.finish()]);
    ring.pending.push_back(Submitted { frame: drawing.frame.clone(), buffer, submission });
    drawing.drawn = true;
}

/// Draws all tiles. First what is seen where, then the light on it, then the blur of the light:
/// once for the tiles whose light is drawn for every pixel, then for the others. Last comes what
/// the camera makes of the light.
///
/// The rectangles around instances overlap and light costs much. So light is drawn only after it is
/// known what each pixel shows.
fn draw_tiles(
    encoder: &mut CommandEncoder,
    device: &RenderDevice,
    drawing: &Drawing,
    atlas: &Atlas,
    built: &Pipelines<&RenderPipeline>,
) {
    let all: Vec<usize> = (0..drawing.ranges.len()).collect();
    let (coarse, fine): (Vec<_>, Vec<_>) =
        all.iter().partition(|tile| drawing.ranges[**tile].views.coarse.scale > 1);
    draw_canvas(encoder, device, drawing, atlas, built, Scale::Full, &all, &fine);
    if !coarse.is_empty() {
        draw_canvas(encoder, device, drawing, atlas, built, Scale::Coarse, &coarse, &coarse);
    }
    let color = atlas.color.create_view(&TextureViewDescriptor::default());
    let pass = begin(encoder, device, "camera", &[(&color, CLEARED)], None);
    let mut camera =
        Pass { pass, drawing, tiles: &all, viewport: Scale::Full, view: Scale::Coarse };
    let Cameras { sharp, soft, wide } = built.cameras;
    let blur = |sample: &SceneSample| Blur::of(&sample.degradation);
    let ByScale { full, coarse } = &drawing.camera_binds;
    camera.pass.set_bind_group(1, &full.drawn, &[]);
    camera.draw_whole(sharp, 0.0, Reads::Tile, |sample| blur(sample) == Blur::Sharp);
    camera.draw_whole(wide, 0.0, Reads::Tile, |sample| blur(sample) == Blur::Wide { scale: 1 });
    camera.pass.set_bind_group(1, &coarse.drawn, &[]);
    camera.draw_whole(wide, 0.0, Reads::Tile, |sample| blur(sample).scale() > 1);
    camera.pass.set_bind_group(1, &full.blurred, &[]);
    camera.draw_whole(soft, 0.0, Reads::Tile, |sample| blur(sample) == Blur::Soft);
}

/// Draws into the canvas of one scale: what is seen of the tiles `seen`, then the light on the
/// tiles `lit` and its blur.
fn draw_canvas(
    encoder: &mut CommandEncoder,
    device: &RenderDevice,
    drawing: &Drawing,
    atlas: &Atlas,
    built: &Pipelines<&RenderPipeline>,
    scale: Scale,
    seen: &[usize],
    lit: &[usize],
) {
    let of = |texture: &Texture| texture.create_view(&TextureViewDescriptor::default());
    let canvas = atlas.canvases.get(scale);
    let [drawn, blurred, clip_depth] = [&canvas.drawn, &canvas.blurred, &canvas.clip_depth].map(of);
    let shown = [&canvas.ids, &canvas.depth, &canvas.places].map(of);
    let mut begin = |label, tiles, targets: &[_], clip_depth| {
        let pass = begin(encoder, device, label, targets, clip_depth);
        Pass { pass, drawing, tiles, viewport: scale, view: scale }
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
        pass.draw_triangles(built.triangles);
    }
    {
        let mut light = begin("light", lit, &[(&drawn, CLEARED)], Some((&clip_depth, None)));
        light.pass.set_bind_group(1, drawing.light_binds.get(scale), &[]);
        for (kind, planes) in BackdropKind::ALL.into_iter().zip(&built.backdrops) {
            light.draw_backdrop(planes.ground, CLIP_GROUND, kind);
            light.draw_backdrop(planes.wall, CLIP_WALL, kind);
        }
        let at = CLIP_INSTANCES;
        for (pipelines, mixed) in [(built.surfaces, false), (built.mixed, true)] {
            let ByShadow { plain, shadowed } = pipelines;
            let alike = |sample: &SceneSample| has_triangles(sample) == mixed;
            let reads = |lists| Reads::Instances { triangles: mixed, lists };
            light.draw_whole(plain, at, reads(false), |sample| {
                alike(sample) && !sample.light.shadows
            });
            light.draw_whole(shadowed, at, reads(true), |sample| {
                alike(sample) && sample.light.shadows
            });
        }
    }
    let BlurHalves { first, second } = built.blurs;
    let light_of = drawing.camera_binds.get(scale);
    {
        let mut blur = begin("first half of blur", lit, &[(&blurred, CLEARED)], None);
        blur.pass.set_bind_group(1, &light_of.drawn, &[]);
        blur.draw_whole(first, 0.0, Reads::Tile, |sample| {
            Blur::of(&sample.degradation) != Blur::Sharp
        });
    }
    let mut blur = begin("second half of blur", lit, &[(&drawn, LoadOp::Load)], None);
    blur.pass.set_bind_group(1, &light_of.blurred, &[]);
    // The camera's own pipeline does the second half for soft tiles.
    let wanted = |sample: &SceneSample| matches!(Blur::of(&sample.degradation), Blur::Wide { .. });
    blur.draw_whole(second, 0.0, Reads::Tile, wanted);
}

/// Begins a pass that draws into `targets`, and tests or writes a clip depth if one is given.
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

const CLEARED: LoadOp<wgpu::Color> = LoadOp::Clear(wgpu::Color::TRANSPARENT);

/// Whether a tile has figures that are drawn as triangles, even if none of these is seen.
fn has_triangles(sample: &SceneSample) -> bool {
    sample.figures.iter().any(|figure| !figure.surface.triangles.is_empty())
}

/// What a pipeline reads of a tile: the tile itself, or also its instances and their fabrics, and
/// where these say so its triangles and its lists of shadow casters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Tile,
    Instances { triangles: bool, lists: bool },
}

impl Reads {
    /// What ground and wall need where shadows may fall on them.
    const SHADOWS: Reads = Reads::Instances { triangles: false, lists: true };
}

/// A render pass over some tiles.
struct Pass<'a> {
    pass: TrackedRenderPass<'a>,
    drawing: &'a Drawing,
    tiles: &'a [usize],
    /// The view of a tile that it draws into.
    viewport: Scale,
    /// The view of a tile whose data it reads.
    view: Scale,
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

    /// Draws ground or wall of tiles whose backdrops are of one kind.
    fn draw_backdrop(
        &mut self,
        pipelines: ByShadow<&'a RenderPipeline>,
        at: f32,
        kind: BackdropKind,
    ) {
        let drawing = self.drawing;
        self.pass.set_vertex_buffer(0, drawing.rectangles.slice(..));
        let parts: [(_, _, fn(&TileRange) -> &Range<u32>); 2] = [
            (pipelines.plain, Reads::Tile, |range| &range.backdrop.plain),
            (pipelines.shadowed, Reads::SHADOWS, |range| &range.backdrop.shadowed),
        ];
        for (pipeline, reads, rectangles) in parts {
            self.pass.set_render_pipeline(pipeline);
            for tile in self.tiles {
                let rectangles = rectangles(&drawing.ranges[*tile]).clone();
                if drawing.frame.samples[*tile].backdrop.kind == kind && !rectangles.is_empty() {
                    self.look_at(*tile, [at, at]);
                    self.bind(*tile, reads);
                    self.pass.draw(0..4, rectangles);
                }
            }
        }
    }

    /// Draws a rectangle around each instance.
    fn draw_instances(&mut self, pipelines: ByShape<&'a RenderPipeline>) {
        let drawing = self.drawing;
        self.pass.set_vertex_buffer(0, drawing.outlines.slice(..));
        let shapes: [(_, fn(&TileRange) -> &Range<u32>); 2] = [
            (pipelines.cones, |range| &range.outlines.cones),
            (pipelines.cuboids, |range| &range.outlines.cuboids),
        ];
        for (pipeline, instances) in shapes {
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

    /// Draws a rectangle around each triangle.
    fn draw_triangles(&mut self, pipeline: &'a RenderPipeline) {
        let drawing = self.drawing;
        let any = |tile: &&usize| !drawing.ranges[**tile].triangles.is_empty();
        if !self.tiles.iter().any(|tile| any(&tile)) {
            return;
        }
        self.pass.set_vertex_buffer(0, drawing.triangles.slice(..));
        self.pass.set_render_pipeline(pipeline);
        for tile in self.tiles.iter().filter(any) {
            self.look_at(*tile, [0.0, 1.0]);
            self.bind(*tile, Reads::Tile);
            self.pass.draw(0..4, drawing.ranges[*tile].triangles.clone());
        }
    }

    /// Binds what a pipeline reads of a tile.
    fn bind(&mut self, tile: usize, reads: Reads) {
        let (drawing, range) = (self.drawing, &self.drawing.ranges[tile]);
        let offsets = range.offsets;
        self.pass.set_bind_group(0, &drawing.tile_bind, &[range.views.get(self.view).offset]);
        let Reads::Instances { triangles, lists } = reads else { return };
        let of_instances = [offsets.instances, offsets.fabrics, offsets.triangles];
        match triangles {
            true => self.pass.set_bind_group(2, &drawing.mixed_bind, &of_instances),
            false => self.pass.set_bind_group(2, &drawing.instance_bind, &of_instances[..2]),
        }
        if lists {
            self.pass.set_bind_group(3, &drawing.list_bind, &[offsets.lists]);
        }
    }

    /// Confines drawing to one tile, and to a range of clip depths.
    fn look_at(&mut self, tile: usize, [low, high]: [f32; 2]) {
        let View { place: Place { left, top, width, height }, size, .. } =
            *self.drawing.ranges[tile].views.get(self.viewport);
        self.pass.set_viewport(left as f32, top as f32, size.x, size.y, low, high);
        self.pass.set_scissor_rect(left, top, width, height);
    }
}
