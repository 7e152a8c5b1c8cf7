//! What of a figure is drawn as triangles: boxes, cylinders and meshes on bones, and skins that
//! bend with several bones.
//!
//! Triangles are only drawn. Everything else that bodies do (touch, cast shadows, fill a picture)
//! is done by round cones fitted to them, their proxies ([`fit`]). So a figure of triangles is
//! sampled, settled and judged exactly as one of round cones.

mod mesh;
mod place;
mod ply;
mod primitives;
mod proxy;

use glam::Vec3;

pub use mesh::Mesh;
pub use place::PlacedVertex;
pub use proxy::{Proxy, fit};

pub(crate) use ply::read_ply;
pub(crate) use primitives::{cuboid, cylinder};

/// Most triangles of a figure. A tile shows up to nine figures, and a place in its picture names one
/// of all their triangles in 16 bits.
pub const MOST_TRIANGLES: usize = 6000;

/// The triangles of a figure, on its bones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    /// The vertices.
    pub vertices: Vec<SurfaceVertex>,
    /// What moves them: each vertex has some of these.
    pub influences: Vec<Influence>,
    /// The triangles.
    pub triangles: Vec<SurfaceTriangle>,
    /// How well the proxies fit, by shape.
    pub proxies: Vec<ProxyFit>,
}

/// A corner of triangles.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceVertex {
    /// Linear RGB, by which its material's colour is multiplied.
    pub color: Vec3,
    /// Its first influence, and one past its last.
    pub influences: [u32; 2],
}

/// How one bone moves a vertex.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Influence {
    /// Index of the bone.
    pub bone: usize,
    /// Its share; the shares of a vertex add up to 1.
    pub weight: f32,
    /// Where the bone has the vertex, in its frame, metres.
    pub position: Vec3,
    /// The unit normal there.
    pub normal: Vec3,
}

/// A triangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SurfaceTriangle {
    /// Indices of its vertices, counter-clockwise from outside.
    pub corners: [u16; 3],
    /// Index of the part that it is seen as: the first proxy of its shape.
    pub part: u16,
    /// Whether it belongs to a closed surface, so that nobody sees its inner side.
    pub one_sided: bool,
}

/// How well a shape's proxies fit it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyFit {
    /// Index of the first of the parts.
    pub part: usize,
    /// How many parts there are.
    pub count: usize,
    /// Nine tenths of either surface lie nearer than this to the other, metres.
    pub error: f32,
}
