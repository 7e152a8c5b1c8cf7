//! What a frame is on the GPU: the plain data that the files in `assets/shaders` describe.

use super::{blur::Blur, casters::CasterLists};
use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec2, Vec3, Vec4};
use marionette_stream::{Degradation, Fabric, PartLook, PixelId, Prop, PropShape, SceneSample};
use rayon::prelude::*;
use std::ops::Range;

/// One view of a tile: camera, light, backdrop, post-processing, place in its canvas and in the
/// atlas.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuTile {
    clip_from_world: Mat4,
    eye: Vec4,
    ray_origin: Vec4,
    ray_right: Vec4,
    ray_down: Vec4,
    forward: Vec4,
    sun_direction: Vec4,
    sun_color: Vec4,
    sky_color: Vec4,
    bounce_color: Vec4,
    lamp: Vec4,
    wall: Vec4,
    pattern: Vec4,
    colors: [Vec4; 3],
    ground: Vec4,
    post: Vec4,
    lens: Vec4,
    motion: Vec4,
    tone: Vec4,
    place: [u32; 4],
    picture: [u32; 4],
    /// Uniform buffers are bound at multiples of 256 bytes.
    padding: [Vec4; 6],
}

/// Instances that a tile can have: within a uniform buffer of 64 KiB, which every adapter allows.
/// What is beyond them is not drawn; nine figures of seventy parts each have room.
pub const MOST_INSTANCES: usize = 640;
/// Fabrics that a tile can have; those of figures beyond them are plain.
pub const MOST_FABRICS: usize = 128;
/// One round cone or cuboid.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuInstance {
    pub a: Vec4,
    pub b: Vec4,
    color: Vec4,
    pub turn: Vec4,
    origin: Vec4,
    /// Its pieces, as [`CasterLists::pieces`] has them, and three zeros.
    pieces: [u32; 4],
}

impl GpuInstance {
    /// A plain round cone.
    fn round_cone(a: Vec4, b: Vec4, color: Vec3) -> Self {
        GpuInstance {
            a,
            b,
            color: color.extend(0.0),
            turn: Vec4::W,
            origin: Vec4::ZERO,
            pieces: [0; 4],
        }
    }

    /// The same with a look, its fabric being the tile's `fabric`.
    fn with_look(self, look: &PartLook, fabric: usize) -> Self {
        GpuInstance {
            turn: Vec4::from(look.turn),
            origin: look.origin.extend(fabric as f32),
            ..self
        }
    }

    /// The same with another [`GpuInstance::a`] and [`GpuInstance::b`].
    pub fn between(self, a: Vec4, b: Vec4) -> Self {
        GpuInstance { a, b, ..self }
    }

    pub fn is_cuboid(&self) -> bool {
        self.color.w > 0.5
    }

    /// A sphere around it.
    pub fn bound(&self) -> Vec4 {
        let [a, b] = [self.a.truncate(), self.b.truncate()];
        match self.is_cuboid() {
            true => a.extend(b.length()),
            false => ((a + b) * 0.5).extend(a.distance(b) * 0.5 + self.a.w.max(self.b.w)),
        }
    }
}

/// What is done to an instance's own colour; see [`Fabric`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuFabric {
    second: Vec4,
    waves: Vec4,
    pitch: Vec4,
    print: Vec4,
}

impl GpuFabric {
    fn new(fabric: &Fabric) -> Self {
        GpuFabric {
            second: fabric.second.extend(fabric.gloss),
            waves: fabric.waves.extend(fabric.threshold),
            pitch: fabric.pitch.extend(fabric.folds),
            print: Vec4::from(fabric.print),
        }
    }
}

/// What an instance is found by, its [`PixelId`] and its place among its tile's instances.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuOutline {
    pub a: Vec4,
    pub b: Vec4,
    pub turn: Vec4,
    pub id_and_place: [u32; 2],
    padding: [u32; 2],
}

