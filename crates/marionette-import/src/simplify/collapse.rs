//! Edge collapses, those with the least error first.

use super::{
    quadric::Quadric,
    weld::{Face, Weights, Welded, edges},
};
use glam::DVec3;
use std::{cmp::Ordering, collections::BinaryHeap};

/// How much a plane that holds an open edge in its place weighs against the edge's square.
const BORDER: f64 = 1.0;
/// The same where two colours meet.
const SEAM: f64 = 0.2;
/// Colours further apart than this in a channel are two.
const OTHER_COLOR: u8 = 40;
/// What keeps edges short where a surface is flat: a share of the edge's fourth power.
const SHORT: f64 = 1e-7;
/// A face may turn by so much at most, as the cosine, in one collapse.
const TURN: f64 = 0.2;

/// A possible collapse. The stamps tell whether it is still what it was.
struct Collapse {
    cost: f64,
    ends: [u32; 2],
    stamps: [u32; 2],
}

impl Ord for Collapse {
    /// The greatest is the one with the least cost; the order does not depend on chance.
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then_with(|| other.ends.cmp(&self.ends))
    }
}

impl PartialOrd for Collapse {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Collapse {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Collapse {}

/// All meshes as one. They share no vertex, so nothing of two meshes is ever collapsed.
struct Work {
    positions: Vec<DVec3>,
    weights: Vec<Option<Weights>>,
    quadrics: Vec<Quadric>,
    stamps: Vec<u32>,
    /// The faces around each vertex; some of them may be gone.
    around: Vec<Vec<u32>>,
    faces: Vec<Face>,
    is_gone: Vec<bool>,
    left: usize,
}

/// Brings `meshes` to at most `budget` triangles together.
pub fn collapse(meshes: &mut [Welded], budget: usize) {
    let mut work = Work::new(meshes);
    // Where nothing is left that turns no face over, faces are turned over.
    for may_flip in [false, true] {
        let mut heap = work.all_collapses();
        while work.left > budget {
            let Some(next) = heap.pop() else { break };
            let [a, b] = next.ends.map(|end| end as usize);
            if next.stamps == [work.stamps[a], work.stamps[b]] {
                work.try_collapse(a, b, may_flip, &mut heap);
            }
        }
    }
    work.hand_back(meshes);
}

impl Work {
    fn new(meshes: &[Welded]) -> Self {
        let mut work = Work {
            positions: Vec::new(),
            weights: Vec::new(),
            quadrics: Vec::new(),
            stamps: Vec::new(),
            around: Vec::new(),
            faces: Vec::new(),
            is_gone: Vec::new(),
            left: 0,
        };
        for mesh in meshes {
            let first = work.positions.len() as u32;
            work.positions.extend(&mesh.positions);
            let weights = |index: usize| mesh.weights.get(index).copied();
            work.weights.extend((0..mesh.positions.len()).map(weights));
            let moved = |face: &Face| Face { corners: face.corners.map(|c| c + first), ..*face };
            work.faces.extend(mesh.faces.iter().map(moved));
        }
        work.quadrics = vec![Quadric::default(); work.positions.len()];
        work.stamps = vec![0; work.positions.len()];
        work.around = vec![Vec::new(); work.positions.len()];
        work.is_gone = vec![false; work.faces.len()];
        work.left = work.faces.len();
        for (index, face) in work.faces.iter().enumerate() {
            let [a, b, c] = face.corners.map(|corner| work.positions[corner as usize]);
            let cross = (b - a).cross(c - a);
            let plane = Quadric::plane(a, cross.normalize_or_zero(), 0.5 * cross.length());
            for corner in face.corners {
                work.around[corner as usize].push(index as u32);
                work.quadrics[corner as usize] += plane;
            }
        }
        work.hold_borders();
        work
    }

