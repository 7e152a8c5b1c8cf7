//! Boxes and cylinders as meshes.

use super::Mesh;
use glam::Vec3;

/// Sides of a cylinder.
const SIDES: u32 = 24;

/// A box with these sides around the origin, metres.
pub(crate) fn cuboid(sides: Vec3) -> Mesh {
    let mut mesh = Mesh::default();
    for axis in 0..3 {
        for sign in [1.0, -1.0] {
            let normal = Vec3::AXES[axis] * sign;
            let [u, v] = [Vec3::AXES[(axis + 1) % 3], Vec3::AXES[(axis + 2) % 3] * sign];
            let first = mesh.positions.len() as u32;
            for [a, b] in [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]] {
                mesh.positions.push((normal + u * a + v * b) * sides * 0.5);
                mesh.normals.push(normal);
            }
            mesh.triangles.extend([[0, 1, 2], [0, 2, 3]].map(|face| face.map(|k| first + k)));
        }
    }
    mesh
}

/// A cylinder along y around the origin, metres.
pub(crate) fn cylinder(radius: f32, length: f32) -> Mesh {
    let mut mesh = Mesh::default();
    let half = Vec3::Y * length * 0.5;
    let around = |k: u32| {
        let angle = k as f32 / SIDES as f32 * std::f32::consts::TAU;
        Vec3::new(angle.sin(), 0.0, angle.cos())
    };
    for k in 0..SIDES {
        let way = around(k);
        mesh.positions.extend([way * radius - half, way * radius + half]);
        mesh.normals.extend([way; 2]);
        let [a, b] = [2 * k, 2 * ((k + 1) % SIDES)];
        mesh.triangles.extend([[a, b, b + 1], [a, b + 1, a + 1]]);
    }
    for sign in [1.0, -1.0] {
        let first = mesh.positions.len() as u32;
        for k in 0..SIDES {
            mesh.positions.push(around(k) * radius + half * sign);
            mesh.normals.push(Vec3::Y * sign);
        }
        let fan = (1..SIDES - 1).map(|k| {
            if sign > 0.0 {
                [first, first + k, first + k + 1]
            } else {
                [first, first + k + 1, first + k]
            }
        });
        mesh.triangles.extend(fan);
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triangles_face_outwards_and_enclose_the_volume() {
        let ring = SIDES as f32 * 0.5 * (std::f32::consts::TAU / SIDES as f32).sin();
        for (mesh, volume) in
            [(cuboid(Vec3::new(1.0, 2.0, 3.0)), 6.0), (cylinder(0.5, 2.0), ring * 0.25 * 2.0)]
        {
            let corners = (0..mesh.triangles.len()).map(|triangle| mesh.corners(triangle));
            let sum: f32 = corners.map(|[a, b, c]| a.dot(b.cross(c)) / 6.0).sum();
            assert!((sum - volume).abs() < 1e-4, "{sum} instead of {volume}");
            for triangle in 0..mesh.triangles.len() {
                let [a, b, c] = mesh.corners(triangle);
                let normal = mesh.normals[mesh.triangles[triangle][0] as usize];
                assert!((b - a).cross(c - a).dot(normal) > 0.0);
            }
        }
    }
}
