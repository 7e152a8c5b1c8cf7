//! `metrics.jsonl` and its kind: files of one JSON object a line, each with the `step` after which
//! it was written.

use super::RunError;
use marionette_base::atomic_file::{PathError, read_file, write_atomic};
use marionette_stream::Rejection;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A line of `metrics.jsonl`: what was logged of the steps since the line before. Numbers that are
/// not finite are null in the file and NaN here. What the file lacks has its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MetricsRow {
    /// Steps done.
    pub step: u64,
    /// Mean base loss.
    #[serde(deserialize_with = "number")]
    pub loss: f64,
    /// Mean base loss of the uniform stream.
    pub loss_uniform: Option<f64>,
    /// Mean base loss of the steered stream.
    pub loss_steered: Option<f64>,
    /// PCK@0.2 torso, all streams together.
    #[serde(deserialize_with = "number")]
    pub pck: f64,
    /// Mean base loss of photographs; of a run that learns from some. All other figures are of
    /// renders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photograph_loss: Option<f64>,
    /// PCK@0.2 torso of photographs whose torso is labelled, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photograph_pck: Option<f64>,
    /// Learning rate of the newest step.
    #[serde(deserialize_with = "number")]
    pub learning_rate: f64,
    /// Global norm of the gradient in the newest step, before clipping.
    #[serde(deserialize_with = "number")]
    pub gradient_norm: f64,
    /// Steps skipped in the whole run.
    pub skipped: u64,
    /// The critic's loss.
    pub critic_loss: Option<f64>,
    /// Mean critic value of targets minus that of predictions.
    pub critic_gap: Option<f64>,
    /// The critic's gradient penalty, without its factor.
    pub critic_penalty: Option<f64>,
    /// Share of raw scores inside (0.05, 0.95).
    #[serde(deserialize_with = "number")]
    pub raw_scores_unsaturated: f32,
    /// Effective sample size of the weights as a share of the batch.
    #[serde(deserialize_with = "number")]
    pub effective_sample_share: f32,
    /// Spearman's correlation of score and keypoint error on the uniform stream.
    #[serde(deserialize_with = "number")]
    pub spearman_score_error: f32,
    /// Spearman's correlation of score and requested hardness, by axis.
    #[serde(deserialize_with = "numbers")]
    pub spearman_score_axis: BTreeMap<String, f32>,
    /// Mean hardness of the steered stream, by axis.
    #[serde(deserialize_with = "numbers")]
    pub axis_mean: BTreeMap<String, f32>,
    /// Kullback-Leibler divergence of the steered stream from uniform, nats, by axis.
    #[serde(deserialize_with = "numbers")]
    pub axis_kl: BTreeMap<String, f32>,
    /// How far the steered stream reaches, by axis.
    #[serde(deserialize_with = "numbers")]
    pub axis_reach: BTreeMap<String, f32>,
    /// The probability that an axis is free in a steered sample.
    #[serde(deserialize_with = "number")]
    pub axis_free: f32,
    /// Mean visible share of the labelled figure.
    #[serde(deserialize_with = "number")]
    pub measured_visible_share: f64,
    /// Mean share of the labelled figure's keypoints in frame.
    #[serde(deserialize_with = "number")]
    pub measured_in_frame_share: f64,
    /// Rejected draws by reason.
    pub rejections: BTreeMap<Rejection, u64>,
    /// Rejected draws by axis and bin.
    pub rejected_by_axis_bin: BTreeMap<String, Vec<u64>>,
    /// Batches begun and not yet learned from, at most.
    pub batches_in_flight: u64,
    /// Rendering and training together.
    #[serde(deserialize_with = "number")]
    pub samples_per_second: f64,
    /// Memory that the process holds in RAM, MiB; null if the system does not say.
    pub resident_mib: Option<f64>,
}

