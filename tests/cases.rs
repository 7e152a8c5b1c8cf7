//! Inputs on which the program once failed, after reports by people who do the same job; see
//! `tests/fixtures/cases`. Each is right now, and so is its whole kind.

use crate::runs::{
    Outcome, contents, copy, fail, json, marionette, metrics, names, outcome, succeed,
    write_random_weights,
};
use candle_core::{DType, Tensor};
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageReader, RgbImage, RgbaImage};
use marionette::train::export::read_weights;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A folder with a copy of the cases called `name`, and weights of no run.
struct Case(TempDir);

impl Case {
    fn new(name: &str) -> Self {
        let case = Case(tempfile::tempdir().unwrap());
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
        copy(&cases.join(name), case.0.path());
        write_random_weights(&case.path("w"), 5);
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = marionette(args);
        command.current_dir(&self.0);
        command
    }

    fn eval(&self, labels: &str, images: &str, more: &[&str]) -> Command {
        let args = ["eval", "w", "--coco", labels, "--images", images];
        self.command(&[&args, more].concat())
    }

    /// The pictures of `predictions.json` after `predict` of these.
    fn predict(&self, images: &[&str]) -> Value {
        let args = ["predict", "--weights", "w", "--out", "out", "--quiet"];
        succeed(&mut self.command(&[&args, images].concat()));
        people(&self.path("out"))
    }

    /// The results of `eval`, by annotation's place.
    fn results(&self, labels: &str, images: &str) -> (Outcome, Vec<Vec<f64>>) {
        let said = succeed(&mut self.eval(labels, images, &["--results", "results"]));
        let results = json(self.0.path(), "results");
        (said, results.as_array().unwrap().iter().map(|r| numbers(&r["keypoints"])).collect())
    }
}

/// The person in each picture of `predictions.json` in `folder`.
fn people(folder: &Path) -> Value {
    let found = json(folder, "predictions.json");
    let images = found["images"].as_array().unwrap();
    images.iter().map(|image| image["people"][0].clone()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Places of keypoints that may differ by what JPEG does, which an untrained network makes much of.
fn share_of_near(a: &[[f64; 2]], b: &[[f64; 2]], pixels: f64) -> f64 {
    let near = |(a, b): (&[f64; 2], &[f64; 2])| (a[0] - b[0]).hypot(a[1] - b[1]) < pixels;
    a.iter().zip(b).filter(|pair| near((pair.0, pair.1))).count() as f64 / a.len() as f64
}

fn places(found: &Value) -> Vec<[f64; 2]> {
    let keypoints = found["keypoints"].as_array().unwrap();
    keypoints.iter().map(|k| ["x", "y"].map(|key| k[key].as_f64().unwrap())).collect()
}

#[test]
fn pictures_are_predicted_as_people_see_them() {
    let case = Case::new("exif");
    let found = case.predict(&["phone.jpg", "upright.jpg"]);
    let said = json(&case.path("out"), "predictions.json")["images"][0].clone();
    assert_eq!((&said["width"], &said["height"]), (&json!(240), &json!(320)));
    let near = share_of_near(&places(&found[0]), &places(&found[1]), 12.0);
    assert!(near > 0.8, "{near} of the keypoints lie where they lie in upright.jpg");
    // The overlay is upright too.
    let overlay = |name: &str| image::open(case.path("out").join(name)).unwrap().into_rgb8();
    let (phone, upright) = (overlay("phone.png"), overlay("upright.png"));
    assert_eq!(phone.dimensions(), upright.dimensions());
    let far = phone.as_raw().iter().zip(upright.as_raw()).filter(|(a, b)| a.abs_diff(**b) > 60);
    assert!(far.count() * 20 < phone.as_raw().len(), "the pictures differ");
    // All eight orientations, without loss.
    let upright = image::open(case.path("upright.jpg")).unwrap();
    upright.save(case.path("0.png")).unwrap();
    let mut files = vec!["0.png".to_owned()];
    for orientation in 1..=8u8 {
        let name = format!("{orientation}.png");
        save_turned(&case.path(&name), &upright, orientation);
        files.push(name);
    }
    let found = case.predict(&files.iter().map(String::as_str).collect::<Vec<_>>());
    for orientation in 1..=8 {
        assert_eq!(found[orientation]["keypoints"], found[0]["keypoints"], "{orientation}");
        assert_eq!(overlay(&files[orientation]), overlay("0.png"), "{orientation}");
    }
}

/// Saves `seen` so that it looks like that where EXIF's `orientation` is heeded.
fn save_turned(path: &Path, seen: &DynamicImage, orientation: u8) {
    use image::metadata::Orientation::{self, Rotate90, Rotate270};
    let orientation = Orientation::from_exif(orientation).unwrap();
    let mut stored = seen.clone();
    stored.apply_orientation(match orientation {
        Rotate90 => Rotate270,
        Rotate270 => Rotate90,
        own_inverse => own_inverse,
    });
    let mut exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0]);
    let mut encoder = image::codecs::png::PngEncoder::new(fs::File::create(path).unwrap());
    encoder.set_exif_metadata(exif).unwrap();
    let stored = stored.into_rgb8();
    let (width, height) = stored.dimensions();
    encoder.write_image(&stored, width, height, image::ExtendedColorType::Rgb8).unwrap();
    let mut decoder = ImageReader::open(path).unwrap().into_decoder().unwrap();
    assert_eq!(decoder.orientation().unwrap(), orientation);
}

