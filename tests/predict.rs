//! `marionette predict`: keypoints where they are in the picture, and a bad picture costs no other.

use crate::runs::{
    Outcome, contents, fail, json, marionette, names, outcome, succeed, write_random_weights,
};
use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage, imageops};
use marionette::train::eval::Detector;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A folder with the weights of a network that has learned nothing.
fn with_weights() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("w.safetensors");
    write_random_weights(&weights, 5);
    (folder, weights)
}

fn predict(folder: &TempDir, images: &[&str], more: &[&str]) -> Command {
    let mut command = marionette(["predict"]);
    command
        .args(images)
        .args(["--weights", "w.safetensors", "--out", "out"])
        .args(more)
        .current_dir(folder);
    command
}

/// Something to see everywhere, at every size.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |f: f32, g: f32| {
            (127.5 + 127.0 * (x as f32 * f + (y as f32 * g).cos() * 3.0).sin()) as u8
        };
        Rgb([wave(0.21, 0.13), wave(0.05, 0.31), (x * 7 + y * 13) as u8])
    })
}

fn save(folder: &TempDir, name: &str, picture: &RgbImage) {
    picture.save(folder.path().join(name)).unwrap();
}

/// Predicts in one picture and gives x, y and score of its keypoints.
fn keypoints(folder: &TempDir, image: &str, more: &[&str]) -> Vec<[f64; 3]> {
    succeed(&mut predict(folder, &[image], more));
    let found = json(&folder.path().join("out"), "predictions.json");
    let images = found["images"].as_array().unwrap();
    assert_eq!(images.len(), 1);
    let keypoints = images[0]["people"][0]["keypoints"].as_array().unwrap();
    assert_eq!(keypoints.len(), 17);
    keypoints.iter().map(|k| ["x", "y", "score"].map(|key| k[key].as_f64().unwrap())).collect()
}

#[track_caller]
fn assert_near(found: &[[f64; 3]], expected: &[[f64; 3]], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let apart = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance);
        assert!(apart, "{found:?} instead of {expected:?}");
    }
}

/// `keypoints` in a picture that lies `by` further right and down.
fn shifted(keypoints: &[[f64; 3]], by: [f64; 2]) -> Vec<[f64; 3]> {
    keypoints.iter().map(|[x, y, score]| [x + by[0], y + by[1], *score]).collect()
}

/// What the network itself says of a picture of its own size.
fn direct(weights: &Path, input: &RgbImage) -> Vec<[f64; 3]> {
    assert_eq!(input.dimensions(), (64, 64));
    let detector = Detector::load(weights, &Device::Cpu).unwrap();
    let found = detector.detect(&[input.as_raw()]).unwrap();
    let found: Vec<[f64; 3]> =
        found[0].iter().map(|k| [k.x, k.y, k.score].map(f64::from)).collect();
    // The tests below would prove nothing of a network that says the same of everything.
    let spread = |axis: usize| found.iter().map(|k| k[axis]).fold(0.0, f64::max) > 40.0;
    assert!(spread(0) && spread(1), "{found:?}");
    found
}

#[test]
fn a_box_is_cut_out_and_keypoints_are_put_back_where_it_was() {
    let (folder, weights) = with_weights();
    let whole = picture(200, 150);
    save(&folder, "a.png", &whole);
    // 51.2 times 1.25 is 64: the network is shown pixels as they are, from (90, 30) on.
    let found = keypoints(&folder, "a.png", &["--box", "96.4,36.4,51.2,51.2"]);
    let expected = direct(&weights, &imageops::crop_imm(&whole, 90, 30, 64, 64).to_image());
    assert_near(&found, &shifted(&expected, [90.0, 30.0]), 0.01);
    let said =
        json(&folder.path().join("out"), "predictions.json")["images"][0]["people"][0].clone();
    for (key, expected) in [("box", [96.4, 36.4, 51.2, 51.2]), ("crop", [90.0, 30.0, 64.0, 64.0])] {
        let found: Vec<f64> =
            said[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.01), "{key}: {found:?}");
    }
    // A lying box is widened to a square: 25.6 rows less, as many columns as before.
    let lying = keypoints(&folder, "a.png", &["--box", "96.4,49.2,51.2,25.6"]);
    assert_near(&lying, &found, 0.01);
}

