//! Lays a frame's samples out as the plain data that is uploaded to the GPU.

use super::{
    blur::Blur,
    casters::CasterLists,
    instances::Instances,
    layout::{GpuFabric, GpuInstance, GpuOutline, GpuTile, GpuTriangle, MOST_FABRICS},
    triangles::triangles,
    variants::{ByScale, ByShadow, ByShape},
    view::{Place, View},
};
use bytemuck::Zeroable;
use glam::Vec4;
use marionette_stream::{Degradation, Fabric, SceneSample};
use rayon::prelude::*;
use std::ops::Range;

/// Everything that has to be uploaded to draw a frame. Each buffer holds the tiles' parts one after
/// the other. Parts of uniform buffers start at multiples of 256 bytes.
#[derive(Default)]
pub struct FrameData {
    /// The tiles' views.
    pub tiles: Vec<GpuTile>,
    /// The instances, in the order of [`Instances`].
    pub instances: Vec<GpuInstance>,
    /// Their outlines, in the same order.
    pub outlines: Vec<GpuOutline>,
    /// The lists of shadow casters.
    pub lists: Vec<[u32; 4]>,
    /// The fabrics.
    pub fabrics: Vec<GpuFabric>,
    /// The triangles.
    pub triangles: Vec<GpuTriangle>,
    /// Rectangles that make up the tiles, in shares of their sides: left, top, right, bottom.
    pub rectangles: Vec<Vec4>,
    /// Where each tile's parts are.
    pub ranges: Vec<TileRange>,
}

/// Where a tile's parts of a [`FrameData`] are.
pub struct TileRange {
    /// The outlines of its instances.
    pub outlines: ByShape<Range<u32>>,
    /// The rectangles where no shadow falls on ground or wall, and those where one may.
    pub backdrop: ByShadow<Range<u32>>,
    /// The view that finds what is seen in every pixel, and the view for which light is drawn. They
    /// are the same if light is drawn for every pixel.
    pub views: ByScale<View>,
    /// Its triangles.
    pub triangles: Range<u32>,
    /// Where its parts of uniform buffers start.
    pub offsets: Offsets,
}

/// Where a tile's parts of uniform buffers start, bytes.
#[derive(Clone, Copy)]
pub struct Offsets {
    pub instances: u32,
    pub fabrics: u32,
    pub lists: u32,
    pub triangles: u32,
}

impl FrameData {
    /// Lays out `samples` for an atlas with `columns` tiles a row.
    pub fn new(samples: &[SceneSample], columns: u32) -> Self {
        let prepared: Vec<_> = (samples.par_iter())
            .map(|sample| {
                let instances = Instances::of(sample);
                let lists = CasterLists::new(sample, &instances);
                (lists, triangles_of(sample, &instances), instances)
            })
            .collect();
        let mut data = FrameData::default();
        for (index, (sample, prepared)) in samples.iter().zip(prepared).enumerate() {
            data.add(index, columns, sample, prepared);
        }
        data
    }

    fn add(
        &mut self,
        index: usize,
        columns: u32,
        sample: &SceneSample,
        (lists, triangles, instances): (CasterLists, Vec<GpuTriangle>, Instances),
    ) {
        let size = [sample.camera.width, sample.camera.height];
        let picture = Place::of_tile(index, columns, size);
        let mut view = |scale| {
            let view = View::new(index, columns, size, scale, offset(&self.tiles));
            self.tiles.push(tile(sample, &view, picture, lists.cells));
            view
        };
        let full = view(1);
        let coarse = match Blur::of(&sample.degradation).scale() {
            1 => full,
            scale => view(scale),
        };
        let offsets = Offsets {
            instances: offset(&self.instances),
            fabrics: offset(&self.fabrics),
            lists: offset(&self.lists),
            triangles: offset(&self.triangles),
        };
        let first = self.outlines.len() as u32;
        let [drawn, middle] = [instances.drawn, instances.cones].map(|end| first + end as u32);
        let end = first + instances.all.len() as u32;
        let mut rectangles = |shadowed| {
            let first = self.rectangles.len() as u32;
            self.rectangles.extend(lists.rectangles(shadowed));
            first..self.rectangles.len() as u32
        };
        let first_triangle = self.triangles.len() as u32;
        self.ranges.push(TileRange {
            triangles: first_triangle..first_triangle + triangles.len() as u32,
            outlines: ByShape { cones: first..drawn, cuboids: middle..end },
            backdrop: ByShadow { plain: rectangles(false), shadowed: rectangles(true) },
            views: ByScale { full, coarse },
            offsets,
        });
        let named = instances.all.iter().zip(&instances.ids);
        let listed = lists.pieces.iter().zip(&lists.of_triangles);
        for ((instance, id), ((pieces, triangles), place)) in named.zip(listed.zip(0..)) {
            let GpuInstance { a, b, turn, .. } = *instance;
            let which = [u32::from(id.0), place];
            self.outlines.push(GpuOutline { a, b, turn, which, padding: [0; 2] });
            self.instances.push(GpuInstance { pieces: [*pieces, *triangles, 0, 0], ..*instance });
        }
        self.lists.extend(lists.words());
        let plain = GpuFabric::new(&Fabric { threshold: 2.0, folds: 0.24, ..Fabric::default() });
        let of_figures =
            sample.figures.iter().flat_map(|figure| &figure.fabrics).map(GpuFabric::new);
        self.fabrics.extend([plain].into_iter().chain(of_figures).take(MOST_FABRICS));
        pad(&mut self.lists);
        pad(&mut self.instances);
        pad(&mut self.fabrics);
        self.triangles.extend(triangles);
        pad(&mut self.triangles);
    }
}

/// The triangles of a sample, for both of its views.
fn triangles_of(sample: &SceneSample, instances: &Instances) -> Vec<GpuTriangle> {
    // Where rays are fewer than pixels, they are moved about by up to 3/8 of their distance, and so
    // is the middle of the square that a ray stands for.
    let scale = Blur::of(&sample.degradation).scale();
    let moved = if scale > 1 { scale as f32 } else { 0.0 };
    triangles(sample, moved, |figure, part| instances.place_of(figure, part))
}

/// Lays out `samples` as if to draw them, and drops the result: all that is computed on the CPU
/// before a frame is drawn. The fuzz targets call it, which have no GPU.
#[doc(hidden)]
pub fn lay_out(samples: &[SceneSample]) {
    FrameData::new(samples, 1);
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

/// What shaders read of a tile whose shadows have `cells` cells along each side.
fn tile(sample: &SceneSample, view: &View, picture: Place, cells: usize) -> GpuTile {
    let (camera, light, backdrop) = (&sample.camera, &sample.light, &sample.backdrop);
    let [right, down, forward] = camera.axes();
    let eye = camera.eye();
    let corner = -camera.centre / camera.focal;
    let scale = view.scale as f32;
    let step = scale / camera.focal;
    // A view with fewer rays than pixels moves its rays about. Otherwise an edge along a row or a
    // column would have steps as large as the distance between rays.
    let moved = if view.scale > 1 { 1.0 } else { 0.0 };
    let facing = backdrop.facing(camera);
    let seed = backdrop.seed as f32;
    let [color_a, color_b, color_c] = backdrop.colors.map(|color| color.extend(1.0));
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
        color_a,
        color_b,
        color_c,
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
        place: view.place.to_array(),
        picture: picture.to_array(),
        padding: [Vec4::ZERO; 6],
    }
}
