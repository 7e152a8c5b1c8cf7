//! The command line as people meet it: exit codes, what is said and where, and that nothing is lost
//! when things go wrong.

use crate::runs::{contents, copy, fail, json, marionette, metrics, names, outcome, succeed, wait};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};
use tempfile::TempDir;

/// A finished run of four small steps with two checkpoints. Tests that change anything copy it
/// first.
static SHORT: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("command-line-short");
    let _ = fs::remove_dir_all(&path);
    succeed(&mut train(&path, 4, &["--set", "checkpoint.every=2"]));
    path
});

fn train(run: &Path, steps: u64, more: &[&str]) -> Command {
    let mut command = marionette(["train", "--run"]);
    command.arg(run).args([
        "--steps",
        &steps.to_string(),
        "--set",
        "batch=4",
        "--set",
        "log.every=1",
    ]);
    command.args(["--set", "exam.images=0"]).args(more);
    command
}

fn resume(run: &Path, more: &[&str]) -> Command {
    let mut command = marionette(["train", "--run"]);
    command.arg(run).arg("--resume").args(more);
    command
}

/// A folder with a copy of the short run in it, called `run`.
fn with_short_run() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy(&SHORT, &run);
    (folder, run)
}

#[test]
fn wrong_settings_name_the_key_and_what_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let no_cuda = if cfg!(feature = "cuda") { "cuda:99" } else { "this build has no CUDA" };
    #[cfg(not(target_os = "macos"))]
    let no_metal = if cfg!(feature = "metal") { "metal" } else { "this build has no Metal" };
    let cases: &[(&[&str], &[&str])] = &[
        (&["--set", "stepps=3"], &["stepps: unknown key", "did you mean steps?"]),
        (&["--set", "optimizer.rate=3"], &["optimizer.rate: unknown key", "learning_rate"]),
        (&["--set", "flip=3"], &["flip: found 3 (a whole number), expected true or false"]),
        (
            &["--set", "optimizer.matrix_rate=2"],
            &["optimizer.matrix_rate: found 2, expected 0 (AdamW trains all) to 1"],
        ),
        (
            &["--set", "optimizer.matrix_momentum=1"],
            &["optimizer.matrix_momentum: found 1, expected at least 0, below 1"],
        ),
        (&["--set", "steps"], &["steps: no value", "key=value"]),
        (&["--steps", "-5"], &["steps: -5", "u64"]),
        (&["--steps", "many"], &["steps: found many (text), expected a whole number"]),
        (&["--steps", "0"], &["steps: found 0, expected 1 to"]),
        (&["--seed", "-1"], &["seed: -1", "u64"]),
        (&["--set", "batch=0"], &["batch: found 0, expected 1 to 4096"]),
        (&["--set", "lag=0"], &["lag: found 0, expected 1 to 64"]),
        (&["--set", "threads=-1"], &["threads: -1"]),
        (&["--set", "checkpoint.every=0"], &["checkpoint.every: found 0, expected at least 1"]),
        (&["--model", "hrnet"], &["model: found \"hrnet\", expected one of nano, small"]),
        (&["--set", "loss=l2"], &["loss: found \"l2\", expected one of cross_entropy"]),
        (&["--set", "curriculum.bins=60"], &["curriculum.bins: found 60, expected 5 to 8"]),
        (&["--set", "exam.every=0"], &["exam.every: found 0, expected at least 1"]),
        (
            &["--set", "exam.best=hardest"],
            &["exam.best: found \"hardest\", expected one of standard, easy"],
        ),
        (
            &["--set", "exam.during=[\"hard-mood\"]"],
            &["exam.during: found \"hard-mood\"", "hard-view"],
        ),
        (&["--device", "gpu"], &["device: found \"gpu\", expected auto, cpu, cuda:N or metal"]),
        (&["--device", "cuda:99"], &["device \"cuda:99\" cannot be used", no_cuda]),
        #[cfg(not(target_os = "macos"))]
        (&["--device", "metal"], &["device \"metal\" cannot be used", no_metal]),
    ];
    for (args, parts) in cases {
        let said =
            fail(marionette(["train", "--run", "new"]).args(*args).current_dir(&folder), 2, parts);
        assert_eq!(said.stdout, "");
    }
    assert!(names(folder.path()).is_empty(), "nothing is made for a run that cannot begin");
}

