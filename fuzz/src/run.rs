//! The files of a run.

use crate::temporary;
use candle_core::Tensor;
use marionette_run::{
    FocusFile, JsonLinesWriter, MetricsRow, RunConfig, RunDirectory, cut_back, read_latest, save,
    scene_sha256, trainer,
};
use marionette_scene::{Sampler, Scene, load_scene};
use marionette_stream::{Focus, Policy};
use marionette_train::trainer::{ManualSettings, Trainer, TrainerState};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{cell::RefCell, collections::BTreeMap, fs, path::Path, str, sync::LazyLock};

static SCENE: LazyLock<Scene> =
    LazyLock::new(|| load_scene("quickstart").expect("the scene comes with the program"));

/// A run's folder of this name.
fn run(name: &str) -> RunDirectory {
    RunDirectory::create(&temporary::folder().join(name), &RunConfig::default(), &SCENE)
        .expect("a run can be begun")
        .0
}

/// The text of a `config.toml`; its lines that begin with `--set ` are settings from the command
/// line. What is read is written and read back the same.
pub fn config(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let mut overrides = Vec::new();
    let mut file = String::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("--set ") {
            Some(setting) => overrides.push(setting.to_owned()),
            None => file.push_str(line),
        }
    }
    let loaded = match RunConfig::load(&temporary::file("config.toml", file.as_bytes())) {
        Ok(loaded) => loaded,
        Err(error) => {
            assert!(error.to_string().contains("config.toml"));
            return false;
        }
    };
    reads_back(&loaded);
    let config = match loaded.apply(&overrides) {
        Ok(config) => config,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    reads_back(&config);
    let locked = loaded.locked_changes(&config).expect("valid settings fit into TOML");
    assert_eq!(loaded.continued(&overrides).is_ok(), locked.is_empty());
    true
}

fn reads_back(config: &RunConfig) {
    let text = config.to_toml().expect("valid settings can be written");
    let path = temporary::file("written.toml", text.as_bytes());
    assert_eq!(RunConfig::load(&path).as_ref(), Ok(config));
}

/// A step (the first byte) and a `metrics.jsonl`. What is cut back to the step stays cut back, and
/// rows that are read are written and read back the same.
pub fn metrics(bytes: &[u8]) -> bool {
    let Some((step, bytes)) = bytes.split_first() else { return false };
    let step = u64::from(*step);
    let path = temporary::file("metrics.jsonl", bytes);
    let (rows, _) = MetricsRow::read(&path);
    let again = temporary::folder().join("again.jsonl");
    let _ = fs::remove_file(&again);
    let mut writer = JsonLinesWriter::open(&again).expect("a file can be begun");
    for row in &rows {
        row.values();
        writer.append(row).expect("a row can be written");
    }
    // As text, because NaN is not equal to itself.
    let (back, damage) = MetricsRow::read(&again);
    assert!(damage.is_none());
    assert_eq!(format!("{back:?}"), format!("{rows:?}"));
    assert_eq!(cut_back(&again, u64::MAX).expect("what was written can be cut back"), 0);
    match cut_back(&path, step) {
        Ok(dropped) => {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n').count();
            let kept = fs::read(&path).expect("the file is there");
            assert_eq!(lines - dropped, kept.split_inclusive(|byte| *byte == b'\n').count());
            assert_eq!(cut_back(&path, step).expect("it was cut back before"), 0);
            assert!(MetricsRow::read(&path).0.iter().all(|row| row.step <= step));
            !rows.is_empty()
        }
        Err(error) => {
            assert!(error.to_string().contains("metrics.jsonl"));
            assert_eq!(fs::read(&path).expect("the file is there"), bytes, "nothing has changed");
            false
        }
    }
}

/// A `hand.jsonl`. Records that are read are written and read back the same.
pub fn hand(bytes: &[u8]) -> bool {
    static RUN: LazyLock<RunDirectory> = LazyLock::new(|| run("hand"));
    fs::write(RUN.hand_path(), bytes).expect("a temporary file can be written");
    let records = match RUN.control_records() {
        Ok(records) => records,
        Err(error) => {
            assert!(error.to_string().contains("hand.jsonl"));
            return false;
        }
    };
    fs::remove_file(RUN.hand_path()).expect("the file can be removed");
    let mut writer = JsonLinesWriter::open(&RUN.hand_path()).expect("a file can be begun");
    for record in &records {
        writer.append(record).expect("a record can be written");
    }
    assert_eq!(RUN.control_records().expect("what was written can be read"), records);
    let untouched = ManualSettings::untouched();
    let settings = RUN.settings_at(STEP, untouched.clone()).expect("what was read can be cut back");
    if let Some(settings) = &settings {
        let numbers = [settings.gamma, settings.rate_factor];
        assert!(numbers.iter().all(|number| (0.0..=10.0).contains(number)), "{numbers:?}");
    }
    assert_eq!(RUN.settings_at(STEP, untouched).expect("it was cut back before"), settings);
    !records.is_empty()
}

