//! Figures that are not human go round the whole loop.

use crate::runs::{json, marionette, metrics, succeed};
use std::{fs, path::Path};

#[test]
fn a_tree_of_bones_with_limits_alone_is_learned_judged_and_written() {
    goes_round("lamp/lamps.toml", "lamp", &["foot", "joint", "top", "lip"], [0, 1]);
}

#[test]
fn a_figure_of_meshes_and_sliding_joints_is_learned_judged_and_written() {
    let keypoints = ["foot", "shoulder", "tip", "left_jaw", "right_jaw"];
    goes_round("crane/cranes.toml", "crane", &keypoints, [1, 2]);
}

/// Trains twice, judges, writes a data set and a sheet. `torso` is the longest edge: nothing is named
/// as the figure's torso.
fn goes_round(scene: &str, figure: &str, keypoints: &[&str], torso: [usize; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(scene);
    let settings = ["--steps", "4", "--set", "batch=4", "--set", "exam.images=2", "--quiet"];
    let train = |name: &str| {
        succeed(marionette(["train"]).arg(&scene).arg("--run").arg(at(name)).args(settings));
    };
    train("a");
    train("b");
    let weights = |run: &str| fs::read(at(run).join("weights.safetensors")).unwrap();
    assert!(weights("a") == weights("b"), "the same run came to other weights");
    assert!(metrics(&at("a")).iter().all(|row| row["loss"].as_f64().is_some_and(f64::is_finite)));
    let card = json(&at("a"), "model.json");
    assert_eq!(card["keypoints"]["names"], serde_json::json!(keypoints));
    assert_eq!(card["keypoints"]["torso"], serde_json::json!(torso));
    let judged = at("judged.json");
    let exam = ["--exam", "easy", "--count", "4", "--quiet", "--json"];
    succeed(marionette(["eval"]).arg(at("a")).args(exam).arg(&judged));
    let result = &json(folder.path(), "judged.json")["exams"][0];
    assert!(result["pck"]["torso_02"].as_f64().is_some(), "{result}");

    let count = ["--count", "4", "--splits", "100,0,0", "--format", "coco", "--quiet", "--out"];
    succeed(marionette(["generate"]).arg(&scene).args(count).arg(at("set")));
    let set = json(&at("set"), &format!("annotations/{figure}_keypoints_train.json"));
    assert_eq!(set["categories"][0]["name"], figure);
    assert!(set["annotations"].as_array().is_some_and(|all| all.len() >= 4));
    let sheet = ["--count", "4", "--quiet", "--out"];
    succeed(marionette(["preview"]).arg(&scene).args(sheet).arg(at("sheet.png")));
}

#[test]
fn a_dog_and_a_robot_arm_are_learned_from_the_scenes_that_come_with_the_program() {
    let folder = tempfile::tempdir().unwrap();
    for (scene, first, count) in [("yard", "left_eye", 17), ("workcell", "base", 8)] {
        let run = folder.path().join(scene);
        let settings = ["--steps", "2", "--set", "batch=4", "--set", "exam.images=0", "--quiet"];
        succeed(marionette(["train", scene, "--run"]).arg(&run).args(settings));
        assert!(metrics(&run).iter().all(|row| row["loss"].as_f64().is_some_and(f64::is_finite)));
        let names = &json(&run, "model.json")["keypoints"]["names"];
        assert_eq!((&names[0], names.as_array().map(Vec::len)), (&first.into(), Some(count)));
    }
}
