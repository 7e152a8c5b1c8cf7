//! `marionette export --format onnx`: files that others read, and one message for what cannot be.
//! `scripts/check-onnx` runs them.

use crate::{
    export::{RUN, with_weights},
    runs::{contents, fail, marionette, names, outcome, succeed},
};
use candle_core::Device;
use marionette::nn::detect::decode_output;
use marionette::onnx::proto::ModelProto;
use marionette::train::{
    eval::Detector,
    export::{ModelCard, read_model, read_weights},
};
use prost::Message;
use std::{fs, path::Path, process::Command};

fn export(source: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["export", "--format", "onnx"]);
    command.arg(source).arg("--out").arg(out).args(more);
    command
}

fn text(model: &ModelProto, key: &str) -> String {
    let entry = model.metadata_props.iter().find(|entry| entry.key.as_deref() == Some(key));
    entry.and_then(|entry| entry.value.clone()).unwrap_or_default()
}

#[test]
fn each_head_is_written_with_the_card_of_the_weights() {
    let (folder, weights) = with_weights();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let (_, card) = read_model(&weights).unwrap();
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "heatmaps", "heatmaps"),
        (&["--head", "heatmaps"], "heatmaps", "heatmaps"),
        (&["--for", "rtmlib"], "heatmaps", "heatmaps for rtmlib"),
        (&["--head", "keypoints"], "keypoints", "keypoints"),
        (&["--head", "yolo"], "output0", "yolo"),
    ];
    for (more, output, head) in cases {
        let file = out.join("a.onnx");
        let said = succeed(&mut export(&weights, &file, more));
        assert!(said.stdout.contains("a.onnx: nano of"), "{said:?}");
        let whole = fs::read(&file).unwrap();
        let model = ModelProto::decode(whole.as_slice()).unwrap();
        let graph = model.graph.as_ref().unwrap();
        assert_eq!(graph.output[0].name.as_deref(), Some(*output));
        let written = text(&model, "marionette");
        assert!(written.contains(&format!("\"head\":\"{head}\"")), "{written}");
        assert_eq!(ModelCard::parse(&written), Ok(card.clone()));
        let beside = fs::read_to_string(out.join("model.json")).unwrap();
        assert_eq!(ModelCard::parse(&beside), Ok(card.clone()));
        assert_eq!(names(&out), ["a.onnx", "model.json"]);
        // Over an older export: the same bytes, or with other weights a quarter of them.
        succeed(&mut export(&weights, &file, more));
        assert!(fs::read(&file).unwrap() == whole);
        succeed(export(&weights, &file, more).args(["--quantize", "int8", "--quiet"]));
        let (short, long) = (fs::metadata(&file).unwrap().len(), whole.len() as u64);
        assert!((long / 5..long / 3).contains(&short), "{short} of {long} bytes");
    }
}

#[test]
fn a_check_shows_rendered_images() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let more = ["--check-images", "3", "--check"];
    succeed(export(&RUN, &path("a.onnx"), &more).arg(path("check")));
    let held = read_weights(&path("check")).unwrap().tensors;
    assert_eq!(held["images"].dims(), [3, 3, 64, 64]);
    // Pixels: whole numbers of 255, and not all the same.
    let values = held["images"].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let bytes: Vec<f32> = values.iter().map(|value| (value * 0.25 + 0.5) * 255.0).collect();
    assert!(bytes.iter().all(|byte| (byte - byte.round()).abs() < 1e-3 && *byte > -1e-3));
    assert!(bytes.iter().any(|byte| *byte > 100.0) && bytes.iter().any(|byte| *byte < 50.0));
    let detector = Detector::load(&RUN.join("weights.safetensors"), &Device::Cpu).unwrap();
    let (network, card) = (detector.network(), detector.card());
    let logits = network.forward(&held["images"], false).unwrap();
    let found = decode_output(&logits, card.activation, network.spec().grid()).unwrap();
    let found: Vec<f32> = found.iter().flatten().flat_map(|k| [k.x, k.y, k.score]).collect();
    assert_eq!(held["keypoints"].flatten_all().unwrap().to_vec1::<f32>().unwrap(), found);
}

#[test]
fn what_cannot_be_is_said_in_one_message_and_nothing_is_written() {
    let (folder, weights) = with_weights();
    let path = |name: &str| folder.path().join(name);
    let foreign = path("foreign.safetensors");
    let (tensors, _) = read_model(&weights).unwrap();
    marionette::train::export::write_weights(&foreign, &tensors, &Default::default()).unwrap();
    fs::write(path("text.safetensors"), "no weights at all").unwrap();
    fs::create_dir(path("taken.onnx")).unwrap();
    let before = contents(folder.path());
    let (out, check) = (path("a.onnx"), path("check"));
    let check = check.to_str().unwrap();
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("foreign.safetensors", &[], &["holds no model card", "marionette export"]),
        ("text.safetensors", &[], &["no safetensors file", "marionette export"]),
        ("missing.safetensors", &[], &["cannot be read: No such file"]),
        (
            "random.safetensors",
            &["--head", "keypoints", "--for", "rtmlib"],
            &["--for rtmlib takes heatmaps", "--head heatmaps"],
        ),
        (
            "random.safetensors",
            &["--head", "yolo", "--for", "rtmlib"],
            &["--for rtmlib takes heatmaps", "--head heatmaps"],
        ),
        (
            "random.safetensors",
            &["--check", check, "--check-images", "3"],
            &["which is not at hand", "--scene"],
        ),
    ];
    for (source, more, parts) in cases {
        fail(&mut export(&path(source), &out, more), 2, parts);
    }
    for (flag, value) in [("--head", "yolo"), ("--for", "rtmlib"), ("--quantize", "int8")] {
        let mut command = marionette(["export", "--format", "safetensors", "--out"]);
        command.arg(&out).arg(&weights).args([flag, value]);
        fail(&mut command, 2, &[&format!("{flag} is for --format onnx"), "leave it out"]);
    }
    fail(&mut export(&weights, &weights, &[]), 2, &["would overwrite"]);
    fail(&mut export(&weights, &path("taken.onnx"), &[]), 1, &["taken.onnx: cannot be written"]);
    // What the parser of the command line refuses, with the values that there are.
    let cases: &[(&[&str], &str)] = &[
        (&["--head", "boxes"], "heatmaps, keypoints, yolo"),
        (&["--for", "mmpose"], "rtmlib"),
        (&["--quantize", "int4"], "int8"),
        (&["--check-images", "3"], "--check <FILE>"),
        (&["--check", "c", "--check-images", "0"], "1..=100000"),
        (&["--check", "c", "--scene", "quickstart"], "--check-images <N>"),
    ];
    for (more, part) in cases {
        let said = outcome(&mut export(&weights, &out, more));
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(part), "{said:?}");
    }
    assert!(contents(folder.path()) == before, "something has changed");
}
