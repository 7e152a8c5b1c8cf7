//! Whole files.

mod file;
mod refused;

use crate::{Draft, DraftShape, ImportError, Options, import, write};
use file::File;
use glam::{Affine3A, EulerRot, Mat4, Quat, Vec3};
use marionette_figure::{BodyShape, Pose, load_figure, solve};
use serde_json::{Value, json};

fn read(file: &File) -> Draft {
    read_with(file, "").unwrap()
}

/// Imports with a file of keypoints, where that is not empty.
fn read_with(file: &File, keypoints: &str) -> Result<Draft, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let [path, listed] = ["Some thing.glb", "k.toml"].map(|name| folder.path().join(name));
    std::fs::write(&path, file.glb()).unwrap();
    std::fs::write(&listed, keypoints).unwrap();
    let keypoints = (!keypoints.is_empty()).then_some(listed);
    import(&path, &Options { keypoints, ..Options::default() })
}

fn bone(draft: &Draft, name: &str) -> usize {
    let names: Vec<&str> = draft.bones.iter().map(|bone| bone.name.as_str()).collect();
    names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("{name}: {names:?}"))
}

fn place(draft: &Draft, name: &str) -> Vec3 {
    draft.rest()[bone(draft, name)].translation.into()
}

/// `rest_from_bone` in a key frame.
fn posed(draft: &Draft, key: &[(usize, Vec3)]) -> Vec<Affine3A> {
    let mut world: Vec<Affine3A> = Vec::new();
    for (index, bone) in draft.bones.iter().enumerate() {
        let angles = key.iter().find(|(turned, _)| *turned == index);
        let angles = angles.map_or(Vec3::ZERO, |(_, angles)| *angles);
        let [x, y, z] = angles.to_array().map(f32::to_radians);
        let turned = bone.turn * Quat::from_euler(EulerRot::XZY, x, z, y);
        world.push(match bone.parent {
            None => Affine3A::from_quat(turned),
            Some(parent) => {
                world[parent] * Affine3A::from_rotation_translation(turned, bone.offset)
            }
        });
    }
    world
}

fn near(a: Vec3, b: Vec3) -> bool {
    a.distance(b) < 2e-3
}

/// A figure with hips, two thighs and two shins, all in centimetres under an armature that scales
/// by 0.01 and stands z up, as Blender and Mixamo write it.
fn walker() -> File {
    let armature = json!({
        "name": "Armature", "children": [1, 6],
        "rotation": [-0.5_f32.sqrt(), 0.0, 0.0, 0.5_f32.sqrt()], "scale": [0.01, 0.01, 0.01],
    });
    let joint = |name: &str, at: [f32; 3], children: &[usize]| -> Value {
        let mut node = json!({"name": name, "translation": at});
        if !children.is_empty() {
            node["children"] = json!(children);
        }
        node
    };
    let mut file = File::new(json!([
        armature,
        joint("mixamorig:Hips", [0.0, 0.0, 100.0], &[2, 4]),
        joint("mixamorig:LeftUpLeg", [10.0, 0.0, 0.0], &[3]),
        joint("mixamorig:LeftLeg", [0.0, 0.0, -45.0], &[]),
        joint("mixamorig:RightUpLeg", [-10.0, 0.0, 0.0], &[5]),
        joint("mixamorig:RightLeg", [0.0, 0.0, -45.0], &[]),
        {"name": "Body", "mesh": 0, "skin": 0},
    ]));
    let middles = [[0, 0, 110], [10, 0, 75], [10, 0, 30], [-10, 0, 75], [-10, 0, 30]];
    let mut primitives = Vec::new();
    for (joint, middle) in middles.iter().enumerate() {
        let held = ([joint as u16, 0, 0, 0], [1.0, 0.0, 0.0, 0.0]);
        let mesh = file.cuboid(middle.map(|x| x as f32), 8.0, &[held]);
        primitives.push(file.json["meshes"][mesh]["primitives"][0].clone());
    }
    file.json["meshes"] = json!([{"name": "body", "primitives": primitives}]);
    // joint_from_mesh, where the mesh is in the armature's frame.
    let joints = [[0, 0, 100], [10, 0, 100], [10, 0, 55], [-10, 0, 100], [-10, 0, 55]];
    let matrices: Vec<f32> = joints
        .iter()
        .flat_map(|at| {
            let at = Vec3::from(at.map(|x| x as f32));
            Mat4::from_translation(-at).to_cols_array()
        })
        .collect();
    let matrices = file.floats("MAT4", &matrices);
    file.push("skins", json!({"joints": [1, 2, 3, 4, 5], "inverseBindMatrices": matrices}));
    file
}

