//! Files written by the program before it was cut into crates still load: `tests/fixtures/old` holds a run of three steps as
//! it was left then, a picture, and what that run's weights found in it.

use crate::runs::{copy, json, marionette, succeed};
use marionette::run::{MetricsRow, RunDirectory};
use marionette::train::export::read_model;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn old() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old")
}

#[test]
fn an_old_run_directory_is_read_as_the_types_of_today() {
    let (run, config, scene) = RunDirectory::open(&old().join("run")).unwrap();
    assert_eq!((config.seed, config.steps, config.batch), (1, 3, 4));
    assert_eq!((scene.name.as_str(), scene.figure.keypoints.len()), ("quickstart", 17));
    let manifest = run.manifest().unwrap().unwrap();
    assert_eq!((manifest.version.as_str(), manifest.frame_hashes.len()), ("0.1.0", 4));
    assert!(manifest.adapter.unwrap().software);
    let (rows, damage) = MetricsRow::read(&run.metrics_path());
    assert!(damage.is_none());
    assert_eq!(rows.iter().map(|row| row.step).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(
        rows.iter()
            .all(|row| row.loss > 3.0 && row.axis_kl.len() == 8 && row.resident_mib.is_some())
    );
    // Nothing was lost or renamed but what the curriculum no longer has.
    let text = fs::read_to_string(run.metrics_path()).unwrap();
    for (row, line) in rows.iter().zip(text.lines()) {
        let now = serde_json::to_string(row).unwrap();
        let [now, then] = [&now, line].map(|text| serde_json::from_str::<Value>(text).unwrap());
        let Value::Object(then) = then else { panic!("no object: {line}") };
        for (name, value) in then {
            let gone = ["loss_replay", "band_ratio", "temper", "replay_entries"];
            assert!(now[&name] == value || gone.contains(&name.as_str()), "{name}: {value}");
        }
    }
    let records = run.control_records().unwrap();
    assert_eq!(records.iter().map(|record| record.steers).collect::<Vec<_>>(), [false, true, true]);
    let (weights, card) = read_model(&run.weights_path()).unwrap();
    assert!(weights.len() > 50 && card.scene == "quickstart" && card.step == 3);
}

#[test]
fn an_old_run_whose_settings_are_gone_is_not_gone_on_with_and_told_what_replaces_them() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(&old().join("run"), &run);
    let before = fs::read(run.join("metrics.jsonl")).unwrap();
    let mut command =
        marionette(["train", "--run", run.to_str().unwrap(), "--resume", "--steps", "5"]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    for part in ["config.toml:", "curriculum.replay: ", "no longer replayed", "delete it"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // With the settings deleted, what its checkpoint lacks is named.
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    let gone = [
        "band_low",
        "band_high",
        "unlearnable_after",
        "replay",
        "size =",
        "uses =",
        "admit",
        "staleness",
        "patience",
        "[curriculum.replay]",
        "eta",
        "inertia",
        "floor",
        "cap ",
        "max_kl",
    ];
    let kept: Vec<&str> =
        config.lines().filter(|line| !gone.iter().any(|key| line.starts_with(key))).collect();
    fs::write(run.join("config.toml"), kept.join("\n")).unwrap();
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("state.json") && text.contains("reach"), "{text}");
    assert!(text.contains("older") || text.contains("version"), "{text}");
    assert_eq!(fs::read(run.join("metrics.jsonl")).unwrap(), before);
}

#[test]
fn old_weights_find_what_they_found_then() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("found");
    let (run, picture) = (old().join("run"), old().join("picture.png"));
    let paths = [&run, &picture, &out].map(|path| path.to_str().unwrap());
    succeed(&mut marionette([
        "predict",
        "--weights",
        paths[0],
        paths[1],
        "--box",
        "0,0,64,64",
        "--out",
        paths[2],
    ]));
    let image = |folder: &Path| json(folder, "predictions.json")["images"][0].clone();
    let keypoints = |found: &Value| found["keypoints"].as_array().unwrap().clone();
    let (now, then) = (keypoints(&image(&out)["people"][0]), keypoints(&image(&old())));
    assert_eq!((now.len(), then.len()), (17, 17));
    for (now, then) in now.iter().zip(&then) {
        assert_eq!(now["name"], then["name"]);
        for key in ["x", "y", "score"] {
            let value = |found: &Value| found[key].as_f64().unwrap();
            // Other processors sum up in another order.
            assert!((value(now) - value(then)).abs() < 0.05, "{key}: {now} {then}");
        }
    }
}
