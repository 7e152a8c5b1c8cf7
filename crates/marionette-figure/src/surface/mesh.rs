//! Triangle meshes as they come from files and formulas.

use glam::{Affine3A, Vec3};
use std::collections::BTreeMap;

/// Faces that meet at a smaller angle than this get one normal where a mesh has none of its own,
/// degrees.
const CREASE: f32 = 40.0;

/// A triangle mesh.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mesh {
    /// Vertices, metres.
    pub positions: Vec<Vec3>,
    /// Unit normals of the vertices; empty where the mesh has none.
    pub normals: Vec<Vec3>,
    /// Linear RGB of the vertices; empty where the mesh has none.
    pub colors: Vec<Vec3>,
    /// Corners of the triangles, counter-clockwise from outside.
    pub triangles: Vec<[u32; 3]>,
    /// Of a skin: up to four bones for each vertex, as places in a list of bones, and their shares,
    /// which add up to 1. Else empty.
    pub weights: Vec<[(u8, f32); 4]>,
}

impl Mesh {
    /// The corners of a triangle, metres.
    pub fn corners(&self, triangle: usize) -> [Vec3; 3] {
        self.triangles[triangle].map(|corner| self.positions[corner as usize])
    }

    /// The mesh with all places moved by `to_from_here`, which turns and shifts.
    pub(crate) fn moved(mut self, to_from_here: Affine3A) -> Mesh {
        for position in &mut self.positions {
            *position = to_from_here.transform_point3(*position);
        }
        for normal in &mut self.normals {
            *normal = to_from_here.transform_vector3(*normal).normalize_or(Vec3::Y);
        }
        self
    }

    /// The mirror image on the figure's other side.
    pub(crate) fn mirrored(mut self) -> Mesh {
        let across = Vec3::new(-1.0, 1.0, 1.0);
        self.positions.iter_mut().for_each(|position| *position *= across);
        self.normals.iter_mut().for_each(|normal| *normal *= across);
        self.triangles.iter_mut().for_each(|corners| corners.swap(1, 2));
        self
    }

    /// For each triangle, whether it belongs to a closed surface whose corners are counter-clockwise
    /// from outside. Vertices at one place are one.
    pub(crate) fn closed(&self) -> Vec<bool> {
        let mut at: BTreeMap<[u32; 3], usize> = BTreeMap::new();
        let welded: Vec<usize> = (self.positions.iter())
            .map(|position| {
                let next = at.len();
                // Adding 0 makes -0 and 0 the same bits.
                *at.entry(position.to_array().map(|v| (v + 0.0).to_bits())).or_insert(next)
            })
            .collect();
        // Which piece of the surface each vertex is of, found by joining neighbours.
        let mut piece: Vec<usize> = (0..at.len()).collect();
        fn root(piece: &mut [usize], mut vertex: usize) -> usize {
            while piece[vertex] != vertex {
                piece[vertex] = piece[piece[vertex]];
                vertex = piece[vertex];
            }
            vertex
        }
        let faces: Vec<[usize; 3]> =
            self.triangles.iter().map(|corners| corners.map(|c| welded[c as usize])).collect();
        let mut edges: BTreeMap<(usize, usize), i32> = BTreeMap::new();
        for [a, b, c] in faces.iter().filter(|[a, b, c]| a != b && b != c && c != a).copied() {
            for (from, to) in [(a, b), (b, c), (c, a)] {
                *edges.entry((from, to)).or_default() += 1;
                let [one, other] = [from, to].map(|vertex| root(&mut piece, vertex));
                piece[one.max(other)] = one.min(other);
            }
        }
        let mut open = vec![false; at.len()];
        for ((from, to), count) in &edges {
            if *count != 1 || edges.get(&(*to, *from)) != Some(&1) {
                open[root(&mut piece, *from)] = true;
            }
        }
        let mut volumes = vec![0.0; at.len()];
        for (triangle, face) in faces.iter().enumerate() {
            let [a, b, c] = self.corners(triangle);
            volumes[root(&mut piece, face[0])] += a.dot(b.cross(c));
        }
        let of_closed = |face: &[usize; 3]| {
            let own = root(&mut piece, face[0]);
            !open[own] && volumes[own] > 0.0
        };
        faces.iter().map(of_closed).collect()
    }