#[test]
fn pictures_are_judged_as_they_were_annotated() {
    let case = Case::new("exif");
    // The same labels, of a picture that is stored as it is seen.
    let labels = fs::read_to_string(case.path("as_seen.json")).unwrap();
    fs::write(case.path("truth.json"), labels.replace("phone.jpg", "upright.jpg")).unwrap();
    let (_, truth) = case.results("truth.json", ".");
    let pairs = |flat: &[f64]| flat.chunks_exact(3).map(|t| [t[0], t[1]]).collect::<Vec<_>>();
    let (said, seen) = case.results("as_seen.json", ".");
    assert_eq!(said.stderr, "");
    let near = share_of_near(&pairs(&seen[0]), &pairs(&truth[0]), 12.0);
    assert!(near > 0.8, "{near}");
    let (said, stored) = case.results("as_stored.json", ".");
    assert_eq!(said.stderr, "");
    // Without a size it is as stored, as COCO has it, and is told.
    let (said, unsure) = case.results("as_seen_without_size.json", ".");
    let warning = said.stderr.lines().collect::<Vec<_>>();
    assert_eq!(warning.len(), 1, "{said:?}");
    assert!(
        warning[0].starts_with("warning: 1 of 1 pictures are to be turned to be seen"),
        "{said:?}"
    );
    let text = fs::read_to_string(case.path("as_stored.json")).unwrap();
    let text = text.replace("\"width\": 320, \"height\": 240", "\"height\": null");
    fs::write(case.path("stored_without_size.json"), text).unwrap();
    assert_eq!(case.results("stored_without_size.json", ".").1, stored);
    assert_ne!(unsure, stored);
}

