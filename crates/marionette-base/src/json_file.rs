//! JSON that other programs read.

use serde::Serialize;

/// The version of what our JSON files hold, under the key `schema_version`: raised when a program
/// that reads one of them could no longer do so. New keys do not raise it. (Model cards and
/// checkpoints have `format` instead.)
pub const SCHEMA_VERSION: u32 = 1;

/// What a file holds, with the version before it.
#[derive(Serialize)]
struct Versioned<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    content: &'a T,
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
