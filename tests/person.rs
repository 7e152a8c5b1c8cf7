//! The weights that come with the program.

use crate::runs::{fail, json, marionette, succeed};
use std::fs;

#[test]
fn they_find_rendered_people_and_are_used_where_no_others_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = marionette(arguments.iter().copied());
        succeed(command.current_dir(&folder))
    };
    let set = ["generate", "sports", "--out", "set", "--format", "coco", "--count", "24"];
    run(&[&set[..], &["--size", "128", "--splits", "100,0,0", "--seed", "3"]].concat());
    let annotations = "set/annotations/person_keypoints_train.json";
    let images = "set/images/train";
    run(&["eval", "person", "--coco", annotations, "--images", images, "--json", "report.json"]);
    let report = json(folder.path(), "report.json");
    let found = report["rows"][0]["pck"]["torso_02"].as_f64().unwrap();
    assert!(found > 0.5, "{report}");

    let predict = |out: &str, more: &[&str]| {
        run(&[&["predict", images, "--out", out, "--no-overlays"], more].concat());
        json(&folder.path().join(out), "predictions.json")
    };
    let ours = predict("ours", &[]);
    assert_eq!(ours["model"]["weights"], "person");
    assert_eq!(ours["model"]["network"], "small");
    // As a file they are the same, and no longer in half precision than out of it.
    run(&["export", "person", "--format", "safetensors", "--half", "--out", "half.safetensors"]);
    run(&["export", "person", "--format", "safetensors", "--out", "whole.safetensors"]);
    for file in ["half.safetensors", "whole.safetensors"] {
        assert_eq!(predict("file", &["--weights", file])["images"], ours["images"], "{file}");
    }
    let length = |file: &str| fs::metadata(folder.path().join(file)).unwrap().len();
    assert!(2 * length("half.safetensors") < length("whole.safetensors") + 100_000);
    assert_eq!(
        fs::read(folder.path().join("half.safetensors")).unwrap(),
        fs::read("assets/weights/person.safetensors").unwrap()
    );
    // Training starts from them, from whatever folder it is gone on with.
    let train = ["train", "sports", "--model", "small", "--init", "person", "--steps", "1"];
    run(&[&train[..], &["--run", "on", "--set", "batch=2", "--set", "exam.images=0"]].concat());
    let config = fs::read_to_string(folder.path().join("on/config.toml")).unwrap();
    assert!(config.contains("init = \"person\""), "{config}");

    // What has their name is meant by it, and only by it.
    fs::create_dir(folder.path().join("person")).unwrap();
    let mut command = marionette(["predict", images, "--weights", "person", "--out", "other"]);
    fail(command.current_dir(&folder), 2, &["person: is no run", "give the folder of a run"]);
    assert_eq!(predict("again", &[])["images"], ours["images"]);
}
