//! `marionette ablate`: arms by seeds, gone on with after a stop, and what it refuses.

use crate::runs::{fail, marionette, names, signal, succeed, until, wait};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// A small ablation into `out`.
fn ablate(out: &Path, arms: &str, more: &[&str]) -> Command {
    let mut command = marionette(["ablate", "quickstart", "--set", "batch=4", "--arms", arms]);
    command.args(["--set", "exam.images=4"]).arg("--out").arg(out).args(more);
    command
}

fn results(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out.join("results.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn arms_are_compared_and_results_are_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arms = "uniform,frontier-difficulty";
    let size = ["--steps", "2", "--seeds", "1"];
    let said = succeed(&mut ablate(&out, arms, &size));
    for part in ["frontier-difficulty", "natural", "Differences from uniform"] {
        assert!(said.stdout.contains(part), "no {part:?} in: {}", said.stdout);
    }
    assert_eq!(
        fs::read_to_string(out.join("table.txt")).unwrap().trim_end(),
        said.stdout.trim_end()
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("frontier-difficulty"));
    let first = results(&out);
    for (outcome, arm) in first.iter().zip(["uniform", "frontier-difficulty"]) {
        assert_eq!((outcome["arm"].as_str(), outcome["seed"].as_u64()), (Some(arm), Some(1)));
        assert_eq!((outcome["step"].as_u64(), outcome["images"].as_u64()), (Some(2), Some(8)));
        let exams = outcome["exams"].as_array().unwrap();
        assert_eq!(exams.len(), 12);
        for exam in exams {
            let counts = |name: &str| exam[name].as_array().unwrap().clone();
            assert_eq!((counts("found").len(), counts("labelled").len()), (4, 4));
        }
        // Before the first step, and after each.
        assert_eq!(outcome["curve"].as_array().unwrap().len(), 3);
        assert!(outcome["scores"][2][1].as_array().unwrap().iter().all(Value::is_number));
    }
    let sha = |outcome: &Value| outcome["exams"][0]["sha256"].clone();
    assert_eq!(sha(&first[0]), sha(&first[1]));

    // What a kill left of a line goes; what is there stays as it is; another seed is added.
    let text = fs::read_to_string(out.join("results.jsonl")).unwrap();
    fs::write(out.join("results.jsonl"), format!("{text}{}", &text[..40])).unwrap();
    fail(&mut ablate(&out, arms, &size), 2, &["has results already", "--resume"]);
    succeed(&mut ablate(&out, arms, &["--steps", "2", "--seeds", "2", "--resume"]));
    let all = results(&out);
    assert_eq!(all[..2], first[..]);
    assert_eq!(all[2..].iter().map(|o| o["seed"].as_u64()).collect::<Vec<_>>(), [Some(2); 2]);

    let other = ["--steps", "3", "--seeds", "1", "--resume"];
    fail(
        &mut ablate(&out, arms, &other),
        2,
        &["another configuration", "steps: 2 there, 3 wanted"],
    );
    assert_eq!(results(&out), all);
}

#[test]
fn a_stopped_ablation_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let size = ["--steps", "4000", "--seeds", "1"];
    let child = ablate(&out, "uniform,ramp", &size).spawn().unwrap();
    let run = out.join("runs/uniform-1");
    until("a first step", || run.join("metrics.jsonl").metadata().is_ok_and(|m| m.len() > 0));
    signal(child.id(), "TERM");
    let said = wait(child);
    assert_eq!(said.code, Some(143), "{said:?}");
    assert!(said.stderr.contains("--resume goes on"), "{said:?}");
    assert!(results(&out).is_empty() && !names(&run.join("checkpoints")).is_empty());
}

#[test]
fn a_seed_that_diverges_is_kept_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // As in `repeatable.rs`: the steps grow without bound.
    let mut command = ablate(&out, "uniform", &["--steps", "60", "--seeds", "1"]);
    for (key, value) in
        [("learning_rate", "10"), ("warmup", "0"), ("beta2", "0"), ("epsilon", "1e-60")]
    {
        command.args(["--set", &format!("optimizer.{key}={value}")]);
    }
    let said = succeed(&mut command);
    let outcome = &results(&out)[0];
    assert!(outcome["diverged"].is_string(), "{outcome}");
    assert!(said.stdout.contains("1 diverged"), "{}", said.stdout);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("uniform,hardst", &[], &["\"hardst\"", "ramp+sparse", "+late"]),
        ("uniform+", &[], &["\"uniform+\""]),
        ("uniform", &["--seeds", "0"], &["--seeds: found 0, expected at least 1"]),
        ("uniform", &["--steps", "0"], &["steps: found 0, expected 1 to"]),
        ("uniform", &["--set", "batch=0"], &["batch: found 0"]),
        ("uniform", &["--set", "exam.images=0"], &["exam.images: found 0"]),
        ("uniform", &["--first-seed", "18446744073709551615", "--seeds", "3"], &["--seeds"]),
        ("uniform", &["--set", "curriculum.replay.size=3"], &["no longer replayed"]),
    ];
    for (arms, more, parts) in cases {
        fail(&mut ablate(&out, arms, more), 2, parts);
    }
    assert!(!out.exists());
}
