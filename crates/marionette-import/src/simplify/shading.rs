//! Normals that are smooth but at creases, and colours that are one where they are alike.

use super::weld::Welded;
use crate::Mesh;
use glam::DVec3;
use std::collections::HashMap;

/// Faces that meet at a greater angle have a crease between them, degrees.
const CREASE: f64 = 40.0;
/// Colours that differ by no more in each channel are shaded as one.
const ALIKE: u8 = 40;

/// The mesh for a file: vertices are apart where normals or colours are.
pub fn shaded(welded: &Welded) -> Mesh {
    let crossed: Vec<DVec3> = welded
        .faces
        .iter()
        .map(|face| {
            let [a, b, c] = welded.corners(face);
            (b - a).cross(c - a)
        })
        .collect();
    let mut around: Vec<Vec<(u32, u8)>> = vec![Vec::new(); welded.positions.len()];
    for (index, face) in welded.faces.iter().enumerate() {
        for (at, corner) in face.corners.iter().enumerate() {
            around[*corner as usize].push((index as u32, at as u8));
        }
    }
    let crease = CREASE.to_radians().cos();
    let mut mesh = Mesh::default();
    let mut index_of: HashMap<(u32, [i16; 3], [u8; 3]), u32> = HashMap::new();
    for (index, face) in welded.faces.iter().enumerate() {
        let unit = crossed[index].normalize_or_zero();
        let corners = [0, 1, 2].map(|at| {
            let corner = face.corners[at];
            let mut normal = DVec3::ZERO;
            let (mut color, mut count) = ([0_u32; 3], 0);
            for (other, other_at) in &around[corner as usize] {
                let cross = crossed[*other as usize];
                let is_smooth = unit.dot(cross.normalize_or_zero()) >= crease;
                if is_smooth {
                    normal += cross;
                }
                let theirs = welded.faces[*other as usize].colors[*other_at as usize];
                if face.colors[at].iter().zip(theirs).all(|(a, b)| a.abs_diff(b) <= ALIKE) {
                    color = [0, 1, 2].map(|channel| color[channel] + u32::from(theirs[channel]));
                    count += 1;
                }
            }
            let normal = normal.normalize_or(unit);
            let color = color.map(|sum| (sum / count.max(1)) as u8);
            let key = (corner, normal.to_array().map(|x| (x * 1000.0).round() as i16), color);
            *index_of.entry(key).or_insert_with(|| {
                mesh.positions.push(welded.positions[corner as usize].as_vec3());
                mesh.normals.push(normal.as_vec3());
                if welded.is_colored {
                    mesh.colors.push(color);
                }
                mesh.weights.extend(welded.weights.get(corner as usize));
                mesh.positions.len() as u32 - 1
            })
        });
        mesh.triangles.push(corners);
    }
    mesh
}