#[test]
fn without_a_box_the_whole_picture_lies_in_the_middle_of_the_input() {
    let (folder, weights) = with_weights();
    let lying = picture(64, 40);
    save(&folder, "a.png", &lying);
    let mut input = RgbImage::from_pixel(64, 64, Rgb([0; 3]));
    imageops::replace(&mut input, &lying, 0, 12);
    assert_near(
        &keypoints(&folder, "a.png", &[]),
        &shifted(&direct(&weights, &input), [0.0, -12.0]),
        0.01,
    );
    // Four pixels where there was one.
    let large = imageops::resize(&lying, 128, 80, imageops::FilterType::Nearest);
    save(&folder, "b.png", &large);
    let said =
        json(&folder.path().join("out"), "predictions.json")["images"][0]["people"][0].clone();
    assert_eq!(said["box"], serde_json::json!([0.0, 0.0, 64.0, 40.0]));
    assert_eq!(said["crop"], serde_json::json!([0.0, -12.0, 64.0, 64.0]));
    succeed(&mut predict(&folder, &["b.png"], &[]));
    let said =
        json(&folder.path().join("out"), "predictions.json")["images"][0]["people"][0].clone();
    assert_eq!(said["crop"], serde_json::json!([0.0, -24.0, 128.0, 128.0]));
}

#[test]
fn what_is_shifted_with_its_box_is_found_shifted() {
    let (folder, _) = with_weights();
    let whole = picture(160, 120);
    save(&folder, "a.png", &whole);
    let (right, down) = (37, 19);
    let mut padded = RgbImage::from_pixel(160 + right + 8, 120 + down + 3, Rgb([0; 3]));
    imageops::replace(&mut padded, &whole, i64::from(right), i64::from(down));
    save(&folder, "b.png", &padded);
    // Within the picture, and out of it on two sides, where the padding's colour goes on; shrunk
    // and enlarged.
    for [x, y, w, h] in [[30, 20, 80, 64], [-20, -10, 90, 96], [60, 50, 16, 32]] {
        let boxed = |dx: u32, dy: u32| format!("{},{},{w},{h}", x + dx as i32, y + dy as i32);
        let before = keypoints(&folder, "a.png", &["--box", &boxed(0, 0)]);
        let after = keypoints(&folder, "b.png", &["--box", &boxed(right, down)]);
        assert_near(&after, &shifted(&before, [f64::from(right), f64::from(down)]), 0.02);
        let elsewhere = keypoints(&folder, "b.png", &["--box", &boxed(right + 9, down)]);
        let moved = elsewhere.iter().zip(&after).any(|(a, b)| (a[0] - b[0]).abs() > 1.0);
        assert!(moved, "the network says the same of everything");
    }
}

