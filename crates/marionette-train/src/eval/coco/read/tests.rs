//! The reader against files that are right, wrong in one place each, and pycocotools' figures for
//! one of them.

use super::*;
use crate::eval::metric::{OksDetection, OksImage, OksTruth, Pck, Person, oks_summary};
use marionette_figure::load_figure;
use serde_json::json;
use std::{fs, path::PathBuf};

fn scheme() -> KeypointScheme {
    load_figure(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/figures/human.toml"))
        .unwrap()
        .scheme()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/metrics").join(name)
}

fn fixture_json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture(name)).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() < 1e-4, "{what}: {found}, expected {expected}");
}

#[test]
fn metric_oks_is_pycocotools_own() {
    let (scheme, expected) = (scheme(), fixture_json("expected.json"));
    let file = read_coco(&fixture("ground_truth.json"), &scheme, false).unwrap();
    let mut images = vec![OksImage::default(); file.images.len()];
    for person in &file.people {
        images[person.image].truths.push(OksTruth {
            keypoints: person.keypoints.clone(),
            labelled: person.labelled.clone(),
            area: person.area,
            bbox: [person.bbox[0] + 0.5, person.bbox[1] + 0.5, person.bbox[2], person.bbox[3]],
            crowd: person.crowd,
        });
    }
    for found in fixture_json("predictions.json").as_array().unwrap() {
        let id = found["image_id"].as_i64().unwrap();
        let place = file.images.iter().position(|image| image.id == id).unwrap();
        let keypoints = numbers(&found["keypoints"])
            .chunks_exact(3)
            .map(|triple| [triple[0] + 0.5, triple[1] + 0.5])
            .collect();
        let score = found["score"].as_f64().unwrap();
        images[place].detections.push(OksDetection { keypoints, score });
    }
    let summary = oks_summary(&images, &scheme.sigmas, &[]);
    let found = [
        ("AP", summary.ap),
        ("AP50", summary.ap50),
        ("AP75", summary.ap75),
        ("AP_medium", summary.ap_medium),
        ("AP_large", summary.ap_large),
        ("AR", summary.ar),
        ("AR50", summary.ar50),
        ("AR75", summary.ar75),
        ("AR_medium", summary.ar_medium),
        ("AR_large", summary.ar_large),
    ];
    for (name, found) in found {
        close(found.unwrap(), &expected["oks"][name], name);
    }
}

#[test]
fn metric_pck_matches_the_reference() {
    let (scheme, expected) = (scheme(), fixture_json("expected.json"));
    let pairs = expected["pck_pairs"].as_array().unwrap();
    // The pairs as a COCO file, so that they come in through the reader.
    let annotations: Vec<Value> = pairs
        .iter()
        .enumerate()
        .map(|(id, pair)| {
            json!({"id": id, "image_id": 1, "category_id": 1, "area": 1, "bbox": pair["bbox"],
                "keypoints": pair["ground_truth"]})
        })
        .collect();
    let text = json!({
        "images": [{"id": 1, "file_name": "1.png"}],
        "categories": fixture_json("ground_truth.json")["categories"],
        "annotations": annotations,
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.json");
    fs::write(&path, text.to_string()).unwrap();
    let file = read_coco(&path, &scheme, false).unwrap();
    let mut pck = Pck::new(scheme.twins.clone(), Vec::new());
    for (person, pair) in file.people.iter().zip(pairs) {
        let torso = person.torso(&scheme);
        close(
            f64::from(torso.unwrap_or(0.0)),
            &json!(pair["torso"].as_f64().unwrap_or(0.0)),
            "torso",
        );
        let predicted: Vec<[f32; 2]> = numbers(&pair["prediction"])
            .chunks_exact(2)
            .map(|place| [place[0] as f32 + 0.5, place[1] as f32 + 0.5])
            .collect();
        let truth: Vec<[f32; 2]> =
            person.keypoints.iter().map(|place| place.map(|value| value as f32)).collect();
        let box_side = person.bbox[2].max(person.bbox[3]) as f32;
        pck.add(&Person {
            predicted: &predicted,
            truth: &truth,
            labelled: &person.labelled,
            torso,
            box_side,
        });
    }
    let summary = pck.summary();
    close(summary.torso_02.unwrap(), &expected["pck"]["pck_torso_0.2"], "PCK@0.2 torso");
    close(summary.box_01.unwrap(), &expected["pck"]["pck_box_0.1"], "PCK@0.1 box");
}

/// A right file of two people on one picture, one of them with keys of its own.
fn right() -> Value {
    json!({
        "images": [{"id": 7, "file_name": "b.png", "width": 64, "height": 48}, {"id": 3, "file_name": "a.png"}],
        "categories": [
            {"id": 4, "name": "horse", "keypoints": ["mane", "nose"]},
            {"id": 9, "name": "person", "keypoints": ["chin", "left_hip", "right_shoulder", "nose"]},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 9, "bbox": [1, 2, 30, 40], "area": 600, "pose": "bent",
                "keypoints": [1, 1, 2, 10, 20, 1, 10, 10, 2, 0, 0, 0], "segmentation": [[1, 2]]},
            {"id": 2, "image_id": 3, "category_id": 9, "bbox": [0, 0, 0, 0], "area": 0, "iscrowd": 1,
                "keypoints": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]},
            {"id": 3, "image_id": 3, "category_id": 4},
        ],
    })
}

