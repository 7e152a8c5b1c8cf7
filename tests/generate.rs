//! `marionette generate`: the same set however it is made, and nothing lost or doubled.

use crate::runs::{contents, fail, json, marionette, names, signal, succeed, until, wait};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const COUNT: u64 = 600;

fn generate(out: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["generate", "crowded", "--quiet", "--out"]);
    command.arg(out).args(more);
    command
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    (folder, set)
}

/// All files of a set by their places in it.
fn files(set: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let inside = |path: &Path| path.strip_prefix(set).unwrap().to_owned();
    contents(set).into_iter().map(|(path, bytes)| (inside(&path), bytes)).collect()
}

#[track_caller]
fn assert_alike(one: &Path, other: &Path) {
    let (one, other) = (files(one), files(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(bytes == &other[path], "{} differs", path.display());
    }
}

/// Every annotation of COCO sets in `folder`, by split.
fn annotations(set: &Path) -> BTreeMap<String, Vec<Value>> {
    let folder = set.join("annotations");
    let of = |name: String| {
        let all = json(&folder, &name);
        let list = |key: &str| all[key].as_array().unwrap().clone();
        let split = name.trim_start_matches("person_keypoints_").trim_end_matches(".json");
        (split.to_owned(), [list("images"), list("annotations")].concat())
    };
    names(&folder).into_iter().map(of).collect()
}

/// What is in the archives of a set, by the archive's name.
fn archived(set: &Path) -> BTreeMap<String, Vec<(String, Vec<u8>)>> {
    let read = |name: String| {
        let bytes = fs::read(set.join(&name)).unwrap();
        // A header is 512 bytes with a name of up to 100 and a size in octal at 124; contents are
        // filled up to 512.
        let (mut at, mut files) = (0, Vec::new());
        while bytes[at] != 0 {
            let text = |range: std::ops::Range<usize>| {
                let text = String::from_utf8(bytes[at..][range].to_vec()).unwrap();
                text.trim_matches(['\0', ' ']).to_owned()
            };
            let size = usize::from_str_radix(&text(124..136), 8).unwrap();
            files.push((text(0..100), bytes[at + 512..][..size].to_vec()));
            at += 512 + size.next_multiple_of(512);
        }
        (name, files)
    };
    names(set).into_iter().filter(|name| name.ends_with(".tar")).map(read).collect()
}

/// Kills a job at several moments, goes on with it, and compares with one that was left alone.
#[track_caller]
fn survives_kills(format: &str) {
    let (_kept, set) = folder();
    let (count, whole) = (COUNT.to_string(), set.with_file_name("whole"));
    let job = ["--count", &count, "--format", format, "--per-archive", "100", "--ids"];
    succeed(&mut generate(&whole, &job));
    for files in [1, 150, 500] {
        let mut child = generate(&set, &[&job[..], &["--resume"]].concat()).spawn().unwrap();
        let written = || {
            let pictures = |folder: &Path| fs::read_dir(folder).map_or(0, |all| all.count());
            let archives = 100 * pictures(&set).saturating_sub(1);
            let loose = pictures(&set.join("images/train"));
            if format == "webdataset" { archives } else { loose }
        };
        until("so many files", || written() >= files || child.try_wait().unwrap().is_some());
        signal(child.id(), "KILL");
        wait(child);
    }
    succeed(&mut generate(&set, &[&job[..], &["--resume"]].concat()));
    assert_alike(&set, &whole);
    // A whole set is left alone.
    succeed(&mut generate(&set, &[&job[..], &["--resume"]].concat()));
    assert_alike(&set, &whole);
}

#[test]
fn a_coco_set_survives_kills() {
    survives_kills("coco");
}

#[test]
fn a_yolo_set_survives_kills() {
    survives_kills("yolo");
}

#[test]
fn a_webdataset_survives_kills() {
    survives_kills("webdataset");
}

#[test]
fn shards_and_smaller_sets_are_parts_of_the_whole() {
    let (_kept, set) = folder();
    let at = |name: &str| set.with_file_name(name);
    let coco = |out: &Path, count: &str, shard: &str| {
        let job = ["--count", count, "--format", "coco", "--splits", "70,20,10", "--shard", shard];
        succeed(&mut generate(out, &job));
        annotations(out)
    };
    let whole = coco(&at("whole"), "200", "0/1");
    let smaller = coco(&at("smaller"), "70", "0/1");
    let mut joined = BTreeMap::<String, Vec<Value>>::new();
    for shard in ["0/3", "1/3", "2/3"] {
        for (split, entries) in coco(&at(&shard.replace('/', "of")), "200", shard) {
            joined.entry(split).or_default().extend(entries);
        }
    }
    for (split, entries) in &whole {
        let texts = |list: &[Value]| list.iter().map(Value::to_string).collect::<BTreeSet<_>>();
        assert!(entries.len() > 15, "{split}");
        assert_eq!(joined[split].len(), entries.len(), "{split}");
        assert_eq!(texts(&joined[split]), texts(entries), "{split}");
        assert!(texts(&smaller[split]).is_subset(&texts(entries)), "{split}");
    }
    let pictures = |set: &str| files(&at(set).join("images"));
    let all = pictures("whole");
    for part in ["smaller", "0of3", "1of3", "2of3"] {
        for (path, bytes) in pictures(part) {
            assert!(all[&path] == bytes, "{part}: {}", path.display());
        }
    }
    // Archives are the same whatever the number of shards.
    let tars = |out: &Path, shard: &str| {
        let job = ["--count", "250", "--format", "webdataset", "--per-archive", "50", "--shard"];
        succeed(&mut generate(out, &[&job[..], &[shard]].concat()));
        archived(out)
    };
    let mut parts = tars(&at("tars0"), "0/2");
    parts.extend(tars(&at("tars1"), "1/2"));
    let whole = tars(&at("tars"), "0/1");
    assert_eq!(whole.len(), 10);
    assert!(parts == whole);
    for files in whole.values() {
        for pair in files.chunks(2) {
            let [(picture, bytes), (labels, text)] = pair else { panic!("a file alone") };
            assert_eq!(picture.strip_suffix(".jpg"), labels.strip_suffix(".json"));
            assert!(bytes.starts_with(&[0xff, 0xd8]));
            let labels: Value = serde_json::from_slice(text).unwrap();
            assert_eq!(labels["image"]["file_name"], **picture);
        }
    }
}

#[test]
fn yolo_labels_say_what_coco_says() {
    let (_kept, set) = folder();
    let coco = set.with_file_name("coco");
    let job = ["--count", "40", "--splits", "100", "--format"];
    succeed(&mut generate(&set, &[&job[..], &["yolo"]].concat()));
    succeed(&mut generate(&coco, &[&job[..], &["coco"]].concat()));
    let side = 64.0;
    let mut figures = 0;
    for entry in &annotations(&coco)["train"] {
        let Some(image) = entry["image_id"].as_u64() else { continue };
        let text = fs::read_to_string(set.join(format!("labels/train/{:09}.txt", image - 1)));
        let numbers = |value: &Value| -> Vec<f64> {
            value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
        };
        let (bbox, keypoints) = (numbers(&entry["bbox"]), numbers(&entry["keypoints"]));
        let mut expected =
            vec![0.0, bbox[0] + bbox[2] / 2.0, bbox[1] + bbox[3] / 2.0, bbox[2], bbox[3]];
        for triple in keypoints.chunks(3) {
            let place = |value: f64| if triple[2] > 0.0 { value + 0.5 } else { 0.0 };
            expected.extend([place(triple[0]), place(triple[1]), triple[2] * side]);
        }
        let is_this = |line: &&str| {
            let found = line.split(' ').map(|number| number.parse::<f64>().unwrap() * side);
            found.zip(&expected).all(|(found, expected)| (found - expected).abs() < 6e-3)
        };
        assert_eq!(text.unwrap().lines().filter(is_this).count(), 1, "{entry}");
        figures += 1;
    }
    assert!(figures > 60, "{figures}");
}

#[test]
fn a_runs_curriculum_draws_other_samples_and_fits_no_other_scene() {
    let (_kept, set) = folder();
    let run = set.with_file_name("run");
    let mut train = marionette(["train", "crowded", "--steps", "30", "--quiet", "--run"]);
    train.arg(&run);
    for setting in ["batch=4", "exam.images=0", "checkpoint.every=3", "checkpoint.keep=20"] {
        train.args(["--set", setting]);
    }
    succeed(&mut train);
    // As if it had been stopped after three steps of thirty, when reaches are short.
    let checkpoints = run.join("checkpoints");
    for later in names(&checkpoints).into_iter().filter(|name| name != "step-000003") {
        fs::remove_dir_all(checkpoints.join(later)).unwrap();
    }
    let job = ["--count", "64", "--format", "coco", "--splits", "100"];
    let policy = ["--policy", run.to_str().unwrap()];
    succeed(&mut generate(&set, &[&job[..], &policy].concat()));
    let hardness = |set: &Path| -> f64 {
        let of = |entry: &Value| entry["marionette"]["hardness"]["pose"].as_f64();
        let all: Vec<f64> = annotations(set)["train"].iter().filter_map(of).collect();
        assert_eq!(all.len(), 64);
        all.iter().sum::<f64>() / 64.0
    };
    let evenly = set.with_file_name("evenly");
    succeed(&mut generate(&evenly, &job));
    assert!(hardness(&set) < hardness(&evenly) - 0.1, "{} {}", hardness(&set), hardness(&evenly));
    let other = set.with_file_name("other");
    let mut command = marionette(["generate", "night", "--out"]);
    command.arg(&other).args(job).args(policy);
    fail(&mut command, 2, &["is a run of the scene crowded, not of night"]);
    assert!(!other.exists());
}

#[test]
fn what_cannot_be_made_is_refused_before_anything_is_written() {
    let (_kept, set) = folder();
    let job = ["--count", "10", "--format", "coco"];
    let refused = |more: &[&str], parts: &[&str]| {
        let said = crate::runs::outcome(&mut generate(&set, more));
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(parts.iter().all(|part| said.stderr.contains(part)), "{said:?}");
        assert!(!set.exists(), "{more:?}");
    };
    let with = |more: &[&'static str]| [&job[..], more].concat();
    refused(&["--count", "0", "--format", "coco"], &["'0'", "--count"]);
    refused(&["--count", "10", "--format", "voc"], &["voc", "coco", "yolo", "webdataset"]);
    refused(&with(&["--splits", "90,5"]), &["these sum to 95"]);
    refused(&with(&["--shard", "2/2"]), &["there is no part 2 of 2"]);
    refused(&with(&["--size", "64x65"]), &["--size is 64x65", "same proportions"]);
    refused(&with(&["--policy", "nowhere"]), &["nowhere: does not exist"]);
    fs::create_dir(&set).unwrap();
    fs::write(set.join("mine.txt"), "x").unwrap();
    for more in [&[][..], &["--resume"]] {
        fail(&mut generate(&set, &with(more)), 2, &["is not empty (mine.txt)"]);
    }
    assert_eq!(names(&set), ["mine.txt"]);
    fs::remove_file(set.join("mine.txt")).unwrap();
    succeed(&mut generate(&set, &job));
    let before = contents(&set);
    fail(&mut generate(&set, &job), 2, &["is not empty"]);
    fail(
        &mut generate(&set, &with(&["--resume", "--seed", "2"])),
        2,
        &["another seed: 1, and now it is 2"],
    );
    assert!(contents(&set) == before);
}
