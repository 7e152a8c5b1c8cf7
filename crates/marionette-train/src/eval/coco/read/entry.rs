//! From a file's bytes to its entries, objects whose fields are looked at one by one: a field that
//! cannot be used is named together with the entry that it is in.

use marionette_base::text_file;
use serde::Deserialize;
use serde_json::{Map, Value, error::Category, value::RawValue};
use std::fmt::Display;

/// What was found, and what would do.
pub type Complaint = (String, &'static str);

/// Why a file has no lists of entries.
pub enum Trouble {
    /// It is not JSON: line and column from 1, and what was found.
    Syntax(usize, usize, String),
    /// It is something else.
    Content(Complaint),
}

impl From<Complaint> for Trouble {
    fn from(complaint: Complaint) -> Self {
        Trouble::Content(complaint)
    }
}

const GIVE: &str = "give a COCO keypoints file (images, annotations, categories)";
const WHOLE: &str = "give a whole number";

/// What begins a string that stands for a number that JSON does not have. Python writes such
/// numbers and reads them.
const NO_NUMBER: char = '\0';
const NO_NUMBERS: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// The text of a file's bytes, in a form that [`Lists::of`] reads.
///
/// # Errors
/// If the bytes are no UTF-8 or no JSON.
pub fn json_text(bytes: Vec<u8>) -> Result<String, Trouble> {
    let text = text_file::decode(bytes).map_err(|found| (found, GIVE))?;
    let Err(error) = serde_json::from_str::<&RawValue>(&text) else { return Ok(text) };
    match quoted(&text) {
        Some(quoted) if serde_json::from_str::<&RawValue>(&quoted).is_ok() => Ok(quoted),
        // The places in the text as it is are those that people find.
        _ => Err(syntax(&text, &error)),
    }
}

fn syntax(text: &str, error: &serde_json::Error) -> Trouble {
    let (line, column, said) = (error.line(), error.column(), bare(error));
    let around = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // In a file of a single line the column alone helps nobody.
    let found = if around.len() > 200 {
        let near: String = around.chars().skip(column.saturating_sub(25)).take(40).collect();
        format!("{said}, near `{near}`")
    } else {
        said
    };
    Trouble::Syntax(line, column, found)
}

/// An error without the place, which may be one in a part of the file.
fn bare(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    error.to_string().trim_end_matches(&place).to_owned()
}

/// The text with every number that JSON does not have as a string; `None` where it has none.
fn quoted(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    let (mut in_string, mut any) = (false, false);
    while let Some(at) = rest.find(['"', '\\', 'N', 'I', '-']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let number = NO_NUMBERS.iter().find(|name| !in_string && rest.starts_with(**name));
        let taken = if let Some(name) = number {
            any = true;
            out.push_str(&format!("\"\\u0000{name}\""));
            name.len()
        } else {
            in_string ^= rest.starts_with('"');
            // What is escaped may be a quote.
            let taken =
                if rest.starts_with('\\') { rest.chars().take(2) } else { rest.chars().take(1) };
            let taken = taken.map(char::len_utf8).sum();
            out.push_str(&rest[..taken]);
            taken
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    any.then_some(out)
}

/// The three lists of a file, an entry each.
pub struct Lists<'a> {
    /// What `images` holds.
    pub images: Vec<&'a RawValue>,
    /// What `annotations` holds.
    pub annotations: Vec<&'a RawValue>,
    /// What `categories` holds.
    pub categories: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawFile<'a> {
    #[serde(borrow)]
    images: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    categories: Option<&'a RawValue>,
}

impl<'a> Lists<'a> {
    /// The lists of a file with this text.
    ///
    /// # Errors
    /// If it has other ones.
    pub fn of(text: &'a str) -> Result<Self, Complaint> {
        let raw: RawFile = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data if text.trim_start().starts_with('{') => {
                (format!("is no COCO file: {}", bare(&error)), GIVE)
            }
            _ => ("is JSON, but no object".to_owned(), GIVE),
        })?;
        let list = |name: &str, raw: Option<&'a RawValue>| {
            let raw = raw.ok_or_else(|| (format!("has no list `{name}`"), GIVE))?;
            serde_json::from_str(raw.get())
                .map_err(|_| (format!("`{name}` is {}, no list", shown(raw.get())), GIVE))
        };
        Ok(Lists {
            images: list("images", raw.images)?,
            annotations: list("annotations", raw.annotations)?,
            categories: list("categories", raw.categories)?,
        })
    }
}

