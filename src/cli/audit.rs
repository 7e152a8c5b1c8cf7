//! `marionette audit`.

use super::{
    CommandError,
    audit_model::{Asked, ModelArgs, Named},
    files, output,
    process::limit,
    scenes::{FigureArg, image_size, tell_of_transparency},
    signals::StopSignal,
};
use anyhow::{Context, anyhow};
use clap::Args;
use marionette::audit::{
    AuditError, Commands, FactList, FailIf, Folder, Judge, Known, Plan, Report, Studio, book,
    check_findings, cure, draw_sheet, earlier, explain, findings::Finding, forget_never_given,
    known, read_report, search, share,
};
use marionette::base::{
    atomic_file::{folder_of, write_atomic},
    json_file::json_text,
    shell::quoted,
};
use marionette::models::{Model, ModelError};
use marionette::render::{RendererConfig, headless_app};
use marionette::run::{
    FocusFile, RunConfig, Work, model_files, scene_sha256, sheet::save_png, threads,
};
use marionette::scene::ImageSize;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Width to which --show enlarges pictures.
const LARGE: usize = 384;
/// The exit code where --fail-if holds.
const FAILS: u8 = 3;

/// Find out where a keypoint detector fails: a network of yours, an ONNX file, or any command.
///
/// Draws pictures of a scene, more and more of what the model fails on, and explains its errors:
/// DIR/book.html shows each finding with pictures, truth and prediction over them; DIR/report.json
/// has the same for programs. The figures are those of the scene as it is, whatever was drawn.
///
/// Example: marionette audit runs/first all --out audits/first
///
/// Example: marionette audit pose.onnx all --out audits/pose --fail-if "PCK@0.2<0.6"
///
/// Example: marionette audit --command "python mine.py {images} {results}" all --out audits/mine
#[derive(Args)]
pub struct AuditArgs {
    /// File of weights, folder of a run, or .onnx file.
    #[arg(required_unless_present = "command")]
    model: Option<String>,
    /// Scene file, or the name of a built-in scene; by default that of the run, or all.
    scene: Option<String>,
    #[command(flatten)]
    figure: FigureArg,
    /// Folder of the audit; it must be new or empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Pictures.
    #[arg(long, value_name = "N", default_value_t = 4000,
        value_parser = clap::value_parser!(u64).range(128..=10_000_000))]
    images: u64,
    /// A second model, a file of weights, run or .onnx file, that is judged on the same pictures: the
    /// book says where which is better. What is said of the model holds for it too, where it says
    /// nothing itself.
    #[arg(long, value_name = "MODEL")]
    against: Option<PathBuf>,
    /// Width and height of the pictures, pixels: N, or WxH in the scene's proportions; by default
    /// the smallest that is no smaller than what the model takes, 256 for a command.
    #[arg(long, value_name = "N|WxH", value_parser = image_size)]
    size: Option<ImageSize>,
    /// Also judge what this earlier audit, of whatever model on the same scene, has found.
    #[arg(long, value_name = "AUDIT")]
    known: Option<PathBuf>,
    /// Seed of the samples.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Go on with the audit that was begun in --out; begin it if none was.
    #[arg(long)]
    resume: bool,
    /// Exit with 3 if this holds: PCK@0.2, worst (PCK of the worst finding), known (of the worst that
    /// --known found), failures (pictures of 1,000 in which nothing is found) or findings, < or >,
    /// and a number. Can be given more than once.
    #[arg(long, value_name = "F<N")]
    fail_if: Vec<FailIf>,
    /// Draw the pictures of finding N of the audit in --out again, large, to DIR/finding-N.png.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    show: Option<u32>,
    /// Also write report.json to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Threads of each pool; 0 for one per core.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    input: ModelArgs,
}

