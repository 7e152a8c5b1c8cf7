//! Somebody watches a run. As long as nothing that steers is touched, the run comes to the same,
//! bit for bit.

#[cfg(target_os = "linux")]
use crate::runs::marionette;
use crate::runs::{json, metrics, until};
use marionette::run::{Control, Failure, RunConfig, RunDirectory, RunEvent, Session, Watch};
use marionette::scene::load_scene;
use marionette::stream::HardnessAxis;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, atomic::AtomicBool},
    thread,
    time::{Duration, Instant},
};

const STEPS: u64 = 14;

fn config(more: &[&str]) -> RunConfig {
    let settings = ["batch=8", "log.every=1", "checkpoint.every=5", "exam.images=0"]
        .into_iter()
        .chain(more.iter().copied());
    let settings: Vec<String> =
        settings.map(str::to_owned).chain([format!("steps={STEPS}")]).collect();
    RunConfig::with_overrides(&settings).unwrap()
}

/// A run at `path` while `watcher` watches it.
fn watched(
    path: &Path,
    more: &[&str],
    watcher: impl FnOnce(Watch) + Send + 'static,
) -> Result<(), Failure> {
    let mut session =
        Session::create(path, config(more), load_scene("quickstart").unwrap()).unwrap();
    let watch = session.watch();
    let watching = thread::spawn(move || watcher(watch));
    let result = session.run(Arc::new(AtomicBool::new(false)));
    watching.join().unwrap();
    result
}

/// A run that nobody watches.
static REFERENCE: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live-reference");
    let _ = fs::remove_dir_all(&path);
    let session = Session::create(&path, config(&[]), load_scene("quickstart").unwrap()).unwrap();
    session.run(Arc::new(AtomicBool::new(false))).unwrap();
    path
});

fn rows(run: &Path) -> Vec<Value> {
    let mut rows = metrics(run);
    for row in &mut rows {
        for timed in ["samples_per_second", "resident_mib", "batches_in_flight"] {
            row.as_object_mut().unwrap().remove(timed);
        }
    }
    rows
}

#[track_caller]
fn assert_like_reference(run: &Path) {
    let weights = |run: &Path| fs::read(run.join("weights.safetensors")).unwrap();
    assert!(weights(run) == weights(&REFERENCE), "the weights differ");
    assert_eq!(rows(run), rows(&REFERENCE));
    assert_eq!(json(run, "manifest.json"), json(&REFERENCE, "manifest.json"));
}

#[test]
fn a_run_that_is_watched_but_not_touched_comes_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    watched(&run, &[], |watch| {
        let mut steps = 0;
        until("the end", || watch.step() == STEPS);
        for event in watch.events() {
            steps += u64::from(matches!(event, RunEvent::Step(_)));
        }
        assert_eq!(steps, STEPS);
        let newest = watch.newest().unwrap();
        assert_eq!(
            (newest.step, newest.batch.tiles.len(), newest.report.samples.len()),
            (STEPS, 8, 8)
        );
    })
    .unwrap();
    assert_like_reference(&run);
    assert!(!run.join("hand.jsonl").exists());
}

#[test]
fn a_watcher_that_never_looks_or_goes_away_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    watched(&run, &[], drop).unwrap();
    assert_like_reference(&run);
    assert!(!run.join("hand.jsonl").exists());
}

#[test]
fn readers_that_stall_never_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut session =
        Session::create(&run, config(&[]), load_scene("quickstart").unwrap()).unwrap();
    let (stuck, slow) = (session.subscribe(8), session.subscribe(8));
    let dozing = thread::spawn(move || {
        let read = |event: RunEvent| {
            thread::sleep(Duration::from_millis(400));
            event
        };
        slow.iter().map(read).collect::<Vec<_>>()
    });
    session.run(Arc::new(AtomicBool::new(false))).unwrap();
    assert_like_reference(&run);
    // Events were lost, but not the end of the run.
    let stuck: Vec<RunEvent> = stuck.try_iter().collect();
    assert!(stuck.len() <= 8);
    for read in [stuck, dozing.join().unwrap()] {
        assert!(matches!(read.last(), Some(RunEvent::Finished(_))));
    }
}

/// The same as people meet it: the output of `marionette train` goes to a pipe that is full and
/// that nobody reads, so that its first line never gets through.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_stalls_never_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let (reader, writer) = full_pipe();
    let mut command = marionette(["train", "quickstart", "--run"]);
    command.arg(&run);
    for setting in ["batch=8", "log.every=1", "checkpoint.every=5", "exam.images=0"] {
        command.args(["--set", setting]);
    }
    command.args(["--steps", &STEPS.to_string()]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    // `summary.json` is the last file that a run writes.
    until("the end", || run.join("summary.json").exists());
    assert!(child.try_wait().unwrap().is_none(), "its main thread waits for the pipe");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(reader);
    assert_like_reference(&run);
}

