//! Reading TOML files so that every complaint names the file and the line.

use serde::de::DeserializeOwned;
use std::{
    fmt, fs,
    ops::Range,
    path::{Path, PathBuf},
};

/// The largest TOML file that is read, bytes. Files people write by hand are a thousand times smaller.
const LARGEST: u64 = 8 << 20;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1, where there is one to name.
    pub line: Option<usize>,
    /// What was found and what would do.
    pub message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path.display(), self.message),
            None => write!(f, "{}: {}", self.path.display(), self.message),
        }
    }
}

/// A TOML file's path and text, to read values from and to point into.
#[derive(Clone, Debug)]
pub struct TomlFile {
    /// Where the text came from.
    pub path: PathBuf,
    /// The text.
    pub text: String,
}

impl TomlFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Where it is missing, unreadable, not UTF-8 or over 8 MiB.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let fail = |message: String| FileError { path: path.to_owned(), line: None, message };
        let size = fs::metadata(path).map_err(|e| fail(format!("cannot be read: {e}")))?.len();
        if size > LARGEST {
            return Err(fail(format!("is {size} bytes; at most {LARGEST} are read")));
        }
        let text = fs::read_to_string(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
        Ok(TomlFile { path: path.to_owned(), text })
    }

    /// The whole file as a `T`.
    ///
    /// # Errors
    /// Broken syntax, an unknown key, a wrong type, a missing key, with the line.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        toml::from_str(&self.text)
            .map_err(|e| FileError { line: e.span().map(|span| self.line(&span)), ..self.error(None, e.message()) })
    }

    /// An error at `span` of this file.
    pub fn error(&self, span: Option<Range<usize>>, message: impl Into<String>) -> FileError {
        FileError { path: self.path.clone(), line: span.map(|span| self.line(&span)), message: message.into() }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
    }
}
