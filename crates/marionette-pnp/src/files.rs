//! `q.json` and `K.json`: joint states and intrinsics, one for all pictures or one for each.

use super::{Intrinsics, PnpError};
use marionette_base::atomic_file::read_file;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::Path};

/// The largest file that is read, bytes: a line for each of a hundred thousand pictures.
const LARGEST: u64 = 64 << 20;

/// The states of joints by name, radians or metres: for all pictures, or by the picture's name.
pub type JointFile = PerPicture<BTreeMap<String, f32>>;

/// Intrinsics: for all pictures, or by the picture's name.
pub type LensFile = PerPicture<Intrinsics>;

/// Something for all pictures, or for each by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct PerPicture<T> {
    name: String,
    values: Values<T>,
}

#[derive(Clone, Debug, PartialEq)]
enum Values<T> {
    Same(T),
    Each(BTreeMap<String, T>),
}

impl<T> PerPicture<T> {
    /// What the file has for the picture of this name or path.
    ///
    /// # Errors
    /// If it has none, with its first names.
    pub fn of(&self, picture: &str) -> Result<&T, PnpError> {
        let each = match &self.values {
            Values::Same(value) => return Ok(value),
            Values::Each(each) => each,
        };
        let name = picture.rsplit(['/', '\\']).next().unwrap_or(picture);
        each.get(picture).or_else(|| each.get(name)).ok_or_else(|| {
            let some: Vec<&str> = each.keys().take(3).map(String::as_str).collect();
            let more = if each.len() > some.len() { ", ..." } else { "" };
            PnpError::File(format!(
                "{}: has nothing for the picture \"{name}\"; it has {}{more}",
                self.name,
                some.join(", ")
            ))
        })
    }
}

impl JointFile {
    /// Reads `{"panda_joint1": 0.1, ...}`, or such an object for each picture's name.
    ///
    /// # Errors
    /// If the file cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, PnpError> {
        Self::parse(path, &text(path)?)
    }

    /// Reads the `text` of the file at `path`. See [`JointFile::read`].
    ///
    /// # Errors
    /// As [`JointFile::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, PnpError> {
        let object = object(path, text)?;
        let each = !object.is_empty() && object.values().all(Value::is_object);
        per_picture(path, object, each, |states: BTreeMap<String, f32>| {
            match states.iter().find(|(_, value)| !value.is_finite()) {
                Some((joint, value)) => Err(format!("{joint} is {value}; give a finite number")),
                None => Ok(states),
            }
        })
    }
}

impl LensFile {
    /// Reads `{"fx": .., "fy": .., "cx": .., "cy": .., "width": .., "height": .., "distortion":
    /// [k1, k2, p1, p2, k3]}` or `{"camera_matrix": [[..], [..], [..]], ..}`, or such an object for
    /// each picture's name. Distortion, width and height may be missing.
    ///
    /// # Errors
    /// If the file cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, PnpError> {
        Self::parse(path, &text(path)?)
    }

    /// Reads the `text` of the file at `path`. See [`LensFile::read`].
    ///
    /// # Errors
    /// As [`LensFile::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, PnpError> {
        let object = object(path, text)?;
        let each = !object.is_empty() && object.values().all(Value::is_object);
        per_picture(path, object, each, LensEntry::checked)
    }
}

fn text(path: &Path) -> Result<String, PnpError> {
    let shown = path.display();
    let bytes = read_file(path, LARGEST)
        .map_err(|error| PnpError::File(format!("{shown}: cannot be read: {}", error.error)))?;
    String::from_utf8(bytes).map_err(|_| PnpError::File(format!("{shown}: is not UTF-8 text")))
}

fn object(path: &Path, text: &str) -> Result<Map<String, Value>, PnpError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(text)
        .map_err(|error| PnpError::File(format!("{}: is no JSON object: {error}", path.display())))
}

