//! A tour of the simulator window on a virtual display, driven by keys and clicks as people's are;
//! and what happens without a display.

use crate::runs::{
    Outcome, contents, copy, fail, json, marionette, metrics, names, outcome, signal, succeed,
    until, wait, with_default_signals,
};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

const STEPS: u64 = 24;

/// A virtual display of its own.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start() -> Self {
        // A number of its own: a server that looks for a free one can take another's socket away.
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id() * 16 + STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!(":{}", 100 + number % 50_000);
        let server = Command::new("Xvfb")
            .args([&name, "-displayfd", "1", "-screen", "0", "1280x720x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut server = server.expect(
            "this test needs Xvfb; scripts/test installs it on Debian and Ubuntu (package xvfb)",
        );
        let mut ready = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready.trim(), &name[1..], "Xvfb does not start");
        Display { server, name }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It takes its socket away when it ends by itself.
        signal(self.server.id(), "TERM");
        let _ = self.server.wait();
    }
}

fn settings(command: &mut Command) -> &mut Command {
    command.args(["--steps", &STEPS.to_string()]);
    for setting in
        ["batch=8", "log.every=1", "checkpoint.every=7", "exam.images=6", "exam.every=11"]
    {
        command.args(["--set", setting]);
    }
    command
}

/// The same run without a window.
static HEADLESS: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window-headless");
    let _ = fs::remove_dir_all(&path);
    succeed(settings(marionette(["train", "--run"]).arg(&path)));
    path
});

/// The program with a window on `display`, driven by `script`.
fn windowed(display: &Display, folder: &Path, script: &str, args: &[&str]) -> Command {
    let file = folder.join("tour.txt");
    fs::write(&file, script).unwrap();
    let mut command = marionette(["sim"]);
    command.args(args).env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY");
    command.env("MARIONETTE_WINDOW_SCRIPT", file).env("MARIONETTE_CONFIG", folder.join("config"));
    command
}

fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("weights.safetensors")).unwrap()
}

/// What the tour said, in order.
fn said(outcome: &Outcome) -> Vec<&str> {
    outcome
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("tour: ")?.split(" (").next())
        .collect()
}

