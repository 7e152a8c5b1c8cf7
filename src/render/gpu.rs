//! What a frame is on the GPU: the plain data that `assets/shaders/tile_data.wgsl` describes.

use crate::{
    scene::{Prop, PropShape, SceneSample},
    stream::PixelId,
};
use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec2, Vec3, Vec4};

/// One tile: camera, light, backdrop, post-processing, place in the atlas.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuTile {
    clip_from_world: Mat4,
    eye: Vec4,
    ray_origin: Vec4,
    ray_right: Vec4,
    ray_down: Vec4,
    sun_direction: Vec4,
    sun_color: Vec4,
    sky_color: Vec4,
    bounce_color: Vec4,
    wall: Vec4,
    pattern: Vec4,
    colors: [Vec4; 3],
    ground: Vec4,
    post: Vec4,
    /// Left, top, width and height in the atlas, pixels.
    pub place: [u32; 4],
    /// First instance and one past the last.
    pub range: [u32; 4],
}

/// One round cone or cuboid.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuInstance {
    a: Vec4,
    b: Vec4,
    rotation: Vec4,
    color: Vec4,
    ids: [u32; 4],
}

impl GpuInstance {
    fn bound(&self) -> Vec4 {
        if self.ids[2] == CUBOID {
            return self.a.truncate().extend(self.b.truncate().length());
        }
        let [a, b] = [self.a.truncate(), self.b.truncate()];
        ((a + b) * 0.5).extend(a.distance(b) * 0.5 + self.a.w.max(self.b.w))
    }
}

const ROUND_CONE: u32 = 0;
const CUBOID: u32 = 1;

/// The place of tile `tile` in an atlas with `columns` tiles a row: left, top, width, height in pixels.
pub fn place(tile: usize, columns: u32, size: [u32; 2]) -> [u32; 4] {
    let tile = tile as u32;
    [tile % columns * size[0], tile / columns * size[1], size[0], size[1]]
}

/// Everything that has to be uploaded to draw a frame.
pub struct Upload {
    /// The tiles.
    pub tiles: Vec<GpuTile>,
    /// The instances, those of a tile together.
    pub instances: Vec<GpuInstance>,
    /// A sphere around each instance: centre and radius.
    pub bounds: Vec<Vec4>,
}

/// Lays out `samples` for the GPU.
pub fn upload_data(samples: &[SceneSample], columns: u32) -> Upload {
    let mut tiles = Vec::with_capacity(samples.len());
    let mut instances = Vec::new();
    for (index, sample) in samples.iter().enumerate() {
        let first = instances.len() as u32;
        for (f, figure) in sample.figures.iter().enumerate() {
            for (p, part) in figure.parts.iter().enumerate() {
                instances.push(GpuInstance {
                    a: part.ends[0].extend(part.radii[0]),
                    b: part.ends[1].extend(part.radii[1]),
                    rotation: Vec4::W,
                    color: figure.part_colors[p].extend(1.0),
                    ids: [index as u32, u32::from(PixelId::figure(f, p).0), ROUND_CONE, 0],
                });
            }
        }
        instances.extend(sample.props.iter().enumerate().map(|(p, prop)| instance_of(prop, index as u32, p)));
        let place = place(index, columns, [sample.camera.width, sample.camera.height]);
        tiles.push(tile(sample, place, [first, instances.len() as u32, 0, 0]));
    }
    let bounds = instances.iter().map(GpuInstance::bound).collect();
    Upload { tiles, instances, bounds }
}

fn instance_of(prop: &Prop, tile: u32, index: usize) -> GpuInstance {
    let (a, b, kind) = match prop.shape {
        PropShape::Ball { radius } => (prop.position.extend(radius), prop.position.extend(radius), ROUND_CONE),
        PropShape::Capsule { half_length, radius } => {
            let half = prop.rotation * Vec3::Y * half_length;
            ((prop.position - half).extend(radius), (prop.position + half).extend(radius), ROUND_CONE)
        }
        PropShape::Cuboid { half_extents } => (prop.position.extend(0.0), half_extents.extend(0.0), CUBOID),
    };
    GpuInstance {
        a,
        b,
        rotation: Vec4::from(prop.rotation),
        color: prop.color.extend(1.0),
        ids: [tile, u32::from(PixelId::prop(index).0), kind, 0],
    }
}

fn tile(sample: &SceneSample, place: [u32; 4], range: [u32; 4]) -> GpuTile {
    let (camera, light, backdrop) = (&sample.camera, &sample.light, &sample.backdrop);
    let [right, down, forward] = camera.axes();
    let eye = camera.eye();
    let corner = -camera.centre / camera.focal;
    let step = Vec2::ONE / camera.focal;
    // The wall stands upright behind the figure and faces the camera.
    let facing = Vec3::new(-forward.x, 0.0, -forward.z).try_normalize().unwrap_or(Vec3::Z);
    let seed = backdrop.seed as f32;
    GpuTile {
        clip_from_world: camera.clip_from_world(),
        eye: eye.extend(1.0),
        ray_origin: (forward + right * corner.x + down * corner.y).extend(0.0),
        ray_right: (right * step.x).extend(0.0),
        ray_down: (down * step.y).extend(0.0),
        sun_direction: light.sun_direction.extend(0.0),
        sun_color: light.sun_color.extend(light.exposure),
        sky_color: light.sky_color.extend(0.0),
        bounce_color: light.bounce_color.extend(0.0),
        wall: Vec4::new(facing.x, 1.0, facing.z, -backdrop.distance),
        pattern: Vec4::new(backdrop.scale, backdrop.contrast, seed % 1024.0, 0.0),
        colors: backdrop.colors.map(|color| color.extend(1.0)),
        ground: backdrop.ground.extend(1.0),
        post: Vec4::new(
            sample.degradation.blur,
            sample.degradation.noise,
            sample.degradation.block as f32,
            (sample.degradation.seed % (1 << 20)) as f32,
        ),
        place,
        range,
    }
}
