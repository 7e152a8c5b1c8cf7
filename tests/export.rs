//! `marionette export`: what was learned arrives bit for bit, and nothing that is in the way is
//! lost.

use crate::runs::{
    contents, copy, fail, json, marionette, names, outcome, succeed, write_random_weights,
};
use candle_core::{Device, Tensor};
use marionette::nn::detect::{decode_output, heatmaps};
use marionette::train::{
    eval::Detector,
    export::{ModelCard, read_model, read_weights},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};
use tempfile::TempDir;

/// A finished run of two small steps with a checkpoint of each.
pub static RUN: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export-run");
    let _ = fs::remove_dir_all(&path);
    let settings = [
        "--steps",
        "2",
        "--set",
        "batch=4",
        "--set",
        "checkpoint.every=1",
        "--set",
        "exam.images=0",
        "--quiet",
    ];
    succeed(marionette(["train", "quickstart", "--run"]).arg(&path).args(settings));
    path
});

/// A folder with weights of no run in it.
pub fn with_weights() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("random.safetensors");
    write_random_weights(&weights, 3);
    (folder, weights)
}

fn export(source: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["export", "--format", "safetensors"]);
    command.arg(source).arg("--out").arg(out).args(more);
    command
}

fn bits(tensors: &BTreeMap<String, Tensor>) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let bits = |tensor: &Tensor| values(tensor).into_iter().map(f32::to_bits).collect();
    tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.dims().to_vec(), bits(tensor)))
        .collect()
}

#[track_caller]
fn assert_same(found: &BTreeMap<String, Tensor>, expected: &BTreeMap<String, Tensor>) {
    assert!(bits(found) == bits(expected), "the tensors differ");
}

#[test]
fn weights_and_card_arrive_bit_for_bit() {
    let (folder, weights) = with_weights();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let said = succeed(&mut export(&weights, &out.join("a.safetensors"), &[]));
    assert!(said.stdout.contains("nano") && said.stdout.contains("after 7 steps"), "{said:?}");
    let (tensors, card) = read_model(&out.join("a.safetensors")).unwrap();
    let (expected, expected_card) = read_model(&weights).unwrap();
    assert_same(&tensors, &expected);
    assert_eq!(card, expected_card);
    assert_eq!(ModelCard::parse(&fs::read_to_string(out.join("model.json")).unwrap()), Ok(card));
    // Over an older export, and quietly.
    let before = contents(&out);
    let said = succeed(&mut export(&weights, &out.join("a.safetensors"), &["--quiet"]));
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    assert!(contents(&out) == before);
}

#[test]
fn half_precision_is_half_as_long_and_near() {
    let (folder, weights) = with_weights();
    let out = folder.path().join("half.safetensors");
    succeed(&mut export(&weights, &out, &["--half"]));
    let (half, card) = read_model(&out).unwrap();
    let (whole, expected_card) = read_model(&weights).unwrap();
    assert_eq!(card, expected_card);
    for (name, whole) in &whole {
        let apart = (whole - &half[name]).unwrap().abs().unwrap().flatten_all().unwrap();
        let apart = apart.to_vec1::<f32>().unwrap().into_iter().fold(0.0, f32::max);
        let most = whole.abs().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let most = most.into_iter().fold(0.0, f32::max);
        assert!(apart <= most / 1024.0, "{name}: {apart} of {most}");
    }
    let length = |path: &Path| fs::metadata(path).unwrap().len() as f64;
    assert!((0.5..0.52).contains(&(length(&out) / length(&weights))));
    // Halves have as many bits as they had.
    let again = folder.path().join("again.safetensors");
    succeed(&mut export(&out, &again, &["--half"]));
    assert!(fs::read(&out).unwrap() == fs::read(&again).unwrap());
}

