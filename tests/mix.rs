//! Learning from photographs beside renders, and from weights of another run.

use crate::runs::{contents, fail, json, marionette, metrics, succeed};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// Labelled pictures of 40 figures, as good as photographs.
static PICTURES: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mix-pictures");
    let _ = fs::remove_dir_all(&path);
    let job = ["--count", "12", "--size", "128", "--splits", "100", "--format", "coco"];
    succeed(marionette(["generate", "crowded", "--quiet", "--out"]).arg(&path).args(job));
    path
});

/// `--mix` with a share of the batch.
fn mix(share: &str) -> String {
    let annotations = PICTURES.join("annotations/person_keypoints_train.json");
    let images = PICTURES.join("images/train");
    format!("coco:{}:{}={share}", annotations.display(), images.display())
}

fn train(run: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["train", "quickstart", "--run"]);
    command.arg(run).args(["--steps", "6"]);
    for setting in ["batch=8", "log.every=1", "exam.images=0", "checkpoint.every=2"] {
        command.args(["--set", setting]);
    }
    command.args(more);
    command
}

fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("weights.safetensors")).unwrap()
}

#[test]
fn photographs_are_a_share_of_each_batch_and_a_figure_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mixed = mix("0.5");
    let said = succeed(&mut train(&at("a"), &["--mix", &mixed]));
    assert!(said.stderr.contains("4 of each batch of 8"), "{}", said.stderr);
    for row in metrics(&at("a")) {
        assert!(row["photograph_loss"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["photograph_pck"].as_f64().is_some_and(|pck| (0.0..=1.0).contains(&pck)));
        // Half of what the step learns from is rendered, and it alone is counted.
        assert_ne!(row["loss"], row["photograph_loss"]);
    }
    // The renders of a batch of four are the same with and without photographs beside them.
    succeed(&mut train(&at("alone"), &["--set", "batch=4"]));
    let hashes = |run: &str| json(&at(run), "manifest.json")["frame_hashes"].clone();
    assert_eq!(hashes("a"), hashes("alone"));
    assert!(weights(&at("a")) != weights(&at("alone")));
    assert!(metrics(&at("alone")).iter().all(|row| row.get("photograph_loss").is_none()));
    let shown = |run: &str| fs::read_to_string(at(run).join("report.html")).unwrap();
    assert!(shown("a").contains("<b>Loss, photographs</b>"));
    assert!(!shown("alone").contains("<b>Loss, photographs</b>"));
}

#[test]
fn a_run_with_photographs_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mixed = mix("0.3");
    let both = ["--mix", &mixed, "--set", "flips=both"];
    succeed(&mut train(&at("whole"), &both));
    let asked = ["--set", "debug.fail_after_step=3"];
    fail(&mut train(&at("cut"), &[&both[..], &asked, &["--quiet"]].concat()), 1, &["after step 3"]);
    let mut resume = marionette(["train", "--resume", "--set", "debug.fail_after_step=0", "--run"]);
    succeed(resume.arg(at("cut")));
    assert!(weights(&at("cut")) == weights(&at("whole")));
}

#[test]
fn weights_of_another_run_are_where_a_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let exams = ["--set", "exam.images=16"];
    succeed(&mut train(&at("first"), &exams));
    let first = at("first").display().to_string();
    let said = succeed(&mut train(&at("second"), &[&exams[..], &["--init", &first]].concat()));
    assert!(said.stderr.contains("the head's parts for 17 of 17 keypoints"), "{}", said.stderr);
    let exam = |run: &str, when: &str| -> Vec<Value> {
        let summary = json(&at(run), "summary.json");
        summary["exams"].as_array().unwrap().iter().map(|exam| exam[when].clone()).collect()
    };
    assert_eq!(exam("first", "after"), exam("second", "before"));
    // A run goes on without the weights that it began with, also from its very beginning.
    let begun = train(&at("third"), &["--init", &first, "--set", "debug.fail_after_step=1"]);
    let mut begun = begun;
    fail(begun.arg("--quiet"), 1, &["after step 1"]);
    fs::remove_dir_all(at("first")).unwrap();
    let mut resume = marionette(["train", "--resume", "--set", "debug.fail_after_step=0", "--run"]);
    succeed(resume.arg(at("third")));
    assert!(weights(&at("third")) == weights(&at("second")));
}

#[test]
fn a_run_that_was_killed_before_its_first_checkpoint_still_begins_with_other_weights() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let nothing = ["--set", "exam.images=0"];
    succeed(&mut train(&at("first"), &nothing));
    let first = at("first").display().to_string();
    succeed(&mut train(&at("whole"), &[&nothing[..], &["--init", &first]].concat()));
    fs::create_dir(at("killed")).unwrap();
    for file in ["config.toml", "scene.toml", "figure.toml"] {
        fs::copy(at("whole").join(file), at("killed").join(file)).unwrap();
    }
    let mut resume = marionette(["train", "--resume", "--run"]);
    let said = succeed(resume.arg(at("killed")));
    assert!(said.stderr.contains("the head's parts for 17 of 17 keypoints"), "{}", said.stderr);
    assert!(weights(&at("killed")) == weights(&at("whole")));
}

#[test]
fn what_cannot_be_mixed_in_is_refused_before_a_run_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let refused = |more: &[&str], parts: &[&str]| {
        let said = crate::runs::outcome(&mut train(&run, more));
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(parts.iter().all(|part| said.stderr.contains(part)), "{said:?}");
        assert!(!run.exists(), "{more:?}");
    };
    refused(&["--mix", &mix("0")], &["found a share of 0"]);
    refused(&["--mix", &mix("1.01")], &["found a share of 1.01"]);
    refused(&["--mix", "coco:nowhere.json:x=0.5"], &["nowhere.json", "No such file"]);
    let broken = folder.path().join("broken.json");
    fs::write(&broken, "{\"images\": [").unwrap();
    let mixed = format!("coco:{}:x=0.5", broken.display());
    refused(&["--mix", &mixed], &["broken.json"]);
    let annotations = PICTURES.join("annotations/person_keypoints_train.json");
    let mixed = format!("coco:{}:{}=0.5", annotations.display(), folder.path().display());
    refused(&["--mix", &mixed], &["12 of 12 annotated pictures are not there", "000000000.jpg"]);
    refused(&["--init", "nowhere"], &["nowhere"]);
    refused(
        &["--set", "photographs.share=0.5"],
        &["photographs.annotations", "photographs.images"],
    );
    // A picture that is damaged is found when it is shown.
    let pictures = folder.path().join("pictures");
    for (path, bytes) in contents(&PICTURES.join("images/train")) {
        fs::create_dir_all(&pictures).unwrap();
        fs::write(pictures.join(path.file_name().unwrap()), &bytes[..bytes.len() / 2]).unwrap();
    }
    let mixed = format!("coco:{}:{}=0.5", annotations.display(), pictures.display());
    fail(&mut train(&run, &["--mix", &mixed, "--quiet"]), 2, &["mend it"]);
}