#[test]
fn a_scaled_and_turned_armature_comes_in_upright_and_in_metres() {
    let draft = read(&walker());
    assert_eq!(draft.name, "some_thing");
    let names: Vec<&str> = draft.bones.iter().map(|bone| bone.name.as_str()).collect();
    assert_eq!(names, ["hips", "left_up_leg", "right_up_leg", "left_leg", "right_leg"]);
    assert!(near(place(&draft, "left_up_leg"), Vec3::new(0.1, 0.0, 0.0)));
    assert!(near(place(&draft, "left_leg"), Vec3::new(0.1, -0.45, 0.0)));
    assert!(near(place(&draft, "right_leg"), Vec3::new(-0.1, -0.45, 0.0)));
    // The lowest vertex is 22 cm above the armature's origin.
    assert!(near(draft.bones[0].offset, Vec3::new(0.0, 0.78, 0.0)), "{}", draft.bones[0].offset);
    assert!(draft.bones.iter().all(|bone| bone.turn.angle_between(Quat::IDENTITY) < 1e-3));
    let [part] = &draft.parts[..] else { panic!("{:?}", draft.parts) };
    let DraftShape::Skin { mesh, bones } = &part.shape else { panic!("no skin") };
    assert_eq!((mesh.triangles.len(), bones.len()), (60, 5));
    for (at, weights) in mesh.positions.iter().zip(&mesh.weights) {
        assert!((weights.iter().map(|(_, w)| w).sum::<f32>() - 1.0).abs() < 1e-5);
        let (held, _) = weights[0];
        let name = &draft.bones[bones[held as usize]].name;
        let middle = match name.as_str() {
            "hips" => Vec3::new(0.0, 0.1, 0.0),
            "left_up_leg" => Vec3::new(0.1, -0.25, 0.0),
            "left_leg" => Vec3::new(0.1, -0.7, 0.0),
            "right_up_leg" => Vec3::new(-0.1, -0.25, 0.0),
            _ => Vec3::new(-0.1, -0.7, 0.0),
        };
        assert!((*at - middle).abs().max_element() < 0.081, "{name} holds {at}");
    }
    // Normals and triangles point outwards.
    let DraftShape::Skin { mesh, .. } = &part.shape else { panic!("no skin") };
    for corners in &mesh.triangles {
        let [a, b, c] = corners.map(|i| mesh.positions[i as usize]);
        let normal = (b - a).cross(c - a);
        assert!(corners.iter().all(|i| normal.dot(mesh.normals[*i as usize]) > 0.0));
    }
    let notes = draft.notes.join(" ");
    assert!(notes.contains("There is no animation") && notes.contains("40 degrees"), "{notes}");
    assert!(!notes.contains("cannot be metres"), "{notes}");
    let limit = 40.0_f32.to_radians();
    assert!(draft.bones.iter().all(|bone| bone.limits == [[-limit, limit]; 3]));
}

#[test]
fn keypoints_of_ones_own_are_in_their_nodes_frame() {
    let point = |name: &str, node: &str, offset: &str| {
        format!("[[keypoints]]\nname = '{name}'\nlink = '{node}'\noffset = {offset}\n")
    };
    let hips = point("hips", "mixamorig:Hips", "[0, 0, 0]");
    // The node's own frame stands z up.
    let draft =
        read_with(&walker(), &(hips.clone() + &point("shin", "mixamorig:LeftLeg", "[0, 0, -0.2]")));
    let draft = draft.unwrap();
    let [at, shin] = [0, 1]
        .map(|i| &draft.keypoints[i])
        .map(|keypoint| draft.rest()[keypoint.bone].transform_point3(keypoint.offset));
    assert!(near(at, Vec3::ZERO) && near(shin, Vec3::new(0.1, -0.65, 0.0)), "{at} {shin}");
    let message = read_with(&walker(), &(hips + &point("b", "Hip", "[0, 0, 0]"))).unwrap_err();
    let message = message.to_string();
    let expected = "there is no link or node \"Hip\"; there are";
    assert!(message.contains(expected) && message.contains("mixamorig:Hips"), "{message}");
}

#[test]
fn the_bind_pose_counts_and_not_how_the_nodes_are_posed() {
    let mut file = walker();
    // The left knee is bent where the file was saved.
    file.json["nodes"][2]["rotation"] = json!([0.38, 0.0, 0.0, 0.925]);
    let draft = read(&file);
    assert!(near(place(&draft, "left_leg"), Vec3::new(0.1, -0.45, 0.0)));
    assert!(draft.notes.iter().any(|note| note.contains("not the one the meshes were bound in")));
}