#[test]
fn wrong_usage_exits_2_and_points_to_the_help() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["trian"], "train"),
        (&["train", "--stepps", "3"], "--steps"),
        (&["train", "--resume"], "--run"),
        (&["train", "quickstart", "--run", "new", "--resume"], "--resume"),
        (&["preview", "quickstart"], "--out"),
        (
            &["preview", "quickstart", "--out", "a.png", "--overlay", "keys"],
            "no overlay is called \"keys\"; the known ones are",
        ),
        (&["preview", "quickstart", "--out", "a.png", "--count", "0"], "0 is not in 1..=100000"),
        (&["preview", "quickstart", "--out", "a.png", "--stats", "--overlay", "ids"], "--overlay"),
        (&["preview", "quickstart", "--out", "a.png", "--json", "a.json"], "--stats"),
        (&["eval", "weights", "--axes", "--exam", "all"], "--exam"),
        (&["eval", "weights", "--exam", "all", "--levels", "4"], "--levels"),
        (&["eval", "weights", "--axes", "--levels", "1"], "1 is not in 2..=20"),
        (&["eval", "weights"], "--axes"),
        (
            &["preview", "quickstart", "--out", "a.png", "--size", "8"],
            "give a number from 16 to 1024",
        ),
        (&["preview", "quickstart", "--out", "a.png", "--axis", "tail"], "there are pose, view"),
    ];
    for (args, part) in cases {
        let said = outcome(marionette(*args).current_dir(&folder));
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.stderr.starts_with("error: ") && said.stderr.contains(part), "{said:?}");
        assert!(said.stderr.contains("--help"), "{said:?}");
    }
    for hardness in ["2", "-1", "nan"] {
        let args = ["preview", "quickstart", "--out", "a.png", "--hardness", hardness];
        fail(
            marionette(args).current_dir(&folder),
            2,
            &["--hardness is", "give a number from 0 to 1"],
        );
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn wrong_scenes_name_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let scene =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/quickstart.toml"))
            .unwrap();
    // What is replaced, by what, and what is said.
    let cases = [
        ("[view]\n", "[view\n", "]"),
        ("name = \"quickstart\"", "name = \"quickstart\"; nome = 3", "newline"),
        ("elevation_deg = {", "elevation = {", "unknown field `elevation`"),
        ("figure = \"human\"", "figure = \"horse\"", "no figure \"horse\""),
        ("pose = { steered", "mood = { steered", "\"mood\" is no hardness axis"),
        ("uniform = [25, 80]", "uniform = [80, 25]", "lower first"),
    ];
    for (old, new, part) in cases {
        let at = scene.find(old).unwrap();
        let line = 1 + scene[..at].matches('\n').count();
        fs::write(folder.path().join("bad.toml"), scene.replacen(old, new, 1)).unwrap();
        for args in [
            &["train", "bad.toml", "--run", "new"][..],
            &["preview", "bad.toml", "--out", "new.png"],
        ] {
            fail(marionette(args).current_dir(&folder), 2, &[&format!("bad.toml:{line}: "), part]);
        }
    }
    fs::remove_file(folder.path().join("bad.toml")).unwrap();
    fail(
        marionette(["train", "bad.toml"]).current_dir(&folder),
        2,
        &["bad.toml: cannot be read: No such file"],
    );
    let wide = scene.replacen("width = 64", "width = 128", 1);
    fs::write(folder.path().join("wide.toml"), wide).unwrap();
    let parts = ["\"nano\" takes 64x64", "the scene makes 128x64", "set the scene's `image`"];
    fail(marionette(["train", "wide.toml", "--run", "new"]).current_dir(&folder), 2, &parts);
    assert_eq!(names(folder.path()), ["wide.toml"]);
}