impl MetricsRow {
    /// All numbers of the row but its counts of rejections, by name; those by axis as `name.axis`.
    /// Those that are not finite are left out.
    pub fn values(&self) -> Vec<(String, f64)> {
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return Vec::new() };
        let mut values = Vec::new();
        for (name, value) in fields {
            match value {
                Value::Object(inner) if name != "rejections" => {
                    values.extend(
                        inner
                            .iter()
                            .filter_map(|(key, v)| Some((format!("{name}.{key}"), v.as_f64()?))),
                    );
                }
                value => values.extend(value.as_f64().map(|value| (name, value))),
            }
        }
        values
    }

    /// The rows of the file at `path`, oldest first, and what is wrong with it. Lines that are no
    /// rows are left out, and the first of them is named; the last line may be half written, and
    /// no file is an empty one.
    pub fn read(path: &Path) -> (Vec<MetricsRow>, Option<RunError>) {
        let bytes = match read_file(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.error.kind() == io::ErrorKind::NotFound => {
                return Default::default();
            }
            Err(error) => return (Vec::new(), Some(error.into())),
        };
        let text = String::from_utf8_lossy(&bytes);
        let (mut rows, mut damage) = (Vec::new(), None);
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            match serde_json::from_str(line) {
                Ok(row) => rows.push(row),
                Err(_) if !line.ends_with('\n') => {}
                Err(error) => {
                    damage.get_or_insert_with(|| RunError::Damaged {
                        path: path.to_owned(),
                        found: format!("line {number} is no row of metrics: {error}"),
                        remedy: "delete that line".to_owned(),
                    });
                }
            }
        }
        (rows, damage)
    }
}

/// A number, NaN where it is null.
fn number<'de, D: Deserializer<'de>, T: Deserialize<'de> + From<f32>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_else(|| f32::NAN.into()))
}

/// As [`number`], for each value of a map.
fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f32>, D::Error> {
    let values = BTreeMap::<String, Option<f32>>::deserialize(from)?;
    Ok(values.into_iter().map(|(key, value)| (key, value.unwrap_or(f32::NAN))).collect())
}

/// The largest file that is read, bytes: of millions of lines.
const LARGEST: u64 = 8 << 30;

/// Appends to a file of one JSON object a line.
#[derive(Debug)]
pub struct JsonLinesWriter {
    path: PathBuf,
    file: File,
    /// Lines that could not be written yet.
    waiting: Vec<u8>,
}

/// The most bytes of lines that wait for a disk to have room again.
const MOST_WAITING: usize = 64 << 20;

#[derive(Deserialize)]
struct Stepped {
    step: u64,
}

impl JsonLinesWriter {
    /// Opens the file at `path`, or begins one. After a crash, [`cut_back`] comes first.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, PathError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(PathError::at(path, "written"))?;
        Ok(JsonLinesWriter { path: path.to_owned(), file, waiting: Vec::new() })
    }

    /// Appends `row`, a struct whose first field is `step`: the steps done, from 1. The line is
    /// with the operating system when this returns. Numbers that are not finite become null.
    ///
    /// A line that cannot be written is kept, and is written before the next one.
    ///
    /// # Errors
    /// If `row` is something else, or the disk is full; naming the file.
    pub fn append(&mut self, row: &impl Serialize) -> Result<(), RunError> {
        let content = |message: String| RunError::Content { path: self.path.clone(), message };
        let mut line = serde_json::to_vec(row).map_err(|error| content(error.to_string()))?;
        // What `cut_back` could not read must not be written.
        if !line.starts_with(b"{\"step\":") {
            return Err(content(
                "a line must be an object whose first field is its step".to_owned(),
            ));
        }
        line.push(b'\n');
        if self.waiting.len() < MOST_WAITING {
            self.waiting.extend(line);
        }
        // One write, unbuffered: a kill leaves whole lines.
        let before = self.file.metadata().map(|metadata| metadata.len());
        if let Err(error) = self.file.write_all(&self.waiting) {
            // A full disk may have taken half of them.
            if let Ok(before) = before {
                let _ = self.file.set_len(before);
            }
            return Err(PathError::at(&self.path, "written")(error).into());
        }
        self.waiting.clear();
        Ok(())
    }
}

