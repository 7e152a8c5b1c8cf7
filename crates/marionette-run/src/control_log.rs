//! `hand.jsonl`: every control that was applied to a run, so that it stays explainable.

use super::{JsonLinesWriter, RunDirectory, RunError, cut_back};
use marionette_stream::HardnessAxis;
use marionette_train::trainer::ManualSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fs, io};

/// One line of `hand.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlRecord {
    /// Steps done when it happened; it takes effect with the next.
    pub step: u64,
    /// What it was: `pause`, `gamma`, `lock.pose` ...
    pub what: String,
    /// The value that it was set to, where it has one.
    #[serde(default)]
    pub value: Value,
    /// Whether it changes what the run comes to. A pause or a checkpoint does not.
    pub steers: bool,
}

impl RunDirectory {
    /// `hand.jsonl`: a JSON object for each control; absent where there was none.
    pub fn hand_path(&self) -> std::path::PathBuf {
        self.path().join("hand.jsonl")
    }

    /// The controls that were applied, oldest first.
    ///
    /// # Errors
    /// If the file cannot be read or holds what it should not, naming it.
    pub fn control_records(&self) -> Result<Vec<ControlRecord>, RunError> {
        let path = self.hand_path();
        let damaged = |found: String| RunError::Damaged {
            path: path.clone(),
            found,
            remedy: "put the file back as it was, or delete it to forget what was set by hand"
                .to_owned(),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(damaged(format!("cannot be read: {error}"))),
        };
        let line = |(i, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| {
                damaged(format!("line {} is no record of a control: {error}", i + 1))
            })
        };
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
    }

    /// Appends a record.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn append_control(&self, record: &ControlRecord) -> Result<(), RunError> {
        JsonLinesWriter::open(&self.hand_path())?.append(record)
    }

    /// Drops what was recorded after `step`, for a run that goes on from there, and returns what
    /// was set by then, starting from `settings`; `None` where nothing steers.
    ///
    /// # Errors
    /// As [`Self::control_records`].
    pub fn settings_at(
        &self,
        step: u64,
        settings: ManualSettings,
    ) -> Result<Option<ManualSettings>, RunError> {
        self.control_records()?;
        cut_back(&self.hand_path(), step)?;
        let lines: Vec<ControlRecord> =
            self.control_records()?.into_iter().filter(|line| line.steers).collect();
        let set = lines.iter().fold(settings.clone(), applied);
        Ok((!lines.is_empty()).then(|| set.clamped(&settings).0))
    }
}

/// `settings` with what a record says.
fn applied(mut settings: ManualSettings, line: &ControlRecord) -> ManualSettings {
    let number = line.value.as_f64();
    match line.what.as_str() {
        "steering" => settings.steering = line.value.as_bool().unwrap_or(settings.steering),
        "gamma" => settings.gamma = number.unwrap_or(settings.gamma),
        "rate_factor" => settings.rate_factor = number.unwrap_or(settings.rate_factor),
        what => {
            if let Some(axis) = what.strip_prefix("lock.").and_then(HardnessAxis::by_name) {
                settings.locks[axis as usize] =
                    serde_json::from_value(line.value.clone()).unwrap_or_default();
            }
        }
    }
    settings
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
        let (run, _lock) =
            RunDirectory::create(&folder.path().join("run"), &RunConfig::default(), &scene)
                .unwrap();
        let note = |step, what: &str, value, steers| {
            run.append_control(&ControlRecord { step, what: what.to_owned(), value, steers })
                .unwrap();
        };
        assert_eq!(run.settings_at(9, ManualSettings::untouched()).unwrap(), None);
        note(3, "pause", Value::Null, false);
        assert_eq!(run.settings_at(9, ManualSettings::untouched()).unwrap(), None);
        note(4, "gamma", 2.0.into(), true);
        note(5, "lock.view", serde_json::json!([0.5, 0.5]), true);
        note(12, "steering", false.into(), true);
        assert_eq!(run.control_records().unwrap()[1].step, 4);
        let settings = run.settings_at(9, ManualSettings::untouched()).unwrap().unwrap();
        assert_eq!(
            (settings.gamma, settings.steering, settings.locks[1].clone()),
            (2.0, true, Some(vec![0.5, 0.5]))
        );
        assert_eq!(run.control_records().unwrap().len(), 3, "what came later is dropped");
        note(9, "lock.view", Value::Null, true);
        assert_eq!(
            run.settings_at(9, ManualSettings::untouched()).unwrap().unwrap().locks[1],
            None
        );
        fs::write(run.hand_path(), "{\"step\":1}\n").unwrap();
        assert!(
            run.settings_at(9, ManualSettings::untouched())
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
    }
}
