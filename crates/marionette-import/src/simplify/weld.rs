//! Triangles whose corners are the same vertex where they are in the same place.

use crate::Mesh;
use glam::DVec3;
use std::collections::{BTreeSet, HashMap};

/// Vertices so near to one another, in shares of the mesh's size, are one.
const NEAR: f64 = 1e-6;
/// A mesh is loose if more than this share of its edges belong to one triangle alone.
const LOOSE: f64 = 0.4;

/// Bones and their shares of a vertex.
pub type Weights = [(u8, f32); 4];

/// A triangle.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    pub corners: [u32; 3],
    /// Colours at the corners, if the mesh has any.
    pub colors: [[u8; 3]; 3],
}

/// A mesh without normals, its vertices welded.
#[derive(Clone, Debug, Default)]
pub struct Welded {
    pub positions: Vec<DVec3>,
    /// As many as positions, or none.
    pub weights: Vec<Weights>,
    pub faces: Vec<Face>,
    pub is_colored: bool,
}

impl Welded {
    /// Welds `mesh`. Triangles without an area go, and such as are there twice; gives how many.
    pub fn new(mesh: &Mesh) -> (Self, usize) {
        let (mut low, mut high) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
        for position in &mesh.positions {
            low = low.min(position.as_dvec3());
            high = high.max(position.as_dvec3());
        }
        let size = if mesh.positions.is_empty() { 1.0 } else { (high - low).length().max(1e-9) };
        let cell = size * NEAR;
        let mut welded = Welded { is_colored: !mesh.colors.is_empty(), ..Welded::default() };
        let mut index_of: HashMap<([i64; 3], Vec<(u8, u32)>), u32> = HashMap::new();
        let mut vertex = |index: u32| {
            let position = mesh.positions[index as usize].as_dvec3();
            let key = ((position - low) / cell).to_array().map(|x| x.round() as i64);
            let weights = mesh.weights.get(index as usize);
            // Bones of one place that move apart stay apart.
            let apart = weights.map(|w| w.iter().map(|(bone, w)| (*bone, w.to_bits())).collect());
            *index_of.entry((key, apart.unwrap_or_default())).or_insert_with(|| {
                welded.positions.push(position);
                welded.weights.extend(weights);
                welded.positions.len() as u32 - 1
            })
        };
        let welded_corners: Vec<[u32; 3]> =
            mesh.triangles.iter().map(|corners| corners.map(&mut vertex)).collect();
        let mut seen = BTreeSet::new();
        for (old, corners) in mesh.triangles.iter().zip(welded_corners) {
            let [a, b, c] = corners.map(|corner| welded.positions[corner as usize]);
            let area = (b - a).cross(c - a).length();
            // From the least corner on, so that a triangle is the same from wherever it starts.
            let first = (0..3).min_by_key(|at| corners[*at]).unwrap_or(0);
            let turned = [0, 1, 2].map(|at| corners[(first + at) % 3]);
            if area > 1e-14 * size * size && seen.insert(turned) {
                let color = |corner: u32| mesh.colors.get(corner as usize).copied();
                let colors = old.map(|corner| color(corner).unwrap_or_default());
                welded.faces.push(Face { corners, colors });
            }
        }
        let dropped = mesh.triangles.len() - welded.faces.len();
        (welded, dropped)
    }

    /// Whether its triangles hardly hang together.
    pub fn is_loose(&self) -> bool {
        let edges = edges(&self.faces);
        let alone = edges.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() == 1).count();
        let all = edges.chunk_by(|a, b| a.0 == b.0).count();
        alone as f64 > LOOSE * all as f64
    }

    /// The corners of a face.
    pub fn corners(&self, face: &Face) -> [DVec3; 3] {
        face.corners.map(|corner| self.positions[corner as usize])
    }
}

/// Each edge of each face, the lesser vertex first, with the face's index; sorted.
pub fn edges(faces: &[Face]) -> Vec<([u32; 2], u32)> {
    let mut edges = Vec::with_capacity(3 * faces.len());
    for (index, face) in faces.iter().enumerate() {
        let [a, b, c] = face.corners;
        for [a, b] in [[a, b], [b, c], [c, a]] {
            edges.push(([a.min(b), a.max(b)], index as u32));
        }
    }
    edges.sort_unstable();
    edges
}