#[test]
fn animations_become_families_with_limits_around_them() {
    let mut file = walker();
    // z is up there and y points back, so a turn about x by 60 degrees swings a leg forward.
    let half = 30.0_f32.to_radians();
    let forward = [-half.sin(), 0.0, 0.0, half.cos()];
    let back = [half.sin(), 0.0, 0.0, half.cos()];
    let rest = [0.0, 0.0, 0.0, 1.0];
    file.turn("Walk Cycle", 2, &[forward, rest, back]);
    file.turn("Walk Cycle", 4, &[back, rest, rest]);
    file.slide("Walk Cycle", 1, &[[0.0; 3], [0.0, -50.0, 100.0], [0.0, -100.0, 100.0]]);
    file.turn("Still", 3, &[rest, rest]);
    let draft = read(&file);
    let [pose] = &draft.poses[..] else { panic!("{:?}", draft.poses) };
    assert_eq!((pose.name.as_str(), pose.keys.len()), ("walk_cycle", 3));
    let world = posed(&draft, &pose.keys[0]);
    let knee = |world: &[Affine3A], name: &str| Vec3::from(world[bone(&draft, name)].translation);
    let (sin, cos) = (60.0_f32.to_radians().sin(), 60.0_f32.to_radians().cos());
    assert!(near(knee(&world, "left_leg"), Vec3::new(0.1, -0.45 * cos, 0.45 * sin)));
    assert!(near(knee(&world, "right_leg"), Vec3::new(-0.1, -0.45 * cos, -0.45 * sin)));
    let world = posed(&draft, &pose.keys[2]);
    assert!(near(knee(&world, "left_leg"), Vec3::new(0.1, -0.45 * cos, -0.45 * sin)));
    let limits =
        |name: &str| draft.bones[bone(&draft, name)].limits.map(|r| r.map(f32::to_degrees));
    for side in ["left_up_leg", "right_up_leg"] {
        let [x, y, z] = limits(side);
        assert!((-72.0..=-69.0).contains(&x[0]) && (69.0..=72.0).contains(&x[1]), "{x:?}");
        assert!(y[1] < 12.0 && z[1] < 12.0, "{y:?} {z:?}");
    }
    let notes = draft.notes.join(" ");
    assert!(notes.contains("own travel in animations was dropped"), "{notes}");
    assert!(notes.contains("No bone turns in Still"), "{notes}");
}

#[test]
fn what_was_written_is_read_and_stands_as_the_draft_does() {
    let mut file = walker();
    // The right leg to the side, which is where left and right differ.
    let half = 20.0_f32.to_radians();
    file.turn("side", 4, &[[0.0, half.sin(), 0.0, half.cos()], [0.0, 0.0, 0.0, 1.0]]);
    let mut draft = read(&file);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("walker");
    write(&mut draft, &out).unwrap();
    let figure = load_figure(&out.join("figure.toml")).unwrap();
    let family = figure.poses.iter().find(|pose| pose.name == "side").unwrap();
    let pose = Pose { angles: family.keys[0].clone(), ..Pose::at_rest(&figure) };
    let world = solve(&figure, &BodyShape::default(), &pose);
    let key = &draft.poses[0].keys[0];
    let expected = posed(&draft, key);
    for (index, bone) in draft.bones.iter().enumerate() {
        let at = figure.bones.iter().position(|other| other.name == bone.name).unwrap();
        let (found, wanted) = (world[at].translation, expected[index].translation);
        assert!(found.distance(wanted) < 2e-3, "{}: {found} {wanted}", bone.name);
    }
    let knee = world[figure.bones.iter().position(|bone| bone.name == "right_leg").unwrap()];
    assert!(knee.translation.x.abs() > 0.3, "{}", knee.translation);
    assert!(figure.keypoints.iter().any(|keypoint| keypoint.name == "left_leg"));
}