#[test]
fn every_picture_has_an_overlay_of_its_own() {
    let (folder, _) = with_weights();
    for (name, side) in [("a.png", 40), ("a.jpg", 50), ("b.JPEG", 600)] {
        save(&folder, name, &picture(side, side / 2));
    }
    for sub in ["photos", "photos/deeper.png"] {
        fs::create_dir(folder.path().join(sub)).unwrap();
    }
    save(&folder, "photos/z.png", &picture(30, 30));
    save(&folder, "photos/a.png", &picture(70, 30));
    fs::write(folder.path().join("photos/.a.png"), "another program's").unwrap();
    fs::write(folder.path().join("photos/notes.txt"), "not a picture").unwrap();
    save(&folder, "photos/deeper.png/x.png", &picture(30, 30));
    let said = succeed(&mut predict(&folder, &["a.png", "photos", "a.jpg", "b.JPEG"], &[]));
    assert_eq!(
        said.stdout,
        "keypoints in 5 of 5 pictures: out/predictions.json, overlays beside it\n"
    );
    let out = folder.path().join("out");
    let found = json(&out, "predictions.json");
    assert_eq!(found["model"]["network"], "nano");
    assert_eq!(
        (&found["model"]["step"], &found["model"]["figure"]),
        (&Value::from(7), &Value::from("human"))
    );
    let listed: Vec<[&str; 2]> = found["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| ["file", "overlay"].map(|k| i[k].as_str().unwrap()))
        .collect();
    let expected = [
        ["a.png", "a.png"],
        ["photos/a.png", "a-2.png"],
        ["photos/z.png", "z.png"],
        ["a.jpg", "a-3.png"],
        ["b.JPEG", "b.png"],
    ];
    assert_eq!(listed, expected);
    assert_eq!(names(&out), ["a-2.png", "a-3.png", "a.png", "b.png", "predictions.json", "z.png"]);
    let size = |name: &str| image::image_dimensions(out.join(name)).unwrap();
    assert_eq!(
        (size("a.png"), size("a-3.png"), size("b.png")),
        ((400, 200), (400, 200), (600, 300))
    );
    let image = &found["images"][0]["people"][0];
    let keypoints = image["keypoints"].as_array().unwrap();
    assert_eq!(
        (&keypoints[0]["name"], &keypoints[16]["name"]),
        (&"nose".into(), &"right_ankle".into())
    );
    let mean = keypoints.iter().map(|k| k["score"].as_f64().unwrap()).sum::<f64>() / 17.0;
    assert!((image["score"].as_f64().unwrap() - mean).abs() < 0.002);
    // The same again gives the same, without a word.
    let before = contents(&out);
    let said =
        succeed(&mut predict(&folder, &["a.png", "photos", "a.jpg", "b.JPEG"], &["--quiet"]));
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    assert!(contents(&out) == before);
}

/// The warnings, which come before the last line.
fn warnings(said: &Outcome) -> Vec<&str> {
    let lines: Vec<&str> = said.stderr.trim_end().lines().collect();
    assert!(lines.last().unwrap().starts_with("error: "), "{said:?}");
    lines[..lines.len() - 1].to_vec()
}

#[test]
fn bad_pictures_are_named_and_the_others_are_done() {
    let (folder, _) = with_weights();
    save(&folder, "good.png", &picture(40, 40));
    let png = fs::read(folder.path().join("good.png")).unwrap();
    let of_size = |name: &str, width: u32, height: u32| {
        let mut bytes = png.clone();
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        fs::write(folder.path().join(name), bytes).unwrap();
    };
    of_size("nothing.png", 0, 40);
    of_size("huge.png", 10_000, 10_000);
    fs::write(folder.path().join("cut.png"), &png[..png.len() / 2]).unwrap();
    fs::write(folder.path().join("text.jpg"), "no picture").unwrap();
    fs::write(folder.path().join("empty.png"), "").unwrap();
    let bad = [
        ("nothing.png", "0x40 pixels"),
        ("huge.png", "at most 50 megapixels"),
        ("cut.png", "is damaged"),
        ("text.jpg", "give a whole PNG or JPEG"),
        ("empty.png", "give a whole PNG or JPEG"),
        ("missing.png", "No such file"),
    ];
    let mut images: Vec<&str> = bad.iter().map(|(name, _)| *name).collect();
    images.insert(3, "good.png");
    for quiet in [&[][..], &["--quiet"]] {
        let said = outcome(&mut predict(&folder, &images, quiet));
        assert_eq!(said.code, Some(1), "{said:?}");
        let warnings = warnings(&said);
        assert_eq!(warnings.len(), bad.len(), "{said:?}");
        for (warning, (name, part)) in warnings.iter().zip(bad) {
            assert!(
                warning.starts_with(&format!("warning: {name}: ")) && warning.contains(part),
                "{warning}"
            );
        }
        assert!(said.stderr.ends_with("error: 6 of 7 pictures could not be used\n"), "{said:?}");
        assert_eq!(names(&folder.path().join("out")), ["good.png", "predictions.json"]);
        let found = json(&folder.path().join("out"), "predictions.json");
        assert_eq!(found["images"].as_array().unwrap().len(), 1);
        assert_eq!(found["images"][0]["file"], "good.png");
    }
}

#[test]
fn bad_boxes_are_refused_before_anything_is_written() {
    let (folder, _) = with_weights();
    save(&folder, "a.png", &picture(40, 30));
    save(&folder, "b.png", &picture(40, 30));
    for malformed in [
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "1,2,0,4",
        "1,2,3,-4",
        "1,2,nan,4",
        "0,0,inf,3",
        "1e99,0,3,3",
        "",
    ] {
        let said = outcome(&mut predict(&folder, &["a.png"], &["--box", malformed]));
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{malformed}: {said:?}");
        assert!(
            said.stderr.contains("--box")
                && said.stderr.contains("give left, top, width and height"),
            "{said:?}"
        );
    }
    for outside in ["40,0,5,5", "0,30,5,5", "-5,0,5,5", "0,-9,5,5", "1000,1000,5,5"] {
        let parts = [
            &format!("--box {outside} is wholly outside of a.png, which is 40x30"),
            "give left, top",
        ];
        fail(&mut predict(&folder, &["a.png"], &["--box", outside]), 2, &parts);
    }
    fail(
        &mut predict(&folder, &["a.png", "b.png"], &["--box", "1,2,3,4"]),
        2,
        &["--box is for a single picture"],
    );
    fail(
        &mut predict(&folder, &["."], &["--box", "1,2,3,4"]),
        2,
        &["there are 2", "give one picture"],
    );
    assert_eq!(names(folder.path()), ["a.png", "b.png", "w.safetensors"]);
    // Odd, but in the picture.
    for odd in ["39.99,0,3e38,5", "-1e30,-1e30,2e30,2e30", "5,5,1e-30,1e-30", " 1, 2,3 ,4"] {
        succeed(&mut predict(&folder, &["a.png"], &["--box", odd]));
    }
}

#[test]
fn what_else_is_wrong_is_named() {
    let (folder, weights) = with_weights();
    save(&folder, "a.png", &picture(40, 30));
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("empty/notes.txt"), "none").unwrap();
    let path = |name: &str| folder.path().join(name);
    let before = contents(folder.path());
    fail(
        &mut predict(&folder, &["empty"], &[]),
        2,
        &["empty: has no pictures", ".png, .jpg, .jpeg, .jpe or .jfif"],
    );
    fail(
        &mut predict(&folder, &["a.png"], &["--device", "gpu"]),
        2,
        &["gpu", "auto, cpu, cuda:N or metal"],
    );
    // The overlay of a.png would be a.png.
    fail(
        marionette(["predict", "a.png", "--weights", "w.safetensors", "--out", "."])
            .current_dir(&folder),
        2,
        &["would overwrite a.png, which is read", "choose another"],
    );
    assert!(contents(folder.path()) == before, "something has changed");
    fail(
        marionette(["predict", "a.png", "--weights", "w.safetensors", "--out", "a.png"])
            .current_dir(&folder),
        1,
        &["a.png: cannot"],
    );
    fail(
        marionette(["predict", "a.png", "--weights", "w.safetensors", "--out", "a.png/x"])
            .current_dir(&folder),
        1,
        &["a.png/x: cannot"],
    );
    assert!(contents(folder.path()) == before, "something has changed");

    // The order of old.
    fail(
        marionette(["predict", "w.safetensors", "a.png", "--weights", "w", "--out", "out"])
            .current_dir(&folder),
        2,
        &["w.safetensors: is no picture", "predict PICTURES --weights w.safetensors"],
    );

    let bytes = fs::read(&weights).unwrap();
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(path("flipped"), flipped).unwrap();
    fs::write(path("truncated"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(path("text"), "no weights at all").unwrap();
    let foreign = BTreeMap::from([(
        "x".to_owned(),
        Tensor::zeros(3, candle_core::DType::F32, &Device::Cpu).unwrap(),
    )]);
    marionette::train::export::write_weights(&path("foreign"), &foreign, &BTreeMap::new()).unwrap();
    let cases = [
        ("flipped", "is corrupted"),
        ("truncated", "truncated"),
        ("text", "no safetensors file"),
        ("foreign", "of another program"),
        ("missing", "cannot be read"),
        ("a.png", "no safetensors file"),
    ];
    for (weights, part) in cases {
        fail(
            marionette(["predict", "a.png", "--weights", weights, "--out", "out"])
                .current_dir(&folder),
            2,
            &[weights, part],
        );
    }
    assert!(!path("out").exists());
}

#[test]
fn overlays_may_be_left_out() {
    let (folder, _) = with_weights();
    for name in ["a.png", "b.png"] {
        save(&folder, name, &picture(80, 60));
    }
    let images = |more: &[&str]| {
        succeed(&mut predict(&folder, &["a.png", "b.png"], more));
        json(&folder.path().join("out"), "predictions.json")["images"].clone()
    };
    let without = images(&["--no-overlays"]);
    assert_eq!(names(&folder.path().join("out")), ["predictions.json"]);
    let mut with = images(&[]);
    for (image, overlay) in with.as_array_mut().unwrap().iter_mut().zip(["a.png", "b.png"]) {
        assert_eq!(image.as_object_mut().unwrap().remove("overlay").unwrap(), overlay);
        assert!(folder.path().join("out").join(overlay).exists());
    }
    assert_eq!(with, without);
}

#[test]
fn frames_of_a_video_are_smoothed_over_time() {
    let (folder, _) = with_weights();
    let (still, other) = (picture(64, 64), imageops::rotate90(&picture(64, 64)));
    fs::create_dir(folder.path().join("frames")).unwrap();
    for frame in 0..20 {
        // The tenth shows something else.
        save(&folder, &format!("frames/{frame:02}.png"), if frame == 10 { &other } else { &still });
    }
    let found = |more: &[&str]| -> Vec<Vec<[f64; 2]>> {
        succeed(&mut predict(&folder, &["frames"], more));
        let found = json(&folder.path().join("out"), "predictions.json");
        assert_eq!(found["model"]["video_frames"].as_f64(), (!more.is_empty()).then_some(25.0));
        let keypoints = |image: &Value| {
            let all = image["people"][0]["keypoints"].as_array().unwrap().clone();
            all.iter().map(|k| ["x", "y"].map(|key| k[key].as_f64().unwrap())).collect()
        };
        found["images"].as_array().unwrap().iter().map(keypoints).collect()
    };
    let (each, smoothed) = (found(&[]), found(&["--video-frames", "25"]));
    assert_eq!((each.len(), smoothed.len()), (20, 20));
    // Pictures that are alike stay where they are, whatever batch they are in.
    assert!(each[..10].iter().all(|frame| *frame == each[0]));
    assert_eq!(each[..10], smoothed[..10]);
    let jump = |frames: &[Vec<[f64; 2]>]| -> f64 {
        let moved = frames[10].iter().zip(&frames[9]);
        moved.map(|([a, b], [c, d])| (a - c).hypot(b - d)).sum()
    };
    assert!(jump(&each) > 0.0 && jump(&smoothed) < jump(&each));
    assert!(smoothed[11] != each[11] && each[11] == each[0]);
    let said = outcome(&mut predict(&folder, &["frames"], &["--video-frames", "0"]));
    assert!(said.code == Some(2) && said.stderr.contains("such as 25"), "{said:?}");
}
