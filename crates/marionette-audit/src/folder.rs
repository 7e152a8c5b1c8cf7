//! The folder of an audit: what it is of, and what is known of each picture.

use crate::{
    AuditError,
    plan::{BATCH, Plan},
    report::Report,
    row::Row,
};
use marionette_base::atomic_file::{PathError, read_file, write_atomic};
use marionette_base::folder_lock::{FolderLock, LockError};
use marionette_run::{JsonLinesWriter, RunError, cut_back};
use serde::de::DeserializeOwned;
use std::{fs, path::Path};

/// The largest file that is read, bytes.
const LARGEST: u64 = 1 << 32;

/// An audit that is being made, or was.
pub struct Folder {
    /// What it is of.
    pub plan: Plan,
    /// The pictures so far.
    pub rows: Vec<Row>,
    writer: JsonLinesWriter,
    _lock: FolderLock,
}

impl Folder {
    /// Begins the audit of `plan` in a new or empty folder at `path`, or goes on with it where
    /// `resume` says so. Pictures after the last whole batch are forgotten.
    ///
    /// # Errors
    /// If there is something else in the folder, another process writes there, or the disk refuses.
    pub fn open(path: &Path, plan: Plan, resume: bool) -> Result<Self, AuditError> {
        fs::create_dir_all(path).map_err(PathError::at(path, "made"))?;
        let lock = FolderLock::take(&path.join(".lock")).map_err(|error| match error {
            LockError::Path(error) => AuditError::Path(error),
            LockError::Held { holder, .. } => AuditError::Damaged {
                path: path.to_owned(),
                found: format!("{holder} writes there"),
                remedy: "wait for it, or end it".to_owned(),
            },
        })?;
        let described = path.join("audit.json");
        if described.exists() {
            if !resume {
                return Err(AuditError::NotEmpty {
                    path: path.to_owned(),
                    first: "audit.json".to_owned(),
                });
            }
            plan.check_same(&read_plan(path)?, path)?;
        } else {
            let entries = fs::read_dir(path).map_err(PathError::at(path, "read"))?;
            let names = entries.flatten().map(|entry| entry.file_name());
            if let Some(first) = names.into_iter().find(|name| name != ".lock") {
                let first = first.to_string_lossy().into_owned();
                return Err(AuditError::NotEmpty { path: path.to_owned(), first });
            }
            let text = serde_json::to_string_pretty(&plan).unwrap_or_default();
            write_atomic(&described, (text + "\n").as_bytes())?;
        }
        let journal = path.join("pictures.jsonl");
        cut_back(&journal, u64::MAX)?;
        let mut rows = read_rows(path)?;
        if (rows.len() as u64) < plan.images && !rows.len().is_multiple_of(BATCH) {
            rows.truncate(rows.len() / BATCH * BATCH);
            cut_back(&journal, rows.len() as u64)?;
        }
        Ok(Folder { plan, rows, writer: JsonLinesWriter::open(&journal)?, _lock: lock })
    }

    /// Adds a picture and writes its line.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn add(&mut self, row: Row) -> Result<(), RunError> {
        self.writer.append(&row)?;
        self.rows.push(row);
        Ok(())
    }
}

/// What the audit in the folder at `path` is of.
///
/// # Errors
/// If there is none, or its description is damaged.
fn read_plan(path: &Path) -> Result<Plan, AuditError> {
    let missing = ("is no audit: it has no audit.json", "give the --out folder of an audit");
    read_json(path, "audit.json", missing)
}

/// The pictures of the audit in the folder at `path`, as far as it has come.
///
/// # Errors
/// If the file cannot be read, or a line of it is no picture.
fn read_rows(path: &Path) -> Result<Vec<Row>, AuditError> {
    let journal = path.join("pictures.jsonl");
    if !journal.exists() {
        return Ok(Vec::new());
    }
    let text = read_file(&journal, LARGEST)?;
    let line = |(number, line): (usize, &[u8])| {
        serde_json::from_slice(line).map_err(|error| AuditError::Damaged {
            path: journal.clone(),
            found: format!("line {} is no picture: {error}", number + 1),
            remedy: "make the audit anew".to_owned(),
        })
    };
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.enumerate().map(line).collect()
}

/// The report of the audit in the folder at `path`.
///
/// # Errors
/// If there is none yet, or it is damaged.
pub fn read_report(path: &Path) -> Result<Report, AuditError> {
    read_plan(path)?;
    let missing =
        ("has no report.json yet", "let `marionette audit` come to its end, with --resume");
    read_json(path, "report.json", missing)
}

/// What the file called `name` in `folder` holds; `missing` is said where there is none, and what
/// would do.
fn read_json<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    (found, remedy): (&str, &str),
) -> Result<T, AuditError> {
    let damaged = |path: &Path, found: &str, remedy: &str| AuditError::Damaged {
        path: path.to_owned(),
        found: found.to_owned(),
        remedy: remedy.to_owned(),
    };
    let path = folder.join(name);
    if !path.exists() {
        return Err(damaged(folder, found, remedy));
    }
    let bytes = read_file(&path, LARGEST)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        damaged(&path, &format!("is damaged or of another version: {error}"), "make the audit anew")
    })
}
