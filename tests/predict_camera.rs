//! `marionette predict --pnp`: the camera from keypoints, joint states and a lens.

use crate::runs::{fail, json, marionette, outcome, succeed, write_random_weights};
use glam::{Affine3A, EulerRot, Mat4, Quat, Vec3};
use image::{Rgb, RgbImage};
use marionette::figure::turn;
use serde_json::{Value, json};
use std::{fmt::Write, fs, process::Command};
use tempfile::TempDir;

const FOCAL: f32 = 300.0;
const CENTER: [f32; 2] = [99.5, 74.5];
/// How the root lies in the figure, degrees.
const ROOT: [f32; 3] = [-90.0, 30.0, 10.0];

/// Where the camera is.
fn camera_from_base() -> Affine3A {
    let rotation = Quat::from_euler(EulerRot::XYZ, 0.4, -0.7, 2.0);
    Affine3A::from_rotation_translation(rotation, Vec3::new(0.2, -0.1, 2.5))
}

fn predict(folder: &TempDir, more: &[&str]) -> Command {
    let mut command =
        marionette(["predict", "a.png", "--weights", "w.safetensors", "--out", "out"]);
    command.args(more).current_dir(folder);
    command
}

const PNP: [&str; 7] =
    ["--pnp", "--figure", "figure", "--intrinsics", "K.json", "--joints", "q.json"];