#[test]
fn files_that_end_early_are_refused_by_every_reader() {
    let case = Case::new("damaged_jpeg");
    let bytes = |name: &str| fs::read(case.path(name)).unwrap();
    let (base, progressive) = (bytes("base.jpg"), bytes("prog.jpg"));
    fs::write(case.path("prog-half.jpg"), &progressive[..progressive.len() / 2]).unwrap();
    fs::write(case.path("longer.jpg"), [&base[..], b"and more"].concat()).unwrap();
    let all = ["base-half.jpg", "base.jpg", "longer.jpg", "prog-half.jpg", "prog.jpg"];
    let args = ["predict", "--weights", "w", "--out", "out", "--quiet"];
    let said = outcome(&mut case.command(&[&args[..], &all].concat()));
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert!(lines[0].starts_with("warning: base-half.jpg: is damaged: it ends early"), "{said:?}");
    assert!(lines[1].starts_with("warning: prog-half.jpg: is damaged: it ends early"), "{said:?}");
    assert_eq!(lines[2..], ["error: 2 of 5 pictures could not be used"]);
    let found = people(&case.path("out"));
    assert_eq!(found[0]["keypoints"], found[1]["keypoints"], "bytes after the end are harmless");
    // As a backdrop.
    for (picture, is_whole) in [("base-half.jpg", false), ("longer.jpg", true)] {
        let scene = format!("name = \"mine\"\nbase = \"all\"\nbackgrounds = [\"{picture}\"]\n");
        fs::write(case.path("scene.toml"), scene).unwrap();
        let mut preview =
            case.command(&["preview", "scene.toml", "--out", "a.png", "--count", "1"]);
        if is_whole {
            succeed(&mut preview);
        } else {
            fail(&mut preview, 2, &["base-half.jpg: is damaged: it ends early"]);
        }
    }
    // Where people are judged.
    let people: Vec<Value> = (1..3)
        .map(|id| {
            json!({"id": id, "image_id": id, "category_id": 1, "area": 9, "bbox": [10, 10, 90, 90],
                "keypoints": [50, 50, 2]})
        })
        .collect();
    let labels = json!({
        "images": [
            {"id": 1, "file_name": "base-half.jpg", "width": 240, "height": 320},
            {"id": 2, "file_name": "base.jpg", "width": 240, "height": 320},
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": ["nose"]}],
        "annotations": people,
    });
    fs::write(case.path("labels.json"), labels.to_string()).unwrap();
    let said = outcome(&mut case.eval("labels.json", ".", &["--json", "out.json"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("base-half.jpg: is damaged: it ends early"), "{said:?}");
    assert_eq!(json(case.0.path(), "out.json")["rows"][0]["pck"]["people"], 1);
}

#[test]
fn what_exporters_write_is_judged() {
    let case = Case::new("exporters_types");
    let (via, all) = case.results("via.json", "img");
    assert_eq!((via.stderr.as_str(), all.len()), ("", 3));
    assert_eq!(case.results("null_crowd.json", "img").1, all);
}

#[test]
fn what_json_does_not_have_is_named() {
    let case = Case::new("nan_json");
    let nan = ["annotation 2 has NaN", "of its keypoints", "give x, y and visibility"];
    fail(&mut case.eval("nan_one_line.json", "img", &[]), 2, &nan);
    let text = fs::read_to_string(case.path("nan_one_line.json")).unwrap();
    let utf_16 = text.encode_utf16().flat_map(u16::to_le_bytes);
    fs::write(case.path("utf16.json"), [0xff, 0xfe].into_iter().chain(utf_16).collect::<Vec<_>>())
        .unwrap();
    fail(&mut case.eval("utf16.json", "img", &[]), 2, &["utf16.json: is UTF-16 text; save it as"]);
    fs::write(case.path("a.json.gz"), b"\x1f\x8b\x08\0\0\0\0\0").unwrap();
    fail(&mut case.eval("a.json.gz", "img", &[]), 2, &["a.json.gz: is compressed with gzip"]);
    fs::write(case.path("bom.json"), format!("\u{feff}{}", text.replace("NaN", "2.0"))).unwrap();
    succeed(&mut case.eval("bom.json", "img", &[]));
    // Wherever text is read.
    fs::write(case.path("scene.toml"), b"\xff\xfen\0a\0").unwrap();
    let mut preview = case.command(&["preview", "scene.toml", "--out", "a.png"]);
    fail(&mut preview, 2, &["scene.toml: is UTF-16 text; save it as UTF-8"]);
}

#[test]
fn a_torso_without_a_length_is_none_and_names_are_matched() {
    let case = Case::new("names_and_torso");
    let said = succeed(&mut case.eval("zero_torso.json", "img", &["--json", "out.json"]));
    assert!(
        said.stdout.contains("4 people have no labelled torso, or one without a length"),
        "{said:?}"
    );
    let row = said.stdout.lines().find(|line| line.starts_with("all")).unwrap();
    assert!(row.split_whitespace().filter(|word| *word == "-").count() >= 4, "{row}");
    let pck = json(case.0.path(), "out.json")["rows"][0]["pck"].clone();
    assert_eq!((&pck["people"], &pck["without_torso"]), (&json!(4), &json!(4)));
    for measure in ["torso_02", "torso_02_blind", "auc", "mean_error"] {
        assert_eq!(pck[measure], Value::Null, "{measure}");
    }
    let (_, found) = case.results("spaces.json", "img");
    let text = fs::read_to_string(case.path("spaces.json")).unwrap();
    let underscores = text.replace("left ", "left_").replace("right ", "right_");
    fs::write(case.path("underscores.json"), underscores).unwrap();
    assert_eq!(case.results("underscores.json", "img").1, found);
    let strange = text.replace("left ", "sinister ").replace("right ", "dexter ");
    fs::write(case.path("strange.json"), strange).unwrap();
    let parts = ["only 1 of its 17 keypoints (nose, sinister eye", "(nose, left_eye", "-subset"];
    fail(&mut case.eval("strange.json", "img", &[]), 2, &parts);
    let said = succeed(&mut case.eval("strange.json", "img", &["--keypoints-subset"]));
    assert!(said.stdout.contains("Not in the file, and so not judged: left_eye"), "{said:?}");
}

/// Every output of every command over something that it reads: refused before anything happens.
#[test]
fn no_output_is_a_file_that_is_read() {
    let case = Case::new("output_over_input");
    let photos = case.path("img");
    let scene = "name = \"mine\"\nbase = \"base.toml\"\nbackgrounds = [\"img/*.jpg\"]\n";
    fs::write(case.path("scene.toml"), scene).unwrap();
    let all = include_str!("../scenes/all.toml");
    let figure = include_str!("../assets/figures/human.toml");
    fs::write(case.path("base.toml"), all.replace("\"human\"", "\"fig.toml\"")).unwrap();
    fs::write(case.path("fig.toml"), figure).unwrap();
    let run = case.path("run");
    let mut train = case.command(&["train", "scene.toml", "--run", "run", "--steps", "1"]);
    for setting in ["batch=4", "exam.images=0"] {
        train.args(["--set", setting]);
    }
    succeed(train.arg("--quiet"));
    std::os::unix::fs::symlink(case.path("ann.json"), case.path("link.json")).unwrap();
    fs::hard_link(case.path("ann.json"), case.path("hard.json")).unwrap();
    let before = contents(case.0.path());
    let coco = ["eval", "w", "--coco", "ann.json", "--images", "img"];
    let exam = ["eval", "run", "--exam", "easy", "--scene", "scene.toml", "--count", "2"];
    let preview = ["preview", "scene.toml", "--count", "1", "--out"];
    let stats = ["preview", "scene.toml", "--count", "1", "--stats", "--out", "a.png", "--json"];
    let export = ["export", "w", "--format", "safetensors", "--out"];
    let from_run = ["export", "run", "--format", "safetensors", "--out"];
    let bench = ["bench", "network", "--scene", "scene.toml", "--seconds", "0", "--json"];
    let picture = photos.join("p0.jpg");
    let picture = picture.to_str().unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&coco, &["--results", "ann.json"]),
        (&coco, &["--results", "./img/../ann.json"]),
        (&coco, &["--json", "link.json"]),
        (&coco, &["--json", "hard.json"]),
        (&coco, &["--json", "w"]),
        (&coco, &["--json", "img/p1.jpg"]),
        (&coco, &["--results", picture]),
        (&exam, &["--json", "scene.toml"]),
        (&exam, &["--json", "base.toml"]),
        (&exam, &["--json", "fig.toml"]),
        (&exam, &["--json", "run/weights.safetensors"]),
        (&exam, &["--json", "run/config.toml"]),
        (&preview, &["scene.toml"]),
        (&stats, &["base.toml"]),
        (&stats, &["img/p0.jpg"]),
        (&export, &["w"]),
        (&export, &["a.safetensors", "--check", "./w"]),
        (&from_run, &["run/weights.safetensors"]),
        (&from_run, &["run/a.safetensors"]),
        (&bench, &["scene.toml"]),
        (&bench, &["img/p0.jpg"]),
    ];
    for (command, more) in cases {
        let said = outcome(&mut case.command(&[*command, *more].concat()));
        assert_eq!(said.code, Some(2), "{command:?} {more:?}: {said:?}");
        // The first is refused for its ending already.
        let parts = ["would overwrite", "ends in .toml"];
        assert!(parts.iter().any(|part| said.stderr.contains(part)), "{said:?}");
        assert_eq!(said.stdout, "", "{command:?}");
    }
    // A picture's overlay over a picture, through a link to the folder.
    image::open(picture).unwrap().save(case.path("img/p0.png")).unwrap();
    std::os::unix::fs::symlink(&photos, case.path("there")).unwrap();
    let args = ["predict", "--weights", "w", "img/p0.jpg", "img/p0.png", "--out", "there"];
    fail(&mut case.command(&args), 2, &["would overwrite img/p0.png"]);
    fs::remove_file(case.path("there")).unwrap();
    fs::remove_file(case.path("img/p0.png")).unwrap();
    assert!(contents(case.0.path()) == before, "something has changed");
    assert!(run.is_dir());
}

#[test]
fn folder_names_are_no_patterns() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["shoot [2024]", "what now?", "a*b", "shoot 2", "whatXnow!"] {
        let own = folder.path().join(name);
        fs::create_dir_all(own.join("photos [1]")).unwrap();
        let shade = name.len() as u8 * 9;
        let picture = RgbImage::from_pixel(40, 40, image::Rgb([shade; 3]));
        picture.save(own.join("photos [1]/a.png")).unwrap();
        for (pattern, place) in [("photos [1]/a.png", 0), ("photos */*.png", 1)] {
            let scene = format!("name = \"mine\"\nbase = \"all\"\nbackgrounds = [\"{pattern}\"]\n");
            let path = own.join(format!("scene{place}.toml"));
            fs::write(&path, scene).unwrap();
            let scene = marionette::scene::load_scene(path.to_str().unwrap()).unwrap();
            assert_eq!(scene.pictures.pictures[0].pixels[0][0], shade, "{name}: {pattern}");
            // A run's own copy finds them as well, from anywhere.
            let copy = marionette::scene::parse_scene(scene.scene_file).unwrap();
            assert_eq!(copy.pictures.pictures[0].pixels[0][0], shade, "{name}: {pattern}");
        }
    }
}