    /// Holds open edges in their places, and less firmly edges where colours meet.
    fn hold_borders(&mut self) {
        for same in edges(&self.faces).chunk_by(|a, b| a.0 == b.0) {
            let ends = same[0].0;
            let colors = |face: u32| self.faces[face as usize].colors[0];
            let seam = same.windows(2).any(|pair| {
                let [a, b] = [colors(pair[0].1), colors(pair[1].1)];
                a.iter().zip(b).any(|(a, b)| a.abs_diff(b) > OTHER_COLOR)
            });
            let weight = match same.len() {
                1 => BORDER,
                _ if seam => SEAM,
                _ => continue,
            };
            let [a, b] = ends.map(|end| self.positions[end as usize]);
            for (_, face) in same {
                let along = b - a;
                let normal = along.cross(self.normal(*face, None)).normalize_or_zero();
                let plane = Quadric::plane(a, normal, weight * along.length_squared());
                for end in ends {
                    self.quadrics[end as usize] += plane;
                }
            }
        }
    }

    /// Twice the area's vector of a face, perhaps with some vertices moved to one place.
    fn normal(&self, face: u32, moved: Option<([usize; 2], DVec3)>) -> DVec3 {
        let [a, b, c] = self.faces[face as usize].corners.map(|corner| match moved {
            Some((ends, place)) if ends.contains(&(corner as usize)) => place,
            _ => self.positions[corner as usize],
        });
        (b - a).cross(c - a)
    }

    fn all_collapses(&self) -> BinaryHeap<Collapse> {
        let left = self.faces.iter().zip(&self.is_gone).filter(|(_, gone)| !**gone);
        let left: Vec<Face> = left.map(|(face, _)| *face).collect();
        let mut edges: Vec<[u32; 2]> = edges(&left).into_iter().map(|(edge, _)| edge).collect();
        edges.dedup();
        edges.into_iter().map(|edge| self.candidate(edge)).collect()
    }

    fn candidate(&self, ends: [u32; 2]) -> Collapse {
        let (_, cost) = self.place(ends.map(|end| end as usize));
        Collapse { cost, ends, stamps: ends.map(|end| self.stamps[end as usize]) }
    }

    /// Where the two ends of an edge go, and the error there.
    fn place(&self, [a, b]: [usize; 2]) -> (DVec3, f64) {
        let mut quadric = self.quadrics[a];
        quadric += self.quadrics[b];
        let [from, to] = [self.positions[a], self.positions[b]];
        let (middle, length) = (0.5 * (from + to), from.distance(to));
        let least = quadric.least().filter(|least| least.distance(middle) < 2.0 * length);
        let places = [least, Some(middle), Some(from), Some(to)].into_iter().flatten();
        let valued = places.map(|place| (place, quadric.at(place)));
        let (place, error) =
            valued.min_by(|x, y| x.1.total_cmp(&y.1)).unwrap_or((middle, f64::INFINITY));
        (place, error + SHORT * length.powi(4))
    }

    fn try_collapse(
        &mut self,
        a: usize,
        b: usize,
        may_flip: bool,
        heap: &mut BinaryHeap<Collapse>,
    ) {
        let (place, _) = self.place([a, b]);
        let is_gone = &self.is_gone;
        let near = |vertex: usize| self.around[vertex].iter().filter(|f| !is_gone[**f as usize]);
        let has =
            |face: u32, vertex: usize| self.faces[face as usize].corners.contains(&(vertex as u32));
        let keeps = |face: u32, other: usize| {
            if has(face, other) {
                return true;
            }
            let (old, new) = (self.normal(face, None), self.normal(face, Some(([a, b], place))));
            old.dot(new) > TURN * old.length() * new.length()
        };
        let all_keep = near(a).all(|face| keeps(*face, b)) && near(b).all(|face| keeps(*face, a));
        if !may_flip && !all_keep {
            return;
        }
        let mut faces: Vec<u32> = near(a).copied().collect();
        let more: Vec<u32> = near(b).copied().collect();
        for face in more {
            if faces.contains(&face) {
                continue;
            }
            for corner in &mut self.faces[face as usize].corners {
                if *corner as usize == b {
                    *corner = a as u32;
                }
            }
            faces.push(face);
        }
        for face in &faces {
            let face = *face as usize;
            let corners = self.faces[face].corners;
            if corners.contains(&(b as u32))
                || corners.iter().filter(|c| **c == a as u32).count() > 1
            {
                self.is_gone[face] = true;
                self.left -= 1;
            }
        }
        faces.retain(|face| !self.is_gone[*face as usize]);
        self.drop_pairs(&mut faces);
        self.weights[a] = blend(self.weights[a], self.weights[b], {
            let along = self.positions[b] - self.positions[a];
            let share = (place - self.positions[a]).dot(along) / along.length_squared();
            if share.is_finite() { share.clamp(0.0, 1.0) as f32 } else { 0.0 }
        });
        self.positions[a] = place;
        let other = self.quadrics[b];
        self.quadrics[a] += other;
        self.stamps[a] += 1;
        self.stamps[b] += 1;
        self.around[b] = Vec::new();
        let corners = faces.iter().flat_map(|face| self.faces[*face as usize].corners);
        let mut neighbours: Vec<u32> = corners.filter(|corner| *corner as usize != a).collect();
        neighbours.sort_unstable();
        neighbours.dedup();
        self.around[a] = faces;
        for end in neighbours {
            heap.push(self.candidate([end.min(a as u32), end.max(a as u32)]));
        }
    }

