use super::read_mesh;
use crate::Mesh;
use glam::Vec3;
use std::fs;

fn read_files(files: &[(&str, &[u8])]) -> Result<(Mesh, Vec<String>), String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let mut notes = Vec::new();
    let mesh = read_mesh(&folder.path().join(files[0].0), &mut notes);
    mesh.map(|mesh| (mesh, notes)).map_err(|error| error.to_string())
}

fn read(name: &str, bytes: &[u8]) -> Result<(Mesh, Vec<String>), String> {
    read_files(&[(name, bytes)])
}

fn binary_stl(said: u32, triangles: &[[f32; 9]]) -> Vec<u8> {
    // Some programs begin binary files like those of text.
    let mut bytes = b"solid like text".to_vec();
    bytes.resize(80, b' ');
    bytes.extend(said.to_le_bytes());
    for triangle in triangles {
        bytes.extend([0; 12]);
        bytes.extend(triangle.iter().flat_map(|x| x.to_le_bytes()));
        bytes.extend([0; 2]);
    }
    bytes
}

const TRIANGLE: [f32; 9] = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

#[test]
fn stl_files_of_bytes_and_of_text_are_the_same() {
    let (binary, _) = read("a.stl", &binary_stl(1, &[TRIANGLE])).unwrap();
    let text = "solid x\n facet normal 0 0 1\n  outer loop\n   vertex 0 0 0\n   vertex 1 0 0\n   \
                vertex 0 1.0e0 0\n  endloop\n endfacet\nendsolid x\n";
    let (text, _) = read("a.STL", text.as_bytes()).unwrap();
    assert_eq!(binary, text);
    assert_eq!(binary.positions, [Vec3::ZERO, Vec3::X, Vec3::Y]);
}

#[test]
fn what_is_wrong_with_a_mesh_is_said() {
    let mut broken = TRIANGLE;
    broken[4] = f32::NAN;
    let (mesh, notes) = read("a.stl", &binary_stl(2, &[TRIANGLE, broken])).unwrap();
    assert_eq!(mesh.triangles.len(), 1);
    assert_eq!(notes, ["a.stl: 1 triangles with coordinates that are no numbers were left out."]);
    let dae = |inside: &str| format!("<COLLADA>{inside}</COLLADA>").into_bytes();
    for (name, bytes, expected) in [
        ("a.stl", binary_stl(0, &[]), "a.stl: has no triangles"),
        ("a.stl", binary_stl(1, &[broken]), "a.stl: has no triangles"),
        ("a.stl", binary_stl(9, &[TRIANGLE]), "says that it has 9 triangles and ends after 1"),
        ("a.stl", b"short".to_vec(), "is too short for an STL file"),
        (
            "a.stl",
            b"solid x\nfacet\nvertex 0 zero 0\n".to_vec(),
            "a.stl:3: found \"vertex 0 zero 0\"; give three numbers",
        ),
        ("a.obj", b"v 0 0 0\nv 1 0 0\n".to_vec(), "has no triangles"),
        ("a.obj", b"v 0 0 0\nf 1 2 3\n".to_vec(), "a.obj:2: found \"f 1 2 3\"; \"2\" names no"),
        ("a.obj", b"v 0 0\n".to_vec(), "a.obj:1: found \"v 0 0\"; give three numbers"),
        ("a.dae", b"<robot/>".to_vec(), "starts with <robot>; it is no COLLADA file"),
        ("a.dae", b"<COLLADA>".to_vec(), "is no XML that can be read"),
        ("a.dae", dae(""), "has no triangles"),
        ("a.ply", b"ply".to_vec(), "ends in \".ply\" is not read; convert it to STL, OBJ"),
    ] {
        let message = read(name, &bytes).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn obj_files_have_polygons_backward_indices_and_colours() {
    let obj =
        b"mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nusemtl red\nf 1/1/1 2//1 \\\n3 4\n\
                usemtl none\nf -4 -3 -2\n";
    let mtl = b"newmtl red\nKd 1 0 0.5\nmap_Kd gone.png\n";
    let (mesh, notes) = read_files(&[("a.obj", obj), ("a.mtl", mtl)]).unwrap();
    assert_eq!(mesh.triangles.len(), 3);
    assert_eq!(mesh.positions[3..6], [Vec3::ZERO, Vec3::new(1.0, 1.0, 0.0), Vec3::Y]);
    assert_eq!(mesh.colors[0], [255, 0, 128]);
    assert_eq!(mesh.colors[8], super::UNCOLORED);
    assert!(notes[0].contains("gone.png"), "{notes:?}");
    let (_, notes) = read_files(&[("a.obj", obj)]).unwrap();
    assert!(notes[0].contains("a.mtl: cannot be read"), "{notes:?}");
}

fn collada(unit: &str, up: &str, node: &str) -> String {
    format!(
        "<COLLADA xmlns='http://www.collada.org/2005/11/COLLADASchema'><asset><unit meter='{unit}'/>\
         <up_axis>{up}</up_axis></asset>\
         <library_effects><effect id='e'><profile_COMMON><technique sid='t'><lambert><diffuse>\
         <color>1 0 0 1</color></diffuse></lambert></technique></profile_COMMON></effect>\
         </library_effects><library_materials><material id='m'><instance_effect url='#e'/>\
         </material></library_materials><library_geometries><geometry id='g'><mesh>\
         <source id='p'><float_array>0 0 0 1 0 0 1 1 0 0 1 0</float_array><technique_common>\
         <accessor stride='3'/></technique_common></source><vertices id='v'>\
         <input semantic='POSITION' source='#p'/></vertices>\
         <polylist material='s' count='1'><input semantic='VERTEX' source='#v' offset='0'/>\
         <input semantic='NORMAL' source='#p' offset='1'/><vcount>4</vcount>\
         <p>0 0 1 0 2 0 3 0</p></polylist></mesh></geometry></library_geometries>\
         <library_visual_scenes><visual_scene id='w'><node>{node}<instance_geometry url='#g'>\
         <bind_material><technique_common><instance_material symbol='s' target='#m'/>\
         </technique_common></bind_material></instance_geometry></node></visual_scene>\
         </library_visual_scenes><scene><instance_visual_scene url='#w'/></scene></COLLADA>"
    )
}

#[test]
fn collada_files_have_units_axes_nodes_and_colours() {
    let read = |text: String| read("a.dae", text.as_bytes()).unwrap().0;
    let mesh = read(collada("0.001", "Z_UP", "<translate>0 0 1000</translate>"));
    assert_eq!(mesh.triangles.len(), 2);
    assert!(mesh.positions[1].distance(Vec3::new(0.001, 0.0, 1.0)) < 1e-6);
    assert_eq!(mesh.colors, [[255, 0, 0]; 6]);
    let upright = read(collada("1", "Y_UP", ""));
    assert!(upright.positions[2].distance(Vec3::new(1.0, 0.0, 1.0)) < 1e-6);
    let turned = read(collada("1", "Z_UP", "<rotate>0 0 1 90</rotate><scale>2 1 1</scale>"));
    assert!(turned.positions[1].distance(Vec3::new(0.0, 2.0, 0.0)) < 1e-6);
    let matrix = "<matrix>-1 0 0 5 0 1 0 0 0 0 1 0 0 0 0 1</matrix>";
    let mirrored = read(collada("1", "Z_UP", matrix));
    let [a, b, c] = mirrored.triangles[0].map(|corner| mirrored.positions[corner as usize]);
    assert!((b - a).cross(c - a).z > 0.0);
    assert!(mirrored.positions.iter().all(|position| (4.0..=5.0).contains(&position.x)));
}
