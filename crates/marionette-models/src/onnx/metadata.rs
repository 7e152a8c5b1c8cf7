//! What a file says of itself: our model card, and what Ultralytics' exporter writes.

use marionette_train::export::ModelCard;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What a file says of itself.
#[derive(Debug, Default)]
pub struct Metadata {
    /// It is one of ours.
    pub ours: Option<Ours>,
    /// It is one of Ultralytics', or says the same.
    pub ultralytics: Option<Ultralytics>,
}

/// Our card, and the section that ONNX files have besides.
#[derive(Debug)]
pub struct Ours {
    pub card: ModelCard,
    pub interface: Interface,
}

/// What goes in and comes out of a file of ours.
#[derive(Debug, Deserialize)]
pub struct Interface {
    pub head: String,
    pub input: InterfaceInput,
}

/// For each channel, (colour · `scale` - `mean`) / `deviation` of colours from 0 to 1.
#[derive(Debug, Deserialize)]
pub struct InterfaceInput {
    pub channels: String,
    pub scale: f32,
    pub mean: [f32; 3],
    pub deviation: [f32; 3],
}

/// What Ultralytics' exporter writes (`ultralytics/engine/exporter.py`).
#[derive(Debug)]
pub struct Ultralytics {
    /// Number of keypoints, and of values for each.
    pub shape: [usize; 2],
    /// Width and height of the input.
    pub size: Option<[usize; 2]>,
    /// Number of classes.
    pub classes: usize,
    /// The keypoints' names.
    pub names: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WithInterface {
    onnx: Interface,
}

impl Metadata {
    /// What these entries say.
    ///
    /// # Errors
    /// If our card is there, but cannot be read, or the keypoints' number of Ultralytics'.
    pub fn of(entries: &BTreeMap<String, String>) -> Result<Self, String> {
        let ours = match entries.get("marionette") {
            None => None,
            Some(text) => {
                let interface = serde_json::from_str::<WithInterface>(text).map_err(|error| {
                    format!("holds a model card without a readable section `onnx`: {error}")
                })?;
                Some(Ours { card: ModelCard::parse(text)?, interface: interface.onnx })
            }
        };
        let ultralytics = match entries.get("kpt_shape") {
            None => None,
            Some(text) => Some(ultralytics(text, entries)?),
        };
        Ok(Metadata { ours, ultralytics })
    }
}

fn ultralytics(shape: &str, entries: &BTreeMap<String, String>) -> Result<Ultralytics, String> {
    let shape = match numbers(shape)[..] {
        [count @ (1..), values @ (2..=3)] => [count, values],
        _ => return Err(format!("has \"{shape}\" for its kpt_shape, not [K, 2] or [K, 3]")),
    };
    // Height first.
    let size = entries.get("imgsz").and_then(|text| match numbers(text)[..] {
        [side] => Some([side; 2]),
        [height, width] => Some([width, height]),
        _ => None,
    });
    let classes = entries.get("names").map_or(1, |names| strings(names).len().max(1));
    // Of several classes, the first.
    let names = entries.get("kpt_names").map(|names| strings(names));
    let names = names.filter(|names| names.len() >= shape[0]).map(|mut names| {
        names.truncate(shape[0]);
        names
    });
    Ok(Ultralytics { shape, size, classes, names })
}

/// The whole numbers in a Python literal.
fn numbers(text: &str) -> Vec<usize> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    digits.filter_map(|part| part.parse().ok()).collect()
}

/// The strings in a Python literal, in single or double quotes.
fn strings(text: &str) -> Vec<String> {
    let (mut found, mut open): (Vec<String>, Option<char>) = (Vec::new(), None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (open, found.last_mut()) {
            (Some(quote), _) if letter == quote => open = None,
            (Some(_), Some(last)) => match letter {
                '\\' => last.extend(letters.next()),
                letter => last.push(letter),
            },
            (None, _) if matches!(letter, '\'' | '"') => {
                open = Some(letter);
                found.push(String::new());
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_ultralytics_writes_is_read() {
        let of = |pairs: &[(&str, &str)]| Metadata::of(&entries(pairs)).map(|m| m.ultralytics);
        let found = of(&[
            ("kpt_shape", "[2, 3]"),
            ("imgsz", "[480, 640]"),
            ("names", "{0: 'person', 1: \"robot's \\\"arm\\\"\"}"),
            ("kpt_names", "{0: ['nose', 'left_eye'], 1: ['a', 'b']}"),
        ]);
        let found = found.unwrap().unwrap();
        assert_eq!((found.shape, found.size, found.classes), ([2, 3], Some([640, 480]), 2));
        assert_eq!(found.names.unwrap(), ["nose", "left_eye"]);
        let bare = of(&[("kpt_shape", "(17, 2)")]).unwrap().unwrap();
        assert_eq!((bare.shape, bare.size, bare.classes), ([17, 2], None, 1));
        assert!(bare.names.is_none());
        assert!(of(&[("imgsz", "640")]).unwrap().is_none());
        let error = of(&[("kpt_shape", "[17, 9]")]).unwrap_err();
        assert_eq!(error, "has \"[17, 9]\" for its kpt_shape, not [K, 2] or [K, 3]");
        assert_eq!(strings("['a\\'b', 'c']"), ["a'b", "c"]);
    }

    #[test]
    fn a_card_of_ours_that_cannot_be_read_is_an_error() {
        let error = Metadata::of(&entries(&[("marionette", "{}")])).unwrap_err();
        assert!(error.contains("without a readable section `onnx`"), "{error}");
    }
}
