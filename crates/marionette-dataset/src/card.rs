//! `DATASET.md`: what a set is, what its files mean, and what its samples are like.

use crate::{DatasetError, Format, Job, Split, journal::Journal};
use marionette_base::atomic_file::write_atomic;
use marionette_run::{
    sheet::save_png,
    stats::{Statistics, plots, table},
};
use marionette_scene::Scene;
use std::{fmt::Write, path::Path};

/// Samples, from the first on, that statistics are taken of: enough for shares to a percent, and
/// memory does not grow with the set.
pub const LOOKED_AT: u64 = 10_000;

/// Writes `DATASET.md` and `plots.png` into `root`, and counts pictures and annotated figures.
///
/// # Errors
/// If the journal cannot be read or a file cannot be written.
pub fn write(
    root: &Path,
    scene: &Scene,
    job: &Job,
    category: &str,
    journal: &Journal,
) -> Result<(u64, u64), DatasetError> {
    let mut counts = [[0u64; 2]; Split::ALL.len()];
    let mut facts = Vec::new();
    journal.read(|line| {
        let [pictures, figures] = &mut counts[line.split as usize];
        (*pictures, *figures) = (*pictures + 1, *figures + line.figures as u64);
        facts.extend(line.facts);
        Ok(())
    })?;
    let statistics = Statistics::gather(scene, &drawn(job), &facts);
    save_png(&root.join("plots.png"), &plots(&statistics))?;
    let text = card(scene, job, category, &counts, &table(&statistics));
    write_atomic(&root.join("DATASET.md"), text.as_bytes())?;
    let [pictures, figures] = [0, 1].map(|of| counts.iter().map(|count| count[of]).sum());
    Ok((pictures, figures))
}

/// How samples were drawn, in words.
fn drawn(job: &Job) -> String {
    match (&job.policy.focus, job.policy.version) {
        (Some(focus), _) => {
            let wanted: Vec<&str> = focus.wanted.iter().map(|wanted| &*wanted.words).collect();
            format!(
                "{:.0} % drawn for what an audit found a model to fail on ({}), the others with every \
                 axis drawn evenly",
                100.0 * focus.share,
                wanted.join("; ")
            )
        }
        (None, 0) => "every axis drawn evenly".to_owned(),
        (None, version) => format!("drawn by the curriculum of a run after {version} batches"),
    }
}

fn card(scene: &Scene, job: &Job, category: &str, counts: &[[u64; 2]; 3], table: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_card(&mut text, scene, job, category, counts, table);
    text
}

