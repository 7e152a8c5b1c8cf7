//! What every kind of entry needs: names of both sides, reflected points, checked numbers.

use glam::Vec3;
use marionette_base::toml_file::{FileError, TomlFile};
use std::ops::Range;

/// The names of an entry and, where it is mirrored, of its twin.
pub(super) fn sides(
    file: &TomlFile,
    span: Range<usize>,
    name: &str,
    mirror: bool,
) -> Result<Vec<String>, FileError> {
    match (mirror, name.strip_prefix("left_")) {
        (false, _) => Ok(vec![name.to_owned()]),
        (true, Some(rest)) => Ok(vec![name.to_owned(), format!("right_{rest}")]),
        (true, None) => Err(file.error(
            Some(span),
            format!("\"{name}\" has mirror = true, so its name must begin with \"left_\""),
        )),
    }
}

/// The name that the entry on `side` (0 as written, 1 its mirror image) refers to.
pub(super) fn on_side(name: &str, side: usize) -> String {
    match name.strip_prefix("left_") {
        Some(rest) if side == 1 => format!("right_{rest}"),
        _ => name.to_owned(),
    }
}

/// The index of the other side's `names[index]`, or `index` where there is no other side.
pub(super) fn twin_of(index: usize, names: &[String]) -> usize {
    let name = &names[index];
    let other = match (name.strip_prefix("left_"), name.strip_prefix("right_")) {
        (Some(rest), _) => format!("right_{rest}"),
        (_, Some(rest)) => format!("left_{rest}"),
        _ => return index,
    };
    names.iter().position(|known| *known == other).unwrap_or(index)
}

pub(super) fn reflect(v: [f32; 3], side: usize) -> Vec3 {
    let v = Vec3::from(v);
    if side == 1 { v * Vec3::new(-1.0, 1.0, 1.0) } else { v }
}

/// The greatest coordinate in a figure file, metres. With the largest scales of a body, all sums of
/// such lengths are finite.
pub(crate) const LONGEST: f32 = 10.0;

/// Checks coordinates, metres.
pub(super) fn lengths(
    file: &TomlFile,
    span: Range<usize>,
    what: &str,
    values: &[f32],
) -> Result<(), FileError> {
    let message = match values.iter().find(|v| !(-LONGEST..=LONGEST).contains(*v)) {
        Some(bad) if bad.is_finite() => {
            format!("{what} holds {bad}; give metres from -{LONGEST} to {LONGEST}")
        }
        Some(bad) => format!("{what} holds {bad}; every number must be finite"),
        None => return Ok(()),
    };
    Err(file.error(Some(span), message))
}

/// Checks angles, degrees.
pub(super) fn degrees(
    file: &TomlFile,
    span: Range<usize>,
    what: &str,
    values: &[f32],
) -> Result<(), FileError> {
    match values.iter().find(|v| !(-360.0..=360.0).contains(*v)) {
        None => Ok(()),
        Some(bad) => {
            let message = format!("{what} holds {bad}; give degrees from -360 to 360");
            Err(file.error(Some(span), message))
        }
    }
}

pub(super) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_found_by_name_however_they_were_written_down() {
        let names = ["nose", "left_eye", "right_eye", "left_tail"].map(str::to_owned);
        assert_eq!([0, 1, 2, 3].map(|i| twin_of(i, &names)), [0, 2, 1, 3]);
    }
}
