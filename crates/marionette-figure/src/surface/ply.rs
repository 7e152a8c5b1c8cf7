//! Meshes from PLY files (Turk 1994): ASCII, so that a figure file may hold one as text.

use super::Mesh;
use glam::Vec3;
use ply_rs_bw::{
    parser::Parser,
    ply::{DefaultElement, Property},
};

/// Most vertices of a file. Even where every triangle has three of its own, a figure has fewer.
const MOST_VERTICES: usize = 3 * super::MOST_TRIANGLES;

/// A mesh from the text of a PLY file. `bones` is how many bones a skin names, 0 where it is none.
///
/// # Errors
/// What is wrong with the text, without the file's name.
pub(crate) fn read_ply(text: &str, bones: usize) -> Result<Mesh, String> {
    let parser = Parser::<DefaultElement>::new();
    let mut bytes = text.as_bytes();
    let ply = parser.read_ply(&mut bytes).map_err(|error| format!("it is no PLY file: {error}"))?;
    let element = |name: &str| {
        ply.payload.get(name).ok_or_else(|| format!("the PLY file has no element \"{name}\""))
    };
    let (vertices, faces) = (element("vertex")?, element("face")?);
    if vertices.len() > MOST_VERTICES || faces.len() > super::MOST_TRIANGLES {
        return Err(format!(
            "the mesh has {} vertices and {} faces; at most {MOST_VERTICES} and {} can be drawn, \
             simplify it",
            vertices.len(),
            faces.len(),
            super::MOST_TRIANGLES
        ));
    }
    let mut mesh = Mesh::default();
    for (index, vertex) in vertices.iter().enumerate() {
        let at = |what: &str| format!("vertex {index} of the mesh {what}");
        let Some(position) = vector(vertex, ["x", "y", "z"]) else {
            return Err(at("has no x, y and z"));
        };
        if !position.abs().cmple(Vec3::splat(crate::file::LONGEST)).all() {
            let longest = crate::file::LONGEST;
            return Err(at(&format!("is at {position}; give metres from -{longest} to {longest}")));
        }
        mesh.positions.push(position);
        if let Some(normal) = vector(vertex, ["nx", "ny", "nz"]) {
            let Some(normal) = normal.try_normalize() else {
                return Err(at(&format!("has the normal {normal}; give a vector with a length")));
            };
            mesh.normals.push(normal);
        }
        if let Some(color) = vector(vertex, ["red", "green", "blue"]) {
            mesh.colors.push((color / 255.0).map(linear));
        }
        if bones > 0 {
            mesh.weights.push(weights(vertex, bones).map_err(|message| at(&message))?);
        }
    }
    for (index, face) in faces.iter().enumerate() {
        let corners =
            ["vertex_indices", "vertex_index"].into_iter().find_map(|name| face.get(name));
        let corners = corners.and_then(Property::to_u32_list).unwrap_or_default();
        let Ok(corners): Result<[u32; 3], _> = corners.try_into() else {
            return Err(format!(
                "face {index} of the mesh is no triangle; cut faces into triangles"
            ));
        };
        if corners.iter().any(|corner| *corner as usize >= mesh.positions.len()) {
            return Err(format!(
                "face {index} of the mesh has the corners {corners:?}, and there are {} vertices",
                mesh.positions.len()
            ));
        }
        mesh.triangles.push(corners);
    }
    if mesh.triangles.is_empty() {
        return Err("the mesh has no triangles".to_owned());
    }
    Ok(mesh)
}

fn vector(element: &DefaultElement, names: [&str; 3]) -> Option<Vec3> {
    let number = |name: &str| element.get(name).and_then(Property::to_f32_lossy);
    let [x, y, z] = names.map(number);
    Some(Vec3::new(x?, y?, z?))
}

fn weights(vertex: &DefaultElement, bones: usize) -> Result<[(u8, f32); 4], String> {
    let number = |name: String| vertex.get(&name).and_then(Property::to_f32_lossy);
    let mut weights = [(0, 0.0); 4];
    for (k, entry) in weights.iter_mut().enumerate() {
        let weight = number(format!("weight_{k}")).unwrap_or(0.0);
        let bone = number(format!("bone_{k}")).unwrap_or(0.0);
        if !(weight >= 0.0 && weight.is_finite()) {
            return Err(format!("has weight_{k} = {weight}; give 0 or more"));
        }
        if !(bone >= 0.0 && (bone as usize) < bones) {
            return Err(format!("has bone_{k} = {bone}, and the part names {bones} bones"));
        }
        *entry = (bone as u8, weight);
    }
    let sum: f32 = weights.iter().map(|(_, weight)| weight).sum();
    if sum <= 0.0 {
        return Err("has no weight_0 to weight_3 above 0; a skin needs them".to_owned());
    }
    Ok(weights.map(|(bone, weight)| (bone, weight / sum)))
}

/// Linear from sRGB, 0 to 1.
pub(crate) fn linear(encoded: f32) -> f32 {
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triangle(vertex: &str, values: &str, face: &str) -> String {
        format!(
            "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty \
             float z\n{vertex}element face 1\nproperty list uchar int vertex_indices\n\
             end_header\n0 0 0{values}\n1 0 0{values}\n0 1 0{values}\n{face}\n"
        )
    }

    #[test]
    fn positions_colours_and_weights_are_read() {
        let colors = "property uchar red\nproperty uchar green\nproperty uchar blue\n";
        let mesh = read_ply(&triangle(colors, " 255 0 188", "3 0 1 2"), 0).unwrap();
        assert_eq!(mesh.positions, [Vec3::ZERO, Vec3::X, Vec3::Y]);
        assert!((mesh.colors[0] - Vec3::new(1.0, 0.0, 0.503)).abs().max_element() < 2e-3);
        let weights = "property uchar bone_0\nproperty float weight_0\nproperty uchar bone_1\n\
                       property float weight_1\n";
        let mesh = read_ply(&triangle(weights, " 1 3 0 1", "3 0 1 2"), 2).unwrap();
        assert_eq!(mesh.weights[0][..2], [(1, 0.75), (0, 0.25)]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, bones, message) in [
            ("solid x".to_owned(), 0, "it is no PLY file"),
            (triangle("", "", "4 0 1 2 0"), 0, "face 0 of the mesh is no triangle"),
            (triangle("", "", "3 0 1 9"), 0, "face 0 of the mesh has the corners [0, 1, 9]"),
            (triangle("", "", "3 0 1 2"), 2, "vertex 0 of the mesh has no weight_0"),
            (triangle("", "", "3 0 1 2").replace("1 0 0", "40 0 0"), 0, "vertex 1 of the mesh is"),
        ] {
            let refused = read_ply(&text, bones).unwrap_err();
            assert!(refused.starts_with(message), "{refused}");
        }
    }
}