#[test]
fn what_was_not_measured_is_null() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut train = marionette(["train", "quickstart", "--steps", "4", "--run"]);
    train.arg(&run).args(["--set", "batch=4", "--set", "exam.images=0", "--set", "log.every=1"]);
    let said = succeed(&mut train);
    // Four steps have no last tenth: the fourth begins at three quarters.
    let summary = json(&run, "summary.json");
    assert_eq!(summary["loss"][1], Value::Null);
    assert_eq!(summary["mean_pose_pck"], Value::Null);
    let loss = said.stdout.lines().find(|line| line.starts_with("  loss ")).unwrap();
    assert!(loss.ends_with("-> -"), "{loss}");
    // One sample has no rank.
    let first = &metrics(&run)[0];
    let correlation = &first["spearman_score_error"];
    assert!(correlation.is_null() || correlation.as_f64().is_some_and(|c| c.abs() > 0.0));
}

#[test]
fn a_run_is_used_without_the_pictures_of_its_scene() {
    let case = Case::new("output_over_input");
    let scene = "name = \"mine\"\nbase = \"all\"\nbackgrounds = [\"img/p1.jpg\"]\n";
    fs::write(case.path("scene.toml"), scene).unwrap();
    for (run, steps) in [("done", "2"), ("half", "2")] {
        let mut train = case.command(&["train", "scene.toml", "--run", run, "--steps", steps]);
        for setting in ["batch=4", "exam.images=0", "checkpoint.every=1"] {
            train.args(["--set", setting]);
        }
        succeed(train.arg("--quiet"));
    }
    // Of the second only checkpoints are there, as while it goes on.
    fs::remove_file(case.path("half/weights.safetensors")).unwrap();
    fs::rename(case.path("img/p1.jpg"), case.path("moved.jpg")).unwrap();
    fs::copy(case.path("moved.jpg"), case.path("img/p0.jpg")).unwrap();
    let labels = fs::read_to_string(case.path("ann.json")).unwrap().replace("p1.jpg", "p0.jpg");
    fs::write(case.path("ann.json"), labels).unwrap();
    for run in ["done", "half"] {
        succeed(&mut case.command(&["predict", "--weights", run, "img/p0.jpg", "--out", "out"]));
        succeed(&mut case.command(&["eval", run, "--coco", "ann.json", "--images", "img"]));
        let export = ["export", run, "--format", "safetensors", "--out", "a.safetensors"];
        succeed(&mut case.command(&export));
    }
    // To draw its scene the pictures are needed.
    let exam = ["eval", "done", "--exam", "easy", "--count", "2"];
    fail(&mut case.command(&exam), 2, &["no file matches"]);
}

