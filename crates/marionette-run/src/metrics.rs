//! `metrics.jsonl`: one JSON object per logged step, each with its `step`.

use super::RunError;
use marionette_base::atomic_file::{PathError, write_atomic};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Appends to a file of metrics.
#[derive(Debug)]
pub struct MetricsWriter {
    path: PathBuf,
    file: File,
}

#[derive(Serialize)]
struct Line<'a, T> {
    step: u64,
    #[serde(flatten)]
    row: &'a T,
}

#[derive(Deserialize)]
struct Stepped {
    step: u64,
}

impl MetricsWriter {
    /// Opens the file at `path`, or begins one. After a crash, [`cut_back`] comes first.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, PathError> {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(PathError::at(path, "written"))?;
        Ok(MetricsWriter { path: path.to_owned(), file })
    }

    /// Appends `{"step": step, ...row}`; `row` is a struct or a map without a `step` of its own. `step` counts the steps
    /// done, from 1. The line is with the operating system when this returns. Numbers that are not finite become null.
    ///
    /// # Errors
    /// If `row` is something else, or the disk is full; naming the file.
    pub fn append(&mut self, step: u64, row: &impl Serialize) -> Result<(), RunError> {
        let mut line = serde_json::to_vec(&Line { step, row })
            .map_err(|error| RunError::Content { path: self.path.clone(), message: error.to_string() })?;
        line.push(b'\n');
        // One write, unbuffered: a kill leaves whole lines.
        Ok(self.file.write_all(&line).map_err(PathError::at(&self.path, "written"))?)
    }
}

/// Drops every line after `step` (0 for all) from the file at `path`, and a torn last line, so that a run continued from
/// the checkpoint of `step` does not log anything twice. Returns how many lines went; no file is an empty one.
///
/// # Errors
/// If the file cannot be read or written, or a line before the last is not a JSON object with a `step`; nothing has
/// changed then.
pub fn cut_back(path: &Path, step: u64) -> Result<usize, RunError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(PathError::at(path, "read")(error).into()),
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