/// Runs `marionette audit`.
pub fn audit(args: AuditArgs) -> Result<(), CommandError> {
    limit(Work::Render, args.threads)?;
    if args.known.is_none() && args.fail_if.iter().any(FailIf::is_of_known) {
        let found = "--fail-if known: found no --known; give the earlier audit";
        return Err(CommandError::Input(anyhow!(found)));
    }
    let signal = StopSignal::listen().map_err(|error| CommandError::Failed(error.into()))?;
    let asked = Asked {
        model: args.model.as_deref(),
        scene: args.scene.as_deref(),
        figure: &args.figure,
        size: args.size,
    };
    let (Named { model, name, sha256, network }, scene) = args.input.load(asked, &signal)?;
    let outputs = files::outputs(&[("--json", args.json.as_deref())]);
    let models = args.model.iter().map(Path::new).chain(args.against.as_deref());
    files::check_inputs(&outputs, models.flat_map(model_files).chain(scene.read_from.clone()))?;
    files::check_outputs(&outputs)?;
    tell_of_transparency(&scene);
    let (scheme, facts) = (scene.figure.scheme(), FactList::of(&scene));
    let second = args.against.as_deref().map(|path| args.input.load_second(path, &scheme));
    let second = second.transpose()?;
    let mut plan = Plan::new(&scene, name, sha256, args.images, args.seed);
    if let Some(Named { name, sha256, .. }) = &second {
        plan = Plan { against: name.clone(), against_sha256: sha256.clone(), ..plan };
    }
    let earlier = args.known.as_deref().map(|audit| earlier(audit, &plan)).transpose();
    let earlier = earlier.map_err(command_error)?;
    let ImageSize { width, height } = scene.image;
    let tiles = RendererConfig::tiles_of(width, height);
    let config = RendererConfig { tiles, width, height, threads: threads(args.threads) };
    let (mut app, _) = headless_app(config, &scene.pictures)
        .context("the renderer")
        .map_err(CommandError::Failed)?;
    let mut studio = Studio {
        app: &mut app,
        config,
        scene: &scene,
        model: &model,
        known: model.keypoints(),
        rival: second.as_ref().map(|second| &second.model),
        judge: Judge { figure: &scene.figure, scheme: &scheme, facts: &facts },
    };
    if let Some(number) = args.show {
        return show(&args, &plan, &mut studio, number as usize);
    }
    let mut folder = Folder::open(&args.out, plan.clone(), args.resume).map_err(command_error)?;
    let mut last = Instant::now();
    let whole = search(&mut folder, &mut studio, &signal.flag(), &mut |done| {
        if !args.quiet && last.elapsed() > Duration::from_secs(10) {
            last = Instant::now();
            output::say(&format!("{done}/{} pictures", args.images));
        }
    });
    let done = folder.rows.len();
    let stopped = || {
        output::warn(&format!(
            "stopped after {done} of {} pictures; the same command with --resume goes on",
            args.images
        ));
        CommandError::Stopped(signal.exit_code().unwrap_or(1))
    };
    let failed = |error: AuditError| match error {
        AuditError::Model(ModelError::Stopped { .. }) => stopped(),
        error => command_error(error),
    };
    if !whole.map_err(failed)? {
        return Err(stopped());
    }
    forget_never_given(&mut folder.rows, &mut studio.known);
    studio.rival = None;
    let found = explain(&folder.rows, &facts, &scheme).map_err(command_error)?;
    let fresh_seed = plan.sample_seed() ^ 1;
    let stop = signal.flag();
    let checked = check_findings(&mut studio, &facts, &scheme, &found.list, fresh_seed, &stop);
    let Some(checked) = checked.map_err(failed)? else { return Err(stopped()) };
    let (checked, shown): (Vec<_>, Vec<_>) = checked.into_iter().unzip();
    let models = [Some(&model), second.as_ref().map(|second| &second.model)];
    let notes = models.into_iter().flatten().flat_map(Model::notes).cloned().collect();
    let mut report = Report::new(plan, &folder.rows, &facts, &scheme, notes, found, checked)
        .map_err(command_error)?;
    if let Some(earlier) = &earlier {
        report.known = known(&folder.rows, &facts, &scheme, earlier).map_err(command_error)?;
    }
    let cure = cure(&report, &folder.rows, &facts, &scheme).map_err(command_error)?;
    let words = |one| mend(&args, &cure, scene.image, network.as_deref(), one);
    let mend_first = match first_finding(&cure, &report) {
        Some((number, finding)) => {
            let share = share(finding, &folder.rows, &facts, &scheme).map_err(command_error)?;
            words(Some((number, share)))
        }
        None => Vec::new(),
    };
    let commands = Commands { again: again(), mend: words(None), mend_first };
    let page = book(&report, &scene.figure, &shown, &commands).map_err(command_error)?;
    write(&args, &report, &cure, &page).map_err(CommandError::Failed)?;
    if !args.quiet {
        report.notes.iter().for_each(|note| output::say(&format!("- {note}")));
        report.verdict().iter().for_each(|line| output::say(line));
        for Known { rule, before, now, .. } in &report.known {
            let words = rule.words();
            output::say(&format!(
                "Found before, {words}: PCK {:.2} then, {:.2} now.",
                before.value, now.value
            ));
        }
        output::say(&format!("{} shows it", args.out.join("book.html").display()));
    }
    let failing: Vec<String> = args
        .fail_if
        .iter()
        .filter_map(|condition| {
            let value = condition.fails(&report)?;
            Some(format!("{condition}: it is {value:.3}"))
        })
        .collect();
    if failing.is_empty() {
        return Ok(());
    }
    failing.iter().for_each(|line| output::warn(&format!("fails: {line}")));
    Err(CommandError::Stopped(FAILS))
}

