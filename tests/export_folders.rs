//! `marionette export` to folders: whole or not at all, and one message for what cannot be.
//! `scripts/check-consumers` opens them as their readers do.

use crate::{
    export::{RUN, with_weights},
    runs::{contents, fail, json, marionette, names, outcome, succeed},
};
use marionette::train::export::{ModelCard, read_model};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn export(format: &str, source: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["export", "--format", format]);
    command.arg(source).arg("--out").arg(out).args(more);
    command
}

/// A folder that stands for npm's package: pages copy the files as they are.
fn runtime(folder: &Path) -> PathBuf {
    let path = folder.join("runtime");
    fs::create_dir(&path).unwrap();
    for file in ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"] {
        fs::write(path.join(file), file).unwrap();
    }
    path
}

#[test]
fn a_model_repository_holds_weights_card_and_configuration() {
    let (folder, weights) = with_weights();
    let out = folder.path().join("new/repository");
    let said = succeed(&mut export("huggingface", &weights, &out, &[]));
    assert!(said.stdout.contains("names no licence"), "{said:?}");
    let files = [
        "README.md",
        "config.json",
        "model.onnx",
        "model.safetensors",
        "nano.py",
        "preprocessor_config.json",
    ];
    assert_eq!(names(&out), files);
    let (_, card) = read_model(&weights).unwrap();
    assert_eq!(read_model(&out.join("model.safetensors")).unwrap().1, card);
    let config = json(&out, "config.json");
    assert_eq!(config["schema_version"], 1);
    assert_eq!(config["id2label"]["5"], "left_shoulder");
    assert_eq!(config["label2id"]["left_shoulder"], 5);
    assert_eq!(config["flip_permutation"][5], 6);
    assert_eq!(ModelCard::parse(&config["marionette"].to_string()), Ok(card));
    let preprocessor = json(&out, "preprocessor_config.json");
    assert_eq!(preprocessor["size"]["height"], 64);
    let readme = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(readme.starts_with("---\npipeline_tag: keypoint-detection\n"), "{readme}");
    assert!(readme.contains("These weights have taken no exams"), "{readme}");
    assert!(!readme.contains("license:") && !readme.contains("model-index"), "{readme}");
}

#[test]
fn a_model_repository_of_a_run_has_its_licence_and_exams() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let settings = ["--steps", "1", "--set", "batch=2", "--set", "exam.images=2", "--quiet"];
    succeed(marionette(["train", "quickstart", "--run"]).arg(&run).args(settings));
    let out = folder.path().join("repository");
    let more = ["--license", "cc-by-4.0", "--quantize", "int8", "--quiet"];
    assert_eq!(succeed(&mut export("huggingface", &run, &out, &more)).stdout, "");
    let readme = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(readme.starts_with("---\nlicense: \"cc-by-4.0\"\n"), "{readme}");
    let report = json(&run, "exams/step-000001.json");
    let standard = report["exams"].as_array().unwrap().iter().find(|e| e["exam"] == "standard");
    let value = standard.unwrap()["pck"]["torso_02"].as_f64().unwrap();
    assert!(readme.contains(&format!("name: \"PCK@0.2 torso\"\n      value: {value:.4}")));
    assert!(readme.contains(&format!("| standard | {value:.3} |")), "{readme}");
    let [short, long] =
        ["model.onnx", "model.safetensors"].map(|file| fs::metadata(out.join(file)).unwrap().len());
    assert!(short < long / 3, "{short} of {long}");
}

#[test]
fn a_page_holds_the_network_and_what_runs_it() {
    let (folder, weights) = with_weights();
    let (out, runtime) = (folder.path().join("page"), runtime(folder.path()));
    // An empty folder may be there.
    fs::create_dir(&out).unwrap();
    let given = ["--runtime", runtime.to_str().unwrap()];
    let said = succeed(&mut export("web", &weights, &out, &given));
    assert!(said.stdout.contains("python3 -m http.server --directory"), "{said:?}");
    let files = [
        "README.md",
        "index.html",
        "model.onnx",
        "ort-wasm-simd-threaded.wasm",
        "ort.wasm.bundle.min.mjs",
    ];
    assert_eq!(names(&out), files);
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    let card = page.split("type=\"application/json\">").nth(1).unwrap();
    let card = ModelCard::parse(card.split("</script>").next().unwrap());
    assert_eq!(card, Ok(read_model(&weights).unwrap().1));
    assert_eq!(names(folder.path()), ["page", "random.safetensors", "runtime"]);
}

#[test]
fn what_cannot_be_is_one_message_and_leaves_nothing() {
    let (folder, weights) = with_weights();
    let home = folder.path();
    let runtime = runtime(home);
    let runtime = runtime.to_str().unwrap();
    fs::create_dir(home.join("taken")).unwrap();
    fs::write(home.join("taken/mine"), "mine").unwrap();
    let before = contents(home);
    let cases: &[(&str, &str, &[&str], &str)] = &[
        ("huggingface", "taken", &[], "taken: is not empty (mine); give a new folder"),
        ("huggingface", "taken/mine", &[], "mine: is there and is no folder"),
        ("web", "taken", &["--runtime", runtime], "taken: is not empty (mine)"),
        ("web", "new", &["--runtime", "taken"], "taken: lacks ort.wasm.bundle.min.mjs or"),
        ("web", "new", &["--head", "yolo"], "--head is for --format onnx; leave it out or give"),
        ("huggingface", "new", &["--runtime", runtime], "--runtime is for --format web"),
        (
            "huggingface",
            "new",
            &["--license", "My Own"],
            "--license My Own: is no name of a licence",
        ),
        ("safetensors", "new", &["--license", "mit"], "--license is for --format huggingface"),
        ("safetensors", "new", &["--quantize", "int8"], "for --format onnx or huggingface or web"),
    ];
    for (format, out, more, message) in cases {
        let mut command = export(format, &weights, &home.join(out), more);
        fail(command.current_dir(home), 2, &[message]);
    }
    let mut command = export("huggingface", &weights, &weights.join("such"), &[]);
    fail(&mut command, 1, &["such: cannot be written"]);
    // Without npm.
    let expected = "npm is not installed; fetch npm's package onnxruntime-web@1.30.0 where";
    fail(export("web", &weights, &home.join("new"), &[]).env("PATH", home), 2, &[expected]);
    let said = outcome(&mut export("torchscript", &weights, &home.join("new"), &[]));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("possible values: safetensors, onnx, huggingface, web"),
        "{said:?}"
    );
    assert_eq!(contents(home), before);
    succeed(&mut export("huggingface", &RUN, &home.join("new"), &[]));
}