#[test]
fn feet_that_are_led_by_handles_hang_on_the_shins() {
    let mut file = walker();
    // The left shin hangs on the hips and is moved to where the thigh ends.
    file.json["nodes"][2].as_object_mut().unwrap().remove("children");
    file.json["nodes"][1]["children"] = json!([2, 3, 4]);
    file.json["nodes"][3]["translation"] = json!([10.0, 0.0, -45.0]);
    let angles = [0.0_f32, 20.0, 40.0, 60.0].map(f32::to_radians);
    let rotations = angles.map(|a| [-(a * 0.5).sin(), 0.0, 0.0, (a * 0.5).cos()]);
    file.turn("step", 2, &rotations);
    file.slide("step", 3, &angles.map(|a| [10.0, -45.0 * a.sin(), -45.0 * a.cos()]));
    let draft = read(&file);
    let shin = &draft.bones[bone(&draft, "left_leg")];
    assert_eq!(shin.parent, Some(bone(&draft, "left_up_leg")));
    assert!(draft.notes.iter().any(|note| note.contains("LeftLeg on mixamorig:LeftUpLeg")));
    let world = posed(&draft, &draft.poses[0].keys[3]);
    let knee: Vec3 = world[bone(&draft, "left_leg")].translation.into();
    let (sin, cos) = angles[3].sin_cos();
    assert!(near(knee, Vec3::new(0.1, -0.45 * cos, 0.45 * sin)), "{knee}");
}

#[test]
fn weights_are_the_four_greatest_and_add_up_to_one() {
    let mut file = walker();
    let five = file.cuboid(
        [0.0, 0.0, 110.0],
        8.0,
        &[([0, 1, 2, 3], [0.2, 0.2, 0.1, 0.6]), ([4, 1, 0, 0], [0.5, 0.2, 0.0, 0.0])],
    );
    let primitive = file.json["meshes"][five]["primitives"][0].clone();
    file.json["meshes"][0]["primitives"].as_array_mut().unwrap().push(primitive);
    let draft = read(&file);
    let DraftShape::Skin { mesh, bones } = &draft.parts[0].shape else { panic!("no skin") };
    let mixed: Vec<_> = mesh.weights.iter().filter(|four| four[3].1 > 0.0).collect();
    assert!(!mixed.is_empty());
    // Of 0.2, 0.4, 0.1, 0.6 and 0.5 the least is left out.
    for four in mixed {
        let shares = four.map(|(held, share)| (bones[held as usize], share));
        let of = |name: &str| {
            let index = bone(&draft, name);
            shares.iter().find(|(other, _)| *other == index).map_or(0.0, |(_, share)| *share)
        };
        assert!((of("right_up_leg") - 0.6 / 1.7).abs() < 1e-4);
        assert!((of("left_up_leg") - 0.4 / 1.7).abs() < 1e-4);
        assert_eq!(of("left_leg"), 0.0);
    }
}

/// A base with an arm of another size in each of two mirrored places.
fn crane() -> File {
    let mut file = File::new(json!([
        {"name": "Base", "mesh": 0, "children": [1], "scale": [2.0, 1.0, 1.0]},
        {"name": "Arm", "mesh": 1, "translation": [0.0, 1.0, 0.0], "scale": [0.5, -1.0, 1.0],
         "children": [2]},
        {"name": "Hook", "mesh": 2, "translation": [0.0, -1.0, 0.0]},
    ]));
    file.cuboid([0.0, 0.2, 0.0], 0.2, &[]);
    file.cuboid([0.0, -0.5, 0.0], 0.3, &[]);
    file.cuboid([0.3, 0.0, 0.0], 0.1, &[]);
    file
}

#[test]
fn trees_of_rigid_pieces_keep_their_shapes_under_uneven_and_negative_scales() {
    let draft = read(&crane());
    let names: Vec<&str> = draft.bones.iter().map(|bone| bone.name.as_str()).collect();
    assert_eq!(names, ["base", "arm", "hook"]);
    assert!(near(place(&draft, "arm"), Vec3::new(0.0, 1.0, 0.0)));
    assert!(near(place(&draft, "hook"), Vec3::new(0.0, 2.0, 0.0)));
    assert_eq!(draft.parts.len(), 3);
    let rest = draft.rest();
    for (name, middle, half) in [
        ("base", Vec3::new(0.0, 0.2, 0.0), Vec3::new(0.4, 0.2, 0.2)),
        ("arm", Vec3::new(0.0, 1.5, 0.0), Vec3::splat(0.3)),
        ("hook", Vec3::new(0.3, 2.0, 0.0), Vec3::splat(0.1)),
    ] {
        let part = draft.parts.iter().find(|part| part.name == name).unwrap();
        assert_eq!(part.bone, bone(&draft, name));
        let DraftShape::Mesh(mesh) = &part.shape else { panic!("no mesh") };
        let points: Vec<Vec3> =
            mesh.positions.iter().map(|at| rest[part.bone].transform_point3(*at)).collect();
        for at in &points {
            assert!(near((*at - middle).abs(), half), "{name}: {at}");
        }
        for corners in &mesh.triangles {
            let [a, b, c] = corners.map(|i| points[i as usize]);
            let outwards = (a + b + c) / 3.0 - middle;
            assert!((b - a).cross(c - a).dot(outwards) > 0.0, "{name} is inside out");
        }
    }
}