/// The place of tile `tile` in an atlas with `columns` tiles a row: left, top, width, height in
/// pixels.
pub fn place(tile: usize, columns: u32, size: [u32; 2]) -> [u32; 4] {
    let tile = tile as u32;
    [tile % columns * size[0], tile / columns * size[1], size[0], size[1]]
}

/// What is drawn of a tile at once: every pixel, or one for every square of them.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Pixels of the tile along either side for one of the view's.
    pub scale: u32,
    /// Its place in its canvas: left, top, width, height in its own pixels.
    pub place: [u32; 4],
    /// The tile's own width and height in the view's pixels; the last ones may lie partly beyond
    /// it.
    pub size: Vec2,
    /// Bytes to its [`GpuTile`].
    pub offset: u32,
}

impl View {
    fn new(tile: usize, columns: u32, size: [u32; 2], scale: u32, offset: u32) -> Self {
        let cell = if scale > 1 { coarse(size) } else { size };
        let [left, top, ..] = place(tile, columns, cell);
        // Those whose middles lie in the tile.
        let [width, height] = size.map(|side| (2 * side + scale - 1) / (2 * scale));
        View {
            scale,
            place: [left, top, width, height],
            size: Vec2::from(size.map(|side| side as f32)) / scale as f32,
            offset,
        }
    }
}

/// Pixels that a tile of `size` has at most in a view that leaves any out.
pub fn coarse(size: [u32; 2]) -> [u32; 2] {
    size.map(|side| side.div_ceil(2))
}

/// Everything that has to be uploaded to draw a frame.
#[derive(Default)]
pub struct Upload {
    /// The tiles.
    pub tiles: Vec<GpuTile>,
    /// The instances, those of a tile together, first round cones, then cuboids, otherwise as the
    /// sample has them: of two that are equally near, the first is seen. Each tile's at a multiple
    /// of 256 bytes.
    pub instances: Vec<GpuInstance>,
    /// Their outlines, in the same order.
    pub outlines: Vec<GpuOutline>,
    /// The lists of what casts shadows, those of a tile together, each tile's at a multiple of 256
    /// bytes.
    pub lists: Vec<[u32; 4]>,
    /// The fabrics, those of a tile together, each tile's at a multiple of 256 bytes.
    pub fabrics: Vec<GpuFabric>,
    /// Rectangles that make up the tiles, as shares of their sides: left, top, right, bottom.
    pub rectangles: Vec<Vec4>,
    /// Where each tile's part of all that is.
    pub ranges: Vec<TileRange>,
}

/// Where a tile's part of an [`Upload`] is.
pub struct TileRange {
    /// The outlines of its round cones.
    pub cones: Range<u32>,
    /// The outlines of its cuboids.
    pub cuboids: Range<u32>,
    /// The rectangles where no shadow falls on ground or wall, and where one may.
    pub backdrop: [Range<u32>; 2],
    /// All of its pixels, for what is seen, and the view of it for which light is drawn.
    pub views: [View; 2],
    /// Bytes to its instances, its fabrics and its lists.
    pub offsets: [u32; 3],
}

/// Lays out `samples` for the GPU.
pub fn upload_data(samples: &[SceneSample], columns: u32) -> Upload {
    let prepared: Vec<_> = (samples.par_iter())
        .map(|sample| {
            let named = named_instances(sample);
            let instances: Vec<_> = named.iter().map(|(_, instance)| *instance).collect();
            let cones = instances.partition_point(|instance| !instance.is_cuboid());
            (CasterLists::new(sample, &instances, cones), named, cones)
        })
        .collect();
    let mut upload = Upload::default();
    for (index, (sample, (lists, named, cones))) in samples.iter().zip(prepared).enumerate() {
        upload.add(index, columns, sample, named, cones, &lists);
    }
    upload
}

