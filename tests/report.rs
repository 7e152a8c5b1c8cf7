//! Reports of runs: what a page holds, that it needs nothing else, and what is said of runs that
//! lack something or are damaged.

use crate::runs::{copy, fail, json, marionette, outcome, succeed};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};
use tempfile::TempDir;

/// A finished run of four small steps, with exams. Tests that change anything copy it first.
static SHORT: LazyLock<PathBuf> = LazyLock::new(|| finished("report-short", &[]));

fn finished(name: &str, more: &[&str]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    let mut command = marionette(["train", "quickstart", "--steps", "4", "--quiet", "--run"]);
    command.arg(&path);
    for setting in ["batch=4", "log.every=1", "exam.images=4", "exam.every=2"] {
        command.args(["--set", setting]);
    }
    succeed(command.args(more));
    path
}

/// A folder with a copy of the short run in it, of this name.
fn with_short_run(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join(name);
    copy(&SHORT, &run);
    (folder, run)
}

fn report(runs: &[&Path], out: &Path) -> Command {
    let mut command = marionette(["report"]);
    command.args(runs).arg("--out").arg(out);
    command
}

/// The page of these runs, which is checked as every page is.
#[track_caller]
fn page(runs: &[&Path]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.html");
    succeed(&mut report(runs, &out));
    let page = fs::read_to_string(out).unwrap();
    check(&page);
    page
}

/// One element's start or end.
struct Tag<'a> {
    name: &'a str,
    attributes: &'a str,
    ends: bool,
    empty: bool,
}

/// All tags of a page; what styles and scripts hold is none.
fn tags(page: &str) -> Vec<Tag<'_>> {
    let mut tags: Vec<Tag> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let inside = &rest[start + 1..end];
        let (ends, empty) = (inside.starts_with('/'), inside.ends_with('/'));
        let inside = inside.trim_matches('/');
        let (name, attributes) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        tags.push(Tag { name, attributes, ends, empty });
        rest = &rest[end + 1..];
        if !ends && ["style", "script"].contains(&name) {
            rest = &rest[rest.find(&format!("</{name}>")).unwrap()..];
        }
    }
    tags
}

