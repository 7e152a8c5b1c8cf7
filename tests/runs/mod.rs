//! Starts the program itself, as people do.

use candle_core::Device;
use marionette::scene::load_scene;
use marionette::train::export::{ModelCard, write_model};
use marionette::{nn as model, nn::heatmap::Activation};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Far more than anything here takes: only a program that hangs is ever stopped by it.
const FOREVER: Duration = Duration::from_secs(3600);

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program with these arguments, its output kept.
pub fn marionette<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_marionette"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // What is set around the tests must not decide how they come out.
    command.env_remove("RAYON_NUM_THREADS").env_remove("MARIONETTE_LOG");
    command.env("MARIONETTE_CACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
    command
}

/// Runs `command` to its end.
#[track_caller]
pub fn outcome(command: &mut Command) -> Outcome {
    wait(command.spawn().unwrap())
}

/// Waits for `child` to end.
#[track_caller]
pub fn wait(child: Child) -> Outcome {
    let id = child.id();
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || sender.send(child.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(FOREVER) else {
        signal(id, "KILL");
        panic!("the program hangs");
    };
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let outcome = Outcome {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    };
    for said in [&outcome.stdout, &outcome.stderr] {
        assert!(!said.contains("panicked"), "{said}");
    }
    outcome
}

/// Runs `command`, which must succeed.
#[track_caller]
pub fn succeed(command: &mut Command) -> Outcome {
    let outcome = outcome(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome
}

/// Runs `command`, which must fail with `code` and one line on standard error that has all `parts`
/// in it.
#[track_caller]
pub fn fail(command: &mut Command, code: i32, parts: &[&str]) -> Outcome {
    let outcome = outcome(command);
    assert_eq!(outcome.code, Some(code), "{outcome:?}");
    assert!(outcome.stderr.starts_with("error: "), "{outcome:?}");
    assert_eq!(outcome.stderr.trim_end().lines().count(), 1, "{outcome:?}");
    for part in parts {
        assert!(outcome.stderr.contains(part), "no {part:?} in: {}", outcome.stderr);
    }
    outcome
}

/// The same program, heeding signals that the tests themselves may have been started to ignore.
#[cfg(target_os = "linux")]
pub fn with_default_signals(command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal=INT,TERM,HUP").arg(command.get_program()).args(command.get_args());
    taking_after(&mut env, command);
    env
}

/// The program run by `bash` after `setup`: a limit, a trap.
#[cfg(target_os = "linux")]
pub fn in_shell(command: &Command, setup: &str) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{setup}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    taking_after(&mut shell, command);
    shell
}

/// Gives `outer` the environment, folder and streams of `inner`.
#[cfg(target_os = "linux")]
fn taking_after(outer: &mut Command, inner: &Command) {
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    if let Some(folder) = inner.get_current_dir() {
        outer.current_dir(folder);
    }
    outer.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
}

/// Waits until `come` or fails.
#[track_caller]
pub fn until(what: &str, mut come: impl FnMut() -> bool) {
    let began = Instant::now();
    while !come() {
        assert!(began.elapsed() < Duration::from_secs(600), "{what} never came");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends the signal called `name` to the process `id`.
pub fn signal(id: u32, name: &str) {
    Command::new("kill").args([format!("-{name}"), id.to_string()]).status().unwrap();
}

/// The lines of a run's `metrics.jsonl`; a last line without an end is being written just now.
pub fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The JSON file of this name in a run.
#[track_caller]
pub fn json(run: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(run.join(name)).unwrap()).unwrap()
}

/// The names of what is in `folder`, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file in `folder` and below, with what it holds, but for the locks of runs, which say who
/// held them last.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for name in names(folder).into_iter().filter(|name| name != ".lock") {
        let path = folder.join(name);
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

/// Copies `from` with all that is in it to `to`.
pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in contents(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, bytes).unwrap();
    }
}

/// Writes the weights of a network that has learned nothing, but is sure of what it says.
pub fn write_random_weights(path: &Path, seed: u64) {
    let figure = load_scene("quickstart").unwrap().figure;
    let network = model::build("nano", figure.keypoints.len(), seed, &Device::Cpu).unwrap();
    let mut tensors = network.parameters().tensors().unwrap();
    // The head starts so small that all heatmaps are flat.
    let head = tensors.get_mut("head.weight").unwrap();
    *head = (&*head * 300.0).unwrap();
    let card = ModelCard {
        step: 7,
        ..ModelCard::new(&figure, network.spec().clone(), Activation::Softmax)
    };
    write_model(path, &tensors, &card).unwrap();
}
