//! Figure files whose motion capture is written out.

use super::{Captured, SCHEME, capture, files};
use crate::{Figure, FigureError, file::check_figure};
use marionette_base::{atomic_file::folder_of, toml_file::TomlFile};
use serde::Deserialize;
use std::{collections::BTreeMap, ops::Range, path::PathBuf};
use toml::{Spanned, Table, Value};

/// A figure file that needs no motion capture any more.
#[derive(Clone, Debug)]
pub struct Inlined {
    /// The figure file: the text as it was where no family has a `motion`.
    pub file: TomlFile,
    /// The files that were read.
    pub read_from: Vec<PathBuf>,
    /// What was guessed or left out, one sentence each.
    pub notes: Vec<String>,
}

/// What matters here of a figure file.
#[derive(Deserialize)]
struct Motions {
    #[serde(default)]
    poses: Vec<Spanned<MotionEntry>>,
}

/// What matters here of a family of poses.
#[derive(Deserialize)]
struct MotionEntry {
    #[serde(default)]
    name: String,
    motion: Option<Spanned<String>>,
    bones: Option<BTreeMap<String, String>>,
    angles: Option<toml::Value>,
    then: Option<toml::Value>,
}

/// Reads the motion capture that families of a figure file name (`motion = "bvh:PATTERN"`,
/// relative to the file, and perhaps `bones = { "JOINT" = "BONE" }`) and writes key frames in its
/// place.
///
/// # Errors
/// If no file matches, or one is broken, or its joints cannot be told: which file, where, and what
/// would do.
pub fn inline_motion(file: TomlFile) -> Result<Inlined, FigureError> {
    let unchanged = |file| Inlined { file, read_from: Vec::new(), notes: Vec::new() };
    // What is wrong elsewhere in the file is said by who reads it whole.
    let Ok(motions) = file.parse::<Motions>() else { return Ok(unchanged(file)) };
    if motions.poses.iter().all(|pose| pose.get_ref().motion.is_none()) {
        return Ok(unchanged(file));
    }
    let mut table: Table = file.parse()?;
    let figure = without_motions(&file, &table)?;
    let (mut read_from, mut notes) = (Vec::new(), Vec::new());
    let entries = table.get_mut("poses").and_then(Value::as_array_mut).into_iter().flatten();
    for (pose, entry) in motions.poses.iter().zip(entries) {
        let MotionEntry { name, motion: Some(motion), bones, angles, then } = pose.get_ref() else {
            continue;
        };
        let span: Range<usize> = motion.span();
        let fail =
            |message: String| file.error(Some(span.clone()), format!("pose \"{name}\": {message}"));
        let Some(pattern) = motion.get_ref().strip_prefix(SCHEME) else {
            let found = motion.get_ref();
            return Err(fail(format!("motion is \"{found}\"; give \"{SCHEME}PATTERN\"")));
        };
        if angles.is_some() || then.is_some() {
            return Err(fail("it has both a motion and angles; give one of them".into()));
        }
        let found = files(folder_of(&file.path), pattern).map_err(fail)?;
        let captured = capture(&figure, &found, bones.as_ref().unwrap_or(&BTreeMap::new()))?;
        read_from.extend(found);
        notes.extend(captured.notes.iter().map(|note| format!("Family \"{name}\": {note}")));
        if let Some(entry) = entry.as_table_mut() {
            write(entry, &figure, &captured);
        }
    }
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    Ok(Inlined { file: TomlFile { path: file.path, text }, read_from, notes })
}

/// The figure without the families that have a motion.
fn without_motions(file: &TomlFile, table: &Table) -> Result<Figure, FigureError> {
    let mut table = table.clone();
    if let Some(poses) = table.get_mut("poses").and_then(Value::as_array_mut) {
        poses.retain(|pose| pose.get("motion").is_none());
        // Weights of what is left need not do for a figure.
        let harmless = Value::Array(vec![Value::Float(1.0), Value::Float(1.0)]);
        for pose in poses.iter_mut().filter_map(Value::as_table_mut) {
            pose.insert("weights".into(), harmless.clone());
        }
    }
    let text = toml::to_string(&table).map_err(|e| file.error(None, e.to_string()))?;
    // Lines are those of another text.
    check_figure(&TomlFile { path: file.path.clone(), text })
        .map_err(|error| FigureError { line: None, ..error })
}

/// Writes key frames where a motion was.
fn write(entry: &mut Table, figure: &Figure, captured: &Captured) {
    let one = || Value::Float(1.0);
    entry.remove("motion");
    entry.remove("bones");
    entry.entry("weights").or_insert_with(|| Value::Array(vec![one(), one()]));
    entry.entry("spread").or_insert(Value::Float(4.0));
    let key = |angles: &Vec<glam::Vec3>| -> Value {
        let mut written = Table::new();
        for (bone, angles) in figure.bones.iter().zip(angles) {
            // Angles of a right side are written as if it were the left one.
            let right = bone.name.starts_with("right_");
            let numbers: Vec<Value> = (0..3)
                .map(|axis| {
                    let [low, high] = bone.limits[axis].map(f32::to_degrees);
                    // A tenth of a degree is less than any capture knows.
                    let degrees = (angles[axis].to_degrees() * 10.0).round() / 10.0;
                    let degrees = degrees.clamp(low, high);
                    let degrees = if right && axis > 0 { -degrees } else { degrees };
                    // The shortest decimals that give this number; no negative zero.
                    let shortest = format!("{degrees}").parse().unwrap_or(f64::from(degrees));
                    Value::Float(shortest + 0.0)
                })
                .collect();
            if numbers.iter().any(|number| number.as_float() != Some(0.0)) {
                written.insert(bone.name.clone(), Value::Array(numbers));
            }
        }
        Value::Table(written)
    };
    let mut keys = captured.keys.iter().map(key);
    entry.insert("angles".into(), keys.next().unwrap_or(Value::Table(Table::new())));
    entry.insert("then".into(), Value::Array(keys.collect()));
    let breaks = captured.breaks.iter().map(|key| Value::Integer(*key as i64)).collect();
    entry.insert("breaks".into(), Value::Array(breaks));
}