/// A sample's instances with their names, first round cones, then cuboids.
fn named_instances(sample: &SceneSample) -> Vec<(PixelId, GpuInstance)> {
    let mut named = Vec::new();
    // The first fabric is that of whatever has none.
    let mut fabrics = 1;
    for (f, figure) in sample.figures.iter().enumerate() {
        let parts = figure.parts.iter().zip(&figure.part_colors).enumerate();
        named.extend(parts.map(|(p, (part, color))| {
            let [a, b] = [0, 1].map(|end| part.ends[end].extend(part.radii[end]));
            let instance = GpuInstance::round_cone(a, b, *color);
            let look = figure.looks.get(p).map(|look| (look, fabrics + look.fabric));
            let instance = match look {
                Some((look, fabric)) if fabric < MOST_FABRICS => instance.with_look(look, fabric),
                _ => instance,
            };
            (PixelId::figure(f, figure.part(p)), instance)
        }));
        fabrics += figure.fabrics.len();
    }
    named.extend(
        sample.props.iter().enumerate().map(|(p, prop)| (PixelId::prop(p), instance_of(prop))),
    );
    named.truncate(MOST_INSTANCES);
    named.sort_by_key(|(_, instance)| instance.is_cuboid());
    named
}

/// A sample's instances, and how many of them are round cones.
#[cfg(test)]
pub fn instances_of(sample: &SceneSample) -> (Vec<GpuInstance>, usize) {
    let instances: Vec<_> =
        named_instances(sample).into_iter().map(|(_, instance)| instance).collect();
    let cones = instances.partition_point(|instance| !instance.is_cuboid());
    (instances, cones)
}

impl Upload {
    fn add(
        &mut self,
        index: usize,
        columns: u32,
        sample: &SceneSample,
        named: Vec<(PixelId, GpuInstance)>,
        cones: usize,
        lists: &CasterLists,
    ) {
        let size = [sample.camera.width, sample.camera.height];
        let picture = place(index, columns, size);
        let mut view = |scale| {
            let view = View::new(index, columns, size, scale, offset(&self.tiles));
            self.tiles.push(tile(sample, &view, picture, lists.cells));
            view
        };
        let whole = view(1);
        let views = match Blur::of(&sample.degradation).scale() {
            1 => [whole; 2],
            scale => [whole, view(scale)],
        };
        let offsets = [offset(&self.instances), offset(&self.fabrics), offset(&self.lists)];
        let first = self.outlines.len() as u32;
        let end = first + named.len() as u32;
        let middle = first + cones as u32;
        let backdrop = [false, true].map(|shadowed| {
            let first = self.rectangles.len() as u32;
            self.rectangles.extend(lists.rectangles(shadowed));
            first..self.rectangles.len() as u32
        });
        self.ranges.push(TileRange {
            cones: first..middle,
            cuboids: middle..end,
            backdrop,
            views,
            offsets,
        });
        for ((id, instance), (pieces, place)) in named.into_iter().zip(lists.pieces.iter().zip(0..))
        {
            let GpuInstance { a, b, turn, .. } = instance;
            self.outlines.push(GpuOutline {
                a,
                b,
                turn,
                id_and_place: [u32::from(id.0), place],
                padding: [0; 2],
            });
            self.instances.push(GpuInstance { pieces: [*pieces, 0, 0, 0], ..instance });
        }
        self.lists.extend(lists.words());
        let plain = GpuFabric::new(&Fabric { threshold: 2.0, folds: 0.24, ..Fabric::default() });
        let of_figures =
            sample.figures.iter().flat_map(|figure| &figure.fabrics).map(GpuFabric::new);
        self.fabrics.extend([plain].into_iter().chain(of_figures).take(MOST_FABRICS));
        pad(&mut self.lists);
        pad(&mut self.instances);
        pad(&mut self.fabrics);
    }
}

fn offset<T>(items: &[T]) -> u32 {
    size_of_val(items) as u32
}

