//! Reads TOML files so that every error names the file and the line.

use crate::{atomic_file::read_file, text_file};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error},
};
use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};
use toml::de::DeTable;

/// The largest TOML file that is read, bytes. Files that people write by hand are a thousand times
/// smaller.
const LARGEST: u64 = 8 << 20;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1; `None` where the error has no single line.
    pub line: Option<usize>,
    /// What was found and what is allowed.
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

/// A TOML file's path and text. Values are read from it, and errors point into it.
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
    /// If the file is missing, unreadable, not UTF-8 or over 8 MiB.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let fail = |message: String| FileError { path: path.to_owned(), line: None, message };
        let bytes = read_file(path, LARGEST)
            .map_err(|error| fail(format!("cannot be read: {}", error.error)))?;
        let text = text_file::decode(bytes).map_err(fail)?;
        Ok(TomlFile { path: path.to_owned(), text })
    }

    /// The whole file as a `T`.
    ///
    /// # Errors
    /// Broken syntax, an unknown key, a wrong type, a missing key, with the line.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        toml::from_str(&self.text).map_err(|e| FileError {
            line: e.span().map(|span| self.line(&span)),
            ..self.error(None, e.message())
        })
    }

    /// An error at `span` of this file.
    pub fn error(&self, span: Option<Range<usize>>, message: impl Into<String>) -> FileError {
        FileError {
            path: self.path.clone(),
            line: span.map(|span| self.line(&span)),
            message: message.into(),
        }
    }

    /// The line, counted from 1, on which the dotted `key` is set ("image.width"): under its
    /// section's header, in an inline table or as a dotted key. `None` where the file does not set
    /// it, and for a section as a whole, which has many lines.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        let document = DeTable::parse(&self.text).ok()?;
        let mut table = Some(document.get_ref());
        let mut line = None;
        for name in key.split('.') {
            let (written, value) = table?.get_key_value(name)?;
            table = value.get_ref().as_table();
            let inline = self.text[value.span()].starts_with('{');
            line = (table.is_none() || inline).then(|| self.line(&written.span()));
        }
        line
    }

    fn line(&self, span: &Range<usize>) -> usize {
        1 + self.text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
    }
}

/// A list of exactly `N` values, read with `deserialize_with`. Serde alone reads an array from the
/// first `N` values of a TOML list and ignores the others.
///
/// # Errors
/// If the list is longer or shorter.
pub fn exact<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    from: D,
) -> Result<[T; N], D::Error> {
    let values = Vec::deserialize(from)?;
    let found = values.len();
    values
        .try_into()
        .map_err(|_| D::Error::invalid_length(found, &format!("a list of {N}").as_str()))
}

/// A list of any number of lists of exactly `N` values. See [`exact`].
///
/// # Errors
/// If one of the inner lists is longer or shorter.
pub fn exact_rows<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    from: D,
) -> Result<Vec<[T; N]>, D::Error> {
    Ok(Vec::deserialize(from)?.into_iter().map(|Exact(row)| row).collect())
}

/// A list of exactly `N` values inside another value. See [`exact`].
#[derive(Clone, Copy, Debug)]
pub struct Exact<T, const N: usize>(pub [T; N]);

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Exact<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        exact(from).map(Exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_however_they_are_written() {
        let text =
            "a = 1\n\n[b] # a header\n\"c\" = { d = 2,\n e.f = 3 }\ng.h = 4\n\n[b.i]\nj = 5\n";
        let file = TomlFile { path: "x.toml".into(), text: text.into() };
        for (key, line) in [
            ("a", Some(1)),
            ("b", None),
            ("b.c", Some(4)),
            ("b.c.d", Some(4)),
            ("b.c.e.f", Some(5)),
            ("b.g", None),
            ("b.g.h", Some(6)),
            ("b.i.j", Some(9)),
            ("b.k", None),
            ("a.b", None),
        ] {
            assert_eq!(file.line_of(key), line, "{key}");
        }
    }
}