/// A network that finds something somewhere in `a.png`, and a figure whose keypoints are seen just
/// there by the camera, half of them on a slide that is 0.3 m up.
fn found() -> (TempDir, usize) {
    let folder = tempfile::tempdir().unwrap();
    write_random_weights(&folder.path().join("w.safetensors"), 5);
    let wave = |x: u32, y: u32| {
        (127.5 + 127.0 * (x as f32 * 0.21 + (y as f32 * 0.13).cos() * 3.0).sin()) as u8
    };
    let picture =
        RgbImage::from_fn(200, 150, |x, y| Rgb([wave(x, y), wave(y, x), (x * 7 + y * 13) as u8]));
    picture.save(folder.path().join("a.png")).unwrap();
    succeed(&mut predict(&folder, &[]));
    let said =
        json(&folder.path().join("out"), "predictions.json")["images"][0]["people"][0].clone();
    assert!(said.get("camera").is_none() && said.get("camera_error").is_none());
    let keypoints = said["keypoints"].as_array().unwrap();
    let number = |value: &Value| value.as_f64().unwrap() as f32;
    let mut figure = format!(
        "name = \"thing\"\nedges = [[\"nose\", \"left_eye\"]]\n\
         [[bones]]\nname = \"base\"\noffset = [0, 0, 0]\nturn = {ROOT:?}\n\
         [[bones]]\nname = \"lift\"\nparent = \"base\"\noffset = [0, 0, 0]\n\
         slides = {{ y = [0, 0.5] }}\njoint = \"mast\"\n\
         [[parts]]\nname = \"ball\"\nbone = \"base\"\nsphere = 0.2\n"
    );
    let mut sure = 0;
    for (k, keypoint) in keypoints.iter().enumerate() {
        let [x, y] = [number(&keypoint["x"]), number(&keypoint["y"])];
        sure += usize::from(number(&keypoint["score"]) >= 0.1);
        // Ours are counted from the corner of the first pixel, the lens's from its middle.
        let [u, v] = [x - 0.5 - CENTER[0], y - 0.5 - CENTER[1]];
        let depth = 2.0 + 0.37 * (k * k % 5) as f32;
        let seen = Vec3::new(u / FOCAL, v / FOCAL, 1.0) * depth;
        let lifted = k % 2 == 1;
        let at = camera_from_base().inverse().transform_point3(seen)
            - if lifted { Vec3::Y * 0.3 } else { Vec3::ZERO };
        let bone = if lifted { "lift" } else { "base" };
        let name = keypoint["name"].as_str().unwrap();
        let [x, y, z] = at.to_array();
        writeln!(
            figure,
            "[[keypoints]]\nname = \"{name}\"\nbone = \"{bone}\"\noffset = [{x:?}, {y:?}, {z:?}]"
        )
        .unwrap();
    }
    fs::create_dir(folder.path().join("figure")).unwrap();
    fs::write(folder.path().join("figure/figure.toml"), figure).unwrap();
    let lens = json!({ "fx": FOCAL, "fy": FOCAL, "cx": CENTER[0], "cy": CENTER[1] });
    fs::write(folder.path().join("K.json"), lens.to_string()).unwrap();
    fs::write(folder.path().join("q.json"), r#"{"mast": 0.3}"#).unwrap();
    // The camera rests on those alone.
    assert!(sure >= 6, "{keypoints:?}");
    (folder, sure)
}

fn matrix(value: &Value) -> Mat4 {
    let entry = |row: usize, column: usize| value[row][column].as_f64().unwrap() as f32;
    Mat4::from_cols_array_2d(&[0, 1, 2, 3].map(|column| [0, 1, 2, 3].map(|row| entry(row, column))))
}

#[test]
fn the_camera_is_where_the_keypoints_say() {
    let (folder, sure) = found();
    let said = succeed(&mut predict(&folder, &PNP));
    assert!(said.stdout.contains("camera_from_base, from the frame of base"), "{said:?}");
    let camera =
        json(&folder.path().join("out"), "predictions.json")["images"][0]["people"][0]["camera"]
            .clone();
    assert_eq!(camera["base"], "base");
    assert_eq!(camera["inliers"], sure);
    let expected = Mat4::from(camera_from_base());
    let from_base = matrix(&camera["camera_from_base"]);
    assert!(from_base.abs_diff_eq(expected, 2e-3), "{camera:#} is not {expected}");
    // The figure's own axes are the root's without its turn.
    let figure_from_base = Mat4::from_quat(turn(Vec3::from(ROOT.map(f32::to_radians))));
    let from_figure = matrix(&camera["camera_from_figure"]) * figure_from_base;
    assert!(from_figure.abs_diff_eq(expected, 2e-3), "{camera:#} is not {expected}");
    assert!(camera["rms_pixels"].as_f64().unwrap() < 0.05, "{camera:#}");

    // One state and one lens for each picture say the same.
    let lens = fs::read_to_string(folder.path().join("K.json")).unwrap();
    fs::write(folder.path().join("q.json"), r#"{"a.png": {"mast": 0.3}}"#).unwrap();
    fs::write(folder.path().join("K.json"), format!("{{\"a.png\": {lens}}}")).unwrap();
    succeed(&mut predict(&folder, &PNP));
    let again =
        json(&folder.path().join("out"), "predictions.json")["images"][0]["people"][0]["camera"]
            .clone();
    assert_eq!(again, camera);
}

#[test]
fn a_camera_that_cannot_be_found_is_said_and_costs_no_keypoints() {
    let (folder, _) = found();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let lens =
        json!({ "fx": FOCAL, "fy": FOCAL, "cx": 99.5, "cy": 74.5, "width": 640, "height": 480 });
    write("K.json", &lens.to_string());
    succeed(&mut predict(&folder, &PNP));
    let said =
        json(&folder.path().join("out"), "predictions.json")["images"][0]["people"][0].clone();
    assert_eq!(said["keypoints"].as_array().unwrap().len(), 17);
    let error = said["camera_error"].as_str().unwrap();
    assert!(error.contains("of pictures of 640x480 pixels, and this one has 200x150"), "{error}");
    assert!(said.get("camera").is_none());

    for (name, text, complaint) in [
        ("q.json", r#"{"boom": 0.3}"#, "has no joint \"boom\"; it has mast"),
        ("q.json", r#"{"mast": 30}"#, "joint mast is at 30, and goes from 0 to 0.5 metres"),
        ("q.json", r#"{"b.png": {"mast": 0.3}}"#, "has nothing for the picture \"a.png\""),
        ("K.json", r#"{"fx": 300}"#, "give fx, fy, cx and cy"),
    ] {
        let before = fs::read_to_string(folder.path().join(name)).unwrap();
        write(name, text);
        fail(&mut predict(&folder, &PNP), 2, &[complaint]);
        write(name, &before);
    }
    fail(&mut predict(&folder, &PNP[..5]), 2, &["there is no state of mast"]);
    let alone = outcome(&mut predict(&folder, &["--pnp"]));
    assert_eq!(alone.code, Some(2));
    assert!(
        alone.stderr.contains("--figure") && alone.stderr.contains("--intrinsics"),
        "{alone:?}"
    );
    let figure = fs::read_to_string(folder.path().join("figure/figure.toml")).unwrap();
    write("figure/figure.toml", &figure.replace("left_", "links_").replace("right_", "rechts_"));
    fail(&mut predict(&folder, &PNP), 2, &["has 1 of the keypoints that the network finds"]);
}