/// Fills up to the next multiple of 256 bytes.
fn pad<T: Zeroable>(items: &mut Vec<T>) {
    while !size_of_val(items.as_slice()).is_multiple_of(256) {
        items.push(T::zeroed());
    }
}

fn instance_of(prop: &Prop) -> GpuInstance {
    match prop.shape {
        PropShape::Ball { radius } => {
            let ball = prop.position.extend(radius);
            GpuInstance::round_cone(ball, ball, prop.color)
        }
        PropShape::Capsule { half_length, radius } => {
            let half = prop.rotation * Vec3::Y * half_length;
            let [a, b] = [prop.position - half, prop.position + half];
            GpuInstance::round_cone(a.extend(radius), b.extend(radius), prop.color)
        }
        PropShape::Cuboid { half_extents } => GpuInstance {
            a: prop.position.extend(0.0),
            b: half_extents.extend(0.0),
            color: prop.color.extend(1.0),
            turn: Vec4::from(prop.rotation),
            origin: Vec4::ZERO,
            pieces: [0; 4],
        },
    }
}

fn tile(sample: &SceneSample, view: &View, picture: [u32; 4], cells: usize) -> GpuTile {
    let (camera, light, backdrop) = (&sample.camera, &sample.light, &sample.backdrop);
    let [right, down, forward] = camera.axes();
    let eye = camera.eye();
    let corner = -camera.centre / camera.focal;
    let scale = view.scale as f32;
    let step = scale / camera.focal;
    // Where fewer rays than pixels are drawn, they are moved about, or an edge along a row or
    // column would have steps of their distance.
    let moved = if view.scale > 1 { 1.0 } else { 0.0 };
    let facing = backdrop.facing(camera);
    let seed = backdrop.seed as f32;
    let blur = Blur::of(&sample.degradation);
    GpuTile {
        clip_from_world: camera.clip_from_world(),
        eye: eye.extend(cells as f32),
        ray_origin: (forward + right * corner.x + down * corner.y).extend(moved),
        ray_right: (right * step.x).extend(view.size.x),
        ray_down: (down * step.y).extend(view.size.y),
        forward: forward.extend(camera.distortion),
        sun_direction: light
            .lamp
            .map_or(light.sun_direction.extend(0.0), |lamp| lamp.position.extend(1.0)),
        sun_color: light.sun_color.extend(light.exposure),
        sky_color: light.sky_color.extend(light.softness),
        bounce_color: light
            .bounce_color
            .extend(light.lamp.map_or(0.0, |lamp| lamp.reach * lamp.reach)),
        lamp: light.lamp.map_or(Vec4::NEG_Y, |lamp| lamp.aim.extend(lamp.cutoff)),
        wall: Vec4::new(
            facing.x,
            if backdrop.open { 0.0 } else { 1.0 },
            facing.z,
            -backdrop.distance,
        ),
        pattern: Vec4::new(
            backdrop.scale,
            backdrop.contrast,
            seed % 1024.0,
            backdrop.pictures[0] as f32,
        ),
        colors: backdrop.colors.map(|color| color.extend(1.0)),
        ground: backdrop.ground.extend(backdrop.pictures[1] as f32),
        post: Vec4::new(
            blur.gaussian(&sample.degradation),
            sample.degradation.noise,
            sample.degradation.block as f32,
            (sample.degradation.seed % (1 << 20)) as f32,
        ),
        lens: {
            let Degradation { aperture, focus, vignette, shot_noise, .. } = sample.degradation;
            Vec4::new(aperture / scale, focus, vignette, shot_noise)
        },
        motion: (sample.degradation.motion / scale).extend(scale).extend(0.0),
        tone: {
            let Degradation { contrast, saturation, shoulder, .. } = sample.degradation;
            Vec4::new(contrast, saturation, shoulder, 0.0)
        },
        place: view.place,
        picture,
        padding: [Vec4::ZERO; 6],
    }
}
