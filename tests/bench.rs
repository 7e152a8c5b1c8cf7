//! `marionette bench` and `marionette doctor`: that they measure and find something, never how fast
//! it is.

#[cfg(target_os = "linux")]
use crate::runs::fail;
use crate::runs::{json, marionette, outcome, succeed};
use serde_json::Value;

/// As little as can be measured.
const TINY: [&str; 4] = ["--seconds", "0", "--batch", "4"];

/// Checks that `value` has been measured `pairs` times, each time something above 0.
#[track_caller]
fn assert_measured(value: &Value, pairs: usize) {
    let values = value["values"].as_array().unwrap();
    assert_eq!(values.len(), pairs, "{value}");
    for number in values.iter().chain([&value["median"], &value["low"], &value["high"]]) {
        assert!(number.as_f64().unwrap() > 0.0, "{value}");
    }
}

#[test]
fn memory_is_told_ten_times_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut command =
        marionette(["bench", "memory", "--draws", "80", "--tiles", "4", "--json", "memory.json"]);
    let said = succeed(command.current_dir(&folder));
    assert!(said.stdout.contains("Resident memory while tiles of 64x64"), "{}", said.stdout);
    let report = &json(folder.path(), "memory.json")["memory"];
    let tenths = report["tenths"].as_array().unwrap();
    assert_eq!(
        tenths.iter().map(|tenth| tenth[0].as_u64().unwrap()).collect::<Vec<_>>(),
        [8, 16, 24, 32, 40, 48, 56, 64, 72, 80]
    );
    #[cfg(target_os = "linux")]
    assert!(report["growth"].as_f64().unwrap() > 0.0);
}

#[test]
fn every_format_is_measured_beside_the_renderer() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = marionette(["bench", "generate", "--sizes", "32", "--scene", "crowded"]);
    command
        .args(["--json", "generate.json", "--pairs", "1"])
        .args(TINY)
        .env("TMPDIR", folder.path());
    succeed(command.current_dir(&folder));
    let size = &json(folder.path(), "generate.json")["generate"]["sizes"][0];
    assert_measured(&size["renderer"], 1);
    assert_measured(&size["all_labelled"], 1);
    for (format, name) in ["coco", "yolo", "webdataset"].iter().enumerate() {
        assert_eq!(size["formats"][format]["name"], *name);
        assert_measured(&size["formats"][format]["pictures"], 1);
        assert_measured(&size["formats"][format]["share"], 1);
    }
    // What was written is gone.
    assert_eq!(crate::runs::names(folder.path()), ["generate.json"]);
}

#[test]
fn a_step_is_measured_operation_by_operation() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = marionette(["bench", "train", "--json", "train.json"]);
    let said = succeed(command.args(TINY).args(["--pairs", "2"]).current_dir(&folder));
    assert!(said.stdout.starts_with("marionette "), "the machine comes first: {}", said.stdout);
    let report = json(folder.path(), "train.json");
    assert!(
        report["machine"]["adapter"]["name"].is_string()
            && report["machine"]["cpus"].as_u64() > Some(0)
    );
    assert!(report.get("render").is_none() && report.get("loop").is_none());
    let train = &report["train"];
    assert_measured(&train["step_ms"], 2);
    assert_measured(&train["samples_per_second"], 2);
    let names: Vec<_> = train["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["name"].as_str().unwrap())
        .collect();
    let expected =
        ["input", "forward", "loss", "score", "decode", "backward", "critic", "optimizer", "judge"];
    assert_eq!(names, expected);
    let mut share = 0.0;
    for operation in train["operations"].as_array().unwrap() {
        assert_measured(&operation["ms"], 2);
        assert!(said.stdout.contains(operation["name"].as_str().unwrap()));
        share += operation["share"].as_f64().unwrap();
    }
    assert!((share - 1.0).abs() < 1e-6, "the operations make up {share} of a step");
}

#[test]
fn the_network_alone_is_measured_without_a_graphics_adapter() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = marionette(["bench", "network", "--json", "network.json"]);
    command.env("VK_DRIVER_FILES", "/nonexistent").env_remove("VK_ICD_FILENAMES");
    let said = succeed(command.args(TINY).args(["--pairs", "1"]).current_dir(&folder));
    assert!(
        said.stdout.contains("inference") && !said.stdout.contains("drawing on"),
        "{}",
        said.stdout
    );
    let report = json(folder.path(), "network.json");
    assert!(report["machine"].get("adapter").is_none() && report.get("train").is_none());
    let network = &report["network"];
    assert_eq!(network["model"], "nano");
    assert_eq!((network["batch"].as_u64(), network["keypoints"].as_u64()), (Some(4), Some(17)));
    for pass in ["step", "inference"] {
        assert_measured(&network[pass]["ms"], 1);
        assert_measured(&network[pass]["samples_per_second"], 1);
        let [ms, rate] =
            ["ms", "samples_per_second"].map(|key| network[pass][key]["median"].as_f64().unwrap());
        assert!((ms * rate / 4e3 - 1.0).abs() < 1e-6, "{ms} ms for 4 samples, {rate} samples/s");
        // Where the system counts, a network and its batch take a mebibyte at the very least.
        let peak = network[pass].get("peak_memory_bytes");
        assert!(peak.is_none_or(|bytes| bytes.as_u64().unwrap() > 1 << 20), "{network}");
    }
}