/// A pipe that is full, and stays so: a thread keeps writing until the reading end is dropped.
#[cfg(target_os = "linux")]
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    use std::{
        io::Write,
        sync::atomic::{AtomicUsize, Ordering},
    };
    let (reader, writer) = std::io::pipe().unwrap();
    let written = Arc::new(AtomicUsize::new(0));
    let (mut filler, count) = (writer.try_clone().unwrap(), written.clone());
    thread::spawn(move || {
        while filler.write(b".").is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    // It is full when the writing thread stands still.
    let mut before = 0;
    until("a full pipe", || {
        thread::sleep(Duration::from_millis(300));
        let now = written.load(Ordering::Relaxed);
        std::mem::replace(&mut before, now) == now && now > 0
    });
    (reader, writer)
}

#[test]
fn standing_still_stepping_looking_and_exporting_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let exported = folder.path().join("deep/exported.safetensors");
    let to = exported.clone();
    watched(&run, &[], move |watch| {
        assert!(watch.control(Control::Pause));
        until("the pause", || watch.paused());
        let before = watch.step();
        for _ in 0..2 {
            watch.control(Control::Step);
        }
        until("two steps", || watch.step() == before + 2 && watch.paused());
        thread::sleep(Duration::from_millis(300));
        assert_eq!(watch.step(), before + 2, "it stands still");
        let tiles = watch.newest().unwrap().batch.tiles.clone();
        let (reply, predictions) = crossbeam_channel::bounded(1);
        watch.control(Control::Predict(tiles, reply));
        let predictions = predictions.recv_timeout(Duration::from_secs(60)).unwrap().unwrap();
        assert_eq!(
            (predictions.len(), predictions[0].found.len(), predictions[0].grid),
            (8, 17, [16, 16])
        );
        assert!(
            predictions
                .iter()
                .all(|o| o.error.is_finite() && o.difficulty.is_some() && o.heatmap(16).is_some())
        );
        // A picture of another size is refused, and nothing more.
        let mut odd = watch.newest().unwrap().batch.tiles[0].clone();
        odd.width = 32;
        let (reply, refused) = crossbeam_channel::bounded(1);
        watch.control(Control::Predict(vec![odd], reply));
        assert!(
            refused.recv_timeout(Duration::from_secs(60)).unwrap().unwrap_err().contains("64x64")
        );
        watch.control(Control::Export(to));
        watch.control(Control::Checkpoint);
        watch.control(Control::Exams);
        watch.control(Control::Resume);
        until("the end", || watch.step() == STEPS);
    })
    .unwrap();
    assert_like_reference(&run);
    assert!(marionette::train::export::read_model(&exported).is_ok());
    let lines = RunDirectory::open(&run).unwrap().0.control_records().unwrap();
    let touched: Vec<&str> = lines.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(touched, ["pause", "step", "step", "export", "checkpoint", "exams", "resume"]);
    assert!(lines.iter().all(|line| !line.steers));
}

#[test]
fn what_steers_is_written_down_clamped_and_comes_back_with_resume() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    watched(&run, &[], |watch| {
        watch.control(Control::Gamma(1e9));
        watch.control(Control::RateFactor(f64::NAN));
        watch.control(Control::Lock(HardnessAxis::Pose, Some(vec![0.0, 0.0, 0.0, 0.0, 0.0, 2.0])));
        watch.control(Control::Steering(false));
        until("the end", || watch.step() == STEPS);
        let notes: Vec<String> = watch
            .events()
            .filter_map(|event| if let RunEvent::Note(text) = event { Some(text) } else { None })
            .collect();
        assert!(
            notes.iter().any(|note| note.contains("gamma 1000000000 is beyond 0 to 8")),
            "{notes:?}"
        );
        assert!(notes.iter().any(|note| note.contains("learning-rate factor NaN")), "{notes:?}");
        let newest = watch.newest().unwrap();
        assert_eq!(
            (newest.settings.gamma, newest.settings.steering, newest.settings.rate_factor),
            (8.0, false, 1.0)
        );
        assert_eq!(newest.policy.axes[0].probabilities, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let poses = newest
            .batch
            .tiles
            .iter()
            .filter(|tile| tile.scene.stream != marionette::stream::SampleStream::Uniform);
        assert!(poses.into_iter().any(|tile| tile.scene.hardness[0] > 0.8));
    })
    .unwrap();
    assert!(
        fs::read(run.join("weights.safetensors")).unwrap()
            != fs::read(REFERENCE.join("weights.safetensors")).unwrap()
    );
    assert_eq!(json(&run, "manifest.json")["hand_steered"], true);
    assert_eq!(json(&run, "summary.json")["steered_by_hand"], 3);
    assert!(json(&REFERENCE, "summary.json").get("steered_by_hand").is_none());
    // Going on from a checkpoint in the middle with what was set by then comes to the same as not
    // having stopped.
    let again = folder.path().join("again");
    crate::runs::copy(&run, &again);
    fs::write(again.join("latest"), "step-000010\n").unwrap();
    let session = Session::resume(&again, &[]).unwrap();
    session.run(Arc::new(AtomicBool::new(false))).unwrap();
    let weights = |run: &Path| fs::read(run.join("weights.safetensors")).unwrap();
    assert!(weights(&again) == weights(&run), "the weights differ");
}

#[test]
fn a_run_that_fails_says_so_to_the_watcher_with_its_newest_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let (sender, failed) = crossbeam_channel::bounded(1);
    let result = watched(&run, &["debug.fail_after_step=7"], move |watch| {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(600) {
            for event in watch.events() {
                if let RunEvent::Failed { message, checkpoint } = event {
                    sender.send((message, checkpoint)).unwrap();
                    return;
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert!(matches!(result, Err(Failure::Asked { step: 7 })));
    let (message, checkpoint) = failed.recv().unwrap();
    assert!(message.contains("debug.fail_after_step"), "{message}");
    assert_eq!(checkpoint, Some(run.join("checkpoints/step-000005")));
}
