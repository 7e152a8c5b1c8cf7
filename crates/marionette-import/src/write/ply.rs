//! Meshes as PLY files of text.

use crate::Mesh;
use std::fmt::Write;

/// The mesh as the text of a PLY file.
pub fn ply(mesh: &Mesh) -> String {
    let (normals, colors) = (!mesh.normals.is_empty(), !mesh.colors.is_empty());
    let weights = !mesh.weights.is_empty();
    let mut text = String::from("ply\nformat ascii 1.0\n");
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&format!("element vertex {}", mesh.positions.len()));
    for axis in ["x", "y", "z"] {
        line(&format!("property float {axis}"));
    }
    if normals {
        for axis in ["nx", "ny", "nz"] {
            line(&format!("property float {axis}"));
        }
    }
    if colors {
        for channel in ["red", "green", "blue"] {
            line(&format!("property uchar {channel}"));
        }
    }
    if weights {
        for index in 0..4 {
            line(&format!("property uchar bone_{index}"));
        }
        for index in 0..4 {
            line(&format!("property float weight_{index}"));
        }
    }
    line(&format!("element face {}", mesh.triangles.len()));
    line("property list uchar int vertex_indices");
    line("end_header");
    for index in 0..mesh.positions.len() {
        let mut words: Vec<String> = Vec::new();
        let mut number = |x: f32, digits: usize| words.push(short(x, digits));
        // A hundredth of a millimetre is far below what a picture shows.
        mesh.positions[index].as_ref().iter().for_each(|x| number(*x, 5));
        if normals {
            mesh.normals[index].as_ref().iter().for_each(|x| number(*x, 3));
        }
        if colors {
            words.extend(mesh.colors[index].map(|channel| channel.to_string()));
        }
        if weights {
            words.extend(mesh.weights[index].map(|(bone, _)| bone.to_string()));
            words.extend(mesh.weights[index].map(|(_, weight)| short(weight, 4)));
        }
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    for [a, b, c] in &mesh.triangles {
        let _ = writeln!(text, "3 {a} {b} {c}");
    }
    text
}

/// A number with so many digits after the point at most.
pub fn short(x: f32, digits: usize) -> String {
    let text = format!("{:.digits$}", f64::from(x));
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