/// Drops every line after `step` (0 for all) from the file at `path`, and a torn last line, so that
/// a run continued from the checkpoint of `step` does not log anything twice. Returns how many
/// lines went; no file is an empty one.
///
/// # Errors
/// If the file cannot be read or written, or a line before the last is not a JSON object with a
/// `step`; nothing has changed then.
pub fn cut_back(path: &Path, step: u64) -> Result<usize, RunError> {
    let bytes = match read_file(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) if error.error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut kept: Vec<&[u8]> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let last = i + 1 == lines.len();
        match serde_json::from_slice::<Stepped>(line) {
            Ok(_) if last && !line.ends_with(b"\n") => {}
            Ok(stepped) if stepped.step <= step => kept.push(line),
            Ok(_) => {}
            Err(_) if last => {}
            Err(error) => {
                return Err(RunError::Damaged {
                    path: path.to_owned(),
                    found: format!("line {} is no JSON object with a step: {error}", i + 1),
                    remedy: "delete that line".to_owned(),
                });
            }
        }
    }
    let dropped = lines.len() - kept.len();
    if dropped > 0 {
        write_atomic(path, &kept.concat())?;
    }
    Ok(dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_cannot_be_written_come_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut writer = JsonLinesWriter::open(&path).unwrap();
        let row = |step| MetricsRow { step, ..MetricsRow::default() };
        writer.append(&row(1)).unwrap();
        // What is open for reading alone takes nothing, as a full disk.
        let file = std::mem::replace(&mut writer.file, File::open(&path).unwrap());
        for step in [2, 3] {
            let message = writer.append(&row(step)).unwrap_err().to_string();
            assert!(message.contains("metrics.jsonl: cannot be written"), "{message}");
        }
        assert_eq!(MetricsRow::read(&path).0.len(), 1);
        writer.file = file;
        writer.append(&row(4)).unwrap();
        let steps: Vec<u64> = MetricsRow::read(&path).0.iter().map(|row| row.step).collect();
        assert_eq!(steps, [1, 2, 3, 4]);
    }

    #[test]
    fn a_row_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let row = MetricsRow {
            step: 3,
            loss: 0.1 + 0.2,
            axis_kl: [("pose".to_owned(), 0.25)].into(),
            rejections: [(Rejection::Covered, 2)].into(),
            rejected_by_axis_bin: [("pose".to_owned(), vec![1, 0])].into(),
            ..MetricsRow::default()
        };
        let mut writer = JsonLinesWriter::open(&path).unwrap();
        writer.append(&row).unwrap();
        writer.append(&MetricsRow { step: 4, pck: f64::NAN, ..row.clone() }).unwrap();
        let (read, damage) = MetricsRow::read(&path);
        assert!(damage.is_none());
        assert_eq!(read[0], row);
        assert!(read[1].pck.is_nan() && read[1].step == 4);
        let values: BTreeMap<String, f64> = row.values().into_iter().collect();
        assert_eq!(
            (values["loss"], values["axis_kl.pose"], values["step"]),
            (0.1 + 0.2, 0.25, 3.0)
        );
        assert!(
            !values.contains_key("resident_mib")
                && !values.keys().any(|name| name.contains("covered"))
        );
        assert!(!read[1].values().iter().any(|(name, _)| name == "pck"));
    }
    #[test]
    fn a_damaged_line_is_named_and_the_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"step\":1}\nnot json\n{\"step\":3}\n{\"st").unwrap();
        let (rows, damage) = MetricsRow::read(&path);
        assert_eq!(rows.iter().map(|row| row.step).collect::<Vec<_>>(), [1, 3]);
        let message = damage.unwrap().to_string();
        assert!(message.contains("metrics.jsonl: line 2 is no row of metrics"), "{message}");
        // What is being written is no damage.
        std::fs::write(&path, "{\"step\":1}\n{\"st").unwrap();
        assert!(MetricsRow::read(&path).1.is_none());
        assert!(MetricsRow::read(&folder.path().join("none")).1.is_none());
        assert!(MetricsRow::read(folder.path()).1.is_some());
    }
}