fn read(value: &str) -> Result<CocoFile, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.json");
    fs::write(&path, value).unwrap();
    let prefix = path.display().to_string();
    read_coco(&path, &scheme(), false).map_err(|error| {
        let message = error.to_string();
        message
            .strip_prefix(&prefix)
            .unwrap_or_else(|| panic!("{message} does not name the file"))
            .to_owned()
    })
}

#[test]
fn keypoints_are_matched_by_name_and_moved_by_half_a_pixel() {
    let (file, scheme) = (read(&right().to_string()).unwrap(), scheme());
    let place = |name: &str| scheme.names.iter().position(|own| own == name).unwrap();
    let (hip, shoulder, nose) = (place("left_hip"), place("right_shoulder"), place("nose"));
    assert_eq!(file.images.iter().map(|image| image.id).collect::<Vec<_>>(), [3, 7]);
    assert_eq!(file.keypoints, [None, Some(hip), Some(shoulder), Some(nose)]);
    assert_eq!(file.judged, [nose, shoulder, hip]);
    let [crowd, person] = &file.people[..] else { panic!("two people") };
    assert!(crowd.crowd && !crowd.counts() && person.counts());
    assert_eq!((person.id, person.image, person.bbox), (1, 1, [1.0, 2.0, 30.0, 40.0]));
    assert_eq!(person.keypoints[hip], [10.5, 20.5]);
    assert_eq!((person.labelled[hip], person.labelled[nose]), (true, false));
    assert_eq!(person.torso(&scheme), Some(10.0));
    assert_eq!(person.extra.keys().collect::<Vec<_>>(), ["pose"]);
}

