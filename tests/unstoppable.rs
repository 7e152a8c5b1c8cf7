//! Nothing stops a run but its owner: full disks, folders that may not be written to, limits,
//! terminals that stand still, a process that is held. And its owner does, with one signal.

use crate::runs::{
    contents, copy, fail, in_shell, json, marionette, metrics, names, outcome, signal, succeed,
    until, wait, with_default_signals,
};
use std::{
    ffi::CStr,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
    time::Duration,
};
use tempfile::TempDir;

const STEPS: u64 = 6;

fn train(run: &Path, more: &[&str]) -> Command {
    train_for(STEPS, run, more)
}

/// A run that takes far longer than any test.
fn long_run(run: &Path) -> Command {
    train_for(100_000, run, &["--set", "debug.jitter_ms=20"])
}

fn train_for(steps: u64, run: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["train", "quickstart", "--run"]);
    command.arg(run).args(["--steps", &steps.to_string()]);
    for setting in ["batch=4", "log.every=1", "exam.images=0", "checkpoint.every=2"] {
        command.args(["--set", setting]);
    }
    command.args(more);
    command
}

fn resume(run: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["train", "--run"]);
    command.arg(run).arg("--resume").args(more);
    command
}

/// The same run, undisturbed.
static REFERENCE: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unstoppable-reference");
    let _ = fs::remove_dir_all(&path);
    succeed(&mut train(&path, &[]));
    path
});

#[track_caller]
fn assert_like_reference(run: &Path) {
    let weights = |run: &Path| fs::read(run.join("weights.safetensors")).unwrap();
    assert!(weights(run) == weights(&REFERENCE), "the weights differ");
    let steps: Vec<_> = metrics(run).iter().map(|row| row["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, (1..=STEPS).collect::<Vec<_>>());
}

/// The setup of a shell in which files may have at most 3 MiB, which is less than a checkpoint and
/// more than all else: as on a disk that runs full, but without the rights that it takes to make
/// one.
const SHORT_FILES: &str = "ulimit -f 3072";

#[test]
fn a_checkpoint_that_cannot_be_written_is_a_warning_and_costs_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(&REFERENCE, &run);
    fs::remove_file(run.join("weights.safetensors")).unwrap();
    // As if it had been killed just after step 2.
    for later in ["checkpoints/step-000004", "checkpoints/step-000006"] {
        fs::remove_dir_all(run.join(later)).unwrap();
    }
    let kept = contents(&run.join("checkpoints"));
    let said = succeed(&mut in_shell(&resume(&run, &["--quiet"]), SHORT_FILES));
    let warnings: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(warnings.len(), 3, "at steps 4, 6 and the end: {said:?}");
    for (warning, step) in warnings.iter().zip(["step-000004", "step-000006", "step-000006"]) {
        assert!(
            warning.starts_with("warning: ")
                && warning.contains(step)
                && warning.contains("tensors.safetensors: cannot be written: File too large")
                && warning.contains("training goes on, and the newest checkpoint is of step 2"),
            "{warning}"
        );
    }
    assert!(contents(&run.join("checkpoints")) == kept, "something has changed");
    assert_like_reference(&run);
}

#[test]
fn stopped_without_room_for_a_checkpoint_fails() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let long_run = with_default_signals(&long_run(&run));
    let child = in_shell(&long_run, SHORT_FILES).spawn().unwrap();
    until("a step", || !metrics(&run).is_empty());
    signal(child.id(), "TERM");
    let said = wait(child);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stderr.lines().last().unwrap().starts_with("error: ")
            && said.stderr.contains("cannot be written: File too large"),
        "{said:?}"
    );
}