#[test]
fn the_check_file_holds_what_the_network_makes_of_its_images() {
    let (folder, weights) = with_weights();
    let check = folder.path().join("check.safetensors");
    let exported = folder.path().join("a.safetensors");
    succeed(export(&weights, &exported, &["--check"]).arg(&check));
    let held = read_weights(&check).unwrap().tensors;
    let shapes: Vec<_> =
        held.iter().map(|(name, tensor)| (name.as_str(), tensor.dims().to_vec())).collect();
    let expected = [
        ("heatmaps", vec![4, 17, 16, 16]),
        ("images", vec![4, 3, 64, 64]),
        ("keypoints", vec![4, 17, 3]),
        ("logits", vec![4, 17, 16, 16]),
    ];
    assert_eq!(shapes, expected);
    let detector = Detector::load(&exported, &Device::Cpu).unwrap();
    let logits = detector.network().forward(&held["images"], false).unwrap();
    let images = held["images"].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    // Colours from black to white, normalised.
    assert!(images.iter().all(|value| (-2.0..=2.0).contains(value)));
    assert!(images.iter().any(|value| *value < -1.5) && images.iter().any(|value| *value > 1.5));
    let (activation, grid) = (detector.card().activation, detector.network().spec().grid());
    let maps = heatmaps(&logits, activation, grid).unwrap();
    let maps = Tensor::from_vec(maps, logits.shape(), &Device::Cpu).unwrap();
    let decoded = decode_output(&logits, activation, grid).unwrap();
    let keypoints: Vec<f32> =
        decoded.iter().flatten().flat_map(|found| [found.x, found.y, found.score]).collect();
    let keypoints = Tensor::from_vec(keypoints, (4, 17, 3), &Device::Cpu).unwrap();
    let again = [
        ("heatmaps", maps),
        ("images", held["images"].clone()),
        ("keypoints", keypoints),
        ("logits", logits),
    ];
    assert_same(
        &held,
        &again.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect(),
    );
    // The images are the same for every network, its answer is not.
    let other = folder.path().join("other.safetensors");
    write_random_weights(&other, 4);
    let other_check = folder.path().join("other_check.safetensors");
    succeed(export(&other, &exported, &["--check"]).arg(&other_check));
    let other = read_weights(&other_check).unwrap().tensors;
    let bits_of = |held: &BTreeMap<String, Tensor>, name: &str| {
        bits(&BTreeMap::from([(name.to_owned(), held[name].clone())]))
    };
    let same = |name: &str| bits_of(&held, name) == bits_of(&other, name);
    assert!(same("images") && !same("logits"));
}

#[test]
fn a_run_gives_its_weights_its_newest_checkpoint_or_its_best() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(&RUN, &run);
    let out = folder.path().join("a.safetensors");
    let (finished, finished_card) = read_model(&run.join("weights.safetensors")).unwrap();
    let take = |more: &[&str]| {
        succeed(&mut export(&run, &out, more));
        read_model(&out).unwrap()
    };
    let of_checkpoint = |step: &str| -> BTreeMap<String, Tensor> {
        let all = read_weights(&run.join("checkpoints").join(step).join("tensors.safetensors"))
            .unwrap()
            .tensors;
        let stripped = |(name, tensor): (String, Tensor)| {
            Some((name.strip_prefix("network.")?.to_owned(), tensor))
        };
        all.into_iter().filter_map(stripped).collect()
    };

    let (tensors, card) = take(&[]);
    assert_same(&tensors, &finished);
    assert_eq!((card.step, &card), (2, &finished_card));
    assert_eq!(json(folder.path(), "model.json"), json(&run, "model.json"));

    // A best checkpoint that is not the newest.
    fail(&mut export(&run, &out, &["--best"]), 2, &["best: is not there", "leave --best out"]);
    fs::write(run.join("best"), "step-000001\n").unwrap();
    let (tensors, card) = take(&["--best"]);
    assert_same(&tensors, &of_checkpoint("step-000001"));
    assert_eq!(card, ModelCard { step: 1, ..finished_card.clone() });

    // A run that has not finished: nothing in it changes.
    fs::remove_file(run.join("weights.safetensors")).unwrap();
    let before = contents(&run);
    let (tensors, card) = take(&[]);
    assert_same(&tensors, &finished);
    assert_eq!(card, finished_card);
    assert!(contents(&run) == before, "something has changed");
}

