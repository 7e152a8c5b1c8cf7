//! `marionette audit`: findings, whatever the model is, gone on with after a stop, and what it
//! refuses.

use crate::runs::{
    contents, fail, json, marionette, names, outcome, signal, succeed, until, wait,
    write_random_weights,
};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;

/// A folder with the weights of a network that has learned nothing.
fn with_weights() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("w.safetensors");
    write_random_weights(&weights, 5);
    (folder, weights)
}

/// An audit of 192 pictures of quickstart into `out` in `folder`.
fn audit(folder: &TempDir, model: &[&str], out: &str, more: &[&str]) -> Command {
    let mut command = marionette(["audit"]);
    command.args(model).args(["quickstart", "--images", "192", "--out", out]).args(more);
    command.current_dir(folder);
    command
}

/// A command that finds every keypoint in the middle of the picture, but nothing in the dark: it
/// looks at the size of the file.
const MIDDLE: &str = r#"{ echo '['; sep=; for f in {images}/*.png; do n=$(basename $f .png | sed s/^0*//); \
printf '%s{"image_id":%s,"category_id":1,"score":1,"keypoints":[' "$sep" $n; c=; \
for k in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do printf '%s31.5,31.5,1' "$c"; c=,; done; \
printf ']}'; sep=,; done; echo ']'; } > {results}"#;

fn value(report: &Value, estimate: &str) -> [f64; 3] {
    ["value", "low", "high"].map(|end| report[estimate][end].as_f64().unwrap())
}

