//! Exams from the command line: during a run, and of finished weights.

use crate::runs::{fail, json, marionette, names, succeed};
use marionette::stream::HardnessAxis;
use marionette::train::export::{read_model, write_model};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// A finished run of four small steps, with exams after every second.
static RUN: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exams-run");
    let _ = fs::remove_dir_all(&path);
    let mut command =
        marionette(["train", "--steps", "4", "--set", "batch=4", "--set", "exam.images=5"]);
    command.args(["--set", "exam.every=2", "--set", "exam.during=[\"easy\"]", "--run"]).arg(&path);
    succeed(&mut command);
    path
});

fn exams(report: &Value) -> Vec<&str> {
    report["exams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["exam"].as_str().unwrap())
        .collect()
}

#[test]
fn a_run_takes_all_exams_at_either_end_and_some_on_the_way() {
    assert_eq!(
        names(&RUN.join("exams")),
        ["step-000000.json", "step-000002.json", "step-000004.json"]
    );
    let reports = [0, 2, 4].map(|step| json(&RUN, &format!("exams/step-{step:06}.json")));
    // The exam that decides is taken whether or not it is asked for.
    assert_eq!(exams(&reports[1]), ["standard", "easy"]);
    for (report, step) in [(&reports[0], 0), (&reports[2], 4)] {
        assert_eq!(report["step"], step);
        assert_eq!(exams(report).len(), 4 + HardnessAxis::ALL.len());
    }
    for (before, after) in
        reports[0]["exams"].as_array().unwrap().iter().zip(reports[2]["exams"].as_array().unwrap())
    {
        assert_eq!(before["sha256"], after["sha256"], "the images stay the same");
        assert_eq!(
            (before["images"].as_u64(), &before["mean_pose"]),
            (Some(5), &after["mean_pose"])
        );
        let labelled: u64 = after["pck"]["per_keypoint"]
            .as_array()
            .unwrap()
            .iter()
            .map(|k| k["labelled"].as_u64().unwrap())
            .sum();
        assert_eq!(after["pck"]["keypoints"].as_u64(), Some(labelled));
    }
    let hashes: std::collections::BTreeSet<_> = reports[0]["exams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["sha256"].as_str().unwrap())
        .collect();
    assert_eq!(hashes.len(), 12, "no two exams are the same");
    let summary = json(&RUN, "summary.json");
    assert_eq!(summary["exams"].as_array().unwrap().len(), 12);
    let best = summary["best"]["step"].as_u64().unwrap();
    assert_eq!(fs::read_to_string(RUN.join("best")).unwrap(), format!("step-{best:06}\n"));
    let score = |report: &Value| report["exams"][0]["pck"]["torso_02"].as_f64().unwrap();
    assert_eq!(
        summary["best"]["torso_02"].as_f64(),
        Some(score(&reports[1]).max(score(&reports[2])))
    );
}

#[test]
fn weights_get_the_same_results_as_in_their_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("exams.json");
    let said = succeed(
        marionette(["eval", "--exam", "all", "--count", "5", "--json"]).arg(&out).arg(&*RUN),
    );
    let found: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    // What the critic says is known in the run alone.
    let mut taken = json(&RUN, "exams/step-000004.json")["exams"].clone();
    for exam in taken.as_array_mut().unwrap() {
        let score = exam.as_object_mut().unwrap().remove("score").unwrap();
        assert!((0.0..=1.0).contains(&score["mean"].as_f64().unwrap()), "{score}");
    }
    assert_eq!(found["exams"], taken);
    for part in ["standard", "hard-camouflage", "left_ankle", "mean pose"] {
        assert!(said.stdout.contains(part), "{}", said.stdout);
    }
    // Away from the run, the scene is the one that the card names.
    let alone = folder.path().join("alone.safetensors");
    fs::copy(RUN.join("weights.safetensors"), &alone).unwrap();
    succeed(
        marionette(["eval", "--exam", "easy", "--count", "5", "--quiet", "--json"])
            .arg(&out)
            .arg(&alone),
    );
    let found: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    assert_eq!(found["exams"][0], taken[1]);
}

#[test]
fn errors_are_told_level_by_level() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("axes.json");
    let said =
        succeed(marionette(["eval", "--axes", "--count", "5", "--json"]).arg(&out).arg(&*RUN));
    for part in ["missed keypoints", "mean error, torso lengths", "0.80-1.00", "degradation"] {
        assert!(said.stdout.contains(part), "no {part:?} in: {}", said.stdout);
    }
    let found: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    let exams = &json(&RUN, "exams/step-000004.json")["exams"];
    let axes = found["axes"].as_array().unwrap();
    assert_eq!(axes.len(), HardnessAxis::ALL.len());
    for (axis, errors) in HardnessAxis::ALL.into_iter().zip(axes) {
        let levels = errors["levels"].as_array().unwrap();
        let names: Vec<&str> = levels.iter().map(|level| level["exam"].as_str().unwrap()).collect();
        let between = |level| format!("{axis}-{level}-of-5");
        assert_eq!(names, ["easy", &between(2), &between(3), &between(4), &format!("hard-{axis}")]);
        // The ends are exams that the run took itself.
        for (level, exam) in [(&levels[0], &exams[1]), (&levels[4], &exams[4 + axis as usize])] {
            assert_eq!(level["sha256"], exam["sha256"]);
            assert_eq!(
                level["missed"].as_f64(),
                exam["pck"]["torso_02"].as_f64().map(|pck| 1.0 - pck)
            );
            assert_eq!(level["mean_error"], exam["pck"]["mean_error"]);
        }
    }
    let args = [
        "eval", "--axes", "--levels", "2", "--count", "2", "--scene", "studio", "--quiet", "--json",
    ];
    let said = succeed(marionette(args).arg(&out).arg(&*RUN));
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let found: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    assert_eq!(found["scene"], "studio");
    assert_eq!(found["axes"][7]["levels"][1]["exam"], "degradation-2-of-2");
}

