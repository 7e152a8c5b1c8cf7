//! Files that cannot be read, and what is said.

use super::{crane, file::File, walker};
use crate::{ImportError, Options, import};
use serde_json::json;

/// What is said about a file, without its path.
fn refused(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    match import(&path, &Options::default()) {
        Err(ImportError::File(error)) => error.message,
        Err(other) => other.to_string(),
        Ok(draft) => panic!("came in: {draft:?}"),
    }
}

fn changed(mut file: File, change: impl FnOnce(&mut File)) -> String {
    change(&mut file);
    refused("a.gltf", file.text().as_bytes())
}

fn says(message: &str, expected: &[&str]) {
    assert!(expected.iter().all(|part| message.contains(part)), "{message}");
}

#[test]
fn what_needs_another_program_is_refused_with_the_command() {
    for (extension, command) in [
        ("KHR_draco_mesh_compression", "gltf-transform copy IN OUT"),
        ("EXT_meshopt_compression", "gltf-transform copy IN OUT"),
        ("KHR_texture_basisu", "gltf-transform ktxdecompress IN OUT"),
    ] {
        let message = changed(walker(), |file| {
            file.json["extensionsUsed"] = json!([extension]);
            file.json["extensionsRequired"] = json!([extension]);
        });
        says(&message, &[extension, command]);
    }
    let message = changed(walker(), |file| file.json["extensionsRequired"] = json!(["X_new"]));
    says(&message, &["requires the extension X_new"]);
}

#[test]
fn skins_without_weights_or_with_wrong_joints_are_refused() {
    let message = changed(walker(), |file| {
        let attributes = &mut file.json["meshes"][0]["primitives"][2]["attributes"];
        attributes.as_object_mut().unwrap().remove("WEIGHTS_0");
    });
    says(&message, &["mesh \"body\" has a skin, but its vertices have no weights"]);
    let message = changed(walker(), |file| {
        file.json["skins"][0]["joints"] = json!([1, 2, 3]);
    });
    says(&message, &["mesh \"body\" is held by joint 3 of a skin of 3"]);
    let message = changed(walker(), |file| {
        let flat = file.floats("MAT4", &[0.0; 80]);
        file.json["skins"][0]["inverseBindMatrices"] = json!(flat);
    });
    says(&message, &["inverse bind matrix of joint 1 is flat"]);
    let message = changed(walker(), |file| {
        let few = file.floats("MAT4", &[0.5; 32]);
        file.json["skins"][0]["inverseBindMatrices"] = json!(few);
    });
    says(&message, &["5 joints and 2 inverse bind matrices"]);
}

#[test]
fn missing_and_cut_off_buffers_are_told_apart() {
    let glb = walker().glb();
    says(&refused("a.glb", &glb[..glb.len() - 400]), &["is cut off"]);
    says(&refused("a.glb", &glb[..10]), &["JSON part"]);
    let mut file = walker();
    file.json["buffers"] = json!([{"byteLength": 10}]);
    says(&refused("a.gltf", file.json.to_string().as_bytes()), &["its buffer is missing"]);
    file.json["buffers"] = json!([{"byteLength": 10, "uri": "some%20where.bin"}]);
    let message = refused("a.gltf", file.json.to_string().as_bytes());
    says(&message, &["names \"some%20where.bin\"", "some where.bin cannot be read", "export GLB"]);
    file.json["buffers"] = json!([{"byteLength": 10, "uri": "https://example.org/a.bin"}]);
    let message = refused("a.gltf", file.json.to_string().as_bytes());
    says(&message, &["nothing is downloaded"]);
    let message = changed(walker(), |file| {
        file.json["accessors"][0]["count"] = json!(9000);
    });
    says(&message, &["reaches beyond its buffer"]);
    let message = changed(walker(), |file| {
        let image = file.push("images", json!({"uri": "skin.png"}));
        file.push("textures", json!({"source": image}));
        file.push("materials", json!({"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}));
        file.json["meshes"][0]["primitives"][0]["material"] = json!(0);
    });
    says(&message, &["names \"skin.png\""]);
}

#[test]
fn numbers_that_are_none_and_trees_that_are_none_are_refused() {
    let message = changed(crane(), |file| {
        let accessor = file.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"].as_u64();
        let view = file.json["accessors"][accessor.unwrap() as usize]["bufferView"].as_u64();
        let at = file.json["bufferViews"][view.unwrap() as usize]["byteOffset"].as_u64();
        let at = at.unwrap() as usize;
        file.bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    says(&message, &["mesh \"box\"'s positions", "holds NaN"]);
    let message = changed(crane(), |file| file.json["nodes"][2]["children"] = json!([1]));
    says(&message, &["node 1 hangs on two others"]);
    let message = changed(crane(), |file| {
        file.json["nodes"][0].as_object_mut().unwrap().remove("children");
        file.json["nodes"][2]["children"] = json!([1]);
    });
    says(&message, &["hangs on itself in a circle"]);
    let message = changed(crane(), |file| file.json["nodes"][1]["scale"] = json!([1e39, 1.0, 1.0]));
    says(&message, &["\"Arm\" has a transform that is no placement"]);
    let message = changed(crane(), |file| {
        let indices = file.json["meshes"][0]["primitives"][0]["indices"].as_u64().unwrap();
        let view = file.json["accessors"][indices as usize]["bufferView"].as_u64().unwrap();
        let at = file.json["bufferViews"][view as usize]["byteOffset"].as_u64().unwrap() as usize;
        file.bytes[at] = 99;
    });
    says(&message, &["a triangle on vertex 99, of 8"]);
}

#[test]
fn what_is_no_figure_is_refused() {
    let mut stone = File::new(json!([{"name": "stone", "mesh": 0}]));
    stone.cuboid([0.0; 3], 0.5, &[]);
    says(&refused("a.glb", &stone.glb()), &["is one rigid piece"]);
    let empty = File::new(json!([{"name": "nothing"}]));
    says(&refused("a.gltf", empty.json.to_string().as_bytes()), &["shows no triangles"]);
    says(&refused("a.gltf", b"{\"asset\": {\"version\": \"1.0\"}}"), &["is glTF of 1.0"]);
    says(&refused("a.gltf", b"{\"asset\": {}}"), &["no version"]);
    says(&refused("a.gltf", b"{\"asset\": "), &["is no glTF"]);
    let message = changed(crane(), |file| file.json["nodes"][0]["mesh"] = json!(77));
    says(&message, &["is no valid glTF"]);
}

#[test]
fn files_that_were_damaged_never_panic() {
    let glb = walker().glb();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.glb");
    let mut random = marionette_base::random::stream(1, 0, 0, "damage");
    for _ in 0..400 {
        let mut bytes = glb.clone();
        for _ in 0..3 {
            let at = rand::Rng::random_range(&mut random, 0..bytes.len());
            bytes[at] = rand::Rng::random(&mut random);
        }
        std::fs::write(&path, bytes).unwrap();
        // Either will do.
        let _ = import(&path, &Options::default());
    }
}
