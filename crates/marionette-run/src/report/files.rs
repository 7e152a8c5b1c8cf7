//! What a report reads of a run.

use crate::{
    ControlRecord, ExamReport, Manifest, MetricsRow, RunDirectory, RunError, Summary,
    exam::{Exam, ExamResult},
    set::leaves,
};
use marionette_base::toml_file::TomlFile;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// All that a report says of a run. What the run has not written, or not yet, is empty.
pub struct RunFiles {
    /// What the run is called on the page: the name of its folder.
    pub name: String,
    pub(super) directory: RunDirectory,
    /// Every setting of `config.toml` by its dotted key, as TOML.
    pub(super) settings: BTreeMap<String, String>,
    pub(super) scene: String,
    /// Names, in label order.
    pub(super) keypoints: Vec<String>,
    pub(super) rows: Vec<MetricsRow>,
    /// By step.
    pub(super) exams: Vec<ExamReport>,
    pub(super) summary: Option<Summary>,
    pub(super) manifest: Option<Manifest>,
    pub(super) controls: Vec<ControlRecord>,
}

impl RunFiles {
    /// Reads the run in the folder at `path`, finished or not.
    ///
    /// # Errors
    /// If `path` is no run's folder, or a file in it is damaged: which one, and the line.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let directory = RunDirectory::at(path)?;
        let config: toml::Table = TomlFile::read(&directory.config_path())?.parse()?;
        let (scene, figure) = directory.scene_name_and_figure()?;
        let (rows, damage) = MetricsRow::read(&directory.metrics_path());
        if let Some(damage) = damage {
            return Err(damage);
        }
        // `.` and `..` have a name only once it is looked up.
        let folder = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = folder.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(RunFiles {
            name,
            settings: flat(&config),
            scene,
            keypoints: figure.scheme().names,
            rows,
            exams: directory.exam_reports()?,
            summary: directory.summary()?,
            manifest: directory.manifest()?,
            controls: directory.control_records()?,
            directory,
        })
    }

    /// Reads several runs. Where two folders have the same name, runs are called by their paths.
    ///
    /// # Errors
    /// As [`Self::read`], and if a run is given twice.
    pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Self>, RunError> {
        let mut runs = paths.iter().map(|path| Self::read(path)).collect::<Result<Vec<_>, _>>()?;
        let places: Vec<Option<PathBuf>> =
            paths.iter().map(|path| path.canonicalize().ok()).collect();
        if let Some(again) = (1..places.len()).find(|i| places[..*i].contains(&places[*i])) {
            return Err(RunError::Damaged {
                path: paths[again].clone(),
                found: "is given twice".to_owned(),
                remedy: "give each run once".to_owned(),
            });
        }
        let names: BTreeSet<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        if names.len() < runs.len() {
            for (run, path) in runs.iter_mut().zip(paths) {
                run.name = path.display().to_string();
            }
        }
        Ok(runs)
    }

    /// The files that the run consists of.
    pub fn files(&self) -> Vec<PathBuf> {
        self.directory.files()
    }

    /// Steps done, as far as the files say.
    pub(super) fn steps(&self) -> u64 {
        let logged = self.rows.last().map_or(0, |row| row.step);
        let examined = self.exams.last().map_or(0, |report| report.step);
        logged.max(examined).max(self.summary.as_ref().map_or(0, |summary| summary.steps))
    }

    /// A setting that is a whole number; 0 where it is none.
    pub(super) fn whole_setting(&self, key: &str) -> u64 {
        self.settings.get(key).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// The last exams that were taken.
    pub(super) fn last_exams(&self) -> Option<&ExamReport> {
        self.exams.last()
    }

    /// The result in `exam`, when exams were last taken.
    pub(super) fn result(&self, exam: Exam) -> Option<&ExamResult> {
        self.last_exams()?.result(exam)
    }

    /// What `value` makes of each row, beside the row's step.
    pub(super) fn column(&self, value: impl Fn(&MetricsRow) -> Option<f64>) -> Vec<[f64; 2]> {
        let point = |row: &MetricsRow| Some([row.step as f64, value(row)?]);
        self.rows.iter().filter_map(point).collect()
    }

    /// The minutes that all logged steps took; `None` where the speed is not known.
    pub(super) fn minutes(&self) -> Option<f64> {
        let batch = self.whole_setting("batch") as f64;
        let mut before = 0;
        let mut seconds = 0.0;
        for row in &self.rows {
            seconds += (row.step - before.min(row.step)) as f64 * batch / row.samples_per_second;
            before = row.step;
        }
        (seconds.is_finite() && seconds > 0.0).then_some(seconds / 60.0)
    }
}

/// Every value of `table` as TOML, by its dotted key.
pub(super) fn flat(table: &toml::Table) -> BTreeMap<String, String> {
    let text = |value| match value {
        toml::Value::String(text) => text,
        value => value.to_string(),
    };
    leaves(table).into_iter().map(|(key, value)| (key, text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_lie_flat_under_dotted_keys() {
        let table = toml::from_str("seed = 1\n[a]\nb = \"x\"\n[a.c]\nd = [0.5, 2.0]").unwrap();
        let pairs: Vec<(String, String)> = flat(&table).into_iter().collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(pairs, [("a.b", "x"), ("a.c.d", "[0.5, 2.0]"), ("seed", "1")]);
    }
}