#[test]
fn weights_that_cannot_be_written_fail_and_what_is_left_to_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("my run");
    copy(&REFERENCE, &run);
    for ends in ["weights.safetensors", "model.json", "summary.json"] {
        fs::remove_file(run.join(ends)).unwrap();
    }
    // As if it had been killed after the last checkpoint.
    fs::create_dir(run.join("weights.safetensors")).unwrap();
    let said = outcome(&mut resume(&run, &["--quiet"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    let told = format!(
        "the network has learned all its {STEPS} steps, and its checkpoint has them all: make \
         room, then marionette train --run '{}' --resume",
        run.display()
    );
    assert!(said.stderr.contains(&told) && said.stderr.lines().count() == 1, "{said:?}");
    fs::remove_dir(run.join("weights.safetensors")).unwrap();
    succeed(&mut resume(&run, &["--quiet"]));
    assert_like_reference(&run);
}

#[test]
fn pictures_and_a_manifest_that_cannot_be_written_are_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(&REFERENCE, &run);
    for ends in ["weights.safetensors", "manifest.json", "summary.json", "latest"] {
        fs::remove_file(run.join(ends)).unwrap();
    }
    for folder in ["checkpoints", "pictures"] {
        fs::remove_dir_all(run.join(folder)).unwrap();
    }
    fs::create_dir(run.join("checkpoints")).unwrap();
    // A folder where a file should be, and the other way round.
    fs::create_dir(run.join("manifest.json")).unwrap();
    fs::write(run.join("pictures"), "").unwrap();
    let said = succeed(&mut resume(&run, &["--quiet"]));
    for part in ["manifest.json: cannot be written", "the run goes on without the picture"] {
        assert!(said.stderr.contains(part), "no {part:?} in {said:?}");
    }
    assert!(said.stderr.lines().all(|line| line.starts_with("warning: ")), "{said:?}");
    assert_like_reference(&run);
}

/// A small file system in memory.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None` where that is not allowed.
    fn new(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(SmallDisk(folder))
    }

    fn resize(&self, bytes: u64) {
        let size = format!("remount,size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-o", &size]).arg(self.0.path());
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_named_with_the_file_and_with_room_the_run_goes_on() {
    let checkpoint: u64 = contents(&REFERENCE.join("checkpoints/step-000002"))
        .values()
        .map(|bytes| bytes.len() as u64)
        .sum();
    // Room for one checkpoint and half of the next.
    let Some(disk) = SmallDisk::new(checkpoint * 3 / 2) else {
        println!("skipped: mounting a tmpfs takes root");
        return;
    };
    let run = disk.0.path().join("run");
    let full = "cannot be written: No space left on device";
    let said = outcome(&mut train(&run, &["--quiet"]));
    let warned =
        |step: &str| said.stderr.lines().any(|line| line.contains(step) && line.contains(full));
    assert!(warned("step-000004") && warned("step-000006"), "{said:?}");
    assert_eq!(names(&run.join("checkpoints")), ["step-000002"]);
    let kept = contents(&run.join("checkpoints"));
    // Not a byte is left: not even the configuration can be written, and it must not be lost for
    // it.
    let ballast = disk.0.path().join("ballast");
    let filled = std::io::copy(
        &mut fs::File::open("/dev/zero").unwrap(),
        &mut fs::File::create(&ballast).unwrap(),
    );
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let before = fs::read(run.join("config.toml")).unwrap();
    fail(&mut resume(&run, &["--quiet"]), 1, &["config.toml", full]);
    assert_eq!(fs::read(run.join("config.toml")).unwrap(), before);
    assert!(contents(&run.join("checkpoints")) == kept, "something has changed");
    fs::remove_file(ballast).unwrap();
    disk.resize(checkpoint * 10);
    let _ = fs::remove_file(run.join("weights.safetensors"));
    succeed(&mut resume(&run, &[]));
    assert_like_reference(&run);
}

/// Another user, whom permissions and limits bind: root minds neither.
struct Somebody {
    folder: TempDir,
    is_root: bool,
}

impl Somebody {
    /// With a copy of the program where they may run it.
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("somebody").tempdir_in("/tmp").unwrap();
        let open = |path: &Path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        };
        let program = folder.path().join("marionette");
        // A link does where it is allowed: copies take seconds.
        fs::hard_link(env!("CARGO_BIN_EXE_marionette"), &program)
            .or_else(|_| fs::copy(env!("CARGO_BIN_EXE_marionette"), &program).map(drop))
            .unwrap();
        open(folder.path());
        let id = Command::new("id").arg("-u").output().unwrap().stdout;
        Somebody { folder, is_root: id.trim_ascii() == b"0" }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `command` as this user, after the shell's `setup`.
    fn run(&self, command: &Command, setup: &str) -> Command {
        let mut own = Command::new(self.path("marionette"));
        own.args(command.get_args()).env("MARIONETTE_CACHE", self.path("cache"));
        own.env("HOME", self.folder.path()).current_dir(self.folder.path());
        let shell = in_shell(&own, setup);
        if !self.is_root {
            return shell;
        }
        let mut other = Command::new("setpriv");
        other.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        other.arg(shell.get_program()).args(shell.get_args());
        for (name, value) in shell.get_envs() {
            other.env(name, value.unwrap_or_default());
        }
        other.current_dir(self.folder.path());
        other.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        other
    }
}

