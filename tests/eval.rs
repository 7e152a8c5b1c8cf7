//! `marionette eval` as people meet it: what it finds on pictures, and what it says of files that
//! are wrong.

use crate::runs::{Outcome, fail, json, marionette, names, outcome, succeed};
use candle_core::Device;
use image::{Rgb, RgbImage};
use marionette::figure::load_figure;
use marionette::train::export::{ModelCard, write_model};
use marionette::{nn as model, nn::heatmap::Activation};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A folder with an untrained network, three pictures of two annotated people each and the labels.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        let network = model::build("nano", 17, 1, &Device::Cpu).unwrap();
        let figure =
            load_figure(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/figures/human.toml"))
                .unwrap();
        let card = ModelCard::new(&figure, network.spec().clone(), Activation::Softmax);
        write_model(
            &place.path("weights.safetensors"),
            &network.parameters().tensors().unwrap(),
            &card,
        )
        .unwrap();
        fs::create_dir(place.path("pictures")).unwrap();
        for name in ["1.png", "2.png", "3.jpg"] {
            let paint = |x, y| Rgb([(x * 3) as u8, (y * 5) as u8, (x * y) as u8]);
            RgbImage::from_fn(80, 60, paint).save(place.path("pictures").join(name)).unwrap();
        }
        place.write("labels.json", place.labels().to_string());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// The right labels.
    fn labels(&self) -> Value {
        let names = ["left_shoulder", "right_shoulder", "left_hip", "right_hip", "tail"];
        let person = |id: i64, image: i64, x: f64, pose: &str| {
            json!({"id": id, "image_id": image, "category_id": 1, "iscrowd": 0, "area": 1200, "pose": pose,
                "bbox": [x, 5, 30, 50],
                "keypoints": [x + 20.0, 10, 2, x + 8.0, 10, 2, x + 18.0, 30, 2, x + 10.0, 30, 1, x, 50, 2]})
        };
        json!({
            "images": [
                {"id": 3, "file_name": "3.jpg", "width": 80, "height": 60},
                {"id": 1, "file_name": "1.png"},
                {"id": 2, "file_name": "2.png"},
            ],
            "categories": [{"id": 1, "name": "person", "keypoints": names}],
            "annotations": [
                person(1, 1, 5.0, "upright"), person(2, 1, 45.0, "bent"), person(3, 2, 5.0, "upright"),
                person(4, 2, 70.0, "upright"), person(5, 3, -10.0, "upright"), person(6, 3, 30.0, "bent"),
            ],
        })
    }

    fn eval(&self, more: &[&str]) -> Command {
        let mut command = marionette([
            "eval",
            "weights.safetensors",
            "--coco",
            "labels.json",
            "--images",
            "pictures",
        ]);
        command.args(more).current_dir(&self.0);
        command
    }
}

#[test]
fn people_are_found_and_judged() {
    let place = Place::new();
    let said = succeed(&mut place.eval(&[
        "--by",
        "pose",
        "--json",
        "out.json",
        "--results",
        "found.json",
    ]));
    assert_eq!(said.stderr, "");
    for part in [
        "all ",
        "pose=bent",
        "pose=upright",
        "left_hip",
        "Not in the file, and so not judged: nose, left_eye",
    ] {
        assert!(said.stdout.contains(part), "no {part} in {}", said.stdout);
    }
    let (report, found) = (json(place.0.path(), "out.json"), json(place.0.path(), "found.json"));
    assert_eq!(
        report["judged"],
        json!(["left_shoulder", "right_shoulder", "left_hip", "right_hip"])
    );
    let rows = report["rows"].as_array().unwrap();
    let counts = |row: &Value| (row["pck"]["people"].clone(), row["pck"]["keypoints"].clone());
    assert_eq!(
        rows.iter().map(counts).collect::<Vec<_>>(),
        [6, 2, 4].map(|n| (json!(n), json!(4 * n)))
    );
    assert!(rows[0]["oks"]["ap"].is_number() && rows[0]["oks"]["ap_large"].is_null());
    let found = found.as_array().unwrap();
    assert_eq!(
        found.iter().map(|person| person["image_id"].clone()).collect::<Vec<_>>(),
        [1, 1, 2, 2, 3, 3]
    );
    for person in found {
        assert_eq!(
            (person["keypoints"].as_array().unwrap().len(), &person["category_id"]),
            (15, &json!(1))
        );
        assert!((0.0..=1.0).contains(&person["score"].as_f64().unwrap()), "{person}");
    }
    // In a mirror as well, other places are found, and the report says why.
    succeed(&mut place.eval(&["--json", "flip.json", "--results", "flipped.json", "--flip-test"]));
    assert_eq!(
        (&report["flip_test"], &json(place.0.path(), "flip.json")["flip_test"]),
        (&json!(false), &json!(true))
    );
    assert_ne!(
        fs::read(place.path("flipped.json")).unwrap(),
        fs::read(place.path("found.json")).unwrap()
    );
    // The same from a run's directory, on as many threads as there are.
    fs::create_dir(place.path("run")).unwrap();
    fs::copy(place.path("weights.safetensors"), place.path("run/weights.safetensors")).unwrap();
    let args = [
        "eval",
        "run",
        "--coco",
        "labels.json",
        "--images",
        "pictures",
        "--results",
        "again.json",
        "--quiet",
    ];
    let quiet = succeed(marionette(args).current_dir(&place.0).env("RAYON_NUM_THREADS", "1"));
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    assert_eq!(
        fs::read(place.path("again.json")).unwrap(),
        fs::read(place.path("found.json")).unwrap()
    );
}