/// A `focus.json`, in which SCENE stands for the scene's hash. What is read is drawn for, written
/// and read back the same.
pub fn focus(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let text = text.replace("SCENE", &scene_sha256(&SCENE));
    temporary::file("focus.json", text.as_bytes());
    let folder = temporary::folder();
    let file = match FocusFile::read(folder, &SCENE) {
        Ok(file) => file,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    file.write(folder).expect("what was read can be written");
    assert_eq!(FocusFile::read(folder, &SCENE).expect("what was written can be read"), file);
    let focus = Focus { share: 1.0, wanted: file.wanted };
    let policy = Policy { focus: Some(focus), ..Policy::uniform() };
    let sampler = Sampler::new(&SCENE, |_| None);
    for index in 0..2 {
        let sample = sampler.sample(&policy, 1, index, 0);
        assert!(sample.hardness.iter().all(|hardness| (0.0..=1.0).contains(hardness)));
    }
    true
}

/// What is between the parts of a checkpoint.
const BETWEEN: &[u8] = b"\n%%%%\n";
/// The step of the checkpoint's folder, and that `hand.jsonl` is cut back to.
const STEP: u64 = 3;

/// The files of a checkpoint, each but the first after a line `%%%%`: `state.json`,
/// `tensors.safetensors`, `digest.json`, `latest`. Without the last two it is one with the right
/// digest. What is read is written and read back the same, and a trainer takes or refuses it.
pub fn checkpoint(bytes: &[u8]) -> bool {
    static RUN: LazyLock<RunDirectory> = LazyLock::new(|| run("checkpoint"));
    static COPY: LazyLock<RunDirectory> = LazyLock::new(|| run("copy"));
    let mut parts = split(bytes).into_iter();
    let mut part = || parts.next();
    let (state, tensors) = (part().unwrap_or_default(), part().unwrap_or_default());
    let digest = part().map_or_else(|| digest(state, tensors), <[u8]>::to_vec);
    let latest = part().unwrap_or(b"step-000003\n");
    let folder = RUN.checkpoints_path().join(format!("step-{STEP:06}"));
    fs::create_dir_all(&folder).expect("a folder can be made");
    let write = |path: &Path, bytes: &[u8]| {
        fs::write(path, bytes).expect("a temporary file can be written");
    };
    write(&folder.join("state.json"), state);
    write(&folder.join("tensors.safetensors"), tensors);
    write(&folder.join("digest.json"), &digest);
    write(&RUN.latest_path(), latest);
    let loaded = match read_latest::<TrainerState>(&RUN) {
        Ok(loaded) => loaded.expect("there is a checkpoint"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    assert_eq!(loaded.step, STEP);
    if save(&COPY, STEP, &loaded.tensors, &loaded.state, 1, None).is_ok() {
        let copy = read_latest::<TrainerState>(&COPY)
            .expect("what was written can be read")
            .expect("there is a checkpoint");
        assert_eq!(copy.state, loaded.state);
        assert!(copy.tensors.keys().eq(loaded.tensors.keys()));
    }
    restore(loaded.tensors, loaded.state);
    true
}

/// Gives a checkpoint to a trainer, which has tensors for those that it lacks. After one that it
/// refuses, it is used again all the same: nothing is learned with it.
fn restore(tensors: BTreeMap<String, Tensor>, state: TrainerState) {
    thread_local! {
        static TRAINER: RefCell<(Trainer, BTreeMap<String, Tensor>)> = RefCell::new({
            let config = RunConfig { device: "cpu".to_owned(), ..RunConfig::default() };
            let (trainer, _) = trainer(&config, &SCENE).expect("the defaults make a trainer");
            let (tensors, _) = trainer.save().expect("a trainer can be saved");
            (trainer, tensors)
        });
    }
    TRAINER.with_borrow_mut(|(trainer, own)| {
        let mut all = own.clone();
        all.extend(tensors);
        match trainer.restore(&all, state) {
            Ok(()) => {
                trainer.curriculum();
                let sampler = Sampler::new(&SCENE, |_| None);
                for policy in trainer.policies() {
                    sampler.sample(&policy, 1, trainer.step(), 0);
                }
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        parts.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    parts.push(rest);
    parts
}

fn digest(state: &[u8], tensors: &[u8]) -> Vec<u8> {
    let of = |bytes: &[u8]| {
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        json!({"bytes": bytes.len(), "sha256": sha256})
    };
    let files: Value = json!({"state.json": of(state), "tensors.safetensors": of(tensors)});
    json!({"format": 2, "files": files}).to_string().into_bytes()
}