#[test]
fn what_is_there_already_is_left_alone() {
    let (folder, run) = with_short_run();
    let foreign = folder.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("thesis.txt"), "all of it").unwrap();
    let before = contents(folder.path());
    for taken in [&run, &foreign, &foreign.join("thesis.txt")] {
        fail(
            &mut train(taken, 4, &[]),
            2,
            &[taken.to_str().unwrap(), "exists already", "--resume", "--run"],
        );
    }
    for (no_run, part) in [
        ("nowhere", "does not exist"),
        ("foreign", "has no config.toml"),
        ("foreign/thesis.txt", "is no folder"),
    ] {
        let no_run = folder.path().join(no_run);
        fail(&mut resume(&no_run, &[]), 2, &[no_run.to_str().unwrap(), part, "leave --resume out"]);
    }
    for (key, value) in
        [("seed", "9"), ("batch", "8"), ("lag", "4"), ("loss", "smooth_l1"), ("afl.gamma", "2")]
    {
        let setting = format!("{key}={value}");
        fail(
            &mut resume(&run, &["--set", &setting]),
            2,
            &[&format!("{key}: cannot change in a run that has begun")],
        );
    }
    assert!(contents(folder.path()) == before, "something has changed");
}

#[test]
fn a_finished_run_can_be_resumed_and_continued() {
    let (_folder, run) = with_short_run();
    let weights = |run: &Path| fs::read(run.join("weights.safetensors")).unwrap();
    succeed(&mut resume(&run, &[]));
    assert!(weights(&run) == weights(&SHORT), "there was nothing more to learn");
    succeed(&mut resume(&run, &["--steps", "6"]));
    assert!(weights(&run) != weights(&SHORT));
    let steps: Vec<_> = metrics(&run).iter().map(|row| row["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6]);
    assert_eq!(json(&run, "summary.json")["steps"], 6);
}

#[test]
fn damaged_checkpoints_are_named_and_deleting_them_as_told_works() {
    type Damage = fn(&mut Vec<u8>);
    let cases: &[(&str, Damage, &str)] = &[
        ("tensors.safetensors", |bytes| bytes.truncate(1000), "is 1000 bytes long where"),
        ("tensors.safetensors", |bytes| bytes[5000] ^= 1, "has changed since it was written"),
        (
            "tensors.safetensors",
            |bytes| *bytes = b"\x89PNG\r\n\x1a\n".to_vec(),
            "is 8 bytes long where",
        ),
        ("state.json", |bytes| bytes.truncate(40), "is 40 bytes long where"),
        ("state.json", |bytes| bytes[30] ^= 1, "has changed since it was written"),
        ("digest.json", Vec::clear, "is no digest"),
    ];
    for (i, (file, damage, part)) in cases.iter().enumerate() {
        let (_folder, run) = with_short_run();
        let newest = run.join("checkpoints/step-000004");
        let path = newest.join(file);
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let before = contents(&run);
        let told = format!("delete {} to continue from step-000002", newest.display());
        fail(&mut resume(&run, &[]), 2, &[path.to_str().unwrap(), part, &told]);
        assert!(contents(&run) == before, "something has changed");
        // Once is enough: what deleting does is the same for all.
        if i == 0 {
            fs::remove_dir_all(&newest).unwrap();
            succeed(&mut resume(&run, &[]));
            let weights = |run: &Path| fs::read(run.join("weights.safetensors")).unwrap();
            assert!(weights(&run) == weights(&SHORT), "the lost steps come out as they were");
        }
    }
}

#[test]
fn files_of_a_run_that_were_edited_are_named() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            "config.toml",
            "lag = 3",
            "lag = 5",
            &["checkpoints/step-000004: does not fit", "3 policies", "config.toml"],
        ),
        ("config.toml", "lag = 3", "leg = 3", &["config.toml:", "unknown field `leg`"]),
        ("config.toml", "batch = 4", "batch = 0", &["config.toml:", "batch: found 0"]),
        ("scene.toml", "width = 64", "width = 8", &["scene.toml:", "image.width is 8"]),
        ("figure.toml", "mass = 0.20", "mass = 20", &["figure.toml:", "mass is 20"]),
        (
            "metrics.jsonl",
            "{\"step\":2,",
            "{\"stop\":2,",
            &["metrics.jsonl: line 2", "delete that line"],
        ),
    ];
    for (file, old, new, parts) in cases {
        let (_folder, run) = with_short_run();
        let text = fs::read_to_string(run.join(file)).unwrap();
        assert!(text.contains(old), "{old:?} is not in {file}");
        fs::write(run.join(file), text.replacen(old, new, 1)).unwrap();
        let before = contents(&run);
        fail(&mut resume(&run, &[]), 2, parts);
        assert!(contents(&run) == before, "something has changed");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_graphics_adapter_the_packages_are_named_and_nothing_is_begun() {
    fn blind(command: &mut Command) -> &mut Command {
        command.env("VK_DRIVER_FILES", "/nonexistent").env("VK_ICD_FILENAMES", "/nonexistent")
    }
    let parts = ["no Vulkan, Metal or DX12 adapter", "mesa-vulkan-drivers", "libvulkan1"];
    let (folder, run) = with_short_run();
    let before = contents(&run);
    let new = folder.path().join("new");
    let said = fail(blind(&mut train(&new, 1, &[])), 1, &parts);
    assert_eq!(said.stdout, "");
    fail(blind(&mut resume(&run, &["--steps", "8"])), 1, &parts);
    assert!(contents(&run) == before, "something has changed");
    let sheet = folder.path().join("sheet.png");
    fail(blind(marionette(["preview", "quickstart", "--out"]).arg(&sheet)), 1, &parts);
    assert!(!new.exists() && !sheet.exists());
    // With an adapter the same command works.
    succeed(&mut train(&new, 1, &[]));
}

#[test]
fn previews() {
    let folder = tempfile::tempdir().unwrap();
    let preview = |more: &[&str]| {
        let mut command = marionette(["preview", "quickstart", "--count", "2"]);
        command.args(more).current_dir(&folder);
        command
    };
    fail(&mut preview(&["--out", "."]), 1, &["cannot be written"]);
    assert!(names(folder.path()).is_empty());
    let said =
        succeed(&mut preview(&["--out", "a.png", "--overlay", "ids,boxes", "--hardness", "0.5"]));
    assert_eq!(
        (said.stdout.as_str(), said.stderr.as_str()),
        ("2 samples of quickstart in a.png\n", "")
    );
    let said = succeed(&mut preview(&[
        "--out",
        "c.png",
        "--axis",
        "pose",
        "--columns",
        "2",
        "--size",
        "32",
    ]));
    assert_eq!(said.stdout, "10 samples of quickstart in c.png\n");
    fail(
        &mut preview(&["--out", "d.png", "--size", "32x48"]),
        2,
        &["--size is 32x48", "same proportions"],
    );
    let said = succeed(&mut preview(&["--out", "b.png", "--quiet"]));
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    assert_eq!(names(folder.path()), ["a.png", "b.png", "c.png"]);
}

#[test]
fn statistics_of_a_scene() {
    let folder = tempfile::tempdir().unwrap();
    let preview = |more: &[&str]| {
        let mut command = marionette(["preview", "quickstart", "--size", "32"]);
        command.args(more).current_dir(&folder);
        command
    };
    let stats = ["--stats", "--count", "9", "--out"];
    fail(
        &mut preview(&[&stats[..], &["a.png", "--json", "."]].concat()),
        1,
        &[".: cannot be written"],
    );
    fail(
        &mut preview(&[&stats[..], &["a", "--json", "a"]].concat()),
        2,
        &["--out and --json name the same file"],
    );
    fail(
        &mut preview(&["--count", "1025", "--out", "a.png"]),
        2,
        &["--count is 1025", "at most 1024", "--stats"],
    );
    assert!(names(folder.path()).is_empty());
    let said = succeed(&mut preview(&[&stats[..], &["a.png", "--json", "a.json"]].concat()));
    for part in [
        "9 samples of quickstart, 32x32 pixels, every axis drawn evenly",
        "right_ankle",
        "by props",
        "bend",
        "Plots are in a.png.",
    ] {
        assert!(said.stdout.contains(part), "no {part:?} in: {}", said.stdout);
    }
    assert_eq!(said.stderr, "");
    let found = json(folder.path(), "a.json");
    assert_eq!((&found["samples"], found["keypoints"].as_array().unwrap().len()), (&9.into(), 17));
    let one_axis = ["b.png", "--json", "b.json", "--axis", "view", "--hardness", "0.3", "--quiet"];
    let said = succeed(&mut preview(&[&stats[..], &one_axis].concat()));
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let found = json(folder.path(), "b.json");
    let draws = |axis: usize| -> Vec<u64> {
        let bins = found["axes"][axis]["bins"].as_array().unwrap();
        bins.iter().map(|bin| bin["draws"].as_u64().unwrap()).collect()
    };
    // All at 0.3 but for the axis that was asked for.
    assert!(draws(0)[1] >= 9 && draws(0).iter().sum::<u64>() == draws(0)[1], "{:?}", draws(0));
    assert!(draws(1).iter().filter(|draws| **draws > 0).count() > 1, "{:?}", draws(1));
    assert_eq!(names(folder.path()), ["a.json", "a.png", "b.json", "b.png"]);
}

#[test]
fn every_command_has_help_with_an_example() {
    let help = succeed(&mut marionette(["--help"])).stdout;
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    // A description that is too long goes on on a line that is indented further.
    let names: Vec<&str> = commands
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.contains(&"train") && names.contains(&"preview"), "{names:?}");
    for name in names.into_iter().filter(|name| *name != "help") {
        let said = succeed(&mut marionette([name, "--help"]));
        assert!(said.stdout.contains(&format!("Example: marionette {name} ")), "{}", said.stdout);
        assert_eq!(said.stderr, "");
    }
}