#[test]
fn colours_are_linear_factors_times_srgb_textures() {
    let mut file = crane();
    // Half the light of a grey texel is another byte than half the byte.
    let picture = image::RgbImage::from_fn(2, 1, |x, _| match x {
        0 => image::Rgb([188, 0, 0]),
        _ => image::Rgb([0, 0, 255]),
    });
    let source = file.picture(&picture);
    file.push("textures", json!({"source": source}));
    file.push(
        "materials",
        json!({"pbrMetallicRoughness": {
            "baseColorFactor": [0.5, 1.0, 0.25, 1.0], "baseColorTexture": {"index": 0},
            "roughnessFactor": 0.3,
        }}),
    );
    file.push(
        "materials",
        json!({"pbrMetallicRoughness": {
            "baseColorFactor": [0.2158605, 0.0, 1.0, 1.0], "roughnessFactor": 0.9,
        }}),
    );
    let coordinates: Vec<f32> =
        (0..8).flat_map(|i| [if i < 4 { 0.25 } else { 0.75 }, 0.5]).collect();
    let coordinates = file.floats("VEC2", &coordinates);
    let primitive = &mut file.json["meshes"][0]["primitives"][0];
    primitive["material"] = json!(0);
    primitive["attributes"]["TEXCOORD_0"] = json!(coordinates);
    file.json["meshes"][1]["primitives"][0]["material"] = json!(1);
    let draft = read(&file);
    let colors = |name: &str| {
        let part = draft.parts.iter().find(|part| part.name == name).unwrap();
        let mut colors = part.shape.mesh().unwrap().colors.clone();
        colors.sort_unstable();
        colors.dedup();
        (colors, draft.materials[part.material].roughness)
    };
    assert_eq!(colors("arm"), (vec![[128, 0, 255]], 0.9));
    assert_eq!(colors("hook"), (vec![[255, 255, 255]], 1.0));
    let (base, roughness) = colors("base");
    assert_eq!(roughness, 0.3);
    // The factor halves the light of 188, which is half of full light, and a quarter of 255's.
    assert!(base.iter().any(|[r, _, b]| r.abs_diff(137) < 12 && *b < 40), "{base:?}");
    assert!(base.iter().any(|[r, _, b]| *r < 40 && b.abs_diff(137) < 12), "{base:?}");
}

#[test]
fn small_bones_and_those_without_vertices_are_merged() {
    let mut file = walker();
    // A finger's length of helpers and toes at the shin.
    file.json["nodes"][3]["children"] = json!([7, 8]);
    let helper = json!({"name": "LeftLeg_end", "translation": [0.0, 0.0, -40.0]});
    let toe = json!({"name": "mixamorig:LeftToe", "translation": [0.0, 0.0, -30.0]});
    let nodes = file.json["nodes"].as_array_mut().unwrap();
    nodes.extend([helper, toe]);
    let mesh = file.cuboid([10.0, 0.0, 25.0], 1.0, &[([5, 0, 0, 0], [1.0, 0.0, 0.0, 0.0])]);
    let primitive = file.json["meshes"][mesh]["primitives"][0].clone();
    file.json["meshes"][0]["primitives"].as_array_mut().unwrap().push(primitive);
    let joints = [[0, 0, 100], [10, 0, 100], [10, 0, 55], [-10, 0, 100], [-10, 0, 55], [10, 0, 25]];
    let matrices: Vec<f32> = joints
        .iter()
        .flat_map(|at| Mat4::from_translation(-Vec3::from(at.map(|x| x as f32))).to_cols_array())
        .collect();
    let matrices = file.floats("MAT4", &matrices);
    file.json["skins"][0] = json!({"joints": [1, 2, 3, 4, 5, 8], "inverseBindMatrices": matrices});
    let draft = read(&file);
    assert_eq!(draft.bones.len(), 5);
    let note = draft.notes.iter().find(|note| note.contains("merged")).unwrap();
    assert!(note.contains("mixamorig:LeftToe"), "{note}");
    let DraftShape::Skin { mesh, .. } = &draft.parts[0].shape else { panic!("no skin") };
    assert_eq!(mesh.triangles.len(), 72);
}