#[test]
fn the_loop_is_measured_against_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = marionette(["bench", "loop", "--json", "loop.json", "--quiet"]);
    let said = succeed(command.args(TINY).args(["--pairs", "1"]).current_dir(&folder));
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    let both = &json(folder.path(), "loop.json")["loop"];
    for key in ["render", "train", "both", "efficiency"] {
        assert_measured(&both[key], 1);
    }
}

#[test]
fn sampling_is_measured_and_simulated_on_more_workers() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = marionette(["bench", "sampling", "--lag", "2", "--json", "sampling.json"]);
    let said = succeed(command.args(TINY).args(["--pairs", "2"]).current_dir(&folder));
    assert!(said.stdout.contains("pool, lag 8"), "{}", said.stdout);
    let report = &json(folder.path(), "sampling.json")["sampling"];
    for key in ["one_thread", "all_threads", "speedup"] {
        assert_measured(&report[key], 2);
    }
    // Two batches of four were recorded, attempt by attempt.
    let recorded = report["recorded"].as_array().unwrap();
    assert_eq!(
        recorded.iter().map(|batch| batch.as_array().unwrap().len()).collect::<Vec<_>>(),
        [4, 4]
    );
    assert!(recorded[0][0][0][1].as_f64().unwrap() > 0.0);
    let simulated = report["simulated"].as_array().unwrap();
    assert_eq!(simulated.len(), 7);
    // One worker is as fast as one worker, and never idle.
    let alone = &simulated[0]["pooled"][0];
    assert!((alone["efficiency"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{alone}");
}

#[test]
fn rendering_is_measured_at_every_size_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = marionette([
        "bench",
        "render",
        "--sizes",
        "32,48",
        "--tiles",
        "4",
        "--json",
        "render.json",
    ]);
    let said = succeed(command.args(TINY).args(["--pairs", "1"]).current_dir(&folder));
    assert!(said.stdout.contains("32x32") && said.stdout.contains("48x48"), "{}", said.stdout);
    let report = json(folder.path(), "render.json");
    let sizes = report["render"]["sizes"].as_array().unwrap();
    assert_eq!(sizes.len(), 2);
    for size in sizes {
        for key in ["generator", "labelled", "drawn"] {
            assert_measured(&size[key], 1);
        }
        for key in ["camera_per_tile", "ratio"] {
            match size.get(key) {
                Some(measured) if cfg!(feature = "camera-per-tile") => assert_measured(measured, 1),
                found => assert!(found.is_none(), "{size}"),
            }
        }
    }
}

#[test]
fn wrong_usage_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["rendering"], "possible values"),
        (&["--pairs", "0"], "1..=1000"),
        (&["--seconds", "-1"], "--seconds"),
        (&["--seconds", "long"], "0 (one frame or step) to 3600"),
        (&["--sizes", "8"], "16..=1024"),
        (&["--model", "hrnet"], "expected one of nano, small"),
        (&["--batch", "0"], "1 to 4096"),
        (&["--threads", "-1"], "threads"),
        (&["--device", "gpu"], "auto, cpu, cuda:N or metal"),
        (&["--scene", "nowhere.toml"], "nowhere.toml"),
    ];
    for (args, part) in cases {
        let said = outcome(marionette(["bench"]).args(*args).current_dir(&folder));
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.stderr.starts_with("error: ") && said.stderr.contains(part), "{said:?}");
    }
    assert_eq!(outcome(&mut marionette(["doctor", "--fast"])).code, Some(2));
}

#[test]
fn the_doctor_finds_what_a_run_needs() {
    let said = succeed(&mut marionette(["doctor"]));
    assert!(
        said.stdout.contains("comes out as it must") && said.stdout.contains("cpu: usable"),
        "{}",
        said.stdout
    );
    let said = succeed(&mut marionette(["doctor", "--json"]));
    let findings: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(findings["draws"], true);
    assert_eq!(findings["missing"], serde_json::json!([]));
    assert!(findings["adapter"]["name"].is_string() && findings["cpus"].as_u64() > Some(0));
    let cpu = &findings["devices"][0];
    assert_eq!(cpu["name"], "cpu");
    let rates = cpu["batches"]["rates"].as_array().unwrap();
    let good = &cpu["batches"]["good"];
    assert!(rates.iter().any(|tried| &tried[0] == good && tried[1].as_f64() > Some(0.0)), "{cpu}");
}

// Where a driver can be hidden.
#[cfg(target_os = "linux")]
#[test]
fn the_doctor_says_what_is_missing() {
    let hidden = |args: &[&str]| {
        let mut command = marionette(args);
        command.env("VK_DRIVER_FILES", "/nonexistent").env_remove("VK_ICD_FILENAMES");
        fail(
            &mut command,
            1,
            &["no Vulkan, Metal or DX12 driver", "VK_DRIVER_FILES", "/nonexistent"],
        )
    };
    assert!(hidden(&["doctor"]).stdout.contains("MISSING"));
    let findings: Value = serde_json::from_str(&hidden(&["doctor", "--json"]).stdout).unwrap();
    assert_eq!((&findings["adapter"], &findings["draws"]), (&Value::Null, &Value::Null));
    assert_eq!(findings["missing"].as_array().unwrap().len(), 1);
}
