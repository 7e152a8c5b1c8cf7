//! The data that shaders read, laid out as the files in `assets/shaders` declare it. The tests in
//! `shaders.rs` compare the two.

use bytemuck::{Pod, Zeroable};
use glam::{Mat4, Vec3, Vec4};
use marionette_stream::{Fabric, PartLook};

/// Instances that a tile can have. They fit into a uniform buffer of 64 KiB, which every adapter
/// allows: nine figures of seventy parts each. Further instances are not drawn.
pub const MOST_INSTANCES: usize = 640;
/// Fabrics that a tile can have. Figures whose fabrics are beyond them are plain.
pub const MOST_FABRICS: usize = 128;
/// Vectors of four words that the lists of a tile's shadow casters can have. They fit into a
/// uniform buffer of 64 KiB, which every adapter allows. Heads take half of it at most: 640
/// instances of one piece, and 24 cells squared.
pub const LIST_WORDS: usize = 4096;

/// How much of a tile's [`GpuTile`] a shader sees, bytes.
pub const TILE_BYTES: u64 = size_of::<GpuTile>() as u64;
/// How much of the instances' buffer a shader sees at once, bytes.
pub const INSTANCES_BYTES: u64 = (MOST_INSTANCES * size_of::<GpuInstance>()) as u64;
/// How much of the fabrics' buffer a shader sees at once, bytes.
pub const FABRICS_BYTES: u64 = (MOST_FABRICS * size_of::<GpuFabric>()) as u64;
/// How much of the lists' buffer a shader sees at once, bytes.
pub const LISTS_BYTES: u64 = (LIST_WORDS * size_of::<[u32; 4]>()) as u64;

/// How much of the triangles' buffer a shader sees at once, at least, bytes.
pub const TRIANGLE_BYTES: u64 = size_of::<GpuTriangle>() as u64;

/// Clip depths, reversed: they say which kind of thing a pixel may show. Instances have this one or
/// more.
pub const CLIP_INSTANCES: f32 = 0.5;
/// The clip depth of the ground.
pub const CLIP_GROUND: f32 = 0.25;
/// The clip depth of the wall and of the sky.
pub const CLIP_WALL: f32 = 0.0;

/// One view of a tile: camera, light, backdrop, post-processing, place in its canvas and in the
/// atlas. `tile_data.wgsl` says what each number is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuTile {
    pub clip_from_world: Mat4,
    pub eye: Vec4,
    pub ray_origin: Vec4,
    pub ray_right: Vec4,
    pub ray_down: Vec4,
    pub forward: Vec4,
    pub sun_direction: Vec4,
    pub sun_color: Vec4,
    pub sky_color: Vec4,
    pub bounce_color: Vec4,
    pub lamp: Vec4,
    pub wall: Vec4,
    pub pattern: Vec4,
    pub color_a: Vec4,
    pub color_b: Vec4,
    pub color_c: Vec4,
    pub ground: Vec4,
    pub post: Vec4,
    pub lens: Vec4,
    pub motion: Vec4,
    pub tone: Vec4,
    pub place: [u32; 4],
    pub picture: [u32; 4],
    /// Uniform buffers are bound at multiples of 256 bytes.
    pub padding: [Vec4; 6],
}

/// One round cone or cuboid. `space.wgsl` says what each number is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuInstance {
    pub a: Vec4,
    pub b: Vec4,
    pub color: Vec4,
    pub turn: Vec4,
    pub origin: Vec4,
    /// Its packed pieces (`CasterLists::pieces`), the list of what may take light from the triangles
    /// that it stands for (`CasterLists::of_triangles`), and two zeros.
    pub pieces: [u32; 4],
}

impl GpuInstance {
    /// A plain round cone.
    pub fn round_cone(a: Vec4, b: Vec4, color: Vec3) -> Self {
        GpuInstance {
            a,
            b,
            color: color.extend(0.0),
            turn: Vec4::W,
            origin: Vec4::ZERO,
            pieces: [0; 4],
        }
    }

    /// The same with a look. Its fabric is the tile's `fabric`th.
    pub fn with_look(self, look: &PartLook, fabric: usize) -> Self {
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

/// How a fabric changes an instance's own colour; see [`Fabric`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuFabric {
    pub second: Vec4,
    pub waves: Vec4,
    pub pitch: Vec4,
    pub print: Vec4,
}

impl GpuFabric {
    pub fn new(fabric: &Fabric) -> Self {
        GpuFabric {
            second: fabric.second.extend(fabric.gloss),
            waves: fabric.waves.extend(fabric.threshold),
            pitch: fabric.pitch.extend(fabric.folds),
            print: Vec4::from(fabric.print),
        }
    }
}

/// What a rectangle around an instance is made from: the instance's shape, its [`PixelId`], and its
/// place among its tile's instances.
///
/// [`PixelId`]: marionette_stream::PixelId
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuOutline {
    pub a: Vec4,
    pub b: Vec4,
    pub turn: Vec4,
    /// The id, then the place.
    pub which: [u32; 2],
    pub padding: [u32; 2],
}

/// A triangle, and the rectangle of pixels around it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct GpuTriangle {
    /// The corners in the camera's axes: right, down, forward, metres.
    pub a: Vec4,
    pub b: Vec4,
    pub c: Vec4,
    /// Its [`PixelId`], its place, and the rectangle's left and top, right and bottom, in pixels of
    /// the tile, sixteen bits each.
    ///
    /// [`PixelId`]: marionette_stream::PixelId
    pub which: [u32; 4],
    /// The corners' normals in the world, halved and raised by a half, ten bits for each number.
    /// Then the place of the instance that stands for it.
    pub normals: [u32; 4],
    /// The roots of the corners' linear colours, ten bits for each number, and a zero.
    pub colors: [u32; 4],
}