#[test]
fn a_tour_of_every_panel_ends_with_the_weights_of_the_headless_run() {
    let (display, folder) = (Display::start(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let script = format!(
        "wait step 2\nkey Space\nwait paused\nsay paused\nkey 2\nsay batch\nwait frames 4\nclick \
         200 200\nwait sample\nsay clicked\nkey 3\nkey L\nsay curves\nkey 4\nsay curriculum\nkey \
         5\nsay gallery\nkey 6\nsay controls\nkey 1\nwait picture\nsay stage\nkey H\nwait \
         explained\nsay explained\nkey R\nwait picture\nset stage 3\nwait sample\nsay sample\nset \
         overlay colliders\nset overlay boxes\nset overlay depth\nset heatmap 17\nwait frames \
         3\nkey ?\nkey Escape\nkey T\nkey Plus\nkey Minus\nkey N\nwait step 3\nkey N\nwait step \
         4\nkey E\nwait file {run}/exported\nkey C\nkey 5\nkey P\nwait frames 4\nshot \
         {shot}\nwait file {shot}\nresize 900 600\nwait frames 4\nhide\nsleep 700\nunhide\nkey \
         Space\nwait over\nkey 3\nwait frames 4\nsay over\nclose\n",
        run = run.display(),
        shot = folder.path().join("shot.png").display(),
    );
    let mut command =
        windowed(&display, folder.path(), &script, &["--run", &run.display().to_string()]);
    let toured = succeed(settings(&mut command));
    let expected = [
        "paused",
        "batch",
        "clicked",
        "curves",
        "curriculum",
        "gallery",
        "controls",
        "stage",
        "explained",
        "sample",
        "over",
    ];
    assert_eq!(said(&toured), expected, "{toured:?}");
    assert!(
        !toured.stdout.contains("nothing known") && !toured.stderr.contains("nothing known"),
        "{toured:?}"
    );
    assert!(weights(&run) == weights(&HEADLESS), "the weights differ");
    assert_eq!(json(&run, "manifest.json"), json(&HEADLESS, "manifest.json"));
    let hand = fs::read_to_string(run.join("hand.jsonl")).unwrap();
    for touched in ["pause", "step", "export", "checkpoint", "resume"] {
        assert!(hand.contains(&format!("\"what\":\"{touched}\"")), "{touched} is not in {hand}");
    }
    assert!(!hand.contains("\"steers\":true"), "{hand}");
    assert!(names(&run.join("exported"))[0].ends_with(".safetensors"));
    assert!(names(&run.join("pictures")).iter().any(|name| name.starts_with("gallery-hardest")));
    let layout = fs::read_to_string(folder.path().join("config/window.json")).unwrap();
    assert!(
        layout.contains("\"panel\": \"curves\"") && layout.contains("\"dark\": false"),
        "{layout}"
    );
    let shot = image::open(folder.path().join("shot.png")).unwrap().to_rgb8();
    assert!(shot.width() >= 640 && shot.pixels().any(|pixel| pixel != shot.get_pixel(0, 0)));
}

#[test]
fn a_window_that_is_closed_leaves_the_run_alone_and_one_that_steers_is_written_down() {
    let (display, folder) = (Display::start(), tempfile::tempdir().unwrap());
    let closed = folder.path().join("closed");
    let args = ["--run", &closed.display().to_string()];
    let mut command = windowed(&display, folder.path(), "wait step 2\nsay closing\nclose\n", &args);
    assert_eq!(said(&succeed(settings(&mut command))), ["closing"]);
    assert!(weights(&closed) == weights(&HEADLESS), "the weights differ");
    assert!(!closed.join("hand.jsonl").exists());

    let steered = folder.path().join("steered");
    let args = ["--run", &steered.display().to_string()];
    let script = "wait step 1\nset gamma 99\nset lock.view 0,0,0,0,0,1\nkey 6\nwait over\nclose\n";
    let outcome = succeed(settings(&mut windowed(&display, folder.path(), script, &args)));
    assert!(outcome.stdout.contains("STEERED BY HAND, 2 times"), "{outcome:?}");
    assert_eq!(json(&steered, "manifest.json")["hand_steered"], true);
    assert!(fs::read_to_string(steered.join("hand.jsonl")).unwrap().contains("\"value\":8.0"));
}

#[test]
fn a_window_that_hangs_does_not_stop_the_run() {
    let (display, folder) = (Display::start(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let args = ["--run", &run.display().to_string()];
    let mut child =
        settings(&mut windowed(&display, folder.path(), "sleep 600000\n", &args)).spawn().unwrap();
    until("a step", || !metrics(&run).is_empty());
    // A server that answers nothing: the window waits for it with every frame.
    signal(display.server.id(), "STOP");
    until("the end", || run.join("summary.json").exists());
    signal(display.server.id(), "CONT");
    child.kill().unwrap();
    wait(child);
    assert!(weights(&run) == weights(&HEADLESS), "the weights differ");
}

#[test]
fn a_signal_stops_the_run_and_closes_its_window() {
    let (display, folder) = (Display::start(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let args =
        ["--run", &run.display().to_string(), "--set", "debug.jitter_ms=200", "--set", "batch=4"];
    let sim = windowed(&display, folder.path(), "sleep 600000\n", &args);
    let mut command = with_default_signals(&sim);
    let child = command.args(["--steps", "100000", "--set", "exam.images=0"]).spawn().unwrap();
    until("the first picture", || run.join("pictures/first_batch.png").exists());
    signal(child.id(), "TERM");
    let said = wait(child);
    assert_eq!(said.code, Some(143), "{said:?}");
    assert!(said.stdout.contains("stopped after step "), "{said:?}");
    assert!(run.join("latest").exists());
}

#[test]
fn a_failing_trainer_leaves_the_window_open_with_the_newest_checkpoint() {
    let (display, folder) = (Display::start(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    let script = "wait over\nkey 1\nwait picture\nsay still here\nclose\n";
    let args = ["--run", &run.display().to_string(), "--set", "debug.fail_after_step=9"];
    let failed = outcome(settings(&mut windowed(&display, folder.path(), script, &args)));
    assert_eq!((failed.code, said(&failed)), (Some(1), vec!["still here"]), "{failed:?}");
    assert!(failed.stderr.contains("error: failed after step 9"), "{failed:?}");
    assert_eq!(names(&run.join("checkpoints")), ["step-000007"]);
}

#[test]
fn a_run_that_is_over_is_opened_to_look_at_and_nothing_changes() {
    let (display, folder) = (Display::start(), tempfile::tempdir().unwrap());
    let run = folder.path().join("run");
    copy(&HEADLESS, &run);
    let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
    fs::write(run.join("manifest.json"), manifest.replace(env!("CARGO_PKG_VERSION"), "0.0.9"))
        .unwrap();
    let before = contents(&run);
    let script = "key 2\nkey 3\nkey 4\nkey 5\nkey 6\nkey Space\nkey 1\nwait picture\nkey H\nwait \
                  explained\nsay seen\nclose\n";
    let args = ["--run", &run.display().to_string()];
    assert_eq!(said(&succeed(&mut windowed(&display, folder.path(), script, &args))), ["seen"]);
    assert!(contents(&run) == before, "something in the run has changed");
    fs::write(run.join("config.toml"), "steps = 3\nflux = 1\n").unwrap();
    fail(&mut windowed(&display, folder.path(), script, &args), 2, &["config.toml:2", "flux"]);
}

#[test]
fn without_a_display_one_sentence_says_what_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut command = marionette(["train", "--window", "--run"]);
    command.arg(&run).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    fail(&mut command, 1, &["DISPLAY", "WAYLAND_DISPLAY", "marionette train"]);
    fail(command.env("DISPLAY", ":4711"), 1, &["DISPLAY is :4711", "marionette train"]);
    fail(command.env("DISPLAY", "nonsense:x"), 1, &["it names no display"]);
    assert!(!run.exists());
}
