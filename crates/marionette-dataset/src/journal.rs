//! What is done of a set: a line for each sample, in order. A job that was killed goes on after the
//! last line that a mark follows.

use crate::{DatasetError, Split};
use marionette_base::atomic_file::PathError;
use marionette_run::stats::SampleFacts;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

/// What the end of a set still has to know of a sample.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    /// The split that it belongs to.
    pub split: Split,
    /// Figures that are annotated.
    pub figures: usize,
    /// Its entry in COCO's `images`, where that is written at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Box<RawValue>>,
    /// Its entries in COCO's `annotations`, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Box<RawValue>>,
    /// What statistics keep of it, where they are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<SampleFacts>,
}

/// Says that all samples before `done` are on the disk, and their lines above this one.
#[derive(Serialize, Deserialize)]
struct Mark {
    done: u64,
}

/// How a [`Mark`] begins.
const MARK: &[u8] = b"{\"done\":";

/// The journal of a set that is being made.
pub struct Journal {
    path: PathBuf,
    file: File,
    done: u64,
    waiting: Vec<u8>,
}

impl Journal {
    /// Opens the journal at `path`, or begins one, of a set whose first sample is `first`. What
    /// follows the last mark is cut off.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn open(path: &Path, first: u64) -> Result<Self, DatasetError> {
        let failed = |error| PathError::at(path, "written")(error);
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let file = file.map_err(failed)?;
        let (mut read, mut whole, mut done) = (0, 0, first);
        let mut lines = BufReader::new(&file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let bytes = lines.read_until(b'\n', &mut line).map_err(failed)?;
            if bytes == 0 {
                break;
            }
            read += bytes as u64;
            if line.starts_with(MARK) && line.ends_with(b"\n") {
                let mark: Mark = serde_json::from_slice(&line).map_err(|e| damaged(path, &e))?;
                (whole, done) = (read, mark.done);
            }
        }
        file.set_len(whole).map_err(failed)?;
        Ok(Journal { path: path.to_owned(), file, done, waiting: Vec::new() })
    }

    /// The first sample that is still to be made.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Adds a line, which is written with the next mark.
    pub fn add(&mut self, line: &str) {
        self.waiting.extend_from_slice(line.as_bytes());
        self.waiting.push(b'\n');
    }

    /// Writes the lines that wait, and that all samples before `done` are on the disk.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn mark(&mut self, done: u64) -> Result<(), DatasetError> {
        let mark = serde_json::to_string(&Mark { done }).map_err(|e| damaged(&self.path, &e))?;
        self.add(&mark);
        let written = self.file.write_all(&self.waiting).and_then(|()| self.file.sync_data());
        written.map_err(PathError::at(&self.path, "written"))?;
        self.waiting.clear();
        self.done = done;
        Ok(())
    }

    /// Calls `each` for every line.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged, and whatever `each` says.
    pub fn read(
        &self,
        mut each: impl FnMut(Line) -> Result<(), DatasetError>,
    ) -> Result<(), DatasetError> {
        let failed = |error| PathError::at(&self.path, "read")(error);
        for line in BufReader::new(File::open(&self.path).map_err(failed)?).lines() {
            let line = line.map_err(failed)?;
            if !line.as_bytes().starts_with(MARK) {
                each(serde_json::from_str(&line).map_err(|e| damaged(&self.path, &e))?)?;
            }
        }
        Ok(())
    }
}

fn damaged(path: &Path, error: &serde_json::Error) -> DatasetError {
    DatasetError::Damaged { path: path.to_owned(), found: format!("is damaged: {error}") }
}

/// Waits until the disk has everything below `folder`.
///
/// # Errors
/// If the disk refuses.
pub fn sync_disk(folder: &Path) -> Result<(), DatasetError> {
    #[cfg(target_os = "linux")]
    {
        let opened = File::open(folder).map_err(PathError::at(folder, "read"))?;
        let synced = rustix::fs::syncfs(&opened).map_err(std::io::Error::from);
        synced.map_err(PathError::at(folder, "written"))?;
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    rustix::fs::sync();
    // Elsewhere a power cut may leave pictures empty; a killed process leaves none so.
    #[cfg(not(target_os = "linux"))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ONE: &str =
        r#"{"split":"train","figures":2,"image":{"id":1},"annotations":[{},{"a":0}]}"#;
    const TWO: &str = r#"{"split":"val","figures":0}"#;

    #[test]
    fn a_journal_goes_on_after_its_last_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::open(&path, 7).unwrap();
        assert_eq!(journal.done(), 7);
        journal.add(ONE);
        journal.mark(8).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        // Killed at any point of the next write.
        let mut next = format!("{TWO}\n{{\"done\":9}}\n").into_bytes();
        for cut in 0..=next.len() {
            fs::write(&path, [&whole, &next[..cut]].concat()).unwrap();
            let journal = Journal::open(&path, 7).unwrap();
            let all = cut == next.len();
            assert_eq!(journal.done(), if all { 9 } else { 8 }, "{cut}");
            let mut lines = Vec::new();
            let mut add = |line: Line| {
                lines.push((line.split, line.figures));
                Ok(())
            };
            journal.read(&mut add).unwrap();
            let expected = [(Split::Train, 2), (Split::Val, 0)];
            assert_eq!(lines, expected[..1 + usize::from(all)], "{cut}");
        }
        next.truncate(5);
        fs::write(&path, &next).unwrap();
        assert_eq!(Journal::open(&path, 7).unwrap().done(), 7);
    }

    #[test]
    fn a_damaged_journal_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        fs::write(&path, "{\"split\":\"nowhere\"}\n{\"done\":1}\n").unwrap();
        let said = Journal::open(&path, 0).unwrap().read(|_| Ok(())).unwrap_err().to_string();
        assert!(said.contains("journal.jsonl: is damaged: unknown variant"), "{said}");
    }
}