#[test]
fn wrong_files_are_named_with_what_was_found_and_what_would_do() {
    // What is changed, to what, and what is said.
    let cases = [
        ("/images/1/id", json!(7), &["two images have the id 7", "b.png"][..]),
        ("/annotations/1/id", json!(1), &["two annotations have the id 1"]),
        ("/categories/1/id", json!(4), &["two categories have the id 4"]),
        ("/annotations/0/image_id", json!(8), &["annotation 1 is of image 8", "add the image"]),
        ("/annotations/0/category_id", json!(8), &["annotation 1 is of category 8"]),
        (
            "/annotations/0/keypoints",
            json!([1, 2, 2]),
            &["annotation 1 has 3 numbers", "12 are due"],
        ),
        (
            "/annotations/0/keypoints",
            Value::Null,
            &["none of its 2 annotations has a labelled keypoint"],
        ),
        (
            "/annotations/0/keypoints/1",
            json!("left"),
            &["annotation 1 has \"left\" as number 2 of its keypoints"],
        ),
        (
            "/annotations/0/keypoints/1",
            Value::Null,
            &["annotation 1 gives its keypoint 1 the visibility 2 and null for a place"],
        ),
        ("/annotations/0/id", Value::Null, &["annotation 1 of the list has no id"]),
        ("/annotations/0/id", json!(1.5), &["has 1.5 for its id; give a whole number"]),
        ("/annotations/0/iscrowd", json!("no"), &["annotation 1 has \"no\" for its iscrowd"]),
        ("/annotations/2", json!(5), &["annotation 3 of the list is 5; give an object"]),
        ("/images/0/width", json!("wide"), &["image 7 has \"wide\" for its width"]),
        ("/images/0/width", json!(64.5), &["image 7 has 64.5 for its width"]),
        ("/images/1/file_name", Value::Null, &["image 3 has no file_name"]),
        (
            "/categories/1/keypoints/0",
            json!(7),
            &["category 9 has 7 in its keypoints; give a list of names"],
        ),
        ("/annotations/0/bbox", Value::Null, &["annotation 1 has no bbox; give left, top"]),
        (
            "/annotations/0/keypoints/2",
            json!(3),
            &["annotation 1", "keypoint 1 the visibility 3", "0 (not labelled)"],
        ),
        (
            "/annotations/0/bbox",
            json!([1, 2, 3]),
            &["annotation 1 has [1,2,3] for its bbox", "left, top, width"],
        ),
        ("/annotations/0/bbox/3", json!(0), &["annotation 1 has a box without a size, 30 by 0"]),
        ("/annotations/0/bbox/2", json!(-1), &["without a size, -1 by 40"]),
        ("/annotations/0/area", Value::Null, &["annotation 1 has no area"]),
        ("/annotations/0/area", json!(-2), &["annotation 1 has an area of -2"]),
        (
            "/annotations/0/iscrowd",
            json!(1),
            &["none of its 2 annotations has a labelled keypoint"],
        ),
        (
            "/categories/1/keypoints/0",
            json!("nose"),
            &["category 9 names its keypoint \"nose\" twice"],
        ),
        (
            "/categories",
            json!([{"id": 9}, {"id": 4}]),
            &["none of its 2 categories has keypoint names"],
        ),
        ("/categories", json!([]), &["none of its 0 categories has keypoint names"]),
        (
            "/categories/0/keypoints",
            json!(["left_hip", "nose", "right_hip"]),
            &["several categories", "(horse, human)"],
        ),
        ("/images", Value::Null, &["has no list `images`", "give a COCO keypoints file"]),
        ("/images", json!({}), &["`images` is {}, no list", "give a COCO keypoints file"]),
        (
            "/annotations/0/bbox/0",
            json!("left"),
            &["annotation 1 has \"left\" as number 1 of its bbox"],
        ),
    ];
    for (pointer, value, parts) in cases {
        let mut file = right();
        if parts[0].starts_with("several") {
            file["categories"][1]["name"] = json!("human");
        }
        match file.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => file["annotations"][0]["iscrowd"] = value,
        }
        let message = read(&file.to_string()).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{pointer}: no {part:?} in {message}");
        }
    }
    let mut foreign = right();
    foreign["categories"] = json!([{"id": 9, "keypoints": ["a", "b", "c", "d"]}]);
    let message = read(&foreign.to_string()).unwrap_err();
    assert!(
        message.contains("none of its keypoints (a, b, c, d)") && message.contains("nose"),
        "{message}"
    );
}

#[test]
fn broken_json_is_named_with_its_line() {
    let text = serde_json::to_string_pretty(&right()).unwrap();
    for (text, parts) in [
        (text.replacen("\"images\"", "images", 1), &["key must be a string"][..]),
        (text[..text.len() / 2].to_owned(), &["EOF while parsing"]),
        ("[]".to_owned(), &["is JSON, but no object", "(images, annotations, categories)"]),
        (text.replacen("\"area\": 600", "\"area\": 1e999", 1), &["annotation 1", "number out of"]),
        (text.replacen("\"area\": 600", "\"area\": nan", 1), &[":", "expected ident"]),
        (String::new(), &[":1:0: EOF while parsing"]),
    ] {
        let message = read(&text).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "no {part:?} in {message}");
        }
    }
}