#[test]
fn the_log_has_colours_on_terminals_only_and_a_filter_that_is_none_is_told() {
    let case = Case::new("damaged_jpeg");
    let mut predict = case.command(&["predict", "--weights", "w", "base.jpg", "--out", "out"]);
    let said = succeed(predict.env("MARIONETTE_LOG", "trace"));
    assert!(!said.stderr.contains('\u{1b}'), "{said:?}");
    let mut doctor = case.command(&["doctor"]);
    let said = succeed(doctor.env("MARIONETTE_LOG", "info"));
    assert!(said.stderr.contains("INFO") && !said.stderr.contains('\u{1b}'), "{said:?}");
    let mut doctor = case.command(&["doctor"]);
    fail(
        doctor.env("MARIONETTE_LOG", "loud=[["),
        2,
        &["MARIONETTE_LOG: found \"loud=[[\"", "give"],
    );
}

#[test]
fn weights_of_half_precision_are_read() {
    let case = Case::new("damaged_jpeg");
    let whole = case.predict(&["base.jpg"]);
    let weights = read_weights(&case.path("w")).unwrap();
    for (name, dtype) in [("f16", DType::F16), ("bf16", DType::BF16)] {
        // What this program does not write: another program's tensors, with the card as it was.
        let half =
            |(name, tensor): (&String, &Tensor)| (name.clone(), tensor.to_dtype(dtype).unwrap());
        let tensors: HashMap<String, Tensor> = weights.tensors.iter().map(half).collect();
        candle_core::safetensors::save(&tensors, case.path("half")).unwrap();
        let file = fs::read(case.path("half")).unwrap();
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let mut header: Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
        header["__metadata__"] = json!(weights.metadata);
        let header = header.to_string();
        let start = (header.len() as u64).to_le_bytes();
        fs::write(case.path("half"), [&start, header.as_bytes(), &file[8 + length..]].concat())
            .unwrap();
        succeed(&mut case.command(&[
            "predict",
            "--weights",
            "half",
            "base.jpg",
            "--out",
            "half-out",
        ]));
        let found = people(&case.path("half-out"));
        let [a, b] = [&found, &whole].map(|found| found[0]["score"].as_f64().unwrap());
        assert!((a - b).abs() < 0.05, "{name}: {a} {b}");
        // Exported, they are what they were taken for.
        let export = ["export", "half", "--format", "safetensors", "--out", "out.safetensors"];
        succeed(&mut case.command(&export));
        let again = read_weights(&case.path("out.safetensors")).unwrap();
        assert!(again.tensors.values().all(|tensor| tensor.dtype() != dtype));
    }
}