fn per_picture<E: DeserializeOwned, T>(
    path: &Path,
    mut object: Map<String, Value>,
    each: bool,
    check: impl Fn(E) -> Result<T, String>,
) -> Result<PerPicture<T>, PnpError> {
    // Our own JSON files begin with it.
    object.remove("schema_version");
    let name = path.display().to_string();
    let read = |picture: Option<&str>, value: Value| {
        serde_json::from_value(value).map_err(|e| e.to_string()).and_then(&check).map_err(|why| {
            let at = picture.map(|picture| format!(" \"{picture}\":")).unwrap_or_default();
            PnpError::File(format!("{name}:{at} {why}"))
        })
    };
    let values = if each {
        let entries = object.into_iter().map(|(picture, value)| {
            let value = read(Some(&picture), value)?;
            Ok((picture, value))
        });
        Values::Each(entries.collect::<Result<_, PnpError>>()?)
    } else {
        Values::Same(read(None, Value::Object(object))?)
    };
    Ok(PerPicture { name, values })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LensEntry {
    fx: Option<f64>,
    fy: Option<f64>,
    cx: Option<f64>,
    cy: Option<f64>,
    camera_matrix: Option<Vec<Vec<f64>>>,
    width: Option<u32>,
    height: Option<u32>,
    #[serde(default)]
    distortion: Vec<f64>,
}

impl LensEntry {
    fn checked(self) -> Result<Intrinsics, String> {
        let forms = "give fx, fy, cx and cy, or camera_matrix = [[fx, 0, cx], [0, fy, cy], \
                     [0, 0, 1]], pixels";
        let (focal, center) = match (self.camera_matrix, [self.fx, self.fy, self.cx, self.cy]) {
            (None, [Some(fx), Some(fy), Some(cx), Some(cy)]) => ([fx, fy], [cx, cy]),
            (Some(rows), [None, None, None, None]) => {
                let [x, y, last] = rows.as_slice() else { return Err(forms.into()) };
                let (&[fx, skew, cx], &[below, fy, cy]) = (x.as_slice(), y.as_slice()) else {
                    return Err(forms.into());
                };
                if skew != 0.0 || below != 0.0 || last != &[0.0, 0.0, 1.0] {
                    return Err(format!(
                        "camera_matrix is skewed, which is not known here; {forms}"
                    ));
                }
                ([fx, fy], [cx, cy])
            }
            _ => return Err(forms.into()),
        };
        if !focal.iter().all(|f| f.is_finite() && *f > 0.0) || !center.iter().all(|c| c.is_finite())
        {
            return Err(format!(
                "the focal lengths are {focal:?} and the middle is {center:?}; {forms}, the first \
                 two above 0"
            ));
        }
        // OpenCV's further coefficients are of rational lenses, thin prisms and tilted sensors.
        let known = self.distortion.len() <= 5 || self.distortion[5..].iter().all(|k| *k == 0.0);
        if !known || !self.distortion.iter().all(|k| k.is_finite()) {
            return Err(format!(
                "distortion has {} numbers; give OpenCV's first five, k1, k2, p1, p2, k3, or none",
                self.distortion.len()
            ));
        }
        let coefficient = |index: usize| self.distortion.get(index).copied().unwrap_or(0.0);
        let size = match (self.width, self.height) {
            (Some(width), Some(height)) if width > 0 && height > 0 => Some([width, height]),
            (None, None) => None,
            _ => return Err("give width and height, both above 0, or neither".into()),
        };
        let distortion = [0, 1, 2, 3, 4].map(coefficient);
        Ok(Intrinsics { focal, center, distortion, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens(text: &str) -> Result<LensFile, PnpError> {
        LensFile::parse(Path::new("K.json"), text)
    }

    fn joints(text: &str) -> Result<JointFile, PnpError> {
        JointFile::parse(Path::new("q.json"), text)
    }

    #[test]
    fn both_forms_of_intrinsics_say_the_same_for_all_pictures_or_for_each() {
        let numbers = r#"{"fx": 500, "fy": 510.5, "cx": 320, "cy": 240, "distortion": [0.1, 0.2]}"#;
        let matrix = r#"{"camera_matrix": [[500, 0, 320], [0, 510.5, 240], [0, 0, 1]],
            "distortion": [0.1, 0.2, 0, 0, 0, 0, 0, 0]}"#;
        let expected = Intrinsics {
            distortion: [0.1, 0.2, 0.0, 0.0, 0.0],
            ..Intrinsics::pinhole([500.0, 510.5], [320.0, 240.0])
        };
        for text in [numbers, matrix] {
            assert_eq!(lens(text).unwrap().of("x.png").unwrap(), &expected);
        }
        let each = lens(&format!(r#"{{"a.png": {numbers}, "b.png": {matrix}}}"#)).unwrap();
        assert_eq!(each.of("some/where/a.png").unwrap(), &expected);
        let missing = each.of("c.png").unwrap_err().to_string();
        assert!(missing.contains("\"c.png\"; it has a.png, b.png"), "{missing}");
    }

    #[test]
    fn what_is_no_lens_or_no_state_is_refused() {
        for (text, found) in [
            ("[1]", "K.json: is no JSON object"),
            (r#"{"fx": 500, "fy": 500, "cx": 1}"#, "K.json: give fx, fy, cx and cy"),
            (r#"{"fx": 0, "fy": 500, "cx": 1, "cy": 2}"#, "the first two above 0"),
            (r#"{"fx": 5, "fy": 5, "cx": 1, "cy": 2, "width": 4}"#, "give width and height"),
            (r#"{"fx": 5, "fy": 5, "cx": 1, "cy": 2, "k1": 4}"#, "unknown field `k1`"),
            (r#"{"camera_matrix": [[5, 1, 2], [0, 5, 2], [0, 0, 1]]}"#, "is skewed"),
            (r#"{"a.png": {"fx": 5}}"#, "K.json: \"a.png\": give fx, fy"),
            (
                r#"{"fx": 5, "fy": 5, "cx": 1, "cy": 2, "distortion": [0, 0, 0, 0, 0, 1]}"#,
                "distortion has 6 numbers",
            ),
        ] {
            let refused = lens(text).unwrap_err().to_string();
            assert!(refused.contains(found), "{text}: {refused}");
        }
        let states = joints(r#"{"a.png": {"elbow": 0.5}, "b.png": {"elbow": 1}}"#).unwrap();
        assert_eq!(states.of("b.png").unwrap()["elbow"], 1.0);
        assert!(joints("{}").unwrap().of("b.png").unwrap().is_empty());
        for (text, found) in [
            (r#"{"elbow": "bent"}"#, "expected f32"),
            (r#"{"a.png": {"elbow": 1}, "elbow": 1}"#, "q.json: invalid type"),
            (r#"{"elbow": 1e300}"#, "elbow is inf"),
        ] {
            let refused = joints(text).unwrap_err().to_string();
            assert!(refused.contains(found), "{text}: {refused}");
        }
    }
}