#[test]
fn an_audit_says_where_a_network_fails_and_shows_it() {
    let (folder, _) = with_weights();
    let said = succeed(&mut audit(&folder, &["w.safetensors"], "out", &[]));
    assert!(said.stdout.contains("PCK@0.2 is ") && said.stdout.contains("book.html"), "{said:?}");
    let out = folder.path().join("out");
    let files = [".lock", "audit.json", "book.html", "focus.json", "pictures.jsonl", "report.json"];
    assert_eq!(names(&out), files);
    let report = json(&out, "report.json");
    let [pck, low, high] = value(&report, "pck");
    assert!(low <= pck && pck <= high && high < 0.5, "a network that has learned nothing: {pck}");
    let [plain, ..] = value(&report, "pck_plain");
    assert!((plain - pck).abs() < 0.1, "{plain} and {pck}");
    assert_eq!(report["keypoints"].as_array().unwrap().len(), 17);
    assert_eq!(report["plan"]["images"], 192);
    let book = fs::read_to_string(out.join("book.html")).unwrap();
    assert!(
        book.contains("Verdict") && book.contains("<svg") && !book.contains("http://localhost")
    );
    let rows = fs::read_to_string(out.join("pictures.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 192);
    // Before anything is known all is even; then a share stays so, and the densities are known.
    assert!(rows[..64].iter().all(|row| row["density"] == 1.0));
    let uniform = rows.iter().filter(|row| row["uniform"] == true).count();
    assert!((32..=44).contains(&uniform), "{uniform} of 192");
    let weights: f64 = rows.iter().map(|row| 1.0 / row["density"].as_f64().unwrap()).sum();
    assert!((weights / 192.0 - 1.0).abs() < 0.25, "{weights}");

    // A number that holds fails; the report is where it was asked for.
    let fails =
        ["--resume", "--json", "r.json", "--fail-if", "PCK@0.2<0.9", "--fail-if", "worst<0"];
    let said = outcome(&mut audit(&folder, &["w.safetensors"], "out", &fails));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stderr.contains("fails: PCK@0.2<0.9: it is 0."), "{said:?}");
    assert_eq!(json(folder.path(), "r.json"), report);
    assert_eq!(json(&out, "report.json"), report);
}

#[test]
fn a_killed_audit_goes_on_to_the_same_end() {
    let (folder, _) = with_weights();
    succeed(&mut audit(&folder, &["w.safetensors"], "whole", &["--quiet"]));
    let child = audit(&folder, &["w.safetensors"], "cut", &["--quiet"]).spawn().unwrap();
    let pictures = folder.path().join("cut/pictures.jsonl");
    until("a first batch", || pictures.metadata().is_ok_and(|m| m.len() > 0));
    signal(child.id(), "KILL");
    wait(child);
    // A batch that is not whole, and half a line, are drawn again.
    let text = fs::read_to_string(&pictures).unwrap();
    fs::write(&pictures, format!("{text}{}", &text[..40])).unwrap();
    fail(&mut audit(&folder, &["w.safetensors"], "cut", &[]), 2, &["is not empty", "--resume"]);
    let other = ["--resume", "--seed", "2"];
    fail(
        &mut audit(&folder, &["w.safetensors"], "cut", &other),
        2,
        &["another seed: 1", "now it is 2"],
    );
    succeed(&mut audit(&folder, &["w.safetensors"], "cut", &["--quiet", "--resume"]));
    let [whole, cut] = ["whole", "cut"].map(|name| {
        let out = folder.path().join(name);
        let mut files = contents(&out);
        // The page names its folder.
        let page = String::from_utf8(files.remove(&out.join("book.html")).unwrap()).unwrap();
        let files: Vec<Vec<u8>> = files.into_values().collect();
        (files, page.replace(&format!("--out {name}"), ""))
    });
    assert!(whole == cut);
}

#[test]
fn a_signal_stops_an_audit_that_keeps_what_it_has() {
    let (folder, _) = with_weights();
    let long = ["--images", "100000"];
    let mut command = marionette(["audit", "w.safetensors", "quickstart", "--out", "out"]);
    let child = command.args(long).current_dir(&folder).spawn().unwrap();
    let pictures = folder.path().join("out/pictures.jsonl");
    until("a first batch", || pictures.metadata().is_ok_and(|m| m.len() > 0));
    signal(child.id(), "TERM");
    assert_eq!(wait(child).code, Some(143));
}

#[test]
fn an_onnx_file_is_audited_as_the_weights_that_it_came_from() {
    let (folder, weights) = with_weights();
    succeed(&mut audit(&folder, &["w.safetensors"], "ours", &["--quiet"]));
    let ours = json(&folder.path().join("ours"), "report.json");
    for head in ["heatmaps", "keypoints", "yolo"] {
        let file = folder.path().join(format!("{head}.onnx"));
        let mut export = marionette(["export", "--format", "onnx", "--head", head, "--quiet"]);
        succeed(export.arg(&weights).arg("--out").arg(&file));
        let name = format!("{head}.onnx");
        succeed(&mut audit(&folder, &[&name], head, &["--quiet"]));
        let theirs = json(&folder.path().join(head), "report.json");
        for estimate in ["pck", "pck_plain"] {
            let [a, b] = [&ours, &theirs].map(|report| value(report, estimate)[0]);
            assert!((a - b).abs() < 0.005, "{head}: {estimate} {a} and {b}");
        }
    }
}

#[test]
fn two_models_are_compared_on_the_same_pictures() {
    let (folder, _) = with_weights();
    write_random_weights(&folder.path().join("b.safetensors"), 6);
    succeed(&mut audit(&folder, &["w.safetensors"], "alone", &["--quiet"]));
    let alone = json(&folder.path().join("alone"), "report.json");
    for (rival, out) in [("b.safetensors", "other"), ("w.safetensors", "same")] {
        let said = succeed(&mut audit(&folder, &["w.safetensors"], out, &["--against", rival]));
        assert!(said.stdout.contains("points ("), "{said:?}");
        let report = json(&folder.path().join(out), "report.json");
        assert_eq!(report["pck"], alone["pck"]);
        let beside = &report["beside"];
        assert_eq!(beside["model"], rival);
        let [ours, theirs, difference] =
            ["ours", "theirs", "difference"].map(|name| value(beside, name)[0]);
        assert!((ours - theirs - difference).abs() < 1e-6, "{beside}");
        assert!((ours - value(&report, "pck")[0]).abs() < 1e-6, "{beside}");
        let same = out == "same";
        assert_eq!(difference == 0.0, same, "{beside}");
        assert!(!same || beside["findings"].as_array().unwrap().is_empty(), "{beside}");
    }
}

#[test]
fn a_command_may_know_some_of_the_keypoints() {
    let (folder, _) = with_weights();
    let line = r#"{ echo '{"categories":[{"id":1,"keypoints":["nose","left_wrist","tail"]}],"annotations":['; \
sep=; for f in {images}/*.png; do n=$(basename $f .png | sed s/^0*//); \
printf '%s{"image_id":%s,"category_id":1,"score":1,"keypoints":[31.5,31.5,1,40,30,1,1,1,1]}' "$sep" $n; \
sep=,; done; echo ']}'; } > {results}"#;
    succeed(&mut audit(&folder, &["--command", line], "out", &["--size", "64", "--quiet"]));
    let report = json(&folder.path().join("out"), "report.json");
    assert_eq!(report["keypoints"], serde_json::json!(["nose", "left_wrist"]));
}

