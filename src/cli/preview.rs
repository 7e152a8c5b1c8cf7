//! `marionette preview`.

use super::{
    CommandError, files, output,
    preview_stats::{StatsRequest, stats},
    process::limit,
    scenes::{FigureArg, image_size, resized, tell_of_transparency},
};
use anyhow::{Context, anyhow};
use clap::Args;
use marionette::physics::Solvability;
use marionette::render::sampler;
use marionette::render::{RendererConfig, headless_app, render_samples};
use marionette::run::{
    Work,
    sheet::{LARGEST_SCALE, Overlay, Panel, contact_sheet, save_png},
    threads,
};
use marionette::scene::{ImageSize, Scene};
use marionette::stream::{AXES, Hardness, HardnessAxis, Policy, SceneSample};
use std::path::PathBuf;

/// Render a contact sheet of a scene's samples, or plots of what they are like as a whole.
///
/// Example: marionette preview scenes/quickstart.toml --out sheet.png --count 32 --overlay
/// keypoints
///
/// Example: marionette preview all --stats --count 2000 --out all.png --json all.json
#[derive(Args)]
pub struct PreviewArgs {
    /// Scene file, or the name of a built-in scene: quickstart, everyday, sports, crowded, studio,
    /// night, all, workcell, yard.
    scene: String,
    #[command(flatten)]
    figure: FigureArg,
    /// The PNG file to write.
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
    /// How many samples; 32 on a sheet (at most 1024), 500 with --stats.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: Option<u32>,
    /// Instead of a sheet, print and plot what the samples are like: how often keypoints are seen
    /// and what covers them, where they lie, boxes, joint angles, families of poses, colours,
    /// rejections, and how what is measured follows hardness. With --axis, that axis is drawn
    /// evenly and the others are at --hardness (0.1 by default).
    #[arg(long, conflicts_with_all = ["overlay", "columns", "scale"])]
    stats: bool,
    /// Write all that --stats finds to this file.
    #[arg(long, value_name = "FILE", requires = "stats")]
    json: Option<PathBuf>,
    /// What to draw over the pictures: keypoints, names, ids, depth, boxes or none; several separated
    /// by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "keypoints")]
    overlay: Vec<Overlay>,
    /// Hardness of every axis, 0 to 1; by default each axis is drawn evenly.
    #[arg(long, value_name = "H", allow_negative_numbers = true)]
    hardness: Option<f32>,
    /// Show this axis at five levels, a row each, and the others at --hardness (0.1 by default). A
    /// column is one scene that gets harder; --columns says how many there are, --count nothing.
    #[arg(long, value_name = "AXIS", value_parser = axis)]
    axis: Option<HardnessAxis>,
    /// Width and height of the pictures, pixels: N, or WxH in the scene's proportions; by default
    /// the scene's own size.
    #[arg(long, value_name = "N|WxH", value_parser = image_size)]
    size: Option<ImageSize>,
    /// Seed of the samples.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Samples a row.
    #[arg(long, value_name = "N", default_value_t = 8, allow_negative_numbers = true,
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    columns: u16,
    /// Sheet pixels per image pixel.
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(LARGEST_SCALE)))]
    scale: u32,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

impl PreviewArgs {
    /// A sheet of 25 poses, from easy to hard, of the figure in a folder, with its keypoints named.
    pub fn of_figure(folder: &str, out: PathBuf) -> Self {
        PreviewArgs {
            scene: "studio".to_owned(),
            figure: FigureArg::of(folder),
            out,
            count: None,
            stats: false,
            json: None,
            overlay: vec![Overlay::Keypoints, Overlay::Names],
            hardness: None,
            axis: Some(HardnessAxis::Pose),
            size: Some(ImageSize { width: 320, height: 320 }),
            seed: 1,
            columns: 5,
            scale: 1,
            quiet: true,
        }
    }
}

fn axis(name: &str) -> Result<HardnessAxis, String> {
    let known = || HardnessAxis::ALL.map(HardnessAxis::name).join(", ");
    HardnessAxis::by_name(name).ok_or_else(|| format!("there are {}", known()))
}

/// Pixels of the largest sheet.
const MOST_PIXELS: u64 = 1 << 28;

/// How many levels of an axis are shown.
const LEVELS: u64 = 5;
/// How many samples a sheet shows by default, and at most; and how many statistics are of by
/// default.
const ON_A_SHEET: u32 = 32;
const MOST_ON_A_SHEET: u32 = 1024;
const IN_STATISTICS: u32 = 500;
/// The hardness of the other axes beside the one that is shown.
const OTHERS: f32 = 0.1;