    /// The mesh with normals: its own, or else those of its faces, smoothed where they meet at less
    /// than a crease. A vertex on a crease becomes several.
    pub(crate) fn with_normals(self) -> Mesh {
        if !self.normals.is_empty() {
            return self;
        }
        let faces: Vec<Vec3> = (0..self.triangles.len())
            .map(|triangle| {
                let [a, b, c] = self.corners(triangle);
                (b - a).cross(c - a)
            })
            .collect();
        let mut around: Vec<Vec<usize>> = vec![Vec::new(); self.positions.len()];
        for (triangle, corners) in self.triangles.iter().enumerate() {
            corners.iter().for_each(|corner| around[*corner as usize].push(triangle));
        }
        let least = CREASE.to_radians().cos();
        let mut split = Mesh::default();
        // For each vertex, the normals that it has so far and the new vertices that have them.
        let mut made: Vec<Vec<(Vec3, u32)>> = vec![Vec::new(); self.positions.len()];
        for (triangle, corners) in self.triangles.iter().enumerate() {
            let own = faces[triangle].normalize_or_zero();
            split.triangles.push(corners.map(|corner| {
                let vertex = corner as usize;
                let meets = |other: &&usize| faces[**other].normalize_or_zero().dot(own) > least;
                let sum: Vec3 = around[vertex].iter().filter(meets).map(|face| faces[*face]).sum();
                let normal = sum.normalize_or(if own == Vec3::ZERO { Vec3::Y } else { own });
                let same = |(known, _): &&(Vec3, u32)| known.dot(normal) > 0.9999;
                if let Some((_, index)) = made[vertex].iter().find(same) {
                    return *index;
                }
                let index = split.positions.len() as u32;
                made[vertex].push((normal, index));
                split.positions.push(self.positions[vertex]);
                split.normals.push(normal);
                split.colors.extend(self.colors.get(vertex));
                split.weights.extend(self.weights.get(vertex));
                index
            }));
        }
        split
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::cuboid;

    #[test]
    fn a_box_keeps_its_edges_and_a_flat_sheet_has_none() {
        assert!(cuboid(Vec3::ONE).closed().iter().all(|closed| *closed));
        let bare = |mesh: Mesh| Mesh { normals: Vec::new(), ..mesh };
        let solid = cuboid(Vec3::ONE);
        let mut welded = bare(solid.clone());
        welded.positions.truncate(0);
        for corners in &mut welded.triangles {
            *corners = corners.map(|corner| {
                let at = solid.positions[corner as usize];
                let known = welded.positions.iter().position(|other| *other == at);
                known.unwrap_or_else(|| {
                    welded.positions.push(at);
                    welded.positions.len() - 1
                }) as u32
            });
        }
        assert_eq!(welded.positions.len(), 8);
        let split = welded.with_normals();
        assert_eq!(split.positions.len(), 24, "each corner has three normals");
        assert!(split.normals.iter().all(|normal| normal.abs().max_element() > 0.999));
        let positions = vec![Vec3::ZERO, Vec3::X, Vec3::X + Vec3::Y, Vec3::Y];
        let mut lidless = cuboid(Vec3::ONE);
        lidless.triangles.truncate(10);
        let inside_out = cuboid(Vec3::ONE).mirrored();
        let turned = Mesh { positions: cuboid(Vec3::ONE).positions, ..inside_out };
        assert!(!lidless.closed()[0] && !turned.closed()[0]);
        let sheet = Mesh { positions, triangles: vec![[0, 1, 2], [0, 2, 3]], ..Mesh::default() };
        assert_eq!(sheet.with_normals().normals, [Vec3::Z; 4]);
    }
}