fn write(args: &AuditArgs, report: &Report, cure: &FocusFile, page: &str) -> anyhow::Result<()> {
    let text = json_text(report)?;
    write_atomic(&args.out.join("report.json"), text.as_bytes())?;
    write_atomic(&args.out.join("book.html"), page.as_bytes())?;
    cure.write(&args.out)?;
    if let Some(file) = &args.json {
        write_atomic(file, text.as_bytes())?;
    }
    Ok(())
}

/// Draws the pictures of a finding again.
fn show(
    args: &AuditArgs,
    plan: &Plan,
    studio: &mut Studio,
    number: usize,
) -> Result<(), CommandError> {
    let report = read_report(&args.out).map_err(command_error)?;
    plan.check_same(&report.plan, &args.out).map_err(command_error)?;
    let Some(explained) = report.findings.get(number - 1) else {
        let out = args.out.display();
        return Err(CommandError::Input(match report.findings.len() {
            0 => anyhow!("--show {number}: {out} has no findings"),
            last => anyhow!("--show {number}: the last finding of {out} is {last}"),
        }));
    };
    let shown = explained.checked.draw(studio).map_err(command_error)?;
    let file = args.out.join(format!("finding-{number}.png"));
    let sheet = draw_sheet(&studio.scene.figure, &shown, LARGE);
    save_png(&file, &sheet).map_err(|error| CommandError::Failed(error.into()))?;
    if !args.quiet {
        output::say(&format!("{} in {}", explained.finding.rule.words(), file.display()));
    }
    Ok(())
}

/// The first finding that pictures can be drawn for, and its number.
fn first_finding<'a>(cure: &FocusFile, report: &'a Report) -> Option<(u32, &'a Finding)> {
    let number = cure.wanted.first()?.finding;
    let explained = report.findings.get(number.checked_sub(1)? as usize)?;
    Some((number, &explained.finding))
}

/// The commands that mend what was found with pictures of `size`, if there is anything that
/// pictures could be drawn for: all of it, or one finding with a share of the samples. `network` is
/// the name of a network of ours.
fn mend(
    args: &AuditArgs,
    cure: &FocusFile,
    size: ImageSize,
    network: Option<&str>,
    one: Option<(u32, f64)>,
) -> Vec<String> {
    if cure.wanted.is_empty() {
        return Vec::new();
    }
    let (model, scene) = args.input.names(args.model.as_deref(), args.scene.as_deref());
    let on =
        format!("{} --for {}", scene_words(scene, model, &args.figure, cure), quoted(&args.out));
    let with = |share: &str| {
        one.map_or_else(String::new, |(number, anyway)| {
            let anyway = anyway.clamp(0.001, 0.25);
            format!(" --finding {number} {share}{anyway:.3}")
        })
    };
    let (generate, train) = (with("--share "), with("--set focus.share="));
    let ImageSize { width, height } = size;
    let set = format!("--out set --count 20000 --size {width}x{height} --format coco");
    let mut commands = vec![format!("marionette generate {on}{generate} {set}")];
    if let (Some(model), Some(network)) = (model, network) {
        let init = quoted(Path::new(model));
        let network = match network == RunConfig::default().model {
            true => String::new(),
            false => format!(" --model {network}"),
        };
        commands.push(format!("marionette train {on}{train}{network} --init {init}"));
    }
    commands
}

