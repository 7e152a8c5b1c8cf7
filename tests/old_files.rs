//! Files written by the program before it was cut into crates still load: `tests/fixtures/old` holds a run of three steps as
//! it was left then, a picture, and what that run's weights found in it.

use crate::runs::{copy, json, marionette, metrics, succeed};
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
    let manifest = run.manifest().unwrap();
    assert_eq!((manifest.version.as_str(), manifest.frame_hashes.len()), ("0.1.0", 4));
    assert!(manifest.adapter.unwrap().software);
    let rows = MetricsRow::read(&run.metrics_path());
    assert_eq!(rows.iter().map(|row| row.step).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(
        rows.iter()
            .all(|row| row.loss > 3.0 && row.axis_kl.len() == 8 && row.resident_mib.is_some())
    );
    // Written anew, each line is the same: nothing in it was lost or renamed.
    let text = fs::read_to_string(run.metrics_path()).unwrap();
    for (row, line) in rows.iter().zip(text.lines()) {
        assert_eq!(serde_json::to_string(row).unwrap(), line);
    }
    let records = run.control_records().unwrap();
    assert_eq!(records.iter().map(|record| record.steers).collect::<Vec<_>>(), [false, true, true]);
    let (weights, card) = read_model(&run.weights_path()).unwrap();
    assert!(weights.len() > 50 && card.scene == "quickstart" && card.step == 3);
}

#[test]
fn an_old_run_goes_on_from_its_checkpoint_with_what_was_set_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(&old().join("run"), &run);
    succeed(&mut marionette(["train", "--run", run.to_str().unwrap(), "--resume", "--steps", "5"]));
    assert_eq!(
        metrics(&run).iter().map(|row| row["step"].as_u64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(json(&run, "summary.json")["steered_by_hand"], 2);
    assert_eq!(json(&run, "summary.json")["steps"], 5);
}

#[test]
fn old_weights_find_what_they_found_then() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("found");
    let (run, picture) = (old().join("run"), old().join("picture.png"));
    let paths = [&run, &picture, &out].map(|path| path.to_str().unwrap());
    succeed(&mut marionette([
        "predict",
        paths[0],
        paths[1],
        "--box",
        "0,0,64,64",
        "--out",
        paths[2],
    ]));
    let found = |folder: &Path| {
        json(folder, "predictions.json")["images"][0]["keypoints"].as_array().unwrap().clone()
    };
    let (now, then) = (found(&out), found(&old()));
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
