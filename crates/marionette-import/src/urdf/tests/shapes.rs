//! Meshes and other shapes of links.

use super::{BOX, refused, robot, two_joints, with_files};
use crate::{Draft, DraftShape, Options, import};
use glam::Vec3;
use std::fs;

pub fn meshed(name: &str, scale: &str) -> String {
    let mesh = format!("<visual><geometry><mesh filename='{name}' {scale}/></geometry></visual>");
    two_joints().replacen(BOX, &mesh, 1)
}

/// A tetrahedron of a size.
pub fn obj(size: f32) -> String {
    format!(
        "v 0 0 0\nv {size} 0 0\nv 0 {size} 0\nv 0 0 {size}\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    )
}

#[test]
fn meshes_are_found_in_packages_beside_the_file_and_above_it() {
    let mesh = obj(0.2);
    for (name, place) in [
        ("package://robots/meshes/a.obj", "robots/meshes/a.obj"),
        ("package://robots/meshes/a.obj", "meshes/a.obj"),
        ("model://robots/a.obj", "robots/a.obj"),
        ("meshes/a.obj", "meshes/a.obj"),
        ("meshes\\a.obj", "meshes/a.obj"),
    ] {
        let draft = with_files(&meshed(name, ""), &[(place, mesh.as_bytes())]).unwrap();
        assert_eq!(draft.parts[0].shape.mesh().unwrap().triangles.len(), 4, "{name}");
    }
    let message = refused(&meshed("package://robots/a.obj", ""));
    assert!(message.contains("the mesh \"package://robots/a.obj\" of link \"base\" is not there"));
    assert!(message.contains("give --package DIR, the folder that the package \"robots\" is in"));
    let folder = tempfile::tempdir().unwrap();
    let away = tempfile::tempdir().unwrap();
    fs::create_dir(away.path().join("robots")).unwrap();
    fs::write(away.path().join("robots/a.obj"), &mesh).unwrap();
    let file = folder.path().join("r.urdf");
    let text = meshed("package://robots/a.obj", "");
    fs::write(&file, format!("<robot name='r'>{text}</robot>")).unwrap();
    for package in [away.path().to_owned(), away.path().join("robots")] {
        let options = Options { package_dirs: vec![package], ..Options::default() };
        assert!(import(&file, &options).is_ok());
    }
    let absolute = away.path().join("robots/a.obj").display().to_string();
    for name in [absolute.clone(), format!("file://{absolute}")] {
        fs::write(&file, format!("<robot name='r'>{}</robot>", meshed(&name, ""))).unwrap();
        assert!(import(&file, &Options::default()).is_ok(), "{name}");
    }
}

#[test]
fn scales_mirror_and_millimetres_are_seen() {
    let volume = |draft: &Draft| {
        let mesh = draft.parts[0].shape.mesh().unwrap();
        let corners = mesh.triangles.iter().map(|t| t.map(|c| mesh.positions[c as usize]));
        corners.map(|[a, b, c]| a.dot(b.cross(c))).sum::<f32>() / 6.0
    };
    let read = |size: f32, scale: &str| {
        with_files(&meshed("a.obj", scale), &[("a.obj", obj(size).as_bytes())]).unwrap()
    };
    let plain = read(0.2, "");
    let mirrored = read(0.2, "scale='-1 1 1'");
    assert!((volume(&plain) - 0.008 / 6.0).abs() < 1e-5);
    assert!((volume(&mirrored) - volume(&plain)).abs() < 1e-6);
    assert!(mirrored.notes.iter().any(|note| note.contains("mirrored by its scale")));
    let millimetres = read(200.0, "");
    assert!((volume(&millimetres) - volume(&plain)).abs() < 1e-6);
    assert!(millimetres.notes.iter().any(|note| note.contains("taken for millimetres")));
    assert!((volume(&read(200.0, "scale='.001 .001 .001'")) - volume(&plain)).abs() < 1e-6);
    let whole = two_joints().replace("0 0 .5", "0 0 500").replace(".1 .2 .3", "100 200 300");
    let draft = robot(&whole);
    assert!((draft.bones[1].offset.z - 0.5).abs() < 1e-6);
    assert_eq!(draft.parts[0].shape, DraftShape::Box(Vec3::new(0.1, 0.2, 0.3)));
    assert!(draft.notes.iter().any(|note| note.contains("taken for millimetres")));
}

#[test]
fn several_shapes_of_a_bone_become_one_with_their_colours() {
    let colored = |color: &str| {
        BOX.replace(
            "</visual>",
            &format!("<material name=''><color rgba='{color}'/></material></visual>"),
        )
    };
    let both = colored("1 0 0 1") + &colored("0 0 1 1") + &colored("0 1 0 0");
    let draft = robot(&two_joints().replacen(BOX, &both, 1));
    let mesh = draft.parts[0].shape.mesh().unwrap();
    assert!(mesh.colors.contains(&[255, 0, 0]));
    assert!(!mesh.colors.contains(&[0, 255, 0]));
    assert_eq!(draft.materials[draft.parts[0].material].color, [1.0; 3]);
    let alone = robot(&two_joints().replacen(BOX, &colored("1 0 0 1"), 1));
    assert_eq!(alone.materials[alone.parts[0].material].color, [1.0, 0.0, 0.0]);
    let collided = two_joints().replacen("visual", "collision", 2);
    assert!(robot(&collided).notes.iter().any(|note| note.contains("what collides")));
}