/// How the scene is named on a command line, with its figure.
fn scene_words(
    scene: Option<&str>,
    model: Option<&str>,
    figure: &FigureArg,
    cure: &FocusFile,
) -> String {
    let known =
        |name: &str| figure.load(name).is_ok_and(|scene| scene_sha256(&scene) == cure.scene_sha256);
    match (scene, model) {
        (Some(scene), _) => format!("{}{}", quoted(Path::new(scene)), figure.words()),
        (None, Some(model)) if !known(&cure.scene) => {
            let path = Path::new(model);
            let run = if path.is_dir() { path } else { folder_of(path) };
            let [scene, figure] = ["scene.toml", "figure.toml"].map(|file| run.join(file));
            format!("{} --figure {}", quoted(&scene), quoted(&figure))
        }
        _ => format!("{}{}", cure.scene, figure.words()),
    }
}

/// The command that this is, without what says how it runs.
fn again() -> String {
    let words = std::env::args_os().skip(1).filter(|word| word != "--resume" && word != "--quiet");
    let words = words.map(|word| quoted(Path::new(&word)).to_string());
    std::iter::once("marionette".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// What the user can mend exits 2, everything else 1.
fn command_error(error: AuditError) -> CommandError {
    match error {
        AuditError::Other { .. }
        | AuditError::NotEmpty { .. }
        | AuditError::Damaged { .. }
        | AuditError::Findings(_)
        | AuditError::Model(ModelError::Nothing { .. }) => CommandError::Input(error.into()),
        _ => CommandError::Failed(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use marionette::scene::load_scene;
    use marionette::stream::{AxisDistribution, Wanted};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        audit: AuditArgs,
    }

    #[test]
    fn what_mends_a_model_names_the_scene_of_its_audit() {
        let wanted = Wanted {
            finding: 1,
            words: "seen from behind".to_owned(),
            weight: 0.1,
            axes: std::array::from_fn(|_| AxisDistribution::uniform(1)),
            circumstances: Vec::new(),
        };
        let cure = |wanted| FocusFile {
            model: String::new(),
            scene: "quickstart".to_owned(),
            scene_sha256: scene_sha256(&load_scene("quickstart").unwrap()),
            wanted,
        };
        let found = cure(vec![wanted]);
        let size = ImageSize { width: 256, height: 192 };
        let mended = |line: &str, cure: &FocusFile| {
            let words = ["audit"].into_iter().chain(line.split(' ')).chain(["--out", "a b"]);
            let network = match line.split(' ').next() {
                Some("runs/x") => Some("nano"),
                Some(weights) if weights.ends_with(".safetensors") => Some("small"),
                _ => None,
            };
            mend(&Line::parse_from(words).audit, cure, size, network, None)
        };
        let (set, changed) = (
            " --out set --count 20000 --size 256x192 --format coco",
            FocusFile { scene_sha256: "0".into(), ..found.clone() },
        );
        for (line, cure, scene, trained) in [
            ("runs/x", &found, "quickstart", Some("")),
            ("w.safetensors all --figure dog", &found, "all --figure dog", Some(" --model small")),
            ("x.onnx night", &found, "night", None),
            ("--command true night", &found, "night", None),
            (
                "runs/x.safetensors",
                &changed,
                "runs/scene.toml --figure runs/figure.toml",
                Some(" --model small"),
            ),
        ] {
            let model = line.split(' ').next().unwrap();
            let mut expected = vec![format!("marionette generate {scene} --for 'a b'{set}")];
            if let Some(network) = trained {
                let train = format!("marionette train {scene} --for 'a b'{network} --init {model}");
                expected.push(train);
            }
            assert_eq!(mended(line, cure), expected);
        }
        assert!(mended("runs/x", &cure(Vec::new())).is_empty());
        let args = Line::parse_from(["audit", "runs/x", "--out", "a"]).audit;
        let one = mend(&args, &found, size, Some("nano"), Some((2, 0.0581)));
        assert!(one[0].contains(" --for a --finding 2 --share 0.058 --out set"), "{one:?}");
        assert!(one[1].contains(" --finding 2 --set focus.share=0.058 --init runs/x"), "{one:?}");
    }
}
