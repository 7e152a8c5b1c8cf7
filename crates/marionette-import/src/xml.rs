//! XML files as people's programs write them.

use crate::ImportError;
use marionette_base::text_file;
use roxmltree::{Document, ParsingOptions};
use std::path::Path;

/// Elements and texts of one file, at most.
const MOST_NODES: u32 = 4_000_000;

/// The text of an XML file, without what other readers pass over as well: blank lines before the
/// declaration, zeros at the end. Its lines stay where they are.
///
/// # Errors
/// If it is no UTF-8.
pub fn text(path: &Path, mut bytes: Vec<u8>) -> Result<String, ImportError> {
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    let text = text_file::decode(bytes).map_err(|message| {
        let message = format!("{message}; names and texts must be UTF-8");
        ImportError::file(path, None, message)
    })?;
    // A declaration is allowed only at the very start.
    let Some(start) = text.find("<?xml") else { return Ok(text) };
    let Some(length) = text[start..].find("?>") else { return Ok(text) };
    let blank: String = text[..start + length + 2]
        .chars()
        .map(|letter| if letter == '\n' { '\n' } else { ' ' })
        .collect();
    match text[..start].trim().is_empty() {
        true => Ok(format!("{blank}{}", &text[start + length + 2..])),
        false => Ok(text),
    }
}

/// The elements of `text`.
///
/// # Errors
/// If it is no XML, with the line.
pub fn parse<'a>(path: &Path, text: &'a str) -> Result<Document<'a>, ImportError> {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, ..Default::default() };
    Document::parse_with_options(text, options).map_err(|error| {
        let line = error.pos().row as usize;
        ImportError::file(path, Some(line), format!("is no XML that can be read: {error}"))
    })
}
