//! JSON that other programs read.

use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// The version of what our JSON files hold, under the key `schema_version`: raised when a program
/// that reads one of them could no longer do so. New keys do not raise it. (Model cards and
/// checkpoints have `format` instead.)
pub const SCHEMA_VERSION: u32 = 1;

/// A path as JSON has it, with `serialize_with`: what is no Unicode in it is replaced.
///
/// # Errors
/// Whatever the serializer says.
pub fn path_text<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&path.to_string_lossy())
}

/// As [`path_text`], of several.
///
/// # Errors
/// Whatever the serializer says.
pub fn path_texts<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(paths.iter().map(|path| path.to_string_lossy()))
}

/// What a file holds, with the version before it.
#[derive(Serialize)]
struct Versioned<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    content: &'a T,
}

/// Something in which two structs of a kind differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its key, in words.
    pub key: String,
    /// What the one has there, as JSON.
    pub one: String,
    /// What the other has there.
    pub other: String,
}

/// The first key, by the alphabet, in which two structs differ as JSON.
pub fn difference<T: Serialize>(one: &T, other: &T) -> Option<Difference> {
    let [one, other] = [one, other].map(|of| serde_json::to_value(of).unwrap_or_default());
    let mut keys = one.as_object().into_iter().flat_map(|fields| fields.keys());
    let key = keys.find(|key| one[key.as_str()] != other[key.as_str()])?;
    Some(Difference {
        key: key.replace('_', " "),
        one: one[key].to_string(),
        other: other[key].to_string(),
    })
}

/// The text of a JSON file that holds `content`, a struct, with its version, and ends its last
/// line.
///
/// # Errors
/// If `content` is no struct, or something in it has no place in JSON.
pub fn json_text(content: &impl Serialize) -> serde_json::Result<String> {
    let versioned = Versioned { schema_version: SCHEMA_VERSION, content };
    serde_json::to_string_pretty(&versioned).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_comes_first_and_numbers_keep_their_digits() {
        #[derive(Serialize)]
        struct Content {
            share: f32,
            missing: Option<f64>,
        }
        let text = json_text(&Content { share: 0.1, missing: None }).unwrap();
        assert_eq!(
            text,
            "{\n  \"schema_version\": 1,\n  \"share\": 0.1,\n  \"missing\": null\n}\n"
        );
        assert!(json_text(&[1, 2]).is_err());
    }
}
