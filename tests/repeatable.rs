//! The closed loop is deterministic: with one seed the program makes the same weights, bit for bit,
//! however its threads are timed, however many there are, and however often it is killed on the
//! way.
//!
//! MARIONETTE_TEST_STEPS, _BATCH and _KILLS make the runs larger; `scripts/repeatability` does.

use crate::runs::{fail, json, marionette, metrics, names, signal, succeed, wait};
use marionette::train::export::read_weights;
use rand::Rng;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::LazyLock,
    thread,
    time::Duration,
};

fn size(name: &str, default: u64) -> u64 {
    let value = std::env::var(format!("MARIONETTE_TEST_{name}"));
    value.map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("MARIONETTE_TEST_{name} is {text:?}"))
    })
}

fn steps() -> u64 {
    size("STEPS", 40).max(10)
}

/// The run that all others are compared with.
static REFERENCE: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("repeatable-reference");
    let _ = fs::remove_dir_all(&path);
    succeed(&mut train(&path, &[]));
    path
});

/// A new run at `path`. It writes a checkpoint every seven steps, so that the last steps have none
/// of their own.
fn train(path: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["train", "--run"]);
    command.arg(path).args(["--steps", &steps().to_string()]);
    command.args(["--set", &format!("batch={}", size("BATCH", 8))]);
    command.args(["--set", "log.every=1", "--set", "checkpoint.every=7"]);
    command.args(["--set", "exam.images=6", "--set", "exam.every=11"]).args(more);
    command
}

fn resume(path: &Path) -> Command {
    let mut command = marionette(["train", "--run"]);
    command.arg(path).arg("--resume");
    command
}

/// The rows of `metrics.jsonl` without what measures the machine.
fn rows(run: &Path) -> Vec<Value> {
    let mut rows = metrics(run);
    for row in &mut rows {
        for timed in ["samples_per_second", "resident_mib", "batches_in_flight"] {
            row.as_object_mut().unwrap().remove(timed);
        }
    }
    rows
}

/// All that a run leaves is what the reference run left: every row of metrics, the whole last
/// checkpoint, the weights.
#[track_caller]
fn assert_like_reference(run: &Path) {
    let reference = &*REFERENCE;
    assert_eq!(
        json(run, "manifest.json")["frame_hashes"],
        json(reference, "manifest.json")["frame_hashes"]
    );
    let (found, expected) = (rows(run), rows(reference));
    let logged: Vec<u64> = found.iter().map(|row| row["step"].as_u64().unwrap()).collect();
    assert_eq!(logged, (1..=steps()).collect::<Vec<_>>(), "each step is logged once");
    for (found, expected) in found.iter().zip(&expected) {
        // The first row that differs says most.
        assert_eq!(found, expected);
    }
    for file in ["tensors.safetensors", "state.json"] {
        let file = format!("checkpoints/step-{:06}/{file}", steps());
        assert!(
            fs::read(run.join(&file)).unwrap() == fs::read(reference.join(&file)).unwrap(),
            "{file} differs"
        );
    }
    for file in names(&reference.join("exams"))
        .iter()
        .map(|name| format!("exams/{name}"))
        .chain(["best".to_owned()])
    {
        assert!(
            fs::read(run.join(&file)).unwrap() == fs::read(reference.join(&file)).unwrap(),
            "{file} differs"
        );
    }
    let weights = |run: &Path| fs::read(run.join("weights.safetensors")).unwrap();
    assert!(weights(run) == weights(reference), "the weights differ");
}

/// Waits until `run` has logged `step` or `child` has ended.
fn wait_for_step(child: &mut Child, run: &Path, step: u64) {
    let logged = || metrics(run).last().and_then(|row| row["step"].as_u64()).unwrap_or(0);
    while logged() < step && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(2));
    }
    // Not just after the line is written.
    thread::sleep(Duration::from_millis(rand::rng().random_range(0..60)));
}

#[test]
fn one_seed_gives_one_result() {
    let folder = tempfile::tempdir().unwrap();
    let twin = folder.path().join("twin");
    succeed(&mut train(&twin, &[]));
    assert_like_reference(&twin);
}

#[test]
fn another_seed_gives_another_result() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other");
    succeed(&mut train(&other, &["--seed", "2"]));
    let hashes =
        |run: &Path| json(run, "manifest.json")["frame_hashes"].as_array().unwrap().clone();
    let (found, expected) = (hashes(&other), hashes(&REFERENCE));
    assert_eq!(found.len() as u64, size("BATCH", 8));
    assert!(found.iter().all(|hash| !expected.contains(hash)), "no frame is the same");
    assert_ne!(
        fs::read(other.join("weights.safetensors")).unwrap(),
        fs::read(REFERENCE.join("weights.safetensors")).unwrap()
    );
}

#[test]
fn the_first_batches_are_all_different_frames() {
    let manifest = json(&REFERENCE, "manifest.json");
    let mut hashes: Vec<&str> = manifest["frame_hashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hash| hash.as_str().unwrap())
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len() as u64, size("BATCH", 8));
}