#[test]
fn exams_that_cannot_be_taken_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let weights = RUN.join("weights.safetensors");
    let eval = |weights: &Path, args: &[&str]| {
        let mut command = marionette(["eval"]);
        command.arg(weights).args(args).current_dir(&folder);
        command
    };
    fail(
        &mut eval(&weights, &["--exam", "hard-mood"]),
        2,
        &["no exam is called \"hard-mood\"", "hard-view", "all"],
    );
    fail(
        &mut eval(&weights, &["--exam", "pose-2-of-5"]),
        2,
        &["no exam is called \"pose-2-of-5\""],
    );
    fail(
        &mut eval(&weights, &["--exam", "easy", "--scene", "no.toml"]),
        2,
        &["no.toml: cannot be read"],
    );
    fail(&mut eval(&weights, &["--axes", "--scene", "no.toml"]), 2, &["no.toml: cannot be read"]);
    let scene = fs::read_to_string(RUN.join("scene.toml")).unwrap();
    fs::write(folder.path().join("wide.toml"), scene.replacen("width = 64", "width = 128", 1))
        .unwrap();
    let parts = ["\"nano\" takes 64x64", "makes 128x64", "give a --scene"];
    fail(&mut eval(&weights, &["--exam", "easy", "--scene", "wide.toml"]), 2, &parts);

    let (tensors, mut card) = read_model(&weights).unwrap();
    card.scene = "elsewhere".to_owned();
    let moved = folder.path().join("moved.safetensors");
    write_model(&moved, &tensors, &card).unwrap();
    fail(&mut eval(&moved, &["--exam", "easy"]), 2, &["trained on scene \"elsewhere\"", "--scene"]);
    card.figure = "horse".to_owned();
    card.keypoints.names[0] = "muzzle".to_owned();
    let horse = folder.path().join("horse.safetensors");
    write_model(&horse, &tensors, &card).unwrap();
    let parts = [
        "horse.safetensors: is of the figure \"horse\"",
        "shows \"human\"",
        "give weights of that figure",
    ];
    fail(&mut eval(&horse, &["--exam", "easy", "--scene", "quickstart"]), 2, &parts);
    fail(
        &mut eval(&weights, &["--exam", "easy", "--json", "horse.safetensors/a.json"]),
        1,
        &["horse.safetensors/a.json: cannot be written"],
    );
}
