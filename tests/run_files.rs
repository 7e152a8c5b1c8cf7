//! The files of a run, whole and damaged: what is written comes back, and a message names the file,
//! what was found and what would do.

use candle_core::{DType, Device, Tensor};
use marionette::scene::load_scene;
use marionette::train::export;
use marionette::{
    run,
    run::{JsonLinesWriter, RunConfig, RunDirectory},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct State {
    loss: f64,
    names: Vec<String>,
}

fn new_run(folder: &TempDir) -> RunDirectory {
    RunDirectory::create(
        &folder.path().join("run"),
        &RunConfig::default(),
        &load_scene("quickstart").unwrap(),
    )
    .unwrap()
    .0
}

fn state(step: u64) -> State {
    State { loss: 1.0 / (step as f64 + 0.3), names: vec![step.to_string()] }
}

fn tensors(step: u64) -> BTreeMap<String, Tensor> {
    let cpu = &Device::Cpu;
    let odd = f32::from_bits(0x7fc0_1234);
    BTreeMap::from([
        (
            "b.weight".to_owned(),
            Tensor::new(&[[step as f32, -0.0], [odd, f32::MIN_POSITIVE / 8.0]], cpu)
                .unwrap()
                .t()
                .unwrap(),
        ),
        ("a.mask".to_owned(), Tensor::new(&[1u8, 0, 255], cpu).unwrap()),
        ("c.count".to_owned(), Tensor::new(i64::MIN, cpu).unwrap()),
        ("d.empty".to_owned(), Tensor::zeros((0, 3), DType::U32, cpu).unwrap()),
    ])
}

fn bits(tensors: &BTreeMap<String, Tensor>) -> Vec<(String, Vec<usize>, Vec<u32>)> {
    let wide = |tensor: &Tensor| match tensor.dtype() {
        DType::F32 => tensor
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
            .into_iter()
            .map(f32::to_bits)
            .collect(),
        _ => tensor.flatten_all().unwrap().to_dtype(DType::U32).unwrap().to_vec1().unwrap(),
    };
    tensors
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.dims().to_vec(), wide(tensor)))
        .collect()
}

fn save(run: &RunDirectory, step: u64, keep: usize) {
    run::save(run, step, &tensors(step), &state(step), keep, None).unwrap();
}

fn latest(run: &RunDirectory) -> Result<Option<u64>, String> {
    run::load_latest::<State>(run)
        .map(|loaded| loaded.map(|l| l.step))
        .map_err(|error| error.to_string())
}

