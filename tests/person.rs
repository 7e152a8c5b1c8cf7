//! The weights that come with the program.

use crate::runs::{fail, json, marionette, outcome, succeed};
use candle_core::Device;
use image::{Rgb, RgbImage, imageops};
use marionette::{
    nn::{build, heatmap::Activation},
    scene::load_scene,
    train::export::{ModelCard, write_model},
};
use serde_json::Value;
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
        run(&[&["predict", images, "--out", out, "--no-overlays", "--whole"], more].concat());
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

    // One of another figure finds no people.
    let mut command = marionette(["predict", images, "--out", "x", "--find", "--weights", "on"]);
    succeed(command.current_dir(&folder));
    let arm = load_scene("workcell").unwrap().figure;
    let network = build("nano", arm.keypoints.len(), 1, &Device::Cpu).unwrap();
    let card = ModelCard::new(&arm, network.spec().clone(), Activation::Softmax);
    let tensors = network.parameters().tensors().unwrap();
    write_model(&folder.path().join("arm.safetensors"), &tensors, &card).unwrap();
    let find = ["predict", images, "--out", "x", "--find", "--weights", "arm.safetensors"];
    let said = ["a network of arm", "leave --find out"];
    fail(marionette(find).current_dir(&folder), 2, &said);

    // Weights or a run of their name are meant by it, and only by it; a folder of other things is not.
    fs::create_dir(folder.path().join("person")).unwrap();
    assert_eq!(predict("beside", &["--weights", "person"])["images"], ours["images"]);
    fs::remove_dir(folder.path().join("person")).unwrap();
    fs::write(folder.path().join("person"), "").unwrap();
    let mut command = marionette(["predict", images, "--weights", "person", "--out", "other"]);
    fail(command.current_dir(&folder), 2, &["person: "]);
    assert_eq!(predict("again", &[])["images"], ours["images"]);
}

#[test]
fn people_are_found_where_they_are_and_nobody_where_nobody_is() {
    let folder = tempfile::tempdir().unwrap();
    let run =
        |arguments: &[&str]| succeed(marionette(arguments.iter().copied()).current_dir(&folder));
    let set = ["generate", "everyday", "--out", "set", "--format", "coco", "--count", "60"];
    run(&[&set[..], &["--size", "128", "--splits", "100,0,0", "--seed", "5"]].concat());
    let images = folder.path().join("set/images/train");
    fs::create_dir(folder.path().join("wide")).unwrap();
    let mut files: Vec<_> = fs::read_dir(&images).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let [left, top] = [150, 60];
    for file in &files {
        let mut wide = RgbImage::from_pixel(360, 240, Rgb([120; 3]));
        let picture = image::open(file).unwrap().into_rgb8();
        imageops::replace(&mut wide, &picture, left, top);
        wide.save(folder.path().join("wide").join(file.file_name().unwrap())).unwrap();
    }
    run(&["predict", "wide", "--out", "found"]);
    let found = json(&folder.path().join("found"), "predictions.json");
    let found = found["images"].as_array().unwrap();
    assert_eq!(found.len(), files.len());
    let within = |image: &&Value| {
        let middle = |axis: usize| {
            let side = |at: usize| image["people"][0]["box"][at].as_f64().unwrap_or(-1e9);
            side(axis) + side(axis + 2) / 2.0
        };
        (left as f64..left as f64 + 128.0).contains(&middle(0))
            && (top as f64..top as f64 + 128.0).contains(&middle(1))
    };
    let good = found.iter().filter(within).count();
    let none = found.iter().filter(|image| image["people"] == Value::Array(Vec::new())).count();
    assert!(good >= 15 && good + none >= files.len() - 3, "{good}, {none} of {}", files.len());
    assert!(folder.path().join("found").join(found[0]["overlay"].as_str().unwrap()).exists());

    RgbImage::from_pixel(300, 200, Rgb([90, 120, 200]))
        .save(folder.path().join("sky.png"))
        .unwrap();
    let said = run(&["predict", "sky.png", "--out", "sky"]);
    assert!(said.stdout.contains("0 people in 1 pictures, nobody in 1 of them"), "{said:?}");
    let sky = json(&folder.path().join("sky"), "predictions.json");
    assert_eq!(sky["images"][0]["people"], Value::Array(Vec::new()));
    let both = ["predict", "sky.png", "--out", "sky", "--find", "--whole"];
    assert_eq!(outcome(marionette(both).current_dir(&folder)).code, Some(2));
}