/// What pycocotools and exporters write and read, which JSON's purists would not.
#[test]
fn what_exporters_write_is_read() {
    let changes = [
        ("/annotations/0/id", json!(1.0)),
        ("/annotations/0/image_id", json!(7.0)),
        ("/annotations/0/iscrowd", json!(false)),
        ("/annotations/0/area", json!(600.0)),
        ("/annotations/0/keypoints/9", Value::Null),
        ("/annotations/0/keypoints/10", Value::Null),
        ("/annotations/0/keypoints/11", Value::Null),
        ("/annotations/2/keypoints", json!([])),
        ("/images/0/width", json!(64.0)),
        ("/images/0/height", json!(-1)),
        ("/categories/1/id", json!(9.0)),
    ];
    let mut text = right();
    text["annotations"][0]["iscrowd"] = Value::Null;
    text["annotations"][2]["keypoints"] = Value::Null;
    for (pointer, value) in changes {
        *text.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    }
    let file = read(&format!("\u{feff}{text}")).unwrap();
    let expected = read(&right().to_string()).unwrap();
    assert_eq!(file.people[1].keypoints[7..], expected.people[1].keypoints[7..]);
    assert_eq!(file.people[1].labelled, expected.people[1].labelled);
    assert_eq!((file.images[1].width, file.images[1].height), (Some(64), None));
    // Where nothing needs it, a number that JSON does not have does no harm.
    let odd = right().to_string().replace("\"pose\":\"bent\"", "\"pose\":[-Infinity, NaN]");
    assert_eq!(read(&odd).unwrap().people.len(), 2);
}

#[test]
fn what_json_does_not_have_is_named_with_annotation_and_field() {
    let text = right().to_string();
    for (from, to, part) in [
        ("\"area\":600", "\"area\":NaN", "annotation 1 has NaN for its area"),
        (
            "[1,1,2,10",
            "[1,1,2,-Infinity",
            "annotation 1 has -Infinity as number 4 of its keypoints",
        ),
        ("[1,2,30", "[1,Infinity,30", "annotation 1 has Infinity as number 2 of its bbox"),
        ("\"width\":64", "\"width\":NaN", "image 7 has NaN for its width"),
    ] {
        let message = read(&text.replacen(from, to, 1)).unwrap_err();
        assert!(message.contains(part), "{message}");
    }
    // Names may say what they like.
    let named = text.replace("b.png", "NaN \\\" -Infinity.png").replace(":600", ":NaN");
    assert!(read(&named).unwrap_err().contains("annotation 1 has NaN for its area"));
}

#[test]
fn names_are_matched_however_they_are_written() {
    let text = right().to_string();
    for written in ["left hip", "LEFT-HIP", "leftHip"] {
        let file = read(&text.replace("\"left_hip\"", &format!("\"{written}\""))).unwrap();
        assert_eq!(file.keypoints, read(&text).unwrap().keypoints);
    }
    let twice = text.replace("\"chin\"", "\"Left Hip\"");
    assert!(read(&twice).unwrap_err().contains("names its keypoint \"left_hip\" twice"));
    // One of four is too few to say much, unless that is what is wanted.
    let few = text.replace("left_hip", "a").replace("right_shoulder", "b");
    let few = few.replace("[1,1,2,10,20,1,10,10,2,0,0,0]", "[1,1,2,10,20,1,10,10,2,4,4,2]");
    let message = read(&few).unwrap_err();
    assert!(
        message.contains("only 1 of its 4 keypoints (chin, a, b, nose)")
            && message.contains("left_wrist")
            && message.contains("--keypoints-subset"),
        "{message}"
    );
    let file = parse_coco(Path::new("a.json"), few.into_bytes(), &scheme(), true).unwrap();
    assert_eq!(file.judged.len(), 1);
}