#[test]
fn wrong_weights_are_named() {
    let place = Place::new();
    let right = fs::read(place.path("weights.safetensors")).unwrap();
    let mut corrupted = right.clone();
    let middle = right.len() / 2;
    corrupted[middle] ^= 64;
    let mut huge = right.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let foreign = b"\x08\0\0\0\0\0\0\0{}      ".to_vec();
    let cases = [
        (right[..middle].to_vec(), "truncated"),
        (right[..100].to_vec(), "truncated"),
        (Vec::new(), "is 0 bytes long"),
        (huge, "its header alone would be 18446744073709551615"),
        (corrupted, "is corrupted"),
        (foreign, "holds no model card, so it is of another program"),
        (b"PK\x03\x04 something else altogether".to_vec(), "no safetensors file"),
    ];
    for (bytes, part) in cases {
        place.write("weights.safetensors", bytes);
        let parts = ["weights.safetensors: ", part, "give a safetensors file as a run"];
        fail(&mut place.eval(&[]), 2, &parts);
    }
    fs::remove_file(place.path("weights.safetensors")).unwrap();
    fail(&mut place.eval(&[]), 2, &["weights.safetensors: cannot be read: No such file"]);
    let args = ["eval", "pictures", "--coco", "labels.json", "--images", "pictures"];
    fail(
        marionette(args).current_dir(&place.0),
        2,
        &["pictures: is no run", "give the folder of a run, or a file of weights"],
    );
}

#[test]
fn wrong_labels_are_named() {
    let place = Place::new();
    let cases: [(&str, Value, &[&str]); 7] = [
        (
            "/annotations/1/id",
            json!(1),
            &["two annotations have the id 1", "give each an id of its own"],
        ),
        ("/images/1/id", json!(2), &["two images have the id 2"]),
        ("/annotations/4/image_id", json!(33), &["annotation 5 is of image 33", "add the image"]),
        (
            "/annotations/2/keypoints",
            json!([1, 2, 2]),
            &["annotation 3 has 3 numbers in its keypoints where 15 are due"],
        ),
        (
            "/annotations/2/bbox",
            json!([1, 2, 2]),
            &["annotation 3 has [1,2,2] for its bbox", "left, top, width"],
        ),
        ("/categories/0/keypoints", json!([]), &["none of its 1 categories has keypoint names"]),
        ("/annotations", json!([]), &["none of its 0 annotations has a labelled keypoint"]),
    ];
    for (pointer, value, parts) in cases {
        let mut labels = place.labels();
        *labels.pointer_mut(pointer).unwrap() = value;
        place.write("labels.json", labels.to_string());
        fail(&mut place.eval(&[]), 2, &[&["labels.json: "], parts].concat());
    }
    let text = serde_json::to_string_pretty(&place.labels()).unwrap();
    place.write("labels.json", text.replacen("\"images\": [", "\"images\": [,", 1));
    let line = 1 + text[..text.find("\"images\"").unwrap()].matches('\n').count();
    fail(
        &mut place.eval(&[]),
        2,
        &[&format!("labels.json:{line}:"), "expected value", "give a COCO keypoints file"],
    );
    fs::remove_file(place.path("labels.json")).unwrap();
    fail(&mut place.eval(&[]), 2, &["labels.json: cannot be read: No such file"]);
}