/// A value's text as a message shows it.
fn shown(text: impl Display) -> String {
    let text = text.to_string();
    if let Some(number) = text.strip_prefix("\"\\u0000") {
        return number.trim_end_matches('"').to_owned();
    }
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// An image, annotation or category.
#[derive(Debug)]
pub struct Entry {
    /// What it is called in messages: `annotation 7`.
    pub name: String,
    /// Its id.
    pub id: i64,
    /// The fields that have not been taken.
    pub fields: Map<String, Value>,
}

impl Entry {
    /// The entry at `place` of the list of the `kind`s.
    ///
    /// # Errors
    /// If it is no object, or has no id.
    pub fn of(kind: &str, place: usize, raw: &RawValue) -> Result<Self, Complaint> {
        let name = format!("{kind} {} of the list", place + 1);
        if !raw.get().starts_with('{') {
            return Err((format!("{name} is {}", shown(raw.get())), "give an object"));
        }
        let fields: Map<String, Value> = serde_json::from_str(raw.get())
            .map_err(|error| (format!("{name} cannot be read: {}", bare(&error)), GIVE))?;
        let mut entry = Entry { name, id: 0, fields };
        entry.id = entry.required("id")?;
        entry.name = format!("{kind} {}", entry.id);
        Ok(entry)
    }

    fn odd(&self, key: &str, value: &Value, remedy: &'static str) -> Complaint {
        (format!("{} has {} for its {key}", self.name, shown(value)), remedy)
    }

    /// A field as a message shows it.
    pub fn shown(&self, key: &str) -> String {
        self.fields.get(key).map(shown).unwrap_or_default()
    }

    /// Takes a field out; null is none.
    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.fields.remove(key).filter(|value| !value.is_null())
    }

    /// Takes a whole number out, however it is written.
    ///
    /// # Errors
    /// If it is none, or missing.
    pub fn required(&mut self, key: &str) -> Result<i64, Complaint> {
        match self.take(key) {
            Some(value) => whole(&value).ok_or_else(|| self.odd(key, &value, WHOLE)),
            None => Err((format!("{} has no {key}", self.name), WHOLE)),
        }
    }

    /// Takes a flag out: a boolean or a number; missing or null is no.
    ///
    /// # Errors
    /// If it is something else.
    pub fn flag(&mut self, key: &str) -> Result<bool, Complaint> {
        match self.take(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(value) => match number(&value) {
                Some(number) => Ok(number != 0.0),
                None => Err(self.odd(key, &value, "give 0 or 1")),
            },
        }
    }

    /// Takes the length of a side out, pixels. Missing, null, 0 and -1 say that it is not known.
    ///
    /// # Errors
    /// If it is something else.
    pub fn side(&mut self, key: &str) -> Result<Option<u32>, Complaint> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match whole(&value) {
            Some(-1 | 0) => Ok(None),
            Some(side) if u32::try_from(side).is_ok() => Ok(Some(side as u32)),
            _ => Err(self.odd(key, &value, "give a whole number of pixels, or leave it out")),
        }
    }

    /// Takes a finite number out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn number(&mut self, key: &str, remedy: &'static str) -> Result<Option<f64>, Complaint> {
        let Some(value) = self.take(key) else { return Ok(None) };
        number(&value).map(Some).ok_or_else(|| self.odd(key, &value, remedy))
    }

    /// Takes a text out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn text(&mut self, key: &str) -> Result<Option<String>, Complaint> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.starts_with(NO_NUMBER) => Ok(Some(text)),
            Some(value) => Err(self.odd(key, &value, "give a text in quotes")),
        }
    }

    /// Takes a list of texts out.
    ///
    /// # Errors
    /// If it is something else.
    pub fn texts(&mut self, key: &str) -> Result<Vec<String>, Complaint> {
        const TEXTS: &str = "give a list of names";
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let Value::Array(values) = value else { return Err(self.odd(key, &value, TEXTS)) };
        let text = |value: Value| match value {
            Value::String(text) if !text.starts_with(NO_NUMBER) => Ok(text),
            other => Err((format!("{} has {} in its {key}", self.name, shown(other)), TEXTS)),
        };
        values.into_iter().map(text).collect()
    }

    /// Takes a list of numbers out; null is `None`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn numbers(
        &mut self,
        key: &str,
        remedy: &'static str,
    ) -> Result<Option<Vec<Option<f64>>>, Complaint> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let Value::Array(values) = value else { return Err(self.odd(key, &value, remedy)) };
        let each = values.iter().enumerate().map(|(place, value)| match value {
            Value::Null => Ok(None),
            value => number(value).map(Some).ok_or_else(|| {
                let found = format!(
                    "{} has {} as number {} of its {key}",
                    self.name,
                    shown(value),
                    place + 1
                );
                (found, remedy)
            }),
        });
        each.collect::<Result<_, _>>().map(Some)
    }
}

/// A finite number.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// A whole number, which some write as 7.0.
fn whole(value: &Value) -> Option<i64> {
    let exact = |number: f64| number.fract() == 0.0 && number.abs() < 9e15;
    value.as_i64().or_else(|| number(value).filter(|number| exact(*number)).map(|n| n as i64))
}
