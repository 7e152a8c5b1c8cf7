//! COCO's annotation files, a split each, from the journal.

use crate::{
    DatasetError, Job, SCHEMA_VERSION, Split,
    journal::{Journal, Line},
};
use marionette_base::atomic_file::{PathError, plain_name, write_atomic_with};
use marionette_figure::Figure;
use serde_json::{Value, json, value::RawValue};
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Writes `annotations/<category>_keypoints_<split>.json` for every split of `job` into `root`.
///
/// # Errors
/// If the journal cannot be read or a file cannot be written.
pub fn write(
    root: &Path,
    job: &Job,
    category: &str,
    figure: &Figure,
    journal: &Journal,
) -> Result<(), DatasetError> {
    let folder = root.join("annotations");
    fs::create_dir_all(&folder).map_err(PathError::at(&folder, "made"))?;
    for split in job.splits.used() {
        let file = format!("{}_keypoints_{}.json", plain_name(category), split.name());
        let path = folder.join(file);
        // An error of the journal is told as such, not as one of the file.
        let mut failed = None;
        let written = write_atomic_with(&path, |file| {
            write_file(file, job, split, category, figure, journal).map_err(|error| match error {
                Failed::Io(error) => error,
                Failed::Journal(error) => {
                    failed = Some(error);
                    io::Error::other("the journal cannot be read")
                }
            })
        });
        match failed {
            Some(error) => return Err(error),
            None => written?,
        }
    }
    Ok(())
}

enum Failed {
    Io(io::Error),
    Journal(DatasetError),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Failed::Io(error)
    }
}

fn write_file(
    file: &mut impl Write,
    job: &Job,
    split: Split,
    category: &str,
    figure: &Figure,
    journal: &Journal,
) -> Result<(), Failed> {
    let info = json!({
        "description": format!("{} of {}, rendered by Marionette", split.name(), job.scene),
        "version": job.marionette_version,
        "marionette": { "schema_version": SCHEMA_VERSION, "seed": job.seed },
    });
    write!(file, "{{\"info\":{info},\"licenses\":[],")?;
    write!(file, "\"categories\":[{}],", categories(category, figure))?;
    list(file, journal, split, "images", |line| line.image.into_iter().collect())?;
    write!(file, ",")?;
    list(file, journal, split, "annotations", |line| line.annotations)?;
    Ok(writeln!(file, "}}")?)
}

/// Writes the entries that `of` takes from the lines of `split` as a list.
fn list(
    file: &mut impl Write,
    journal: &Journal,
    split: Split,
    key: &str,
    of: fn(Line) -> Vec<Box<RawValue>>,
) -> Result<(), Failed> {
    write!(file, "\"{key}\":[")?;
    let (mut comma, mut written) = ("", Ok(()));
    let read = journal.read(|line| {
        if line.split == split && written.is_ok() {
            written = of(line).iter().try_for_each(|entry| {
                write!(file, "{}\n{}", std::mem::replace(&mut comma, ","), entry.get())
            });
        }
        Ok(())
    });
    written?;
    read.map_err(Failed::Journal)?;
    Ok(write!(file, "\n]")?)
}

/// The one category. COCO counts keypoints from 1 in `skeleton`, and from 0 nowhere.
fn categories(category: &str, figure: &Figure) -> Value {
    let scheme = figure.scheme();
    let mut categories = json!({
        "id": 1,
        "name": category,
        "supercategory": category,
        "keypoints": scheme.names,
        "skeleton": scheme.edges.iter().map(|edge| edge.map(|k| k + 1)).collect::<Vec<_>>(),
        "marionette": {
            "flip": scheme.twins,
            "oks_sigmas": scheme.sigmas,
            "surface_radii": figure.keypoints.iter().map(|k| k.surface_radius).collect::<Vec<_>>(),
        },
    });
    if !scheme.symmetry.is_empty() {
        // Keypoints that cannot be told apart, by index; the labels are in the figure's own order.
        categories["marionette"]["symmetry"] = json!(scheme.symmetry);
    }
    categories
}