#[test]
fn folders_that_may_not_be_written_to_are_named_and_a_run_in_one_goes_on() {
    let somebody = Somebody::new();
    let closed = |name: &str| {
        let path = somebody.path(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
        path
    };
    let folder = closed("closed");
    let run = folder.join("run");
    fail(
        &mut somebody.run(&train(&run, &["--quiet"]), ":"),
        1,
        &[run.to_str().unwrap(), "Permission denied"],
    );
    fail(
        &mut somebody.run(&marionette(["preview", "quickstart", "--out", "closed/a.png"]), ":"),
        1,
        &["closed/a.png: cannot be written: Permission denied"],
    );
    // Closed while it goes on.
    let run = somebody.path("run");
    let slow = ["--set", "debug.jitter_ms=400", "--quiet"];
    let child = somebody.run(&train(&run, &slow), ":").spawn().unwrap();
    until("the first checkpoint", || run.join("latest").exists());
    let set = |mode: u32| {
        for path in [run.join("checkpoints"), run.clone()] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    set(0o555);
    let said = wait(child);
    assert_eq!(said.code, Some(1), "weights cannot be written: {said:?}");
    assert!(
        said.stderr.contains("step-000004")
            && said.stderr.contains("Permission denied")
            && said.stderr.contains("the network has learned all its 6 steps")
            && said.stderr.contains("checkpoint has 2 of them"),
        "{said:?}"
    );
    set(0o777);
    succeed(&mut somebody.run(&resume(&run, &["--quiet"]), ":"));
    assert_like_reference(&run);
}

#[test]
fn limits_are_told_for_what_they_are() {
    let somebody = Somebody::new();
    let run = somebody.path("run");
    let preview = marionette(["preview", "quickstart", "--out", "a.png", "--count", "1"]);
    let doctor = marionette(["doctor"]);
    for command in [&train(&run, &["--quiet"]), &preview] {
        fail(
            &mut somebody.run(command, "ulimit -v 1500000"),
            1,
            &["use only 1.4 GiB of address space", "ulimit -v"],
        );
        fail(
            &mut somebody.run(command, "ulimit -n 20"),
            1,
            &["open only 20 files at once", "ulimit -n"],
        );
        fail(&mut somebody.run(command, "ulimit -u 8"), 1, &["more threads", "ulimit -u"]);
    }
    assert!(!run.exists());
    for (setup, part) in [
        ("ulimit -v 1500000", "use only 1.4 GiB of address space"),
        ("ulimit -u 8", "more threads"),
    ] {
        let said = outcome(&mut somebody.run(&doctor, setup));
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stdout.contains(part) && !said.stdout.contains("no Vulkan"), "{said:?}");
    }
    // With few threads allowed, fewer threads.
    let many = train(&run, &["--quiet", "--threads", "64"]);
    let said = succeed(&mut somebody.run(&many, "ulimit -u 40"));
    assert!(said.stderr.contains("start few threads (ulimit -u): each pool has"), "{said:?}");
    assert_like_reference(&run);
}

#[test]
fn each_signal_that_ends_a_program_stops_a_run_with_its_own_code() {
    let folder = tempfile::tempdir().unwrap();
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let run = folder.path().join(name);
        let child = with_default_signals(&long_run(&run)).spawn().unwrap();
        until("a step", || !metrics(&run).is_empty());
        signal(child.id(), name);
        let said = wait(child);
        assert_eq!(said.code, Some(code), "{said:?}");
        let last = said.stdout.trim_end().lines().last().unwrap().to_owned();
        assert!(last.starts_with("stopped after step "), "{last}");
        let latest = fs::read_to_string(run.join("latest")).unwrap();
        assert!(run.join("checkpoints").join(latest.trim()).is_dir());
        assert!(!run.join("weights.safetensors").exists());
    }
}

#[test]
fn signals_that_a_process_is_started_to_ignore_stay_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let slow = ["--set", "debug.jitter_ms=100"];
    let child = in_shell(&train(&run, &slow), "trap '' HUP INT").spawn().unwrap();
    until("a step", || !metrics(&run).is_empty());
    for name in ["HUP", "INT", "HUP"] {
        signal(child.id(), name);
        thread::sleep(Duration::from_millis(50));
    }
    let said = wait(child);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_like_reference(&run);
}