#[test]
fn a_command_is_audited_and_its_failure_is_told() {
    let (folder, _) = with_weights();
    let size = ["--size", "64", "--quiet"];
    succeed(&mut audit(&folder, &["--command", MIDDLE], "out", &size));
    let report = json(&folder.path().join("out"), "report.json");
    let [pck, ..] = value(&report, "pck");
    assert!(pck > 0.0 && pck < 0.5, "{pck}");
    for (line, parts) in [
        ("exit 7 # {images} {results}", &["exit", "7"][..]),
        ("true {images} {results}", &["true {images} {results}"]),
        ("sleep 60; true {images} {results}", &["1 s"]),
        ("echo x > {results}; true {images}", &["JSON"]),
    ] {
        let limit = ["--size", "64", "--time-limit", "1"];
        let said = outcome(&mut audit(&folder, &["--command", line], "bad", &limit));
        assert!(matches!(said.code, Some(1 | 2)), "{line}: {said:?}");
        assert!(parts.iter().all(|part| said.stderr.contains(part)), "{line}: {said:?}");
        fs::remove_dir_all(folder.path().join("bad")).unwrap();
    }
}

#[test]
fn what_an_earlier_audit_found_is_judged_again() {
    let (folder, _) = with_weights();
    write_random_weights(&folder.path().join("next.safetensors"), 6);
    succeed(&mut audit(&folder, &["w.safetensors"], "first", &["--quiet"]));
    // A network that has learned nothing has no findings of its own.
    let first = folder.path().join("first");
    let mut report = json(&first, "report.json");
    let half = serde_json::json!({ "value": 0.75, "low": 0.5, "high": 1.0 });
    let words = "seen from the front";
    let hardness = [0.5; 8];
    let rule = serde_json::json!({
        "conditions": [{ "factor": "side", "test": { "is": words }, "words": words }],
    });
    report["findings"] = serde_json::json!([{
        "finding": {
            "rule": rule, "pictures": 9, "effective": 9.0, "support": half, "inside": half,
            "outside": half, "effect": half, "beyond": half, "carried": half, "p": 0.01, "also": [],
        },
        "checked": { "fresh": null, "easy": null, "shown": [[3, hardness]], "seed": 1 },
    }]);
    fs::write(first.join("report.json"), report.to_string()).unwrap();
    let with = ["--known", "first", "--against", "w.safetensors", "--fail-if", "known<0.99"];
    let said = outcome(&mut audit(&folder, &["next.safetensors"], "next", &with));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.stdout.contains("Found before, seen from the front: PCK 0.25 then"), "{said:?}");
    let next = json(&folder.path().join("next"), "report.json");
    let known = &next["known"][0];
    let number = |pointer: &str| known.pointer(pointer).unwrap().as_f64().unwrap();
    assert_eq!((&known["rule"], number("/before/value")), (&rule, 0.25));
    let now = number("/now/value");
    assert!(said.stderr.contains(&format!("known<0.99: it is {now:.3}")), "{said:?}");
    // Inside and outside make up all of it.
    let [all, ..] = value(&next, "pck");
    let elsewhere = number("/elsewhere/value");
    assert!(all >= now.min(elsewhere) && all <= now.max(elsewhere), "{now}, {elsewhere}, {all}");
    let [inside, outside] = ["/beside/0/value", "/beside/1/value"].map(number);
    let between = next["beside"]["difference"]["value"].as_f64().unwrap();
    assert!(between >= inside.min(outside) && between <= inside.max(outside), "{between}");
    let book = fs::read_to_string(folder.path().join("next/book.html")).unwrap();
    assert!(book.contains("What an earlier audit found"));

    // Its pictures are drawn again.
    succeed(&mut audit(&folder, &["w.safetensors"], "first", &["--show", "1"]));
    let sheet = image::open(first.join("finding-1.png")).unwrap();
    assert!(sheet.width() >= 384 && sheet.height() >= 384, "{}x{}", sheet.width(), sheet.height());
    let beyond = ["--show", "2"];
    fail(
        &mut audit(&folder, &["w.safetensors"], "first", &beyond),
        2,
        &["the last finding of first is 1"],
    );

    let other = |known: &str| {
        let mut command = marionette(["audit", "w.safetensors", "night", "--out", "other"]);
        command.args(["--images", "128", "--known", known]).current_dir(&folder);
        command
    };
    fail(&mut other("first"), 2, &["first: is an audit of the scene quickstart, not of night"]);
    fail(&mut other("nowhere"), 2, &["nowhere: is no audit"]);
    let json = |file: &str| {
        let mut command = audit(&folder, &["w.safetensors"], "other", &["--json"]);
        command.arg(file);
        command
    };
    fail(&mut json("w.safetensors"), 2, &["--json w.safetensors: would overwrite"]);
    fail(&mut json("first"), 1, &["first: cannot be written"]);
    let more = ["--fail-if", "known<0.5"];
    fail(&mut audit(&folder, &["w.safetensors"], "other", &more), 2, &["found no --known"]);
    assert!(!folder.path().join("other").exists());
}

