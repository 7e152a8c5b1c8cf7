//! `hand.jsonl`: whatever was done to a run by hand, so that it stays explainable.

use super::{MetricsWriter, RunDirectory, RunError, cut_back};
use marionette_stream::{AXES, HardnessAxis};
use marionette_train::trainer::Hand;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fs, io};

/// One line of `hand.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandLine {
    /// Steps done when it happened; it takes effect with the next.
    #[serde(skip_serializing, default)]
    pub step: u64,
    /// What was touched: `pause`, `gamma`, `lock.pose` ...
    pub what: String,
    /// The value that it was set to, where it has one.
    #[serde(default)]
    pub value: Value,
    /// Whether it changes what the run comes to. A pause or a checkpoint does not.
    pub steers: bool,
}

impl RunDirectory {
    /// `hand.jsonl`: what was done by hand, a JSON object per touch; absent where nothing was.
    pub fn hand_path(&self) -> std::path::PathBuf {
        self.path().join("hand.jsonl")
    }

    /// What was done by hand, oldest first.
    ///
    /// # Errors
    /// If the file cannot be read or holds what it should not, naming it.
    pub fn hand_lines(&self) -> Result<Vec<HandLine>, RunError> {
        let path = self.hand_path();
        let damaged = |found: String| RunError::Damaged {
            path: path.clone(),
            found,
            remedy: "put the file back as it was, or delete it to forget what was set by hand".to_owned(),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(damaged(format!("cannot be read: {error}"))),
        };
        let line = |(i, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| damaged(format!("line {} is no touch: {error}", i + 1)))
        };
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
    }

    /// Notes that something was touched after `step` steps.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn note_touch(&self, step: u64, what: &str, value: Value, steers: bool) -> Result<(), RunError> {
        let line = HandLine { step, what: what.to_owned(), value, steers };
        MetricsWriter::open(&self.hand_path())?.append(step, &line)
    }

    /// Marks the run as steered by hand in its manifest, if it has one yet.
    ///
    /// # Errors
    /// If the manifest cannot be written.
    pub(super) fn mark_hand_steered(&self) -> Result<(), RunError> {
        let Ok(text) = fs::read(self.manifest_path()) else { return Ok(()) };
        let Ok(Value::Object(mut manifest)) = serde_json::from_slice(&text) else { return Ok(()) };
        if manifest.insert("hand_steered".to_owned(), Value::Bool(true)) != Some(Value::Bool(true)) {
            self.write_manifest(&manifest)?;
        }
        Ok(())
    }

    /// Drops what was touched after `step`, for a run that goes on from there, and returns what was set by then, starting from
    /// `hand`; `None` where nothing steers.
    ///
    /// # Errors
    /// As [`Self::hand_lines`].
    pub(super) fn hand_at(&self, step: u64, hand: Hand) -> Result<Option<Hand>, RunError> {
        self.hand_lines()?;
        cut_back(&self.hand_path(), step)?;
        let lines: Vec<HandLine> = self.hand_lines()?.into_iter().filter(|line| line.steers).collect();
        let set = lines.iter().fold(hand.clone(), applied);
        Ok((!lines.is_empty()).then(|| set.clamped(&hand).0))
    }
}

/// `hand` with what a line says.
fn applied(mut hand: Hand, line: &HandLine) -> Hand {
    let number = line.value.as_f64();
    match line.what.as_str() {
        "steering" => hand.steering = line.value.as_bool().unwrap_or(hand.steering),
        "gamma" => hand.gamma = number.unwrap_or(hand.gamma),
        "floor" => hand.floor = number.unwrap_or(hand.floor),
        "rate_factor" => hand.rate_factor = number.unwrap_or(hand.rate_factor),
        what => {
            if let Some(axis) = what.strip_prefix("lock.").and_then(HardnessAxis::by_name) {
                hand.locks[axis as usize] = serde_json::from_value(line.value.clone()).unwrap_or_default();
            }
        }
    }
    hand
}

/// A setting before anything is touched, for tests and for windows that have no run yet.
pub fn untouched_hand() -> Hand {
    Hand { steering: true, gamma: 1.0, floor: 0.3, rate_factor: 1.0, locks: [const { None }; AXES] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunConfig;
    use marionette_scene::load_scene;

    #[test]
    fn what_was_set_by_hand_comes_back_as_of_a_step() {
        let folder = tempfile::tempdir().unwrap();
        let scene = load_scene("quickstart").unwrap();
        let run = RunDirectory::create(&folder.path().join("run"), &RunConfig::default(), &scene).unwrap();
        assert_eq!(run.hand_at(9, untouched_hand()).unwrap(), None);
        run.note_touch(3, "pause", Value::Null, false).unwrap();
        assert_eq!(run.hand_at(9, untouched_hand()).unwrap(), None);
        run.note_touch(4, "gamma", 2.0.into(), true).unwrap();
        run.note_touch(5, "lock.view", serde_json::json!([0.5, 0.5]), true).unwrap();
        run.note_touch(12, "steering", false.into(), true).unwrap();
        assert_eq!(run.hand_lines().unwrap()[1].step, 4);
        let hand = run.hand_at(9, untouched_hand()).unwrap().unwrap();
        assert_eq!((hand.gamma, hand.steering, hand.locks[1].clone()), (2.0, true, Some(vec![0.5, 0.5])));
        assert_eq!(run.hand_lines().unwrap().len(), 3, "what came later is dropped");
        run.note_touch(9, "lock.view", Value::Null, true).unwrap();
        assert_eq!(run.hand_at(9, untouched_hand()).unwrap().unwrap().locks[1], None);
        fs::write(run.hand_path(), "{\"step\":1}\n").unwrap();
        assert!(run.hand_at(9, untouched_hand()).unwrap_err().to_string().contains("line 1"));
    }
}