fn write_card(
    text: &mut String,
    scene: &Scene,
    job: &Job,
    category: &str,
    counts: &[[u64; 2]; 3],
    table: &str,
) -> std::fmt::Result {
    let [width, height] = job.size;
    let samples = job.samples();
    writeln!(text, "# {}: labelled renders\n", job.scene)?;
    writeln!(
        text,
        "Rendered by Marionette {} from the scene `{}` (`scene.toml`, `figure.toml`), seed {}, {}. Every \
         picture is {width}x{height} pixels and every label is exact: it comes from the same scene as the \
         pixels. The same scene, seed and sample number give the same picture, on the same graphics \
         driver to the bit.\n",
        job.marionette_version,
        job.scene,
        job.seed,
        drawn(job)
    )?;
    if job.shard.of > 1 {
        let (shard, last) = (job.shard, samples.end.saturating_sub(1));
        let which = match samples.is_empty() {
            true => "no samples".to_owned(),
            false => format!("samples {} to {last}", samples.start),
        };
        writeln!(
            text,
            "This is part {} of {} (counted from 0): {which} of {}.\n",
            shard.index, shard.of, job.count
        )?;
    }
    writeln!(text, "| split | pictures | annotated figures |\n|---|---|---|")?;
    for split in job.splits.used() {
        let [pictures, figures] = counts[split as usize];
        writeln!(text, "| {} | {pictures} | {figures} |", split.name())?;
    }
    writeln!(text, "\n## Files\n")?;
    text.push_str(&files(job, category));
    writeln!(text, "\n## Labels\n")?;
    let names: Vec<&str> = scene.figure.keypoints.iter().map(|k| k.name.as_str()).collect();
    writeln!(text, "{} keypoints: {}.\n", names.len(), names.join(", "))?;
    for group in &scene.figure.symmetry {
        let members: Vec<&str> = group.iter().map(|k| names[*k]).collect();
        writeln!(
            text,
            "No picture tells {} apart; their labels are in the figure's own order.\n",
            members.join(", ")
        )?;
    }
    text.push_str(LABELS);
    if job.format != Format::Yolo {
        text.push_str(BEYOND);
    }
    if job.depth {
        writeln!(
            text,
            "- Depth: PNG of 16 bits, millimetres along the camera's axis; 0 where nothing is seen or \
             it is farther away than 65.535 m."
        )?;
    }
    if job.ids {
        writeln!(
            text,
            "- Ids: PNG of 16 bits. 0 is the background; from 32768 on, things, counted up; else 256 \
             times the figure's index plus its part's, parts counted from 1 in the order of \
             `figure.toml`."
        )?;
    }
    writeln!(text, "\n## What the samples are like\n")?;
    let looked_at = (samples.end - samples.start).min(LOOKED_AT);
    writeln!(
        text,
        "Of the first {looked_at} pictures, the primary figures. ![plots](plots.png)\n"
    )?;
    writeln!(text, "```text\n{table}\n```")
}

/// What is true of every format.
const LABELS: &str = "\
- Every figure of which a pixel is seen is annotated. Figure 0 is the one that the scene is about.
- v = 2: seen. v = 1: in the picture, but covered. v = 0: not in the picture; x and y are 0 then.
- A keypoint lies inside the body, at the joint. It is covered if something is nearer to the camera by
  more than the flesh around it; the part that it belongs to never covers it.
- Boxes and masks are of what is seen.
";

/// What is true where annotations are JSON.
const BEYOND: &str = "\
- `marionette` holds what COCO has no place for. Of a picture: camera (pixels; `camera_from_world` in
  metres, x right, y down, z forward; a point that a pinhole camera shows at r focal lengths from
  `centre` is at r_d with r = r_d / (1 + `distortion` r_d^2)), every sampled parameter, hardness by axis.
  Of a figure: joints in the camera's frame and in the world, where keypoints outside the picture lie, the
  whole box, the share that is seen, what covers a keypoint (`own`, `other_figure` or `prop`).
";

fn files(job: &Job, category: &str) -> String {
    let ending = job.pictures.ending();
    match job.format {
        Format::Coco => format!(
            "`images/<split>/NNNNNNNNN.{ending}` and `annotations/{category}_keypoints_<split>.json`: \
             COCO keypoints, as pycocotools,\nMMPose, CVAT, FiftyOne and the YOLO converter read them. \
             Keypoints count from the centre of the first pixel\n(add 0.5 for the corner), boxes from \
             its corner. Masks are compressed run lengths.\n"
        ),
        Format::Yolo => format!(
            "`data.yaml`, `images/<split>/NNNNNNNNN.{ending}` and `labels/<split>/NNNNNNNNN.txt`: \
             YOLO-pose, as Ultralytics reads it.\nTo train on: `yolo pose train \
             data=data.yaml model=yolo11n-pose.pt`. Coordinates are shares of the picture, v is kept.\n"
        ),
        Format::WebDataset => format!(
            "`{}-<split>-NNNNNN.tar`: WebDataset, at most {} samples an archive. `NNNNNNNNN.{ending}` is \
             the picture,\n`NNNNNNNNN.json` has COCO's `image` and `annotations` entries. Keypoints count \
             from the centre of the\nfirst pixel (add 0.5 for the corner), boxes from its corner.\n",
            job.scene, job.per_archive
        ),
    }
}