#[test]
fn nothing_is_said_of_xdg_runtime_dir() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["preview", "quickstart", "--out", "a.png", "--count", "1"][..], &["doctor"]] {
        let mut command = marionette(args);
        command.env_remove("XDG_RUNTIME_DIR").env_remove("NODEVICE_SELECT").current_dir(&folder);
        assert_eq!(succeed(&mut command).stderr, "");
    }
}

#[test]
fn rough_edges() {
    let case = Case::new("names_and_torso");
    let args = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    let preview = |more: &'static str| {
        case.command(&[args("preview quickstart --count 1"), args(more)].concat())
    };
    succeed(&mut preview("--out none/at/all/x.png"));
    fail(&mut preview("--out x.jpg"), 2, &["ends in .jpg", "give a name that ends in .png"]);
    for (odd, part) in [("--scale 0", "1..=32"), ("--columns 0", "1..=1024")] {
        let said = outcome(case.command(&args("preview quickstart --out x.png")).args(args(odd)));
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(part), "{said:?}");
    }
    assert!(!names(case.0.path()).iter().any(|name| name.starts_with('x')));
    // Figures are printed before a file fails.
    let labels = fs::read_to_string(case.path("spaces.json")).unwrap();
    #[cfg(target_os = "linux")]
    {
        let eval = case.eval("spaces.json", "img", &["--json", "full.json"]);
        let said = outcome(&mut crate::runs::in_shell(&eval, "ulimit -f 0"));
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stdout.contains("PCK@0.2"), "{said:?}");
        assert!(said.stderr.contains("full.json: cannot be written: File too large"), "{said:?}");
    }
    // Areas of 0, boxes outside, no box at all.
    let mut file: Value = serde_json::from_str(&labels).unwrap();
    file["annotations"][0]["area"] = json!(0);
    file["annotations"][1]["bbox"] = json!([500, 500, 10, 10]);
    fs::write(case.path("odd.json"), file.to_string()).unwrap();
    let said = succeed(&mut case.eval("odd.json", "img", &[]));
    for part in [
        "warning: 1 annotations have an area of 0, for which OKS is always 0: 1",
        "warning: 1 annotations have a box wholly outside of their picture: 2",
    ] {
        assert!(said.stderr.contains(part), "no {part:?} in {said:?}");
    }
    file["annotations"][2].as_object_mut().unwrap().remove("bbox");
    fs::write(case.path("odd.json"), file.to_string()).unwrap();
    fail(&mut case.eval("odd.json", "img", &[]), 2, &["annotation 3 has no bbox"]);
    // Endings that are less common, and transparency.
    fs::create_dir(case.path("mixed")).unwrap();
    for ending in ["jfif", "jpe", "JPEG"] {
        let name = format!("mixed/{ending}.{ending}");
        fs::copy(case.path("img/p0.jpg"), case.path(&name)).unwrap();
    }
    RgbaImage::from_pixel(20, 20, image::Rgba([9, 9, 9, 100]))
        .save(case.path("mixed/t.png"))
        .unwrap();
    let said = succeed(&mut case.command(&["predict", "--weights", "w", "mixed", "--out", "out"]));
    assert!(said.stdout.contains("keypoints in 4 of 4 pictures"), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    assert!(said.stderr.contains("mixed/t.png: has transparent pixels"), "{said:?}");
}