#[test]
fn a_second_signal_ends_a_run_whose_terminal_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut command = with_default_signals(&long_run(&run));
    // Nobody reads: a terminal after Ctrl-S.
    let terminal = Terminal::open();
    command.stdout(terminal.end()).stderr(terminal.end());
    let mut child = command.spawn().unwrap();
    until("a checkpoint", || run.join("latest").exists());
    signal(child.id(), "INT");
    // It waits for the terminal now, which nobody reads.
    thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none());
    signal(child.id(), "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(terminal);
}

#[test]
fn a_terminal_that_is_stopped_does_not_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let terminal = Terminal::open();
    let mut command = train(&run, &[]);
    command.stdout(terminal.end()).stderr(terminal.end());
    let mut child = command.spawn().unwrap();
    // The last file that a run writes.
    until("the end", || run.join("summary.json").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_like_reference(&run);
}

/// A terminal that nobody reads, and whose buffer is full from the start: output to it waits, as
/// after Ctrl-S.
struct Terminal {
    _reader: fs::File,
    name: PathBuf,
}

impl Terminal {
    fn open() -> Self {
        use std::os::fd::FromRawFd;
        let (mut reader, mut end, mut name) = (0, 0, [0; 64]);
        let unset = std::ptr::null();
        // SAFETY: the three places are there to be written to, and a terminal's name is far shorter
        // than 64 bytes. Both descriptors are nobody else's.
        #[allow(unsafe_code)]
        let (reader, _end) = unsafe {
            let code = libc::openpty(
                &mut reader,
                &mut end,
                name.as_mut_ptr().cast(),
                unset as _,
                unset as _,
            );
            assert_eq!(code, 0);
            (fs::File::from_raw_fd(reader), fs::File::from_raw_fd(end))
        };
        let name = CStr::from_bytes_until_nul(&name).unwrap().to_str().unwrap().into();
        let terminal = Terminal { _reader: reader, name };
        let mut filler = terminal.end();
        thread::spawn(move || while std::io::Write::write(&mut filler, &[b'.'; 64]).is_ok() {});
        // It fills within microseconds.
        thread::sleep(Duration::from_millis(300));
        terminal
    }

    fn end(&self) -> fs::File {
        fs::OpenOptions::new().read(true).write(true).open(&self.name).unwrap()
    }
}

#[test]
fn a_process_that_is_held_and_let_go_comes_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let child = train(&run, &["--set", "debug.jitter_ms=100"]).spawn().unwrap();
    until("a step", || !metrics(&run).is_empty());
    for _ in 0..2 {
        signal(child.id(), "STOP");
        thread::sleep(Duration::from_secs(2));
        signal(child.id(), "CONT");
        thread::sleep(Duration::from_millis(200));
    }
    let said = wait(child);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_like_reference(&run);
}

#[test]
fn a_run_has_one_writer_and_any_number_of_readers() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut child = long_run(&run).spawn().unwrap();
    until("a checkpoint", || run.join("latest").exists());
    let holder = format!("is written by process {} (marionette train quickstart", child.id());
    let before = fs::read(run.join("config.toml")).unwrap();
    fail(&mut resume(&run, &["--steps", "9"]), 2, &[run.to_str().unwrap(), &holder, "--run"]);
    fail(&mut train(&run, &[]), 2, &["exists already"]);
    assert!(fs::read(run.join("config.toml")).unwrap() == before);
    // Looking takes no lock.
    let out = folder.path().join("a.safetensors");
    let mut export = marionette(["export", "--format", "safetensors", "--out"]);
    succeed(export.arg(&out).arg(&run));
    // The lock dies with its holder.
    child.kill().unwrap();
    wait(child);
    let said = succeed(&mut resume(&run, &["--steps", "9"]));
    assert!(said.stdout.contains(", from step "), "{said:?}");
}

#[test]
fn starts_at_once_come_to_a_folder_each() {
    let folder = tempfile::tempdir().unwrap();
    let mut start = marionette(["train", "quickstart", "--steps", "1", "--quiet"]);
    for setting in ["batch=4", "exam.images=0"] {
        start.args(["--set", setting]);
    }
    start.current_dir(&folder);
    let started: Vec<_> = (0..3).map(|_| start.spawn().unwrap()).collect();
    for child in started {
        let said = wait(child);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let runs = folder.path().join("runs");
    assert_eq!(names(&runs), ["quickstart-001", "quickstart-002", "quickstart-003"]);
    for name in names(&runs) {
        assert_eq!(json(&runs.join(name), "summary.json")["steps"], 1);
    }
}
