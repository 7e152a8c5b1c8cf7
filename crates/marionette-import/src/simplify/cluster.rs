//! Triangles that hardly hang together, on a grid: what lies in one cell becomes one vertex.

use super::weld::{Face, Welded};
use glam::DVec3;
use std::collections::{BTreeSet, HashMap};

/// Cells along the mesh's diagonal, to begin with.
const FINEST: f64 = 300.0;
/// How much coarser the grid gets until few enough triangles are left.
const COARSER: f64 = 1.25;

/// `mesh` with at most `most` triangles, which share vertices.
pub fn gridded(mesh: &Welded, most: usize) -> Welded {
    let low = mesh.positions.iter().copied().reduce(DVec3::min).unwrap_or_default();
    let high = mesh.positions.iter().copied().reduce(DVec3::max).unwrap_or_default();
    let mut cell = ((high - low).length() / FINEST).max(1e-9);
    loop {
        let simple = on_grid(mesh, low, cell);
        if simple.faces.len() <= most {
            return simple;
        }
        cell *= COARSER;
    }
}

fn on_grid(mesh: &Welded, low: DVec3, cell: f64) -> Welded {
    let mut index_of: HashMap<[i64; 3], u32> = HashMap::new();
    let mut sums: Vec<(DVec3, f64)> = Vec::new();
    let mut simple = Welded { is_colored: mesh.is_colored, ..Welded::default() };
    let mut vertices = Vec::with_capacity(mesh.positions.len());
    for (index, position) in mesh.positions.iter().enumerate() {
        let key = ((position - low) / cell).to_array().map(|x| x.floor() as i64);
        let vertex = *index_of.entry(key).or_insert_with(|| {
            sums.push((DVec3::ZERO, 0.0));
            simple.weights.extend(mesh.weights.get(index));
            sums.len() as u32 - 1
        });
        let (sum, count) = &mut sums[vertex as usize];
        *sum += *position;
        *count += 1.0;
        vertices.push(vertex);
    }
    simple.positions = sums.into_iter().map(|(sum, count)| sum / count).collect();
    let mut seen = BTreeSet::new();
    for face in &mesh.faces {
        let corners = face.corners.map(|corner| vertices[corner as usize]);
        let mut sorted = corners;
        sorted.sort_unstable();
        let [a, b, c] = sorted;
        if a != b && b != c && seen.insert(sorted) {
            simple.faces.push(Face { corners, ..*face });
        }
    }
    simple
}