/// A page is well-formed, loads nothing, and says what its pictures show.
#[track_caller]
fn check(page: &str) {
    let mut open = Vec::new();
    for Tag { name, attributes, ends, empty } in tags(page) {
        if ends {
            assert_eq!(open.pop(), Some(name), "{name} ends");
            continue;
        }
        if !empty {
            open.push(name);
        }
        assert_eq!(attributes.matches('"').count() % 2, 0, "<{name} {attributes}>");
        let has = |attribute: &str| {
            let value = attributes.split_once(&format!("{attribute}=\"")).map(|(_, rest)| rest);
            value.is_some_and(|value| !value.starts_with('"'))
        };
        match name {
            "img" => assert!(has("alt") && attributes.contains("src=\"data:"), "{name}"),
            "svg" => assert!(has("aria-label") && has("role"), "{attributes}"),
            "html" => assert!(has("lang")),
            "link" | "iframe" | "object" => panic!("{name} loads something"),
            _ => {}
        }
        if let Some((_, target)) = attributes.split_once("href=\"#") {
            let id = target.split('"').next().unwrap();
            assert!(page.contains(&format!(" id=\"{id}\"")), "nothing is called {id}");
        } else {
            assert!(!attributes.contains("href="), "{attributes}");
        }
        if attributes.contains("class=\"scroll\"") {
            assert!(attributes.contains("tabindex=\"0\""), "no key reaches {attributes}");
        }
    }
    assert!(open.is_empty(), "{open:?} do not end");
    let addresses = page.replace("xmlns=\"http://www.w3.org/1999/xhtml\"", "");
    assert!(!addresses.contains("http:") && !addresses.contains("https:"));
    // What stands for a picture's bytes may spell anything.
    let spoken: String = page
        .split("base64,")
        .enumerate()
        .map(|(i, part)| if i == 0 { part } else { part.split_once('"').unwrap().1 })
        .collect();
    for part in ["@import", "url(", "NaN", "inf\"", "onclick"] {
        assert!(!spoken.contains(part), "{part}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

/// The figures in a page.
fn figures(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"marionette-report\">").unwrap();
    serde_json::from_str(rest.split("</script>").next().unwrap()).unwrap()
}

/// What stands in a section of a page.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("<section id=\"{id}\"")).unwrap();
    rest.split("</section>").next().unwrap()
}

fn pck(run: &Path, exam: &str) -> f64 {
    let report = json(run, "exams/step-000004.json");
    let result = report["exams"].as_array().unwrap().iter().find(|r| r["exam"] == exam).unwrap();
    result["pck"]["torso_02"].as_f64().unwrap()
}

#[test]
fn a_finished_run_has_its_report() {
    let written = fs::read_to_string(SHORT.join("report.html")).unwrap();
    check(&written);
    assert!(written == page(&[&SHORT]), "the command says what the run said");
    for part in ["nano on quickstart, finished after 4 steps", "<h1>report-short</h1>"] {
        assert!(written.contains(part), "no {part:?}");
    }
    // Every picture, and every exam with its number.
    assert_eq!(section(&written, "pictures").matches("<img").count(), 4);
    let exams = section(&written, "exams");
    for exam in ["standard", "easy", "hard", "natural", "hard-view", "hard-degradation"] {
        let found = format!("{exam}: {:.3} (mean pose ", pck(&SHORT, exam));
        assert!(exams.contains(&found), "no {found:?}");
    }
    assert!(exams.contains("left wrist") && exams.contains("0.8\u{2013}1.0"));
    let curriculum = section(&written, "curriculum");
    assert_eq!(curriculum.matches("aria-label=\"occlusion over steps").count(), 2);
    let score = section(&written, "score");
    for part in ["score and keypoint error", "Effective sample size", "Scores of report-short: "] {
        assert!(score.contains(part), "no {part:?}");
    }
    let machine = section(&written, "machine");
    assert!(machine.contains("graphics adapter") && machine.contains(std::env::consts::ARCH));
    assert!(section(&written, "settings").contains("<code>exam.<wbr/>images</code>"));

    let figures = figures(&written);
    assert_eq!(
        (&figures["schema_version"], &figures["runs"][0]["name"]),
        (&1.into(), &"report-short".into())
    );
    let run = &figures["runs"][0];
    assert_eq!(run["metrics"]["step"], serde_json::json!([1.0, 2.0, 3.0, 4.0]));
    let last =
        run["exams"].as_array().unwrap().iter().find(|e| e["step"] == 4 && e["exam"] == "easy");
    assert_eq!(last.unwrap()["torso_02"].as_f64(), Some(pck(&SHORT, "easy")));
    // Scores of the summary's samples, each counted once.
    let quality = &run["summary"]["score"];
    let counted: u64 =
        quality["histogram"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(Some(counted), quality["samples"].as_u64());
}

#[test]
fn several_runs_are_told_apart_and_compared() {
    let more = ["--seed", "2", "--set", "afl.gamma=2"];
    let other = finished("report-other", &more);
    let page = page(&[&SHORT, &other]);
    for name in ["report-short", "report-other"] {
        assert!(page.contains(&format!("<th scope=\"col\">{name}</th>")), "{name}");
    }
    let (differ, same) = section(&page, "settings").split_once("<details>").unwrap();
    for key in ["seed", "afl.<wbr/>gamma"] {
        let key = format!("<code>{key}</code>");
        assert!(differ.contains(&key) && !same.contains(&key), "{key}");
    }
    assert!(!differ.contains("<code>batch</code>") && same.contains("<code>batch</code>"));
    let (header, _) = page.split_once("</header>").unwrap();
    let difference = pck(&other, "easy") - pck(&SHORT, "easy");
    let sign =
        ["", "+", "\u{2212}"][usize::from(difference > 0.0) + 2 * usize::from(difference < 0.0)];
    let shown = format!("{:.3}<small>{sign}{:.3}</small>", pck(&other, "easy"), difference.abs());
    assert!(header.contains(&shown), "no {shown:?} in {header}");
    assert!(section(&page, "exams").contains("report-other, less report-short"));
    // Lines differ in colour and in dashes.
    let curves = section(&page, "curves");
    assert!(curves.contains("line c0 d0") && curves.contains("line c1 d1"));
    assert!(curves.contains("style of report-other"));

    // Exams of other images are not compared.
    let (_folder, changed) = with_short_run("changed");
    let file = changed.join("exams/step-000004.json");
    let text = fs::read_to_string(&file).unwrap().replace("\"sha256\": \"", "\"sha256\": \"0");
    fs::write(&file, text).unwrap();
    let page = self::page(&[&SHORT, &changed]);
    assert!(page.contains("Where two runs took an exam with other images"));
    let (header, _) = page.split_once("</header>").unwrap();
    assert!(header.contains(&format!("{:.3}<small>\u{2013}</small>", pck(&SHORT, "easy"))));
}

#[test]
fn runs_of_one_name_are_called_by_their_paths() {
    let [(first_folder, first), (second_folder, second)] =
        [with_short_run("run"), with_short_run("run")];
    let page = page(&[&first, &second]);
    for folder in [first_folder, second_folder] {
        assert!(page.contains(folder.path().to_str().unwrap()));
    }
}

#[test]
fn what_a_run_lacks_is_said() {
    let (_folder, run) = with_short_run("bare");
    for file in ["metrics.jsonl", "summary.json", "manifest.json", "report.html"] {
        fs::remove_file(run.join(file)).unwrap();
    }
    for folder in ["exams", "pictures"] {
        fs::remove_dir_all(run.join(folder)).unwrap();
    }
    let bare = page(&[&run]);
    for (id, part) in [
        ("curves", "no metrics of bare: metrics.jsonl is missing or has no lines yet"),
        ("exams", "bare has taken no exams"),
        ("curriculum", "There is no summary.json yet"),
        ("score", "How well the score of bare tells what is hard is not known"),
        ("pictures", "bare has no easiest.png, hardest.png, last_batch.png, first_batch.png"),
        ("machine", "there is no manifest.json yet"),
    ] {
        assert!(section(&bare, id).contains(part), "no {part:?}");
    }
    assert!(bare.contains("none of 4 steps done"));
    // Beside a whole run, too, which differences are then from.
    assert!(page(&[&SHORT, &run]).contains("bare has taken no exams"));
    let after = page(&[&run, &SHORT]);
    assert!(after.contains("<li>bare: nano on quickstart, none of 4 steps done"));
    assert!(after.contains("PCK@0.2 torso of report-short by keypoint and exam"));

    // A run that is not finished, and whose last line is being written.
    let (_folder, run) = with_short_run("early");
    fs::remove_file(run.join("summary.json")).unwrap();
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let cut = lines.find('\n').unwrap() + 20;
    fs::write(run.join("metrics.jsonl"), &lines[..cut]).unwrap();
    fs::remove_file(run.join("exams/step-000004.json")).unwrap();
    let early = page(&[&run]);
    assert!(early.contains("not finished: 2 of 4 steps done"));
    assert!(early.contains("early took its last exams after step 2"));
    // A picture that is none is missing.
    fs::write(run.join("pictures/hardest.png"), "no picture").unwrap();
    assert!(page(&[&run]).contains("early has no hardest.png that can be read"));
}

#[test]
fn runs_of_older_versions_are_reported() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/old/run");
    let page = page(&[&old]);
    for part in ["No run says how far its samples reach", "was steered by hand, 2 times"] {
        assert!(page.contains(part), "no {part:?}");
    }
}

#[test]
fn names_stay_text() {
    let (_folder, run) = with_short_run("a<b> & \"c\"");
    let page = page(&[&run]);
    assert!(page.contains("<h1>a&lt;b&gt; &amp; &quot;c&quot;</h1>"));
    assert!(!page.contains("a<b>"));
    assert_eq!(figures(&page)["runs"][0]["name"], "a<b> & \"c\"");
}

#[test]
fn bad_input_is_named() {
    let (folder, run) = with_short_run("run");
    let out = folder.path().join("out.html");
    let at = |name: &str| folder.path().join(name);
    assert_eq!(outcome(&mut marionette(["report"])).code, Some(2));
    fail(&mut report(&[&at("none")], &out), 2, &["none: does not exist", "give the folder"]);
    fs::create_dir(at("empty")).unwrap();
    fail(&mut report(&[&run, &at("empty")], &out), 2, &["empty: is no run"]);
    fail(&mut report(&[&run, &run.join(".")], &out), 2, &["is given twice"]);
    fail(&mut report(&[&run], &at("out.png")), 2, &["--out", "out.png", "ends in .html"]);
    fail(&mut report(&[&run], &run.join("config.toml/out.html")), 1, &["out.html"]);
    // Through a link, what is read would be written over.
    fs::hard_link(run.join("metrics.jsonl"), at("link.html")).unwrap();
    fail(&mut report(&[&run], &at("link.html")), 2, &["would overwrite", "metrics.jsonl"]);

    let damages = [
        ("metrics.jsonl", "{\"step\":1}\nlost\n{\"step\":3}\n", "metrics.jsonl: line 2"),
        ("summary.json", "{\n\"steps\": \"many\"\n}", "at line 2"),
        ("manifest.json", "{", "manifest.json: is not what a run writes"),
        ("hand.jsonl", "{}\n", "hand.jsonl: line 1"),
        ("exams/step-000002.json", "[]", "step-000002.json: is no report of exams"),
        ("config.toml", "seed = 1\nsteps =\n", "config.toml:2"),
        ("figure.toml", "name = 3\n", "figure.toml:1"),
    ];
    for (file, text, part) in damages {
        let path = run.join(file);
        let before = fs::read(&path).ok();
        fs::write(&path, text).unwrap();
        fail(&mut report(&[&run], &out), 2, &[part]);
        match before {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    assert!(!out.exists());
    succeed(&mut report(&[&run], &out));
}

#[test]
fn a_report_that_cannot_be_written_is_a_warning() {
    let (_folder, run) = with_short_run("run");
    fs::remove_file(run.join("report.html")).unwrap();
    // Where a folder is no file can be.
    fs::create_dir_all(run.join("report.html/mine")).unwrap();
    let mut command = marionette(["train", "--resume", "--quiet", "--steps", "5", "--run"]);
    let said = succeed(command.arg(&run));
    assert!(said.stderr.contains("warning: ") && said.stderr.contains("report.html"), "{said:?}");
    assert_eq!(json(&run, "summary.json")["steps"], 5);
}