/// The sample at place `place` of the sheet, its hardness (none: each axis is sampled evenly), and
/// the caption below it.
fn shown(args: &PreviewArgs, place: u64) -> (u64, Option<Hardness>, Option<String>) {
    let Some(axis) = args.axis else {
        return (place, args.hardness.map(|hardness| [hardness; AXES]), None);
    };
    let columns = u64::from(args.columns);
    let level = (place / columns) as f32 / (LEVELS - 1) as f32;
    let mut hardness = [args.hardness.unwrap_or(OTHERS); AXES];
    hardness[axis as usize] = level;
    (place % columns, Some(hardness), Some(format!("{axis} {level:.2}")))
}

/// Runs `marionette preview`.
pub fn preview(args: PreviewArgs) -> Result<(), CommandError> {
    limit(Work::Render, 0)?;
    let scene = args.figure.load(&args.scene).map_err(|e| CommandError::Input(e.into()))?;
    let scene = resized(scene, args.size)?;
    if let Some(ending) = args.out.extension().filter(|ending| !ending.eq_ignore_ascii_case("png"))
    {
        return Err(CommandError::Input(anyhow!(
            "--out {}: ends in .{}, and what is written is a PNG picture; give a name that ends \
             in .png",
            args.out.display(),
            ending.to_string_lossy()
        )));
    }
    let outputs = files::outputs(&[("--out", Some(&args.out)), ("--json", args.json.as_deref())]);
    files::check_inputs(&outputs, scene.read_from.clone())?;
    files::check_outputs(&outputs)?;
    tell_of_transparency(&scene);
    if let Some(hardness) = args.hardness.filter(|h| !(0.0..=1.0).contains(h)) {
        return Err(CommandError::Input(anyhow!(
            "--hardness is {hardness}; give a number from 0 to 1"
        )));
    }
    if args.stats {
        let request = StatsRequest {
            count: u64::from(args.count.unwrap_or(IN_STATISTICS)),
            seed: args.seed,
            hardness: args.hardness,
            axis: args.axis.map(|axis| (axis, args.hardness.unwrap_or(OTHERS))),
            out: &args.out,
            json: args.json.as_deref(),
            quiet: args.quiet,
        };
        return stats(&request, &scene);
    }
    sheet(&args, &scene)
}

/// Draws the contact sheet.
fn sheet(args: &PreviewArgs, scene: &Scene) -> Result<(), CommandError> {
    let count = args.count.unwrap_or(ON_A_SHEET);
    if count > MOST_ON_A_SHEET {
        let message = "a sheet shows at most 1024 samples; give fewer, or --stats to look at all \
                       of them as a whole";
        return Err(CommandError::Input(anyhow!("--count is {count}; {message}")));
    }
    let solvability = Solvability::new(scene.figure.clone());
    let policy = Policy::uniform();
    let count = args.axis.map_or(u64::from(count), |_| LEVELS * u64::from(args.columns));
    let columns = u64::from(args.columns).min(count.max(1));
    let side = |tiles: u64, pixels: u32| tiles * u64::from(pixels) * u64::from(args.scale);
    let (width, height) =
        (side(columns, scene.image.width), side(count.div_ceil(columns), scene.image.height));
    if width * height > MOST_PIXELS {
        return Err(CommandError::Input(anyhow!(
            "the sheet would measure {width}x{height} pixels; give less of --count, --size or \
             --scale: {MOST_PIXELS} pixels at most"
        )));
    }
    let sample = |place: u64| {
        let (index, hardness, _) = shown(args, place);
        solvability.first_solvable(index, |attempt| match hardness {
            Some(hardness) => sampler(scene).sample_at(hardness, args.seed, index, attempt),
            None => sampler(scene).sample(&policy, args.seed, index, attempt),
        })
    };
    let samples: Vec<SceneSample> = (0..count)
        .map(sample)
        .collect::<Result<_, _>>()
        .map_err(|e| CommandError::Failed(e.into()))?;
    let config = RendererConfig {
        tiles: samples.len().min(64),
        width: scene.image.width,
        height: scene.image.height,
        threads: threads(0),
    };
    let draw = || -> anyhow::Result<()> {
        let (mut app, _) = headless_app(config, &scene.pictures)?;
        let tiles = render_samples(&mut app, config, &scene.figure, &samples)?;
        let panel = |(place, tile)| Panel {
            tile,
            prediction: None,
            border: None,
            caption: shown(args, place).2,
        };
        let panels: Vec<Panel> = (0..).zip(&tiles).map(panel).collect();
        let sheet = contact_sheet(
            &scene.figure,
            &panels,
            &args.overlay,
            usize::from(args.columns),
            args.scale,
        );
        save_png(&args.out, &sheet).context("the contact sheet")
    };
    draw().map_err(CommandError::Failed)?;
    if !args.quiet {
        output::say(&format!(
            "{} samples of {} in {}",
            samples.len(),
            scene.name,
            args.out.display()
        ));
    }
    Ok(())
}
