//! Motion capture: BVH files as key frames of families of poses.
//!
//! A figure file names files (`motion = "bvh:walks/*.bvh"`); [`inline_motion`] reads them and
//! writes what they say as key frames in their place, so that the file needs no other from then on.

mod inline;
mod names;
mod parse;
mod retarget;
#[cfg(test)]
mod tests;

pub use inline::{Inlined, inline_motion};

use crate::Figure;
use glam::Vec3;
use marionette_base::toml_file::FileError;
use parse::Bvh;
use retarget::Retarget;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What comes before the pattern of a motion's files.
pub const SCHEME: &str = "bvh:";
/// Most key frames of a family.
const MOST_KEYS: usize = 400;
/// Key frames that are farther apart are not blended, seconds: what lies between is not known.
const BLENDED: f32 = 0.12;
/// Least bones that a file must lead.
const LEAST_BONES: usize = 4;

/// Key frames from motion capture.
struct Captured {
    /// For each key the angles of each bone, radians, within limits.
    keys: Vec<Vec<Vec3>>,
    /// The keys at which another movement begins, but for the first.
    breaks: Vec<usize>,
    /// What was guessed or left out.
    notes: Vec<String>,
}

/// The files that a pattern matches, in the order of their names. It is relative to `folder`,
/// whose own name may have any characters.
///
/// # Errors
/// If it is no pattern, or no file matches it.
fn files(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let literal = folder.join(pattern);
    if literal.is_file() {
        return Ok(vec![literal]);
    }
    let escaped = glob::Pattern::escape(&folder.to_string_lossy());
    let whole = match Path::new(pattern).is_absolute() || escaped.is_empty() {
        true => pattern.to_owned(),
        false => format!("{escaped}/{pattern}"),
    };
    let found = glob::glob(&whole)
        .map_err(|e| format!("\"{pattern}\" is no pattern of file names: {e}"))?
        .filter_map(Result::ok);
    let found: Vec<PathBuf> = found.filter(|path| path.is_file()).collect();
    match found.is_empty() {
        true if Path::new(pattern).is_absolute() => Err(format!("no file matches \"{pattern}\"")),
        true => Err(format!("no file matches \"{pattern}\" in {}", folder.display())),
        false => Ok(found),
    }
}

/// The key frames of files for a figure. `written` maps names of joints to names of bones.
fn capture(
    figure: &Figure,
    files: &[PathBuf],
    written: &BTreeMap<String, String>,
) -> Result<Captured, FileError> {
    let fail =
        |path: &Path, message: String| FileError { path: path.to_owned(), line: None, message };
    let motions = files.iter().map(|path| Bvh::read(path)).collect::<Result<Vec<Bvh>, _>>()?;
    let total: usize = motions.iter().map(|bvh| bvh.frames.len()).sum();
    // Every file keeps a frame at least, so that the rest is thinned out a bit more.
    let step = total.div_ceil(MOST_KEYS.saturating_sub(motions.len()).max(1)).max(1);
    let skipped = motions.len().div_ceil(MOST_KEYS).max(1);
    let mut captured = Captured { keys: Vec::new(), breaks: Vec::new(), notes: Vec::new() };
    let mut guesses: Vec<String> = Vec::new();
    let mut tumbled = 0;
    for bvh in motions.iter().step_by(skipped) {
        let map = names::map(bvh, &figure.bones, written).map_err(|e| fail(&bvh.path, e))?;
        let led = map.joints.iter().flatten().count();
        if map.joints[0].is_none() || led < LEAST_BONES.min(figure.bones.len()) {
            let joints: Vec<&str> = bvh.joints.iter().map(|joint| joint.name.as_str()).collect();
            let lacking = match map.joints[0] {
                None => format!("none of its joints is known as \"{}\"", figure.bones[0].name),
                Some(_) => format!("only {led} of its joints are known"),
            };
            let message = format!(
                "{lacking} among the figure's bones; say which is which: bones = {{ \"{}\" = \
                 \"{}\", ... }}. It has {}",
                joints[0],
                figure.bones[0].name,
                joints.join(", ")
            );
            return Err(fail(&bvh.path, message));
        }
        for [joint, bone] in &map.guessed {
            let guess = format!("{joint} = {bone}");
            if !guesses.contains(&guess) {
                guesses.push(guess);
            }
        }
        captured.notes.extend(bvh.notes.iter().cloned());
        let retarget = Retarget::new(figure, bvh, &map);
        let apart = step as f32 * bvh.frame_time > BLENDED;
        let (mut last, mut begins): (Option<Vec<Vec3>>, bool) = (None, true);
        for frame in bvh.frames.iter().step_by(step) {
            let Some(angles) = retarget.angles(bvh, frame, last.as_deref()) else {
                (last, begins) = (None, true);
                tumbled += 1;
                continue;
            };
            if (begins || apart) && !captured.keys.is_empty() {
                captured.breaks.push(captured.keys.len());
            }
            begins = false;
            captured.keys.push(angles.clone());
            last = Some(angles);
        }
    }
    if captured.keys.is_empty() {
        let message = "the figure lies or tumbles in every frame (its root is tilted by more than \
                       60 degrees); families from motion capture stand";
        return Err(fail(&motions[0].path, message.into()));
    }
    if tumbled > 0 {
        captured.notes.push(format!(
            "{tumbled} frames in which the figure lies or tumbles (its root is tilted by more \
             than 60 degrees) were left out."
        ));
    }
    if !guesses.is_empty() {
        let guesses = guesses.join(", ");
        captured.notes.push(format!("Names of joints were guessed: {guesses}."));
    }
    if step > 1 {
        captured.notes.push(format!("Every {step}th of {total} frames was kept."));
    }
    Ok(captured)
}