    /// Of faces with the same three corners there need be none if they are back to back, and one
    /// if not.
    fn drop_pairs(&mut self, faces: &mut Vec<u32>) {
        let sorted = |face: u32| {
            let mut corners = self.faces[face as usize].corners;
            corners.sort_unstable();
            corners
        };
        let mut keyed: Vec<([u32; 3], u32)> = faces.iter().map(|f| (sorted(*f), *f)).collect();
        keyed.sort_unstable();
        for same in keyed.chunk_by(|x, y| x.0 == y.0).filter(|same| same.len() > 1) {
            let first = self.normal(same[0].1, None);
            let is_back = |face: u32| self.normal(face, None).dot(first) < 0.0;
            let keep = if same.iter().any(|(_, face)| is_back(*face)) { 0 } else { 1 };
            let dropped: Vec<u32> = same[keep..].iter().map(|(_, face)| *face).collect();
            for face in dropped {
                self.is_gone[face as usize] = true;
                self.left -= 1;
            }
        }
        faces.retain(|face| !self.is_gone[*face as usize]);
    }

    fn hand_back(self, meshes: &mut [Welded]) {
        let (mut first, mut face) = (0, 0);
        for mesh in meshes {
            let (count, faces) = (mesh.positions.len(), mesh.faces.len());
            let mut index = vec![None; count];
            let mut new = Welded { is_colored: mesh.is_colored, ..Welded::default() };
            for at in (face..face + faces).filter(|at| !self.is_gone[*at]) {
                let old = self.faces[at];
                let corners = old.corners.map(|corner| {
                    *index[corner as usize - first].get_or_insert_with(|| {
                        new.positions.push(self.positions[corner as usize]);
                        new.weights.extend(self.weights[corner as usize]);
                        new.positions.len() as u32 - 1
                    })
                });
                new.faces.push(Face { corners, ..old });
            }
            first += count;
            face += faces;
            *mesh = new;
        }
    }
}

/// The weights between two vertices: the four greatest of them, adding up to 1.
fn blend(a: Option<Weights>, b: Option<Weights>, share: f32) -> Option<Weights> {
    let (a, b) = (a?, b?);
    let mut sums: Vec<(u8, f32)> = Vec::new();
    for (weights, share) in [(a, 1.0 - share), (b, share)] {
        for (bone, weight) in weights {
            match sums.iter_mut().find(|(other, _)| *other == bone) {
                Some((_, sum)) => *sum += weight * share,
                None => sums.push((bone, weight * share)),
            }
        }
    }
    sums.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
    sums.truncate(4);
    sums.resize(4, (0, 0.0));
    let sum: f32 = sums.iter().map(|(_, weight)| weight).sum();
    let mut blended = [(0, 0.0); 4];
    for (to, (bone, weight)) in blended.iter_mut().zip(sums) {
        *to = (bone, if sum > 0.0 { weight / sum } else { 0.0 });
    }
    Some(blended)
}