/// An audit of quickstart in `out` that found fault with people who sit, seen from behind.
fn with_fault(folder: &TempDir) -> Value {
    succeed(&mut audit(folder, &["w.safetensors"], "out", &["--quiet"]));
    let out = folder.path().join("out");
    let mut focus = json(&out, "focus.json");
    let poses = marionette::scene::load_scene("quickstart").unwrap();
    let sit = poses.figure.poses.iter().position(|family| family.name == "sit").unwrap();
    let even = serde_json::json!({ "probabilities": [0.5, 0.5] });
    let hard = serde_json::json!({ "probabilities": [0.0, 1.0] });
    let axes: Vec<_> = (0..8).map(|axis| if axis == 1 { &hard } else { &even }).collect();
    focus["wanted"] = serde_json::json!([{
        "finding": 3,
        "words": "pose \"sit\", seen from behind",
        "weight": 0.1,
        "axes": axes,
        "circumstances": [{ "pose": sit }, { "seen": "back" }],
    }]);
    fs::write(out.join("focus.json"), focus.to_string()).unwrap();
    focus
}

#[test]
fn a_share_of_a_set_is_drawn_for_what_an_audit_found() {
    let (folder, _) = with_weights();
    with_fault(&folder);
    let generate = |scene: &str, out: &str, more: &[&str]| {
        let mut command = marionette(["generate", scene, "--count", "64", "--format", "coco"]);
        command.args(["--out", out, "--splits", "100,0,0"]).args(more).current_dir(&folder);
        command
    };
    succeed(&mut generate("quickstart", "even", &[]));
    succeed(&mut generate("quickstart", "set", &["--for", "out", "--share", "0.75"]));
    let images = |set: &str| {
        let folder = folder.path().join(set).join("annotations");
        json(&folder, "person_keypoints_train.json")["images"].as_array().unwrap().clone()
    };
    let (even, set) = (images("even"), images("set"));
    let focused = |image: &Value| image["marionette"]["stream"] == "focused";
    let count = set.iter().filter(|image| focused(image)).count();
    assert!((47..=49).contains(&count), "{count} of 64");
    for (one, other) in even.iter().zip(&set) {
        // What is not drawn for the audit is as it was.
        assert!(focused(other) || one == other);
        let view = other["marionette"]["hardness"]["view"].as_f64().unwrap();
        assert!(!focused(other) || view >= 0.5, "{other}");
    }
    // A finding alone, where there is one other: the same samples as without the other.
    let path = folder.path().join("out/focus.json");
    let mut two = json(&folder.path().join("out"), "focus.json");
    let mut other = two["wanted"][0].clone();
    other["finding"] = serde_json::json!(5);
    other["circumstances"] = serde_json::json!([]);
    two["wanted"].as_array_mut().unwrap().push(other);
    let one = fs::read(&path).unwrap();
    fs::write(&path, two.to_string()).unwrap();
    let share = ["--for", "out", "--share", "0.75", "--finding"];
    succeed(&mut generate("quickstart", "alone", &[&share[..], &["3"]].concat()));
    assert!(images("alone") == set);
    succeed(&mut generate("quickstart", "both", &[&share[..], &["5,3"]].concat()));
    assert!(images("both") != set);
    let unknown = ["out: has no finding 4", "choose from 3, 5"];
    fail(&mut generate("quickstart", "none", &[&share[..], &["3,4"]].concat()), 2, &unknown);
    fs::write(&path, one).unwrap();

    let card = fs::read_to_string(folder.path().join("set/DATASET.md")).unwrap();
    assert!(card.contains("75 % drawn for what an audit found a model to fail on (pose \"sit\""));

    // What the audit did not find, or does not hold here, is no such thing.
    let focus: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let changed = |key: &str, value: Value| {
        let mut changed = focus.clone();
        *changed.pointer_mut(key).unwrap() = value;
        fs::write(&path, changed.to_string()).unwrap();
        generate("quickstart", "none", &["--for", "out"])
    };
    fail(&mut generate("night", "none", &["--for", "out"]), 2, &["quickstart, not of night"]);
    fail(&mut generate("night", "none", &["--for", "even"]), 2, &["even: is no audit"]);
    let other = serde_json::json!("0");
    fail(&mut changed("/scene_sha256", other), 2, &["quickstart as it was", "audit the model"]);
    let nothing = serde_json::json!([]);
    fail(&mut changed("/wanted", nothing), 2, &["found nothing", "leave --for out"]);
    let much = serde_json::json!([0.5, 0.6]);
    let key = "/wanted/0/axes/3/probabilities";
    fail(&mut changed(key, much), 2, &["focus.json: ", "sum to 1.1", "write it anew"]);
    let pose = serde_json::json!({ "pose": 900 });
    fail(&mut changed("/wanted/0/circumstances/0", pose), 2, &["does not show"]);
    fail(&mut changed("/wanted/0/weight", serde_json::json!(0)), 2, &["a weight of 0"]);
    fs::remove_file(&path).unwrap();
    fail(&mut generate("quickstart", "none", &["--for", "out"]), 2, &["not come to its end"]);
    assert!(!folder.path().join("none").exists());
}