/// Runs `eval`, which must go through all pictures and then fail, naming what it could not use and
/// no more.
#[track_caller]
fn fail_with_warnings(place: &Place, warnings: &[&[&str]], end: &str) -> Outcome {
    let said = outcome(&mut place.eval(&["--json", "out.json"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(lines.len(), warnings.len() + 1, "{said:?}");
    for (line, parts) in lines.iter().zip(warnings) {
        assert!(
            line.starts_with("warning: ") && parts.iter().all(|part| line.contains(part)),
            "{parts:?}: {line}"
        );
    }
    assert!(lines[warnings.len()].starts_with(&format!("error: {end}")), "{said:?}");
    said
}

#[test]
fn pictures_that_cannot_be_used_are_named_and_the_others_judged() {
    let place = Place::new();
    // A PNG's start, which claims a size; its check sum comes last.
    let header = |size: [u8; 8], sum: [u8; 4]| {
        [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &size, &[8, 2, 0, 0, 0], &sum].concat()
    };
    let whole = fs::read(place.path("pictures/1.png")).unwrap();
    let cases: [(Vec<u8>, &str); 5] = [
        (b"no picture".to_vec(), "is no picture; give a whole PNG or JPEG picture"),
        (whole[..whole.len() / 2].to_vec(), "is damaged"),
        (header([0; 8], [0; 4]), "is 0x0 pixels; give a picture of at least one pixel"),
        // 10,000 x 10,000.
        (header([0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10], [0; 4]), "is 10000x10000 pixels"),
        (Vec::new(), "is no picture"),
    ];
    for (bytes, part) in cases {
        place.write("pictures/2.png", bytes);
        let said = fail_with_warnings(
            &place,
            &[&["pictures/2.png: ", part]],
            "1 of 3 pictures could not be used",
        );
        assert!(said.stdout.contains("all "), "{said:?}");
        let report = json(place.0.path(), "out.json");
        assert_eq!(
            (&report["unusable"], &report["rows"][0]["pck"]["people"]),
            (&json!(1), &json!(4))
        );
    }
    fs::remove_file(place.path("pictures/2.png")).unwrap();
    RgbImage::new(40, 30).save(place.path("pictures/3.jpg")).unwrap();
    let missing = ["2.png: cannot be read: No such file"];
    let other = [
        "3.jpg: is 40x30 pixels where the annotations say 80x60",
        "give the picture that was annotated",
    ];
    fail_with_warnings(&place, &[&missing, &other], "2 of 3 pictures could not be used");
    fs::remove_file(place.path("out.json")).unwrap();
    fs::remove_file(place.path("pictures/1.png")).unwrap();
    let said = fail_with_warnings(
        &place,
        &[&["1.png"], &missing, &other],
        "none of the 3 pictures could be used",
    );
    assert_eq!(said.stdout, "");
    assert!(!place.path("out.json").exists());
}

#[test]
fn many_missing_pictures_are_counted() {
    let place = Place::new();
    let mut labels = place.labels();
    for id in 10..40 {
        labels["images"]
            .as_array_mut()
            .unwrap()
            .push(json!({"id": id, "file_name": format!("{id}.png")}));
        let mut person = labels["annotations"][0].clone();
        (person["id"], person["image_id"]) = (json!(id), json!(id));
        labels["annotations"].as_array_mut().unwrap().push(person);
    }
    place.write("labels.json", labels.to_string());
    let names: Vec<String> = (10..20).map(|id| format!("{id}.png")).collect();
    let mut warnings: Vec<Vec<&str>> = names.iter().map(|name| vec![name.as_str()]).collect();
    warnings.push(vec!["20 more could not be used"]);
    let warnings: Vec<&[&str]> = warnings.iter().map(Vec::as_slice).collect();
    fail_with_warnings(&place, &warnings, "30 of 33 pictures could not be used");
}

#[test]
fn wrong_usage_is_said_before_the_work() {
    let place = Place::new();
    let before = names(place.0.path());
    let cases: [(&[&str], i32, &[&str]); 6] = [
        (&["--results", "pictures"], 1, &["pictures: cannot be written"]),
        (
            &["--results", "weights.safetensors/found.json"],
            1,
            &["weights.safetensors/found.json: cannot be written"],
        ),
        (
            &["--results", "same.json", "--json", "same.json"],
            2,
            &["--json and --results name the same file"],
        ),
        (&["--by", "mood"], 2, &["labels.json: no annotation has the key \"mood\"", "pose"]),
        (
            &["--device", "gpu"],
            2,
            &["device \"gpu\" cannot be used: give auto, cpu, cuda:N or metal"],
        ),
        (&["--device", "cuda:77"], 2, &["device \"cuda:77\" cannot be used"]),
    ];
    for (args, code, parts) in cases {
        let said = fail(&mut place.eval(args), code, parts);
        assert_eq!(said.stdout, "");
    }
    for (folder, part) in
        [("nowhere", "nowhere: does not exist"), ("labels.json", "labels.json: is no folder")]
    {
        let args = ["eval", "weights.safetensors", "--coco", "labels.json", "--images", folder];
        fail(
            marionette(args).current_dir(&place.0),
            2,
            &[part, "give the folder of the pictures as --images"],
        );
    }
    assert_eq!(names(place.0.path()), before);
    let usage = outcome(
        marionette(["eval", "weights.safetensors", "--coco", "labels.json"]).current_dir(&place.0),
    );
    assert_eq!(usage.code, Some(2));
    assert!(usage.stderr.contains("--images"), "{usage:?}");
}