#[test]
fn what_is_no_model_is_named_and_nothing_is_written() {
    let (folder, weights) = with_weights();
    let path = |name: &str| folder.path().join(name);
    let bytes = fs::read(&weights).unwrap();
    fs::write(path("truncated.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(path("flipped.safetensors"), flipped).unwrap();
    fs::write(path("empty.safetensors"), "").unwrap();
    fs::write(path("text.safetensors"), "no weights at all").unwrap();
    let foreign = BTreeMap::from([(
        "x".to_owned(),
        Tensor::zeros(3, candle_core::DType::F32, &Device::Cpu).unwrap(),
    )]);
    marionette::train::export::write_weights(
        &path("foreign.safetensors"),
        &foreign,
        &BTreeMap::new(),
    )
    .unwrap();
    fs::create_dir(path("folder")).unwrap();
    let run = path("unlearned");
    copy(&RUN, &run);
    fs::remove_file(run.join("weights.safetensors")).unwrap();
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    for (name, text) in [("nonsense", "the first one"), ("gone", "step-000009")] {
        copy(&RUN, &path(name));
        fs::write(path(name).join("best"), text).unwrap();
    }
    let damaged = path("damaged");
    copy(&RUN, &damaged);
    fs::write(damaged.join("best"), "step-000001").unwrap();
    fs::write(damaged.join("checkpoints/step-000001/tensors.safetensors"), "gone").unwrap();
    let before = contents(folder.path());
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("truncated.safetensors", &[], &["truncated", "marionette export"]),
        ("flipped.safetensors", &[], &["is corrupted", "marionette export"]),
        ("empty.safetensors", &[], &["is 0 bytes long", "marionette export"]),
        ("text.safetensors", &[], &["no safetensors file", "marionette export"]),
        ("foreign.safetensors", &[], &["of another program", "marionette export"]),
        ("missing.safetensors", &[], &["cannot be read: No such file"]),
        ("random.safetensors", &["--best"], &["--best takes the folder of a run"]),
        ("folder", &[], &["has no config.toml", "give the folder of a run, or a file of weights"]),
        ("unlearned", &[], &["has neither weights nor a checkpoint", "--resume"]),
        ("unlearned", &["--best"], &["best: is not there", "leave --best out"]),
        ("nonsense", &["--best"], &["best: does not hold the name of a checkpoint", "checkpoints"]),
        ("gone", &["--best"], &["best: names step-000009, which is not there", "checkpoints"]),
        ("damaged", &["--best"], &["step-000001/tensors.safetensors: is 4 bytes long", "best"]),
    ];
    for (source, more, parts) in cases {
        let source = path(source);
        let named = [&[source.to_str().unwrap()], *parts].concat();
        let said = fail(&mut export(&source, &path("new.safetensors"), more), 2, &named);
        assert_eq!(said.stdout, "");
    }
    assert!(contents(folder.path()) == before, "something has changed");
}

#[test]
fn what_is_in_the_way_is_left_alone() {
    let (folder, weights) = with_weights();
    let path = |name: &str| folder.path().join(name);
    let out = path("a.safetensors");
    for text in ["{\"thesis\": 1}", "all of it"] {
        fs::write(path("model.json"), text).unwrap();
        let before = contents(folder.path());
        let parts = [
            path("model.json").to_str().unwrap().to_owned(),
            "is no model card".into(),
            "move it away".into(),
        ];
        fail(
            export(&weights, &out, &["--check"]).arg(path("c")),
            2,
            &parts.each_ref().map(String::as_str),
        );
        assert!(contents(folder.path()) == before, "something has changed");
    }
    fs::remove_file(path("model.json")).unwrap();
    let before = contents(folder.path());
    fail(
        &mut export(&weights, &path("model.json"), &[]),
        2,
        &["--out and the model card name the same file"],
    );
    for taken in [&weights, &out, &path("model.json"), &path("./a.safetensors")] {
        fail(export(&weights, &out, &["--check"]).arg(taken), 2, &["--check"]);
    }
    fail(
        &mut export(&weights, &weights.join("a.safetensors"), &[]),
        1,
        &["/a.safetensors: cannot be written"],
    );
    let said = outcome(marionette(["export", "--format", "onyx", "--out", "a"]).arg(&weights));
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("safetensors"), "{said:?}");
    assert!(contents(folder.path()) == before, "something has changed");
    assert_eq!(names(folder.path()), ["random.safetensors"]);
}