#[test]
fn a_network_learns_from_what_it_was_found_to_fail_on_and_goes_on_without_the_audit() {
    let (folder, _) = with_weights();
    with_fault(&folder);
    let train = |run: &str, more: &[&str]| {
        let mut command = marionette(["train", "--run", run, "--set", "exam.images=0"]);
        command.args(["--set", "batch=8"]).args(more).current_dir(&folder);
        command
    };
    let from = ["quickstart", "--init", "w.safetensors", "--for", "out"];
    fail(&mut train("none", &[&from[..], &["--finding", "2"]].concat()), 2, &["no finding 2"]);
    let begin = [&from[..], &["--finding", "3", "--steps", "6"]].concat();
    let said = succeed(&mut train("whole", &begin));
    let words = "25 % of the samples are drawn for what ";
    assert!(said.stderr.contains(words) && said.stderr.contains("- pose \"sit\""), "{said:?}");
    let stop = ["--set", "debug.fail_after_step=3", "--set", "checkpoint.every=2"];
    let said = outcome(&mut train("cut", &[&begin[..], &stop].concat()));
    assert!(said.code == Some(1) && said.stderr.contains("failed after step 3"), "{said:?}");
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    let mut resume = marionette(["train", "--resume", "--quiet", "--run", "cut"]);
    resume.args(["--set", "debug.fail_after_step=0"]).current_dir(&folder);
    succeed(&mut resume);
    let weights =
        |run: &str| fs::read(folder.path().join(run).join("weights.safetensors")).unwrap();
    assert!(weights("whole") == weights("cut"));
}

#[test]
fn what_cannot_be_audited_is_refused() {
    let (folder, _) = with_weights();
    let ours = ["w.safetensors"];
    for (model, more, parts) in [
        (&["none.onnx"][..], &[][..], &["none.onnx"][..]),
        (&["none"], &[], &["none"]),
        (&["w.safetensors"], &["--figure", "dog"], &["w.safetensors"]),
        (&["--command", "python x.py {images}"], &[], &["{results}"]),
        (&ours, &["--show", "1"], &["audit.json"]),
    ] {
        fail(&mut audit(&folder, model, "out", more), 2, parts);
        assert!(!folder.path().join("out").exists(), "{more:?}");
    }
    for (more, part) in
        [(["--fail-if", "PCK<1"], "give FIGURE<NUMBER"), (["--time-limit", "9"], "--command")]
    {
        let said = outcome(&mut audit(&folder, &ours, "out", &more));
        assert!(said.code == Some(2) && said.stderr.contains(part), "{said:?}");
    }
    fs::write(folder.path().join("bad.onnx"), b"no model").unwrap();
    fail(&mut audit(&folder, &["bad.onnx"], "out", &[]), 2, &["bad.onnx"]);
    fs::write(folder.path().join("out"), b"").unwrap();
    fail(&mut audit(&folder, &ours, "out", &[]), 1, &["out"]);
}