#[test]
fn a_run_killed_again_and_again_comes_to_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let kills = size("KILLS", 2);
    for kill in 0..kills {
        let part = |k: u64| 1 + (steps() - 2) * k / kills;
        let at = rand::rng().random_range(part(kill)..=part(kill + 1));
        let mut child = if kill == 0 { train(&run, &[]) } else { resume(&run) }.spawn().unwrap();
        wait_for_step(&mut child, &run, at);
        let _ = child.kill();
        let outcome = wait(child);
        println!("killed at step {at}: {:?}", names(&run.join("checkpoints")));
        assert!(outcome.stderr.is_empty(), "{outcome:?}");
    }
    succeed(&mut resume(&run));
    assert_like_reference(&run);
    // The last three, and the best in an exam where it is none of them.
    let checkpoints = |run: &Path| names(&run.join("checkpoints"));
    assert_eq!(checkpoints(&run), checkpoints(&REFERENCE), "nothing half done is left");
}

#[test]
fn a_run_killed_before_its_first_checkpoint_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut child = train(&run, &["--set", "checkpoint.every=1000"]).spawn().unwrap();
    wait_for_step(&mut child, &run, 2);
    child.kill().unwrap();
    wait(child);
    assert!(names(&run.join("checkpoints")).is_empty());
    succeed(&mut resume(&run));
    assert_like_reference(&run);
}

/// Where the tests were started to ignore signals, the program would as well.
fn heeding_signals(command: Command) -> Command {
    #[cfg(target_os = "linux")]
    return crate::runs::with_default_signals(&command);
    #[cfg(not(target_os = "linux"))]
    command
}

#[test]
fn ctrl_c_writes_a_checkpoint_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut child = heeding_signals(train(&run, &[])).spawn().unwrap();
    wait_for_step(&mut child, &run, rand::rng().random_range(1..steps() / 2));
    signal(child.id(), "INT");
    let stopped = wait(child);
    assert_eq!(stopped.code, Some(130), "{stopped:?}");
    let last = stopped.stdout.trim_end().lines().last().unwrap();
    let (step, how) = last.split_once("; go on with: ").unwrap();
    let step: u64 = step.strip_prefix("stopped after step ").unwrap().parse().unwrap();
    println!("stopped after step {step}");
    assert_eq!(fs::read_to_string(run.join("latest")).unwrap(), format!("step-{step:06}\n"));
    assert_eq!(metrics(&run).len() as u64, step);
    assert!(!run.join("weights.safetensors").exists());
    // To the letter as it was printed.
    succeed(&mut marionette(how.split(' ').skip(1)));
    assert_like_reference(&run);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (name, environment, more) in [
        ("one", Some("1"), &[][..]),
        ("two", Some("2"), &[]),
        ("setting-one", None, &["--set", "threads=1"]),
        ("setting-three", None, &["--set", "threads=3"]),
    ] {
        let run = folder.path().join(name);
        let mut command = train(&run, more);
        if let Some(threads) = environment {
            command.env("RAYON_NUM_THREADS", threads);
        }
        succeed(&mut command);
        assert_like_reference(&run);
    }
}

#[test]
fn delays_on_either_side_of_the_channel_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    succeed(&mut train(&run, &["--set", "debug.jitter_ms=15"]));
    assert_like_reference(&run);
}

#[test]
fn drawing_and_training_overlap() {
    let most = json(&REFERENCE, "summary.json")["most_in_flight"].as_u64().unwrap();
    assert!(most >= 2, "{most} batches were in flight at most: that is lockstep");
    assert_eq!(metrics(&REFERENCE).last().unwrap()["batches_in_flight"], most);
}

#[test]
fn the_loss_goes_down() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut command = marionette(["train", "--run"]);
    command.arg(&run).args(["--steps", "160", "--set", "batch=16", "--set", "log.every=1"]);
    succeed(&mut command);
    let losses: Vec<f64> = metrics(&run).iter().map(|row| row["loss"].as_f64().unwrap()).collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&losses[..10]), mean(&losses[losses.len() - 10..]));
    println!("loss {first:.3} -> {last:.3}");
    assert!(last < 0.8 * first, "loss {first:.3} -> {last:.3}");
}

#[test]
fn a_run_that_diverges_says_where_and_keeps_a_checkpoint_from_before() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut command = marionette(["train", "--run"]);
    command.arg(&run).args(["--steps", "60"]);
    // The second moments are forgotten at once and vanish in f32 with an epsilon that does, too:
    // the steps grow without bound. With a checkpoint at each step, those of the ten skipped ones
    // would push out every good one.
    for setting in [
        "batch=4",
        "checkpoint.every=1",
        "log.every=1",
        "optimizer.learning_rate=10",
        "optimizer.warmup=0",
    ] {
        command.args(["--set", setting]);
    }
    command.args(["--set", "optimizer.beta2=0", "--set", "optimizer.epsilon=1e-60"]);
    let failed =
        fail(&mut command, 1, &["10 steps in a row", "is not finite", "optimizer.learning_rate"]);
    let skipped: Vec<u64> = failed
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("step ")?.split_once(" skipped: ")?.0.parse().ok())
        .collect();
    let first = skipped[0];
    assert!(failed.stderr.contains(&format!("at step {} ", first + 9)), "{failed:?}");
    let checkpoints = names(&run.join("checkpoints"));
    assert!(!checkpoints.is_empty(), "{skipped:?}");
    for name in &checkpoints {
        let step: u64 = name.strip_prefix("step-").unwrap().parse().unwrap();
        assert!(step <= first, "{checkpoints:?} {skipped:?}");
        let tensors = read_weights(&run.join("checkpoints").join(name).join("tensors.safetensors"))
            .unwrap()
            .tensors;
        for (name, tensor) in tensors.iter().filter(|(name, _)| name.starts_with("network.")) {
            let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(values.iter().all(|value| value.is_finite()), "{name} is not finite");
        }
    }
}