fn checkpoint_names(run: &RunDirectory) -> Vec<String> {
    let entries = fs::read_dir(run.checkpoints_path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_checkpoint_comes_back_bit_for_bit_and_only_the_last_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let run = new_run(&folder);
    assert_eq!(latest(&run), Ok(None));
    for step in [1, 2, 30, 1_000_000] {
        save(&run, step, 2);
    }
    assert_eq!(checkpoint_names(&run), ["step-000030", "step-1000000"]);
    assert_eq!(fs::read_to_string(run.latest_path()).unwrap(), "step-1000000\n");
    let loaded = run::load_latest::<State>(&run).unwrap().unwrap();
    assert_eq!((loaded.step, loaded.state), (1_000_000, state(1_000_000)));
    assert_eq!(bits(&loaded.tensors), bits(&tensors(1_000_000)));
    let bytes =
        |name: &str| fs::read(run.checkpoints_path().join("step-1000000").join(name)).unwrap();
    let before = [bytes("tensors.safetensors"), bytes("state.json"), bytes("digest.json")];
    save(&run, 1_000_000, 2);
    assert_eq!(before, [bytes("tensors.safetensors"), bytes("state.json"), bytes("digest.json")]);
    assert_eq!(checkpoint_names(&run).len(), 2);
}

#[test]
fn the_best_checkpoint_stays_whatever_its_age() {
    let folder = tempfile::tempdir().unwrap();
    let run = new_run(&folder);
    for step in [10, 20, 30, 40] {
        run::save(&run, step, &tensors(step), &state(step), 1, Some(step.min(20))).unwrap();
    }
    run::mark_best(&run, 20).unwrap();
    assert_eq!(checkpoint_names(&run), ["step-000020", "step-000040"]);
    assert_eq!(fs::read_to_string(run.best_path()).unwrap(), "step-000020\n");
    assert!(run.has_checkpoint(20) && !run.has_checkpoint(10));
    assert_eq!(latest(&run), Ok(Some(40)));
}

#[test]
fn a_kill_at_any_moment_leaves_a_checkpoint_to_continue_from() {
    let folder = tempfile::tempdir().unwrap();
    let run = new_run(&folder);
    let at = |name: &str| run.checkpoints_path().join(name);
    save(&run, 10, 3);
    // Killed while writing.
    fs::create_dir(at(".step-000020.partial")).unwrap();
    fs::write(at(".step-000020.partial").join("tensors.safetensors"), "half").unwrap();
    assert_eq!(latest(&run), Ok(Some(10)));
    save(&run, 20, 3);
    assert_eq!(checkpoint_names(&run), ["step-000010", "step-000020"]);
    // Killed between the two renames of a replacement, and just after them.
    fs::rename(at("step-000020"), at(".step-000020.replaced")).unwrap();
    assert_eq!(latest(&run), Ok(Some(20)));
    fs::create_dir(at(".step-000010.replaced")).unwrap();
    assert_eq!(latest(&run), Ok(Some(20)));
    assert_eq!(checkpoint_names(&run), ["step-000010", "step-000020"]);
    // `latest` lost, pointing nowhere, or nonsense: the newest; set back by hand: that one.
    fs::remove_file(run.latest_path()).unwrap();
    assert_eq!(latest(&run), Ok(Some(20)));
    for (text, step) in
        [("step-000099", 20), ("../../etc", 20), ("step-20", 20), ("step-000010", 10)]
    {
        fs::write(run.latest_path(), text).unwrap();
        assert_eq!(latest(&run), Ok(Some(step)));
    }
    // A run that was set back keeps what it writes, whatever is ahead of it.
    save(&run, 15, 1);
    assert_eq!(latest(&run), Ok(Some(15)));
    assert_eq!(checkpoint_names(&run), ["step-000015", "step-000020"]);
    // A folder of somebody's own is left alone.
    fs::create_dir(at("mine.partial")).unwrap();
    save(&run, 30, 1);
    assert_eq!(checkpoint_names(&run), ["mine.partial", "step-000030"]);
}

#[test]
fn damaged_checkpoints() {
    fn change(path: PathBuf, edit: impl Fn(&mut Vec<u8>)) {
        let mut bytes = fs::read(&path).unwrap();
        edit(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
    type Damage = (&'static str, fn(&Path), &'static [&'static str]);
    let damages: &[Damage] = &[
        (
            "tensors.safetensors",
            |f| change(f.join("tensors.safetensors"), |b| b.truncate(100)),
            &["is 100 bytes long where"],
        ),
        (
            "tensors.safetensors",
            |f| change(f.join("tensors.safetensors"), |b| *b.last_mut().unwrap() ^= 1),
            &["has changed"],
        ),
        (
            "tensors.safetensors",
            |f| fs::remove_file(f.join("tensors.safetensors")).unwrap(),
            &["is missing"],
        ),
        (
            "tensors.safetensors",
            |f| fs::write(f.join("tensors.safetensors"), "PK\u{3}\u{4} something else").unwrap(),
            &["bytes long"],
        ),
        ("state.json", |f| change(f.join("state.json"), |b| b[20] ^= 1), &["has changed"]),
        ("state.json", |f| fs::remove_file(f.join("state.json")).unwrap(), &["is missing"]),
        ("digest.json", |f| fs::remove_file(f.join("digest.json")).unwrap(), &["is missing"]),
        ("digest.json", |f| fs::write(f.join("digest.json"), "{").unwrap(), &["is no digest"]),
        (
            "digest.json",
            |f| fs::write(f.join("digest.json"), "{\"format\": 2, \"files\": {}}").unwrap(),
            &["says nothing of tensors.safetensors"],
        ),
        (
            "digest.json",
            |f| {
                change(f.join("digest.json"), |b| {
                    *b = String::from_utf8_lossy(b).replace("\"format\": 2", "\"format\": 1").into()
                })
            },
            &["format 1", "reads 2"],
        ),
    ];
    for (file, damage, parts) in damages {
        let folder = tempfile::tempdir().unwrap();
        let run = new_run(&folder);
        save(&run, 10, 3);
        save(&run, 20, 3);
        let newest = run.checkpoints_path().join("step-000020");
        damage(&newest);
        let message = latest(&run).unwrap_err();
        assert!(message.starts_with(&newest.join(file).display().to_string()), "{message}");
        assert_says(&message, parts);
        assert_says(
            &message,
            &[&format!("delete {} to continue from step-000010", newest.display())],
        );
        assert_eq!(checkpoint_names(&run), ["step-000010", "step-000020"]);
        // What the message says would do, does; and so does training on to the same step.
        fs::remove_dir_all(&newest).unwrap();
        assert_eq!(latest(&run), Ok(Some(10)));
        save(&run, 20, 3);
        assert_eq!(latest(&run), Ok(Some(20)));
    }
}

#[test]
fn checkpoints_that_do_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let run = new_run(&folder);
    save(&run, 10, 3);
    let message = run::load_latest::<Vec<u32>>(&run).unwrap_err().to_string();
    assert_says(
        &message,
        &["step-000010/state.json: does not fit this version", "delete", "to start over"],
    );
    fs::rename(
        run.checkpoints_path().join("step-000010"),
        run.checkpoints_path().join("step-000011"),
    )
    .unwrap();
    assert_says(&latest(&run).unwrap_err(), &["step-000011/state.json: is of step 10"]);

    // What could not be read back is not written, and the older checkpoint stays.
    let folder = tempfile::tempdir().unwrap();
    let run = new_run(&folder);
    save(&run, 10, 1);
    let infinite = State { loss: f64::INFINITY, names: Vec::new() };
    let message = run::save(&run, 20, &tensors(20), &infinite, 1, None).unwrap_err().to_string();
    assert_says(&message, &["state.json: cannot be written", "NaN or infinite"]);
    let halves =
        BTreeMap::from([("h".to_owned(), Tensor::zeros(2, DType::BF16, &Device::Cpu).unwrap())]);
    let message = run::save(&run, 20, &halves, &state(20), 1, None).unwrap_err().to_string();
    assert_says(&message, &["tensors.safetensors: cannot be written: tensor `h`: is BF16"]);
    assert_eq!(
        (checkpoint_names(&run), latest(&run)),
        (vec!["step-000010".to_owned()], Ok(Some(10)))
    );
}

#[test]
fn weight_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let metadata: BTreeMap<_, _> =
        ('a'..='p').map(|key| (key.to_string(), format!("\"{key}\""))).collect();
    export::write_weights(&path, &tensors(1), &metadata).unwrap();
    let good = fs::read(&path).unwrap();
    let read = export::read_weights(&path).unwrap();
    assert_eq!((bits(&read.tensors), &read.metadata), (bits(&tensors(1)), &metadata));
    export::write_weights(&path, &read.tensors, &read.metadata).unwrap();
    assert_eq!(fs::read(&path).unwrap(), good);

    let cut = good[..good.len() - 1].to_vec();
    let header_cut = good[..40].to_vec();
    let huge = [&u64::MAX.to_le_bytes(), &good[8..]].concat();
    let garbled = [&good[..9], b"!", &good[10..]].concat();
    for (bytes, part) in [
        (cut, "truncated, or no safetensors file"),
        (header_cut, "is 40 bytes long where its header alone would be"),
        (huge, "its header alone would be 18446744073709551615"),
        (garbled, "invalid JSON in header"),
        (b"\x89PNG\r\n\x1a\n and so on".to_vec(), "no safetensors file"),
        (b"short".to_vec(), "is 5 bytes long, too short"),
        (Vec::new(), "is 0 bytes long, too short"),
    ] {
        fs::write(&path, bytes).unwrap();
        let message = export::read_weights(&path).unwrap_err().to_string();
        assert_says(&message, &[path.to_str().unwrap(), part, "give a safetensors file"]);
    }
    fs::remove_file(&path).unwrap();
    assert_says(
        &export::read_weights(&path).unwrap_err().to_string(),
        &["weights.safetensors: cannot be read"],
    );
}

#[test]
fn run_directories() {
    let folder = tempfile::tempdir().unwrap();
    let scene = load_scene("quickstart").unwrap();
    let create = |path: &Path, config: &RunConfig| {
        RunDirectory::create(path, config, &scene).map_err(|e| e.to_string())
    };
    let good = RunConfig::default();
    let run = new_run(&folder);
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [run.path(), &file] {
        let message = create(path, &good).unwrap_err();
        assert_says(
            &message,
            &[
                &path.display().to_string(),
                "exists already; --resume continues it, or choose another --run",
            ],
        );
    }
    assert_says(&create(&file.join("below"), &good).unwrap_err(), &["file/below: cannot be"]);
    let wrong = RunConfig { batch: 0, ..good.clone() };
    assert_says(&create(&folder.path().join("new"), &wrong).unwrap_err(), &["batch: found 0"]);
    assert!(!folder.path().join("new").exists());
    fs::create_dir(folder.path().join("empty")).unwrap();

    let open = |path: &Path| RunDirectory::open(path).unwrap_err().to_string();
    for (name, part) in [
        ("none", "does not exist"),
        ("file", "is no folder"),
        ("empty", "is no run: it has no config.toml"),
    ] {
        assert_says(&open(&folder.path().join(name)), &[name, part, "give the folder of a run"]);
    }
    create(&folder.path().join("empty"), &good).unwrap();

    let bad = fs::read_to_string(run.figure_path()).unwrap().replacen(
        "x = [-35, 45]",
        "x = [45, -35]",
        1,
    );
    fs::write(run.figure_path(), bad).unwrap();
    assert_says(&open(run.path()), &["run/figure.toml:", "bone \"spine\": limits.x is [45, -35]"]);
    fs::remove_file(run.scene_path()).unwrap();
    assert_says(&open(run.path()), &["run/scene.toml: cannot be read"]);
    fs::write(run.config_path(), "steps = 5\nbatch = 0\n").unwrap();
    assert_says(&open(run.path()), &["run/config.toml:2: batch: found 0"]);
}

/// A line of a file of metrics.
fn row(step: u64) -> impl Serialize {
    #[derive(Serialize)]
    struct Row {
        step: u64,
        #[serde(flatten)]
        state: State,
    }
    Row { step, state: state(step) }
}

#[test]
fn metrics_are_cut_back_to_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    assert_eq!(run::cut_back(&path, 0).unwrap(), 0);
    for steps in [[10, 20], [30, 40]] {
        let mut metrics = JsonLinesWriter::open(&path).unwrap();
        steps.into_iter().for_each(|step| metrics.append(&row(step)).unwrap());
    }
    let whole = fs::read_to_string(&path).unwrap();
    assert!(whole.starts_with("{\"step\":10,\"loss\":0.0970"), "{whole}");
    let first: String = whole.split_inclusive('\n').take(2).collect();
    // (what a crash left behind the whole lines, the checkpoint, what is kept, how many lines go)
    for (torn, step, kept, dropped) in [
        ("", 40, &whole, 0),
        ("{\"step\":50,\"lo", 40, &whole, 1),
        ("{\"step\":40}", 40, &whole, 1),
        ("\0\0\0\n", 40, &whole, 1),
        ("{\"step\":50,\"lo", 29, &first, 3),
        ("", 20, &first, 2),
        ("", 0, &String::new(), 4),
    ] {
        fs::write(&path, format!("{whole}{torn}")).unwrap();
        assert_eq!(run::cut_back(&path, step).unwrap(), dropped);
        assert_eq!(&fs::read_to_string(&path).unwrap(), kept);
    }
    let damaged = format!("{first}nonsense\n{first}");
    fs::write(&path, &damaged).unwrap();
    assert_says(
        &run::cut_back(&path, 10).unwrap_err().to_string(),
        &["metrics.jsonl: line 3 is no JSON object with a step", "delete that line"],
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    let message = JsonLinesWriter::open(&path).unwrap().append(&3).unwrap_err().to_string();
    assert_says(&message, &["metrics.jsonl: cannot be written"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let message = JsonLinesWriter::open(&path).unwrap().append(&row(1)).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!(
            "{}: cannot be written: No space left on device",
            path.display()
        )),
        "{message}"
    );
}