#[test]
fn quiet_says_nothing_and_json_says_json() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, more: &[&str]| succeed(&mut train(&folder.path().join(name), 2, more));
    let quiet = run("quiet", &["--quiet"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    for (name, more) in [("json", &["--json"][..]), ("both", &["--json", "--quiet"])] {
        let said = run(name, more);
        let summary: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(summary, json(&folder.path().join(name), "summary.json"));
        assert_eq!(said.stderr.is_empty(), more.contains(&"--quiet"), "{}", said.stderr);
    }
    let plain = run("plain", &[]);
    assert_eq!(plain.stderr, "");
    for part in ["renderer: ", "2 steps on ", "step 2/2", "first_batch.png", "--resume"] {
        assert!(plain.stdout.contains(part), "no {part:?} in: {}", plain.stdout);
    }
}

/// `marionette train | head -1`: whoever read along has gone, and the run goes on.
#[test]
fn nobody_has_to_read_along() {
    let folder = tempfile::tempdir().unwrap();
    for (name, more) in [("text", &[][..]), ("json", &["--json"])] {
        let run = folder.path().join(name);
        let mut child = train(&run, 2, more).spawn().unwrap();
        drop(child.stdout.take());
        // All that `--json` says on the way it says on standard error.
        let stderr = child.stderr.take().filter(|_| name == "text");
        let error =
            stderr.map(|stderr| std::io::read_to_string(stderr).unwrap()).unwrap_or_default();
        assert_eq!((wait(child).code, error.as_str()), (Some(0), ""));
        assert!(run.join("weights.safetensors").exists());
    }
    for args in [&["train", "--help"][..], &["train", "--set", "batch=0"], &["--version"]] {
        let mut child = marionette(args).spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        let code = wait(child).code;
        assert_eq!(code, Some(if args.contains(&"--set") { 2 } else { 0 }), "{args:?}");
    }
}
